//! A group as the oracle knows it: its policy, its stored chain, and how its world was in peace.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_core::model::{Claim, Cluster, Epoch, Mono, Now, RunId, Site, StepId, Wall, ZoneId};
use bowline_core::op::{Op, PoolView, RecordSet};
use bowline_core::policy::{Policy, Replicas, Workload};
use bowline_core::run::Ledger;

use super::court::Scene;
use crate::aws::rds::{Access, MemberView};
use crate::world::World;

/// One group.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// Its number in the world.
    pub(super) group: usize,
    /// Its policy.
    pub(super) policy: Policy,
    /// What the bytes say of the store that was written last.
    pub(super) ledger: Ledger,
    /// What those of the other one say: the store, and a break-glass process's directory.
    pub(super) beside: Ledger,
    /// Whether the directory was written last.
    pub(super) apart: bool,
    /// Calls whose start was recorded, and how often each was performed since.
    pub(super) started: Vec<Started>,
    /// Its world in peace.
    pub(super) peace: Peace,
    /// The site that a recorded promotion makes the writer's, until all answers lead there.
    pub(super) promoting: Option<Site>,
    /// Since when home's users are served, and standby's.
    pub(super) serving_since: [Option<Mono>; 2],
    /// Since when home's users were last failed, and standby's, but for short interruptions.
    pub(super) failing_since: [Option<Mono>; 2],
    /// When home's users, and standby's, were served last before something took that away.
    pub(super) lost_at: [Option<Mono>; 2],
    /// Which site's sets are primary, or whose gate is open.
    pub(super) open: Option<Site>,
    /// The site that an automatic failover is to leave, as long as nothing is recorded of its
    /// steps, and when its run was opened, as recorded.
    pub(super) beginning: Option<(Wall, Site)>,
    /// The same, as long as nothing was started for it that users notice.
    pub(super) leaving: Option<(Wall, Site)>,
    /// When the last run passed its point of no return.
    pub(super) passed: Option<Passed>,
    /// When a planned move was last undone.
    pub(super) unwound_at: Option<Mono>,
    /// The last way home that was undone when it had been an outage for users.
    pub(super) felt: Option<RunId>,
    /// How often home's and standby's members were promoted, the renamed ones not.
    pub(super) promotions: [u32; 2],
    /// The largest claim found in each cluster.
    pub(super) clusters: BTreeMap<Cluster, Claim>,
    /// The largest claim of the group on each object that it held.
    pub(super) notes: BTreeMap<(Cluster, String), Claim>,
    /// The largest claim found at the lever, by zone or object.
    pub(super) levers: BTreeMap<String, Claim>,
    /// Promotions that took effect, by run and instance.
    pub(super) effects: BTreeMap<(String, String), u32>,
    /// Somebody else wrote its sets last: what they lead to is not Bowline's doing.
    pub(super) meddled: bool,
    /// When they last did.
    pub(super) reverted_at: Option<Mono>,
    /// When runs were opened: by the replica's clock, as recorded, and by the world's. Two journals
    /// may have runs of one name: the recorded date tells which one it is.
    pub(super) opened: BTreeMap<Wall, Mono>,
    /// Entries that replicas want to write, and when each was first sent.
    pub(super) writes: BTreeMap<Arc<str>, Mono>,
    /// When the entry that is judged was first sent.
    pub(super) wrote_at: Option<Mono>,
    /// When a look from outside was last recorded as done, and a call that opens a site as started:
    /// by the world's clock, since a replica's may be wrong.
    pub(super) looked: Option<Mono>,
    pub(super) opens: Option<Mono>,
    /// When the last run was closed.
    pub(super) closed_at: Option<Mono>,
    /// The most that a human accepted to lose in a run, in milliseconds, by when it was opened, as
    /// recorded.
    pub(super) accepted_ms: BTreeMap<Wall, u64>,
}

/// A run is past its point of no return.
#[derive(Clone, Debug)]
pub(super) struct Passed {
    /// When it was opened, as recorded.
    pub(super) opened: Wall,
    /// Since when.
    pub(super) at: Mono,
    /// Under which claim.
    pub(super) epoch: Epoch,
}

/// A call whose start was recorded.
#[derive(Clone, Debug)]
pub(super) struct Started {
    pub(super) op: Op,
    pub(super) run: String,
    pub(super) step: StepId,
    pub(super) recorded: u32,
    pub(super) performed: u32,
}

/// A group's world in peace.
#[derive(Clone, Debug)]
pub(super) struct Peace {
    /// `spec.replicas` by workload, at home and at standby.
    pub(super) replicas: Vec<[u32; 2]>,
    /// Whether each job is suspended, at home and at standby.
    pub(super) suspended: Vec<[bool; 2]>,
    /// Standby's NodePools.
    pub(super) pools: Vec<Option<PoolView>>,
    /// All sets of its names.
    pub(super) sets: Vec<RecordSet>,
}

impl Case {
    pub(super) fn new(group: usize, policy: &Policy, world: &World) -> Self {
        let scene = Scene { world, now: crate::part::at(world.began()) };
        let mut case = Self {
            group,
            policy: policy.clone(),
            ledger: Ledger::default().read_with(&world.reader),
            beside: Ledger::default().read_with(&world.reader),
            apart: false,
            started: Vec::new(),
            peace: Peace::of(group, policy, world),
            promoting: None,
            serving_since: [None; 2],
            failing_since: [None; 2],
            lost_at: [None; 2],
            open: None,
            beginning: None,
            leaving: None,
            passed: None,
            unwound_at: None,
            felt: None,
            promotions: [0; 2],
            clusters: BTreeMap::new(),
            notes: BTreeMap::new(),
            levers: BTreeMap::new(),
            effects: BTreeMap::new(),
            meddled: false,
            reverted_at: None,
            opened: BTreeMap::new(),
            writes: BTreeMap::new(),
            wrote_at: None,
            looked: None,
            opens: None,
            closed_at: None,
            accepted_ms: BTreeMap::new(),
        };
        case.open = case.opened(world);
        for site in Site::BOTH {
            let at = crate::aws::rds::DoorId { group, site };
            case.serves(site, world.app.serves(at), crate::part::at(Mono(0)));
            case.promotions[position(site)] = case.member(scene, site).map_or(0, |m| m.promotions);
        }
        case
    }

    /// Takes note of what a site serves.
    pub(super) fn serves(&mut self, site: Site, access: Access, now: Now) {
        let confirm = self.policy.health.confirm;
        let since = &mut self.serving_since[position(site)];
        let before = std::mem::take(since);
        *since = access.reads.then(|| before.unwrap_or(now.mono));
        if let (false, Some(served)) = (access.reads, before) {
            let failing = &mut self.failing_since[position(site)];
            *failing = failing.filter(|_| now.mono.since(served) < confirm).or(Some(now.mono));
            self.lost_at[position(site)] = Some(now.mono);
        }
    }

    /// Both journals, that which was written last first.
    pub(super) fn journals(&self) -> [&Ledger; 2] {
        [&self.ledger, &self.beside]
    }

    /// The instance that a site's application connects to.
    pub(super) fn member(&self, scene: Scene<'_>, site: Site) -> Option<MemberView> {
        let door = scene.world.groups()[self.group].door(site)?;
        scene.world.rds.member(door, scene.now)
    }

    /// The site whose member became a writer last.
    pub(super) fn writer(&self, scene: Scene<'_>) -> Option<Site> {
        let writers = Site::BOTH.into_iter().filter_map(|site| {
            let member = self.member(scene, site).filter(|member| member.writer)?;
            Some((member.held.branch, site))
        });
        writers.max().map(|(_, site)| site)
    }

    /// How many replicas of a workload the policy asks for at a site.
    pub(super) fn asked(&self, index: usize, workload: &Workload, site: Site) -> u32 {
        let home = self.peace.replicas[index][0];
        match (site, workload.replicas) {
            (Site::Home, _) => home,
            (Site::Standby, Replicas::Count(count)) => count,
            (Site::Standby, Replicas::PercentOfHome { percent, at_least }) => {
                (home * percent).div_ceil(100).max(at_least)
            }
        }
    }

    /// All record sets of its names, in a fixed order.
    pub(super) fn sets(group: usize, world: &World) -> Vec<RecordSet> {
        let names = &world.groups()[group].names;
        let sets =
            names.iter().flat_map(|(name, zone): &(_, ZoneId)| world.route53.sets(zone, name));
        let mut sets: Vec<_> = sets.cloned().collect();
        sets.sort();
        sets
    }
}

impl Peace {
    fn of(group: usize, policy: &Policy, world: &World) -> Self {
        let cluster = |site| world.cluster(&policy.site(site).cluster);
        let capacity = &policy.capacity;
        let replicas = |w: &Workload| {
            Site::BOTH.map(|site| {
                cluster(site).and_then(|c| c.workload(&w.object)).map_or(0, |view| view.wanted)
            })
        };
        let suspended = |job: &bowline_core::policy::Job| {
            Site::BOTH.map(|site| {
                cluster(site).and_then(|c| c.job(&job.object)).is_some_and(|view| view.suspended)
            })
        };
        let pools = capacity.pools.iter().map(|pool| cluster(Site::Standby)?.pool(&pool.name));
        Self {
            replicas: capacity.workloads.iter().map(replicas).collect(),
            suspended: capacity.jobs.iter().map(suspended).collect(),
            pools: pools.map(Option::<&PoolView>::cloned).collect(),
            sets: Case::sets(group, world),
        }
    }
}

/// Home first.
pub(super) fn position(site: Site) -> usize {
    usize::from(site == Site::Standby)
}
