//! What a dead Region may cost in time, and a promotion in data: S9, S10.

use bowline_core::model::{Mono, Place as Touches, Region, Site, Span, StepId};
use bowline_core::op::{Call, Op, RdsOp};
use bowline_core::plan::{Effect, PlanKind};
use bowline_core::policy::Mode;
use bowline_core::run::{Phase, Run, StepRun};
use bowline_core::step::{Question, QuestionKind};

use super::case::{Case, position};
use super::court::{Court, Scene};
use super::starts::REGION_EVENT;
use crate::aws::rds::{MemberView, Position, WRITE};
use crate::faults::{Place, Trouble};
use crate::part;

/// The longest that one call may wait for a dead Region.
const CALL: Span = Span::secs(30);

/// How far apart clocks are, in milliseconds.
const CLOCKS: u64 = 2 * 60_000;

/// How exactly a loss is measured here.
const EXACT: Span = Span::secs(1);
/// How long after a start Bowline has samples: CloudWatch publishes late.
const TO_SEE: Span = Span::mins(2);

/// From the plan of a failover to the start of its promotion, with nothing asked: fence and claims
/// at the failed site have 45 s each, and what remains is polling.
const TO_PROMOTION: Span = Span::mins(3);

/// From the death of a Region to the plan of a failover: windows that fill, Route 53's checkers,
/// and the confirm time.
const TO_PLAN: Span = Span::mins(4);

/// What lies further back does not disturb evidence any more.
const CALM: Span = Span::mins(5);

/// S9: when a Region is lost, and nothing else is wrong, the groups in it leave it soon, unless
/// they are so many that a human is asked.
pub(super) fn judge_stay(cases: &[Case], scene: Scene<'_>, region: &Region, court: &mut Court) {
    let lost = Trouble::RegionDead(region.clone());
    let mut lasting = court.spells.iter().filter(|spell| spell.until.is_none());
    let Some(since) = lasting.find(|spell| spell.trouble == lost).map(|spell| spell.since) else {
        return;
    };
    let alone = court.spells.iter().filter(|spell| spell.within(CALM, since)).count() == 1;
    let long = scene.now.mono.since(since) >= TO_PLAN;
    let calm = court.only_dead && alone && since.since(scene.world.began()) >= CALM;
    let there = || cases.iter().filter(|case| case.policy.home.scope.region == *region);
    if !calm || !long || there().count() >= REGION_EVENT {
        return;
    }
    for case in there().filter(|case| case.should_have_left()) {
        let words = format!("{} was lost, and {} plans no move", region, case.policy.group);
        court.breaks("S9", scene.now, words);
    }
}

/// S9: a call to a dead Region has a short deadline.
pub(super) fn judge_wait(scene: Scene<'_>, call: &Call, court: &mut Court) {
    let Place::Region(region) = scene.world.place(&call.op, scene.now) else { return };
    let waits = call.deadline.since(scene.now.mono);
    if scene.world.is_dead(region) && waits > CALL {
        court.breaks("S9", scene.now, format!("a call to {region} may wait {waits}"));
    }
}

/// Whether Bowline must have had evidence of replication by a fault: what is said of the time
/// between two outages comes late, too.
fn has_seen(scene: Scene<'_>, (fault, fresh): (Mono, Span), court: &Court) -> bool {
    let calm = fresh + TO_SEE;
    let mut ends = court.spells.iter().filter_map(|spell| spell.until);
    let shaken = ends.any(|end| end <= fault && fault.since(end) < calm);
    fault.since(scene.world.began()) >= calm && !shaken
}

impl Case {
    /// Whether nothing that anybody recorded or wanted keeps it from leaving home by itself.
    fn should_have_left(&self) -> bool {
        let (ledger, mode) = (&self.ledger, self.policy.automation.failover);
        let stays = ledger.run.as_ref().is_none_or(|run| run.phase == Phase::Prewarm);
        let first = self.moves_first();
        let free = ledger.armed && ledger.paused.is_none() && mode == Mode::Automatic;
        stays && first && free && ledger.active == Site::Home
    }

    /// Whether no run of the group was over before.
    fn moves_first(&self) -> bool {
        self.ledger.history.is_empty() && self.beside.head == 0
    }

    /// S9: the promotion of a failover is started soon after it was planned.
    pub(super) fn judge_delay(&self, scene: Scene<'_>, op: &Op, court: &mut Court) {
        let (Op::Rds(_, RdsOp::Promote(_)), Some(run)) = (op, &self.ledger.run) else { return };
        let (PlanKind::Failover, Some(planned)) = (run.kind, run.moving_since) else { return };
        let asked = run.steps.values().any(|step| step.asked.is_some());
        let promotes = |step: &StepRun| matches!(step.step.effect, Effect::Promote(_));
        let again = run.steps.values().any(|step| promotes(step) && step.attempts > 1);
        // The controller stands back for a break-glass process; and while RDS makes a writer of
        // what one of them promoted, it takes no call of the other.
        let stands_back = !self.apart && self.beside.open_run().is_some();
        let theirs = self.beside.run.iter().flat_map(|run| run.steps.values());
        let mut theirs = theirs.filter_map(|step| step.acted.as_ref());
        let taken = theirs.any(|acted| matches!(acted.op, Op::Rds(_, RdsOp::Promote(_))));
        // Nothing can be promoted in a Region that is lost itself.
        let (gaining, planned_at) = (&self.policy.site(run.to()).scope.region, part::mono(planned));
        let other_dead =
            |trouble: &Trouble| matches!(trouble, Trouble::RegionDead(region) if region != gaining);
        let lost = court.spells.iter().any(|spell| {
            spell.trouble == Trouble::RegionDead(gaining.clone())
                && spell.until.is_some_and(|until| until >= planned_at)
        });
        let more = lost || !court.troubles().all(other_dead) || court.more_until >= planned_at;
        if asked || again || stands_back || taken || more {
            return;
        }
        let took = scene.now.wall.since(planned);
        if took > TO_PROMOTION {
            court.breaks("S9", scene.now, format!("{took} from the plan to the promotion"));
        }
    }

    /// S9: a failover does not ask since the failed site does not answer. S10: nor about a loss,
    /// when evidence from before the fault must have been there.
    pub(super) fn judge_ask(
        &self,
        scene: Scene<'_>,
        (id, question): (&StepId, &Question),
        court: &mut Court,
    ) {
        // One that goes back has to open what it closed there.
        let fails_over = |run: &&Run| run.kind == PlanKind::Failover && run.phase == Phase::Moving;
        let Some(run) = self.ledger.run.as_ref().filter(fails_over) else { return };
        let Some(asked) = run.steps.get(id).filter(|_| court.only_dead) else { return };
        let there = asked.step.touches == Touches::Site(run.from) && !asked.step.standing;
        if question.kind == QuestionKind::Overdue && there {
            court.breaks("S9", scene.now, format!("asked about {id}: {}", question.why));
        }
        let (QuestionKind::AcceptLoss, Some(fault)) = (question.kind, run.fault_at) else { return };
        let (Some(database), Some(member)) = (&self.policy.database, self.member(scene, run.to()))
        else {
            return;
        };
        let fault = part::mono(fault);
        let loss = self.loss(scene, &member, fault);
        if loss <= database.max_lag && has_seen(scene, (fault, database.lag_fresh), court) {
            let words = format!("asked to accept a loss, and {loss} are missing");
            court.breaks("S10", scene.now, words);
        }
    }

    /// S10, whenever a member has been promoted.
    pub(super) fn judge_promotion(&mut self, scene: Scene<'_>, court: &mut Court) {
        for site in Site::BOTH {
            let Some(member) = self.member(scene, site) else { continue };
            let known = &mut self.promotions[position(site)];
            let promoted = member.promotions > *known;
            *known = member.promotions;
            if promoted {
                self.judge_loss(scene, &member, court);
            }
        }
    }

    fn judge_loss(&self, scene: Scene<'_>, member: &MemberView, court: &mut Court) {
        // Of two journals, the other one may have been written last.
        let journals = self.journals();
        let promotes = |run: &&Run| run.committed && !run.closed() && run.to() == member.door.site;
        let promoting = journals.iter().filter_map(|ledger| ledger.open_run()).find(promotes);
        let last = || journals.iter().find_map(|ledger| ledger.run.as_ref());
        let Some(run) = promoting.or_else(last) else {
            return court.breaks("S10", scene.now, format!("{} promoted in no run", member.id));
        };
        if run.kind == PlanKind::Failover {
            return self.judge_unplanned(scene, (run, member), court);
        }
        let seen = self.opened.get(&run.opened_at).copied();
        let opened = seen.unwrap_or_else(|| part::mono(run.opened_at));
        let since = scene.world.rds.missing(member.door, opened, scene.now);
        let missing = since.max(self.beyond(scene, member)) / WRITE;
        if missing > 0 {
            let words = format!("a planned move lost {missing} acknowledged writes");
            court.breaks("S10", scene.now, words);
        }
    }

    /// What the other site's member has, and this one has not.
    fn beyond(&self, scene: Scene<'_>, member: &MemberView) -> Position {
        let other = self.member(scene, member.door.site.other());
        let log = scene.world.rds.log(member.door.group);
        other.zip(log).map_or(0, |(other, log)| log.beyond(other.held, member.held))
    }

    fn judge_unplanned(
        &self,
        scene: Scene<'_>,
        (run, member): (&Run, &MemberView),
        court: &mut Court,
    ) {
        let Some(database) = &self.policy.database else { return };
        let last = self.last_write(scene, member.door.site.other());
        let fault = self.fault(run, last);
        let loss = self.loss(scene, member, fault);
        // Bowline may have noticed the fault long after the last write that is lost.
        let lost = loss.min(self.loss(scene, member, fault.min(last)));
        let evidence = database.max_lag + database.lag_fresh;
        let accepted = Span(self.accepted_ms.get(&run.opened_at).copied().unwrap_or(0));
        let told = run.output("position", "lossMs").and_then(|ms| ms.parse().ok()).map(Span);
        // What is told is as of a sample, and no further from the truth than that may be old. Of a
        // source that a run had stopped PostgreSQL tells more lag the longer it is idle.
        let exactly = database.lag_fresh + TO_SEE;
        let calm = court.only_dead && self.moves_first();
        let knows = calm && has_seen(scene, (fault, database.lag_fresh), court);
        let too_much = |told: &Span| knows && loss <= database.max_lag && *told > loss + exactly;
        if let Some(told) = told.filter(|told| lost > *told + EXACT || too_much(told)) {
            let words = format!("{} lacks {lost} of writes, and the report says {told}", member.id);
            court.breaks("S10", scene.now, words);
        }
        if lost > evidence.max(accepted) {
            let words = format!("{} lacks {lost} of writes from before the fault", member.id);
            court.breaks("S10", scene.now, words);
        }
    }

    /// When what a failover leaves began to fail: as its run says, but no earlier than its users
    /// were last served, or two minutes before, since clocks differ.
    fn fault(&self, run: &Run, last: Mono) -> Mono {
        let told = run.fault_at.map_or(last, part::mono);
        let failing = self.failing_since[position(run.from)];
        let earliest = failing.map_or(told, |since| Mono(since.0.saturating_sub(CLOCKS)));
        told.max(earliest.min(last))
    }

    /// When a site's member last acknowledged a write.
    fn last_write(&self, scene: Scene<'_>, site: Site) -> Mono {
        let (now, rds) = (scene.now.mono, &scene.world.rds);
        let old = self.member(scene, site);
        let last = old.and_then(|old| {
            rds.log(old.door.group).map(|log| log.last_write(old.held.branch, now))
        });
        last.unwrap_or(now)
    }

    /// From the first write that the site which is left acknowledged before the fault, and that the
    /// promoted member does not have, until the fault. What an earlier move lost is not counted
    /// again, nor what a writer that was left then has taken since.
    fn loss(&self, scene: Scene<'_>, member: &MemberView, fault: Mono) -> Span {
        let (other, log) = (member.door.site.other(), scene.world.rds.log(member.door.group));
        let (Some(left), Some(log)) = (self.member(scene, other), log) else { return Span::ZERO };
        let lacks = |since: Mono| log.lost(left.held, member.held, (since, fault));
        // `lacks` falls as `since` comes closer to the fault: find where it begins to.
        let moved = self.ledger.moved_at.map_or(Mono(0), part::mono);
        let (mut low, mut high) = (moved, fault.max(moved));
        let all = lacks(low);
        if all < WRITE {
            return Span::ZERO;
        }
        while high.since(low) > Span::millis(100) {
            let middle = Mono(low.0 + (high.0 - low.0) / 2);
            if lacks(middle) == all { low = middle } else { high = middle }
        }
        fault.since(low)
    }
}
