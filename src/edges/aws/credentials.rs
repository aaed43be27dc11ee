//! Credentials that are there before they are needed: renewed at half of their life, and used on
//! while their renewal fails, so that an STS that is down for minutes holds nothing up.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::client::result::SdkError;
use backoff::{ExponentialBuilder, Retryable};
use http::HeaderValue;
use tokio::sync::OnceCell;

use bowline_core::model::RoleArn;

use super::fault::misconfigured;

/// How long getting credentials may take. Shorter than any call's deadline, so that a request that
/// was never signed is told apart from one whose outcome is unknown.
const LOAD: Duration = Duration::from_secs(4);

/// How long after a failed renewal the next is tried, while the credentials can still be used.
const AGAIN: Duration = Duration::from_secs(30);

/// How long credentials without an expiry are used before they are read again.
const KEPT: Duration = Duration::from_secs(15 * 60);

/// How much of its life credentials must have left for a request to be signed with them.
const MARGIN: Duration = Duration::from_secs(30);

/// How a session is called in AWS' logs.
const SESSION: &str = "bowline";

/// The pauses between tries of a read that nobody else repeats.
pub(super) fn patience() -> ExponentialBuilder {
    ExponentialBuilder::default().with_min_delay(Duration::from_millis(200)).with_max_times(2)
}

/// Keeps what another provider gives.
#[derive(Debug)]
pub(super) struct Renewing<P> {
    inner: P,
    held: Mutex<Option<Held>>,
}

#[derive(Clone, Debug)]
struct Held {
    credentials: Credentials,
    renew_at: SystemTime,
}

impl Held {
    fn new(credentials: Credentials, now: SystemTime) -> Self {
        let left = credentials.expiry().map(|at| at.duration_since(now).unwrap_or_default());
        Self { credentials, renew_at: now + left.map_or(KEPT, |left| left / 2) }
    }

    fn usable(&self, now: SystemTime) -> bool {
        self.credentials.expiry().is_none_or(|at| at > now + MARGIN)
    }
}

impl<P: ProvideCredentials> Renewing<P> {
    /// Keeps what `inner` gives.
    pub(super) fn new(inner: P) -> Self {
        Self { inner, held: Mutex::new(None) }
    }

    async fn current(&self, now: SystemTime) -> Result<Credentials, CredentialsError> {
        if let Some(fresh) = self.fresh(now) {
            return Ok(fresh);
        }
        let loaded = tokio::time::timeout(LOAD, self.inner.provide_credentials()).await;
        let loaded = loaded.unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(LOAD)));
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match loaded.and_then(signable) {
            Ok(loaded) => {
                *held = Some(Held::new(loaded.clone(), now));
                Ok(loaded)
            }
            Err(error) => {
                let usable = held.as_ref().filter(|held| held.usable(now));
                usable.map(|held| held.credentials.clone()).ok_or(error)
            }
        }
    }

    /// What is held, unless it is this caller's turn to renew it: of several, one does.
    fn fresh(&self, now: SystemTime) -> Option<Credentials> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let held = held.as_mut().filter(|held| held.usable(now))?;
        if held.renew_at <= now {
            held.renew_at = now + AGAIN;
            return None;
        }
        Some(held.credentials.clone())
    }
}

/// The same credentials, if they can be sent: the SDK panics over a header that is none.
fn signable(given: Credentials) -> Result<Credentials, CredentialsError> {
    let sent = |value: &str| HeaderValue::from_str(value).is_ok();
    if sent(given.access_key_id()) && given.session_token().is_none_or(sent) {
        return Ok(given);
    }
    Err(CredentialsError::invalid_configuration(
        "the access key's id or the session token has a character that no header can have, such as \
         the end of a line: look at where it comes from",
    ))
}

impl<P: ProvideCredentials> ProvideCredentials for Renewing<P> {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.current(SystemTime::now()))
    }
}

/// The process's own credentials, found as every AWS tool finds them: environment, profiles, web
/// identity, containers, instance. Nothing is asked before the first are needed.
#[derive(Debug, Default)]
pub(super) struct Own(OnceCell<DefaultCredentialsChain>);

impl Own {
    async fn found(&self) -> Result<Credentials, CredentialsError> {
        self.0.get_or_init(chain).await.provide_credentials().await
    }
}

/// The default chain, without asking the instance's metadata which Region it is in: only a web
/// identity needs one, and it comes with the Region in the environment.
async fn chain() -> DefaultCredentialsChain {
    let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else(aws_config::Region::from_static("us-east-1"));
    DefaultCredentialsChain::builder().region(region).build().await
}

impl ProvideCredentials for Own {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.found())
    }
}

/// A role, assumed at one Region's STS.
#[derive(Debug)]
pub(super) struct AssumedRole {
    sts: aws_sdk_sts::Client,
    role: RoleArn,
}

impl AssumedRole {
    /// A role and the STS that is asked for it.
    pub(super) fn new(sts: aws_sdk_sts::Client, role: RoleArn) -> Self {
        Self { sts, role }
    }

    async fn assume(&self) -> Result<Credentials, CredentialsError> {
        let role = self.role.as_str();
        let ask = || self.sts.assume_role().role_arn(role).role_session_name(SESSION).send();
        let again = |e: &SdkError<_, _>| e.as_service_error().is_none() && !misconfigured(e);
        let answer = ask.retry(patience()).when(again).await;
        let given = answer.map_err(CredentialsError::provider_error)?.credentials;
        let given =
            given.ok_or_else(|| CredentialsError::unhandled("an answer without credentials"))?;
        let expiry = SystemTime::try_from(given.expiration).map_err(CredentialsError::unhandled)?;
        Ok(Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            Some(expiry),
            "AssumeRole",
        ))
    }
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}

/// A provider that keeps what `inner` gives, for many clients.
pub(super) fn renewing(inner: impl ProvideCredentials + 'static) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Renewing::new(inner))
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
