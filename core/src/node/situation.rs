//! What a decision is made of: verdicts and the ledger, put side by side.

use crate::decide::{Modes, OpenRun, Situation};
use crate::health::{Isolation, Readiness, Ready, ReplicaState, Vantage, ready};
use crate::model::{Answer3, Mono, Now, Site, Span};
use crate::plan::PlanKind;

use super::group::Group;
use super::known::SeenAt;

/// How old what was seen of a site may be before it says nothing.
const FRESH: Span = Span::mins(3);

impl Group {
    /// Everything that the decision needs; `ready` is the passive site's verdict.
    pub(super) fn situation(&mut self, now: Now, ready: Answer3) -> Situation<'_> {
        let isolation = self.judge_isolation(now);
        let ledger = self.ledger();
        let run = match ledger.open_run() {
            None => OpenRun::None,
            Some(run) if super::begin::is_prewarm(run) => OpenRun::Prewarm,
            Some(_) => OpenRun::Planned,
        };
        let serving = self.sampler.serving(ledger.active, now.mono);
        let fault_at = serving.first_bad.map(|bad| bad.wall).or(Some(now.wall));
        let evidence = super::begin::evidence(self, fault_at).map(|evidence| evidence.grade);
        let standing = ledger.run.iter().flat_map(|run| run.standing()).count();
        let automation = &self.policy.automation;
        Situation {
            now: now.wall,
            modes: Modes::from(automation),
            blocked_windows: &automation.blocked_windows,
            active: ledger.active,
            serving,
            ready,
            ready_for: self.ready.held_for(now, Answer3::Yes),
            stable_for: self.policy.health.stable_for,
            isolation,
            run,
            armed: ledger.armed && self.facts.get().is_some(),
            paused: ledger.paused.is_some(),
            home_has_served: self.facts.get().is_some() || ledger.active == Site::Standby,
            quarantine: ledger.quarantined.iter().next().copied(),
            obligations: u32::try_from(standing).unwrap_or(u32::MAX),
            foreign_claim: self.foreign_claim().is_some(),
            switched_over: ledger.moved_by == Some(PlanKind::Switchover),
            last_failover: ledger.last_automatic_failover,
            block_after_failover: automation.block_after_failover,
            evidence: evidence.into(),
        }
    }

    fn judge_isolation(&mut self, now: Now) -> Isolation {
        let vantage = Vantage {
            home: self.sampler.contact(Site::Home).reach(),
            standby: self.sampler.contact(Site::Standby).reach(),
            aws: self.sampler.aws().reach(),
            canaries: crate::health::Reach::NotAsked,
            home_outside: self.sampler.outside_sign(Site::Home, now.mono),
            standby_outside: self.sampler.outside_sign(Site::Standby, now.mono),
        };
        let settle = self.sampler.site(self.active()).settles_in();
        self.isolation.judge(now.mono, &vantage, settle)
    }

    /// Whether the passive site could take over.
    pub(super) fn readiness(&self, now: Now) -> Ready {
        let passive = self.active().other();
        ready(&Readiness {
            cluster_api: self.cluster_answers(passive, now.mono),
            replica: self.replica_state(passive, now.mono),
            floor: Answer3::Yes,
            listed: self.listed(passive),
            own_claim: if self.foreign_claim().is_some() { Answer3::No } else { Answer3::Yes },
        })
    }

    /// The survey reads the fence ConfigMap of each cluster: its answer is the cluster's.
    fn cluster_answers(&self, site: Site, now: Mono) -> Answer3 {
        match self.known.cluster_claims.get(&site) {
            Some(seen) if fresh(seen, now) => Answer3::Yes,
            Some(_) | None => Answer3::Unknown,
        }
    }

    fn listed(&self, site: Site) -> Answer3 {
        let workloads = 0..self.policy.capacity.workloads.len();
        let workloads = workloads.map(|index| self.known.workloads.get(&(site, index)));
        let workloads = workloads.map(|seen| seen.map(|seen| seen.value.is_some()));
        let pools = 0..if site == Site::Standby { self.policy.capacity.pools.len() } else { 0 };
        let pools = pools.map(|index| self.known.pools.get(&index));
        let pools = pools.map(|seen| seen.map(|seen| seen.value.is_some()));
        workloads.chain(pools).fold(Answer3::Yes, |all, there| match (all, there) {
            (Answer3::No, _) | (_, Some(false)) => Answer3::No,
            (Answer3::Unknown, _) | (_, None) => Answer3::Unknown,
            (Answer3::Yes, Some(true)) => Answer3::Yes,
        })
    }

    fn replica_state(&self, site: Site, now: Mono) -> ReplicaState {
        if self.policy.database.is_none() {
            return ReplicaState::NoDatabase;
        }
        let Some(seen) = self.known.instances.get(&site).filter(|seen| fresh(seen, now)) else {
            return ReplicaState::Unknown;
        };
        match &seen.value {
            Some(found) if found.source.is_some() => self.streams(site, now),
            Some(_) if self.ledger().fenced.contains(&site) => ReplicaState::Rebuildable,
            _ => ReplicaState::Broken,
        }
    }

    /// A replica whose source is in trouble may say anything now: what it last said before counts.
    fn streams(&self, site: Site, now: Mono) -> ReplicaState {
        let fault = self.sampler.serving(site.other(), now).first_bad;
        let samples = self.known.replication.get(&site);
        let streamed = samples.and_then(|s| s.last_before(fault.map(|at| at.wall)));
        match streamed {
            Some(sample) if sample.streaming => ReplicaState::Streaming,
            Some(_) => ReplicaState::Broken,
            None => ReplicaState::Unknown,
        }
    }
}

fn fresh<T>(seen: &SeenAt<T>, now: Mono) -> bool {
    now.since(seen.at) <= FRESH
}
