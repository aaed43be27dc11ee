//! Sampling: every signal of both sites in its own rhythm, into windows.
//!
//! Followers sample too, so that a new leader decides from full windows at once; only Route 53's
//! check status, which has one tight quota, is the leader's.

use crate::bugs::{self, Bug};
use crate::health::{Contact, Reach, Round, Sample, Serving, SiteHealth, outcome};
use crate::model::{Mono, Now, Site, Span};
use crate::op::{
    Answer, CloudWatchOp, ElbOp, Fault, HttpProbe, KubeOp, Metric, Op, ProbeOp, RdsOp, Route53Op,
};
use crate::policy::{HttpCheck, Policy, Probe};

use super::calls::SampleSlot;
use super::known::Known;

/// The longest that a call of a round may take; an HTTP check says its own.
const TIMEOUT: Span = Span::secs(5);

/// `GetHealthCheckStatus` may be called once a second, and four times at once, in an account.
const CHECK_STATUS: Span = Span::secs(1);

/// A group's signals.
#[derive(Debug)]
pub(super) struct Sampler {
    home: SiteHealth,
    standby: SiteHealth,
    slots: Vec<Slot>,
    /// The earliest due of the slots; `None`: there are none.
    next: Option<Mono>,
    contacts: [Contact; 2],
    aws: Contact,
    /// What it said when that was last looked at.
    said: Said,
    /// How long Route 53 needs for the check statuses of all groups once.
    turn: Span,
}

/// What all signals and contacts say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Said {
    serving: [Option<Serving>; 2],
    reach: Option<[Reach; 3]>,
}

/// One signal at one site.
#[derive(Debug)]
struct Slot {
    site: Site,
    signal: usize,
    due: Mono,
    round: u64,
    asked: Option<Asked>,
}

/// What the calls of a round answered.
type Answers<'a> = &'a [Result<Answer, Fault>];

/// A round whose answers are awaited.
#[derive(Debug)]
struct Asked {
    at: Now,
    answers: Vec<Option<Result<Answer, Fault>>>,
    /// How many of them are the site's own; the rest are the other's.
    own: usize,
    missing: usize,
}

/// A call that a round wants made.
pub(super) struct Asking {
    pub(super) slot: SampleSlot,
    pub(super) timeout: Span,
    pub(super) op: Op,
}

impl Sampler {
    pub(super) fn new(policy: &Policy) -> Self {
        let signals = 0..policy.health.signals.len();
        let slot = |site| move |signal| Slot { site, signal, due: Mono(0), round: 0, asked: None };
        let home = signals.clone().map(slot(Site::Home));
        Self {
            home: SiteHealth::new(&policy.health),
            standby: SiteHealth::new(&policy.health),
            slots: home.chain(signals.map(slot(Site::Standby))).collect(),
            next: Some(Mono(0)),
            contacts: [Contact::default(); 2],
            aws: Contact::default(),
            said: Said::default(),
            turn: Span::ZERO,
        }
    }

    /// How many check statuses a group's rounds ask Route 53 for.
    pub(super) fn checks(policy: &Policy) -> usize {
        let is_check = |probe: &Probe| matches!(probe, Probe::Route53Check { .. });
        let signals = policy.health.signals.iter().filter(|signal| is_check(&signal.probe));
        signals.count() * Site::BOTH.len()
    }

    /// So many of them are asked for by all groups: none is asked for more often than all can be.
    pub(super) fn share(&mut self, checks: usize) {
        self.turn = match bugs::on(Bug::QuotaIsSilence) {
            true => Span::ZERO,
            false => CHECK_STATUS.times(checks as u64),
        };
    }

    /// Whether a verdict, or who answers at all, is another than when this was last asked.
    pub(super) fn has_news(&mut self) -> bool {
        let [home, standby] = self.contacts.map(|contact| contact.reach());
        let said = Said {
            serving: [self.home.last(), self.standby.last()],
            reach: Some([home, standby, self.aws.reach()]),
        };
        std::mem::replace(&mut self.said, said) != said
    }

    /// A site's windows.
    pub(super) fn site(&self, site: Site) -> &SiteHealth {
        match site {
            Site::Home => &self.home,
            Site::Standby => &self.standby,
        }
    }

    /// Empties a site's windows.
    pub(super) fn forget(&mut self, policy: &Policy, site: Site) {
        match site {
            Site::Home => self.home = SiteHealth::new(&policy.health),
            Site::Standby => self.standby = SiteHealth::new(&policy.health),
        }
    }

    /// The verdict whether a site serves.
    pub(super) fn serving(&self, site: Site, now: Mono) -> Serving {
        self.site(site).serving(now)
    }

    /// Whether a site answers Bowline at all.
    pub(super) fn contact(&self, site: Site) -> &Contact {
        &self.contacts[site as usize]
    }

    /// Whether AWS outside both sites answers Bowline.
    pub(super) fn aws(&self) -> &Contact {
        &self.aws
    }

    /// Something outside both sites was asked by somebody else.
    pub(super) fn heard_of_aws(&mut self, result: &Result<Answer, Fault>) {
        self.aws.observe(result);
    }

    /// The calls of the rounds that are due. A round that is still awaited is not asked again.
    pub(super) fn due(&mut self, policy: &Policy, cx: &Frame<'_>, now: Now) -> Vec<Asking> {
        let mut calls = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if slot.due > now.mono {
                continue;
            }
            let Some(signal) = policy.health.signals.get(slot.signal) else { continue };
            let every = match &signal.probe {
                Probe::Route53Check { .. } => signal.every.max(self.turn),
                _ => signal.every,
            };
            slot.due = now.mono + every;
            if slot.asked.is_some() {
                continue;
            }
            let (own, ops) = ops(&signal.probe, slot.site, policy, cx, now);
            if ops.is_empty() {
                continue;
            }
            slot.round += 1;
            let answers = ops.iter().map(|_| None).collect();
            slot.asked = Some(Asked { at: now, answers, own, missing: ops.len() });
            let timeout = timeout(&signal.probe);
            calls.extend(ops.into_iter().enumerate().map(|(call, op)| Asking {
                slot: SampleSlot { slot: index, round: slot.round, index: call },
                timeout,
                op,
            }));
        }
        self.next = self.slots.iter().map(|slot| slot.due).min();
        calls
    }

    /// When the next round is due.
    pub(super) fn wake_at(&self) -> Option<Mono> {
        self.next
    }

    /// Takes one answer; whether a sample came of it: the last one of a round makes it.
    pub(super) fn take(
        &mut self,
        policy: &Policy,
        at: SampleSlot,
        result: Result<Answer, Fault>,
    ) -> bool {
        let Some(slot) = self.slots.get_mut(at.slot) else { return false };
        let Some(asked) = slot.asked.as_mut().filter(|_| slot.round == at.round) else {
            return false;
        };
        let Some(signal) = policy.health.signals.get(slot.signal) else { return false };
        match (&signal.probe, &result) {
            // Whose turn it is not asks again when it is: nobody looked.
            (Probe::Route53Check { .. }, Err(Fault::Throttled { after: Some(after) }))
                if !bugs::on(Bug::QuotaIsSilence) =>
            {
                slot.due = asked.at.mono + (*after).max(CHECK_STATUS);
                slot.asked = None;
                self.next = self.slots.iter().map(|slot| slot.due).min();
                return false;
            }
            (Probe::Route53Check { .. }, _) => self.aws.observe(&result),
            _ if at.index < asked.own => self.contacts[slot.site as usize].observe(&result),
            _ => {}
        }
        if let Some(place) = asked.answers.get_mut(at.index).filter(|place| place.is_none()) {
            *place = Some(result);
            asked.missing -= 1;
        }
        if asked.missing > 0 {
            return false;
        }
        let Some(asked) = slot.asked.take() else { return false };
        let answers: Vec<_> = asked.answers.into_iter().flatten().collect();
        let (own, other) = answers.split_at(asked.own);
        let (site, signal_index) = (slot.site, slot.signal);
        self.judge(policy, (site, signal_index), asked.at, (own, other));
        true
    }

    fn judge(
        &mut self,
        policy: &Policy,
        (site, signal): (Site, usize),
        at: Now,
        (own, other): (Answers<'_>, Answers<'_>),
    ) {
        let Some(policy) = policy.health.signals.get(signal) else { return };
        let first_bad = self.serving(site, at.mono).first_bad;
        let progress_after = first_bad.map_or(at.wall - Span::mins(3), |bad| bad.wall);
        let round = Round { own, other, progress_after };
        let sample = Sample { at, outcome: outcome(&policy.probe, &round) };
        self.health(site).push(signal, sample);
        if matches!(policy.probe, Probe::RegionApi) {
            let round = Round { own: other, other: own, progress_after };
            let sample = Sample { at, outcome: outcome(&policy.probe, &round) };
            self.health(site.other()).push(signal, sample);
        }
    }

    fn health(&mut self, site: Site) -> &mut SiteHealth {
        match site {
            Site::Home => &mut self.home,
            Site::Standby => &mut self.standby,
        }
    }

    /// What a site's signals say, for people.
    pub(super) fn outside_sign(&self, site: Site, now: Mono) -> Option<crate::health::Sign> {
        self.serving(site, now).outside
    }
}

/// What a round needs to know beside the policy.
pub(super) struct Frame<'a> {
    pub(super) known: &'a Known,
    pub(super) active: Site,
    pub(super) leads: bool,
}

fn timeout(probe: &Probe) -> Span {
    match probe {
        Probe::Http(check) | Probe::WriteProbe(check) => check.timeout + Span::millis(500),
        _ => TIMEOUT,
    }
}

/// The calls of one round, the site's own first, and how many those are.
fn ops(probe: &Probe, site: Site, policy: &Policy, cx: &Frame<'_>, now: Now) -> (usize, Vec<Op>) {
    let own = policy.site(site);
    let ops = match probe {
        Probe::AlbTargets { load_balancer, .. } => {
            let groups = cx.known.target_groups.get(&(site, load_balancer.clone()));
            let look = |arn: &crate::model::TargetGroupArn| {
                Op::Elb(own.scope.clone(), ElbOp::TargetHealth(arn.clone()))
            };
            groups.map(|groups| groups.iter().map(look).collect()).unwrap_or_default()
        }
        Probe::Http(check) => http(check, site, policy, cx, false),
        Probe::WriteProbe(check) if site == cx.active => http(check, site, policy, cx, true),
        Probe::Route53Check { home, standby } if cx.leads => {
            let id = if site == Site::Home { home } else { standby };
            vec![Op::Route53(policy.lever.role().cloned(), Route53Op::CheckStatus(id.clone()))]
        }
        Probe::ClusterApi => vec![Op::Kube(own.cluster.clone(), KubeOp::Ready)],
        // One round for both sites: home's slot asks.
        Probe::RegionApi if site == Site::Home => {
            let (mine, others) = (region(policy, site), region(policy, site.other()));
            let count = mine.len();
            return (count, mine.into_iter().chain(others).collect());
        }
        Probe::Progress { load_balancer } if site == cx.active => {
            let found = cx.known.load_balancers.get(&(site, load_balancer.clone()));
            let points = |found: &crate::op::LoadBalancer| CloudWatchOp::Points {
                metric: Metric::Served(found.arn.clone()),
                since: now.wall - Span::mins(5),
            };
            found.map(|f| Op::CloudWatch(own.scope.clone(), points(f))).into_iter().collect()
        }
        Probe::RegionApi
        | Probe::WriteProbe(_)
        | Probe::Route53Check { .. }
        | Probe::Progress { .. } => Vec::new(),
    };
    (ops.len(), ops)
}

/// Reads of several APIs of a site's Region.
fn region(policy: &Policy, site: Site) -> Vec<Op> {
    let own = policy.site(site);
    let find = own.load_balancers.values().next().cloned();
    let find = find.map(|selector| Op::Elb(own.scope.clone(), ElbOp::Find(selector)));
    let describe = own
        .database
        .as_ref()
        .map(|database| Op::Rds(own.scope.clone(), RdsOp::Describe(database.instance.clone())));
    let ready = Op::Kube(own.cluster.clone(), KubeOp::Ready);
    find.into_iter().chain(describe).chain([ready]).collect()
}

fn http(check: &HttpCheck, site: Site, policy: &Policy, cx: &Frame<'_>, writes: bool) -> Vec<Op> {
    let found = cx.known.load_balancers.get(&(site, check.load_balancer.clone()));
    let probe = found.map(|found| HttpProbe {
        connect: found.dns_name.clone(),
        addresses: Vec::new(),
        tls: check.tls,
        port: check.port,
        host: check.host.clone(),
        path: check.path.clone(),
        writes,
        site_header: policy.verify.site_header.clone(),
        timeout: check.timeout,
    });
    probe.map(|probe| Op::Probe(ProbeOp::Http(probe))).into_iter().collect()
}

#[cfg(test)]
#[path = "sampler_tests.rs"]
mod tests;
