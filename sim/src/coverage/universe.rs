//! Everything that can be counted, and what of it cannot happen, each with the reason.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bowline_core::plan::EffectKind;

use super::cell::{At, Came, Cell, Decided, End, Purpose, Side};
use super::kinds::{
    Action, AskKind, FaultKind, HoldKind, IntentKind, PhaseKind, QuestionKind, RecordKind,
    RefusalKind,
};
use super::plans::{Steps, Traits, steps};

/// Every cell; those that cannot be hit with the reason.
#[must_use]
pub fn universe() -> &'static BTreeMap<Cell, Option<&'static str>> {
    static ALL: OnceLock<BTreeMap<Cell, Option<&'static str>>> = OnceLock::new();
    ALL.get_or_init(|| {
        // Without facts there would be no plan, and then every step is a cell that nobody knows.
        let steps = steps().unwrap_or_default();
        cells(&steps).into_iter().map(|cell| (cell, impossible(&steps, cell))).collect()
    })
}

fn cells(steps: &Steps) -> Vec<Cell> {
    let mut all = vec![Cell::FoundBeside];
    for (purpose, kind) in steps.keys() {
        all.extend(End::ALL.map(|end| Cell::Step(*purpose, *kind, end)));
    }
    for kind in EffectKind::ALL {
        all.extend(Came::all().map(|came| Cell::Call(*kind, came)));
        all.extend(At::ALL.map(|at| Cell::Died(*kind, at)));
        for side in Side::BOTH {
            all.extend(Came::all().map(|came| Cell::DiedOf(*kind, came, side)));
        }
        all.extend(QuestionKind::ALL.iter().map(|question| Cell::Asked(*kind, *question)));
    }
    for kind in RecordKind::ALL {
        all.push(Cell::Stored(*kind));
        all.extend(At::ALL.map(|at| Cell::DiedWriting(*kind, at)));
    }
    all.extend(Came::all().map(Cell::Append));
    for after in PhaseKind::ALL {
        let before = PhaseKind::ALL.iter().map(|before| Some(*before)).chain([None]);
        all.extend(before.map(|before| Cell::Turned(before, *after)));
    }
    all.extend(IntentKind::ALL.iter().map(|kind| Cell::Followed(*kind)));
    all.extend(RefusalKind::ALL.iter().map(|kind| Cell::Refused(*kind)));
    all.extend(decisions().map(Cell::Decided));
    all
}

fn decisions() -> impl Iterator<Item = Decided> {
    use Decided::{Ask, FailBack, FailOver, Hold, Prewarm, StandDown};
    let asks = |action: &'static Action| AskKind::ALL.iter().map(|why| Ask(*action, *why));
    let asks = Action::ALL.iter().flat_map(asks);
    let holds = HoldKind::ALL.iter().map(|why| Hold(*why));
    [Prewarm, StandDown, FailOver, FailBack].into_iter().chain(holds).chain(asks)
}

/// Why a cell cannot be hit; `None`: it can.
fn impossible(steps: &Steps, cell: Cell) -> Option<&'static str> {
    match cell {
        Cell::Step(Purpose::Switchover, EffectKind::Approval, _) => {
            Some("only a human begins a switchover, and is not asked whether to")
        }
        Cell::Step(Purpose::Unwinding, EffectKind::SetPool, _) => Some(
            "a run that opens a NodePool that is held already asks for the limits of the same \
             policy: there is nothing to restore (no story changes a policy)",
        ),
        Cell::Step(purpose, kind, end) => no_end(steps.get(&(purpose, kind))?, (kind, end)),
        Cell::Call(kind, came) => no_call(steps, kind, came),
        Cell::Died(kind, at) => no_death(steps, kind, at),
        Cell::DiedOf(_, Came::Nothing, _) => {
            Some("of a call that came to nothing nobody hears: it is counted by where it was")
        }
        Cell::DiedOf(kind, came, _) => no_call(steps, kind, came),
        Cell::Append(came) => fenced(came),
        Cell::DiedWriting(_, At::Looking | At::Recorded) => {
            Some("an append is on its way or had its effect: it is no call with a record before it")
        }
        Cell::Asked(kind, question) => no_question(kind, question),
        Cell::Turned(before, after) => no_turn(before, after),
        Cell::Decided(decided) => no_decision(decided),
        Cell::FoundBeside
        | Cell::Stored(_)
        | Cell::DiedWriting(..)
        | Cell::Followed(_)
        | Cell::Refused(_) => None,
    }
}

fn no_end(traits: &Traits, (kind, end): (EffectKind, End)) -> Option<&'static str> {
    let milestone = kind == EffectKind::Milestone;
    let found = kind == EffectKind::Approval;
    if (kind, end) == (EffectKind::Fence, End::Overdue) {
        return Some(
            "it asks about the fence that is not confirmed, which is a question of its own",
        );
    }
    match end {
        End::AsFound if !traits.finds && promotes(kind) => Some(
            "a run that has begun to promote goes on to its end: none finds what one before it \
                 had begun from there on (a process beside the controller is counted apart)",
        ),
        End::AsFound if !traits.finds && kind == EffectKind::Release => Some(
            "what a run held or released and was cut off in is undone before another begins: a \
                 hold that stands is in the world (who is beside the controller is counted apart)",
        ),
        End::AsFound if !traits.finds => {
            Some("it takes a hold, a claim or a restart of its own, which is never there before")
        }
        End::AsFound => None,
        End::Done if !traits.acts => Some("it makes no call that changes anything"),
        End::Unknown if !traits.proceeds => Some("no plan lets it end by its deadline"),
        End::Overdue if !traits.asks || milestone || found => {
            Some("it has no deadline, or goes on without a word when it is over")
        }
        End::SentBack if !traits.sends_back => Some(
            "no plan sends a run back for it: it asks or proceeds, or comes after what cannot \
                  be undone",
        ),
        End::Abandoned if !traits.abandoned => {
            Some("it has no call to be cut off, or comes after what cannot be undone")
        }
        End::Done | End::Unknown | End::Overdue | End::SentBack | End::Abandoned => None,
    }
}

fn promotes(kind: EffectKind) -> bool {
    matches!(kind, EffectKind::Promote | EffectKind::Rename | EffectKind::CreateReplica)
}

fn acts(steps: &Steps, kind: EffectKind) -> bool {
    steps.iter().any(|((_, known), traits)| *known == kind && traits.acts)
}

fn no_call(steps: &Steps, kind: EffectKind, came: Came) -> Option<&'static str> {
    if !acts(steps, kind) {
        return Some("it makes no call that changes anything");
    }
    fenced(came)
}

fn fenced(came: Came) -> Option<&'static str> {
    let fenced = came == Came::Fault(FaultKind::Fenced);
    fenced.then_some("no service compares claims: they are read, and judged by the step")
}

fn no_death(steps: &Steps, kind: EffectKind, at: At) -> Option<&'static str> {
    match at {
        At::Looking => None,
        At::Recorded | At::Sent | At::Had => {
            (!acts(steps, kind)).then_some("it makes no call that changes anything")
        }
    }
}

fn no_question(kind: EffectKind, question: QuestionKind) -> Option<&'static str> {
    use QuestionKind::{AcceptLoss, Approve, Overdue, UnconfirmedFence};
    match (kind, question) {
        (EffectKind::Approval, Approve | AcceptLoss) => None,
        (EffectKind::Fence, UnconfirmedFence) => None,
        (_, Overdue) => Some("it is counted as how the step went on"),
        (_, UnconfirmedFence) => Some("only a fence asks for this"),
        (_, Approve | AcceptLoss) => Some("only an approval asks for this"),
    }
}

fn no_turn(before: Option<PhaseKind>, after: PhaseKind) -> Option<&'static str> {
    use PhaseKind::{Moved, Moving, Prewarm, Unwinding, Unwound};
    match (before, after) {
        (None | Some(Moved | Unwound), Prewarm | Moving) => None,
        (Some(Prewarm), Moving | Unwinding | Unwound) => None,
        (Some(Moving), Moved | Unwinding | Unwound) => None,
        (Some(Unwinding), Unwound) => None,
        // What a run, or an imported one, left behind is let go by a run that only goes back.
        (None | Some(Unwound), Unwinding) => None,
        (Some(Moved), Unwinding) => Some("who has moved home holds nothing but the door it left"),
        // A failover that is ordered takes the place of a planned move, or of one that goes back.
        (Some(Moving | Unwinding), Moving) => None,
        (None, _) => Some("a run begins by preparing, by moving or by going back"),
        (Some(Moved | Unwound), _) => Some("what is over is over: only another run follows"),
        (Some(Prewarm), _) => Some("who only prepared goes on to move, or back"),
        (Some(Moving), _) => Some("a move ends moved, or goes back"),
        (Some(Unwinding), _) => Some("what goes back ends where it began"),
    }
}

fn no_decision(decided: Decided) -> Option<&'static str> {
    use Decided::{Ask, Hold};
    match decided {
        Hold(HoldKind::NotServing) => Some("unknown is neither serving nor confirmed down"),
        Hold(HoldKind::UnknownConfirming) => Some("who is suspect is prewarmed for, or held"),
        Hold(HoldKind::UnknownVetoed) => Some("a veto is a reason of its own"),
        Ask(Action::Prewarm, _) => Some("nobody is asked for nodes: they are started or not"),
        Ask(Action::Failback, AskKind::Approval | AskKind::Undone) => None,
        Ask(Action::Failover, AskKind::Undone) => Some("a way home is what was undone"),
        Ask(Action::Failback, _) => Some("nothing presses to come home: it waits"),
        Ask(Action::Failover, AskKind::EvidenceSuffices) => {
            Some("evidence that suffices asks nothing")
        }
        _ => None,
    }
}
