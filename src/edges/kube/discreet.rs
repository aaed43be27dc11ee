//! What may be told of a login that failed: its kind and its place, never what stands there. A
//! kubeconfig holds secrets, and so does what a plugin prints.

use std::error::Error;

use kube::client::AuthError;
use kube::config::{InferConfigError, KubeconfigError, LoadDataError};

/// Why a kubeconfig cannot be used.
pub(super) fn kubeconfig(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(_) => format!("no kubeconfig{}", place(error)),
        // What stands where a path belongs may be the key itself.
        KubeconfigError::LoadClientKey(LoadDataError::ReadFile(error, _)) => {
            format!("the client key's file: {error}")
        }
        KubeconfigError::LoadClientKey(_) => "the client key cannot be read".into(),
        other => other.to_string(),
    }
}

/// Where a text is no kubeconfig, if that is known.
pub(super) fn place(error: &KubeconfigError) -> String {
    let at = match error {
        KubeconfigError::Parse(error) => error.location(),
        _ => None,
    };
    at.map(|at| format!(": line {}, column {}", at.line(), at.column())).unwrap_or_default()
}

/// Why no kubeconfig was found, outside of a cluster.
pub(super) fn nowhere(error: &InferConfigError) -> String {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.map_or_else(|| "none was found".into(), kubeconfig)
}

/// Why there is no client.
pub(super) fn client(error: &kube::Error) -> String {
    if let Some(words) = auth(error) {
        return words;
    }
    match error {
        kube::Error::InferKubeconfig(error) => kubeconfig(error),
        kube::Error::RustlsTls(_) => "its TLS data cannot be used".into(),
        kube::Error::ProxyProtocolUnsupported { .. }
        | kube::Error::ProxyProtocolDisabled { .. } => {
            "its proxy's protocol is not supported".into()
        }
        other => other.to_string(),
    }
}

/// Why somebody could not log in, if it is that which failed.
pub(super) fn auth(error: &kube::Error) -> Option<String> {
    let mut cause: &(dyn Error + 'static) = error;
    let login = loop {
        match cause.downcast_ref::<AuthError>() {
            Some(login) => break login,
            None => cause = cause.source()?,
        }
    };
    Some(match login {
        AuthError::AuthExecStart(error) => format!("the login plugin cannot be run: {error}"),
        AuthError::AuthExecRun { out, .. } => format!("the login plugin failed: {}", out.status),
        AuthError::ExecPluginFailed
        | AuthError::AuthExecParse(_)
        | AuthError::ParseTokenKey(_)
        | AuthError::MalformedTokenExpirationDate(_)
        | AuthError::UnrefreshableTokenResponse => {
            "the login plugin's answer cannot be used".into()
        }
        AuthError::ReadTokenFile(error, _) => format!("the token's file: {error}"),
        AuthError::InvalidBasicAuth(_) | AuthError::InvalidBearerToken(_) => {
            "the token or password cannot be sent".into()
        }
        AuthError::MissingCommand | AuthError::ExecMissingClusterInfo => login.to_string(),
        _ => "the login failed".into(),
    })
}

#[cfg(test)]
#[path = "discreet_tests.rs"]
mod tests;
