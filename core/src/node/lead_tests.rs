//! What a leader does about a decision: which records it writes, what it tells people, and when it
//! goes back.

use super::*;
use crate::databases::evidence::Grade;
use crate::decide::EvidenceGrade;
use crate::health::Vantage;
use crate::model::Wall;
use crate::node::testing::{Bench, Reply, down, fit, hold, kinds, looked};
use crate::op::{Answer, Fault, FenceView, Instance, KubeOp, RdsOp, Route53Op, StoreOp};
use crate::plan::{PlanKind, Undo, planned_move};
use crate::policy::Mode;
use crate::run::{Ended, Trigger};
use crate::step::{Held, Question, QuestionKind};
use crate::testing::{Book, Ground, claim};

/// Home as from behind a partition: the vantage outside reaches it.
fn cut_off(op: &Op) -> Reply {
    match op {
        Op::Route53(..) => fit(op),
        _ => down(op),
    }
}

/// Home as from where Route 53 does not answer either.
fn unseen(op: &Op) -> Reply {
    match op {
        Op::Route53(_, Route53Op::CheckStatus(_)) => Err(Fault::Unknown("no answer".into())),
        _ => down(op),
    }
}

/// A turn of the leader that follows a decision: the records that it wants written.
fn follows(bench: &mut Bench, decision: Decision) -> Vec<Record> {
    bench.group.decision = Some(decision);
    bench.at(|group, host| group.lead(host));
    bench.written()
}

/// A leader that has proposed something about what it sees.
fn proposed(mut bench: Bench) -> Bench {
    bench.at(|group, host| group.propose(host.now));
    bench
}

fn asks(action: Action, why: AskWhy) -> Decision {
    Decision::AskHuman(Ask { action, why })
}

fn planned(records: &[Record]) -> (Vec<String>, bool) {
    let plans = records.iter().find_map(|record| match record {
        Record::Planned { plan, moves } => {
            Some((plan.steps.keys().map(ToString::to_string).collect(), *moves))
        }
        _ => None,
    });
    plans.unwrap_or_else(|| panic!("{records:?}"))
}

const BEGUN: [&str; 3] = ["Claimed", "Opened", "Planned"];

#[test]
fn s2_a_decision_is_written_as_the_run_that_it_means() {
    let home = || proposed(Bench::fit().recorded().sampled(down));
    let prewarm = follows(&mut home(), Decision::Prewarm);
    assert_eq!(kinds(&prewarm), BEGUN);
    let (steps, moves) = planned(&prewarm);
    assert!(!moves && !steps.contains(&"promote".to_owned()), "{steps:?}");
    let failover = follows(&mut home(), Decision::FailOver);
    assert_eq!(kinds(&failover), BEGUN);
    let (steps, moves) = planned(&failover);
    assert!(moves && steps.contains(&"promote".to_owned()), "{steps:?}");
    let Record::Opened { kind, trigger, fault_at, evidence, .. } = &failover[1] else { panic!() };
    assert_eq!((*kind, trigger), (PlanKind::Failover, &Trigger::Automatic));
    assert!(fault_at.is_some_and(|at| at < home().now.wall), "when it was first bad: {fault_at:?}");
    assert_eq!(evidence.len(), 4, "{evidence:?}");
    let grade = EvidenceGrade::from(Some(Grade::Stale));
    for why in [AskWhy::Approval, AskWhy::Evidence(grade)] {
        let (steps, moves) = planned(&follows(&mut home(), asks(Action::Failover, why)));
        assert!(moves && steps.contains(&"approval".to_owned()), "{why:?}: {steps:?}");
    }
    let before_a_run = asks(Action::Failover, AskWhy::Unarmed);
    for decision in [before_a_run, Decision::Hold(HoldWhy::Serving), Decision::StandDown] {
        assert_eq!(follows(&mut home(), decision.clone()), [], "{decision:?}");
    }
    let mut nothing = home();
    nothing.at(|group, host| group.lead(host));
    assert_eq!(nothing.written(), []);
}

#[test]
fn a_failback_is_written_as_a_planned_move_that_asks_if_the_policy_says_so() {
    let away = || Bench::fit().recorded().failed_over();
    for decision in [Decision::FailBack, asks(Action::Failback, AskWhy::Approval)] {
        let records = follows(&mut away(), decision.clone());
        let Record::Opened { kind, from, .. } = &records[1] else { panic!("{records:?}") };
        assert_eq!((*kind, *from), (PlanKind::Failback, Site::Standby), "{decision:?}");
        assert!(planned(&records).0.contains(&"approval".to_owned()), "the shop's policy asks");
    }
    let mut by_itself = away();
    by_itself.group.policy.automation.failback = Mode::Automatic;
    let records = follows(&mut by_itself, Decision::FailBack);
    assert!(!planned(&records).0.contains(&"approval".to_owned()));
}

#[test]
fn s10_a_failover_asks_for_the_loss_or_for_a_yes_or_for_nothing() {
    let question = |mode, streams: bool| {
        let mut bench = Bench::fit().recorded().sampled(down);
        bench.group.policy.automation.failover = mode;
        let replication = bench.group.known.replication.entry(Site::Standby).or_default();
        let fault = Wall(1_000_000);
        if streams {
            replication.described(fault - Span::secs(60), true);
            replication.point(fault - Span::secs(60), Some(1_000));
            replication.described(fault - Span::secs(50), true);
        }
        let records = follows(&mut proposed(bench), Decision::FailOver);
        let plan = records.into_iter().find_map(|record| match record {
            Record::Planned { plan, .. } => Some(plan),
            _ => None,
        });
        plan.unwrap().steps.get("approval").map(|step| match &step.effect {
            Effect::Approval(approval) => (approval.question.kind, approval.question.loss_ms),
            other => panic!("{other:?}"),
        })
    };
    let unknown = Some((QuestionKind::AcceptLoss, Some(u64::MAX)));
    assert_eq!(question(Mode::Automatic, false), unknown);
    assert_eq!(question(Mode::Approve, false), unknown);
    let asked = question(Mode::Approve, true);
    assert!(matches!(asked, Some((QuestionKind::Approve, Some(_)))), "{asked:?}");
    assert_eq!(question(Mode::Automatic, true), None);
}

#[test]
fn s2_what_was_only_warmed_is_let_go_with_the_reason_that_is_true() {
    let why = |bench: &mut Bench| match &follows(bench, Decision::StandDown)[..] {
        [Record::Unwinding { why }, Record::Planned { moves: false, .. }] => why.clone(),
        other => panic!("{other:?}"),
    };
    let suspect = Bench::fit().recorded().prewarming();
    assert_eq!(why(&mut proposed(suspect)), words::FALSE_ALARM);
    let confirmed = proposed(Bench::fit().recorded().prewarming().sampled(down));
    assert!(confirmed.group.was_down);
    let mut back = proposed(confirmed.sampled(fit));
    assert!(back.group.was_down, "a run is open: it was down for it");
    assert_eq!(why(&mut back), words::SERVES_AGAIN);
    let at_peace = proposed(proposed(Bench::fit().sampled(down)).sampled(fit));
    assert!(!at_peace.group.was_down, "home serves, and nothing is open");
    assert!(!proposed(Bench::fit().sampled(fit)).group.was_down);
    let silent = |_: &Op| Err(Fault::Denied("AccessDenied".into()));
    let unknown = proposed(proposed(Bench::fit().sampled(down)).sampled(silent));
    assert!(unknown.group.was_down, "nobody has seen it serve since");
}

/// Why a turn that follows "a run is under way" sends the run back, if it does.
fn goes_back(bench: &mut Bench) -> Option<String> {
    follows(bench, Decision::Hold(HoldWhy::RunOpen)).into_iter().find_map(|record| match record {
        Record::Unwinding { why } => Some(why),
        _ => None,
    })
}

#[test]
fn s2_a_failover_that_waits_goes_back_once_home_has_served_for_the_confirm_time() {
    let waits = |bench: Bench| {
        let begun = bench.started("fence");
        proposed(begun.sampled(fit))
    };
    let confirm = Bench::fit().group.policy.health.confirm;
    let early = Span::millis(confirm.as_millis() - 1);
    assert_eq!(goes_back(&mut waits(Bench::fit().failing_over()).later(early)), None);
    let mut over = waits(Bench::fit().failing_over()).later(confirm);
    assert_eq!(goes_back(&mut over), Some(words::SERVES_AGAIN.into()));
    let begun = || Bench::fit().failing_over().started("losing.shop.web");
    let taken_over = begun().claimed_by("b").sampled(fit);
    assert_eq!(goes_back(&mut proposed(taken_over)), Some(words::SERVES_AGAIN.into()));
    assert_eq!(goes_back(&mut proposed(begun().sampled(fit))), None, "it counts itself");
    let still_down = begun().claimed_by("b").sampled(down);
    assert_eq!(goes_back(&mut proposed(still_down)), None);
    let promotes = begun().started("promote").claimed_by("b").sampled(fit);
    assert_eq!(goes_back(&mut proposed(promotes)), None, "it goes forward only, whoever leads");
    let mut ordered = waits(Bench::fit().ordered()).later(confirm);
    assert_eq!(goes_back(&mut ordered), None, "a human wanted it");
    let mut committed = waits(Bench::fit().failing_over().started("promote")).later(confirm);
    assert_eq!(goes_back(&mut committed), None, "it goes forward only");
    let mut warmed = waits(Bench::fit().prewarming()).later(confirm);
    assert_eq!(goes_back(&mut warmed), None, "that is the decision's");
    let mut away = proposed(Bench::fit().failing_over().started("claim.gaining").sampled(down));
    assert_eq!(goes_back(&mut away), None, "it does not serve");
}

#[test]
fn s2_a_failover_whose_record_was_held_up_is_begun_only_if_it_is_still_right() {
    let outdated = Some(words::OUTDATED.to_owned());
    let at = |mut bench: Bench, secs: u64| {
        // The book wrote its first entry at the first second.
        bench.now.wall = Wall(1_000) + Span::secs(secs);
        bench
    };
    assert_eq!(goes_back(&mut at(Bench::fit().failing_over(), 30)), None, "unknown, and young");
    assert_eq!(goes_back(&mut at(Bench::fit().failing_over(), 31)), outdated);
    let serves = proposed(Bench::fit().failing_over().sampled(fit));
    assert_eq!(goes_back(&mut at(serves, 0)), outdated, "home serves");
    let still = Bench::fit().failing_over().sampled(down);
    assert_eq!(goes_back(&mut at(still, 0)), None, "it is as it was");
    let still = Bench::fit().failing_over().sampled(down);
    assert_eq!(goes_back(&mut at(still, 31)), None, "it is so still");
    let apart = || Bench::fit().failing_over().sampled(cut_off);
    assert_eq!(goes_back(&mut at(apart(), 0)), None, "it was decided just now");
    assert_eq!(goes_back(&mut at(apart(), 31)), outdated, "nobody outside says so any more");
    let unseen = || Bench::fit().failing_over().sampled(unseen);
    let seen_late = || unseen().sampled_times(9, down);
    let serving = seen_late().group.sampler.serving(Site::Home, seen_late().now.mono);
    assert!(serving.outside_down() && !serving.outside_lasts, "{serving:?}");
    assert_eq!(goes_back(&mut at(seen_late(), 31)), outdated, "for a moment only");
    assert_eq!(goes_back(&mut at(unseen(), 0)), None, "it was decided just now");
    assert_eq!(goes_back(&mut at(unseen(), 31)), outdated, "own eyes do not suffice");
    let taken_over = || unseen().claimed_by("b");
    assert_eq!(goes_back(&mut at(taken_over(), 31)), None, "nobody outside says that it serves");
    let watched = |mut bench: Bench, secs: i64| {
        bench.group.watching_since = Some(Wall(secs * 1_000));
        goes_back(&mut at(bench, 0))
    };
    assert_eq!(watched(apart().claimed_by("b"), 0), outdated, "it watched, and saw no such thing");
    assert_eq!(watched(apart().claimed_by("b"), 1), None, "it saw nothing of what was before");
    assert_eq!(watched(apart(), 0), None, "it is its own plan");
    let asked = Bench::fit().asking(QuestionKind::Approve, None);
    assert_eq!(goes_back(&mut at(asked, 31)), None, "who is asked decides");
    let claims = || Bench::fit().failing_over().started("claim.gaining");
    assert_eq!(goes_back(&mut at(claims(), 45)), None, "it was begun in time");
    assert_eq!(goes_back(&mut at(claims(), 46)), outdated, "a claim changes nothing");
    let serves = proposed(claims().sampled(fit));
    assert_eq!(goes_back(&mut at(serves, 31)), outdated, "a claim changes nothing for users");
    assert_eq!(goes_back(&mut at(claims().sampled(down), 31)), None, "it is so still");
    assert_eq!(goes_back(&mut at(claims().sampled(cut_off), 31)), outdated, "users are served");
    let begun = Bench::fit().failing_over().started("fence");
    assert_eq!(goes_back(&mut at(begun, 31)), None, "it was begun in time");
    let prepared = || Bench::fit().failing_over().started("pool.dr");
    assert_eq!(goes_back(&mut at(prepared().sampled(cut_off), 0)), outdated, "users are served");
    assert_eq!(goes_back(&mut at(prepared().sampled(down), 600)), None, "it takes its time");
    assert_eq!(goes_back(&mut at(prepared(), 600)), None, "nothing says that it serves");
    let begun = prepared().started("fence").sampled(cut_off);
    assert_eq!(goes_back(&mut at(begun, 0)), None, "it was begun");
    assert_eq!(goes_back(&mut at(Bench::fit().ordered(), 31)), None, "a human wanted it");
}

#[test]
fn s10_a_failover_that_a_human_ordered_in_an_outage_goes_back_when_that_is_over() {
    let over = Some(words::ORDER_OUTLIVED.to_owned());
    let ordered = || Bench::fit().ordered_after(Some(Wall(0)));
    let back = |bench: Bench| goes_back(&mut proposed(bench));
    assert_eq!(back(ordered().sampled(fit)), over, "the store may have held it up");
    assert_eq!(back(ordered().started("pool.dr").sampled(cut_off)), over, "others reach it");
    assert_eq!(back(ordered().started("pool.dr").sampled(down)), None, "it is as it was");
    assert_eq!(back(ordered().started("pool.dr")), None, "nothing says that it serves");
    assert_eq!(back(ordered().started("fence").sampled(fit)), None, "it was begun");
    assert_eq!(back(Bench::fit().ordered().sampled(fit)), None, "it leaves a site that serves");
    let mut beside = proposed(ordered().sampled(fit));
    beside.group.told = true;
    beside.at(|group, host| {
        host.unasked = false;
        group.lead(host);
    });
    let went = beside.written().iter().any(|record| matches!(record, Record::Unwinding { .. }));
    assert!(!went, "who ordered it stands by");
}

#[test]
fn s4_nothing_that_users_notice_is_begun_while_they_may_be_served() {
    let hesitates = |bench: Bench| bench.group.hesitates(bench.now);
    let planned = || Bench::fit().failing_over();
    assert!(!hesitates(planned().sampled(down)), "they are not");
    assert!(hesitates(planned()), "nothing is known");
    assert!(hesitates(planned().sampled(fit)), "they are");
    assert!(hesitates(planned().sampled(cut_off)), "Route 53's checkers reach the site");
    assert!(hesitates(planned().sampled(down).sampled_times(1, fit)), "so it looks");
    assert!(hesitates(planned().started("claim.gaining")), "nobody notices a claim");
    assert!(!hesitates(planned().started("fence").sampled(fit)), "it was begun");
    let prepared = || planned().started("pool.dr");
    assert!(hesitates(prepared().sampled(cut_off)), "nobody notices what prepares standby");
    assert!(hesitates(prepared().sampled(down).sampled_times(1, fit)), "so it looks");
    assert!(!hesitates(prepared().sampled(down)), "they are not");
    assert!(!hesitates(prepared()), "nothing says that they are");
    assert!(!hesitates(prepared().started("fence").sampled(cut_off)), "it was begun");
    let asked = || Bench::fit().asking(QuestionKind::Approve, None).started("pool.dr");
    assert!(!hesitates(asked().sampled(cut_off)), "who is asked decides");
    assert!(!hesitates(Bench::fit().asking(QuestionKind::Approve, None)), "who is asked decides");
    assert!(!hesitates(Bench::fit().ordered()), "a human wants it");
    assert!(!hesitates(Bench::fit().prewarming()), "it only prepares");
}

#[test]
fn s4_who_has_just_begun_to_watch_waits_until_it_can_tell() {
    let settles = Bench::fit().group.sampler.site(Site::Home).settles_in();
    let at = |age: Span| {
        let mut bench = Bench::fit().failing_over().claimed_by("b");
        let began = Wall(60_000);
        bench.group.watching_since = Some(began);
        bench.now.wall = began + age;
        assert!(bench.group.hesitates(bench.now));
        goes_back(&mut bench)
    };
    assert_eq!(at(settles), None);
    assert_eq!(at(settles + Span::millis(1)), Some(words::OUTDATED.into()));
}

#[test]
fn s4_who_takes_over_what_was_begun_watches_before_it_goes_on() {
    let settles = Bench::fit().group.sampler.site(Site::Home).settles_in();
    let at = |age: Span, mut bench: Bench| {
        let began = Wall(60_000);
        bench.group.watching_since = Some(began);
        bench.now.wall = began + age;
        bench.group.hesitates(bench.now)
    };
    let begun = || Bench::fit().failing_over().started("fence").claimed_by("b");
    assert!(at(Span::ZERO, begun()), "the call may never have been sent");
    assert!(at(settles, begun()), "it takes as long as its windows");
    assert!(!at(settles + Span::millis(1), begun()), "it will not know more");
    assert!(!at(Span::ZERO, begun().sampled(down)), "they are not served");
    let leads = |mut bench: Bench, within: Span| {
        bench.group.leading_since = Some(bench.now.mono);
        bench.now.mono = bench.now.mono + within;
        bench
    };
    let reached = |within: Span| at(settles.times(2), leads(begun().sampled(fit), within));
    assert!(reached(Span::ZERO), "they are: nobody is known to have noticed anything");
    assert!(!reached(settles + Span::millis(1)), "but an heir does not wait for ever");
    assert!(goes_back(&mut begun().sampled(fit)).is_some());
    assert_eq!(goes_back(&mut begun().sampled(down)), None);
    let done = Bench::fit().failing_over().started("fence").done("fence").claimed_by("b");
    assert!(!at(settles.times(2), done.sampled(fit)), "it was done, and they noticed");
    assert!(!at(Span::ZERO, begun().started("promote")), "there is no way back");
    assert!(at(Span::ZERO, Bench::fit().failing_over().started("pool.dr").claimed_by("b")));
    let own = Bench::fit().failing_over().started("fence");
    assert!(!at(Span::ZERO, own), "it was decided on what it saw");
    let asked = Bench::fit().asking(QuestionKind::Approve, None).claimed_by("b");
    assert!(!at(Span::ZERO, asked), "who is asked decides");
    assert!(!at(Span::ZERO, Bench::fit().ordered().started("fence").claimed_by("b")), "a human");
    let back = begun().told(vec![Record::Unwinding { why: "cancelled".into() }]);
    assert!(!at(Span::ZERO, back), "it goes back");
}

#[test]
fn s4_who_takes_over_asks_outside_before_it_goes_on() {
    let quiet = |op: &Op| match op {
        Op::Route53(_, Route53Op::CheckStatus(_)) => Err(Fault::Unknown("no answer".into())),
        _ => down(op),
    };
    let patience = Bench::fit().group.sampler.site(Site::Home).outside_settles_in();
    assert!(patience > Span::ZERO);
    let waits = |led: Span, mut bench: Bench| {
        bench.group.leading_since = Some(bench.now.mono);
        bench.now.mono = bench.now.mono + led;
        bench.group.has_no_view_yet(bench.now)
    };
    let planned = || Bench::fit().failing_over();
    let heir = || planned().started("fence").claimed_by("b");
    assert!(waits(Span::ZERO, heir().sampled(quiet)), "its own eyes may be cut off");
    assert!(waits(patience, heir().sampled(quiet)));
    assert!(!waits(patience + Span::millis(1), heir().sampled(quiet)), "it may not be told ever");
    assert!(!waits(Span::ZERO, heir().sampled(down)), "outside it is down, too");
    assert!(!waits(Span::ZERO, planned().started("fence").sampled(quiet)), "it had asked before");
    assert!(!waits(Span::ZERO, heir().started("promote").sampled(quiet)), "there is no way back");
}

#[test]
fn s4_a_site_that_was_silent_is_not_fenced_by_the_first_answer() {
    let silent = |op: &Op| match op {
        Op::Route53(..) => down(op),
        _ => Err(Fault::Unknown("no answer".into())),
    };
    let spared = |bench: Bench| bench.sampled(silent).group.is_back_from_silence();
    let planned = || Bench::fit().failing_over();
    assert!(spared(planned()));
    assert!(spared(planned().started("pool.dr")), "users notice nothing of it");
    assert!(!spared(planned().started("fence")), "it was begun");
    assert!(!spared(Bench::fit().ordered()), "a human wants it");
    assert!(!spared(Bench::fit().switching_over()));
    assert!(!planned().sampled(down).group.is_back_from_silence(), "it answers all the while");
    let fences = |world: fn(&Op) -> Reply| {
        let mut bench = planned().done("claimed").sampled(world);
        (0..4).for_each(|_| bench.turns(fit));
        let started = |record: &Record| match record {
            Record::Started { step, .. } => step.as_str() == "fence",
            _ => false,
        };
        bench.written().iter().any(started)
    };
    assert!(fences(down));
    assert!(!fences(|op| match op {
        Op::Route53(..) => down(op),
        _ => Err(Fault::Unknown("no answer".into())),
    }));
}

#[test]
fn s10_who_was_cut_off_until_a_moment_ago_looks_before_it_goes_on() {
    let settles = Bench::fit().group.sampler.site(Site::Home).settles_in();
    let silent = Vantage {
        home: Reach::Silent,
        standby: Reach::Silent,
        aws: Reach::Silent,
        canaries: Reach::NotAsked,
        home_outside: None,
        standby_outside: None,
    };
    let back = |mut bench: Bench, ago: Span| {
        bench.group.isolation.judge(bench.now.mono, &silent, settles);
        bench.later(ago)
    };
    let hesitates = |bench: Bench, ago: Span| {
        let bench = back(bench, ago);
        bench.group.hesitates(bench.now)
    };
    let begun = || Bench::fit().failing_over().started("fence");
    let moment = Span::secs(1);
    assert!(hesitates(begun(), moment), "the outage may be over");
    assert!(!hesitates(begun(), settles), "it will not know more");
    assert!(!hesitates(begun().started("promote"), moment), "there is no way back");
    let asked = || Bench::fit().asking(QuestionKind::Approve, None);
    assert!(hesitates(asked(), moment), "what was agreed to may not be what is lost");
    assert!(hesitates(Bench::fit().ordered_after(Some(Wall(0))), moment), "nor what was ordered");
    assert!(!hesitates(Bench::fit().ordered(), moment), "it leaves a site that serves");
    assert!(!hesitates(Bench::fit().switching_over(), moment));
    let serves = |bench: Bench| goes_back(&mut proposed(bench));
    let again = Some(words::SERVES_AGAIN.to_owned());
    let seen = proposed(back(begun(), moment)).sampled(fit);
    assert_eq!(serves(seen), again, "for how long is not known");
    assert_eq!(serves(begun().sampled(fit)), None);
}

#[test]
fn s10_what_a_human_has_said_yes_to_goes_back_when_its_outage_is_over() {
    let yes =
        || Record::Answered { step: "approval".into(), by: "ann".into(), accept_loss_ms: None };
    let asked = || {
        let (why, otherwise) = ("why".into(), "nothing".into());
        let question = Question { kind: QuestionKind::Approve, why, loss_ms: None, otherwise };
        let asks = Some(question.clone());
        let ground = Ground::shop();
        let survey = crate::plan::Survey { question: asks, ..ground.survey(Site::Home) };
        let plan = crate::plan::failover(&survey).unwrap();
        let asks = Record::Asked { step: "approval".into(), question };
        Bench::fit().moving(opened_at(Wall(0)), plan).told(vec![asks])
    };
    let back = |bench: Bench| goes_back(&mut proposed(bench));
    let over = Some(words::ORDER_OUTLIVED.to_owned());
    assert_eq!(back(asked().told(vec![yes()]).sampled(fit)), over);
    assert_eq!(back(asked().told(vec![yes()]).sampled(cut_off)), over, "others reach it");
    assert_eq!(back(asked().sampled(fit)), None, "who is asked decides");
    assert_eq!(back(asked().told(vec![yes()]).started("fence").sampled(fit)), None, "it was begun");
    assert_eq!(back(asked().told(vec![yes()]).sampled(down)), None, "it is as it was");
}

fn web() -> crate::model::WorkloadRef {
    Bench::fit().group.policy.capacity.workloads[0].object.clone()
}

/// A group at peace that still holds a workload of a run that was cancelled.
fn left() -> Bench {
    left_at(Site::Standby)
}

fn left_at(site: Site) -> Bench {
    let why = "cancelled".to_owned();
    let over =
        [Record::Unwinding { why: why.clone() }, Record::Closed { ended: Ended::Unwound(why) }];
    Bench::fit().recorded().failing_over().holding(site, &web()).told(over.to_vec())
}

fn serving(bench: Bench) -> Bench {
    let confirm = bench.group.policy.health.confirm;
    proposed(bench.sampled(fit)).later(confirm)
}

const HOLDS: Decision = Decision::Hold(HoldWhy::Serving);

#[test]
fn s7_what_is_still_held_at_peace_is_released() {
    let mut bench = serving(left());
    let records = follows(&mut bench, HOLDS);
    assert_eq!(kinds(&records), ["Claimed", "Opened", "Unwinding", "Planned"]);
    let Record::Opened { evidence, from, .. } = &records[1] else { panic!() };
    assert_eq!((evidence.len(), *from), (1, Site::Home));
    assert!(evidence[0].starts_with("still held: "), "{evidence:?}");
    let Record::Planned { plan, moves } = &records[3] else { panic!() };
    let undo = [Undo::Release(hold(Site::Standby, &web()))];
    let wanted = crate::plan::unwind(PlanKind::Failover, Site::Home, &undo, &[]);
    assert_eq!((&**plan, *moves), (&wanted, false));
}

#[test]
fn s7_what_keeps_home_from_serving_is_released_as_soon_as_home_is_reached() {
    let lost = || Err(Fault::Unknown("no answer".into()));
    let no_region = |op: &Op| match op {
        Op::Elb(scope, _) | Op::Rds(scope, _) if scope.region.as_str() == "eu-west-1" => lost(),
        _ => down(op),
    };
    let released = |bench: Bench| follows(&mut proposed(bench), HOLDS).len();
    assert_eq!(released(left_at(Site::Home).sampled(down)), 4, "it does not serve, and answers");
    assert_eq!(released(left_at(Site::Standby).sampled(down)), 0, "that can wait");
    assert_eq!(released(left_at(Site::Home).sampled(no_region)), 0, "its Region is silent");
    let mut no_cluster = left_at(Site::Home).sampled(down);
    no_cluster.group.known.cluster_claims.remove(&Site::Home);
    assert_eq!(released(no_cluster), 0, "its cluster is silent");
}

#[test]
fn s7_what_is_held_stays_while_home_does_not_serve_or_somebody_else_may_act() {
    let confirm = Bench::fit().group.policy.health.confirm;
    let early = Span::millis(confirm.as_millis() - 1);
    let mut soon = proposed(left().sampled(fit)).later(early);
    assert_eq!(follows(&mut soon, HOLDS), [], "it serves for too short a while");
    let paused = left().told(vec![Record::Paused { reason: "deploy".into() }]);
    assert_eq!(follows(&mut serving(paused), HOLDS), [], "a human held everything");
    let mut nothing = serving(Bench::fit().recorded());
    assert_eq!(follows(&mut nothing, HOLDS), []);
    let mut told = serving(left());
    told.group.decision = Some(HOLDS);
    told.at(|group, host| {
        host.unasked = false;
        group.lead(host);
    });
    assert_eq!(told.written(), [], "it does only what it is told");
    let mut stranger = serving(left());
    stranger.group.known.gate_claim = Some(claim(9, "r9"));
    assert_eq!(follows(&mut stranger, HOLDS), []);
    let mut busy = serving(left().prewarming());
    assert_eq!(follows(&mut busy, HOLDS), [], "a run is open");
    let away = left().failed_over();
    assert_eq!(away.group.active(), Site::Standby);
    assert_eq!(follows(&mut serving(away), HOLDS), [], "it is not home that serves");
}

/// The closed door of a site's writer.
fn door(site: Site) -> Held {
    Held::Writer {
        scope: Bench::fit().group.policy.site(site).scope.clone(),
        instance: format!("shop-{site}").as_str().into(),
        resource: format!("db-{site}").as_str().into(),
        baseline: vec!["sg-app".into()],
        closed: "sg-closed".into(),
    }
}

#[test]
fn s3_the_door_of_a_writer_that_was_left_stays_closed_at_peace() {
    let door = door(Site::Standby);
    let mut ledger = left().group.ledger().clone();
    ledger.holds.values_mut().for_each(|hold| hold.held = door.clone());
    assert_eq!(begin::left_behind(&ledger).count(), 1, "nobody left it: it is opened");
    let cluster = crate::model::Cluster::Context("standby".into());
    let (pool, baseline, wants) = ("dr".into(), Default::default(), Default::default());
    let mut open = ledger.clone();
    let opened = Held::Pool { cluster, pool, baseline, wants };
    open.holds.values_mut().for_each(|hold| hold.held = opened.clone());
    assert_eq!(begin::left_behind(&open).count(), 1, "an open pool costs money");
    let mut stopped = ledger.clone();
    stopped.holds.values_mut().for_each(|hold| hold.site = Site::Home);
    stopped.fenced.insert(Site::Home);
    assert_eq!(stopped.leads_to(), Site::Home);
    assert_eq!(begin::left_behind(&stopped).count(), 1, "it was stopped, and not left after all");
    let mut abandoned = ledger;
    abandoned.quarantined.insert(Site::Standby);
    assert_eq!(begin::left_behind(&abandoned).count(), 0);
}

/// The desk of a follower that has read a book.
fn desk(book: &crate::testing::Book) -> crate::run::Desk {
    let mut desk = crate::run::Desk::new("shop".into());
    desk.read(crate::model::Mono(0)).unwrap();
    let stored = (1..).zip(&book.entries);
    let stored = stored.map(|(seq, bytes)| crate::op::Stored { seq, bytes: bytes.clone() });
    let seat = crate::run::Seat { id: &"a".into(), now: Now::default(), leads: false };
    desk.heard(&seat, Ok(Answer::Entries(stored.collect())), false);
    desk
}

#[test]
fn l2_what_somebody_else_stopped_at_the_home_that_a_run_leads_to_is_let_go() {
    let web = Bench::fit().group.policy.capacity.workloads[0].object.clone();
    let mut book = Book::moving(planned_move(&Ground::shop().survey(Site::Standby)).unwrap());
    let holds = |book: &mut Book, hold| {
        let (op, hold) = (Box::new(Op::Store(StoreOp::Intents)), Some(Box::new(hold)));
        book.write(vec![Record::Started { step: "losing".into(), attempt: 1, op, hold }]);
    };
    holds(&mut book, hold(Site::Home, &web));
    assert_eq!(begin::opens_its_way(&desk(&book)), None, "home has no writer yet");
    let (outputs, note) = (crate::step::Outputs::new(), String::new());
    book.write(vec![Record::Done { step: "promote".into(), outputs, note, unknown: false }]);
    holds(&mut book, hold(Site::Standby, &web));
    let opens = begin::opens_its_way(&desk(&book)).unwrap();
    let Record::Planned { plan, moves: false } = &opens else { panic!("{opens:?}") };
    let steps: Vec<_> = plan.steps.keys().map(ToString::to_string).collect();
    assert_eq!(steps, [format!("undo.{}", hold(Site::Home, &web).id)]);
    book.write(vec![opens]);
    assert_eq!(begin::opens_its_way(&desk(&book)), None, "once");
    let id = crate::step::HoldId::instance(Site::Home, &"db-home".into());
    let held = door(Site::Home);
    holds(&mut book, crate::step::Hold { id, site: Site::Home, held });
    let opens = begin::opens_its_way(&desk(&book)).expect("a door that is against the way");
    book.write(vec![opens]);
    assert_eq!(begin::opens_its_way(&desk(&book)), None, "nor is a door opened twice");
}

#[test]
fn peacetime_facts_are_written_while_home_serves_and_no_run_is_open() {
    let writes = |mut bench: Bench| {
        bench.sent();
        follows(&mut bench, HOLDS);
        let puts = bench.sent().into_iter();
        puts.filter(|op| matches!(op, Op::Store(StoreOp::PutFacts { .. }))).count()
    };
    let moment = Span::millis(1);
    assert_eq!(writes(proposed(Bench::fit().sampled(fit)).later(moment)), 1);
    assert_eq!(writes(proposed(Bench::fit().sampled(fit))), 0, "it serves since this instant");
    assert_eq!(writes(proposed(Bench::fit().sampled(down)).later(moment)), 0);
    assert_eq!(writes(proposed(Bench::fit().prewarming().sampled(fit)).later(moment)), 0);
    assert_eq!(writes(proposed(Bench::fit().failed_over().sampled(fit)).later(moment)), 0);
    let mut stranger = proposed(Bench::fit().sampled(fit)).later(moment);
    stranger.group.known.gate_claim = Some(claim(9, "r9"));
    assert_eq!(writes(stranger), 0, "somebody else acts");
    let mut closed = proposed(Bench::fit().sampled(fit)).later(moment);
    let found = closed.group.known.instances.get_mut(&Site::Home).unwrap();
    found.value.as_mut().unwrap().settings.security_groups = vec!["sg-closed".into()];
    assert_eq!(writes(closed), 0, "nobody has asked yet whether somebody else did that");
}

#[test]
fn l2_what_is_seen_beside_a_strangers_claim_is_no_peace_however_low_the_claim() {
    let mut bench = Bench::fit().recorded().failed_over();
    assert!(bench.group.ledger().has_made(&claim(1, "r1")));
    for (run, untouched) in [("r1", true), ("r2", false)] {
        bench.group.known.gate_claim = Some(claim(1, run));
        assert_eq!(bench.group.untouched(), untouched, "{run}");
    }
}

/// The titles of what people are told in a turn.
fn told(bench: &mut Bench, decision: Decision) -> Vec<String> {
    bench.sent();
    follows(bench, decision);
    let titles = bench.sent().into_iter().filter_map(|op| match op {
        Op::Notify(notice) => Some(format!("{}: {}", notice.kind, notice.title)),
        _ => None,
    });
    titles.collect()
}

#[test]
fn l1_people_are_told_of_an_old_writer_in_whose_place_another_was_put() {
    let restored = |op: &Op| match (op, fit(op)) {
        (Op::Rds(_, RdsOp::Describe(id)), Ok(Answer::Instance(old)))
            if id.as_str() == "shop-home" =>
        {
            Ok(Answer::Instance(Instance { resource: "db-restored".into(), ..old }))
        }
        (_, answer) => answer,
    };
    let serves = || Decision::Hold(HoldWhy::Serving);
    let after = |world: &dyn Fn(&Op) -> Reply| {
        let mut bench = Bench::fit().failed_over_but(&["fence.standing"]).sampled(fit);
        bench.turns(world);
        told(&mut bench, serves())
    };
    assert_eq!(after(&fit), [""; 0], "it is being stopped");
    let alert =
        "alert: shop: the obligation fence.standing cannot be met: shop-home is db-restored";
    let titles = after(&restored);
    assert!(titles.len() == 1 && titles[0].starts_with(alert), "{titles:?}");
}

#[test]
fn people_are_told_what_is_asked_and_what_holds_and_nothing_else() {
    let home = || proposed(Bench::fit().recorded().sampled(down));
    let unarmed = asks(Action::Failover, AskWhy::Unarmed);
    let asked = told(&mut home(), unarmed);
    assert!(asked.len() == 1 && asked[0].starts_with("ask: shop: failover: "), "{asked:?}");
    let asked = told(
        &mut Bench::fit().asking(QuestionKind::Approve, None),
        Decision::Hold(HoldWhy::RunOpen),
    );
    assert_eq!(asked, ["ask: shop: r1 asks (approval)"]);
    let in_a_run = asks(Action::Failover, AskWhy::Approval);
    assert_eq!(told(&mut home(), in_a_run.clone()), [""; 0], "the run that begins asks");
    let mut lacks = proposed(Bench::fit().sampled(down));
    let asked = told(&mut lacks, in_a_run);
    assert_eq!(asked.len(), 1, "no run can begin: people are asked all the same: {asked:?}");
    assert!(lacks.group.obstacle.is_some());
    let mut stuck = proposed(Bench::fit().sampled(down));
    let alarm = told(&mut stuck, Decision::FailOver);
    let why = "alert: shop: the active site does not serve: failing over; but ";
    assert!(alarm.len() == 1 && alarm[0].starts_with(why), "nothing begins: {alarm:?}");
    let alarm = told(&mut home(), Decision::Hold(HoldWhy::Isolated));
    assert!(alarm.len() == 1 && alarm[0].starts_with("alert: "), "{alarm:?}");
    assert_eq!(told(&mut home(), HOLDS), [""; 0]);
    let region = Decision::Hold(HoldWhy::RegionEvent("eu-west-1".into()));
    assert_eq!(told(&mut home(), region.clone()), [""; 0], "another group speaks for all");
    let mut speaks = home();
    let (region_name, groups) = ("eu-west-1".into(), ["shop".into(), "other".into()].into());
    speaks.group.speaks_of = Some(crate::decide::RegionEvent { region: region_name, groups });
    let asked = told(&mut speaks, region);
    assert!(asked.len() == 1 && asked[0].contains("2 groups in eu-west-1"), "{asked:?}");
}

#[test]
fn s1_beside_a_strangers_claim_nothing_is_claimed_or_executed() {
    let theirs = claim(9, "shop-9-failover");
    let stranger = |op: &Op| match op {
        Op::Kube(_, KubeOp::Fence(_)) => {
            let (version, claim) = ("1".into(), theirs.clone());
            Ok(Answer::Fence(Some(FenceView { version, claim })))
        }
        _ => fit(op),
    };
    let bench = Bench::of(looked(stranger)).failing_over();
    assert_eq!(bench.group.foreign_claim(), Some(&theirs));
    assert_eq!(bench.group.next_epoch(), crate::model::Epoch(10));
    let looks = |bench: Bench| {
        let mut bench = bench.sampled(down);
        assert_eq!(follows(&mut bench, Decision::Hold(HoldWhy::RunOpen)), []);
        bench.sent().iter().any(|op| matches!(op, Op::Kube(..)))
    };
    assert!(!looks(bench) && looks(Bench::fit().failing_over()));
}

#[test]
fn s1_a_claim_at_the_lever_that_was_not_made_here_is_a_strangers_however_low() {
    let mut bench = Bench::fit().failing_over();
    let own = bench.group.ledger().claim.clone().unwrap();
    let below = claim(0, "shop-0-failover").made_by(&"laptop".into());
    assert!(bench.group.desk.knows(&below), "its epoch alone would not tell");
    bench.group.known.zone_claims.insert("Z1".into(), Some(below.clone()));
    assert_eq!(bench.group.foreign_claim(), Some(&below));
    bench.group.known.zone_claims.insert("Z1".into(), Some(own));
    assert_eq!(bench.group.foreign_claim(), None, "it was made here");
}

#[test]
fn s1_a_run_that_another_replica_left_is_claimed_under_a_new_epoch() {
    let others = || {
        let mut bench = Bench::fit().failing_over().sampled(down);
        bench.rename("b");
        bench
    };
    let run_open = || Decision::Hold(HoldWhy::RunOpen);
    let records = follows(&mut others(), run_open());
    let Some(Record::Claimed { claim, by }) = records.first() else { panic!("{records:?}") };
    assert_eq!((claim.epoch, by.as_str()), (crate::model::Epoch(2), "b"));
    let told_only = |was_told: bool| {
        let mut bench = others();
        bench.group.told = was_told;
        bench.group.decision = Some(run_open());
        bench.at(|group, host| {
            host.unasked = false;
            group.lead(host);
        });
        bench.written().len()
    };
    assert_eq!(told_only(false), 0, "a copied journal's run is another's");
    assert_eq!(told_only(true), 1, "until somebody wants it to go on");
    let mut stranger = others();
    stranger.group.known.gate_claim = Some(crate::testing::claim(9, "r9"));
    assert_eq!(follows(&mut stranger, run_open()), []);
}

#[test]
fn s2_a_run_waits_for_the_one_before_it_and_for_its_obligations() {
    let refused = |mut bench: Bench, by_hand: bool, anew: bool| {
        let trigger = Trigger::Human { by: "ann".into(), reason: "flood".into() };
        let begun = bench.at(|group, host| match by_hand {
            true => begin::failover_ordered(group, host, (trigger, anew), None),
            false => begin::automatic_failover(group, host),
        });
        begun.err().map(|lacks| lacks.0)
    };
    let waits = Some("that the obligations of the last run are done".to_owned());
    let left = || Bench::fit().recorded().failed_over_but(&["fence.standing"]);
    let open = || Bench::fit().recorded().failing_over();
    assert_eq!(refused(left(), false, false), waits);
    assert_eq!(refused(left(), true, true), waits, "not even a dead controller's are skipped");
    assert_eq!(refused(open(), false, false), waits);
    assert_eq!(refused(open(), true, true), None, "a dead controller's run gives way");
    assert_eq!(refused(Bench::fit().recorded().failed_over(), false, false), None);
}

#[test]
fn a_member_that_is_no_streaming_replica_any_more_is_rebuilt_before_the_group_comes_home() {
    let rebuilds = |source: Option<&str>, streaming: bool, resource: &str| {
        let mut bench = Bench::of(looked(|op| match fit(op)? {
            Answer::Instance(found) if found.id.as_str() == "shop-home" => {
                let (source, resource) = (source.map(Into::into), resource.into());
                Ok(Answer::Instance(Instance { source, streaming, resource, ..found }))
            }
            answer => Ok(answer),
        }));
        bench = bench.recorded().failed_over();
        let (steps, _) = planned(&follows(&mut bench, Decision::FailBack));
        steps.contains(&"rebuild.home".to_owned())
    };
    assert!(!rebuilds(Some("shop-standby"), true, "db-home"));
    assert!(rebuilds(Some("shop-standby"), false, "db-home"));
    assert!(rebuilds(None, false, "db-home") && rebuilds(None, true, "db-home"));
    assert!(rebuilds(Some("shop-standby"), true, "db-new"), "nobody recorded that one");
}

#[test]
fn people_are_told_what_became_of_a_run_once_it_is_recorded() {
    let mut bench = Bench::fit().failed_over();
    let now = bench.now;
    bench.group.announce(&Record::Closed { ended: Ended::Moved }, now);
    assert_eq!(told(&mut bench, HOLDS), ["runEnded: r1: the standby site serves"]);
}

/// A failover away from home is opened for a fault of that time.
fn opened_at(fault: Wall) -> Record {
    match crate::testing::opened(PlanKind::Failover, Site::Home) {
        Record::Opened { kind, from, trigger, evidence, .. } => {
            Record::Opened { kind, from, trigger, fault_at: Some(fault), evidence }
        }
        other => other,
    }
}

#[test]
fn s10_a_fault_that_is_over_dates_no_other() {
    let first = Bench::fit().now.wall;
    let prepares = || Bench::fit().recorded().begins(opened_at(first));
    let dated = |bench: &Bench| begin::fault_at(&bench.group, bench.now);
    assert_eq!(dated(&proposed(prepares().sampled(down))), first, "it has not served since");
    // A paused group: home serves, and what was prepared stands.
    let served = proposed(proposed(prepares().sampled(fit)).later(Span::mins(2)).sampled(fit));
    assert!(served.group.outlived(served.group.ledger().run.as_ref().unwrap()));
    let mut again = proposed(served.sampled(down));
    assert!(dated(&again) > first + Span::mins(2), "{}", dated(&again));
    let records = follows(&mut again, Decision::FailOver);
    let begins = ["Claimed", "Closed", "Opened", "Planned"];
    assert_eq!(kinds(&records), begins, "another run, whose report tells of this fault");
}

#[test]
fn an_instance_that_its_owner_replaced_in_peace_is_the_one_that_counts() {
    let facts = crate::testing::Ground::shop().facts;
    let home = |rebuilt: Wall| {
        let rebuilt = [(Site::Home, ("db-rebuilt".into(), rebuilt))].into();
        begin::with_rebuilt(facts.clone(), &rebuilt).members[&Site::Home].resource.clone()
    };
    assert_eq!(home(facts.at).as_str(), "db-rebuilt");
    assert_eq!(home(facts.at - Span::mins(2)).as_str(), "db-rebuilt", "clocks differ");
    assert_eq!(home(facts.at - Span::mins(3)).as_str(), "db-home", "it was seen in peace since");
}

#[test]
fn s8_what_was_so_of_another_site_or_before_another_led_is_counted_anew() {
    let began = Bench::fit().now;
    let since = |bench: Bench| {
        let bench = proposed(bench);
        let since = |steady: &crate::health::Steady| steady.since().unwrap().1.mono;
        [&bench.group.serving, &bench.group.ready].map(since)
    };
    let long = || {
        let mut bench = proposed(Bench::fit().recorded()).sampled(fit);
        let ready = bench.group.readiness(bench.now).verdict;
        (bench.group.serving, bench.group.ready) = Default::default();
        bench.group.serving.observe(began, Answer3::Yes);
        bench.group.ready.observe(began, ready);
        bench
    };
    assert_eq!(since(long()), [began.mono; 2]);
    let now = long().now.mono;
    assert_eq!(since(long().failed_over()), [now; 2], "home was not the passive site");
    let mut other = long();
    other.group.begin_to_lead(other.now.mono);
    assert_eq!(since(other), [now; 2], "nobody looked meanwhile");
}

#[test]
fn s10_a_leader_that_saw_nothing_of_the_fault_of_before_does_not_date_another_one_by_it() {
    let first = Bench::fit().now.wall;
    // It has watched as a follower, and leads from a moment before home dies again.
    let leads = |watching_since: Option<Wall>, later: Span| {
        let bench = Bench::fit().recorded().begins(opened_at(first));
        let mut bench = bench.later(later).sampled(down);
        bench.group.watching_since = watching_since;
        proposed(bench)
    };
    let dated = |bench: &Bench| begin::fault_at(&bench.group, bench.now);
    let watched = leads(Some(first), Span::mins(20));
    assert!(dated(&watched) > first + Span::mins(19), "{}", dated(&watched));
    let new = leads(Some(first + Span::mins(1)), Span::mins(20));
    assert_eq!(dated(&new), first, "who has not watched does not know that home has served");
    assert_eq!(dated(&leads(Some(first), Span::mins(1))), first, "clocks differ");
    let bad = |later: Span| {
        let bench = leads(Some(first), later);
        bench.group.sampler.serving(Site::Home, bench.now.mono).first_bad.unwrap().wall
    };
    let latest = Bench::fit().group.policy.health.confirm + Span::mins(2);
    let soonest = bad(Span::ZERO).since(first).as_millis();
    let at = |late: Span| Span::millis(latest.as_millis() - soonest) + late;
    assert_eq!(dated(&leads(Some(first), at(Span::ZERO))), first);
    assert!(dated(&leads(Some(first), at(Span::millis(1)))) > first);
    let asks = |later: Span| {
        let plan = crate::plan::failover(&Ground::shop().survey(Site::Home)).unwrap();
        let mut bench = Bench::fit().moving(opened_at(first), plan);
        bench.group.watching_since = Some(first);
        goes_back(&mut bench.later(later).sampled(down))
    };
    assert_eq!(asks(Span::ZERO), None);
    assert_eq!(asks(Span::mins(20)), Some(words::OUTDATED.into()), "it tells of another fault");
}

#[test]
fn s10_evidence_is_no_better_than_that_of_a_fault_which_nobody_saw_end() {
    let first = Bench::fit().now.wall;
    // The point of the minute before each of the two faults says how far behind standby was.
    let loss = |lags: [u64; 2], watched: bool| {
        let bench = Bench::fit().recorded().begins(opened_at(first)).later(Span::mins(20));
        let mut bench = bench.sampled(down);
        bench.group.watching_since = watched.then_some(first);
        let fault = begin::fault_at(&bench.group, bench.now).max(first + Span::mins(20));
        let replication = bench.group.known.replication.entry(Site::Standby).or_default();
        replication.described(first - Span::mins(9), true);
        for (fault, lag) in [first, fault].into_iter().zip(lags) {
            assert!(replication.point(fault - Span::mins(1), Some(lag)));
        }
        let found = begin::evidence(&bench.group, fault);
        let found = begin::worse(&bench.group, found, bench.now).unwrap();
        (found.grade, found.loss_ms)
    };
    let (good, far) = (Grade::Good, Grade::TooFarBehind);
    assert_eq!(loss([1, 5], true), (good, Some(60_005)));
    assert_eq!(loss([7, 5], true), (good, Some(60_007)), "the longer loss of two");
    assert_eq!(loss([40_000, 5], true), (far, Some(100_000)));
    assert_eq!(loss([40_000, 5], false), (good, Some(60_005)), "it is one fault, as far as known");
    assert_eq!(loss([1, 40_000], true), (far, Some(100_000)));
    assert_eq!(loss([50_000, 40_000], true), (far, Some(100_000)), "bad enough, and the newer");
}

#[test]
fn s9_people_are_told_of_a_dead_site_that_a_planned_move_waits_for() {
    let switching = || Bench::fit().recorded().switching_over();
    let silent = |op: &Op| match op {
        Op::Probe(_) | Op::Route53(..) => down(op),
        _ => Err(Fault::Unknown("no answer".into())),
    };
    let told = |bench: Bench| {
        let mut bench = bench;
        let told = told(&mut bench, Decision::Hold(HoldWhy::RunOpen));
        (told.into_iter().any(|title| title.contains("neither serves nor answers")), bench)
    };
    let (alarmed, bench) = told(proposed(switching().sampled(silent)));
    assert!(alarmed);
    assert_eq!(words::next(&bench.group), Some("bowline failover shop".into()));
    assert!(!told(proposed(switching().sampled(fit))).0);
    assert!(!told(proposed(Bench::fit().recorded().failing_over().sampled(silent))).0);
}

#[test]
fn s4_a_call_whose_record_the_store_held_up_is_not_sent() {
    for (secs, sent) in [(20, true), (21, false)] {
        let mut bench = Bench::fit().sampled(down).failing_over();
        bench.turns(fit);
        bench.turns(fit);
        bench.at(|group, host| group.poll(host));
        let ops = bench.sent();
        let append = |op: &Op| matches!(op, Op::Store(StoreOp::Append { .. }));
        assert!(ops.iter().any(append), "{ops:?}");
        let mut bench = bench.later(Span::secs(secs));
        bench.at(|group, host| group.reply(host, GroupOwner::Chain, Ok(Answer::Ok)));
        assert_eq!(bench.sent().iter().any(Op::mutates), sent, "{secs} s");
    }
}
