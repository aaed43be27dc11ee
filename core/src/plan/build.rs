//! Building plans: what each kind of move consists of.

use std::collections::{BTreeMap, BTreeSet};

use super::coming_home;
use super::facts::{Facts, Incomplete};
use super::losing;
use super::parts::Draft;
use super::step::{Class, Effect, OnTimeout, Plan, PlanKind, Step};
use crate::bugs::{self, Bug};
use crate::databases::evidence::Evidence;
use crate::model::{Epoch, Place, Site, Span, StepId, Wall};
use crate::policy::{Policy, Starts};
use crate::step::{Hold, HoldId, Mark, Question};

/// What a plan is built from: everything is known before it starts.
#[derive(Clone, Debug)]
pub struct Survey<'a> {
    /// The group's policy.
    pub policy: &'a Policy,
    /// Peacetime facts, with the resource ids of members that were rebuilt since.
    pub facts: &'a Facts,
    /// The epoch of the run; it names what is left over.
    pub epoch: Epoch,
    /// Which site serves now.
    pub active: Site,
    /// Steps that the run already has.
    pub existing: &'a BTreeSet<StepId>,
    /// The group's open holds.
    pub holds: &'a BTreeMap<HoldId, Hold>,
    /// When a call was last recorded that opens a site's door.
    pub reopened: &'a BTreeMap<Site, Wall>,
    /// Evidence of replication as of the fault, for a failover with a database.
    pub evidence: Option<Evidence>,
    /// Whether the passive site's member is a streaming replica now.
    pub replica_streams: bool,
    /// What a human must say yes to before anything that cannot be undone.
    pub question: Option<Question>,
}

/// How long a claim where somebody must answer may take.
pub(super) const CLAIM: Span = Span::mins(2);

/// How long anything on the failover path may wait for the failed site (S9).
pub(super) const FAILED_SITE: Span = Span::secs(45);

/// Starts nodes, and workloads that are safe without the writer, at the passive site.
///
/// # Errors
/// [`Incomplete`] when a count was never recorded.
pub fn prewarm(survey: &Survey<'_>) -> Result<Plan, Incomplete> {
    let mut draft = Draft::new(survey, PlanKind::Failover);
    let claim = claim_target(&mut draft);
    draft.early_capacity()?;
    if bugs::on(Bug::PrewarmStartsConsumers) {
        draft.start(Starts::AfterWriter, &[claim])?;
    }
    Ok(draft.finish())
}

/// The unplanned move. One that leads home goes on once home serves: it makes a standby again of
/// the site that it left, as a failback does, whenever that site answers.
///
/// # Errors
/// [`Incomplete`] when a fact was never recorded.
pub fn failover(survey: &Survey<'_>) -> Result<Plan, Incomplete> {
    let mut draft = Draft::new(survey, PlanKind::Failover);
    let gaining = claim_target(&mut draft);
    let needs_it = bugs::on(Bug::NeedsTheDead);
    let on_timeout = if needs_it { OnTimeout::Ask } else { OnTimeout::Proceed };
    let losing = draft.add("claim.losing", &[], losing::claim(&draft, on_timeout, FAILED_SITE));
    let mut claims = draft.claim_lever()?;
    claims.push(gaining);
    claims.extend(needs_it.then_some(losing));
    let claim = draft.milestone("claimed", "target and lever know the claim", &claims);
    let early = draft.early_capacity()?;
    let decided = match &survey.question {
        Some(question) => draft.approval(question.clone(), &claim),
        None => claim,
    };
    // Where there is a writer, what uses it stops with it. Elsewhere the site that is left may come
    // back, and serve, until the other one does.
    let fenced = survey.policy.database.is_some();
    let stops = |draft: &mut Draft<'_>, after| losing::standing_quarantine(draft, after);
    let stopped = fenced.then(|| stops(&mut draft, &decided));
    let writer = losing::promote_after_fence(&mut draft, &decided)?;
    let started = draft.start_rest(&writer)?;
    let capacity = draft.capacity(early.into_iter().chain(started).collect())?;
    let shifted = draft.shift(capacity, writer)?;
    let verified = draft.seen_from_outside("verify", &shifted, survey.policy.verify.hold)?;
    let quarantine = stopped.unwrap_or_else(|| stops(&mut draft, &verified));
    if draft.to == Site::Home {
        coming_home::standby_again(&mut draft, &verified, quarantine)?;
    }
    Ok(draft.finish())
}

/// The planned move: a switchover to standby, or a failback home until the group is armed again.
///
/// # Errors
/// [`Incomplete`] when a fact was never recorded.
pub fn planned_move(survey: &Survey<'_>) -> Result<Plan, Incomplete> {
    let kind = match survey.active {
        Site::Home => PlanKind::Switchover,
        Site::Standby => PlanKind::Failback,
    };
    let mut draft = Draft::new(survey, kind);
    let gaining = claim_target(&mut draft);
    let losing = draft.add("claim.losing", &[], losing::claim(&draft, OnTimeout::Fail, CLAIM));
    let mut claims = draft.claim_lever()?;
    claims.extend([gaining, losing]);
    let words = "both clusters and the lever know the claim";
    let mut decided = draft.milestone("claimed", words, &claims);
    if let Some(question) = &survey.question {
        decided = draft.approval(question.clone(), &decided);
    }
    let near = coming_home::rebuilt(&mut draft, survey.active.other(), &decided)?;
    let early = draft.early_capacity()?;
    // Users are taken nothing from before the site that gains them has grown as far as it may.
    let grown = draft.early_ready(&early)?;
    let fit = draft.milestone("fit", "the gaining site is fit", &[near, grown]);
    let quiet = losing::quiesce(&mut draft, &fit)?;
    let writer = losing::promote_caught_up(&mut draft, &quiet)?;
    let started = draft.start_rest(&writer)?;
    let capacity = draft.capacity(early.into_iter().chain(started).collect())?;
    let shifted = draft.shift(capacity, writer)?;
    let verified = draft.seen_from_outside("verify", &shifted, survey.policy.verify.hold)?;
    let cooled = draft.seen_from_outside("coolDown", &verified, survey.policy.cool_down)?;
    let rebuilt = match kind {
        PlanKind::Failback if bugs::on(Bug::StandbyNotRebuilt) => cooled,
        _ => coming_home::rebuilt(&mut draft, survey.active, &cooled)?,
    };
    match kind {
        PlanKind::Failback => coming_home::release_standby(&mut draft, &rebuilt),
        _ => coming_home::release_both(&mut draft, &rebuilt),
    }
    Ok(draft.finish())
}

fn claim_target(draft: &mut Draft<'_>) -> StepId {
    let cluster = draft.gaining().cluster.clone();
    let step = Step {
        effect: Effect::ClaimCluster(crate::capacity::ClaimCluster { cluster }),
        needs: Vec::new(),
        still: Vec::new(),
        touches: Place::Site(draft.to),
        class: Class::Reversible,
        timeout: Some(CLAIM),
        on_timeout: OnTimeout::Fail,
        standing: false,
        marks: Vec::<Mark>::new(),
    };
    draft.add("claim.gaining", &[], step)
}
