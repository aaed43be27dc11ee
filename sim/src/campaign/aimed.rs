//! The schedule that ought to hit one cell of the coverage: a short story in which a run comes to
//! the step, and what must go wrong there does.

use bowline_core::model::{Site, Span};
use bowline_core::plan::EffectKind;

use super::aim::{Aim, Harm};
use super::generate::calm;
use super::policy::Story;
use super::schedule::{Happening, Schedule, Wish};
use super::twist::Twist;
use crate::coverage::{At, Came, Cell, End, FaultKind, Purpose, QuestionKind, universe};
use crate::faults::{Rates, Trouble};

/// When something makes a move necessary.
const CAUSE: Span = Span::mins(5);

/// How long after that all is well, if nothing is given hours.
const WELL: Span = Span::mins(25);

/// A step that is given hours is silent for so long at most.
const HOURS: Span = Span::mins(9 * 60);

/// The schedule number `n` that may hit a cell; `None`: it is not one of a step.
#[must_use]
pub fn aimed(cell: Cell, n: u64, story: &Story) -> Option<Schedule> {
    let (of, at, harm) = target(cell, n)?;
    let mut schedule = calm(n, story);
    let group = 0;
    let wish = |at, wish| Happening::Wish { at, group, wish };
    let away = wish(CAUSE, Wish::Switchover);
    let planned =
        matches!(of, Purpose::Switchover) || of == Purpose::Unwinding && !n.is_multiple_of(4);
    schedule.events = if planned { vec![away] } else { vec![lost(story, cell, n)] };
    match (of, n % 4) {
        (Purpose::Unwinding, 1) => schedule.events.push(cancel(Purpose::Switchover, n)),
        (Purpose::Unwinding, 2..) => {
            schedule.events.push(wish(CAUSE + Span::mins(12), Wish::Failback));
            schedule.events.push(cancel(Purpose::Failback, n));
        }
        (Purpose::Unwinding, _) => schedule.events.push(cancel(Purpose::Failover, n)),
        (Purpose::Failback, _) => {
            schedule.events.push(wish(CAUSE + Span::mins(12), Wish::Failback));
        }
        // A failover that comes home.
        (Purpose::Failover, 3) if at == EffectKind::Release => {
            let back = Wish::Failover { accept_loss: Some(Span::mins(30)) };
            schedule.events =
                vec![wish(CAUSE, Wish::Switchover), wish(CAUSE + Span::mins(12), back)];
        }
        _ => {}
    }
    let long = matches!(cell, Cell::Step(_, _, End::Overdue | End::SentBack | End::Unknown));
    schedule.heals =
        CAUSE + if long && !n.is_multiple_of(2) { HOURS } else { WELL + Span::mins(10) };
    schedule.twists = twists(cell, (of, at), n);
    schedule.approve = matches!(cell, Cell::Step(Purpose::Failover, _, End::SentBack))
        && !n.is_multiple_of(3)
        || cell == Cell::Asked(EffectKind::Approval, QuestionKind::Approve);
    let started = matches!(cell, Cell::Died(_, At::Recorded | At::Sent | At::Had));
    let after = Span(if started { n * 23 % 260 } else { n * 37 % 120 });
    let lasts = Span::secs(90);
    schedule.events.push(Happening::Aim(Aim { group, of, at, started, after, lasts, harm }));
    Some(schedule)
}

/// At which step of which plan what must go wrong.
fn target(cell: Cell, n: u64) -> Option<(Purpose, EffectKind, Harm)> {
    match cell {
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

/// Home's Region is lost, or a part of it.
fn lost(story: &Story, cell: Cell, n: u64) -> Happening {
    let home = story.policy.site(Site::Home).scope.region.clone();
    // A prewarm that is a false alarm is cut off.
    let blip = matches!(cell, Cell::Step(Purpose::Prewarm, _, End::Abandoned));
    let lasts = if blip { Span::secs(50) } else { Span::mins(9) };
    let trouble =
        if n.is_multiple_of(2) { Trouble::TargetsDown(home) } else { Trouble::RegionDead(home) };
    Happening::Fault { from: CAUSE, lasts, trouble }
}

/// Somebody cancels when much was done.
fn cancel(of: Purpose, n: u64) -> Happening {
    let at = match of {
        Purpose::Failover => EffectKind::Fence,
        _ if n.is_multiple_of(3) => EffectKind::CaughtUp,
        _ => EffectKind::ConnectionsGone,
    };
    let harm = Harm::Say(Wish::Cancel);
    let (after, lasts) = (Span::secs(5), Span::secs(1));
    Happening::Aim(Aim { group: 0, of, at, started: false, after, lasts, harm })
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
    if early
        && matches!(cell, Cell::Step(_, _, End::SentBack | End::Abandoned))
        && n.is_multiple_of(2)
    {
        twists.push(Twist::Stateless);
    }
    if of == Purpose::Failover {
        twists.push(Twist::PrewarmManual);
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
