//! Worlds made by hand: one in which each promise is kept, and for each promise one that breaks it.

mod sweep;
mod trial;

use std::sync::Arc;

use bowline_core::model::{
    Author, Claim, Epoch, HoldNote, NoteOwner, ObjectRef, Place as Touches, RunId, Site, Span,
    Version, Wall,
};
use bowline_core::op::{Answer, Failover, KubeOp, LeaseOp, LeaseSpec, Op, RdsOp};
use bowline_core::plan::PlanKind;
use bowline_core::policy::{Mode, Policy, examples};
use bowline_core::run::{Ended, Intent, Record, Trigger};
use bowline_core::step::{Held, Hold, HoldId, Question, QuestionKind};

use super::PROMISES;
use crate::faults::Trouble;
use crate::world::Outcome;
use trial::{Trial, claim, done, human, opening, planned, started, started_of};

const HOUR: Span = Span::mins(60);

fn promote(trial: &Trial) -> Op {
    trial.bench.rds(Site::Standby, RdsOp::Promote("shop-standby".into()))
}

/// Home dies, and a human's failover is open and has promoted standby's member.
fn failed_over() -> Trial {
    let mut trial = Trial::shop();
    trial.kill(Site::Home);
    trial.pass(Span::mins(1));
    trial.open(1, PlanKind::Failover, Site::Home, human());
    trial.act_recorded(&promote(&trial));
    trial.pass(Span::mins(20));
    trial
}

/// Standby's NodePool is opened and all workloads run as the policy asks, each call recorded.
fn grow(trial: &mut Trial) {
    let policy = trial.bench.policy.clone();
    let counts = [12, 2, 6];
    let read = trial.bench.kube(Site::Standby, KubeOp::Pool("dr".into()));
    let Answer::Pool(view) = trial.bench.answer(&read) else { panic!() };
    let (version, limits) = (view.version, policy.capacity.pools[0].limits.clone());
    let limit = KubeOp::Limit { pool: "dr".into(), version, limits, note: None };
    trial.act_recorded(&trial.bench.kube(Site::Standby, limit));
    for (workload, replicas) in policy.capacity.workloads.iter().zip(counts) {
        let scale = scale(trial, &policy, workload.object.name.as_str(), replicas);
        trial.act_recorded(&scale);
    }
    trial.pass(Span::mins(5));
}

fn scale(trial: &mut Trial, policy: &Policy, name: &str, replicas: u32) -> Op {
    let all = policy.capacity.workloads.iter();
    let found = all.map(|w| &w.object).find(|w| w.name.as_str() == name).unwrap().clone();
    let read = trial.bench.kube(Site::Standby, KubeOp::Workload(found.clone()));
    let Answer::Workload(view) = trial.bench.answer(&read) else { panic!() };
    let scale = KubeOp::Scale { workload: found, version: view.version, replicas };
    trial.bench.kube(Site::Standby, scale)
}

#[test]
fn every_promise_is_defined_and_judged() {
    let trial = Trial::shop();
    assert_eq!(PROMISES.len(), 13);
    let names: Vec<_> = PROMISES.iter().map(|(name, _)| *name).collect();
    let wanted = ["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "L1", "L2"];
    assert_eq!(names, wanted);
    assert!(trial.broken().is_empty());
}

#[test]
fn a_long_peace_breaks_nothing() {
    let mut trial = Trial::shop();
    trial.pass(Span::mins(600));
    assert!(trial.broken().is_empty());
}

#[test]
fn a_dead_region_alone_breaks_nothing() {
    let mut trial = Trial::shop();
    trial.kill(Site::Home);
    trial.pass(HOUR);
    let home = trial.bench.region(Site::Home);
    trial.end(&Trouble::RegionDead(home));
    trial.pass(HOUR);
    assert!(trial.broken().is_empty());
}

#[test]
fn a_failover_as_it_should_be_keeps_every_promise() {
    let mut trial = failed_over();
    grow(&mut trial);
    trial.shift();
    trial.pass(Span::mins(3));
    trial.store(vec![done("act")]);
    trial.close();
    assert_eq!(trial.broken(), [""; 0]);
    let home = trial.bench.region(Site::Home);
    trial.end(&Trouble::RegionDead(home));
    trial.pass(Span::mins(20));
    assert_eq!(trial.broken(), [""; 0]);
}

#[test]
fn s1_breaks_when_a_promotion_was_not_recorded() {
    let mut trial = Trial::shop();
    trial.act(&promote(&trial));
    trial.pass(Span::mins(20));
    trial.open(1, PlanKind::Failover, Site::Home, human());
    assert!(trial.why("S1").contains("an answer leads to home"));
}

#[test]
fn s1_breaks_when_the_old_writer_goes_on_unfenced() {
    let mut trial = Trial::shop();
    trial.open(1, PlanKind::Failover, Site::Home, human());
    trial.act_recorded(&promote(&trial));
    trial.pass(Span::mins(20));
    trial.store(vec![done("wait")]);
    assert!(trial.why("S1").contains("takes writes"));
}

#[test]
fn s1_breaks_when_an_answer_goes_back_after_the_move() {
    let mut trial = failed_over();
    grow(&mut trial);
    trial.shift();
    trial.pass(Span::mins(3));
    assert!(!trial.breaks("S1"));
    trial.shift();
    trial.pass(Span::mins(3));
    assert!(trial.breaks("S1"));
}

#[test]
fn s2_breaks_when_a_site_opens_without_its_pods() {
    let mut trial = failed_over();
    trial.shift();
    assert!(trial.why("S2").contains("0/12"));
}

#[test]
fn s2_does_not_count_what_somebody_else_took_away_a_moment_before() {
    for (after, broken) in [(1, false), (29, false), (31, true)] {
        let mut trial = failed_over();
        grow(&mut trial);
        let cluster = trial.bench.policy.site(Site::Standby).cluster.clone();
        let every = Span::secs(60);
        trial.begin(&Trouble::GitOps { cluster, every });
        trial.pass(every + Span::secs(after));
        trial.shift();
        assert_eq!(trial.breaks("S2"), broken, "{after} s after it");
    }
}

#[test]
fn s2_breaks_when_a_site_opens_that_does_not_write() {
    let mut trial = Trial::shop();
    trial.open(1, PlanKind::Failover, Site::Home, human());
    grow(&mut trial);
    trial.shift();
    assert!(trial.why("S2").contains("does not write"));
}

#[test]
fn s3_breaks_when_a_site_opens_that_does_not_serve() {
    let mut trial = failed_over();
    trial.shift();
    assert!(trial.breaks("S3"));
}

#[test]
fn s3_does_not_count_what_is_lost_between_the_last_look_and_the_call() {
    for (before, broken) in [(Span::millis(999), false), (Span::millis(1_001), true)] {
        let mut trial = failed_over();
        grow(&mut trial);
        trial.begin(&Trouble::TargetsDown(trial.bench.region(Site::Standby)));
        trial.pass(before);
        let (name, zone) = trial.bench.world.groups()[0].names[0].clone();
        let change = trial.bench.exchange(&name, &zone);
        trial.store(vec![started_of("shift", &change)]);
        trial.act(&change);
        assert_eq!(trial.breaks("S3"), broken, "{before}");
    }
}

#[test]
fn s3_breaks_when_a_set_is_taken_away() {
    let mut trial = Trial::shop();
    trial.open(1, PlanKind::Switchover, Site::Home, human());
    trial.delete(Failover::Secondary);
    assert!(trial.why("S3").contains("not whole"));
}

#[test]
fn s4_breaks_when_a_site_that_serves_is_left_by_itself() {
    for (trigger, broken) in [(Trigger::Automatic, true), (human(), false)] {
        let mut trial = armed();
        trial.open(1, PlanKind::Failover, Site::Home, trigger);
        trial.act_for_it();
        assert_eq!(trial.breaks("S4"), broken);
    }
    let mut trial = armed();
    trial.kill(Site::Home);
    trial.pass(Span::mins(2));
    trial.open(1, PlanKind::Failover, Site::Home, Trigger::Automatic);
    trial.act_for_it();
    assert!(!trial.breaks("S4"));
}

#[test]
fn s4_is_judged_as_of_the_point_of_no_return_unless_its_writer_could_take_that_back() {
    let judged = |dead: bool, taken_over: bool, taken_back: bool| {
        let mut trial = armed();
        trial.kill(Site::Home);
        trial.pass(Span::mins(2));
        trial.open(1, PlanKind::Failover, Site::Home, Trigger::Automatic);
        if !dead {
            trial.revive(Site::Home);
            trial.pass(Span::mins(2));
        }
        let call = trial.record_call("shift");
        if taken_back {
            trial.store(vec![Record::Withheld { step: "shift".into() }]);
        }
        if dead {
            trial.revive(Site::Home);
            trial.pass(Span::mins(2));
        }
        if taken_over {
            let claim = Claim::new(Epoch(2), "run-1".into());
            trial.store(vec![Record::Claimed { claim, by: "bowline-1".into() }]);
        }
        if taken_back {
            trial.record_call("shift");
        }
        trial.sent(call, Span::secs(10));
        trial.breaks("S4")
    };
    assert!(!judged(true, true, false), "it could only go on");
    assert!(judged(true, false, false), "its writer knew that nothing was sent");
    assert!(judged(false, true, false), "home served when it was recorded");
    assert!(judged(true, true, true), "it had been taken back");
}

#[test]
fn s4_a_plan_whose_record_came_too_late_and_that_goes_back_at_once_moved_nothing() {
    for (goes_back, broken) in [(true, false), (false, true)] {
        let mut trial = armed();
        trial.open(1, PlanKind::Failover, Site::Home, Trigger::Automatic);
        if goes_back {
            trial.store(vec![Record::Unwinding { why: "the outage is over".into() }]);
        }
        trial.act_for_it();
        assert_eq!(trial.breaks("S4"), broken);
    }
}

#[test]
fn s4_who_has_claimed_or_recorded_while_the_site_came_back_and_sent_nothing_more_moved_nothing() {
    for (step, sent, broken) in [("claim", true, false), ("act", false, false), ("act", true, true)]
    {
        let mut trial = armed();
        trial.kill(Site::Home);
        trial.pass(Span::mins(2));
        trial.open(1, PlanKind::Failover, Site::Home, Trigger::Automatic);
        trial.revive(Site::Home);
        trial.pass(Span::mins(2));
        let call = trial.record_call(step);
        if sent {
            trial.sent(call, Span::secs(10));
        }
        assert_eq!(trial.breaks("S4"), broken, "{step} {sent}");
    }
    // A claim is recorded of a site that has failed too short.
    let mut trial = armed();
    trial.kill(Site::Home);
    trial.pass(Span::secs(45));
    trial.open(1, PlanKind::Failover, Site::Home, Trigger::Automatic);
    trial.record_call("claim");
    assert!(trial.breaks("S4"));
}

/// The shop, armed.
fn armed() -> Trial {
    let mut trial = Trial::shop();
    trial.store(vec![Record::Armed]);
    trial
}

#[test]
fn s4_breaks_when_a_stall_shorter_than_the_confirm_time_moves_a_group() {
    for (failed, broken) in [(45, true), (60, false)] {
        let mut trial = armed();
        trial.kill(Site::Home);
        trial.pass(Span::secs(failed));
        trial.open(1, PlanKind::Failover, Site::Home, Trigger::Automatic);
        trial.act_for_it();
        assert_eq!(trial.breaks("S4"), broken, "{failed} s");
    }
    // A short recovery does not make it another failure.
    let mut trial = armed();
    let down = Trouble::TargetsDown(trial.bench.region(Site::Home));
    trial.begin(&down);
    trial.pass(Span::secs(50));
    trial.end(&down);
    trial.pass(Span::secs(10));
    trial.begin(&down);
    trial.pass(Span::secs(20));
    trial.open(1, PlanKind::Failover, Site::Home, Trigger::Automatic);
    trial.act_for_it();
    assert!(!trial.breaks("S4"));
}

#[test]
fn s4_does_not_count_how_long_it_failed_where_something_deceives_bowline() {
    let mut trial = armed();
    trial.begin(&Trouble::Blind);
    trial.end(&Trouble::Blind);
    trial.kill(Site::Home);
    trial.pass(Span::secs(45));
    trial.open(1, PlanKind::Failover, Site::Home, Trigger::Automatic);
    trial.act_for_it();
    assert!(!trial.breaks("S4"));
}

#[test]
fn s4_breaks_when_a_group_that_is_not_armed_is_moved_by_itself() {
    let mut trial = Trial::shop();
    trial.kill(Site::Home);
    trial.pass(Span::mins(2));
    trial.open(1, PlanKind::Failover, Site::Home, Trigger::Automatic);
    trial.act_for_it();
    assert!(trial.why("S4").contains("not armed"));
}

#[test]
fn s4_breaks_when_what_a_switchover_silenced_is_left_by_itself() {
    for (after, broken) in [(5, true), (61, false)] {
        let mut trial = armed();
        trial.open(1, PlanKind::Switchover, Site::Home, human());
        let silent = Trouble::TargetsDown(trial.bench.region(Site::Home));
        trial.begin(&silent);
        trial.pass(Span::mins(3));
        let ended = Ended::Unwound("cancelled".into());
        trial.store(vec![done("act"), done("wait"), Record::Closed { ended }]);
        trial.pass(Span::secs(after));
        trial.open(2, PlanKind::Failover, Site::Home, Trigger::Automatic);
        trial.act_for_it();
        assert_eq!(trial.breaks("S4"), broken, "{after} s");
    }
}

#[test]
fn s4_breaks_when_a_prewarm_starts_what_needs_the_writer() {
    for (name, broken) in [("cache", false), ("worker", true)] {
        let mut trial = armed();
        trial.store(opening(1, PlanKind::Failover, Site::Home, Trigger::Automatic));
        let policy = trial.bench.policy.clone();
        let scale = scale(&mut trial, &policy, name, 2);
        trial.act_recorded(&scale);
        assert_eq!(trial.breaks("S4"), broken, "{name}");
    }
}

#[test]
fn s5_breaks_when_the_chain_is_not_whole() {
    let mut trial = Trial::shop();
    trial.store(vec![Record::Resumed]);
    trial.store_bytes("shop", 2, "{}".into());
    assert!(trial.breaks("S5"));
}

#[test]
fn s5_breaks_when_a_run_opens_beside_another() {
    let mut trial = Trial::shop();
    trial.open(1, PlanKind::Failover, Site::Home, human());
    assert!(!trial.breaks("S5"));
    trial.store(opening(2, PlanKind::Failover, Site::Home, human()));
    assert!(trial.breaks("S5"));
}

#[test]
fn s5_breaks_when_a_claim_in_a_cluster_goes_back() {
    let mut trial = Trial::shop();
    let mut version = None;
    for (epoch, broken) in [(1, false), (2, false), (1, true)] {
        let op = KubeOp::Claim { group: "shop".into(), version, claim: claim(epoch) };
        let outcome = trial.act_recorded(&trial.bench.kube(Site::Standby, op));
        let Outcome::Answered(Ok(Answer::Written(written))) = outcome else { panic!() };
        version = Some(written);
        assert_eq!(trial.breaks("S5"), broken, "epoch {epoch}");
    }
}

/// Takes the lease for a seat's replica; the version that it has then.
fn lead(trial: &mut Trial, seat: usize, over: Option<Version>) -> Option<Version> {
    let lease = LeaseSpec {
        holder: Some(format!("bowline-{seat}").as_str().into()),
        duration: Span::secs(15),
        transitions: 0,
        renewed: bowline_core::model::Wall(0),
    };
    let write = Op::Lease(LeaseOp::Write { version: over, lease });
    let Outcome::Answered(Ok(Answer::Written(version))) = trial.act_from(seat, &write) else {
        panic!()
    };
    Some(version)
}

#[test]
fn s5_breaks_when_a_lease_is_taken_before_its_duration_is_over() {
    for (waits, broken) in [(14, true), (15, false)] {
        let mut trial = Trial::shop();
        let version = lead(&mut trial, 0, None);
        trial.pass(Span::secs(10));
        let version = lead(&mut trial, 0, version);
        trial.pass(Span::secs(waits));
        lead(&mut trial, 1, version);
        assert_eq!(trial.breaks("S5"), broken, "after {waits} s");
    }
}

#[test]
fn s5_holds_when_a_lease_is_taken_by_a_clock_that_is_fast() {
    for (fast, broken) in [(0, true), (1, false)] {
        let mut trial = Trial::shop();
        let version = lead(&mut trial, 0, None);
        trial.begin(&Trouble::Drifts(fast, 20_000));
        trial.pass(Span::millis(14_800));
        lead(&mut trial, 1, version);
        assert_eq!(trial.breaks("S5"), broken, "seat {fast} is fast");
    }
}

#[test]
fn s5_breaks_when_two_act_as_the_leader() {
    let mut trial = Trial::shop();
    lead(&mut trial, 1, None);
    let (call, short) = (promote(&trial), Span::secs(5));
    trial.sent_from(1, call.clone(), short);
    trial.sent_from(0, trial.bench.kube(Site::Standby, KubeOp::Ready), short);
    assert!(!trial.breaks("S5"), "followers look too");
    trial.sent_from(0, call, short);
    assert!(trial.why("S5").contains("seat 0 acts as the leader"));
}

#[test]
fn s5_breaks_when_a_step_is_recorded_by_another_than_the_claimant() {
    let taken_back = Record::Withheld { step: "act".into() };
    for (by, broken) in [("bowline-0", false), ("bowline-1", true)] {
        for record in [done("act"), taken_back.clone()] {
            let mut trial = Trial::shop();
            trial.open(1, PlanKind::Failover, Site::Home, human());
            trial.store_by(Author::Controller(by.into()), "shop", vec![record]);
            assert_eq!(trial.breaks("S5"), broken, "{by}");
        }
    }
}

#[test]
fn s5_breaks_when_a_claim_on_a_held_object_goes_back() {
    let mut trial = Trial::shop();
    let web = trial.bench.policy.capacity.workloads[0].object.clone();
    for (epoch, broken) in [(1, false), (2, false), (1, true)] {
        let read = trial.bench.kube(Site::Standby, KubeOp::Workload(web.clone()));
        let Answer::Workload(view) = trial.bench.answer(&read) else { panic!() };
        let owner = NoteOwner { claim: claim(epoch), wants: 3 };
        let note = HoldNote { baseline: 0, owners: [("shop".into(), owner)].into() };
        let note: Arc<str> = serde_json::to_string(&note).unwrap().into();
        let object = ObjectRef::Workload(web.clone());
        let op = KubeOp::Annotate { object, version: view.version, note: Some(note) };
        trial.act_recorded(&trial.bench.kube(Site::Standby, op));
        assert_eq!(trial.breaks("S5"), broken, "epoch {epoch}");
    }
}

#[test]
fn s6_breaks_when_a_call_is_sent_again_unrecorded() {
    let mut trial = Trial::shop();
    trial.open(1, PlanKind::Switchover, Site::Home, human());
    let reboot = trial
        .bench
        .rds(Site::Home, RdsOp::Reboot { instance: "shop-home".into(), shut_at: Wall(0) });
    trial.act_recorded(&reboot);
    assert!(!trial.breaks("S6"));
    trial.act(&reboot);
    assert!(trial.breaks("S6"));
}

#[test]
fn s6_breaks_when_what_was_sent_is_taken_back_or_what_was_taken_back_is_sent() {
    let taken_back = || vec![Record::Withheld { step: "act".into() }];
    let mut trial = failed_over();
    trial.store(taken_back());
    assert!(trial.why("S6").contains("was taken back, and had been sent"));

    let mut trial = Trial::shop();
    trial.kill(Site::Home);
    trial.open(1, PlanKind::Failover, Site::Home, human());
    let promote = promote(&trial);
    trial.store(vec![started(&promote)]);
    trial.store(taken_back());
    assert!(!trial.breaks("S6"));
    trial.act(&promote);
    assert!(trial.why("S6").contains("sent again, unrecorded"));
}

#[test]
fn s6_breaks_when_a_promotion_is_accepted_twice_in_one_run() {
    let mut trial = failed_over();
    assert!(!trial.breaks("S6"));
    // RDS refuses a second one: this is told of a world in which it does not.
    let promote = promote(&trial);
    trial.store(vec![started(&promote)]);
    trial.act_as_accepted(&promote);
    assert!(trial.why("S6").contains("promoted 2 times"));
}

#[test]
fn s7_breaks_when_something_was_changed_without_a_record() {
    let mut trial = Trial::shop();
    let policy = trial.bench.policy.clone();
    let scale = scale(&mut trial, &policy, "web", 3);
    trial.act(&scale);
    assert!(trial.why("S7").contains("not recorded"));
}

#[test]
fn s7_breaks_when_an_annotation_is_no_recorded_hold() {
    let mut trial = Trial::shop();
    let web = trial.bench.policy.capacity.workloads[0].object.clone();
    let read = trial.bench.kube(Site::Standby, KubeOp::Workload(web.clone()));
    let Answer::Workload(view) = trial.bench.answer(&read) else { panic!() };
    let owner = NoteOwner { claim: claim(1), wants: 3 };
    let note = HoldNote { baseline: 0, owners: [("shop".into(), owner)].into() };
    let note: Arc<str> = serde_json::to_string(&note).unwrap().into();
    let object = ObjectRef::Workload(web);
    let op = KubeOp::Annotate { object, version: view.version, note: Some(note) };
    trial.act_recorded(&trial.bench.kube(Site::Standby, op));
    assert!(trial.why("S7").contains("held and not recorded"));
}

#[test]
fn s7_breaks_when_a_recorded_hold_is_not_there() {
    let mut trial = Trial::shop();
    let policy = trial.bench.policy.clone();
    let web = policy.capacity.workloads[0].object.clone();
    let object = ObjectRef::Workload(web.clone());
    let held = Held::Workload {
        cluster: policy.standby.cluster.clone(),
        workload: web,
        baseline: 0,
        wants: 3,
    };
    let site = Site::Standby;
    let hold = Hold { id: HoldId::object(site, &object), site, held };
    let op = scale(&mut trial, &policy, "web", 0);
    let (step, op, hold) = ("act".into(), Box::new(op), Some(Box::new(hold)));
    trial.store(vec![Record::Started { step, attempt: 1, op, hold }]);
    assert!(trial.why("S7").contains("recorded and not held"));
}

#[test]
fn s7_breaks_when_a_closed_door_is_no_recorded_hold() {
    let mut trial = Trial::shop();
    trial.pass(Span::secs(1));
    let groups = vec![trial.bench.policy.home.database.clone().unwrap().closed_security_group];
    let op = RdsOp::SetSecurityGroups { instance: "shop-home".into(), groups };
    trial.act_recorded(&trial.bench.rds(Site::Home, op));
    trial.pass(Span::mins(10));
    assert!(trial.why("S7").contains("the door of home is closed"));
}

#[test]
fn s8_breaks_when_a_failover_follows_another_by_itself() {
    let mut trial = Trial::shop();
    trial.kill(Site::Home);
    trial.open(1, PlanKind::Failover, Site::Home, Trigger::Automatic);
    trial.store(vec![done("act")]);
    trial.pass(Span::mins(30));
    assert!(!trial.breaks("S8"));
    trial.store(vec![planned(PlanKind::Failover, Site::Home)]);
    assert!(trial.why("S8").contains("another automatic failover within 1h"));
}

#[test]
fn s8_what_went_back_before_anything_was_done_is_no_failover_unless_a_human_cancelled_it() {
    let run = RunId::new("run-1");
    let cancel = Record::IntentTaken {
        uid: "1".into(),
        by: "anna".into(),
        intent: Some(Intent::Cancel { run }),
        refused: None,
    };
    for (acts, before, broken) in
        [(false, vec![], false), (true, vec![], true), (false, vec![cancel], true)]
    {
        let mut trial = Trial::shop();
        trial.kill(Site::Home);
        trial.open(1, PlanKind::Failover, Site::Home, Trigger::Automatic);
        if acts {
            trial.act_for_it();
        }
        trial.store(before);
        trial.store(vec![Record::Unwinding { why: "outdated".into() }]);
        trial.open(2, PlanKind::Failover, Site::Home, Trigger::Automatic);
        assert_eq!(trial.breaks("S8"), broken);
    }
}

#[test]
fn s8_breaks_when_many_groups_leave_a_region_by_themselves() {
    let mut trial = Trial::new((0..3).map(named).map(rehost).collect());
    trial.kill(Site::Home);
    for n in 0..3 {
        assert!(!trial.breaks("S8"), "{n} groups");
        let group = format!("site-{n}");
        let automatic = Trigger::Automatic;
        trial.store_for(&group, opening(1, PlanKind::Failover, Site::Home, automatic));
        trial.store_for(&group, vec![planned(PlanKind::Failover, Site::Home)]);
    }
    assert!(trial.why("S8").contains("3 groups left eu-west-1"));
}

#[test]
fn s8_a_group_that_a_human_moved_as_it_had_failed_is_one_of_many_until_that_is_undone() {
    let failed = Some(Wall(0));
    for (fault, undone, broken) in
        [(failed, false, true), (failed, true, false), (None, false, false)]
    {
        let mut trial = Trial::new((0..3).map(named).map(rehost).collect());
        trial.kill(Site::Home);
        trial.pass(Span::secs(1));
        for n in 0..3 {
            let group = format!("site-{n}");
            let human = Trigger::Human { by: "ann".into(), reason: "flood".into() };
            let trigger = if n == 0 { human } else { Trigger::Automatic };
            let mut records = opening(1, PlanKind::Failover, Site::Home, trigger);
            for record in &mut records {
                if let Record::Opened { fault_at, .. } = record {
                    *fault_at = fault;
                }
            }
            trial.store_for(&group, records);
            trial.store_for(&group, vec![planned(PlanKind::Failover, Site::Home)]);
            if n == 0 && undone {
                trial.store_for(&group, vec![Record::Unwinding { why: "cancelled".into() }]);
            }
        }
        assert_eq!(trial.breaks("S8"), broken, "{fault:?}, undone: {undone}");
    }
}

/// The minimal policy of one of several groups.
fn named(n: u32) -> Policy {
    let mut policy = examples::minimal();
    policy.group = format!("site-{n}").as_str().into();
    policy
}

#[test]
fn s8_one_group_that_leaves_again_is_not_many() {
    let mut trial = Trial::shop();
    trial.kill(Site::Home);
    for epoch in 1..=3 {
        trial.store(opening(epoch, PlanKind::Failover, Site::Home, Trigger::Automatic));
        trial.store(vec![planned(PlanKind::Failover, Site::Home)]);
    }
    let why = trial.why("S8");
    assert!(why.contains("another automatic failover") && !why.contains("groups left"), "{why}");
}

/// Gives a group names of its own in the shared zone.
fn rehost(mut policy: Policy) -> Policy {
    use bowline_core::policy::Lever;
    if let Lever::Records(lever) = &mut policy.lever {
        for record in &mut lever.names {
            record.name = format!("{}.{}", policy.group, record.name).as_str().into();
        }
    }
    policy
}

#[test]
fn s9_breaks_when_a_group_stays_in_a_region_that_is_lost() {
    let unasked = || {
        let mut policy = examples::shop();
        policy.automation.failover = Mode::Automatic;
        let mut trial = Trial::new(vec![policy]);
        trial.store(vec![Record::Armed]);
        trial
    };
    let lost = |calm: Span, lasts: Span, planned: bool| {
        let mut trial = unasked();
        trial.pass(calm);
        trial.kill(Site::Home);
        if planned {
            trial.open(1, PlanKind::Failover, Site::Home, Trigger::Automatic);
        }
        trial.pass(lasts);
        trial.revive(Site::Home);
        trial.breaks("S9")
    };
    assert!(lost(Span::mins(6), Span::mins(4), false));
    assert!(!lost(Span::mins(6), Span::mins(4), true));
    assert!(!lost(Span::mins(6), Span::mins(3), false), "it may still be confirmed");
    assert!(!lost(Span::mins(2), Span::mins(4), false), "nobody knows yet how far standby is");
    let mut trial = unasked();
    trial.store(vec![Record::Paused { reason: "a test".into() }]);
    trial.pass(Span::mins(6));
    trial.kill(Site::Home);
    trial.pass(Span::mins(4));
    trial.revive(Site::Home);
    assert!(!trial.breaks("S9"), "somebody said so");
}

#[test]
fn s9_breaks_when_a_call_waits_long_for_a_dead_region() {
    let mut trial = Trial::shop();
    let op = trial.bench.kube(Site::Home, KubeOp::Ready);
    trial.sent(op.clone(), HOUR);
    trial.kill(Site::Home);
    trial.sent(op.clone(), Span::secs(8));
    trial.sent(trial.bench.kube(Site::Standby, KubeOp::Ready), HOUR);
    assert!(!trial.breaks("S9"));
    trial.sent(op, Span::mins(2));
    assert!(trial.breaks("S9"));
}

#[test]
fn s9_breaks_when_a_promotion_waits_for_the_dead_region() {
    let mut trial = Trial::shop();
    trial.kill(Site::Home);
    trial.open(1, PlanKind::Failover, Site::Home, human());
    trial.pass(Span::mins(10));
    trial.store(vec![started(&promote(&trial))]);
    assert!(trial.why("S9").contains("10m from the plan"));
}

#[test]
fn s9_a_promotion_may_wait_for_another_process() {
    for begun in [false, true] {
        let mut trial = Trial::shop();
        trial.kill(Site::Home);
        trial.open(1, PlanKind::Failover, Site::Home, human());
        if begun {
            trial.store(vec![started(&promote(&trial))]);
        }
        trial.store_apart(opening(2, PlanKind::Failover, Site::Home, human()));
        trial.store_apart(vec![planned(PlanKind::Failover, Site::Home)]);
        trial.pass(Span::mins(10));
        trial.store_apart(vec![started(&promote(&trial))]);
        assert_eq!(trial.breaks("S9"), !begun);
    }
    let mut trial = Trial::shop();
    trial.kill(Site::Home);
    trial.open(1, PlanKind::Failover, Site::Home, human());
    trial.store_apart(opening(2, PlanKind::Failover, Site::Home, human()));
    trial.pass(Span::mins(10));
    trial.store(vec![started(&promote(&trial))]);
    assert!(!trial.breaks("S9"), "the controller stands back");
}

/// An open failover asks about its first step, which works at the failed site.
fn asks(trial: &mut Trial, kind: QuestionKind) {
    asks_after(trial, kind, Vec::new());
}

fn asks_after(trial: &mut Trial, kind: QuestionKind, between: Vec<Record>) {
    let fault_at = Some(crate::part::at(trial.bench.now).wall);
    let mut plan = planned(PlanKind::Failover, Site::Home);
    if let Record::Planned { plan, .. } = &mut plan {
        plan.steps["act"].touches = Touches::Site(Site::Home);
    }
    let mut records = opening(1, PlanKind::Failover, Site::Home, human());
    if let Some(Record::Opened { fault_at: at, .. }) = records.get_mut(1) {
        *at = fault_at;
    }
    trial.store(records);
    trial.pass(Span::mins(1));
    let question =
        Question { kind, why: "test".into(), loss_ms: None, otherwise: "nothing".into() };
    let asked = Record::Asked { step: "act".into(), question };
    trial.store([plan].into_iter().chain(between).chain([asked]).collect());
}

#[test]
fn s9_breaks_when_a_failover_asks_since_the_failed_site_is_silent() {
    for (kind, broken) in [(QuestionKind::Overdue, true), (QuestionKind::Approve, false)] {
        let mut trial = Trial::shop();
        trial.kill(Site::Home);
        asks(&mut trial, kind);
        assert_eq!(trial.breaks("S9"), broken);
    }
    let mut trial = Trial::shop();
    trial.kill(Site::Home);
    let back = vec![Record::Unwinding { why: "cancelled".into() }];
    asks_after(&mut trial, QuestionKind::Overdue, back);
    assert!(!trial.breaks("S9"), "one that goes back has to open what it closed there");
}

#[test]
fn s10_breaks_when_evidence_from_before_the_fault_was_not_enough() {
    let mut trial = Trial::shop();
    trial.pass(Span::mins(10));
    trial.kill(Site::Home);
    asks(&mut trial, QuestionKind::AcceptLoss);
    assert!(trial.why("S10").contains("asked to accept a loss"));
    let mut behind = Trial::shop();
    behind.begin(&Trouble::RegionsApart);
    behind.pass(Span::mins(10));
    behind.kill(Site::Home);
    asks(&mut behind, QuestionKind::AcceptLoss);
    assert!(!behind.breaks("S10"), "that loss is real");
    let mut young = Trial::shop();
    young.pass(Span::mins(2));
    young.kill(Site::Home);
    asks(&mut young, QuestionKind::AcceptLoss);
    assert!(!young.breaks("S10"), "nobody had samples yet");
}

#[test]
fn s10_breaks_though_nobody_looked_since_the_promotion() {
    let mut trial = Trial::shop();
    trial.open(1, PlanKind::Switchover, Site::Home, human());
    trial.act_recorded(&promote(&trial));
    trial.pass(Span::mins(20));
    assert!(trial.why("S10").contains("a planned move lost"));
}

/// Replication is cut for 20 minutes, home dies, and standby's member is promoted.
fn promoted_without_evidence(accept: Option<Span>) -> Trial {
    let mut trial = Trial::shop();
    trial.begin(&Trouble::RegionsApart);
    trial.pass(Span::mins(20));
    trial.kill(Site::Home);
    trial.open(1, PlanKind::Failover, Site::Home, human());
    let accept_loss_ms = accept.map(Span::as_millis);
    let answered = Record::Answered { step: "act".into(), by: "ada".into(), accept_loss_ms };
    trial.store(vec![answered]);
    trial.act_recorded(&promote(&trial));
    trial.pass(Span::mins(20));
    trial.store(vec![done("act")]);
    trial
}

#[test]
fn s10_breaks_when_a_replica_far_behind_is_promoted() {
    assert!(promoted_without_evidence(None).breaks("S10"));
    assert!(promoted_without_evidence(Some(Span::mins(1))).breaks("S10"));
    assert!(!promoted_without_evidence(Some(HOUR)).breaks("S10"), "a named human accepted it");
}

#[test]
fn s10_holds_when_a_streaming_replica_is_promoted() {
    let mut trial = failed_over();
    trial.store(vec![done("act")]);
    assert!(!trial.breaks("S10"));
}

#[test]
fn s10_breaks_when_a_planned_move_loses_a_write() {
    let mut trial = Trial::shop();
    trial.open(1, PlanKind::Switchover, Site::Home, human());
    trial.act_recorded(&promote(&trial));
    trial.pass(Span::mins(20));
    trial.store(vec![done("act")]);
    assert!(trial.why("S10").contains("a planned move lost"));
}

#[test]
fn s11_breaks_when_success_is_not_seen_from_outside() {
    let mut trial = Trial::shop();
    trial.open(1, PlanKind::Switchover, Site::Home, human());
    trial.close();
    assert!(trial.why("S11").contains("answers lead elsewhere"));
}

#[test]
fn s11_breaks_when_users_cannot_write_there() {
    let mut trial = Trial::shop();
    let home = trial.bench.region(Site::Home);
    trial.begin(&Trouble::DatabaseDown(home));
    trial.open(1, PlanKind::Failback, Site::Standby, human());
    trial.close();
    assert!(trial.breaks("S11"));
}

#[test]
fn l1_breaks_when_a_run_neither_ends_nor_asks() {
    let mut trial = Trial::shop();
    trial.open(1, PlanKind::Switchover, Site::Home, human());
    trial.pass(HOUR);
    assert!(trial.breaks("L1"));
    let question = Question {
        kind: QuestionKind::Overdue,
        why: "test".into(),
        loss_ms: None,
        otherwise: "nothing".into(),
    };
    trial.store(vec![Record::Asked { step: "act".into(), question }]);
    assert!(!trial.breaks("L1"));
}

#[test]
fn l1_does_not_count_while_there_is_trouble() {
    let mut trial = Trial::shop();
    let home = trial.bench.region(Site::Home);
    trial.kill(Site::Home);
    trial.open(1, PlanKind::Failover, Site::Home, human());
    trial.pass(Span::mins(300));
    assert!(!trial.breaks("L1"));
    trial.end(&Trouble::RegionDead(home));
    trial.pass(Span::mins(59));
    assert!(!trial.breaks("L1"));
    trial.pass(Span::mins(2));
    assert!(trial.breaks("L1"));
}

/// A failback that says it is done, in a world that it left like this.
fn came_home(leave: impl FnOnce(&mut Trial)) -> Trial {
    let mut trial = Trial::shop();
    trial.open(1, PlanKind::Failback, Site::Standby, human());
    leave(&mut trial);
    trial.store(vec![done("act"), done("wait"), Record::Armed]);
    trial.close();
    trial
}

#[test]
fn l2_holds_when_everything_is_as_it_was() {
    assert_eq!(came_home(|_| {}).broken(), [""; 0]);
}

#[test]
fn l2_breaks_when_the_standby_is_left_grown() {
    let trial = came_home(grow);
    assert!(trial.breaks("L2"));
}

#[test]
fn l2_breaks_when_the_group_still_holds_its_pool_open_and_not_when_another_does() {
    for (owner, broken) in [("shop", true), ("sibling", false)] {
        let trial = came_home(|trial| {
            let read = trial.bench.kube(Site::Standby, KubeOp::Pool("dr".into()));
            let Answer::Pool(view) = trial.bench.answer(&read) else { panic!() };
            let limits = trial.bench.policy.capacity.pools[0].limits.clone();
            let own = NoteOwner { claim: claim(1), wants: limits.clone() };
            let baseline = view.limits.clone();
            let note = HoldNote { baseline, owners: [(owner.into(), own)].into() };
            let note: Arc<str> = serde_json::to_string(&note).unwrap().into();
            let (pool, version) = ("dr".into(), view.version);
            let limit = KubeOp::Limit { pool, version, limits, note: Some(note) };
            trial.act_recorded(&trial.bench.kube(Site::Standby, limit));
        });
        assert_eq!(trial.breaks("L2"), broken, "{owner}");
    }
}

#[test]
fn l2_breaks_when_the_standby_has_no_replica() {
    let trial = came_home(|trial| trial.begin(&Trouble::RegionsApart));
    assert!(!trial.breaks("L2"), "not while there is trouble");
    let trial = came_home(|trial| {
        trial.begin(&Trouble::RegionsApart);
        trial.act_recorded(&promote(trial));
        trial.pass(Span::mins(20));
        trial.end(&Trouble::RegionsApart);
    });
    assert!(trial.breaks("L2"));
}

#[test]
fn l2_breaks_when_the_group_is_not_armed() {
    let mut trial = Trial::shop();
    trial.open(1, PlanKind::Failback, Site::Standby, human());
    trial.store(vec![done("act"), done("wait")]);
    trial.close();
    assert!(trial.why("L2").contains("not armed"));
}

#[test]
fn s3_breaks_when_a_name_server_answers_with_nothing() {
    let mut trial = Trial::shop();
    let (name, zone) = trial.bench.world.groups()[0].names[0].clone();
    let sets = trial.bench.world.route53.sets(&zone, &name).to_vec();
    let now = crate::part::at(trial.bench.now);
    let route53 = &mut trial.bench.world.route53;
    route53.overwrite(&zone, (&sets, &[]), now, &mut trial.bench.rng).unwrap();
    trial.pass(Span::mins(2));
    assert!(trial.why("S3").contains("answers with nothing"));
}

#[test]
fn what_somebody_else_puts_back_is_not_held_against_bowline() {
    let mut trial = Trial::shop();
    let owned = Trouble::DnsOwned { zone: "Z0123456789".into(), every: Span::secs(30) };
    trial.begin(&owned);
    trial.kill(Site::Home);
    trial.pass(Span::mins(1));
    trial.open(1, PlanKind::Failover, Site::Home, human());
    trial.act_recorded(&promote(&trial));
    trial.pass(Span::mins(20));
    grow(&mut trial);
    trial.shift();
    trial.pass(Span::mins(5));
    assert_eq!(trial.bench.told(), Some(Site::Home), "it was put back");
    trial.store(vec![done("act")]);
    trial.close();
    assert!(!trial.breaks("S1") && !trial.breaks("S11"), "{:?}", trial.broken());
}

#[test]
fn s10_breaks_when_more_was_lost_than_the_report_says() {
    let mut trial = Trial::shop();
    trial.begin(&Trouble::RegionsApart);
    trial.pass(Span::mins(1));
    trial.kill(Site::Home);
    trial.pass(Span::mins(1));
    trial.store(opening(1, PlanKind::Failover, Site::Home, human()));
    let planned = planned(PlanKind::Failover, Site::Home);
    let Record::Planned { mut plan, moves } = planned else { panic!() };
    let step = plan.steps["wait"].clone();
    plan.steps.insert("position".into(), step);
    let outputs = [("lossMs".into(), "1000".into())].into_iter().collect();
    let (step, note) = ("position".into(), String::new());
    let position = Record::Done { step, outputs, note, unknown: false };
    trial.store(vec![Record::Planned { plan, moves }, position]);
    trial.act_recorded(&promote(&trial));
    trial.pass(Span::mins(20));
    trial.store(vec![done("act")]);
    assert!(trial.why("S10").contains("the report says 1s"), "{}", trial.why("S10"));
}
