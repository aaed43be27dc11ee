//! Looks from outside: HTTP through a load balancer or a DNS answer, and DNS at the source.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Host, Span};

/// A look from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProbeOp {
    /// One HTTP request. → [`super::Answer::Http`]; no connection is [`super::Fault::Transient`],
    /// and no answer within `timeout` is [`super::Fault::Unknown`].
    Http(HttpProbe),
    /// Asks one authoritative server for a name's addresses. → [`super::Answer::Addresses`]
    Authoritative {
        /// The server, as `GetHostedZone` names it.
        server: Host,
        /// The name.
        name: Host,
    },
    /// Resolves a name as anybody would, past caches (a load balancer's own name).
    /// → [`super::Answer::Resolved`]
    Resolve {
        /// The name.
        name: Host,
    },
}

/// One HTTP request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpProbe {
    /// Where to connect: the addresses of this name (a load balancer's own, or the public one).
    pub connect: Host,
    /// Connect to one of these instead, if any are given (an authoritative answer).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// Whether to use TLS, with `host` as the server name.
    pub tls: bool,
    /// The port.
    pub port: u16,
    /// The `Host` header.
    pub host: Host,
    /// The path, with its query.
    pub path: Arc<str>,
    /// Whether it is a write (`POST`), counted by the application; else `GET`.
    pub writes: bool,
    /// The header that says which site answered.
    pub site_header: Option<Arc<str>>,
    /// How long to wait for the whole answer.
    pub timeout: Span,
}

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpSeen {
    /// The status.
    pub status: u16,
    /// Value of the site header, if it was asked for and there.
    pub site: Option<Arc<str>>,
    /// The address that was connected to.
    pub address: IpAddr,
}
