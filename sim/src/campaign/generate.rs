//! Draws a schedule from a seed, and from nothing else.

use bowline_core::model::{Site, Span};
use bowline_core::policy::Lever;

use super::draw::Draw;
use super::kinds::{Faults, Kind};
use super::policy::Story;
use super::schedule::{Blow, Happening, Schedule};
use super::twist::{Twist, region};
use crate::aws::rds::{Engine, Takes};
use crate::coverage::Purpose;
use crate::faults::{Api, Reach, Trouble};
use crate::part::between;

/// Tells the generator's chance from the world's.
const OWN: u64 = 0x5c4e_d01e;

/// Tells the chance of what was added later from the rest: older seeds give what they gave, but for
/// that.
const LATER: u64 = 0x0a1a_7e51;

/// One schedule in so many has a safety phase of up to so long: what is given hours gets them.
const LONG: (u8, Span) = (40, Span::mins(540));

/// In one schedule of so many there are so many groups in so many pairs of Regions, all in the same
/// trouble: more than may be moved at once.
const MANY: (u8, usize, usize) = (60, 6, 3);

/// In one schedule of so many a human moves the groups away, and no Region is lost.
const PLANNED: u8 = 4;

/// So many kinds come up in one schedule at most, each once or more.
const MOST: usize = 6;

/// A promotion that takes long.
const SLOW: Takes = Takes { from: Span::secs(200), to: Span::secs(420) };

/// The schedule of a seed: what goes wrong, of the kinds that may, in the world of a story.
#[must_use]
pub fn generate(seed: u64, faults: &Faults, story: &Story) -> Schedule {
    let mut rng = fastrand::Rng::with_seed(seed ^ OWN);
    let mut later = fastrand::Rng::with_seed(seed ^ LATER);
    let mut safety = between(&mut rng, story.safety.0, story.safety.1);
    if faults.has(Kind::Steps) && later.u8(0..LONG.0) == 0 {
        safety = between(&mut later, safety, LONG.1);
    }
    let planned = faults.has(Kind::Steps) && later.u8(0..PLANNED) == 0;
    let twists = twists(&mut later, faults);
    let mut policy = story.policy.clone();
    twists.iter().for_each(|twist| twist.apply(&mut policy));
    let has = |kind| faults.has(kind);
    let mut one_in = |kind: Kind, n: u32| has(kind) && rng.u32(0..n) == 0;
    let (slow, approve) = (one_in(Kind::Promotion, 6), one_in(Kind::Humans, 6));
    let many = has(Kind::Groups) && has(Kind::Steps) && later.u8(0..MANY.0) == 0;
    let pairs = if many { MANY.2 } else { 1 };
    let groups = if many {
        MANY.1
    } else if one_in(Kind::Groups, 4) {
        2 + usize::from(one_in(Kind::Groups, 6))
    } else {
        1
    };
    let replicas = 2 + usize::from(rng.bool());
    let engine = if rng.u8(0..4) == 0 { Engine::MySql } else { Engine::PostgreSql };
    let heals = story.lost + safety;
    let from = story.lost + between(&mut rng, Span::ZERO, Span::mins(1));
    let mut draw = Draw { rng, policy: &policy, groups, replicas, from, heals };
    let on_call = draw.rng.bool().then(|| draw.length(Span::secs(20), Span::mins(15)));
    let mut events = if planned { draw.planned() } else { cause(&mut draw, faults) };
    events =
        (0..pairs).flat_map(|pair| events.iter().map(move |event| there(event, pair))).collect();
    events.extend(extras(&mut draw, faults));
    draw.rng = later;
    events.extend(aims(&mut draw, faults, planned));
    events.extend(blunders(&mut draw, faults));
    events.extend(early(&mut draw, faults));
    if faults.has(Kind::Crashes) && draw.one_in(6) {
        events.push(draw.death());
    }
    events.sort_by_key(Happening::at);
    let rds = crate::aws::rds::Times {
        promotion: if slow { SLOW } else { story.rds.promotion },
        ..story.rds
    };
    Schedule {
        seed,
        policy: story.source.clone(),
        twists,
        groups,
        pairs,
        replicas,
        approve,
        engine,
        rds,
        on_call,
        heals: last(&events).max(heals),
        home_within: story.home_within,
        events,
    }
}

/// A schedule in which nothing happens.
pub(super) fn calm(seed: u64, story: &Story) -> Schedule {
    Schedule { events: Vec::new(), ..generate(seed, &Faults::none(), story) }
}

/// The same loss of a Region in another pair.
fn there(event: &Happening, pair: usize) -> Happening {
    let mut event = event.clone();
    if let Happening::Fault {
        trouble: Trouble::RegionDead(of) | Trouble::TargetsDown(of), ..
    } = &mut event
    {
        *of = region(of, pair);
    }
    event
}

/// When the last thing that is planned by time is over.
fn last(events: &[Happening]) -> Span {
    let over = |event: &Happening| match event {
        Happening::Fault { from, lasts, .. } => *from + *lasts,
        Happening::Wish { at, .. } => *at,
        Happening::Strike { .. } | Happening::Dies { .. } | Happening::Aim(_) => Span::ZERO,
        Happening::Glass(glass) => glass.import,
    };
    events.iter().map(over).max().unwrap_or_default()
}

/// What makes a move necessary; in one of eight schedules nothing does.
fn cause(draw: &mut Draw<'_>, faults: &Faults) -> Vec<Happening> {
    let quiet = *faults != Faults::none() && draw.one_in(8);
    if quiet {
        return Vec::new();
    }
    let (from, region) = (draw.from, draw.region(Site::Home));
    let whole = Trouble::RegionDead(region.clone());
    let rest = Span(draw.heals.as_millis() - from.as_millis());
    if faults.has(Kind::Flapping) && draw.one_in(6) {
        let trouble = if draw.rng.bool() { whole } else { Trouble::TargetsDown(region) };
        return flapping(draw, &trouble);
    }
    if faults.has(Kind::Partial) && draw.one_in(3) {
        let mut parts = Vec::new();
        for _ in 0..=draw.rng.usize(0..3) {
            let at = from + draw.length(Span::ZERO, Span::mins(1));
            let (lasts, trouble) = (draw.length(Span::secs(30), rest), draw.partial(Site::Home));
            parts.push(draw.fault(at, lasts, trouble));
        }
        return parts;
    }
    let lasts = between(&mut draw.rng, Span::secs(60), rest);
    vec![draw.fault(from, lasts, whole)]
}

fn flapping(draw: &mut Draw<'_>, trouble: &Trouble) -> Vec<Happening> {
    let (mut at, mut all) = (draw.from, Vec::new());
    for _ in 0..draw.rng.usize(2..10) {
        let lasts = draw.length(Span::secs(5), Span::mins(3));
        all.push(draw.fault(at, lasts, trouble.clone()));
        at = at + lasts + draw.length(Span::secs(5), Span::mins(3));
        if at >= draw.heals {
            break;
        }
    }
    all
}

/// What else goes wrong.
fn extras(draw: &mut Draw<'_>, faults: &Faults) -> Vec<Happening> {
    let kinds: Vec<_> =
        Kind::ALL.iter().map(|(kind, _)| *kind).filter(|k| faults.has(*k) && !apart(*k)).collect();
    if kinds.is_empty() {
        return Vec::new();
    }
    let mut all = Vec::new();
    for _ in 0..draw.rng.usize(0..=MOST) {
        let kind = kinds[draw.rng.usize(0..kinds.len())];
        let glass = |event: &Happening| matches!(event, Happening::Glass(_));
        if kind != Kind::Glass || !all.iter().any(glass) {
            all.extend(extra(draw, kind));
        }
    }
    all
}

/// Whether a kind has a chance of its own.
fn apart(kind: Kind) -> bool {
    matches!(kind, Kind::Policies | Kind::Steps)
}

/// How the policy differs, in one of two schedules.
fn twists(rng: &mut fastrand::Rng, faults: &Faults) -> Vec<Twist> {
    if !faults.has(Kind::Policies) || rng.bool() {
        return Vec::new();
    }
    let mut twists: Vec<_> =
        (0..=rng.usize(0..3)).map(|_| Twist::ALL[rng.usize(0..Twist::ALL.len())]).collect();
    if rng.u8(0..4) == 0 {
        twists.push(Twist::Gates);
    }
    twists.sort();
    twists.dedup();
    twists
}

/// What goes wrong when a run comes to a step, in two of three schedules.
fn aims(draw: &mut Draw<'_>, faults: &Faults, planned: bool) -> Vec<Happening> {
    use Purpose::{Failback, Failover, Prewarm, Switchover, Unwinding};
    if !faults.has(Kind::Steps) || draw.one_in(3) {
        return Vec::new();
    }
    let plans: &[Purpose] = match planned {
        true => &[Switchover, Switchover, Failback, Unwinding],
        false => &[Prewarm, Failover, Failover, Failback, Failback, Unwinding],
    };
    let mut aims = Vec::new();
    for _ in 0..=draw.rng.u8(0..4) {
        let aim = draw.aim(plans);
        if aim.of == Unwinding {
            // Only what is cancelled goes back for sure.
            aims.push(Happening::Aim(draw.cancel(aim.group, plans)));
        }
        aims.push(Happening::Aim(aim));
    }
    aims
}

/// People who say what cannot be followed, or when nobody listens.
fn blunders(draw: &mut Draw<'_>, faults: &Faults) -> Vec<Happening> {
    if !faults.has(Kind::Humans) || !draw.one_in(3) {
        return Vec::new();
    }
    let mut all: Vec<_> = (0..=draw.rng.u8(0..4)).map(|_| draw.blunder()).collect();
    if draw.one_in(4) {
        all.extend(draw.unheard());
    }
    all
}

/// What goes wrong before a group is armed, or before anything is known of it.
fn early(draw: &mut Draw<'_>, faults: &Faults) -> Vec<Happening> {
    if !faults.has(Kind::Partial) || !draw.one_in(12) {
        return Vec::new();
    }
    let from = between(&mut draw.rng, Span::ZERO, Span::mins(3));
    let lasts = draw.length(Span::secs(30), Span::mins(6));
    let (home, standby) = (draw.region(Site::Home), draw.region(Site::Standby));
    let trouble = match draw.rng.u8(0..4) {
        0 => Trouble::RegionDead(home),
        1 => Trouble::TargetsDown(home),
        2 => draw.partial(Site::Home),
        // Nobody knows how far behind the replica was.
        _ => Trouble::Cut { seat: None, from: Reach::Api(standby, Api::CloudWatch) },
    };
    let lasts = if matches!(trouble, Trouble::Cut { .. }) { lasts + draw.from } else { lasts };
    vec![draw.fault(from, lasts, trouble)]
}

fn extra(draw: &mut Draw<'_>, kind: Kind) -> Vec<Happening> {
    let long = Span::mins(10);
    let one = |draw: &mut Draw<'_>, trouble| vec![draw.spell(Span::secs(2), long, trouble)];
    match kind {
        Kind::Partial => {
            let trouble = draw.partial(Site::Home);
            one(draw, trouble)
        }
        Kind::Standby => standby(draw),
        Kind::Calls => {
            let trouble = draw.rates();
            vec![draw.spell(Span::secs(30), Span::mins(20), trouble)]
        }
        Kind::Stale => {
            let trouble = draw.stale();
            vec![draw.spell(Span::secs(30), Span::mins(20), trouble)]
        }
        Kind::Crashes => (0..=draw.rng.u8(0..3)).map(|_| draw.blow(Blow::Crash)).collect(),
        Kind::Pauses => (0..=draw.rng.u8(0..3)).map(|_| draw.blow(Blow::Pause)).collect(),
        Kind::Clocks => vec![draw.clock()],
        Kind::Cuts => {
            let trouble = draw.cut();
            one(draw, trouble)
        }
        Kind::Alarms => {
            let trouble = draw.alarm();
            one(draw, trouble)
        }
        Kind::Store => {
            let trouble = draw.store();
            vec![draw.spell(Span::secs(1), Span::mins(4), trouble)]
        }
        Kind::Capacity => {
            let trouble = draw.no_capacity();
            trouble.into_iter().flat_map(|trouble| one(draw, trouble)).collect()
        }
        Kind::Gitops => {
            let trouble = draw.gitops();
            vec![draw.spell(Span::secs(30), Span::mins(20), trouble)]
        }
        Kind::Dns => dns(draw),
        Kind::Replication => {
            let before = draw.length(Span::secs(5), Span::mins(4));
            let from = Span(draw.from.as_millis().saturating_sub(before.as_millis()));
            let lasts = before + draw.length(Span::secs(5), Span::mins(10));
            vec![draw.fault(from, lasts, Trouble::RegionsApart)]
        }
        Kind::Humans => draw.wish(),
        Kind::Glass => vec![draw.glass()],
        Kind::Flapping | Kind::Promotion | Kind::Groups | Kind::Policies | Kind::Steps => {
            Vec::new()
        }
    }
}

/// Something is wrong at standby.
fn standby(draw: &mut Draw<'_>) -> Vec<Happening> {
    let trouble = match draw.one_in(4) {
        true => Trouble::RegionDead(draw.region(Site::Standby)),
        false => draw.partial(Site::Standby),
    };
    vec![draw.spell(Span::secs(5), Span::mins(6), trouble)]
}

/// Somebody's controller took a zone for its own, in peace.
fn dns(draw: &mut Draw<'_>) -> Vec<Happening> {
    let Lever::Records(lever) = &draw.policy.lever else { return Vec::new() };
    let Some(zone) = lever.names.first().map(|name| name.zone.clone()) else { return Vec::new() };
    let every = draw.length(Span::secs(20), Span::mins(3));
    let lasts = draw.length(Span::mins(2), Span::mins(20));
    vec![draw.fault(Span::mins(4), lasts, Trouble::DnsOwned { zone, every })]
}
