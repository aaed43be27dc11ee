//! What people want of a group: what comes of each wish, and which are refused with which reason.

use super::*;
use crate::model::{Answer3, Epoch};
use crate::node::testing::{Bench, Reply, down, fit, kinds, looked};
use crate::op::{Answer, Fault, FenceView, KubeOp, Op, RdsOp};
use crate::plan::{PlanKind, planned_move};
use crate::run::Stands;
use crate::step::Outputs;
use crate::testing::{Book, Ground, claim, opened};

/// What comes of a wish that somebody had at `bench.now`.
fn wish(bench: &mut Bench, intent: &Intent) -> Result<Vec<Record>, Refusal> {
    bench.at(|group, host| group.follow_intent(host, intent, "ann"))
}

fn failover(accept_secs: Option<u64>, break_glass: Option<&str>) -> Intent {
    Intent::Failover {
        accept_loss: accept_secs.map(Span::secs),
        reason: "flood".into(),
        break_glass: break_glass.map(Into::into),
    }
}

fn switchover() -> Intent {
    Intent::Switchover { reason: "drill".into() }
}

fn failback() -> Intent {
    Intent::Failback { reason: "done".into() }
}

const BEGUN: [&str; 3] = ["Claimed", "Opened", "Planned"];

/// The shop with a stranger's claim in its standby cluster.
fn claimed(op: &Op) -> Reply {
    let claim = claim(9, "shop-9-failover");
    match op {
        Op::Kube(_, KubeOp::Fence(_)) => {
            Ok(Answer::Fence(Some(FenceView { version: "1".into(), claim })))
        }
        _ => fit(op),
    }
}

#[test]
fn s10_a_failover_by_hand_is_begun_once_the_loss_is_accepted() {
    let mut bench = Bench::fit().recorded();
    let more = Refusal::MoreLoss { needed: None };
    assert_eq!(wish(&mut bench, &failover(None, None)), Err(more));
    let records = wish(&mut bench, &failover(Some(60), None)).unwrap();
    assert_eq!(kinds(&records), BEGUN);
    let Record::Opened { kind, from, trigger, fault_at, .. } = &records[1] else { panic!() };
    assert_eq!((*kind, *from), (PlanKind::Failover, Site::Home));
    let human = Trigger::Human { by: "ann".into(), reason: "flood".into() };
    assert_eq!((trigger, fault_at), (&human, &Some(bench.now.wall)));
}

#[test]
fn s2_a_failover_by_hand_goes_on_with_what_was_warmed_and_not_over_an_open_run() {
    let mut warmed = Bench::fit().recorded().prewarming();
    let records = wish(&mut warmed, &failover(Some(60), None)).unwrap();
    assert_eq!(kinds(&records), ["Planned"]);
    let mut open = Bench::fit().recorded().failing_over();
    let no = Refusal::RunOpen("r1".into());
    assert_eq!(wish(&mut open, &failover(Some(60), None)), Err(no.clone()));
    for planned in [switchover(), failback()] {
        assert_eq!(wish(&mut open, &planned), Err(no.clone()));
    }
    // Whose controller is dead may have its run taken over, from where it was to go.
    let records = wish(&mut open, &failover(Some(60), Some("it burns"))).unwrap();
    assert_eq!(kinds(&records), ["Claimed", "Closed", "Opened", "Planned"]);
    let Record::Opened { trigger: Trigger::Human { reason, .. }, .. } = &records[2] else {
        panic!("{records:?}")
    };
    assert_eq!(reason, "flood (break-glass: it burns)");
}

#[test]
fn s6_break_glass_takes_over_a_committed_run_as_it_is_and_moves_no_traffic_back() {
    let mut committed = Bench::fit().recorded().failing_over().started("promote");
    let records = wish(&mut committed, &failover(Some(60), Some("dead")));
    assert_eq!(records, Ok(Vec::new()), "it goes forward");
    let mut moved = Bench::fit().recorded().failing_over().done("shifted");
    assert_eq!(moved.group.active(), Site::Standby);
    let refused = wish(&mut moved, &failover(Some(60), Some("dead")));
    assert_eq!(refused, Err(Refusal::RunOpen("r1".into())));
}

#[test]
fn s1_nothing_is_begun_by_hand_beside_somebody_elses_claim_but_break_glass() {
    let mut bench = Bench::of(looked(claimed)).recorded();
    let no = Refusal::ForeignClaim(claim(9, "shop-9-failover"));
    for intent in [failover(Some(60), None), switchover(), Intent::Arm] {
        assert_eq!(wish(&mut bench, &intent), Err(no.clone()), "{intent:?}");
    }
    let records = wish(&mut bench, &failover(Some(60), Some("dead"))).unwrap();
    let Record::Claimed { claim, .. } = &records[0] else { panic!("{records:?}") };
    assert_eq!(claim.epoch, Epoch(10), "above everything that was seen");
}

#[test]
fn a_planned_move_goes_where_the_traffic_is_not() {
    let mut home = Bench::fit().recorded();
    assert_eq!(wish(&mut home, &failback()), Err(Refusal::AlreadyThere(Site::Home)));
    let records = wish(&mut home, &switchover()).unwrap();
    assert_eq!(kinds(&records), BEGUN);
    assert!(matches!(&records[1], Record::Opened { fault_at: None, .. }), "{records:?}");
    let mut away = Bench::fit().recorded().failed_over();
    assert_eq!(wish(&mut away, &switchover()), Err(Refusal::AlreadyThere(Site::Standby)));
    assert_eq!(kinds(&wish(&mut away, &failback()).unwrap()), BEGUN);
}

#[test]
fn s3_a_site_whose_old_writer_may_run_takes_no_traffic() {
    let mut left = Bench::fit().recorded().failed_over_but(&["fence.standing", "losing.shop.web"]);
    for intent in [failover(Some(60), None), failback()] {
        let refused = wish(&mut left, &intent).unwrap_err().to_string();
        let told = "home is not fit to take traffic: losing.shop.web and 1 more obligations";
        assert!(refused.starts_with(told), "{refused}");
    }
}

/// The journal of somebody who has brought the shop home meanwhile.
fn came_home() -> Vec<Arc<str>> {
    let mut book = Book::default();
    (0..9).for_each(|_| book.write(vec![Record::Resumed]));
    let plan = planned_move(&Ground::shop().survey(Site::Standby)).unwrap();
    let done = |step: &str| Record::Done {
        step: step.into(),
        outputs: Outputs::new(),
        note: String::new(),
        unknown: false,
    };
    book.write(vec![
        Record::Claimed { claim: claim(4, "shop-4-failback"), by: "laptop".into() },
        opened(PlanKind::Failback, Site::Standby),
        Record::Planned { plan: Box::new(plan), moves: true },
        done("promote"),
        done("shifted"),
    ]);
    book.entries
}

#[test]
fn s1_no_word_makes_a_replica_the_writer() {
    let mut bench = Bench::fit().recorded().failed_over_but(&["fence.standing"]);
    let import = |stands| {
        let (entries, facts, reason) = (came_home(), None, "x".into());
        Intent::Import { entries, facts, stands, reason }
    };
    let refused = wish(&mut bench, &import(None)).unwrap_err();
    assert!(matches!(refused, Refusal::TwoMoves { .. }), "{refused}");
    let refused = wish(&mut bench, &import(Some(Stands::Ours))).unwrap_err().to_string();
    let told = "`--stands ours` says that standby has the newest writer, and its database instance";
    assert!(refused.contains(told), "{refused}");
    let records = wish(&mut bench, &import(Some(Stands::Theirs))).unwrap();
    assert_eq!(kinds(&records), ["Imported"]);
}

#[test]
fn a_failover_without_a_member_to_promote_is_refused_before_it_begins() {
    let gone = looked(|op| match op {
        Op::Rds(scope, RdsOp::Describe(_)) if scope.region.as_str() == "eu-central-1" => {
            Err(Fault::NotFound("DBInstanceNotFound".into()))
        }
        _ => fit(op),
    });
    let mut bench = Bench::of(gone).recorded();
    let refused = wish(&mut bench, &failover(Some(60), None)).unwrap_err().to_string();
    assert_eq!(refused, "standby's database instance cannot be promoted: it does not exist");
}

#[test]
fn s10_a_yes_answers_what_its_run_asks_with_the_loss_that_is_asked_about() {
    let approve = |run: &str, secs: Option<u64>| Intent::Approve {
        run: run.into(),
        accept_loss: secs.map(Span::secs),
        accept_unfenced: false,
        keep_trying: false,
    };
    let mut open = Bench::fit().failing_over();
    assert_eq!(wish(&mut open, &approve("r2", None)), Err(Refusal::NoSuchRun("r2".into())));
    assert_eq!(wish(&mut open, &approve("r1", None)), Err(Refusal::NothingAsked("r1".into())));
    let mut asks = Bench::fit().asking(QuestionKind::AcceptLoss, Some(61_000));
    let needed = Some(Span::secs(61));
    for less in [None, Some(60)] {
        assert_eq!(wish(&mut asks, &approve("r1", less)), Err(Refusal::MoreLoss { needed }));
    }
    let (step, by, accept_loss_ms) = ("approval".into(), "ann".to_owned(), Some(61_000));
    let answered = Record::Answered { step, by, accept_loss_ms };
    assert_eq!(wish(&mut asks, &approve("r1", Some(61))), Ok(vec![answered.clone()]));
    let mut plain = Bench::fit().asking(QuestionKind::Approve, None);
    let Record::Answered { step, by, .. } = answered else { panic!() };
    let answered = Record::Answered { step, by, accept_loss_ms: None };
    assert_eq!(wish(&mut plain, &approve("r1", None)), Ok(vec![answered]));
}

#[test]
fn s10_a_yes_to_leave_a_site_that_serves_again_is_refused() {
    let yes = Intent::Approve {
        run: "r1".into(),
        accept_loss: Some(Span::secs(600)),
        accept_unfenced: false,
        keep_trying: false,
    };
    for kind in [QuestionKind::AcceptLoss, QuestionKind::Approve] {
        let asks = || Bench::fit().sampled(down).asking(kind, Some(61_000));
        assert_eq!(kinds(&wish(&mut asks(), &yes).unwrap()), ["Answered"]);
        // A few samples are no verdict yet.
        let mut back = asks().sampled_times(3, fit);
        let serving = back.group.sampler.serving(Site::Home, back.now.mono);
        assert_ne!(serving.verdict, Answer3::Yes);
        let refused = wish(&mut back, &yes).unwrap_err().to_string();
        assert!(refused.starts_with("home is seen to serve again"), "{refused}");
        assert!(refused.contains("`bowline cancel shop --run r1`"), "{refused}");
        let mut again = back.sampled_times(3, down);
        assert_eq!(kinds(&wish(&mut again, &yes).unwrap()), ["Answered"]);
    }
    let mut overdue = Bench::fit().sampled(fit).asking(QuestionKind::Overdue, None);
    assert_eq!(kinds(&wish(&mut overdue, &yes).unwrap()), ["Answered"], "it does not ask to leave");
}

#[test]
fn s10_a_failover_by_hand_loses_what_was_written_since_the_site_serves_again() {
    let mut bench = Bench::fit().recorded().sampled(down).sampled_times(3, fit);
    let records = wish(&mut bench, &failover(Some(600), None)).unwrap();
    let Record::Opened { fault_at, .. } = &records[1] else { panic!() };
    assert_eq!(fault_at, &Some(bench.now.wall));
}

#[test]
fn s10_a_failover_by_hand_loses_what_was_written_until_users_were_last_served() {
    let opened = |bench: &mut Bench| {
        let records = wish(bench, &failover(Some(600), None)).unwrap();
        let Record::Opened { fault_at, .. } = &records[1] else { panic!() };
        fault_at.unwrap()
    };
    let mut once = Bench::fit().recorded().sampled(down);
    let fault = once.group.sampler.serving(Site::Home, once.now.mono).first_bad.unwrap();
    assert_eq!(opened(&mut once), fault.wall, "it never served since");
    let mut twice = Bench::fit().recorded().sampled(down).sampled_times(3, fit);
    let served = twice.now.wall;
    twice = twice.sampled_times(3, down);
    let first_bad = twice.group.sampler.serving(Site::Home, twice.now.mono).first_bad.unwrap();
    assert!(first_bad.wall < served, "the verdict remembers the first fault");
    assert!(opened(&mut twice) >= served);
}

#[test]
fn s1_a_yes_that_was_meant_for_another_question_goes_on_beside_no_old_writer() {
    let mut asks = Bench::fit().asking(QuestionKind::UnconfirmedFence, None);
    let yes = |accept_unfenced| Intent::Approve {
        run: "r1".into(),
        accept_loss: Some(Span::secs(600)),
        accept_unfenced,
        keep_trying: false,
    };
    assert_eq!(wish(&mut asks, &yes(false)), Err(Refusal::Unfenced(Site::Home)));
    let records = wish(&mut asks, &yes(true)).unwrap();
    assert_eq!(kinds(&records), ["Answered"]);
}

#[test]
fn s4_a_yes_that_was_meant_for_a_step_that_is_overdue_approves_no_move() {
    let yes = Intent::Approve {
        run: "r1".into(),
        accept_loss: None,
        accept_unfenced: false,
        keep_trying: true,
    };
    let mut asks = Bench::fit().asking(QuestionKind::Approve, None);
    let refused = wish(&mut asks, &yes).unwrap_err().to_string();
    let words = "r1 does not ask whether to keep trying; approval asks: ";
    assert!(refused.starts_with(words), "{refused}");
    let mut overdue = Bench::fit().asking(QuestionKind::Overdue, None);
    assert_eq!(kinds(&wish(&mut overdue, &yes).unwrap()), ["Answered"]);
}

#[test]
fn s6_a_run_is_cancelled_by_its_name_until_its_point_of_no_return() {
    let cancel = |run: &str| Intent::Cancel { run: run.into() };
    let mut open = Bench::fit().failing_over();
    assert_eq!(wish(&mut open, &cancel("r2")), Err(Refusal::NoSuchRun("r2".into())));
    let records = wish(&mut open, &cancel("r1")).unwrap();
    assert_eq!(kinds(&records), ["Unwinding", "Planned"]);
    let mut back = open.told(records);
    assert_eq!(wish(&mut back, &cancel("r1")), Ok(Vec::new()), "it is on its way back");
    let mut committed = Bench::fit().failing_over().started("promote");
    assert_eq!(wish(&mut committed, &cancel("r1")), Err(Refusal::Committed("r1".into())));
}

#[test]
fn s1_a_run_cancelled_beside_anothers_claim_undoes_nothing() {
    let cancel = Intent::Cancel { run: "r1".into() };
    let mut open = Bench::of(looked(claimed)).failing_over();
    let records = wish(&mut open, &cancel).unwrap();
    assert_eq!(kinds(&records), ["Unwinding", "Closed"]);
    let mut back = open.told(records[..1].to_vec());
    assert_eq!(kinds(&wish(&mut back, &cancel).unwrap()), ["Closed"]);
}

#[test]
fn a_group_is_armed_while_home_serves_its_member_exists_and_its_facts_are_recorded() {
    let mut fit_one = Bench::fit().sampled(fit).recorded();
    assert_eq!(wish(&mut fit_one, &Intent::Arm), Ok(vec![Record::Armed]));
    let why = |bench: &mut Bench| match wish(bench, &Intent::Arm) {
        Err(Refusal::NotReady(why)) => why,
        other => panic!("{other:?}"),
    };
    let mut away = Bench::fit().sampled(fit).recorded().failed_over();
    assert_eq!(why(&mut away), "a group is armed while home serves");
    let unseen = format!("home serving: {}", Answer3::Unknown);
    assert_eq!(why(&mut Bench::fit().recorded()), unseen);
    let unrecorded = why(&mut Bench::fit().sampled(fit));
    assert_eq!(unrecorded, "the facts are not recorded yet; try again");
    let no_member = looked(|op| match op {
        Op::Rds(scope, RdsOp::Describe(_)) if scope.region.as_str() == "eu-central-1" => {
            Err(Fault::NotFound("DBInstanceNotFound".into()))
        }
        _ => fit(op),
    });
    let told = why(&mut Bench::of(no_member).sampled(fit).recorded());
    assert!(told.starts_with("standby has no database instance"), "{told}");
    let unknown = looked(|op| match op {
        Op::Elb(..) => Err(Fault::Transient("503".into())),
        _ => fit(op),
    });
    let mut unknown = Bench::of(unknown).sampled(fit).recorded();
    assert!(matches!(
        wish(&mut unknown, &Intent::Arm),
        Err(Refusal::Incomplete(_) | Refusal::NotReady(_))
    ));
}

// === taking one ===

fn object(uid: &str, group: &str, at: Wall, intent: &Intent) -> IntentObject {
    let bytes = serde_json::to_string(intent).unwrap().into();
    IntentObject { uid: uid.into(), group: group.into(), by: "ann".into(), at, bytes }
}

/// What a turn writes about these intents.
fn written(bench: &mut Bench, intents: &[IntentObject]) -> Vec<Record> {
    bench.at(|group, host| group.take_intent(host, intents));
    bench.written()
}

#[test]
fn s1_the_claim_of_a_run_comes_before_the_intent_that_began_it() {
    let mut bench = Bench::fit().recorded();
    let wanted = object("u1", "shop", bench.now.wall, &failover(Some(60), None));
    let records = written(&mut bench, &[wanted]);
    assert_eq!(kinds(&records), ["Claimed", "IntentTaken", "Opened", "Planned"]);
    assert!(bench.group.told, "somebody wanted something that was followed");
}

#[test]
fn each_intent_of_the_group_is_taken_once_and_the_first_comes_first() {
    let mut bench = Bench::fit();
    let now = bench.now.wall;
    let pause = Intent::Pause { reason: "deploy".into() };
    let intents = [
        object("u0", "other", now, &Intent::Resume),
        object("u1", "shop", now, &pause),
        object("u2", "shop", now, &Intent::Resume),
    ];
    let records = written(&mut bench, &intents);
    assert_eq!(kinds(&records), ["IntentTaken", "Paused"]);
    let mut later = Bench::fit().told(records);
    assert_eq!(kinds(&written(&mut later, &intents)), ["IntentTaken", "Resumed"]);
    assert_eq!(written(&mut Bench::fit(), &intents[..1]), [], "another group's");
    let mut follower = Bench::fit();
    let taken = follower.at(|group, host| {
        host.leads = false;
        group.take_intent(host, &intents);
        group.desk.settled()
    });
    assert!(taken, "only a leader takes what is wanted");
}

#[test]
fn a_wish_is_good_for_ten_minutes_a_pause_for_ever_and_what_is_no_wish_is_refused() {
    let refusal = |secs: u64, intent: &Intent| {
        let mut bench = Bench::fit();
        let at = bench.now.wall - Span::secs(secs);
        let records = written(&mut bench, &[object("u1", "shop", at, intent)]);
        let Record::IntentTaken { refused, .. } = &records[0] else { panic!("{records:?}") };
        assert_eq!(bench.group.told, refused.is_none());
        (at, refused.clone())
    };
    assert_eq!(refusal(600, &Intent::Resume).1, None);
    let (at, refused) = refusal(601, &Intent::Resume);
    assert_eq!(refused, Some(Refusal::TooOld { at }));
    assert_eq!(refusal(601, &Intent::Pause { reason: "deploy".into() }).1, None);
    let mut bench = Bench::fit();
    let mut odd = object("u1", "shop", bench.now.wall, &Intent::Resume);
    odd.bytes = "{}".into();
    let records = written(&mut bench, &[odd]);
    let Record::IntentTaken { intent: None, refused: Some(Refusal::Unreadable(_)), .. } =
        &records[0]
    else {
        panic!("{records:?}")
    };
}

#[test]
fn s1_a_failover_waits_until_it_was_looked_whose_claim_stands_everywhere() {
    let policy = Ground::shop().policy;
    let unseen = |answers: bool| {
        looked(|op| match op {
            Op::Kube(cluster, KubeOp::Fence(_)) if *cluster == policy.standby.cluster => {
                let reply = Err(Fault::Transient("503".into()));
                if answers { reply } else { Err(Fault::Invalid("not asked yet".into())) }
            }
            _ => fit(op),
        })
    };
    let mut waits = Bench::of(unseen(false)).recorded();
    let now = waits.now.wall;
    let wanted = [object("u1", "shop", now, &failover(Some(60), None))];
    assert_eq!(written(&mut waits, &wanted), [], "it may be answered yet");
    let other = [object("u1", "shop", now, &Intent::Resume)];
    assert_eq!(kinds(&written(&mut waits, &other)), ["IntentTaken", "Resumed"]);
    let records = written(&mut Bench::of(unseen(true)).recorded(), &wanted);
    let Record::IntentTaken { refused: Some(Refusal::NotReady(why)), .. } = &records[0] else {
        panic!("{records:?}")
    };
    assert!(why.starts_with("whose claim stands in standby's cluster is not known"), "{why}");
}

#[test]
fn s10_an_unknown_loss_is_not_called_none_and_any_named_one_is_a_humans_word() {
    let refused = enough(None, None).unwrap_err();
    assert_eq!(refused, Refusal::MoreLoss { needed: None });
    assert!(refused.to_string().contains("is not known"), "{refused}");
    assert_eq!(enough(None, Some(Span::secs(1))), Ok(()));
    let more = enough(Some(Span::millis(60_001)), Some(Span::secs(60))).unwrap_err();
    assert_eq!(more, Refusal::MoreLoss { needed: Some(Span::secs(61)) });
    assert!(more.to_string().contains("--accept-loss 1m1s"), "{more}");
    assert_eq!(enough(Some(Span::secs(61)), Some(Span::secs(61))), Ok(()));
}

#[test]
fn l2_a_replica_of_which_nobody_knows_whether_it_streams_is_not_made_anew() {
    let silent = |op: &Op| match op {
        Op::Rds(..) => Err(Fault::Unknown("no answer".into())),
        _ => fit(op),
    };
    let refused = wish(&mut Bench::of(looked(silent)).recorded(), &switchover());
    let Err(Refusal::NotReady(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("RDS does not say whether standby's"), "{why}");
    assert_eq!(kinds(&wish(&mut Bench::fit().recorded(), &switchover()).unwrap()), BEGUN);
}

/// The shop in a switchover of which these steps were begun.
fn switching_over(begun: &[&str]) -> Bench {
    begun.iter().fold(Bench::fit().recorded().switching_over(), |bench, step| bench.started(step))
}

#[test]
fn s9_a_failover_that_is_ordered_takes_the_place_of_what_waits_for_a_dead_site() {
    let ordered = |mut bench: Bench| wish(&mut bench, &failover(Some(60), None));
    let took = |bench: Bench| kinds(&ordered(bench).unwrap());
    let place = ["Claimed", "Closed", "Opened", "Planned"];
    assert_eq!(took(switching_over(&["quiesce.shop.web", "close"])), place);
    let back = |bench: Bench| bench.told(vec![Record::Unwinding { why: "cancelled".into() }]);
    assert_eq!(took(back(switching_over(&["close"]))), place);
    assert_eq!(took(back(Bench::fit().recorded().ordered())), place, "a failover that goes back");
    let made = switching_over(&["rename.standby", "rebuild.standby"]).done("rebuild.standby");
    assert_eq!(took(made), place);
    let unmade = switching_over(&["rename.standby"]);
    for stands in [switching_over(&["promote"]), unmade, Bench::fit().recorded().failing_over()] {
        let run = stands.group.ledger().open_run().unwrap().id.clone();
        assert_eq!(ordered(stands), Err(Refusal::RunOpen(run)));
    }
}
