//! What the leader does for a group: claim, decide, execute, keep the facts, tell people.

use crate::bugs::{self, Bug};
use crate::decide::{Ask, AskWhy, Decision, HoldWhy, Member};
use crate::health::{Reach, Serving, Sign, SiteHealth};
use crate::model::{Answer3, Claim, Epoch, Now, Site, Span};
use crate::op::Op;
use crate::plan::Effect;
use crate::policy::Action;
use crate::run::{Allowed, Ledger, Phase, Record, Run};
use crate::step::Hold;

use super::begin;
use super::calls::{GroupOwner, STORE};
use super::collect;
use super::group::{Group, Host};
use super::intents::gives_way;
use super::known::Known;
use super::notices::Message;
use super::words;

/// A decision of which nothing was begun for so long must still be seen to be right.
const HELD_UP: Span = Span::secs(30);

/// … and one of which only claims were begun, which take their time at a dead site.
const CLAIMS: Span = Span::secs(45);

/// Whether what a survey finds of others' claims is overlooked: never.
fn overruling() -> bool {
    [Bug::ZoneClaimOverruled, Bug::ClusterClaimOverruled, Bug::HoldClaimOverruled]
        .into_iter()
        .any(bugs::on)
}

impl Group {
    /// The leader's part of [`Group::poll`].
    pub(super) fn lead(&mut self, host: &mut Host<'_>) {
        // Beside somebody else's claim nothing is claimed, executed or recorded as peace.
        let alone = self.foreign_claim().is_none();
        let known = &self.known;
        // A run in a copied journal is another's until somebody wants it to go on.
        let may = alone && (host.unasked || self.told);
        self.desk.take_over(&host.seat(), may, |ledger| epoch_above(ledger, known));
        if self.desk.settled() {
            self.follow(host);
        }
        let allowed = match alone {
            false => Allowed::Nothing,
            true if self.hesitates(host.now) => Allowed::Claims,
            true if self.is_back_from_silence() => Allowed::Spares,
            true => Allowed::Everything,
        };
        let calls = self.desk.execute(&host.seat(), allowed);
        host.send_steps(self.index, calls);
        if alone {
            self.keep_facts(host);
        }
        for (number, timeout, op) in self.notices.due(&self.policy, &host.author(), host.now) {
            host.send(self.index, GroupOwner::Notice(number), timeout, op);
        }
    }

    /// An epoch above everything that was seen.
    pub(super) fn next_epoch(&self) -> Epoch {
        epoch_above(self.ledger(), &self.known)
    }

    /// A claim in the world that this group's chain does not know: one above its own, or any at the
    /// lever that was not made here. Whoever claimed the lever may have moved the traffic since,
    /// however low the epoch.
    pub(super) fn foreign_claim(&self) -> Option<&Claim> {
        if overruling() {
            return None;
        }
        let above = self.known.claims().find(|claim| !self.desk.knows(claim));
        let strange =
            |claim: &&Claim| !self.ledger().has_made(claim) && !bugs::on(Bug::LowClaimIsOurs);
        let beside = || self.known.lever_claims().find(strange);
        above.or_else(beside).or_else(|| self.desk.fence())
    }

    /// What this group alone would do now; the fleet may hold it.
    pub(super) fn propose(&mut self, now: Now) -> Member {
        // What was so of another site, or before somebody else led, says nothing of now.
        if self.observed.replace(self.active()) != Some(self.active()) {
            (self.serving, self.ready) = Default::default();
        }
        let serving = self.sampler.serving(self.active(), now.mono);
        self.serving.observe(now, serving.verdict);
        self.was_down |= serving.verdict == Answer3::No;
        self.was_down &= serving.verdict != Answer3::Yes || self.ledger().open_run().is_some();
        let ready = self.readiness(now).verdict;
        self.ready.observe(now, ready);
        let served = self.serving.held_for(now, Answer3::Yes);
        let prepares = self.ledger().open_run().filter(|run| begin::is_prewarm(run));
        let outlives =
            |run: &&Run| served.min(now.wall.since(run.opened_at)) >= self.policy.health.confirm;
        let anew = |run: &&Run| self.fails_anew(run, now);
        if let Some(run) = prepares.filter(|run| outlives(run) || anew(run)) {
            self.outlived = Some(run.id.clone());
        }
        let decision = crate::decide::decide(&self.situation(now, ready));
        Member {
            group: self.policy.group.clone(),
            region: self.policy.site(self.active()).scope.region.clone(),
            decision,
            trouble: serving.suspect.map(|suspect| suspect.since.wall),
            recovered: self.sampler.site(self.active()).suspected().map(|at| now.mono.since(at)),
        }
    }

    /// Does what was decided, and tells people what is asked.
    fn follow(&mut self, host: &mut Host<'_>) {
        let now = host.now;
        if self.serves_again(now) {
            self.desk.unwind(words::SERVES_AGAIN.into());
        } else if self.is_outdated(now) {
            self.desk.unwind(words::OUTDATED.into());
        } else if host.unasked && self.outlives_its_order(now) {
            self.desk.unwind(words::ORDER_OUTLIVED.into());
        }
        self.stranded = self.is_stranded(now);
        let left = self.left_behind(host);
        let records = match &self.decision {
            _ if !left.is_empty() => Ok(begin::tidy(self, host, &left)),
            Some(Decision::Prewarm) => begin::prewarm(self, host),
            Some(Decision::FailOver) => begin::automatic_failover(self, host),
            Some(Decision::FailBack) => begin::automatic_failback(self, host),
            Some(Decision::AskHuman(ask)) if asked_in_a_run(ask) => match ask.action {
                Action::Failback => begin::automatic_failback(self, host),
                _ => begin::automatic_failover(self, host),
            },
            Some(Decision::StandDown) => {
                let why = if self.was_down { words::SERVES_AGAIN } else { words::FALSE_ALARM };
                self.desk.unwind(why.into());
                Ok(Vec::new())
            }
            Some(Decision::Hold(_) | Decision::AskHuman(_)) | None => Ok(Vec::new()),
        };
        self.obstacle = records.as_ref().err().cloned();
        let opens = begin::opens_its_way(&self.desk);
        let records = records.into_iter().flatten().chain(opens);
        records.for_each(|record| self.desk.push(record));
        let asking = self.question(now);
        self.notices.asking(&self.policy, asking, now.mono);
    }

    /// Whether the fault that a run prepares for is over. Such a run stands in a group that is
    /// paused: what fails then fails anew.
    pub(super) fn outlived(&self, run: &Run) -> bool {
        self.outlived.as_ref() == Some(&run.id) && !bugs::on(Bug::OldFaultDatesTheNew)
    }

    /// Whether what fails now began long after the fault that a run was opened for, though this
    /// replica has watched since before: the site has served in between, whoever led then.
    pub(super) fn fails_anew(&self, run: &Run, now: Now) -> bool {
        let first_bad = self.sampler.serving(self.active(), now.mono).first_bad;
        let (Some(old), Some(bad)) = (run.fault_at, first_bad) else { return false };
        let watched = self.watching_since.is_some_and(|since| since <= old);
        // Two replicas' clocks may have dated the two.
        let late = old + self.policy.health.confirm + begin::CLOCKS;
        watched && bad.wall > late && !bugs::on(Bug::OldFaultDatesTheNew)
    }

    /// Whether the site that an automatic failover is to leave has served again for the confirm
    /// time, while nothing that cannot be undone was started: it waits for a yes, or for capacity.
    /// Who took it over from another, or was cut off, does not know for how long that site has
    /// served, and takes nothing from users there to find out.
    fn serves_again(&self, now: Now) -> bool {
        let waits = self
            .ledger()
            .open_run()
            .filter(|run| run.is_automatic_failover() && !run.committed && !begin::is_prewarm(run));
        let serves = || self.sampler.serving(self.active(), now.mono).verdict == Answer3::Yes;
        waits.is_some_and(|run| {
            self.serving.held_for(now, Answer3::Yes) >= self.policy.health.confirm
                || (self.was_taken_over(run) && serves() && !bugs::on(Bug::TakesOverBlindly))
                || (self.is_just_back(now) && serves())
        })
    }

    /// Whether a run was claimed anew since it was opened.
    fn was_taken_over(&self, run: &Run) -> bool {
        run.epoch != self.ledger().epoch()
    }

    /// An automatic failover that was planned, and of which nothing was begun that users notice.
    fn planned(&self) -> Option<&Run> {
        let open = self.ledger().open_run();
        open.filter(|run| run.is_automatic_failover() && self.desk.only_planned())
    }

    /// An automatic failover that has begun to prepare standby, and nothing yet that users notice,
    /// as far as this replica knows.
    fn prepared(&self) -> Option<&Run> {
        let open = self.ledger().open_run().filter(|run| run.is_automatic_failover());
        let prepared = open.filter(|_| self.desk.only_prepared() && !self.desk.only_planned());
        prepared.filter(|run| !asks(run) && !bugs::on(Bug::PreparedIsBegun))
    }

    /// Whether users may be served, for all that is seen, at the site that a planned failover
    /// leaves: it claims, and begins nothing that they notice before that is seen to be wrong. One
    /// that prepares waits where it looks as if they were, and who has just taken one over watches
    /// first. What has a human's yes is that human's.
    pub(super) fn hesitates(&self, now: Now) -> bool {
        let site = self.sampler.site(self.active());
        // What another has recorded does not hold an heir up for ever.
        let patient = !self.desk.may_have_begun() || self.leads_within(site.settles_in(), now);
        let prepared = self.prepared().filter(|_| patient);
        if prepared.is_some() && site.looks_served(now.mono) || self.has_no_view_yet(now) {
            return true;
        }
        let fails =
            || site.serving(now.mono).verdict == Answer3::No && !site.looks_served(now.mono);
        let blindly = [Bug::BeginsInDoubt, Bug::OldDecisionsStand, Bug::TakesOverBlindly];
        let planned = self.planned().filter(|run| !asks(run));
        planned.is_some() && !fails() && !blindly.into_iter().any(bugs::on)
    }

    /// Whether this replica has led for no longer.
    fn leads_within(&self, span: Span, now: Now) -> bool {
        self.leading_since.is_some_and(|began| now.mono.since(began) <= span)
    }

    /// Whether a failover can go back, and this replica cannot say yet whether users are served: it
    /// took the run over and has just begun to watch, or to ask outside (what was begun may never
    /// have been sent), or was cut off until a moment ago. The outage may be over.
    fn has_no_view_yet(&self, now: Now) -> bool {
        let site = self.sampler.site(self.active());
        let serving = site.serving(now.mono);
        let unknown = serving.verdict == Answer3::Unknown;
        let heir = |run: &Run| {
            let automatic = run.is_automatic_failover() && !asks(run);
            let new = unknown && self.is_new(now, site);
            automatic
                && self.was_taken_over(run)
                && (new || self.has_not_asked(now, site, &serving))
                && !bugs::on(Bug::HeirsNeedNotWatch)
        };
        let back = |run: &Run| {
            let leaves = run.is_automatic_failover() || run.leaves_what_failed();
            leaves && self.is_just_back(now)
        };
        let open = self.ledger().open_run();
        let moving = open.filter(|run| run.phase == Phase::Moving && !run.committed);
        moving.is_some_and(|run| heir(run) || (unknown && back(run)))
    }

    /// Whether this replica has led for so short a time that nobody outside has told it yet how a
    /// site is: only who leads asks there.
    fn has_not_asked(&self, now: Now, site: &SiteHealth, serving: &Serving) -> bool {
        let new = self.leads_within(site.outside_settles_in(), now);
        new && serving.outside == Some(Sign::Unknown) && !bugs::on(Bug::HeirsAskNobody)
    }

    /// Whether the site that an automatic failover leaves has been silent, and nothing is known to
    /// have begun that users notice. If it answers a step all the same, it may have served for a
    /// while.
    fn is_back_from_silence(&self) -> bool {
        let leaves = self.ledger().open_run().is_some_and(Run::is_automatic_failover);
        leaves
            && self.desk.only_prepared()
            && self.sampler.contact(self.active()).reach() == Reach::Silent
            && ![Bug::SilentStayDead, Bug::OwnEyesSeeUsers].into_iter().any(bugs::on)
    }

    /// Whether Bowline was cut off from everything until so short a time ago that not every sign
    /// was made anew.
    fn is_just_back(&self, now: Now) -> bool {
        let settles = self.sampler.site(self.active()).settles_in();
        let unaware = [Bug::BackIsAware, Bug::OwnEyesDateTheFault].into_iter().any(bugs::on);
        self.isolation.within(settles, now.mono) && !unaware
    }

    /// Whether this replica has not watched a site for long: it has nothing to say of it yet.
    fn is_new(&self, now: Now, site: &SiteHealth) -> bool {
        let age = self.watching_since.map(|began| now.wall.since(began));
        age.is_some_and(|age| age <= site.settles_in())
    }

    /// Whether what an automatic failover was decided on is not so any more, while nothing was
    /// begun for it: the store had held its record up, or who planned it is dead. Who is asked
    /// about one decides that alone.
    fn is_outdated(&self, now: Now) -> bool {
        let planned = self.planned().filter(|_| !bugs::on(Bug::OldDecisionsStand));
        // Who is asked about one is told of another fault.
        if planned.is_some_and(|run| self.fails_anew(run, now)) {
            return true;
        }
        if self.prepared().is_some() && self.is_reached_again(now) {
            return true;
        }
        let planned = planned.filter(|run| !asks(run));
        let Some(since) = planned.and_then(|run| run.moving_since) else { return false };
        // Who watched when another planned it, and cannot say the same, does not go on with it.
        let taken_over = planned.is_some_and(|run| self.was_taken_over(run));
        let doubts = taken_over && self.watching_since.is_some_and(|began| began < since);
        // Claims that were begun in time may take theirs: an API has its budget, a site is dead.
        let begun = planned.is_some_and(|run| run.claimed_by(since + HELD_UP));
        let patience = if begun { CLAIMS } else { HELD_UP };
        let anew = doubts || now.wall.since(since) > patience;
        let site = self.sampler.site(self.active());
        let new = !doubts && self.is_new(now, site);
        let serving = site.serving(now.mono);
        match serving.verdict {
            Answer3::Yes => true,
            _ if begun && serving.outside == Some(Sign::Up) && !doubts => true,
            Answer3::No if bugs::on(Bug::OwnEyesSuffice) => false,
            // Who is cut off from a site sees it down again, for another reason. Who has just begun
            // to lead has not asked outside yet.
            Answer3::No if taken_over => anew && serving.outside == Some(Sign::Up),
            Answer3::No => anew && !(serving.outside_down() && serving.outside_lasts),
            Answer3::Unknown => anew && !new,
        }
    }

    /// Whether a human ordered an open failover since the site had failed, or has said yes to it,
    /// nothing is known to have begun that users notice, as when the store had held it up, and the
    /// site serves again: what was agreed to lose is not what would be lost now. It is the human's
    /// to say it once more.
    fn outlives_its_order(&self, now: Now) -> bool {
        let ordered = |run: &&Run| {
            let agreed = asks(run) && run.asks().next().is_none() && !bugs::on(Bug::LateYesStands);
            run.leaves_what_failed() && (agreed || !run.is_automatic_failover() && !asks(run))
        };
        let open = self.ledger().open_run().filter(ordered);
        let unnoticed = open.is_some_and(|_| self.desk.only_prepared());
        unnoticed && self.is_reached_again(now) && !bugs::on(Bug::OrdersOutlastTheOutage)
    }

    /// Whether the active site serves, or others reach it.
    fn is_reached_again(&self, now: Now) -> bool {
        let serving = self.sampler.serving(self.active(), now.mono);
        serving.verdict == Answer3::Yes || serving.outside == Some(Sign::Up)
    }

    /// Whether nobody is served and the site does not even answer, while a planned move or a run
    /// that goes back waits for it: only a human may say that it is lost, and lead users elsewhere.
    fn is_stranded(&self, now: Now) -> bool {
        let leaves = |run: &Run| run.from == self.active() && gives_way(run);
        self.ledger().open_run().is_some_and(leaves)
            && self.sampler.serving(self.active(), now.mono).verdict == Answer3::No
            && self.sampler.contact(self.active()).reach() == Reach::Silent
    }

    /// What is still held though nothing goes on: a run was cancelled beside another's claim, or a
    /// journal was imported whose process left it. What keeps home itself from serving is let go as
    /// soon as home can be reached, all else once home serves.
    fn left_behind(&self, host: &Host<'_>) -> Vec<Hold> {
        let ledger = self.ledger();
        let busy = ledger.busy_run();
        let peace = ledger.active == Site::Home && busy.is_none_or(begin::is_prewarm);
        if !peace || begin::left_behind(ledger).next().is_none() {
            return Vec::new();
        }
        let may = host.unasked && ledger.paused.is_none() && self.foreign_claim().is_none();
        let serves = self.serving.held_for(host.now, Answer3::Yes) >= self.policy.health.confirm;
        let reached = self.sampler.contact(Site::Home).reach() == Reach::Answers
            && self.cluster_answers(Site::Home, host.now.mono) == Answer3::Yes;
        // What a run holds at standby that only prepares is its own.
        let stays = |hold: &Hold| hold.site == Site::Standby && (busy.is_some() || !serves);
        let held = begin::left_behind(ledger).filter(|hold| !stays(hold));
        held.filter(|_| may && (serves || reached)).cloned().collect()
    }

    /// Records peacetime facts while home serves and nothing goes on.
    fn keep_facts(&mut self, host: &mut Host<'_>) {
        let ledger = self.ledger();
        let peace = ledger.active == Site::Home && ledger.busy_run().is_none();
        if !peace || self.serving.held_for(host.now, Answer3::Yes).as_millis() == 0 {
            return;
        }
        if !self.facts.wants(self.known.revision, host.now) || !self.untouched() {
            return;
        }
        let facts = collect::facts(&self.policy, &self.known, host.now.wall).ok();
        let facts = (self.known.revision, facts);
        let served = (host.now, self.serving.held_for(host.now, Answer3::Yes));
        if let Some(op) = self.facts.write(&self.policy.group, facts, served) {
            host.send(self.index, GroupOwner::PutFacts, STORE, Op::Store(op));
        }
    }

    /// Whether nobody else had a hand in what was seen: not even under a claim that a newer one of
    /// ours went past.
    fn untouched(&self) -> bool {
        self.known.vetted() && self.known.claims().all(|claim| self.ledger().has_made(claim))
    }

    /// What people are asked now, if anything.
    fn question(&self, now: Now) -> Option<Message> {
        let ledger: &Ledger = self.ledger();
        if self.stranded {
            return Some(words::stranded(self, now));
        }
        if let Some(run) = ledger.open_run()
            && let Some((step, question, _)) = run.asks().next()
        {
            return Some(words::ask(&self.policy, run, step, question));
        }
        if let Some((step, why)) = self.desk.at_odds().next() {
            return Some(words::at_odds(self, step, why));
        }
        match &self.decision {
            // The run that begins with this asks by itself.
            Some(Decision::AskHuman(ask)) if asked_in_a_run(ask) && self.obstacle.is_none() => None,
            Some(Decision::AskHuman(ask)) => Some(words::ask_decision(self, ask, now)),
            Some(Decision::Hold(HoldWhy::RegionEvent(_))) => {
                self.speaks_of.as_ref().map(|event| words::region_event(self, event, now))
            }
            Some(Decision::Hold(why)) if why.alarms() => Some(words::alarm(self, why, now)),
            Some(Decision::FailOver | Decision::FailBack) if self.obstacle.is_some() => {
                Some(words::stuck(self, now))
            }
            _ => None,
        }
    }

    /// Tells people what a record means.
    pub(super) fn announce(&mut self, record: &Record, now: Now) {
        if let Some(message) = words::announcement(self.desk.ledger(), record) {
            self.notices.tell(&self.policy, &message, now.mono);
        }
    }
}

/// Whether a human is asked for a yes to a run, as it was planned.
fn asks(run: &Run) -> bool {
    run.steps.values().any(|step| matches!(step.step.effect, Effect::Approval(_)))
}

/// Whether a question is asked inside a run, while what can be undone is prepared. Others are asked
/// before anything is started.
fn asked_in_a_run(ask: &Ask) -> bool {
    matches!(ask.why, AskWhy::Approval | AskWhy::Evidence(_))
}

/// An epoch above everything that was seen: in the store, at the lever, in the clusters.
fn epoch_above(ledger: &Ledger, known: &Known) -> Epoch {
    let seen = known.claims().map(|claim| claim.epoch).max();
    ledger.epoch().max(seen.unwrap_or_default()).next()
}

#[cfg(test)]
#[path = "lead_tests.rs"]
mod tests;
