//! Logging in to EKS clusters: `DescribeCluster` says where one is, and a presigned STS request
//! that we never send proves to it who we are.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use aws_sdk_eks::operation::describe_cluster::{DescribeClusterError, DescribeClusterOutput};
use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use backoff::Retryable;

use bowline_core::model::{ObjectName, Region, Scope};
use bowline_core::op::Fault;

use super::budget::Pace;
use super::credentials::patience;
use super::fault::fault;
use super::sessions::Session;
use crate::edges::kube::EksLogin;

/// How long a token is good for, by EKS' word 15 minutes; clocks differ.
const GOOD_FOR: Duration = Duration::from_secs(14 * 60);

/// What `X-Amz-Expires` says; EKS' authenticator looks at the date, not at this.
const EXPIRES: Duration = Duration::from_secs(60);

/// How long what a cluster said of itself is used before it is asked again.
const KEPT: Duration = Duration::from_secs(60 * 60);

/// How long describing a cluster may take with its retries.
const DESCRIBE: Duration = Duration::from_secs(8);

/// The header that binds a token to one cluster.
const CLUSTER: &str = "x-k8s-aws-id";

/// Where a cluster is, and the authority that its certificate is from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Described {
    endpoint: String,
    authority: String,
}

/// What is known of clusters.
type Known = BTreeMap<(Scope, ObjectName), (Described, Instant)>;

/// Who logs in; remembers what clusters said of themselves, so that a token can be had while EKS'
/// own API does not answer.
#[derive(Default)]
pub(super) struct Logins {
    known: Mutex<Known>,
}

impl Logins {
    /// A fresh login to a cluster.
    pub(super) async fn login(
        &self,
        session: &Session,
        (scope, name): (&Scope, &ObjectName),
        pace: &Pace<'_>,
    ) -> Result<EksLogin, Fault> {
        let Described { endpoint, authority } = self.described(session, scope, name, pace).await?;
        let credentials = session.credentials().await.map_err(|e| {
            // Only told apart from a refusal by what a signed call would meet.
            fault(SdkError::<DescribeClusterError, HttpResponse>::construction_failure(e), false)
        })?;
        let now = SystemTime::now();
        let token = token(&credentials, &scope.region, name, now).await?;
        let left = credentials.expiry().map(|at| at.duration_since(now).unwrap_or_default());
        let valid_for = left.map_or(GOOD_FOR, |left| left.min(GOOD_FOR));
        Ok(EksLogin { endpoint, authority, token, valid_for })
    }

    async fn described(
        &self,
        session: &Session,
        scope: &Scope,
        name: &ObjectName,
        pace: &Pace<'_>,
    ) -> Result<Described, Fault> {
        let key = (scope.clone(), name.clone());
        let old = self.lock().get(&key).cloned();
        if let Some((known, _)) = old.as_ref().filter(|(_, at)| at.elapsed() < KEPT) {
            return Ok(known.clone());
        }
        let told = tokio::time::timeout(DESCRIBE, describe(session, name, pace)).await;
        let late = || Fault::Transient(format!("EKS said nothing of cluster {name} in time"));
        match (told.unwrap_or_else(|_| Err(late())), old) {
            (Ok(described), _) => {
                self.lock().insert(key, (described.clone(), Instant::now()));
                Ok(described)
            }
            (Err(fault), Some((known, _))) if fault.passes() => Ok(known),
            (Err(fault), _) => Err(fault),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks EKS; nobody else repeats this, so passing faults are retried.
async fn describe(
    session: &Session,
    name: &ObjectName,
    pace: &Pace<'_>,
) -> Result<Described, Fault> {
    let ask = async || {
        pace.look()?;
        let told = session.eks().describe_cluster().name(name.as_str()).send().await;
        told.map_err(|e| fault(e, false))
    };
    let told = ask.retry(patience()).when(Fault::passes).await?;
    of_answer(told, name)
}

fn of_answer(told: DescribeClusterOutput, name: &ObjectName) -> Result<Described, Fault> {
    let cluster = told.cluster;
    let status = cluster.as_ref().and_then(|cluster| cluster.status.clone());
    let described = cluster.and_then(|cluster| {
        let authority = cluster.certificate_authority?.data?;
        Some(Described { endpoint: cluster.endpoint?, authority })
    });
    let status = status.map_or_else(String::new, |status| format!(": it is {status}"));
    described.ok_or_else(|| Fault::Transient(format!("cluster {name} has no endpoint{status}")))
}

/// A bearer token: a presigned `GetCallerIdentity` of the Region's own STS, bound to one cluster.
/// The cluster's authenticator takes STS' own public names only, so the endpoints file has no say.
async fn token(
    credentials: &Credentials,
    region: &Region,
    cluster: &ObjectName,
    at: SystemTime,
) -> Result<String, Fault> {
    let invalid = |e: &dyn std::error::Error| Fault::Invalid(format!("token for {cluster}: {e}"));
    let params = Params::builder().region(region.as_str()).use_global_endpoint(false).build();
    let params = params.map_err(|e| invalid(&e))?;
    let sts = DefaultResolver::new().resolve_endpoint(&params).await;
    let sts = sts.map_err(|e| Fault::Invalid(format!("token for {cluster}: {e}")))?;
    let url = format!("{}/?Action=GetCallerIdentity&Version=2011-06-15", sts.url());
    presigned(&url, credentials, (region, cluster), at).map_err(|e| invalid(&*e)).map(|url| {
        let text = aws_smithy_types::base64::encode(url);
        let text = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
        format!("k8s-aws-v1.{text}")
    })
}

fn presigned(
    url: &str,
    credentials: &Credentials,
    (region, cluster): (&Region, &ObjectName),
    at: SystemTime,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES);
    let identity = Identity::from(credentials.clone());
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region.as_str())
        .name("sts")
        .time(at)
        .settings(settings)
        .build()?;
    let headers = std::iter::once((CLUSTER, cluster.as_str()));
    let request = SignableRequest::new("GET", url, headers, SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(request, &params.into())?.into_parts();
    let mut request = http::Request::get(url).body(())?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(request.uri().to_string())
}

#[cfg(test)]
#[path = "eks_tests.rs"]
mod tests;
