//! Refuses dangerous plans, whoever built them.

use std::collections::BTreeSet;

use super::step::{Class, Effect, EffectKind, OnTimeout, Plan, PlanKind, Step};
use crate::bugs::{self, Bug};
use crate::model::{Place, Span, StepId};

/// The longest that anything on a failover's path may wait for the failed site (S9).
const LONGEST_WAIT_FOR_FAILED_SITE: Span = Span::secs(60);

/// Why a plan must not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Danger {
    /// A step needs one that is neither in the plan nor done.
    #[error("step {0} needs {1}, which is not there")]
    Dangling(StepId, StepId),
    /// A step needs one that comes later: there is a cycle.
    #[error("step {0} needs {1}, which needs it in turn or comes later")]
    Cycle(StepId, StepId),
    /// S1: promotion without a fence before it.
    #[error("S1: {0} promotes and no step before it fences the old writer")]
    Unfenced(StepId),
    /// S2, S3: traffic is opened before the member is the writer, capacity is ready, or the site
    /// was seen to serve.
    #[error("S2, S3: {0} moves traffic before {1}")]
    TooEarly(StepId, &'static str),
    /// S2, S3: traffic would be moved on what was seen some time ago.
    #[error("S2, S3: {0} moves traffic without looking once more whether {1}")]
    NotSeenAgain(StepId, &'static str),
    /// A step would look again at what it did not need, or at what changes something.
    #[error("step {0} cannot look again at {1}, which it does not need or which changes something")]
    NoLook(StepId, StepId),
    /// S9: the failover waits for the failed site.
    #[error("S9: {0} waits for the failed site longer than {LONGEST_WAIT_FOR_FAILED_SITE}")]
    Waits(StepId),
    /// More than one step promotes.
    #[error("more than one step promotes: {0}")]
    Twice(StepId),
    /// A step that cannot be undone would unwind on time-out.
    #[error("S6: {0} cannot be undone, yet fails the run on time-out")]
    Unwinds(StepId),
}

/// Every danger in a plan; `before` are the steps that the run already has.
#[must_use]
pub fn lint(plan: &Plan, before: &BTreeSet<StepId>) -> Vec<Danger> {
    let mut dangers = order(plan, before);
    let blind = [Bug::NoFenceOnTheWayHome, Bug::OpensBeforeClosing].into_iter().any(bugs::on);
    if !dangers.is_empty() || blind {
        return dangers;
    }
    let promotions: Vec<_> = of_kind(plan, |effect| matches!(effect, Effect::Promote(_)));
    dangers.extend(promotions.iter().skip(1).map(|id| Danger::Twice((*id).clone())));
    for id in &promotions {
        if !reaches(plan, id, &|effect| matches!(effect, Effect::Fence(_))) {
            dangers.push(Danger::Unfenced((*id).clone()));
        }
    }
    for id in of_kind(plan, |effect| matches!(effect, Effect::Shift(_) | Effect::Flip(_))) {
        let promoted = promotions.is_empty()
            || reaches(plan, id, &|effect| matches!(effect, Effect::Promote(_)));
        if !promoted {
            dangers.push(Danger::TooEarly(id.clone(), "the promotion"));
        }
        for (kind, what) in [
            (EffectKind::CapacityReady, "capacity is ready"),
            (EffectKind::Front, "the gaining site was seen to serve"),
        ] {
            let look = |effect: &Effect| effect.kind() == kind;
            if !reaches(plan, id, &look) {
                dangers.push(Danger::TooEarly(id.clone(), what));
            } else if !looked_at_again(plan, id).any(|step| look(&step.effect)) {
                dangers.push(Danger::NotSeenAgain(id.clone(), what));
            }
        }
    }
    for (id, step) in &plan.steps {
        let looks = |other: &StepId| {
            plan.steps.get(other).is_some_and(|other| other.class == Class::ReadOnly)
        };
        let odd = step.still.iter().filter(|other| !step.needs.contains(other) || !looks(other));
        dangers.extend(odd.map(|other| Danger::NoLook(id.clone(), other.clone())));
    }
    let waits = |(id, step): (&StepId, &Step)| {
        // What comes after the look from outside is behind the failover, not on its path.
        let behind = || reaches(plan, id, &|effect| matches!(effect, Effect::Serves(_)));
        (waits(plan, step) && !behind()).then(|| Danger::Waits(id.clone()))
    };
    dangers.extend(plan.steps.iter().filter_map(waits));
    let unwinds =
        |step: &Step| step.class == Class::Irreversible && step.on_timeout == OnTimeout::Fail;
    let unwinding = plan.steps.iter().filter(|(_, step)| unwinds(step));
    dangers.extend(unwinding.map(|(id, _)| Danger::Unwinds(id.clone())));
    dangers
}

fn order(plan: &Plan, before: &BTreeSet<StepId>) -> Vec<Danger> {
    let mut dangers = Vec::new();
    let mut earlier = before.clone();
    for (id, step) in &plan.steps {
        for need in step.needs.iter().filter(|need| !earlier.contains(*need)) {
            let (id, need) = (id.clone(), need.clone());
            dangers.push(if plan.steps.contains_key(&need) {
                Danger::Cycle(id, need)
            } else {
                Danger::Dangling(id, need)
            });
        }
        earlier.insert(id.clone());
    }
    dangers
}

fn of_kind(plan: &Plan, kind: impl Fn(&Effect) -> bool) -> Vec<&StepId> {
    plan.steps.iter().filter(|(_, step)| kind(&step.effect)).map(|(id, _)| id).collect()
}

/// Whether a step of this kind lies on the way to `id`. Plans are small, and without cycles here.
fn reaches(plan: &Plan, id: &StepId, kind: &dyn Fn(&Effect) -> bool) -> bool {
    let Some(step) = plan.steps.get(id) else { return false };
    step.needs.iter().any(|need| {
        plan.steps.get(need).is_some_and(|step| kind(&step.effect)) || reaches(plan, need, kind)
    })
}

/// What a step looks at again when it acts.
fn looked_at_again<'a>(plan: &'a Plan, id: &StepId) -> impl Iterator<Item = &'a Step> {
    let still = plan.steps.get(id).into_iter().flat_map(|step| &step.still);
    still.filter_map(|other| plan.steps.get(other))
}

fn waits(plan: &Plan, step: &Step) -> bool {
    let on_path = plan.kind == PlanKind::Failover
        && !step.standing
        && step.touches == Place::Site(plan.from)
        && !matches!(step.effect, Effect::Release(_) | Effect::Reopen(_))
        && !bugs::on(Bug::WaitsForTheDead);
    on_path
        && (step.timeout.is_none_or(|timeout| timeout > LONGEST_WAIT_FOR_FAILED_SITE)
            || step.on_timeout == OnTimeout::Fail)
}
