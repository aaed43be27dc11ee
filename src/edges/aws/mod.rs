//! AWS' calls: which session makes one, within which budget, and what became of it.
//!
//! ```text
//! Op ─→ budget ─→ session (Region, role) ─→ route53 | elb | rds | cloudwatch ─→ Answer or Fault
//!                   │       credentials: renewed at half of their life
//!                   └ endpoints: where the file says, else where AWS says
//! ```
//! Nothing is sent twice. A look may be read in pages, each one request of a bounded few (ADR
//! 0013); a change is one request.

mod budget;
mod cloudwatch;
mod credentials;
mod eks;
mod elb;
mod endpoints;
mod fault;
mod instant;
mod rds;
mod records;
mod route53;
mod rules;
mod server_clock;
mod sessions;
#[cfg(test)]
mod testing;

use aws_credential_types::provider::ProvideCredentials;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use bowline_core::model::{ObjectName, Scope};
use bowline_core::op::{Answer, Fault, Op};

pub use endpoints::{Endpoints, EndpointsError, Service};

use super::Aws;
use super::kube::{Boxed, EksLogin, EksLogins};
use budget::{Budgets, Counter};
use eks::Logins;
use sessions::Sessions;

/// Who makes AWS' calls. Making one asks nobody: sessions and credentials come when they are
/// needed.
pub struct AwsEdge {
    sessions: Sessions,
    budgets: Budgets,
    logins: Logins,
}

impl AwsEdge {
    /// An edge with the process's own credentials.
    #[must_use]
    pub fn new(endpoints: Endpoints) -> Self {
        Self::over(Sessions::new(endpoints))
    }

    /// An edge with given credentials instead of the process's own.
    #[must_use]
    pub fn with_credentials(endpoints: Endpoints, own: impl ProvideCredentials + 'static) -> Self {
        Self::over(Sessions::with(endpoints, own))
    }

    /// The same edge, whose calls go over an HTTP client instead of the SDK's own.
    #[must_use]
    pub fn over_http(mut self, client: SharedHttpClient) -> Self {
        self.sessions = self.sessions.over(client);
        self
    }

    fn over(sessions: Sessions) -> Self {
        Self { sessions, budgets: Budgets::default(), logins: Logins::default() }
    }

    async fn log_in(&self, scope: &Scope, name: &ObjectName) -> Result<EksLogin, Fault> {
        let pace = self.budgets.pace(scope.role.as_ref(), &scope.region, Counter::Eks);
        self.logins.login(&self.sessions.of(scope), (scope, name), &pace).await
    }
}

impl Aws for AwsEdge {
    fn perform<'a>(&'a self, op: &'a Op) -> Boxed<'a, Result<Answer, Fault>> {
        Box::pin(async move {
            let Some(pace) = self.budgets.of(op) else { return Err(no_call(op)) };
            match op {
                Op::Route53(role, op) => {
                    let session = self.sessions.of(&sessions::dns(role.as_ref()));
                    route53::perform(session.route53(), op, &pace).await
                }
                Op::Elb(scope, op) => elb::perform(self.sessions.of(scope).elb(), op, &pace).await,
                Op::Rds(scope, op) => {
                    pace.take(op.mutates())?;
                    rds::perform(self.sessions.of(scope).rds(), op).await
                }
                Op::CloudWatch(scope, op) => {
                    pace.look()?;
                    cloudwatch::perform(self.sessions.of(scope).cloudwatch(), op).await
                }
                other => Err(no_call(other)),
            }
        })
    }
}

fn no_call(op: &Op) -> Fault {
    Fault::Invalid(match op {
        Op::Gate(..) => {
            "the lever `gates` works in simulations only; use the lever `records`".into()
        }
        other => format!("no call to AWS: {other:?}"),
    })
}

impl EksLogins for AwsEdge {
    fn login<'a>(
        &'a self,
        scope: &'a Scope,
        name: &'a ObjectName,
    ) -> Boxed<'a, Result<EksLogin, Fault>> {
        Box::pin(self.log_in(scope, name))
    }
}

#[cfg(test)]
mod shapes_tests;
#[cfg(test)]
mod tests;
