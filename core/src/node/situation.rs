//! What a decision is made of: verdicts and the ledger, put side by side.

use crate::bugs::{self, Bug};
use crate::decide::{Modes, OpenRun, Situation};
use crate::health::{Isolation, Readiness, Ready, ReplicaState, Vantage, ready};
use crate::model::{Answer3, Mono, Now, Site};
use crate::op::{Instance, WorkloadView};
use crate::plan::{Facts, PlanKind};
use crate::policy::{Runs, Starts, Workload};

use super::collect::behind_closed_group;
use super::group::Group;
use super::known::SeenAt;

impl Group {
    /// Everything that the decision needs; `ready` is the passive site's verdict.
    pub(super) fn situation(&mut self, now: Now, ready: Answer3) -> Situation<'_> {
        let isolation = self.judge_isolation(now);
        let evidence = super::begin::evidence(self, super::begin::fault_at(self, now));
        let ledger = self.ledger();
        let run = match ledger.open_run() {
            None => OpenRun::None,
            Some(run) if super::begin::is_prewarm(run) => OpenRun::Prewarm,
            Some(_) => OpenRun::Planned,
        };
        let serving = self.sampler.serving(ledger.active, now.mono);
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
            armed: ledger.armed && self.facts().is_some(),
            paused: ledger.paused.is_some(),
            home_has_served: self.facts().is_some() || ledger.active == Site::Standby,
            quarantine: ledger.quarantined.iter().next().copied(),
            obligations: u32::try_from(standing).unwrap_or(u32::MAX),
            foreign_claim: self.foreign_claim().is_some(),
            switched_over: ledger.moved_by == Some(PlanKind::Switchover),
            failback_undone: ledger.failback_undone,
            last_failover: ledger.last_automatic_failover.map(|left| left.at),
            block_after_failover: automation.block_after_failover,
            evidence: evidence.map(|evidence| evidence.grade).into(),
        }
    }

    /// Judges whether Bowline is cut off. What it saw while it was is forgotten when it is not any
    /// more.
    pub(super) fn judge_isolation(&mut self, now: Now) -> Isolation {
        let vantage = Vantage {
            home: self.sampler.contact(Site::Home).reach(),
            standby: self.sampler.contact(Site::Standby).reach(),
            aws: self.sampler.aws().reach(),
            canaries: self.canaries.reach(),
            home_outside: self.sampler.outside_sign(Site::Home, now.mono),
            standby_outside: self.sampler.outside_sign(Site::Standby, now.mono),
        };
        let settle = self.sampler.site(self.active()).settles_in();
        let was_cut_off = self.isolation.cut_off();
        let isolation = self.isolation.judge(now.mono, &vantage, settle);
        // What was bad meanwhile dates no fault: the site may have served all the while.
        if was_cut_off && !self.isolation.cut_off() && !bugs::on(Bug::OwnEyesDateTheFault) {
            Site::BOTH.into_iter().for_each(|site| self.sampler.forget(&self.policy, site));
        }
        isolation
    }

    /// Whether the passive site could take over.
    pub(super) fn readiness(&self, now: Now) -> Ready {
        let passive = self.active().other();
        ready(&Readiness {
            cluster_api: self.cluster_answers(passive, now.mono),
            replica: self.replica_state(passive, now.mono),
            floor: self.floor(passive, now.mono),
            listed: self.listed(passive),
            own_claim: if self.foreign_claim().is_some() { Answer3::No } else { Answer3::Yes },
        })
    }

    /// The survey reads the fence ConfigMap of each cluster: its answer is the cluster's.
    pub(super) fn cluster_answers(&self, site: Site, now: Mono) -> Answer3 {
        match self.known.cluster_claims.get(&site) {
            Some(seen) if seen.fresh(now) => Answer3::Yes,
            Some(_) | None => Answer3::Unknown,
        }
    }

    /// Whether a site's cluster runs what it needs to grow: each workload of the policy's floor and
    /// each that is safe without the writer and wanted there in peace. One ready pod of each is
    /// enough to say that it works. What a run of ours is scaling says nothing.
    fn floor(&self, site: Site, now: Mono) -> Answer3 {
        let stands = |seen: Option<&SeenAt<Option<WorkloadView>>>, wanted: u32| match seen
            .filter(|seen| seen.fresh(now))
            .map(|seen| seen.value.as_ref())
        {
            None => Answer3::Unknown,
            Some(Some(view)) if view.ready > 0 || view.wanted < wanted => Answer3::Yes,
            Some(_) => Answer3::No,
        };
        let capacity = &self.policy.capacity;
        let floor = (0..capacity.floor.len()).map(|n| stands(self.known.floor.get(&(site, n)), 0));
        let ledger = self.ledger();
        let rests = |workload: &Workload| {
            let early = workload.starts == Starts::Early && workload.runs == Runs::Both;
            !early || ledger.holds_workload(site, &workload.object)
        };
        let own = capacity.workloads.iter().enumerate().filter(|(_, workload)| !rests(workload));
        let own = own.map(|(n, _)| stands(self.known.workloads.get(&(site, n)), 1));
        floor.chain(own).fold(Answer3::Yes, |all, one| match (all, one) {
            (Answer3::No, _) | (_, Answer3::No) => Answer3::No,
            (Answer3::Unknown, _) | (_, Answer3::Unknown) => Answer3::Unknown,
            (Answer3::Yes, Answer3::Yes) => Answer3::Yes,
        })
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

    /// What RDS says of a site's database instance, if that is known; `None` in it: there is none.
    pub(super) fn instance_now(&self, site: Site, now: Mono) -> Option<&Option<Instance>> {
        let seen = self.known.instances.get(&site).filter(|seen| seen.fresh(now));
        seen.map(|seen| &seen.value)
    }

    /// Whether RDS says that a site's database instance does not exist.
    pub(super) fn lacks_instance(&self, site: Site, now: Mono) -> bool {
        self.instance_now(site, now).is_some_and(|seen| seen.is_none())
    }

    /// Why the passive site has no member that a failover could promote, if RDS or the
    /// journal says so.
    pub(super) fn nothing_to_promote(&self, facts: &Facts, now: Mono) -> Option<String> {
        let site = self.active().other();
        let recorded = &facts.members.get(&site)?.resource;
        let left = self.ledger().left_writer(site) && !bugs::on(Bug::LeftWriterIsPromoted);
        // A copy of the journal may not know of it; the world does.
        let shut = |found| behind_closed_group(&self.policy, site, found);
        let odd = match self.instance_now(site, now) {
            Some(None) => "it does not exist".to_owned(),
            Some(Some(found)) if found.resource != *recorded => {
                format!("it is {}, and recorded is {recorded}", found.resource)
            }
            // What was written since it was left is not in it.
            Some(Some(found)) if found.source.is_none() && (left || shut(found)) => {
                "it is the writer that was left; `bowline failback` makes it a replica".to_owned()
            }
            Some(Some(found)) if found.source.is_some() && !self.replicates(found) => {
                let source = found.source.as_ref().map_or_else(String::new, ToString::to_string);
                format!("it is a replica of {source}, not of the {} site's instance", self.active())
            }
            // Who cannot look has the journal's word. It would be found without a source, as one
            // is that was promoted.
            None if left => "it is the writer that was left, and nobody sees that it was made a \
                             replica since; `bowline failback` makes it one"
                .to_owned(),
            _ => return None,
        };
        Some(format!("{site}'s database instance cannot be promoted: {odd}"))
    }

    /// Whether a standby's member is the one that a failover would promote, if that is known.
    fn is_recorded(&self, site: Site, found: &Instance) -> bool {
        let recorded = || super::begin::recorded_member(self, site);
        site != Site::Standby || recorded().is_none_or(|recorded| *recorded == found.resource)
    }

    /// Whether a replica is one of the active site's instance.
    fn replicates(&self, found: &Instance) -> bool {
        found.source.as_ref() == super::collect::writer(&self.policy, self.active())
    }

    fn replica_state(&self, site: Site, now: Mono) -> ReplicaState {
        if self.policy.database.is_none() {
            return ReplicaState::NoDatabase;
        }
        let Some(seen) = self.instance_now(site, now) else { return ReplicaState::Unknown };
        match seen {
            Some(found) if found.source.is_some() && bugs::on(Bug::RunningIsStreaming) => {
                ReplicaState::Streaming
            }
            // A run that was cancelled was making it: a planned move goes on with that.
            Some(found) if !self.is_recorded(site, found) => ReplicaState::Broken,
            // The active site's instance may have been replaced: its replicas stay the old one's.
            Some(found) if found.source.is_some() => match self.replicates(found) {
                true => self.streams(site, now),
                false => ReplicaState::Broken,
            },
            Some(_) if self.ledger().fenced.contains(&site) => ReplicaState::Rebuildable,
            _ => ReplicaState::Broken,
        }
    }

    /// A replica whose source is in trouble may say anything now: what was said before counts, and
    /// who had not asked by then does not know. How far behind it was is judged with the evidence.
    fn streams(&self, site: Site, now: Mono) -> ReplicaState {
        let fault = self.sampler.serving(site.other(), now).first_bad;
        let replication = self.known.replication.get(&site);
        let said = replication.and_then(|said| match fault {
            Some(at) => said.streamed_before(at.wall),
            None => said.said_by(None),
        });
        match said {
            Some(true) => ReplicaState::Streaming,
            Some(false) => ReplicaState::Broken,
            None => ReplicaState::Unknown,
        }
    }
}

#[cfg(test)]
#[path = "situation_tests.rs"]
mod tests;
