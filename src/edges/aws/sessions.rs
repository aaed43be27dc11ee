//! One session per Region and role: its credentials and its services' clients, made when they are
//! first needed and kept.
//!
//! A role is assumed at the STS of the Region that it is used in, so a site's dead Region keeps
//! nobody from another's. Route 53's is [`DNS_REGION`]'s, never a site's. No client repeats a
//! request or keeps a signed one: each is signed when it is sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use bowline_core::model::{Region, RoleArn, Scope};

use super::credentials::{AssumedRole, Own, renewing};
use super::endpoints::{Endpoints, Service};

/// The Region of Route 53's control plane; other partitions of AWS have their own.
const DNS_REGION: &str = "us-east-1";

/// How long a connection may take to be made. Shorter than any call's deadline, so that a host that
/// is gone is told apart from a request whose outcome is unknown.
const CONNECT: Duration = Duration::from_secs(2);

/// How long an answer may take. Shorter than a step's call may.
const ANSWER: Duration = Duration::from_secs(7);

/// How services are reached.
#[derive(Clone)]
struct Reach {
    endpoints: Endpoints,
    /// The SDK's own where there is none.
    http: Option<SharedHttpClient>,
}

/// The sessions of one process.
pub(super) struct Sessions {
    reach: Reach,
    own: SharedCredentialsProvider,
    known: Mutex<BTreeMap<Scope, Arc<Session>>>,
}

impl Sessions {
    /// Sessions with the process's own credentials.
    pub(super) fn new(endpoints: Endpoints) -> Self {
        Self::with(endpoints, Own::default())
    }

    /// Sessions with given credentials instead of the process's own.
    pub(super) fn with(endpoints: Endpoints, own: impl ProvideCredentials + 'static) -> Self {
        let reach = Reach { endpoints, http: None };
        Self { reach, own: renewing(own), known: Mutex::default() }
    }

    /// The same, over an HTTP client. Sessions that there are keep theirs.
    pub(super) fn over(mut self, client: SharedHttpClient) -> Self {
        self.reach.http = Some(client);
        self
    }

    /// The session of a Region and role.
    pub(super) fn of(&self, scope: &Scope) -> Arc<Session> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Session::new(scope, &self.reach, &self.own));
        Arc::clone(known.entry(scope.clone()).or_insert_with(new))
    }
}

/// Where Route 53 is called, with the DNS role.
pub(super) fn dns(role: Option<&RoleArn>) -> Scope {
    let region = match role.and_then(|role| role.as_str().split(':').nth(1)) {
        Some("aws-cn") => "cn-northwest-1",
        Some("aws-us-gov") => "us-gov-west-1",
        _ => DNS_REGION,
    };
    Scope { region: Region::new(region), role: role.cloned() }
}

/// Declares a service's client: made once, when it is first asked for.
macro_rules! clients {
    ($($name:ident: $sdk:ident, $service:ident;)*) => {
        /// A Region's services, called with one role.
        pub(super) struct Session {
            region: Region,
            reach: Reach,
            credentials: SharedCredentialsProvider,
            $($name: OnceLock<$sdk::Client>,)*
        }

        impl Session {
            fn new(scope: &Scope, reach: &Reach, own: &SharedCredentialsProvider) -> Self {
                Self {
                    region: scope.region.clone(),
                    reach: reach.clone(),
                    credentials: credentials(scope, reach, own),
                    $($name: OnceLock::new(),)*
                }
            }

            $(
                /// The service's client.
                pub(super) fn $name(&self) -> &$sdk::Client {
                    let (at, who) = ((&self.region, Service::$service), &self.credentials);
                    let new = || $sdk::Client::new(&config(at, &self.reach, who));
                    self.$name.get_or_init(new)
                }
            )*
        }
    };
}

clients! {
    route53: aws_sdk_route53, Route53;
    elb: aws_sdk_elasticloadbalancingv2, Elb;
    rds: aws_sdk_rds, Rds;
    cloudwatch: aws_sdk_cloudwatch, CloudWatch;
    eks: aws_sdk_eks, Eks;
}

impl Session {
    /// The session's present credentials, to sign with what no client sends.
    pub(super) async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        self.credentials.provide_credentials().await
    }
}

/// Whose credentials a scope's calls are signed with.
fn credentials(
    scope: &Scope,
    reach: &Reach,
    own: &SharedCredentialsProvider,
) -> SharedCredentialsProvider {
    let Some(role) = &scope.role else { return own.clone() };
    let config = config((&scope.region, Service::Sts), reach, own);
    renewing(AssumedRole::new(aws_sdk_sts::Client::new(&config), role.clone()))
}

/// How a service of a Region is called: where, with whose credentials, and everything once.
fn config(
    (region, service): (&Region, Service),
    reach: &Reach,
    who: &SharedCredentialsProvider,
) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(ANSWER);
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(aws_config::Region::new(region.to_string()))
        .credentials_provider(who.clone())
        .identity_cache(IdentityCache::no_cache())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build());
    config.set_app_name(AppName::new("bowline").ok());
    config.set_endpoint_url(reach.endpoints.url(region, service).map(str::to_owned));
    config.set_http_client(reach.http.clone());
    config.build()
}
