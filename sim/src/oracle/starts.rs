//! What begins by itself: S4, S8.

use std::collections::BTreeSet;

use bowline_core::model::{Mono, Region, RunId, Site, Span, Wall};
use bowline_core::op::{KubeOp, Op};
use bowline_core::plan::{Plan, PlanKind};
use bowline_core::policy::{Probe, Starts, Workload};
use bowline_core::run::{Ended, Ledger, Phase, Run, StepRun, Trigger};

use super::case::{Case, Passed, position};
use super::court::{Court, Scene, Spell};
use crate::faults::{Evidence, Reach, Trouble};

/// So many groups of one Region in trouble are a Region event, which a human is asked about: the
/// third may not be moved by itself (`decide::FleetRules`).
pub(super) const REGION_EVENT: usize = 3;

/// … when they failed over within this time.
const TOGETHER: Span = Span::mins(10);

impl Case {
    /// An automatic failover was planned. Whether there is a cause is judged when anything more is
    /// recorded of it: a record that a store held up may be stored when the outage is over, and a
    /// leader that sends the run back at once has moved nothing.
    pub(super) fn judge_start(&mut self, scene: Scene<'_>, plan: &Plan, court: &mut Court) {
        // A plan that asks first prepares capacity, and moves nothing without a human.
        let asks = plan.steps.contains_key("approval");
        let run = self.ledger.run.as_ref();
        let planned = run.filter(|_| !asks).map(|run| (run.opened_at, plan.from));
        (self.beginning, self.leaving) = (planned, planned);
        if !self.ledger.armed {
            court.breaks("S4", scene.now, "an automatic move of a group that is not armed");
        }
        if !asks {
            self.judge_flapping(scene, plan.from, court);
        }
    }

    /// A call is sent. Nobody notices a claim, nor what prepares, nor what is only recorded.
    pub(super) fn judge_sent(&mut self, scene: Scene<'_>, op: &Op, court: &mut Court) {
        let Some(run) = self.ledger.run.as_ref().filter(|_| self.leaving.is_some()) else { return };
        let touches = |step: &StepRun| {
            let own = Some(step.planned_at) == run.moving_since && !step.step.effect.claims();
            own && step.acted.as_ref().is_some_and(|acted| acted.op == *op)
        };
        let of = run.opened_at;
        if run.steps.values().any(touches)
            && let Some(from) = told_once(&mut self.leaving, of)
        {
            self.judge_serving(scene, from, court);
        }
    }

    /// Something is recorded of a run's steps.
    pub(super) fn judge_beginning(&mut self, scene: Scene<'_>, court: &mut Court) {
        let of = self.ledger.run.as_ref().map(|run| run.opened_at);
        if let Some(from) = of.and_then(|of| told_once(&mut self.beginning, of)) {
            self.judge_cause(scene, from, court);
        }
    }

    /// What was planned is not done. What nobody noticed is no failover, but one that a human
    /// cancelled is followed by another only if a human says so.
    pub(super) fn goes_back(&mut self, court: &mut Court) {
        let Some(run) = &self.ledger.run else { return };
        court.ordered.retain(|(_, group, _)| *group != self.group || self.apart);
        told_once(&mut self.beginning, run.opened_at);
        let unnoticed = told_once(&mut self.leaving, run.opened_at).is_some();
        let own = court.automatic.iter().rposition(|(_, group, _)| *group == self.group);
        if let Some(own) = own.filter(|_| unnoticed && !run.weighs) {
            court.automatic.remove(own);
        }
    }

    /// S4: the site had failed for the confirm time, and not because of a move that was undone.
    fn judge_cause(&self, scene: Scene<'_>, from: Site, court: &mut Court) {
        let confirm = self.policy.health.confirm;
        let (now, remembered) = (scene.now.mono, confirm + REMEMBERED);
        let bent = |spell: &Spell| spell.trouble.plays_on_calls() && spell.within(remembered, now);
        if let (None, Some(since), false) = (
            self.serving_since[position(from)],
            self.failing_since[position(from)],
            court.spells.iter().any(bent),
        ) && now.since(since) < confirm
        {
            let failed = scene.now.mono.since(since);
            let words = format!("an automatic move away from {from}, which failed for {failed}");
            court.breaks("S4", scene.now, words);
        }
        let unwound = self.unwound_at.map(|at| scene.now.mono.since(at));
        if let Some(ago) = unwound.filter(|ago| *ago < confirm) {
            let words = format!("an automatic move {ago} after a planned one was undone");
            court.breaks("S4", scene.now, words);
        }
    }

    /// S4: the site that is left does not serve its users: it did not at some time while that was
    /// confirmed, nor does it when the first step is taken that they notice. A run that had passed
    /// its point of no return by then, though no call was sent, could only go on.
    fn judge_serving(&self, scene: Scene<'_>, from: Site, court: &mut Court) {
        let (confirm, run) = (self.policy.health.confirm, self.ledger.run.as_ref());
        let now = scene.now.mono;
        let own = |passed: &&Passed| run.is_some_and(|run| run.opened_at == passed.opened);
        // Who wrote that record himself knows whether he sent anything.
        let could =
            |passed: &&Passed| passed.epoch != self.ledger.epoch() || now.since(passed.at) < LATE;
        let passed = self.passed.as_ref().filter(own).filter(could);
        let at = passed.map_or(now, |passed| passed.at);
        let Some(since) = self.serving_since[position(from)] else { return };
        if self.deceived(court, at, from, since) {
            return;
        }
        let served = at.since(since);
        if served >= confirm {
            let words = format!("an automatic move away from {from}, which served for {served}");
            court.breaks("S4", scene.now, words);
        }
    }

    /// S4: what needs the writer is not started while the decision has not fallen.
    pub(super) fn judge_early(&self, scene: Scene<'_>, op: &Op, court: &mut Court) {
        let Op::Kube(cluster, KubeOp::Scale { workload, replicas, .. }) = op else { return };
        // Of two journals, the run of the other one may be past that, and the call be its own.
        let open = || self.journals().into_iter().filter_map(Ledger::open_run);
        let prepares = open().all(|run| run.phase == Phase::Prewarm);
        let Some(run) = open().next().filter(|_| prepares) else { return };
        let there = *cluster == self.policy.site(run.to()).cluster && *replicas > 0;
        let mut listed = self.policy.capacity.workloads.iter();
        let needs_it = |w: &Workload| w.object == *workload && w.starts == Starts::AfterWriter;
        if there && listed.any(needs_it) {
            court.breaks("S4", scene.now, format!("{workload} was started by a prewarm"));
        }
    }

    /// Whether the site that a run leaves has failed, and the record says so.
    pub(super) fn left_failing(&self, from: Site) -> bool {
        let told = self.ledger.run.as_ref().is_some_and(Run::leaves_what_failed);
        told && self.failing_since[position(from)].is_some()
    }

    /// The failover that was planned last: its time is the record's, which a store may have held
    /// up.
    pub(super) fn departure(&self, scene: Scene<'_>, from: Site) -> (Mono, usize, Region) {
        let recorded = self.ledger.run.as_ref().and_then(|run| run.moving_since);
        let held_up = recorded.map_or(Span::ZERO, |at| scene.now.wall.since(at));
        let at = Mono(scene.now.mono.0.saturating_sub(held_up.as_millis()));
        (at, self.group, self.policy.site(from).scope.region.clone())
    }

    /// S8: not within the block window, and not as one of many.
    fn judge_flapping(&self, scene: Scene<'_>, from: Site, court: &mut Court) {
        let (now, region) = (scene.now.mono, &self.policy.site(from).scope.region);
        let block = self.policy.automation.block_after_failover;
        let mut own = court.automatic.iter().filter(|(_, group, _)| *group == self.group);
        let again = own.any(|(at, ..)| now.since(*at) < block);
        let lately = court.automatic.iter().chain(&court.ordered);
        let lately = lately.filter(|(at, _, r)| r == region && now.since(*at) <= TOGETHER);
        let mut together: BTreeSet<_> = lately.map(|(_, group, _)| *group).collect();
        together.insert(self.group);
        let many = together.len() >= REGION_EVENT;
        court.automatic.push(self.departure(scene, from));
        if again {
            let words = format!("another automatic failover within {block}");
            court.breaks("S8", scene.now, words);
        }
        if many {
            let words = format!("{REGION_EVENT} groups left {region} within {TOGETHER}, unasked");
            court.breaks("S8", scene.now, words);
        }
    }
}

impl Case {
    /// A run is over: a way home that was undone, while which users were failed by nothing that
    /// went wrong in the world, was an outage of Bowline's making.
    pub(super) fn note_way_home(&mut self, court: &Court) {
        let Some(run) = &self.ledger.run else { return };
        let felt = |lost: Mono| {
            let own = |spell: &Spell| {
                let over = spell.until.is_some_and(|until| lost.since(until) >= REMEMBERED);
                !fails_users(&spell.trouble) || spell.since > lost || over
            };
            let opened = self.opened.get(&run.opened_at);
            opened.is_some_and(|opened| lost >= *opened) && court.spells.iter().all(own)
        };
        let undone = run.kind == PlanKind::Failback && run.phase != Phase::Closed(Ended::Moved);
        let lost = self.lost_at[position(run.from)].filter(|_| undone);
        self.felt = match run.phase {
            Phase::Closed(Ended::Moved) => None,
            _ if lost.is_some_and(felt) => Some(run.id.clone()),
            _ => self.felt.take(),
        };
    }

    /// S8: whoever knows of such a way home does not begin another by itself.
    pub(super) fn judge_way_home(&self, scene: Scene<'_>, court: &mut Court) {
        let Some(run) = &self.ledger.run else { return };
        let again = run.kind == PlanKind::Failback && run.trigger == Trigger::Automatic;
        let known = |felt: &RunId| self.ledger.history.iter().any(|(id, ..)| id == felt);
        if let Some(felt) = self.felt.as_ref().filter(|felt| again && known(felt)) {
            court.breaks("S8", scene.now, format!("a way home by itself after {felt} was undone"));
        }
    }
}

/// Whether a trouble may take service away from users by itself.
fn fails_users(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::RegionDead(_)
        | Trouble::TargetsDown(_)
        | Trouble::DatabaseDown(_)
        | Trouble::NoCapacity { .. }
        | Trouble::GitOps { .. }
        | Trouble::DnsOwned { .. } => true,
        Trouble::RegionsApart
        | Trouble::ApisDown(_)
        | Trouble::ApiServersDown(_)
        | Trouble::Cut { .. }
        | Trouble::FalseAlarm(_)
        | Trouble::Blind
        | Trouble::Calls(_)
        | Trouble::Stale { .. }
        | Trouble::Crashed(_)
        | Trouble::Paused(_)
        | Trouble::Skewed(..)
        | Trouble::Drifts(..)
        | Trouble::Store(_) => false,
    }
}

/// The site that the run which was opened then is to leave, once.
fn told_once(told: &mut Option<(Wall, Site)>, of: Wall) -> Option<Site> {
    told.take_if(|(opened, _)| *opened == of).map(|(_, from)| from)
}

/// How long a window of samples remembers what is over.
const REMEMBERED: Span = Span::mins(1);

impl Case {
    /// Whether the vantage outside Bowline's network lied about the site for the whole confirm
    /// time, or began to before it must be seen that a site has `served` again, while Bowline's own
    /// looks at it are cut off or lie, or did a moment ago. All that can be known says down then:
    /// no controller could tell, so none is blamed.
    fn deceived(&self, court: &Court, now: Mono, from: Site, served: Mono) -> bool {
        let (confirm, region) = (self.policy.health.confirm, &self.policy.site(from).scope.region);
        let lied = |spell: &Spell| {
            let until = spell.until.unwrap_or(now);
            let long = until.since(spell.since) >= confirm || spell.since.since(served) < confirm;
            self.lies_about(from, &spell.trouble) && long && spell.within(REMEMBERED, now)
        };
        let blind = |spell: &Spell| blinds(&spell.trouble, region) && spell.within(REMEMBERED, now);
        court.spells.iter().any(lied) && court.spells.iter().any(blind)
    }

    /// Whether a trouble has Route 53's checkers say of a site what is not so.
    fn lies_about(&self, site: Site, trouble: &Trouble) -> bool {
        let Trouble::FalseAlarm(Evidence::Route53Check(id)) = trouble else { return false };
        self.policy.health.signals.iter().any(|signal| match &signal.probe {
            Probe::Route53Check { home, standby } => match site {
                Site::Home => home == id,
                Site::Standby => standby == id,
            },
            _ => false,
        })
    }
}

/// So many of a thousand calls that fail may all be the looks that would tell.
const MANY: u32 = 100;

/// What a store has held up for longer is not sent any more.
const LATE: Span = Span::secs(20);

/// Whether a trouble has Bowline's own looks at a Region fail, or say what is not so.
fn blinds(trouble: &Trouble, region: &Region) -> bool {
    match trouble {
        Trouble::Cut { from, .. } => match from {
            Reach::Region(there) | Reach::Api(there, _) => there == region,
            Reach::AllBeyond | Reach::All => true,
            Reach::Management | Reach::Dns | Reach::Gates => false,
        },
        Trouble::ApisDown(there) => there == region,
        Trouble::Calls(rates) => !rates.only_changes && rates.failing() >= MANY,
        Trouble::Blind => true,
        Trouble::FalseAlarm(
            Evidence::AlbTargets(there) | Evidence::Http(there) | Evidence::ClusterApi(there),
        ) => there == region,
        _ => false,
    }
}
