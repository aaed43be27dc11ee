//! One case, played to its end, with somebody dying at one exact call or nobody.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_core::lease::LeaseTimes;
use bowline_core::model::{GroupName, Mono, Site, Span};
use bowline_core::node::Node;
use bowline_core::op::{Failover, GateOp, Op, RdsOp, RecordSet, Route53Op};
use bowline_core::plan::PlanKind;
use bowline_core::policy::Policy;
use bowline_core::run::{Ended, Intent, Ledger, Phase as RunPhase, Record, Run};

use super::case::{Case, Once, Want};
use super::picture::{Picture, Scene};
use crate::aws::rds::Takes;
use crate::coverage::Counter;
use crate::faults::Spell;
use crate::harness::{Arrival, Simulation, Spoil, Strike, replicas};
use crate::oracle::{Oracle, Verdict};
use crate::world::{World, WorldSpec};

/// When the group is armed, counted from the start of the replicas.
const ARM: Span = Span::mins(3);

/// How often people look.
const TICK: Span = Span::secs(5);

/// How long a human thinks about a question before saying yes.
const THINKS: Span = Span::secs(30);

/// After so long without an effect a human says again what they want.
const AGAIN: Span = Span::mins(3);

/// When a human takes it into their own hands: trouble for so long, and no run open.
const BY_HAND: Span = Span::mins(8);

/// The longest that a case may take.
const LONGEST: Span = Span::mins(8 * 60);

/// How long a world takes to come to rest at the most once nothing is under way: pods come and go,
/// empty nodes are removed.
const SETTLES: Span = Span::mins(12);

/// How long it must stay as it is expected to be.
const STAYS: Span = Span::secs(30);

/// What a human accepts to lose, if asked.
const ACCEPTS: Span = Span::mins(30);

/// Who is there to lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Crew {
    /// One replica: who dies is started again.
    Alone,
    /// Two: the other one takes over.
    Pair,
}

impl Crew {
    /// Either.
    pub const BOTH: [Self; 2] = [Self::Alone, Self::Pair];

    fn seats(self) -> usize {
        match self {
            Self::Alone => 1,
            Self::Pair => 2,
        }
    }

    /// How long the seat of who died stays empty.
    #[must_use]
    pub fn away(self) -> Span {
        match self {
            Self::Alone => Span::secs(1),
            Self::Pair => Span::mins(10),
        }
    }
}

/// What a played case came to.
#[derive(Clone, Debug)]
pub struct Played {
    /// Whether it came to its end in time.
    pub ended: bool,
    /// The world then.
    pub picture: Picture,
    /// Promises that were broken, each with how.
    pub broken: Vec<String>,
    /// What a human had to say, beyond the case's own wishes.
    pub said: Vec<String>,
    /// How often each effect that cannot be undone was had.
    pub irreversible: BTreeMap<String, u32>,
    /// Every call that changes something, as it arrived.
    pub arrivals: Vec<Arrival>,
    /// Whether the strike was carried out.
    pub struck: bool,
    /// The chain's entries, oldest first.
    pub chain: Vec<Arc<str>>,
    /// Whether a run was ever begun.
    pub began: bool,
    /// How long it took, in virtual time.
    pub took: Span,
    /// How many things happened in it.
    pub steps: u64,
}

/// A case that is being played.
struct Play {
    case: Case,
    counter: Option<Counter>,
    policy: Policy,
    simulation: Simulation<Node>,
    oracle: Oracle,
    ledger: Ledger,
    began: Mono,
    /// When the last trouble is over.
    quiet_from: Mono,
    /// When the first one begins.
    trouble: Option<Mono>,
    /// Which wish is next.
    wish: usize,
    /// When something was last said.
    spoke: Option<Mono>,
    said: Vec<String>,
    started: Vec<String>,
    /// Since when nothing is under way.
    rests_since: Option<Mono>,
}

/// How a case is to be played.
#[derive(Clone, Copy, Debug)]
pub struct Plot<'a> {
    /// The case.
    pub case: &'a Case,
    /// The policy that the case's own is made from.
    pub shop: &'a Policy,
    /// Who is there to lead.
    pub crew: Crew,
    /// Who counts what happens.
    pub counter: Option<&'a Counter>,
}

impl Plot<'_> {
    /// Plays it, with somebody dying or nobody. With `like`, it is over as soon as its end is like
    /// that.
    #[must_use]
    pub fn play(&self, strike: Option<Strike>, like: Option<&Picture>) -> Played {
        let mut play = Play::new(self);
        if let Some(strike) = strike {
            play.simulation.plan_strike(strike);
        }
        play.finish(like).0
    }

    /// Plays it with calls that come to a fault, and says how many did.
    #[must_use]
    pub fn play_spoilt(&self, spoil: Spoil, like: &Picture) -> (Played, u32) {
        let mut play = Play::new(self);
        play.simulation.plan_spoil(spoil);
        play.finish(Some(like))
    }
}

impl Play {
    fn new(plot: &Plot<'_>) -> Self {
        let Plot { case, shop, crew, counter } = *plot;
        let policy = case.policy(shop);
        let mut rng = fastrand::Rng::with_seed(1);
        let mut spec = WorldSpec::new(vec![policy.clone()]);
        (spec.home_nodes, spec.replicas, spec.users.resolvers) = (3, 3, 4);
        // The same steps, and shorter waits between them.
        spec.rds.rename = Takes::secs(30, 60);
        spec.rds.replica = Takes::secs(90, 180);
        let mut world = World::build(&spec, &mut rng);
        world.rds.cancel_backups();
        let began = world.began();
        let oracle = Oracle::new(std::slice::from_ref(&policy), &world);
        let ledger = Ledger::default().read_with(&world.reader);
        let recruit = replicas((LeaseTimes::default(), world.reader.clone()));
        let policies = vec![policy.clone()];
        let mut simulation = Simulation::new(world, policies, rng.u64(..), crew.seats(), recruit);
        simulation.watch(Box::new(oracle.clone()));
        counter.into_iter().for_each(|counter| simulation.watch(counter.watch()));
        let troubles = (case.troubles)(&policy);
        let until = troubles.iter().filter_map(|(_, until, _)| *until).max();
        let trouble = troubles.iter().map(|(from, ..)| began + *from).min();
        for (from, until, trouble) in troubles {
            let (from, until) = (began + from, until.map(|until| began + until));
            simulation.plan(Spell { from, until, trouble });
        }
        let mut play = Self {
            case: *case,
            counter: counter.cloned(),
            policy,
            simulation,
            oracle,
            ledger,
            began,
            quiet_from: began + until.unwrap_or(ARM),
            trouble,
            wish: 0,
            spoke: None,
            said: Vec::new(),
            started: Vec::new(),
            rests_since: None,
        };
        play.say(began + ARM, &Intent::Arm);
        play
    }

    fn finish(mut self, like: Option<&Picture>) -> (Played, u32) {
        self.simulation.log_arrivals();
        let (ended, picture) = self.run_to_the_end(like);
        let spoilt = self.simulation.spoilt_calls();
        (self.played(ended, picture), spoilt)
    }

    fn played(self, ended: bool, picture: Picture) -> Played {
        let verdicts = self.oracle.verdicts(&self.simulation.world, self.simulation.now());
        let broken = verdicts.iter().filter_map(|(promise, verdict)| match verdict {
            Verdict::Broken(why) => Some(format!("{promise}: {why}")),
            Verdict::Held => None,
        });
        let arrivals = self.simulation.arrivals().to_vec();
        Played {
            ended,
            picture,
            broken: broken.collect(),
            irreversible: irreversible(&arrivals),
            arrivals,
            struck: self.simulation.struck(),
            chain: self.simulation.world.store.chain(&self.policy.group).to_vec(),
            began: self.ledger.run.is_some(),
            took: self.now().since(self.began),
            steps: self.simulation.steps(),
            said: self.said,
        }
    }

    /// Lets everything happen until then; who counts looks at every decision.
    fn run_until(&mut self, end: Mono) {
        let Self { simulation, counter, policy, .. } = self;
        let Some(counter) = counter else { return simulation.run_until(end) };
        simulation.run_while(end, |simulation| {
            counter.look(simulation, [&policy.group]);
            true
        });
    }

    fn now(&self) -> Mono {
        self.simulation.now().mono
    }

    fn group(&self) -> &GroupName {
        &self.policy.group
    }

    fn run_to_the_end(&mut self, like: Option<&Picture>) -> (bool, Picture) {
        let mut alike_since = None;
        while self.now() < self.began + LONGEST {
            let next = self.now() + TICK;
            self.run_until(next);
            self.read();
            self.people();
            self.rests_since = if self.rests() { self.rests_since.or(Some(next)) } else { None };
            let Some(since) = self.rests_since else {
                alike_since = None;
                continue;
            };
            let alike = like.is_some_and(|like| self.picture() == *like);
            alike_since = if alike { alike_since.or(Some(next)) } else { None };
            let settled = alike_since.is_some_and(|since| next >= since + STAYS);
            if settled || next >= since + SETTLES {
                return (true, self.picture());
            }
        }
        (false, self.picture())
    }

    fn picture(&self) -> Picture {
        Picture::of(Scene {
            world: &self.simulation.world,
            now: self.simulation.now(),
            policy: &self.policy,
            ledger: &self.ledger,
        })
    }

    /// Reads what is new in the chain.
    fn read(&mut self) {
        let chain = self.simulation.world.store.chain(&self.policy.group);
        for bytes in chain.iter().skip(usize::try_from(self.ledger.head).unwrap_or(usize::MAX)) {
            let Ok(entry) = self.ledger.apply(self.ledger.head + 1, bytes) else { return };
            for record in &entry.records {
                if let Record::Started { step, .. } = record {
                    self.started.push(step.to_string());
                }
            }
        }
    }

    /// Whether nothing is under way, and the application is where the case ends.
    fn rests(&self) -> bool {
        let ledger = &self.ledger;
        let there = ledger.active == self.case.ends_at && ledger.busy_run().is_none();
        let home = ledger.active == Site::Home;
        let at_home = !home || (ledger.armed && ledger.holds.is_empty());
        let wished = self.wish == self.case.wishes.len();
        there && at_home && wished && self.now() >= self.quiet_from
    }

    fn say(&mut self, at: Mono, intent: &Intent) {
        // An intent is made of strings and numbers, which always have a JSON form.
        let bytes = serde_json::to_string(intent).unwrap_or_default();
        self.simulation.plan_intent(at, self.group().clone(), "on-call", bytes);
        self.spoke = Some(at);
    }

    /// What people do: they want what the case has them want until they have it, and say yes to
    /// what is asked.
    fn people(&mut self) {
        if self.spoke.is_some_and(|at| self.now() < at + THINKS) {
            return;
        }
        while self.wish < self.case.wishes.len() && self.granted() {
            (self.wish, self.spoke) = (self.wish + 1, None);
        }
        let patient = self.spoke.is_some_and(|at| self.now() < at + AGAIN);
        if let Some(intent) = self.wished().filter(|_| !patient) {
            return self.say(self.now(), &intent);
        }
        if let Some((intent, why)) = self.asked() {
            self.said.push(why);
            self.say(self.now(), &intent);
        }
    }

    /// Whether the present wish is being followed.
    fn granted(&self) -> bool {
        let run = self.ledger.run.as_ref();
        match self.case.wishes[self.wish].want {
            Want::Switchover => run.is_some_and(|run| run.from == Site::Home),
            Want::Failback => run.is_some_and(|run| run.from == Site::Standby),
            Want::Cancel => run.is_some_and(|run| {
                let over = RunPhase::Closed(Ended::Moved) == run.phase;
                matches!(run.phase, RunPhase::Unwinding { .. }) || (run.closed() && !over)
            }),
            Want::Failover => run.is_some_and(|run| run.kind == PlanKind::Failover),
        }
    }

    /// What is wanted now.
    fn wished(&self) -> Option<Intent> {
        let wish = self.case.wishes.get(self.wish)?;
        let rests = self.ledger.busy_run().is_none();
        let due = match wish.once {
            Once::Armed => self.ledger.armed && self.now() >= self.began + ARM + AGAIN,
            Once::Serves(site) => self.ledger.active == site && rests,
            Once::Started(step) => self.started.iter().any(|started| started == step),
            Once::After(span) => self.now() >= self.began + span,
        };
        let reason = || "a crash point".to_owned();
        due.then(|| match wish.want {
            Want::Switchover => Some(Intent::Switchover { reason: reason() }),
            Want::Failback => Some(Intent::Failback { reason: reason() }),
            Want::Cancel => self.ledger.run.as_ref().map(|run| {
                let run = run.id.clone();
                Intent::Cancel { run }
            }),
            Want::Failover => Some(Intent::Failover {
                accept_loss: Some(ACCEPTS),
                reason: reason(),
                break_glass: None,
            }),
        })?
    }

    /// The yes to what a run asks, or what a human does when nobody else does anything.
    fn asked(&self) -> Option<(Intent, String)> {
        let accept_loss = Some(ACCEPTS);
        let preparing = |run: &&Run| run.phase == RunPhase::Prewarm;
        if let Some(run) = self.ledger.open_run().filter(|run| !preparing(run)) {
            let (step, question, at) = run.asks().next()?;
            let waited = self.simulation.now().wall.since(at) >= THINKS;
            // In a case that goes back nobody says yes.
            let goes_back = self.case.ends_at == run.from && !run.committed;
            let why = format!("yes to {step} ({:?})", question.kind);
            let yes = Intent::yes(run.id.clone(), question, accept_loss);
            return (waited && !goes_back).then_some((yes, why));
        }
        let suffers = self.trouble.is_some_and(|at| self.now() >= at + BY_HAND);
        let unmoved = self.ledger.active == Site::Home && self.ledger.history.is_empty();
        let by_hand = self.case.leaves && suffers && unmoved && self.now() < self.quiet_from;
        let reason = "nobody else does anything".into();
        let intent = Intent::Failover { accept_loss, reason, break_glass: None };
        by_hand.then(|| (intent, "failover by hand".into()))
    }
}

/// How often each effect that cannot be undone was had.
fn irreversible(arrivals: &[Arrival]) -> BTreeMap<String, u32> {
    let (mut times, mut open) = (BTreeMap::new(), Site::Home);
    for arrival in arrivals.iter().filter(|arrival| arrival.result == Some(Ok(()))) {
        let what = match &arrival.op {
            Op::Rds(_, RdsOp::Promote(id)) => format!("promote {id}"),
            Op::Rds(_, RdsOp::Rename { instance, .. }) => format!("rename {instance}"),
            Op::Rds(_, RdsOp::CreateReplica { instance, .. }) => format!("create {instance}"),
            Op::Route53(_, Route53Op::Change { zone, create, .. }) if leads(create).is_some() => {
                format!("{zone} leads to {}", leads(create).unwrap_or_default())
            }
            Op::Gate(_, GateOp::Write { object, open: now, .. }) if *now != open => {
                open = *now;
                format!("{object} says {now}")
            }
            _ => continue,
        };
        *times.entry(what).or_default() += 1;
    }
    times
}

/// Where a batch leads traffic; nowhere, if it only claims.
fn leads(create: &[RecordSet]) -> Option<&str> {
    let first = create.iter().find(|set| set.failover == Some(Failover::Primary))?;
    first.set_identifier.as_deref()
}
