//! What is seen from outside: the authoritative answer, HTTP through it, and which site answered
//! (S11).

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bugs::{self, Bug};
use crate::model::{Host, Site, Span};
use crate::op::{Answer, Fault, HttpProbe, Op, ProbeOp};
use crate::policy::Verify;
use crate::step::{Context, Judgement, Procedure, Seen};

/// How soon to look again.
const AGAIN: Span = Span::secs(3);

/// A name and what it must lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leads {
    /// The public name.
    pub name: Host,
    /// Authoritative servers of its zone.
    pub servers: Vec<Host>,
    /// The load balancer's own name at the site it must lead to.
    pub load_balancer: Host,
}

/// Every authoritative server answers every name with addresses of the gaining site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// The names.
    pub names: Vec<Leads>,
}

impl Procedure for Answers {
    fn observe(&self, _: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if !seen.is_empty() {
            return Vec::new();
        }
        let calls = self.names.iter().flat_map(|leads| {
            let own = ProbeOp::Resolve { name: leads.load_balancer.clone() };
            let ask = |server: &Host| ProbeOp::Authoritative {
                server: server.clone(),
                name: leads.name.clone(),
            };
            std::iter::once(own).chain(leads.servers.iter().map(ask))
        });
        calls.map(Op::Probe).collect()
    }

    fn judge(&self, _: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let mut index = 0;
        for leads in &self.names {
            let own = addresses(seen, index)?;
            for (offset, server) in leads.servers.iter().enumerate() {
                let answer = addresses(seen, index + 1 + offset)?;
                if !leads_there(answer, own) {
                    let words = format!("{server} answers {} with {answer:?}", leads.name);
                    return Ok(Judgement::wait(AGAIN, words));
                }
            }
            index += 1 + leads.servers.len();
        }
        Ok(Judgement::done("every authoritative server answers the gaining site"))
    }
}

fn addresses<'a>(seen: Seen<'a>, index: usize) -> Result<&'a [IpAddr], Fault> {
    match seen.get(index)? {
        Answer::Addresses(list) | Answer::Resolved(_, list) => Ok(list),
        other => Err(Fault::Invalid(format!("expected addresses, got {other:?}"))),
    }
}

/// An answer leads there when it is not empty and, of each family in it, at least one address is
/// one of the load balancer's. Not all of them: a load balancer has more nodes than the eight that
/// one lookup of its name shows, and they come and go. One suffices: an alias of a failover set
/// answers, per family, from one load balancer alone.
fn leads_there(answer: &[IpAddr], own: &[IpAddr]) -> bool {
    let (v4, v6): (Vec<_>, Vec<_>) = answer.iter().partition(|address| address.is_ipv4());
    let led = |family: &[&IpAddr]| family.iter().any(|address| own.contains(address));
    let there = !answer.is_empty() && [v4, v6].iter().all(|all| all.is_empty() || led(all));
    there || bugs::on(Bug::SentIsMoved)
}

/// The gaining site's own load balancer serves, before anybody is led there (S3): pods that are
/// ready do not prove that their targets are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Front {
    /// The look, through the load balancer's own addresses.
    pub probe: HttpProbe,
}

impl Procedure for Front {
    fn observe(&self, _: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if seen.is_empty() { vec![Op::Probe(ProbeOp::Http(self.probe.clone()))] } else { vec![] }
    }

    fn judge(&self, _: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let through = &self.probe.connect;
        Ok(match seen.get(0)? {
            Answer::Http(http)
                if (200..300).contains(&http.status) || bugs::on(Bug::FrontTakesAnyAnswer) =>
            {
                Judgement::done(format!("{through} serves {}", self.probe.host))
            }
            Answer::Http(http) => {
                Judgement::wait(AGAIN, format!("{through}: HTTP {}", http.status))
            }
            other => return Err(Fault::Invalid(format!("expected an HTTP answer, got {other:?}"))),
        })
    }
}

/// The service works as users see it, for a while without a break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serves {
    /// The site that must answer.
    pub site: Site,
    /// Where the public name must lead.
    pub leads: Leads,
    /// Whether to use TLS.
    pub tls: bool,
    /// The port.
    pub port: u16,
    /// The path to look at.
    pub path: Arc<str>,
    /// The path to write to, if there is one.
    pub write_path: Option<Arc<str>>,
    /// The header that says which site answered, and what it must say.
    pub site_header: Option<Arc<str>>,
    /// For how long it must hold.
    pub hold: Span,
}

impl Serves {
    /// The check that a policy asks for.
    #[must_use]
    pub fn new(verify: &Verify, site: Site, leads: Leads, hold: Span) -> Self {
        Self {
            site,
            leads,
            tls: verify.tls,
            port: verify.port,
            path: Arc::clone(&verify.path),
            write_path: verify.write_probe.as_ref().map(|probe| Arc::clone(&probe.path)),
            site_header: verify.site_header.clone(),
            hold,
        }
    }

    fn request(&self, path: &Arc<str>, writes: bool, addresses: &[IpAddr]) -> Op {
        Op::Probe(ProbeOp::Http(HttpProbe {
            connect: self.leads.name.clone(),
            addresses: addresses.to_vec(),
            tls: self.tls,
            port: self.port,
            host: self.leads.name.clone(),
            path: Arc::clone(path),
            writes,
            site_header: self.site_header.clone(),
            timeout: Span::secs(3),
        }))
    }
}

impl Procedure for Serves {
    fn observe(&self, _: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if seen.is_empty() {
            let Some(server) = self.leads.servers.first().cloned() else { return Vec::new() };
            let answer = ProbeOp::Authoritative { server, name: self.leads.name.clone() };
            let own = ProbeOp::Resolve { name: self.leads.load_balancer.clone() };
            return vec![Op::Probe(answer), Op::Probe(own)];
        }
        let asked = usize::from(bugs::on(Bug::SentIsMoved));
        let (2, Ok(list)) = (seen.len(), addresses(seen, asked)) else { return Vec::new() };
        let look = self.request(&self.path, false, list);
        let write = self.write_path.as_ref().map(|path| self.request(path, true, list));
        std::iter::once(look).chain(write).collect()
    }

    fn judge(&self, _: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let (answer, own) = (addresses(seen, 0)?, addresses(seen, 1)?);
        if !leads_there(answer, own) {
            let words = format!("{} answers {answer:?}", self.leads.name);
            return Ok(Judgement::wait(AGAIN, words));
        }
        for index in 2..seen.len() {
            let Answer::Http(http) = seen.get(index)? else {
                return Err(Fault::Invalid("expected an HTTP answer".into()));
            };
            if !(200..300).contains(&http.status) && !bugs::on(Bug::AnyStatusServes) {
                return Ok(Judgement::wait(AGAIN, format!("HTTP {}", http.status)));
            }
            let who = http.site.as_deref();
            if self.site_header.is_some() && who != Some(&self.site.to_string()) {
                return Ok(Judgement::wait(AGAIN, format!("{who:?} answered")));
            }
        }
        let note = format!("{} serves {}", self.site, self.leads.name);
        Ok(Judgement::Steady { hold: self.hold, outputs: Default::default(), note })
    }
}
