//! The stage: a world, replicas and a script, played until the story is over.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_core::lease::LeaseTimes;
use bowline_core::model::{GroupName, InstanceId, Mono, RunId, Site, Span};
use bowline_core::node::{GroupStatus, Node};
use bowline_core::policy::Policy;
use bowline_core::run::{Entry, Intent, Ledger, Record};

use super::glass::Hand;
use super::scenario::{Cue, Scenario, Script, Then};
use crate::faults::Spell;
use crate::harness::{Simulation, Watch, replicas_beside_glass};
use crate::oracle::{Oracle, Verdicts};
use crate::world::{World, WorldSpec};

/// When groups are armed, counted from the start of the replicas.
const ARM: Span = Span::mins(3);

/// The longest that a story may take, in virtual time.
const LONGEST: Span = Span::mins(12 * 60);

/// How long after the last record the story goes on, so that the leader has heard of it too.
const LINGER: Span = Span::secs(5);

/// Replicas of Bowline in a story.
pub const REPLICAS: usize = 3;

/// A story that is being played.
pub struct Stage {
    /// The replicas and the world.
    pub simulation: Simulation<Node>,
    policies: Vec<Policy>,
    script: Script,
    began: Mono,
    /// When the last thing that the script plans is over.
    quiet_from: Mono,
    /// What is still to be done by hand, the last first.
    pub(super) hands: Vec<(Mono, Hand)>,
    cue: Option<Cue>,
    ends: Mono,
    oracle: Oracle,
    scenario: &'static str,
    seed: u64,
    ledgers: BTreeMap<GroupName, Ledger>,
    /// Since when nothing is open, as the chains say.
    at_rest_since: Option<Mono>,
    /// How many entries of all chains were read.
    read: u64,
}

/// What was stored in a chain since the last look.
#[derive(Clone, Debug)]
pub struct Told {
    /// Whose chain.
    pub group: GroupName,
    /// What was stored.
    pub entry: Arc<Entry>,
}

impl Stage {
    /// A scenario with this policy and seed, before its first event.
    #[must_use]
    pub fn new(scenario: &Scenario, policy: &Policy, seed: u64) -> Self {
        let mut first = policy.clone();
        (scenario.policy)(&mut first);
        let script = (scenario.script)(&first);
        let policies: Vec<_> = (0..scenario.groups).map(|n| sibling(&first, n)).collect();
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut spec = WorldSpec::new(policies.clone());
        spec.home_nodes *= u32::try_from(scenario.groups).unwrap_or(1);
        spec.engine = script.engine.unwrap_or(spec.engine);
        if first.capacity.pools.is_empty() {
            // Without a NodePool the policy says that standby has the room already.
            spec.standby_nodes = spec.home_nodes;
        }
        let world = World::build(&spec, &mut rng);
        let began = world.began();
        let ledger = Ledger::default().read_with(&world.reader);
        let habits = (LeaseTimes::default(), world.reader.clone());
        let recruit = replicas_beside_glass(REPLICAS, habits, first.group.clone());
        let oracle = Oracle::new(&policies, &world);
        let seats = REPLICAS + usize::from(script.break_glass.is_some());
        let mut simulation = Simulation::new(world, policies.clone(), rng.u64(..), seats, recruit);
        simulation.watch(Box::new(oracle.clone()));
        let ledgers = policies.iter().map(|p| (p.group.clone(), ledger.clone())).collect();
        let (cue, ends) = (script.cue, began + script.until.unwrap_or(LONGEST));
        let quiet_from = began + ARM;
        let scenario = scenario.name;
        let mut stage = Self {
            simulation,
            policies,
            script,
            began,
            quiet_from,
            hands: Vec::new(),
            cue,
            ends,
            oracle,
            scenario,
            seed,
            ledgers,
            at_rest_since: None,
            read: 0,
        };
        stage.rehearse();
        stage
    }

    /// Plans what the script says.
    fn rehearse(&mut self) {
        let began = self.began;
        let groups: Vec<_> = self.policies.iter().map(|policy| policy.group.clone()).collect();
        for group in &groups {
            self.intend(began + ARM, group, &Intent::Arm);
        }
        for (at, intent) in std::mem::take(&mut self.script.intents) {
            self.intend(began + at, &groups[0], &intent);
        }
        if let Some(glass) = self.script.break_glass.take() {
            self.break_glass(&glass);
        }
        for (from, until, trouble) in std::mem::take(&mut self.script.troubles) {
            let (from, until) = (began + from, until.map(|until| began + until));
            self.quiet_from = self.quiet_from.max(until.unwrap_or(from));
            self.simulation.plan(Spell { from, until, trouble });
        }
    }

    /// The story is not over before then.
    pub(super) fn quiet_after(&mut self, at: Mono) {
        self.quiet_from = self.quiet_from.max(at);
    }

    fn intend(&mut self, at: Mono, group: &GroupName, intent: &Intent) {
        self.quiet_from = self.quiet_from.max(at + Span::mins(1));
        // An intent is made of strings and numbers, which always have a JSON form.
        let bytes = serde_json::to_string(intent).unwrap_or_default();
        self.simulation.plan_intent(at, group.clone(), "on-call", bytes);
    }

    /// Somebody looks on.
    pub fn watch(&mut self, watcher: Box<dyn Watch>) {
        self.simulation.watch(watcher);
    }

    /// Plays one event, and says what was stored since the one before. `false` when the story is
    /// over.
    pub fn step(&mut self, told: &mut Vec<Told>) -> bool {
        if self.over() {
            return false;
        }
        self.lend_a_hand();
        self.simulation.step();
        self.read(told);
        true
    }

    /// Plays to the end.
    pub fn play(&mut self) {
        let mut told = Vec::new();
        while self.step(&mut told) {
            told.clear();
        }
    }

    /// Whether everything has come to rest, or the time is up.
    #[must_use]
    pub fn over(&self) -> bool {
        let now = self.simulation.now().mono;
        let seen = self.at_rest_since.is_some_and(|since| now >= since + LINGER);
        now >= self.ends || (now >= self.quiet_from && seen)
    }

    /// Whether every group is armed at home with nothing open.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        self.ledgers.values().all(|ledger| {
            ledger.active == Site::Home
                && ledger.armed
                && ledger.busy_run().is_none()
                && ledger.holds.is_empty()
        })
    }

    /// What the chains say, group by group.
    #[must_use]
    pub fn ledgers(&self) -> &BTreeMap<GroupName, Ledger> {
        &self.ledgers
    }

    /// The policies in force.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The leader's view of a group, or any replica's when none leads.
    #[must_use]
    pub fn status(&self, group: &GroupName) -> Option<GroupStatus> {
        let mut replicas = (0..REPLICAS).filter_map(|seat| self.simulation.replica(seat));
        let leader = self.leader().map(|(_, node)| node).or_else(|| replicas.next());
        leader.and_then(|node| node.status(group, self.simulation.now()))
    }

    /// The scenario's name and the seed.
    #[must_use]
    pub fn title(&self) -> (&'static str, u64) {
        (self.scenario, self.seed)
    }

    /// When the replicas were started.
    #[must_use]
    pub fn began(&self) -> Mono {
        self.began
    }

    /// Whether a promise is broken already. Some show only when nothing more is to come.
    #[must_use]
    pub fn breaks(&self, promise: &str) -> bool {
        self.oracle.has_broken(promise)
    }

    /// What the oracle says of each promise, now that nothing more is to come.
    #[must_use]
    pub fn verdicts(&self) -> Verdicts {
        self.oracle.verdicts(&self.simulation.world, self.simulation.now())
    }

    /// Reads what is new in the chains.
    fn read(&mut self, told: &mut Vec<Told>) {
        let stored = self.simulation.world.store.stored();
        if std::mem::replace(&mut self.read, stored) == stored {
            return;
        }
        let mut cued = None;
        for (group, ledger) in &mut self.ledgers {
            let chain = self.simulation.world.store.chain(group);
            for bytes in chain.iter().skip(usize::try_from(ledger.head).unwrap_or(usize::MAX)) {
                let Ok(entry) = ledger.apply(ledger.head + 1, bytes) else { break };
                let comes = |record: &Record| match (record, &self.cue) {
                    (Record::Started { step, .. } | Record::Done { step, .. }, Some(cue)) => {
                        step.as_str().starts_with(cue.step)
                    }
                    _ => false,
                };
                if entry.records.iter().any(comes) {
                    cued = self.cue.take().zip(ledger.run.as_ref().map(|run| run.id.clone()));
                }
                told.push(Told { group: group.clone(), entry });
            }
        }
        if let Some((cue, run)) = cued {
            self.follow(&cue, &run);
        }
        if !told.is_empty() || self.at_rest_since.is_none() {
            let now = self.simulation.now().mono;
            self.at_rest_since = self.at_rest().then_some(now);
        }
    }

    fn leader(&self) -> Option<(usize, &Node)> {
        self.simulation.leader().filter(|(seat, _)| *seat < REPLICAS)
    }

    /// What was to happen on this cue is planned.
    fn follow(&mut self, cue: &Cue, run: &RunId) {
        let now = self.simulation.now().mono;
        let from = now + cue.after;
        let (trouble, lasts) = match cue.then {
            Then::Leader(trouble, lasts) => match self.leader() {
                Some((seat, _)) => (trouble(seat), lasts),
                None => return,
            },
            Then::World(trouble, lasts) => (trouble(&self.policies[0]), lasts),
            Then::Intent(intent) => {
                let group = self.policies[0].group.clone();
                return self.intend(from, &group, &intent(run));
            }
        };
        self.quiet_after(from + lasts);
        self.simulation.plan(Spell { from, until: Some(from + lasts), trouble });
    }
}

/// The n-th group of a story: the same clusters, NodePool and zone, with names and a database of
/// its own.
pub(crate) fn sibling(policy: &Policy, n: usize) -> Policy {
    let mut policy = policy.clone();
    if n == 0 {
        return policy;
    }
    let rename = |text: &str| format!("{text}-{n}");
    policy.group = GroupName::new(rename(policy.group.as_str()));
    for site in [&mut policy.home, &mut policy.standby] {
        if let Some(database) = &mut site.database {
            database.instance = InstanceId::new(rename(database.instance.as_str()));
        }
    }
    for workload in &mut policy.capacity.workloads {
        workload.object.namespace = rename(workload.object.namespace.as_str()).as_str().into();
    }
    for job in &mut policy.capacity.jobs {
        job.object.namespace = rename(job.object.namespace.as_str()).as_str().into();
    }
    super::scenario::rename_hosts(&mut policy, n);
    policy
}
