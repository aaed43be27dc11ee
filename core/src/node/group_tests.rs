//! What a group makes of the answers that it gets, and when it wants to be woken.

use super::*;
use crate::model::{Answer3, Counted};
use crate::node::sampler::Frame;
use crate::node::testing::{Bench, Reply, down, fit};
use crate::run::Record;
use crate::testing::opened;

/// An answer to a call of the group, and whether there may be something new to do.
fn answered(bench: &mut Bench, owner: GroupOwner, result: Result<Answer, Fault>) -> bool {
    bench.at(|group, host| group.reply(host, owner, result))
}

/// The same, where the replica follows.
fn followed(bench: &mut Bench, owner: GroupOwner, result: Result<Answer, Fault>) -> bool {
    bench.at(|group, host| {
        host.leads = false;
        group.reply(host, owner, result)
    })
}

/// The replica reads these records from the store.
fn reads(bench: &mut Bench, records: Vec<Record>) {
    let entry = bench.entry(records);
    bench.group.desk.begin_to_lead();
    bench.group.desk.read(bench.now.mono);
    assert!(answered(bench, GroupOwner::Chain, Ok(Answer::Entries(vec![entry]))));
}

#[test]
fn s4_what_was_seen_of_a_site_that_a_planned_move_silenced_is_forgotten_when_it_is_undone() {
    let verdict = |kind, ended: Ended| {
        let mut bench = Bench::fit().sampled(fit).begins(opened(kind, Site::Home));
        reads(&mut bench, vec![Record::Closed { ended }]);
        bench.group.sampler.serving(Site::Home, bench.now.mono).verdict
    };
    let undone = || Ended::Unwound("cancelled".into());
    assert_eq!(verdict(PlanKind::Switchover, undone()), Answer3::Unknown);
    assert_eq!(verdict(PlanKind::Switchover, Ended::Moved), Answer3::Yes);
    assert_eq!(verdict(PlanKind::Failover, undone()), Answer3::Yes, "it silenced nobody");
    for (step, forgotten) in [("fence", Answer3::Unknown), ("claim.losing", Answer3::Yes)] {
        let mut bench = Bench::fit().sampled(fit).failing_over().started(step);
        reads(&mut bench, vec![Record::Closed { ended: undone() }]);
        let verdict = bench.group.sampler.serving(Site::Home, bench.now.mono).verdict;
        assert_eq!(verdict, forgotten, "{step}");
    }
}

#[test]
fn s10_samples_of_a_member_that_was_rebuilt_are_those_of_another_one() {
    let sampled = |outputs: &[&str]| {
        let mut bench = Bench::fit().failing_over();
        let replication = bench.group.known.replication.entry(Site::Standby).or_default();
        replication.described(Wall(900_000), true);
        replication.point(Wall(900_000), Some(1_000));
        let value = |name: &&str| ((*name).into(), "db-new".into());
        let outputs = outputs.iter().map(value).collect();
        let (step, note, unknown) = ("promote".into(), String::new(), false);
        reads(&mut bench, vec![Record::Done { step, outputs, note, unknown }]);
        bench.group.known.replication.contains_key(&Site::Standby)
    };
    assert!(!sampled(&["resource"]));
    assert!(sampled(&["instance"]) && sampled(&[]));
}

#[test]
fn l1_a_look_over_the_quota_is_made_when_its_turn_comes_and_is_no_trouble() {
    let mut bench = Bench::fit();
    let claim = |(_, look): &(usize, &Look)| matches!(look, Look::ZoneClaim(_));
    let claim = bench.group.survey.looks().find(claim).unwrap().0;
    let looks = |bench: &mut Bench, secs: u64| {
        let now = Now { mono: bench.now.mono + Span::secs(secs), ..bench.now };
        let Group { survey, policy, known, .. } = &mut bench.group;
        survey.due(policy, known, now).into_iter().map(|(index, _)| index).collect::<Vec<_>>()
    };
    assert!(looks(&mut bench, 120).contains(&claim));
    let refused = Err(Fault::Throttled { after: Some(Span::secs(3)) });
    assert!(!answered(&mut bench, GroupOwner::Survey(claim), refused));
    assert_eq!(bench.group.known.troubles.get(&claim), None, "nobody looked");
    assert!(!looks(&mut bench, 2).contains(&claim));
    assert!(looks(&mut bench, 3).contains(&claim));
    let refused = || Err(Fault::Throttled { after: Some(Span::secs(3)) });
    let mut later = bench.later(Span::secs(29));
    assert!(!answered(&mut later, GroupOwner::Survey(claim), refused()));
    assert_eq!(later.group.known.troubles.get(&claim), None);
    let mut bench = later.later(Span::secs(1));
    answered(&mut bench, GroupOwner::Survey(claim), refused());
    assert!(bench.group.known.troubles.contains_key(&claim), "whoever needs it must know");
    assert!(looks(&mut bench, 3).contains(&claim));
}

/// A new group looks; all looks but the one at standby's claim are answered. Whose that one is.
fn all_but_the_claim(bench: &mut Bench) -> Option<GroupOwner> {
    let mut claim = None;
    bench.at(|group, host| group.poll(host));
    for (owner, op) in bench.waiting() {
        let look = match owner {
            GroupOwner::Survey(index) => bench.group.survey.look(index),
            _ => None,
        };
        if look == Some(&Look::ClusterClaim(Site::Standby)) {
            claim = Some(owner);
        } else if let reply @ (Ok(_) | Err(Fault::NotFound(_))) = fit(&op) {
            answered(bench, owner, reply);
        }
    }
    claim
}

#[test]
fn l2_a_claim_vets_what_was_seen_when_it_was_asked_for_and_no_more() {
    let new = || Bench::of(Group::new(1, crate::policy::examples::shop()));
    let none = || Ok(Answer::Fence(None));
    let mut bench = new();
    let claim = all_but_the_claim(&mut bench).unwrap();
    let mut bench = bench.later(Span::secs(5));
    assert_eq!(all_but_the_claim(&mut bench), None, "it is still awaited");
    answered(&mut bench, claim, none());
    assert!(!bench.group.known.vetted(), "the instances were seen after it was asked for");
    let mut bench = bench.later(Span::secs(25));
    let claim = all_but_the_claim(&mut bench).unwrap();
    answered(&mut bench, claim, none());
    assert!(bench.group.known.vetted());
}

#[test]
fn s8_the_region_that_a_failover_left_is_known_until_it_is_over_and_after() {
    assert_eq!(Bench::fit().group.failed_over_from(), None);
    let at = Bench::fit().failing_over().group.ledger().last_automatic_failover.unwrap().at;
    let left = Some(("shop".into(), "eu-west-1".into(), at));
    assert_eq!(Bench::fit().failing_over().group.failed_over_from(), left);
    assert_eq!(Bench::fit().failed_over().group.failed_over_from(), left);
    assert_eq!(Bench::fit().ordered().group.failed_over_from(), None, "a human left what served");
}

#[test]
fn s8_a_failover_by_hand_counts_where_the_site_had_failed_and_until_it_is_undone() {
    let opened = Bench::fit().ordered().group.ledger().open_run().unwrap().opened_at;
    let ordered = |fault_at| Bench::fit().ordered_after(Some(fault_at));
    let left = |bench: Bench| bench.group.failed_over_from().map(|(_, region, at)| (region, at));
    assert_eq!(left(ordered(opened - Span::secs(1))), Some(("eu-west-1".into(), opened)));
    assert_eq!(left(ordered(opened)), None, "it served until then");
    let undone = vec![Record::Unwinding { why: "cancelled".into() }];
    assert_eq!(left(ordered(opened - Span::secs(1)).told(undone)), None);
}

#[test]
fn an_answer_that_tells_nothing_new_is_no_followers_turn() {
    let mut bench = Bench::fit();
    bench.group.sampler.has_news();
    let lost = || Err(Fault::Unknown("no answer in time".into()));
    for owner in [GroupOwner::Facts, GroupOwner::Canary(0)] {
        assert!(answered(&mut bench, owner, lost()), "a leader looks at the time too");
    }
    let lag = || vec![Counted { at: Wall(960_000), thousandths: 1_000 }];
    for news in [true, false] {
        let said = followed(&mut bench, GroupOwner::Survey(3), Ok(Answer::Points(lag())));
        assert_eq!(said, news, "a point");
        assert_eq!(followed(&mut bench, GroupOwner::Survey(4), lost()), news, "silence");
    }
    for owner in [GroupOwner::Facts, GroupOwner::Canary(0)] {
        assert!(!followed(&mut bench, owner.clone(), lost()), "{owner:?}");
    }
    assert!(followed(&mut bench, GroupOwner::PutFacts, lost()), "it is to be written again");
    let nobody = crate::node::calls::SampleSlot { slot: 99, round: 1, index: 0 };
    assert!(!followed(&mut bench, GroupOwner::Sample(nobody), Ok(Answer::Ok)));
}

#[test]
fn a_followers_turn_comes_when_a_sample_changes_what_is_known_of_a_site() {
    let mut bench = Bench::fit();
    bench.group.sampler.has_news();
    let mut turns = |world: fn(&Op) -> Reply| {
        let mut turns = 0;
        for _ in 0..60 {
            let active = bench.group.active();
            let frame = Frame { known: &bench.group.known, active, leads: false };
            for asking in bench.group.sampler.due(&bench.group.policy, &frame, bench.now) {
                let answer = world(&asking.op);
                let owner = GroupOwner::Sample(asking.slot);
                turns += u32::from(followed(&mut bench, owner, answer));
            }
            bench.now.mono = bench.now.mono + Span::secs(5);
        }
        turns
    };
    assert!(turns(fit) > 0, "who was unknown answers, and serves");
    assert_eq!(turns(fit), 0);
    let down = turns(down);
    assert!((1..10).contains(&down), "{down} turns: a verdict changes a few times");
}

#[test]
fn a_chain_that_has_nothing_new_is_no_followers_turn() {
    let mut bench = Bench::fit();
    let hears = |bench: &mut Bench, after, result| {
        bench.group.desk.read(Mono(bench.now.mono.0 + after)).unwrap();
        followed(bench, GroupOwner::Chain, result)
    };
    assert!(!hears(&mut bench, 60_000, Ok(Answer::Entries(Vec::new()))));
    assert!(hears(&mut bench, 70_000, Err(Fault::Transient("503".into()))));
    bench.group.desk.begin_to_lead();
    assert!(hears(&mut bench, 90_000, Ok(Answer::Entries(Vec::new()))), "it did not know all");
}

#[test]
fn a_look_at_records_says_whether_aws_answers_and_other_looks_do_not() {
    use crate::health::Reach;
    let records = Bench::fit();
    let looks = records.group.survey.looks();
    let looks: Vec<_> = looks.map(|(index, look)| (index, look.clone())).collect();
    for (index, look) in looks {
        let mut bench = Bench::fit();
        for news in [true, false, false] {
            let lost = Err(Fault::Unknown("no answer in time".into()));
            let turn = followed(&mut bench, GroupOwner::Survey(index), lost);
            // The third silence in a row may be news of a whole direction.
            assert!(turn || !news, "{look:?}: what the look came to is new");
        }
        let told = matches!(look, crate::node::survey::Look::Records(..));
        let reach = bench.group.sampler.aws().reach();
        assert_eq!(reach == Reach::Silent, told, "{look:?}");
    }
}

#[test]
fn a_follower_is_woken_for_its_looks_and_a_leader_also_for_what_it_tells() {
    let mut bench = Bench::fit().sampled(fit);
    let now = bench.now.mono;
    let wakes = |bench: &Bench, leads| bench.group.wake_at(leads, now);
    bench.at(|group, host| {
        host.leads = false;
        group.poll(host);
    });
    let looks = wakes(&bench, false).unwrap();
    assert!(looks >= now, "everything that was due has been asked: {looks:?}");
    let policy = bench.group.policy.clone();
    let message = crate::node::notices::Message {
        kind: "alert",
        run: None,
        title: "hello".into(),
        body: String::new(),
    };
    bench.group.notices.tell(&policy, &message, Mono(7));
    assert_eq!(wakes(&bench, false), Some(looks), "it tells nobody");
    assert_eq!(wakes(&bench, true), Some(Mono(7)));
    bench.group.desk.begin_to_lead();
    assert_eq!(wakes(&bench, true), Some(looks), "until its chain was read it tells nobody");
}

#[test]
fn a_turn_asks_what_is_due_and_reads_and_writes_the_chain() {
    let mut bench = Bench::of(Group::new(1, crate::policy::examples::shop()));
    bench.group.desk.begin_to_lead();
    bench.at(|group, host| group.poll(host));
    let sent: Vec<_> = bench.sent().iter().map(|op| format!("{op:?}")).collect();
    for wanted in ["Read { group", "Facts { group", "Describe(", "Fence(", "CheckStatus("] {
        assert!(sent.iter().any(|op| op.contains(wanted)), "{wanted}: {sent:#?}");
    }
    bench.at(|group, host| group.poll(host));
    assert_eq!(bench.sent(), [], "each is asked once");
    let mut writes = Bench::fit();
    writes.group.desk.push(Record::Armed);
    writes.at(|group, host| group.poll(host));
    let appended = |op: &Op| matches!(op, Op::Store(StoreOp::Append { .. }));
    assert!(writes.sent().iter().any(appended));
    let mut follower = Bench::fit();
    follower.group.decision = Some(Decision::FailOver);
    follower.at(|group, host| {
        host.leads = false;
        group.poll(host);
    });
    assert!(!follower.sent().iter().any(appended), "only a leader begins anything");
    assert_eq!(follower.group.obstacle, None, "a follower does not even try");
}
