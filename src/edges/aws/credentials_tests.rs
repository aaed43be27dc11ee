//! Credentials over time: renewed early, used on while they can be, and never waited for long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// Gives credentials of one hour's life, numbered; or fails while `down`.
#[derive(Debug, Default)]
struct Counting {
    asked: AtomicU32,
    down: std::sync::atomic::AtomicBool,
    forever: bool,
}

/// When the tests' time begins.
const START: SystemTime = SystemTime::UNIX_EPOCH;

#[derive(Debug, Clone)]
struct Shared(Arc<Counting>);

impl ProvideCredentials for Shared {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let number = self.0.asked.fetch_add(1, Ordering::Relaxed);
        if self.0.down.load(Ordering::Relaxed) {
            let error = CredentialsError::provider_error("STS is down");
            return future::ProvideCredentials::ready(Err(error));
        }
        let expiry = (!self.0.forever).then(|| START + mins(60));
        let key = format!("key-{number}");
        let given = Credentials::new(key, "not a secret", None, expiry, "test");
        future::ProvideCredentials::ready(Ok(given))
    }
}

fn mins(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

async fn key(renewing: &Renewing<Shared>, after: Duration) -> Result<String, CredentialsError> {
    renewing.current(START + after).await.map(|c| c.access_key_id().to_owned())
}

#[tokio::test]
async fn credentials_are_asked_for_once_and_renewed_at_half_of_their_life() {
    let inner = Shared(Arc::default());
    let renewing = Renewing::new(inner.clone());
    for minute in [0, 1, 29] {
        assert_eq!(key(&renewing, mins(minute)).await.unwrap(), "key-0");
    }
    assert_eq!(key(&renewing, mins(30)).await.unwrap(), "key-1");
    assert_eq!(inner.0.asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn s9_an_sts_that_is_down_keeps_nothing_from_being_done_while_credentials_live() {
    let inner = Shared(Arc::default());
    let renewing = Renewing::new(inner.clone());
    assert!(key(&renewing, mins(0)).await.is_ok());
    inner.0.down.store(true, Ordering::Relaxed);
    for minute in 30..59 {
        assert_eq!(key(&renewing, mins(minute)).await.unwrap(), "key-0", "{minute}");
    }
    let asked = inner.0.asked.load(Ordering::Relaxed);
    assert_eq!(key(&renewing, mins(58) + Duration::from_secs(1)).await.unwrap(), "key-0");
    assert_eq!(inner.0.asked.load(Ordering::Relaxed), asked, "not asked at every call");
    assert!(key(&renewing, mins(60)).await.is_err());
    inner.0.down.store(false, Ordering::Relaxed);
    assert!(key(&renewing, mins(60)).await.is_ok());
}

#[tokio::test]
async fn credentials_without_an_expiry_are_read_again_now_and_then() {
    let inner = Shared(Arc::new(Counting { forever: true, ..Counting::default() }));
    let renewing = Renewing::new(inner.clone());
    assert_eq!(key(&renewing, mins(0)).await.unwrap(), "key-0");
    assert_eq!(key(&renewing, mins(14)).await.unwrap(), "key-0");
    assert_eq!(key(&renewing, mins(15)).await.unwrap(), "key-1");
    inner.0.down.store(true, Ordering::Relaxed);
    assert_eq!(key(&renewing, mins(60 * 24)).await.unwrap(), "key-1");
}

#[derive(Debug)]
struct Silent;

impl ProvideCredentials for Silent {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn who_gives_no_credentials_is_not_waited_for() {
    let error = Renewing::new(Silent).current(START).await.unwrap_err();
    assert!(matches!(error, CredentialsError::ProviderTimedOut(_)), "{error:?}");
}

#[tokio::test]
async fn credentials_that_no_request_can_be_signed_with_are_refused_with_words() {
    let ended = "AKIDEXAMPLE\n";
    for (key, token) in [(ended, None), ("AKIDEXAMPLE", Some("t\r\nhost: x")), ("\u{1}", None)] {
        let given = Credentials::new(key, "not a secret", token.map(str::to_owned), None, "test");
        let refused = Renewing::new(given).current(START).await.unwrap_err();
        let said = aws_smithy_types::error::display::DisplayErrorContext(&refused).to_string();
        assert!(matches!(refused, CredentialsError::InvalidConfiguration(_)), "{said}");
        assert!(said.contains("the end of a line") && !said.contains("AKID"), "{said}");
    }
}
