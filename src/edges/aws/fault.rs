//! What became of a call to AWS, as the node must understand it.
//!
//! | what happened | a call that changes something | a look |
//! | --- | --- | --- |
//! | no connection, no credentials to sign with | `Transient`: nothing was sent | `Transient` |
//! | no answer, a lost connection, HTTP 5xx, an unreadable answer | `Unknown` | `Transient` |
//! | the service said no | by its code, else by its status | the same |
//!
//! A code decides before the status does: services throttle with 400 and with 503.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_runtime_api::client::dns::ResolveDnsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use hyper_util::client::legacy;

use bowline_core::model::Span;
use bowline_core::op::Fault;

use crate::edges::words::{chain, clip};

/// The fault of a call that failed.
pub(super) fn fault<E>(error: SdkError<E, HttpResponse>, mutates: bool) -> Fault
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match &error {
        SdkError::ConstructionFailure(_) => {
            unsigned(&error).unwrap_or_else(|| Fault::Invalid(clip(&chain(&error))))
        }
        SdkError::DispatchFailure(failure) => unsent(&error, failure.as_connector_error())
            .unwrap_or_else(|| lost(clip(&chain(&error)), mutates)),
        SdkError::ResponseError(answer) => refused(&error, answer.raw(), mutates),
        SdkError::ServiceError(answer) => refused(&error, answer.raw(), mutates),
        _ => lost(clip(&chain(&error)), mutates),
    }
}

/// A fault whose call may have happened, if it changes something.
pub(super) fn lost(words: String, mutates: bool) -> Fault {
    if mutates { Fault::Unknown(words) } else { Fault::Transient(words) }
}

/// The fault of a request that certainly never left; `None` when it may have.
fn unsent(error: &(dyn Error + 'static), failure: Option<&ConnectorError>) -> Option<Fault> {
    if let Some(fault) = unsigned(error) {
        return Some(fault);
    }
    let connect = find::<legacy::Error>(error).is_some_and(legacy::Error::is_connect);
    if connect || find::<ResolveDnsError>(error).is_some() {
        return Some(Fault::Transient(clip(&chain(error))));
    }
    // hyper calls "user" what a request sent in part may end with, too.
    let unbuilt = failure.is_some_and(ConnectorError::is_user) && !has::<hyper::Error>(error);
    unbuilt.then(|| Fault::Invalid(clip(&chain(error))))
}

/// The fault of a request that could not be signed for want of credentials.
fn unsigned(error: &(dyn Error + 'static)) -> Option<Fault> {
    let credentials = find::<CredentialsError>(error)?;
    let words = clip(&chain(error));
    if misconfigured(error) {
        return Some(Fault::Denied(words));
    }
    let role = find::<AssumeRoleError>(credentials).and_then(ProvideErrorMetadata::code);
    let web =
        || find::<AssumeRoleWithWebIdentityError>(credentials).and_then(ProvideErrorMetadata::code);
    Some(match role.or_else(web).and_then(class) {
        Some(Class::Denied) => Fault::Denied(words),
        Some(Class::Throttled) => Fault::Throttled { after: None },
        _ => Fault::Transient(words),
    })
}

/// The fault of an answer that is no success, or cannot be read.
fn refused<E>(error: &SdkError<E, HttpResponse>, answer: &HttpResponse, mutates: bool) -> Fault
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let status = answer.status().as_u16();
    let words = match (error.code(), error.message()) {
        (Some(code), Some(message)) => clip(&format!("{code}: {message}")),
        (Some(code), None) => clip(code),
        (None, _) => clip(&format!("HTTP {status}: {}", chain(error))),
    };
    let by_code = error.code().filter(|_| status >= 300).and_then(class);
    match by_code.or_else(|| class_of_status(status)) {
        Some(Class::Throttled) => Fault::Throttled { after: retry_after(answer) },
        Some(Class::Denied) => Fault::Denied(words),
        Some(Class::NotFound) => Fault::NotFound(words),
        Some(Class::Conflict) => Fault::Conflict(words),
        Some(Class::Lost) => lost(words, mutates),
        None => Fault::Invalid(words),
    }
}

/// What a code or a status tells; all else is [`Fault::Invalid`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Throttled,
    Denied,
    NotFound,
    Conflict,
    Lost,
}

const THROTTLED: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
];

const DENIED: &[&str] = &[
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidIdentityToken",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "RegionDisabledException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

const LOST: &[&str] = &["InternalError", "InternalFailure", "RequestTimeout", "ServiceUnavailable"];

fn class(code: &str) -> Option<Class> {
    // `RequestTimeoutException` is `RequestTimeout` in some protocols, and so on.
    let bare = code.strip_suffix("Exception").unwrap_or(code);
    let is = |list: &[&str]| list.contains(&code) || list.contains(&bare);
    Some(match code {
        _ if is(THROTTLED) => Class::Throttled,
        _ if is(DENIED) || code.starts_with("AccessDenied") => Class::Denied,
        _ if is(LOST) => Class::Lost,
        _ if code.contains("NotFound") || code.starts_with("NoSuch") => Class::NotFound,
        _ if bare == "InvalidChangeBatch" || code.contains("AlreadyExists") => Class::Conflict,
        _ => return None,
    })
}

fn class_of_status(status: u16) -> Option<Class> {
    Some(match status {
        // A success that could not be read: what was asked for took effect.
        ..300 | 408 | 500.. => Class::Lost,
        401 | 403 => Class::Denied,
        404 | 410 => Class::NotFound,
        409 | 412 => Class::Conflict,
        429 => Class::Throttled,
        _ => return None,
    })
}

/// When a throttled caller may come back: HTTP's header in seconds, or AWS' own in milliseconds.
fn retry_after(answer: &HttpResponse) -> Option<Span> {
    let number = |name| answer.headers().get(name)?.trim().parse::<u32>().ok().map(u64::from);
    number("retry-after").map(Span::secs).or_else(|| number("x-amz-retry-after").map(Span::millis))
}

fn has<T: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    find::<T>(error).is_some()
}

/// The first error of a type in a chain of causes.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Whether there are no credentials since whoever gives them is set up wrongly, the role's or those
/// that the role is asked for with.
pub(super) fn misconfigured(error: &(dyn Error + 'static)) -> bool {
    let wrong =
        |error: &CredentialsError| matches!(error, CredentialsError::InvalidConfiguration(_));
    causes(error).filter_map(|cause| cause.downcast_ref()).any(wrong)
}

/// An error and what caused it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| Error::source(*cause))
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
