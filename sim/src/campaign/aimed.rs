//! The schedule that ought to hit one cell of the coverage: a short story in which a run comes to
//! the step, and what must go wrong there does.

use bowline_core::model::{Region, Site, Span};
use bowline_core::plan::EffectKind;

use super::aim::{Aim, Harm};
use super::generate::calm;
use super::policy::Story;
use super::schedule::{Glass, Happening, Schedule, Wish};
use super::twist::Twist;
use crate::coverage::{
    Action, AskKind, At, Came, Cell, Decided, End, FaultKind, Purpose, QuestionKind, RecordKind,
    universe,
};
use crate::faults::{Api, Rates, Reach, Trouble};
use crate::harness::Side;

/// When something makes a move necessary.
const CAUSE: Span = Span::mins(5);

/// How long after that somebody wants it home again.
const BACK: Span = Span::mins(12);

/// … from where a planned move has taken it: that makes a replica again first.
const BACK_AGAIN: Span = Span::mins(22);

/// How long after that all is well, if nothing is given hours.
const WELL: Span = Span::mins(25);

/// A step that is given hours is silent for so long at most.
const HOURS: Span = Span::mins(9 * 60);

/// When the half hour begins in whose first half automatic action may be blocked.
const BLOCKED: Span = Span::mins(16);

/// The schedule number `n` that may hit a cell; `None`: it is not one of a step or a record.
#[must_use]
pub fn aimed(cell: Cell, n: u64, story: &Story) -> Option<Schedule> {
    match cell {
        Cell::DiedWriting(writing, at) => Some(writing_it(writing, at, (n, story))),
        Cell::Decided(Decided::Ask(Action::Failover, AskKind::BlockedWindow)) => {
            let mut schedule = calm(n, story);
            schedule.twists = vec![Twist::FailoverBlocked];
            schedule.events = vec![lost(story, (BLOCKED, Span::mins(5)), n)];
            schedule.heals = BLOCKED + Span::mins(8);
            Some(schedule)
        }
        _ => at_step(cell, n, story),
    }
}

fn wish(at: Span, wish: Wish) -> Happening {
    Happening::Wish { at, group: 0, wish }
}

/// The leader dies writing a record: a group that is lost, asks, is moved beside the controller,
/// and is paused a while.
fn writing_it(writing: RecordKind, at: At, (n, story): (u64, &Story)) -> Schedule {
    let mut schedule = calm(n, story);
    let side = if at == At::Sent { Side::Before } else { Side::After };
    let lasts = Span::secs(20 + n * 7 % 60);
    schedule.events = vec![Happening::Dies { group: 0, writing, side, lasts }];
    schedule.heals = CAUSE + WELL;
    match writing {
        RecordKind::Paused | RecordKind::Resumed => {
            schedule.events.push(wish(CAUSE, Wish::Pause));
            schedule.events.push(wish(CAUSE + Span::mins(2), Wish::Resume));
            schedule.heals = CAUSE + Span::mins(5);
        }
        RecordKind::Imported => {
            let (export, from) = (Span::mins(4), CAUSE);
            let (until, import) = (CAUSE + Span::mins(9), CAUSE + Span::mins(10));
            let (journal, accept_loss) = (true, Span::mins(30));
            let glass = Glass { export, journal, from, until, import, accept_loss };
            schedule.events.push(Happening::Glass(glass));
            // Nobody of the controller sees to it meanwhile.
            schedule.twists = vec![Twist::FailoverManual, Twist::PrewarmManual];
            schedule.events.push(lost(story, (CAUSE, Span::mins(6)), n));
        }
        _ => {
            schedule.events.push(lost(story, (CAUSE, Span::mins(9)), n));
            schedule.approve = writing == RecordKind::Answered;
            schedule.on_call = Some(Span::secs(20));
        }
    }
    schedule
}

/// A run comes to a step, and what must go wrong there does.
fn at_step(cell: Cell, n: u64, story: &Story) -> Option<Schedule> {
    let (of, at, harm) = target(cell, n, story)?;
    let mut schedule = calm(n, story);
    let group = 0;
    schedule.events = leads_up((cell, of, at), n, story);
    let ends = match cell {
        Cell::Step(_, _, end @ (End::Overdue | End::SentBack)) => Some(end),
        _ => None,
    };
    let long = matches!(cell, Cell::Step(_, _, End::Overdue | End::SentBack | End::Unknown));
    schedule.heals =
        CAUSE + if long && !n.is_multiple_of(2) { HOURS } else { WELL + Span::mins(25) };
    schedule.twists = twists(cell, (of, at), n);
    let waits = matches!(cell, Cell::Step(Purpose::Failover | Purpose::Prewarm, _, End::SentBack));
    schedule.approve = waits && !home_only(at) && !n.is_multiple_of(3)
        || cell == Cell::Asked(EffectKind::Approval, QuestionKind::Approve);
    if waits && n.is_multiple_of(2) {
        schedule.on_call = None;
    }
    let started = matches!(cell, Cell::Died(_, At::Recorded | At::Sent | At::Had));
    let cut_off = matches!(cell, Cell::Step(_, _, End::Abandoned)) && n.is_multiple_of(2);
    let (started, after) = match (started, cut_off) {
        // Its call is recorded, and never arrives.
        (_, true) => (true, 0),
        (true, _) => (true, n * 23 % 260),
        (false, _) => (false, n / 2 * 37 % 120),
    };
    let (after, lasts, calls) = (Span(after), Span::secs(90), 0);
    let aim = Aim { group, of, at, started, calls, ends, after, lasts, harm };
    let cut_off_before = matches!(cell, Cell::Step(_, _, End::AsFound));
    if !cut_off_before {
        schedule.events.push(Happening::Aim(aim));
    }
    Some(schedule)
}

/// What leads up to the step.
fn leads_up((cell, of, at): (Cell, Purpose, EffectKind), n: u64, story: &Story) -> Vec<Happening> {
    // A prewarm that is a false alarm is cut off.
    let blip = matches!(cell, Cell::Step(Purpose::Prewarm, _, End::Abandoned));
    // Who waits for standby's own load balancer does so for ten minutes.
    let front = at == EffectKind::Front;
    let lasts = if blip { Span::secs(50) } else { Span::mins(if front { 20 } else { 9 }) };
    let planned =
        matches!(of, Purpose::Switchover) || of == Purpose::Unwinding && !n.is_multiple_of(4);
    let first =
        if planned { wish(CAUSE, Wish::Switchover) } else { lost(story, (CAUSE, lasts), n) };
    let mut events = vec![first];
    let found = matches!(cell, Cell::Step(_, _, End::AsFound));
    match (of, n % 4) {
        (Purpose::Unwinding, 1) => events.push(cancel(Purpose::Switchover, n)),
        (Purpose::Unwinding, 2..) => {
            events.push(wish(CAUSE + BACK, Wish::Failback));
            events.push(cancel(Purpose::Failback, n));
        }
        (Purpose::Unwinding, _) => events.push(cancel(Purpose::Failover, n)),
        (Purpose::Failback, _) if found => {
            let mut from = CAUSE + BACK;
            if at == EffectKind::CloseDoor {
                let (gone, lasts) = (EffectKind::ConnectionsGone, Span::mins(15));
                let harm = Harm::Trouble(stale_door(story, Site::Standby, lasts));
                events.push(aim((of, gone), (0, Span::secs(3 * n), lasts), harm));
                // By then no call of the run before can open the door any more.
                from = from + Span::mins(9);
            }
            events.extend(twice((of, at), from, (Wish::Failback, n)));
        }
        (Purpose::Switchover, _) if found => {
            // The replica must not stream, or nothing is rebuilt.
            let mut trouble = Trouble::RegionsApart;
            let (mut from, mut lasts) = (Span::mins(4), Span::mins(2));
            if at == EffectKind::CloseDoor {
                trouble = stale_door(story, Site::Home, Span::mins(6));
                (from, lasts) = (CAUSE + Span::secs(90 + 15 * n), Span::mins(15));
            }
            events = vec![Happening::Fault { from, lasts, trouble }];
            events.extend(twice((of, at), CAUSE, (Wish::Switchover, n)));
        }
        (Purpose::Failback, _) => events.push(wish(CAUSE + BACK, Wish::Failback)),
        (Purpose::Failover, _) if home_only(at) => {
            let back = Wish::Failover { accept_loss: Some(Span::mins(30)) };
            events = vec![wish(CAUSE, Wish::Switchover), wish(CAUSE + BACK_AGAIN, back)];
        }
        _ => {}
    }
    events
}

/// Whether a failover has such a step only when it leads home.
fn home_only(at: EffectKind) -> bool {
    use EffectKind::{CaughtUp, CreateReplica, NodesGone, Release, Rename};
    matches!(at, CaughtUp | CreateReplica | NodesGone | Release | Rename)
}

/// A run is cancelled at a step, and wanted again at once.
fn twice((of, at): (Purpose, EffectKind), from: Span, (wanted, n): (Wish, u64)) -> Vec<Happening> {
    let second = Span::secs(1);
    let mut events = match at {
        // Its last call has its effect, and nobody hears of it.
        EffectKind::CreateReplica => {
            vec![aim((of, at), (2, Span(40 + n * 20), second), Harm::SilenceAndCancel)]
        }
        EffectKind::CloseDoor => {
            let (gone, minute) = (EffectKind::ConnectionsGone, Span::mins(1));
            vec![aim((of, gone), (0, minute, second), Harm::Say(Wish::Cancel))]
        }
        _ => vec![aim((of, at), (1, Span(n * 700), second), Harm::Say(Wish::Cancel))],
    };
    let again = |k: u64| wish(from + Span::secs(15 * k), wanted);
    events.extend((0..40).map(again));
    events
}

fn aim(
    (of, at): (Purpose, EffectKind),
    (calls, after, lasts): (u32, Span, Span),
    harm: Harm,
) -> Happening {
    let (group, started, ends) = (0, calls > 0, None);
    Happening::Aim(Aim { group, of, at, started, calls, ends, after, lasts, harm })
}

/// At which step of which plan what must go wrong.
fn target(cell: Cell, n: u64, story: &Story) -> Option<(Purpose, EffectKind, Harm)> {
    match cell {
        // Who cannot look there does not go on either: standby must be seen to serve no more.
        Cell::Step(of @ Purpose::Failover, at @ EffectKind::Front, End::SentBack) => {
            Some((of, at, Harm::Trouble(Trouble::TargetsDown(region(story, Site::Standby)))))
        }
        Cell::Step(of, at, End::Overdue | End::SentBack | End::Unknown) => {
            Some((of, at, Harm::Silence))
        }
        Cell::Step(of, at, End::Abandoned) => Some((of, at, Harm::SilenceAndCancel)),
        Cell::Step(of, at, End::AsFound | End::Done) => Some((of, at, Harm::Crash)),
        Cell::Call(at, came) => Some((plan(at, n)?, at, Harm::Calls(rates(came)))),
        Cell::Died(at, _) => Some((plan(at, n)?, at, Harm::Crash)),
        _ => None,
    }
}

/// The n-th plan that has such a step.
fn plan(kind: EffectKind, n: u64) -> Option<Purpose> {
    let plans = universe().keys().filter_map(|cell| match cell {
        Cell::Step(of, at, End::Done) if *at == kind => Some(*of),
        _ => None,
    });
    let plans: Vec<_> = plans.collect();
    let n = usize::try_from(n).ok()?.checked_rem(plans.len())?;
    plans.get(n).copied()
}

/// Most calls come to this.
fn rates(came: Came) -> Rates {
    let mut rates = Rates { only_changes: true, delay: Span::secs(5), ..Rates::default() };
    let rate = match came {
        Came::Answer => &mut rates.twice,
        Came::Nothing => &mut rates.lost_before,
        Came::Fault(FaultKind::Transient) => &mut rates.transient,
        Came::Fault(FaultKind::Throttled) => &mut rates.throttled,
        Came::Fault(FaultKind::Unknown) => &mut rates.lost_after,
        Came::Fault(_) => &mut rates.refused,
    };
    *rate = 700;
    rates
}

fn region(story: &Story, site: Site) -> Region {
    story.policy.site(site).scope.region.clone()
}

/// RDS tells of a site's door as the run before had left it.
fn stale_door(story: &Story, site: Site, behind: Span) -> Trouble {
    Trouble::Stale { from: Reach::Api(region(story, site), Api::Rds), behind }
}

/// Home's Region is lost, or a part of it.
fn lost(story: &Story, (from, lasts): (Span, Span), n: u64) -> Happening {
    let home = region(story, Site::Home);
    let trouble =
        if n.is_multiple_of(2) { Trouble::TargetsDown(home) } else { Trouble::RegionDead(home) };
    Happening::Fault { from, lasts, trouble }
}

/// Somebody cancels when much was done.
fn cancel(of: Purpose, n: u64) -> Happening {
    let at = match of {
        Purpose::Failover => EffectKind::Fence,
        _ if n.is_multiple_of(3) => EffectKind::CaughtUp,
        _ => EffectKind::ConnectionsGone,
    };
    aim((of, at), (0, Span::secs(5), Span::secs(1)), Harm::Say(Wish::Cancel))
}

fn twists(cell: Cell, (of, at): (Purpose, EffectKind), n: u64) -> Vec<Twist> {
    let mut twists = Vec::new();
    if matches!(at, EffectKind::ClaimGate | EffectKind::Flip) {
        twists.push(Twist::Gates);
    }
    let early = matches!(
        at,
        EffectKind::Front
            | EffectKind::CapacityReady
            | EffectKind::SetWorkload
            | EffectKind::SetJob
    );
    let home = of == Purpose::Failover && at == EffectKind::Release;
    if matches!(cell, Cell::Step(_, _, End::SentBack | End::Abandoned))
        && (home || early && n.is_multiple_of(2))
    {
        twists.push(Twist::Stateless);
    }
    if of == Purpose::Failover {
        twists.push(Twist::PrewarmManual);
    }
    if of == Purpose::Failover && home_only(at) {
        // Nobody goes home before the human does.
        twists.push(Twist::FailbackManual);
    }
    if at == EffectKind::Approval && of == Purpose::Failback {
        twists.push(Twist::FailbackApprove);
    }
    twists
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_a_step_has_a_schedule_that_aims_at_it() {
        let story = Story::quick().unwrap();
        let cell = Cell::Step(Purpose::Failback, EffectKind::NodesGone, End::Overdue);
        let schedule = aimed(cell, 1, &story).unwrap();
        let aims = schedule.events.iter().filter_map(|event| match event {
            Happening::Aim(aim) => Some(aim),
            _ => None,
        });
        let aims: Vec<_> = aims.collect();
        assert_eq!((aims[0].of, aims[0].at), (Purpose::Failback, EffectKind::NodesGone));
        assert_eq!(aims[0].harm, Harm::Silence);
        assert!(aimed(Cell::FoundBeside, 0, &story).is_none());
    }
}
