//! Sampling: every signal of both sites in its own rhythm, into windows.
//!
//! Followers sample too, so that a new leader decides from full windows at once; only Route 53's
//! check status, which has one tight quota, is the leader's.

use crate::bugs::{self, Bug};
use crate::health::{Contact, Reach, Round, Sample, Serving, SiteHealth, outcome};
use crate::model::{Mono, Now, Site, Span};
use crate::op::{
    Answer, CloudWatchOp, ElbOp, Fault, HttpProbe, KubeOp, LoadBalancerSelector, Metric, Op,
    ProbeOp, RdsOp, Route53Op,
};
use crate::policy::{HttpCheck, Policy, Probe, SignalPolicy};

use super::calls::SampleSlot;
use super::known::Known;

/// The longest that a call of a round may take; an HTTP check says its own.
const TIMEOUT: Span = Span::secs(5);

/// `GetHealthCheckStatus` may be called once a second in an account; ours is a little less.
const CHECK_STATUS: Span = Span::millis(1_100);

/// How long a round of which some calls were made waits for the turn of the others.
const PATIENCE: Span = Span::secs(5);

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
    calls: Vec<AskedCall>,
    /// How many of them are the site's own; the rest are the other's.
    own: usize,
}

/// A call of a round.
#[derive(Debug)]
enum AskedCall {
    /// It was made.
    Awaited,
    /// It was over our share of the API's quota, and is made when its turn comes.
    Waits(Mono),
    /// What it answered.
    Answered(Result<Answer, Fault>),
}

/// How far a round is.
enum Stage {
    /// Answers are missing, or turns are waited for.
    Open,
    /// Nobody looked yet: it begins when all of it has its turn.
    Unbegun(Mono),
    /// It makes a sample.
    Over,
}

impl Asked {
    /// The first turn that one of its calls waits for.
    fn turn(&self) -> Option<Mono> {
        self.calls.iter().filter_map(AskedCall::turn).min()
    }

    fn stage(&self) -> Stage {
        let turns = || self.calls.iter().filter_map(AskedCall::turn);
        if self.calls.iter().any(|call| matches!(call, AskedCall::Awaited)) {
            return Stage::Open;
        }
        match turns().max() {
            Some(last) if turns().count() == self.calls.len() => Stage::Unbegun(last),
            Some(_) if turns().any(|turn| turn <= self.at.mono + PATIENCE) => Stage::Open,
            _ => Stage::Over,
        }
    }
}

impl AskedCall {
    fn turn(&self) -> Option<Mono> {
        match self {
            Self::Waits(turn) => Some(*turn),
            Self::Awaited | Self::Answered(_) => None,
        }
    }

    /// What it answered in the end. What had no turn in time says nothing.
    fn answer(self) -> Result<Answer, Fault> {
        match self {
            Self::Answered(result) => result,
            Self::Awaited | Self::Waits(_) => Err(Fault::Throttled { after: Some(Span::ZERO) }),
        }
    }
}

impl Slot {
    /// When something is to be asked.
    fn wake_at(&self) -> Mono {
        let turn = self.asked.as_ref().and_then(Asked::turn);
        turn.map_or(self.due, |turn| turn.min(self.due))
    }
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

    /// So many of them are asked for by all groups: none is asked for more often than all can be,
    /// and its samples count for longer.
    pub(super) fn share(&mut self, policy: &Policy, checks: usize) {
        self.turn = match bugs::on(Bug::QuotaIsSilence) {
            true => Span::ZERO,
            false => CHECK_STATUS.times(checks as u64),
        };
        self.pace(policy);
    }

    fn pace(&mut self, policy: &Policy) {
        for (index, signal) in policy.health.signals.iter().enumerate() {
            let every = self.every(signal);
            self.home.pace(index, every);
            self.standby.pace(index, every);
        }
    }

    /// How often a signal can be sampled.
    fn every(&self, signal: &SignalPolicy) -> Span {
        match &signal.probe {
            Probe::Route53Check { .. } => signal.every.max(self.turn),
            _ => signal.every,
        }
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
        self.pace(policy);
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

    /// The calls of the rounds that are due, and those whose turn has come. A round that is still
    /// awaited is not asked again.
    pub(super) fn due(&mut self, policy: &Policy, cx: &Frame<'_>, now: Now) -> Vec<Asking> {
        let mut calls = Vec::new();
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            if slot.wake_at() > now.mono {
                continue;
            }
            let Some(signal) = policy.health.signals.get(slot.signal) else { continue };
            let every = self.every(signal);
            let slot = &mut self.slots[index];
            let waits =
                slot.asked.as_ref().map(|asked| asked.turn().is_some_and(|t| t <= now.mono));
            // A round that waited goes on from here: groups in each other's way come apart.
            slot.due = now.mono + every;
            if waits == Some(false) {
                continue;
            }
            let (own, ops) = ops(&signal.probe, slot.site, policy, cx, now);
            if slot.asked.is_none() {
                if ops.is_empty() {
                    continue;
                }
                slot.round += 1;
            }
            let waiting = || ops.iter().map(|_| AskedCall::Waits(now.mono)).collect();
            let begun = || Asked { at: now, calls: waiting(), own };
            let asked = slot.asked.get_or_insert_with(begun);
            if asked.calls.len() != ops.len() {
                // What there is to ask is known better by now.
                (slot.asked, slot.due) = (None, now.mono);
                continue;
            }
            let timeout = timeout(&signal.probe);
            let turns = asked.calls.iter_mut().zip(ops).enumerate();
            for (call, (place, op)) in turns {
                if place.turn().is_some_and(|turn| turn <= now.mono) {
                    *place = AskedCall::Awaited;
                    let slot = SampleSlot { slot: index, round: slot.round, index: call };
                    calls.push(Asking { slot, timeout, op });
                }
            }
        }
        self.set_alarm();
        calls
    }

    fn set_alarm(&mut self) {
        self.next = self.slots.iter().map(Slot::wake_at).min();
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
        now: Mono,
        result: Result<Answer, Fault>,
    ) -> bool {
        let Some(slot) = self.slots.get_mut(at.slot) else { return false };
        let Some(asked) = slot.asked.as_mut().filter(|_| slot.round == at.round) else {
            return false;
        };
        let Some(signal) = policy.health.signals.get(slot.signal) else { return false };
        let Some(place) = asked.calls.get_mut(at.index) else { return false };
        if matches!(place, AskedCall::Answered(_)) {
            return false;
        }
        let turn = result.as_ref().err().and_then(Fault::turn).map(|after| now + after);
        let turn = turn.filter(|_| !bugs::on(Bug::QuotaIsSilence));
        *place = match turn {
            Some(turn) => AskedCall::Waits(turn),
            None => {
                match &signal.probe {
                    Probe::Route53Check { .. } => self.aws.observe(&result),
                    _ if at.index < asked.own => self.contacts[slot.site as usize].observe(&result),
                    _ => {}
                }
                AskedCall::Answered(result)
            }
        };
        let over = match asked.stage() {
            Stage::Open => None,
            Stage::Unbegun(turn) => {
                (slot.asked, slot.due) = (None, turn);
                None
            }
            Stage::Over => slot.asked.take(),
        };
        let (site, signal) = (slot.site, slot.signal);
        if turn.is_some() {
            self.set_alarm();
        }
        let Some(asked) = over else { return false };
        let (at, own) = (asked.at, asked.own);
        let answers: Vec<_> = asked.calls.into_iter().map(AskedCall::answer).collect();
        let (own, other) = answers.split_at(own);
        self.judge(policy, (site, signal), at, (own, other));
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
            let (mine, others) = (region(policy, cx, site), region(policy, cx, site.other()));
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
fn region(policy: &Policy, cx: &Frame<'_>, site: Site) -> Vec<Op> {
    let own = policy.site(site);
    let find = own.load_balancers.iter().next().map(|(name, selector)| {
        // To search by tags takes several requests, and the quota is shared.
        let found = cx.known.load_balancers.get(&(site, name.clone()));
        let by_arn = found.map(|found| LoadBalancerSelector::Arn(found.arn.clone()));
        Op::Elb(own.scope.clone(), ElbOp::Find(by_arn.unwrap_or_else(|| selector.clone())))
    });
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
