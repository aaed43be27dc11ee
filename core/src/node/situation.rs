//! What a decision is made of: verdicts and the ledger, put side by side.

use crate::decide::Situation;
use crate::health::{Isolation, Readiness, Ready, ReplicaState, Vantage, ready};
use crate::model::{Answer3, Mono, Now, Site, Span};
use crate::plan::PlanKind;

use super::group::Group;
use super::known::SeenAt;

/// How old what was seen of a site may be before it says nothing.
const FRESH: Span = Span::mins(3);

impl Group {
    /// Everything that the decision needs.
    pub(super) fn situation(&mut self, now: Now) -> Situation {
        let isolation = self.judge_isolation(now);
        let ledger = self.ledger();
        let open = ledger.open_run();
        Situation {
            active: ledger.active,
            armed: ledger.armed && self.facts.get().is_some(),
            paused: ledger.paused.is_some(),
            run_open: open.is_some(),
            prewarm: open.is_some_and(super::begin::is_prewarm),
            uncommitted_failover: open.is_some_and(|run| {
                !run.committed
                    && run.kind == PlanKind::Failover
                    && run.trigger == crate::run::Trigger::Automatic
            }),
            obligations: ledger.busy_run().is_some_and(crate::run::Run::closed),
            foreign: self.foreign_claim().is_some(),
            isolation,
            serving: self.sampler.serving(ledger.active, now.mono),
            serves_for: self.serving.held_for(now, Answer3::Yes),
            confirm: self.policy.health.confirm,
            ready: self.readiness(now),
            ready_for: self.ready.held_for(now, Answer3::Yes),
            stable_for: self.policy.health.stable_for,
            failover: self.policy.automation.failover,
            failback: self.policy.automation.failback,
            blocked: ledger
                .last_automatic_failover
                .is_some_and(|at| now.wall.since(at) < self.policy.automation.block_after_failover),
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
            Some(_) => Answer3::No,
            None => Answer3::Unknown,
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
            Some(found) if found.source.is_some() => self.streams(site),
            Some(_) if self.ledger().fenced.contains(&site) => ReplicaState::Rebuildable,
            _ => ReplicaState::Broken,
        }
    }

    /// A replica whose source is in trouble may say anything now: what it last said before counts.
    fn streams(&self, site: Site) -> ReplicaState {
        let fault = self.sampler.serving(site.other(), Mono(u64::MAX)).first_bad;
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
