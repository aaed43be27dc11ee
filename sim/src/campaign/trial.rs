//! A trial: a world, replicas and a schedule, played until everything is home or the time is up.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_core::model::{GroupName, Mono, Site, Span, Wall};
use bowline_core::node::Node;
use bowline_core::plan::PlanKind;
use bowline_core::policy::{Mode, Policy};
use bowline_core::run::{Ended, Entry, Intent, Ledger, Phase};

use super::aim::{Aim, Hit};
use super::glass::GlassRun;
use super::human::{OnCall, approve};
use super::outcome::{Outcome, broken};
use super::policy::{Story, UnknownStory};
use super::schedule::{Blow, Happening, Schedule, Wish};
use super::twist::elsewhere;
use crate::faults::{Spell, Trouble};
use crate::harness::{Death, Simulation, Watch, replicas_beside_glass};
use crate::oracle::Oracle;
use crate::story::sibling;
use crate::world::{World, WorldSpec};

/// How long after the last record a trial goes on, so that the leader has heard of it too.
const LINGER: Span = Span::secs(5);

/// A run that asked within so long of the end waits for a human.
const ASKED: Span = Span::mins(60);

/// What somebody else's controller keeps a run from is asked about for so long, and then given up.
const GIVEN_UP: Span = Span::mins(30);

/// So long after something was said it was looked at, if anybody leads.
const HEARD: Span = Span::secs(30);

/// So many things happen in a minute of a group's life at most; a thousand or two are usual.
const BUSY: u64 = 12_000;

/// The name under which a replica that wakes for nothing is a broken promise.
const SPIN: &str = "spin";

/// How often the human on call looks.
const LOOKS: Span = Span::secs(20);

/// What a human does by hand.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hand {
    /// Wants something of a group.
    Wish(usize, Wish),
    /// Makes the directory from the store, with or without the journal.
    Export(bool),
    /// Ends the break-glass process.
    Stop,
    /// Imports the directory's journal.
    Import,
}

/// A trial that is being played.
pub struct Trial {
    /// The replicas and the world.
    pub simulation: Simulation<Node>,
    pub(super) policies: Vec<Policy>,
    pub(super) replicas: usize,
    oracle: Oracle,
    pub(super) ledgers: BTreeMap<GroupName, Ledger>,
    /// How many entries of all chains were read.
    read: u64,
    /// What is still to be done by hand, the last first.
    pub(super) hands: Vec<(Mono, Hand)>,
    strikes: Vec<Happening>,
    aims: Vec<Aim>,
    on_call: OnCall,
    looks: Mono,
    pub(super) began: Mono,
    heals: Mono,
    ends: Mono,
    at_rest_since: Option<Mono>,
    /// Whether somebody else's controller puts things back.
    meddled: bool,
    /// The break-glass process.
    pub(super) glass: Option<GlassRun>,
}

impl Trial {
    /// A trial before its first event.
    ///
    /// # Errors
    /// When the schedule's policy is none.
    pub fn new(schedule: &Schedule) -> Result<Self, UnknownStory> {
        let Story { mut policy, armed, lease, .. } = Story::read(&schedule.policy)?;
        if schedule.approve {
            policy.automation.failover = Mode::Approve;
        }
        let policies: Vec<_> = (0..schedule.groups).map(|n| member(schedule, &policy, n)).collect();
        let mut rng = fastrand::Rng::with_seed(schedule.seed);
        let world = World::build(&spec(schedule, &policies), &mut rng);
        let began = world.began();
        let oracle = Oracle::new(&policies, &world);
        let glass = schedule.events.iter().any(|event| matches!(event, Happening::Glass(_)));
        let seats = schedule.replicas + usize::from(glass);
        let (reader, told) = (world.reader.clone(), policies[0].group.clone());
        let recruit = replicas_beside_glass(schedule.replicas, (lease, reader.clone()), told);
        let mut simulation = Simulation::new(world, policies.clone(), rng.u64(..), seats, recruit);
        simulation.watch(Box::new(oracle.clone()));
        let heals = began + schedule.heals;
        let ledger = Ledger::default().read_with(&reader);
        let ledgers = policies.iter().map(|p| (p.group.clone(), ledger.clone())).collect();
        let mut trial = Self {
            simulation,
            policies,
            replicas: schedule.replicas,
            oracle,
            ledgers,
            read: 0,
            hands: Vec::new(),
            strikes: Vec::new(),
            aims: Vec::new(),
            on_call: OnCall::new(schedule.on_call, heals),
            looks: began,
            began,
            heals,
            ends: heals + schedule.home_within,
            at_rest_since: None,
            meddled: schedule.events.iter().any(Happening::meddles),
            glass: None,
        };
        trial.plan(schedule, armed);
        Ok(trial)
    }

    fn plan(&mut self, schedule: &Schedule, armed: Span) {
        let began = self.began;
        for policy in self.policies.clone() {
            self.say(began + armed, &policy.group, &Intent::Arm);
        }
        for event in &schedule.events {
            match event {
                Happening::Fault { trouble, .. } if !self.seated(trouble) => {}
                Happening::Fault { from, lasts, trouble } => {
                    let (from, until) = (began + *from, Some(began + *from + *lasts));
                    self.simulation.plan(Spell { from, until, trouble: trouble.clone() });
                }
                Happening::Wish { at, group, wish } => {
                    self.hands.push((began + *at, Hand::Wish(*group, *wish)));
                }
                Happening::Strike { .. } => self.strikes.push(event.clone()),
                Happening::Dies { group, writing, side, lasts } => {
                    let Some(policy) = self.policies.get(*group) else { continue };
                    let (group, before) = (policy.group.clone(), self.heals);
                    let (writing, side, away) = (*writing, *side, *lasts);
                    self.simulation.plan_death(Death { group, writing, side, away, before });
                }
                Happening::Aim(aim) => self.aims.push(aim.clone()),
                Happening::Glass(glass) => self.plan_glass(glass),
            }
        }
        self.hands.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    }

    /// Whether a trouble of a replica has one to befall.
    fn seated(&self, trouble: &Trouble) -> bool {
        match trouble {
            Trouble::Crashed(seat)
            | Trouble::Paused(seat)
            | Trouble::Skewed(seat, _)
            | Trouble::Drifts(seat, _) => *seat < self.replicas,
            _ => true,
        }
    }

    pub(super) fn say(&mut self, at: Mono, group: &GroupName, intent: &Intent) {
        self.simulation.plan_intent(at, group.clone(), "on-call", json(intent));
    }

    /// Somebody looks on.
    pub fn watch(&mut self, watcher: Box<dyn Watch>) {
        self.simulation.watch(watcher);
    }

    /// Plays one event, and gives what was stored since the one before; `None` when it is over.
    pub fn step(&mut self) -> Option<Vec<(GroupName, Arc<Entry>)>> {
        if self.over() {
            return None;
        }
        self.lend_a_hand();
        self.simulation.step();
        self.watch_glass();
        Some(self.look())
    }

    /// The groups, in the order of their policies.
    pub fn groups(&self) -> impl Iterator<Item = &GroupName> {
        self.policies.iter().map(|policy| &policy.group)
    }

    /// When replicas were started.
    #[must_use]
    pub fn began(&self) -> Mono {
        self.began
    }

    /// What came of it so far, as if it were over.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let now = self.simulation.now();
        let mut broken = broken(self.oracle.verdicts(&self.simulation.world, now));
        if let Some(why) = self.unrest() {
            broken.push(("L2".into(), format!("{}: {why}", now.wall)));
        }
        broken.extend(self.spinning());
        let runs: Vec<_> = self.ledgers.values().flat_map(ended).collect();
        let moved = |kind: &&(PlanKind, Ended)| kind.1 == Ended::Moved;
        let home = |run: &&(PlanKind, Ended)| run.0 == PlanKind::Failback;
        let count = |all: usize| u32::try_from(all).unwrap_or(u32::MAX);
        Outcome {
            broken,
            digest: self.digest(),
            round_trips: count(runs.iter().filter(moved).filter(home).count()),
            moves: count(runs.iter().filter(moved).count()),
            lasted: now.mono.since(self.began),
            events: self.simulation.steps(),
        }
    }

    /// Whether far more happened than looks, probes and calls explain: a replica that wakes for
    /// nothing, which would keep a core busy.
    fn spinning(&self) -> Option<(String, String)> {
        let minutes = self.simulation.now().mono.since(self.began).as_secs() / 60 + 1;
        let groups = self.policies.len() as u64;
        let (events, most) = (self.simulation.steps(), minutes * groups * BUSY);
        let words = format!("{events} events in {minutes} minutes: a replica wakes for nothing");
        (events > most).then(|| (SPIN.into(), words))
    }

    /// What is not as a helpful human wants it when the time is up. What somebody else's controller
    /// put back only a human with a hand in the world can mend: a run that asks is enough then.
    fn unrest(&self) -> Option<String> {
        let now = self.simulation.now();
        if now.mono < self.ends {
            return None;
        }
        let unrest = |ledger: &Ledger| {
            !(at_rest(ledger) || self.meddled && asked_since(ledger, now.wall - ASKED))
        };
        if !self.knows_glass() {
            return Some("the journal of the break-glass process was not imported".into());
        }
        let (group, ledger) = self.ledgers.iter().find(|(_, ledger)| unrest(ledger))?;
        let run = ledger.busy_run().map(|run| format!("{} is busy", run.id));
        let holds: Vec<_> = ledger.holds.keys().map(ToString::to_string).collect();
        let (run, active, armed) =
            (run.unwrap_or_else(|| "no run is open".into()), ledger.active, ledger.armed);
        let well = self.ends.since(self.heals);
        Some(format!(
            "{group} is not at home and at peace {well} after all was well: {active} is active, \
             armed: {armed}, {run}, holds: [{}]",
            holds.join(", ")
        ))
    }

    /// All messages and all stored bytes as one number (64-bit FNV-1a).
    fn digest(&self) -> u64 {
        let world = &self.simulation.world;
        let stores = [&world.store, &world.apart.store];
        let groups = self.policies.iter().map(|policy| &policy.group);
        let chains = groups.flat_map(|group| stores.map(|store| store.chain(group)));
        let bytes = chains.flatten().flat_map(|entry| entry.bytes());
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        bytes.fold(self.simulation.digest(), step)
    }

    fn over(&self) -> bool {
        let now = self.simulation.now().mono;
        let rest = self.at_rest_since.is_some_and(|since| now >= since + LINGER);
        let quiet = now >= self.heals && self.hands.is_empty() && self.knows_glass();
        now >= self.ends || (quiet && (rest || self.given_up()))
    }

    /// Whether nothing but questions that nobody here can answer has come of it for long.
    fn given_up(&self) -> bool {
        let now = self.simulation.now();
        let since = self.heals + GIVEN_UP;
        let asks = |ledger: &Ledger| at_rest(ledger) || asked_since(ledger, now.wall - GIVEN_UP);
        self.meddled && now.mono >= since && self.ledgers.values().all(asks)
    }

    /// Does what is due by hand before the next event.
    fn lend_a_hand(&mut self) {
        let Some(now) = self.simulation.due() else { return };
        while let Some((_, hand)) = self.hands.pop_if(|(at, _)| *at <= now) {
            self.do_by_hand(hand, now);
            // What was just said is not looked at yet.
            self.at_rest_since = self.at_rest_since.map(|_| now + HEARD);
        }
        if self.looks <= now {
            self.looks = now + LOOKS;
            self.import_again(now);
            for (group, intent) in self.on_call.says(self.simulation.now(), &self.ledgers) {
                self.say(now, &group, &intent);
            }
        }
    }

    fn do_by_hand(&mut self, hand: Hand, now: Mono) {
        let world = &mut self.simulation.world;
        match hand {
            Hand::Wish(group, wish) => self.wish(group, wish, now),
            Hand::Export(true) => world.apart.store = world.store.export(),
            Hand::Export(false) => world.apart.store = world.store.export_facts(),
            Hand::Stop => self.stop_glass(),
            Hand::Import => self.import(now),
        }
    }

    fn wish(&mut self, group: usize, wish: Wish, now: Mono) {
        let Some(group) = self.policies.get(group).map(|policy| policy.group.clone()) else {
            return;
        };
        match self.words(wish, &self.ledgers[&group]) {
            Some(intent) => self.say(now, &group, &intent),
            None if wish == Wish::Nonsense => {
                self.simulation.plan_intent(now, group, "on-call", "{\"want\": \"sleep\"}");
            }
            None => {}
        }
    }

    /// The intent that a wish is; none when there is nothing that it could be about.
    fn words(&self, wish: Wish, ledger: &Ledger) -> Option<Intent> {
        let reason = || "a human says so".into();
        let open = || ledger.open_run().map(|run| run.id.clone());
        let last = || ledger.run.as_ref().map(|run| run.id.clone());
        Some(match wish {
            Wish::Failover { accept_loss } => {
                Intent::Failover { accept_loss, reason: reason(), break_glass: None }
            }
            Wish::Switchover => Intent::Switchover { reason: reason() },
            Wish::Failback => Intent::Failback { reason: reason() },
            Wish::Approve => approve(self.simulation.now().wall, Span::ZERO, ledger)?,
            Wish::ApproveBlindly => Intent::Approve {
                run: last()?,
                accept_loss: None,
                accept_unfenced: false,
                keep_trying: false,
            },
            Wish::Cancel => Intent::Cancel { run: open()? },
            Wish::CancelBlindly => Intent::Cancel { run: last()? },
            Wish::Pause => Intent::Pause { reason: reason() },
            Wish::Resume => Intent::Resume,
            Wish::Arm => Intent::Arm,
            Wish::Nonsense => return None,
            Wish::ImportNonsense => {
                let (entries, facts, stands) = (vec!["{}".into()], None, None);
                Intent::Import { entries, facts, stands, reason: reason() }
            }
        })
    }

    /// Reads what is new in the chains.
    fn look(&mut self) -> Vec<(GroupName, Arc<Entry>)> {
        let mut new = Vec::new();
        let stored = self.simulation.world.store.stored();
        if std::mem::replace(&mut self.read, stored) == stored {
            return new;
        }
        for (group, ledger) in &mut self.ledgers {
            let chain = self.simulation.world.store.chain(group);
            for bytes in chain.iter().skip(usize::try_from(ledger.head).unwrap_or(usize::MAX)) {
                let Ok(entry) = ledger.apply(ledger.head + 1, bytes) else { break };
                new.push((group.clone(), entry));
            }
        }
        for (group, entry) in &new {
            self.strike(group, entry.seq);
            self.hear_of_glass(group, entry);
        }
        self.take_aim();
        let rest = self.ledgers.values().all(at_rest);
        self.at_rest_since = rest.then_some(self.simulation.now().mono);
        new
    }

    fn leader(&self) -> Option<usize> {
        self.simulation.leader().map(|(seat, _)| seat).filter(|seat| *seat < self.replicas)
    }

    /// Does what was to happen once a run comes to a step; never so that it lasts into healing.
    fn take_aim(&mut self) {
        let (now, heals) = (self.simulation.now(), self.heals);
        if self.aims.is_empty() || now.mono >= heals {
            return;
        }
        let Some(leader) = self.leader() else { return };
        let mut hits = Vec::new();
        let (policies, ledgers) = (&self.policies, &self.ledgers);
        self.aims.retain(|aim| {
            let hit = policies
                .get(aim.group)
                .and_then(|policy| aim.hits(&ledgers[&policy.group], policy, (now, leader)));
            let waits = hit.is_none();
            hits.extend(hit.map(|hit| (aim.group, hit)));
            waits
        });
        for (group, Hit { spell, says }) in hits {
            if let Some(spell) = spell.filter(|spell| spell.from < heals) {
                let until = spell.until.map(|until| until.min(heals));
                self.simulation.plan(Spell { until, ..spell });
            }
            if let Some((at, wish)) = says {
                self.wish(group, wish, at);
            }
        }
    }

    /// Strikes the leader if it is time; never so that it would last into healing.
    fn strike(&mut self, group: &GroupName, seq: u64) {
        let now = self.simulation.now().mono;
        let Some(seat) = self.leader() else { return };
        for strike in &self.strikes {
            let Happening::Strike { group: of, entry, after, lasts, blow } = strike else {
                continue;
            };
            let (from, until) = (now + *after, now + *after + *lasts);
            let meant = self.policies.get(*of).is_some_and(|policy| policy.group == *group);
            if !meant || *entry != seq || until > self.heals {
                continue;
            }
            let trouble = match blow {
                Blow::Crash => Trouble::Crashed(seat),
                Blow::Pause => Trouble::Paused(seat),
            };
            self.simulation.plan(Spell { from, until: Some(until), trouble });
        }
    }
}

/// The policy of the n-th group.
fn member(schedule: &Schedule, policy: &Policy, n: usize) -> Policy {
    let mut policy = sibling(policy, n);
    schedule.twists.iter().for_each(|twist| twist.apply(&mut policy));
    elsewhere(&mut policy, n % schedule.pairs);
    policy
}

fn spec(schedule: &Schedule, policies: &[Policy]) -> WorldSpec {
    let mut spec = WorldSpec::new(policies.to_vec());
    spec.home_nodes *= u32::try_from(schedule.groups).unwrap_or(1);
    if policies.iter().all(|policy| policy.capacity.pools.is_empty()) {
        // Without a NodePool the policy says that standby has the room already.
        spec.standby_nodes = spec.home_nodes;
    }
    (spec.engine, spec.rds) = (schedule.engine, schedule.rds);
    spec
}

/// An intent is made of texts and numbers, which always have a JSON form.
pub(super) fn json(intent: &Intent) -> String {
    serde_json::to_string(intent).unwrap_or_default()
}

/// At home, armed, with nothing open.
fn at_rest(ledger: &Ledger) -> bool {
    ledger.active == Site::Home
        && ledger.armed
        && ledger.paused.is_none()
        && ledger.busy_run().is_none()
        && ledger.holds.is_empty()
}

/// Whether the open run asked something since then.
fn asked_since(ledger: &Ledger, since: Wall) -> bool {
    let run = ledger.open_run();
    let mut steps = run.iter().flat_map(|run| run.steps.values());
    steps.any(|step| step.asked.as_ref().is_some_and(|(_, at)| *at >= since))
}

/// Every run that is over, and how it ended.
fn ended(ledger: &Ledger) -> Vec<(PlanKind, Ended)> {
    let last = ledger.run.iter().filter_map(|run| match &run.phase {
        Phase::Closed(ended) => Some((run.kind, ended.clone())),
        _ => None,
    });
    ledger.history.iter().map(|(_, kind, ended)| (*kind, ended.clone())).chain(last).collect()
}
