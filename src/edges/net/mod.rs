//! Looks from outside, and words to people: HTTP, DNS, webhooks.

mod dns;
mod http;
mod probe;
mod webhook;

use tokio::time::Instant;

use bowline_core::op::{Answer, Fault, Notice, ProbeOp};

pub use dns::Dns;

/// Makes one look.
///
/// # Errors
/// What the network or the other side said.
pub(crate) async fn look(dns: &Dns, op: &ProbeOp) -> Result<Answer, Fault> {
    match op {
        ProbeOp::Http(http) => probe::perform(dns, http).await,
        ProbeOp::Authoritative { server, name } => dns.authoritative(server, name).await,
        ProbeOp::Resolve { name } => dns.resolve(name).await,
    }
}

/// Posts a notice to a webhook.
///
/// # Errors
/// What the network or the other side said; never the URL.
pub(crate) async fn tell(
    dns: &Dns,
    url: &str,
    notice: &Notice,
    deadline: Instant,
) -> Result<Answer, Fault> {
    webhook::post(dns, url, notice, deadline).await
}

#[cfg(test)]
mod tests;
