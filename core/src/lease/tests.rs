//! The lease's promises: scripted stories against one machine here, whole worlds in `safety`.

use super::*;
use crate::model::Wall;

mod safety;
mod world;

const TIMES: LeaseTimes =
    LeaseTimes { duration: Span::secs(15), renew_deadline: Span::secs(10), retry: Span::secs(2) };

fn at(millis: u64) -> Now {
    Now { mono: Mono(millis), wall: Wall(1_000_000) }
}

fn version(text: &str) -> Version {
    Version::new(text)
}

fn lease(id: &str) -> Lease {
    Lease::new(ReplicaId::new(id), TIMES)
}

fn spec(holder: Option<&str>) -> LeaseSpec {
    LeaseSpec {
        holder: holder.map(ReplicaId::new),
        duration: TIMES.duration,
        transitions: 3,
        renewed: Wall(0),
    }
}

fn record(v: &str, holder: Option<&str>) -> Result<Answer, Fault> {
    Ok(Answer::Lease(Some(LeaseView { version: version(v), lease: spec(holder) })))
}

fn written(v: &str) -> Result<Answer, Fault> {
    Ok(Answer::Written(version(v)))
}

fn unknown() -> Result<Answer, Fault> {
    Err(Fault::Unknown("reset".into()))
}

fn conflict() -> Result<Answer, Fault> {
    Err(Fault::Conflict("version".into()))
}

fn wake(lease: &mut Lease, millis: u64) -> Option<LeaseCall> {
    lease.handle(at(millis), LeaseInput::Wake)
}

fn reply(
    lease: &mut Lease,
    millis: u64,
    call: &LeaseCall,
    result: Result<Answer, Fault>,
) -> Option<LeaseCall> {
    lease.handle(at(millis), LeaseInput::Reply { ticket: call.ticket, result })
}

fn is_read(call: &LeaseCall) -> bool {
    call.op == LeaseOp::Read
}

/// The version that a write is over, and the holder it writes.
fn write_of(call: &LeaseCall) -> (Option<&str>, Option<&str>) {
    match &call.op {
        LeaseOp::Write { version, lease } => {
            (version.as_ref().map(Version::as_str), lease.holder.as_ref().map(ReplicaId::as_str))
        }
        LeaseOp::Read => panic!("a read"),
    }
}

/// A replica that took a free record at 0 ms (version 1, written at 0, acknowledged at 100).
fn leader() -> Lease {
    let mut a = lease("a");
    let read = wake(&mut a, 0).unwrap();
    assert!(is_read(&read));
    let write = reply(&mut a, 0, &read, Ok(Answer::Lease(None))).unwrap();
    assert_eq!(write_of(&write), (None, Some("a")));
    assert_eq!(a.leads(Mono(50)), None, "nothing is believed before the write is acknowledged");
    assert_eq!(reply(&mut a, 100, &write, written("1")), None);
    a
}

#[test]
fn a_claim_ends_the_renew_deadline_after_the_renewal_was_sent_not_answered() {
    let a = leader();
    assert_eq!(a.leads(Mono(100)), Some(Until(Mono(10_000))));
    assert_eq!(a.leads(Mono(9_999)), Some(Until(Mono(10_000))));
    assert_eq!(a.leads(Mono(10_000)), None);
}

#[test]
fn a_leader_renews_every_retry_over_the_version_it_wrote() {
    let mut a = leader();
    assert_eq!(a.wake_at(), Some(Mono(2_000)));
    assert_eq!(wake(&mut a, 1_999), None);
    let renewal = wake(&mut a, 2_000).unwrap();
    assert_eq!(write_of(&renewal), (Some("1"), Some("a")));
    assert_eq!(reply(&mut a, 2_500, &renewal, written("2")), None);
    assert_eq!(a.leads(Mono(2_500)), Some(Until(Mono(12_000))));
    assert_eq!(write_of(&wake(&mut a, 4_000).unwrap()), (Some("2"), Some("a")));
}

#[test]
fn an_attempt_takes_at_most_a_third_of_the_renew_deadline() {
    let mut a = leader();
    let renewal = wake(&mut a, 2_000).unwrap();
    assert_eq!(renewal.deadline, Mono(2_000 + 3_333));
    assert_eq!(a.wake_at(), Some(renewal.deadline));
    assert!(TIMES.attempt().times(3) <= TIMES.renew_deadline);
}

#[test]
fn others_wait_the_whole_duration_from_when_they_first_saw_the_version() {
    let mut b = lease("b");
    let mut call = wake(&mut b, 40_000).unwrap();
    let mut now = 40_000;
    while reply(&mut b, now, &call, record("7", Some("a"))).is_none() {
        now = b.wake_at().unwrap().0;
        let next = wake(&mut b, now).unwrap();
        if !is_read(&next) {
            assert_eq!(now, 55_000);
            assert_eq!(write_of(&next), (Some("7"), Some("b")));
            return;
        }
        call = next;
    }
    panic!("wrote before the duration was over, at {now}");
}

#[test]
fn a_record_that_changes_is_waited_for_anew() {
    let mut b = lease("b");
    let read = wake(&mut b, 0).unwrap();
    reply(&mut b, 0, &read, record("1", Some("a")));
    let read = wake(&mut b, 14_000).unwrap();
    reply(&mut b, 14_000, &read, record("2", Some("a")));
    let call = wake(&mut b, 16_000).unwrap();
    assert!(is_read(&call), "15 s after version 1 was seen, but version 2 is young");
    reply(&mut b, 16_000, &call, record("2", Some("a")));
    let write = wake(&mut b, 29_000).unwrap();
    assert_eq!(write_of(&write), (Some("2"), Some("b")));
}

#[test]
fn a_released_record_is_taken_at_once() {
    let mut b = lease("b");
    let read = wake(&mut b, 500).unwrap();
    let write = reply(&mut b, 500, &read, record("4", None)).unwrap();
    assert_eq!(write_of(&write), (Some("4"), Some("b")));
    let LeaseOp::Write { lease, .. } = &write.op else { panic!() };
    assert_eq!(lease.transitions, 4);
}

#[test]
fn a_record_that_vanished_is_not_free_at_once() {
    let mut b = lease("b");
    let read = wake(&mut b, 0).unwrap();
    reply(&mut b, 0, &read, record("1", Some("a")));
    let read = wake(&mut b, 2_000).unwrap();
    assert_eq!(reply(&mut b, 2_000, &read, Ok(Answer::Lease(None))), None);
    assert!(is_read(&wake(&mut b, 4_000).unwrap()));
    let write = wake(&mut b, 17_000 + 333).unwrap();
    assert_eq!(write_of(&write), (None, Some("b")));
}

#[test]
fn a_stranger_with_our_name_is_waited_for_like_anybody_else() {
    let mut a = lease("a");
    let read = wake(&mut a, 0).unwrap();
    assert_eq!(reply(&mut a, 0, &read, record("9", Some("a"))), None);
    assert_eq!(a.leads(Mono(0)), None);
    assert!(is_read(&wake(&mut a, 2_000).unwrap()));
}

#[test]
fn s6_after_a_write_of_unknown_outcome_it_reads_before_anything_else() {
    for cut_off in [true, false] {
        let mut a = leader();
        let renewal = wake(&mut a, 2_000).unwrap();
        let next = if cut_off {
            wake(&mut a, renewal.deadline.0)
        } else {
            reply(&mut a, 2_100, &renewal, unknown())
        };
        let read = next.unwrap();
        assert!(is_read(&read));
        assert_eq!(reply(&mut a, 5_500, &read, Err(Fault::Transient("down".into()))), None);
        assert!(is_read(&wake(&mut a, 7_500).unwrap()), "a failed read is no read");
    }
}

#[test]
fn a_write_that_took_effect_after_all_counts_from_when_it_was_sent() {
    let mut a = leader();
    let renewal = wake(&mut a, 2_000).unwrap();
    let read = reply(&mut a, 4_000, &renewal, unknown()).unwrap();
    let next = reply(&mut a, 4_100, &read, record("2", Some("a")));
    assert_eq!(a.leads(Mono(4_100)), Some(Until(Mono(12_000))));
    assert_eq!(write_of(&next.unwrap()), (Some("2"), Some("a")), "and it is renewed");
}

#[test]
fn a_delayed_write_counts_from_the_oldest_that_it_may_have_been() {
    let mut a = leader();
    let first = wake(&mut a, 2_000).unwrap();
    let read = reply(&mut a, 2_100, &first, unknown()).unwrap();
    assert_eq!(reply(&mut a, 2_200, &read, record("1", Some("a"))), None, "paced");
    let second = wake(&mut a, 4_000).unwrap();
    let read = reply(&mut a, 4_100, &second, conflict()).unwrap();
    assert!(a.leads(Mono(4_100)).is_some(), "the conflict may be our own first write");
    reply(&mut a, 4_200, &read, record("2", Some("a")));
    assert_eq!(a.leads(Mono(4_200)), Some(Until(Mono(12_000))), "from 2 s, not from 4 s");
}

#[test]
fn of_two_writes_in_doubt_the_older_one_counts() {
    let mut a = leader();
    let first = wake(&mut a, 2_000).unwrap();
    let read = reply(&mut a, 2_100, &first, unknown()).unwrap();
    reply(&mut a, 2_200, &read, record("1", Some("a")));
    let second = wake(&mut a, 4_000).unwrap();
    let read = reply(&mut a, 4_100, &second, unknown()).unwrap();
    reply(&mut a, 4_200, &read, record("2", Some("a")));
    assert_eq!(a.leads(Mono(4_200)), Some(Until(Mono(12_000))), "either may have done it");
}

#[test]
fn an_acknowledged_write_settles_all_older_ones() {
    let mut a = leader();
    let first = wake(&mut a, 2_000).unwrap();
    let read = reply(&mut a, 2_100, &first, unknown()).unwrap();
    reply(&mut a, 2_200, &read, record("1", Some("a")));
    let second = wake(&mut a, 4_000).unwrap();
    assert_eq!(reply(&mut a, 4_100, &second, written("2")), None);
    assert_eq!(a.leads(Mono(4_100)), Some(Until(Mono(14_000))));
    let third = wake(&mut a, 6_000).unwrap();
    let read = reply(&mut a, 6_100, &third, conflict()).unwrap();
    assert_eq!(a.leads(Mono(6_100)), None, "nothing of ours was under way: somebody else wrote");
    assert_eq!(reply(&mut a, 6_200, &read, record("3", Some("b"))), None);
}

#[test]
fn a_leader_that_reads_another_name_believes_nothing_any_more() {
    let mut a = leader();
    let renewal = wake(&mut a, 2_000).unwrap();
    let read = reply(&mut a, 2_100, &renewal, unknown()).unwrap();
    assert_eq!(reply(&mut a, 2_200, &read, record("2", Some("b"))), None);
    assert_eq!(a.leads(Mono(2_200)), None);
    assert_eq!(a.holder().map(ReplicaId::as_str), Some("b"));
}

#[test]
fn a_leader_cut_off_from_the_store_stops_believing_by_itself() {
    let mut a = leader();
    let mut now = 2_000;
    while now < 30_000 {
        wake(&mut a, now);
        assert_eq!(a.leads(Mono(now)).is_some(), now < 10_000, "at {now}");
        now = a.wake_at().unwrap().0;
    }
}

#[test]
fn a_leader_has_more_than_one_attempt_before_its_claim_ends() {
    let mut a = leader();
    let first = wake(&mut a, 2_000).unwrap();
    let read = wake(&mut a, first.deadline.0).unwrap();
    let second = reply(&mut a, 5_400, &read, record("1", Some("a"))).unwrap();
    reply(&mut a, 5_500, &second, written("2"));
    assert_eq!(a.leads(Mono(10_000)), Some(Until(Mono(15_400))));
}

#[test]
fn an_old_leader_that_nobody_replaced_leads_again_by_renewing_its_own_version() {
    let mut a = leader();
    let renewal = wake(&mut a, 60_000).unwrap();
    assert_eq!(a.leads(Mono(60_000)), None);
    assert_eq!(write_of(&renewal), (Some("1"), Some("a")));
    reply(&mut a, 60_100, &renewal, written("2"));
    assert_eq!(a.leads(Mono(60_100)), Some(Until(Mono(70_000))));
}

#[test]
fn a_late_reply_to_an_older_attempt_is_dropped() {
    let mut a = leader();
    let renewal = wake(&mut a, 2_000).unwrap();
    let read = wake(&mut a, renewal.deadline.0).unwrap();
    let before = a.clone();
    assert_eq!(reply(&mut a, 5_400, &renewal, written("2")), None);
    assert_eq!(a, before);
    assert!(reply(&mut a, 5_500, &read, record("2", Some("a"))).is_some());
    assert_eq!(a.leads(Mono(5_500)), Some(Until(Mono(12_000))));
}

#[test]
fn refusals_are_retried_after_a_while_not_in_a_storm() {
    for refusal in [
        Fault::Transient("503".into()),
        Fault::Throttled { after: None },
        Fault::Denied("rbac".into()),
        Fault::Invalid("webhook".into()),
    ] {
        let mut a = leader();
        let renewal = wake(&mut a, 2_000).unwrap();
        assert_eq!(reply(&mut a, 2_001, &renewal, Err(refusal)), None);
        assert_eq!(a.wake_at(), Some(Mono(4_000)));
        assert!(a.leads(Mono(9_999)).is_some(), "a refusal did nothing, so the claim stands");
    }
}

#[test]
fn unknown_outcomes_in_a_row_do_not_become_a_storm_of_writes() {
    let mut a = leader();
    let (mut now, mut writes) = (2_000, 0);
    let mut call = wake(&mut a, now);
    while now < 22_000 {
        now += 1;
        call = match call {
            Some(sent) if is_read(&sent) => reply(&mut a, now, &sent, record("1", Some("a"))),
            Some(sent) => {
                writes += 1;
                reply(&mut a, now, &sent, unknown())
            }
            None => wake(&mut a, now),
        };
    }
    assert_eq!(writes, 10, "one every 2 s");
}

#[test]
fn a_clean_stop_ends_the_claim_first_and_releases_at_once() {
    let mut a = leader();
    let release = a.handle(at(700), LeaseInput::Stop).unwrap();
    assert_eq!(a.leads(Mono(700)), None);
    assert_eq!(write_of(&release), (Some("1"), None));
    assert!(!a.stopped());
    assert_eq!(reply(&mut a, 800, &release, written("2")), None);
    assert!(a.stopped());
    assert_eq!((a.wake_at(), a.leads(Mono(801))), (None, None));
    assert_eq!(a.handle(at(900), LeaseInput::Stop), None);
}

#[test]
fn a_clean_stop_during_a_renewal_releases_what_the_renewal_wrote() {
    let mut a = leader();
    let renewal = wake(&mut a, 2_000).unwrap();
    assert_eq!(a.handle(at(2_010), LeaseInput::Stop), None);
    let release = reply(&mut a, 2_100, &renewal, written("2")).unwrap();
    assert_eq!(a.leads(Mono(2_100)), None, "a renewal acknowledged late is not believed");
    assert_eq!(write_of(&release), (Some("2"), None));
}

#[test]
fn a_release_of_unknown_outcome_is_looked_after() {
    let mut a = leader();
    let release = a.handle(at(700), LeaseInput::Stop).unwrap();
    let read = reply(&mut a, 800, &release, unknown()).unwrap();
    assert!(is_read(&read));
    let mut gone = a.clone();
    assert_eq!(reply(&mut gone, 900, &read, record("2", None)), None);
    assert!(gone.stopped());
    assert_eq!(reply(&mut a, 900, &read, record("1", Some("a"))), None);
    let again = wake(&mut a, 2_700).unwrap();
    assert_eq!(write_of(&again), (Some("1"), None));
}

#[test]
fn a_stop_that_cannot_reach_the_store_gives_up_when_others_may_take_over_anyway() {
    let mut a = leader();
    a.handle(at(700), LeaseInput::Stop).unwrap();
    let mut now = 700;
    while let Some(next) = a.wake_at() {
        now = next.0;
        wake(&mut a, now);
        assert_eq!(a.leads(Mono(now)), None);
    }
    assert!((15_700..21_000).contains(&now), "{now}");
}

#[test]
fn a_candidate_that_stops_has_nothing_to_release() {
    let mut b = lease("b");
    let read = wake(&mut b, 0).unwrap();
    assert_eq!(b.handle(at(10), LeaseInput::Stop), None);
    assert_eq!(reply(&mut b, 20, &read, record("1", Some("a"))), None);
    assert!(b.stopped());
    let mut idle = lease("c");
    assert_eq!(idle.handle(at(0), LeaseInput::Stop), None);
    assert!(idle.stopped());
}

#[test]
fn wall_clocks_decide_nothing() {
    let run = |wall: fn(u64) -> i64| {
        let mut a = lease("a");
        let now = |ms: u64| Now { mono: Mono(ms), wall: Wall(wall(ms)) };
        let read = a.handle(now(0), LeaseInput::Wake).unwrap();
        let reply = |ticket, result| LeaseInput::Reply { ticket, result };
        let write = a.handle(now(5), reply(read.ticket, Ok(Answer::Lease(None)))).unwrap();
        a.handle(now(9), reply(write.ticket, written("1")));
        (a.clone(), a.leads(Mono(9)), a.wake_at())
    };
    let forwards = run(|ms| i64::MAX - 1_000 + i64::try_from(ms).unwrap());
    let backwards = run(|ms| -1_000_000_000 * i64::try_from(ms).unwrap());
    assert_eq!(forwards, backwards);
}

proptest::proptest! {
    #[test]
    fn a_lease_moved_to_another_time_goes_on_alike(
        acts in proptest::collection::vec((0u64..7_000, 0u8..8), 1..60),
    ) {
        const LATER: u64 = 1_000_000;
        let (mut here, mut time, mut last) = (lease("a"), 0, Ticket(0));
        for (pause, what) in acts {
            time += pause;
            let result = match what {
                0 => record("1", Some("b")),
                1 => record("2", Some("a")),
                2 => written("2"),
                3 => written("3"),
                4 => conflict(),
                5 => unknown(),
                _ => Ok(Answer::Lease(None)),
            };
            let input = |ticket| match what {
                7 => LeaseInput::Wake,
                _ => LeaseInput::Reply { ticket, result: result.clone() },
            };
            let mut there = here.moved(Mono(time), Mono(LATER));
            let moved = there.handle(at(LATER), input(Ticket(0)));
            let call = here.handle(at(time), input(last));
            let told = |call: Option<&LeaseCall>, base: u64| {
                call.map(|call| (call.op.clone(), call.deadline.0 - base))
            };
            proptest::prop_assert_eq!(told(call.as_ref(), time), told(moved.as_ref(), LATER));
            let left = |lease: &Lease, base| lease.leads(Mono(base)).map(|until| until.0.0 - base);
            proptest::prop_assert_eq!(left(&here, time), left(&there, LATER));
            last = call.map_or(last, |call| call.ticket);
        }
    }
}

#[test]
fn a_call_is_given_up_at_its_deadline_and_not_before() {
    let mut reading = lease("b");
    let read = wake(&mut reading, 0).unwrap();
    let mut writing = leader();
    let write = wake(&mut writing, 2_000).unwrap();
    for (lease, call) in [(&mut reading, read), (&mut writing, write)] {
        let deadline = call.deadline.0;
        assert_eq!(wake(lease, deadline - 1), None, "its answer may still come");
        let next = wake(lease, deadline).unwrap();
        assert!(is_read(&next) && next.ticket != call.ticket);
    }
}

#[test]
fn the_record_counts_how_often_the_lease_changed_hands() {
    let transitions = |call: &LeaseCall| match &call.op {
        LeaseOp::Write { lease, .. } => lease.transitions,
        LeaseOp::Read => panic!("a read"),
    };
    let mut a = lease("a");
    let read = wake(&mut a, 0).unwrap();
    let taken = reply(&mut a, 0, &read, record("7", None)).unwrap();
    assert_eq!(transitions(&taken), 4, "the record said 3");
    reply(&mut a, 10, &taken, written("8"));
    assert_eq!(transitions(&wake(&mut a, 2_000).unwrap()), 4, "a renewal changes no hands");
}

#[test]
fn who_stops_waits_for_a_write_of_unknown_outcome_until_it_has_read() {
    let mut b = lease("b");
    let read = wake(&mut b, 0).unwrap();
    let write = reply(&mut b, 0, &read, Ok(Answer::Lease(None))).unwrap();
    assert_eq!(b.handle(at(10), LeaseInput::Stop), None);
    let read = reply(&mut b, 20, &write, unknown()).unwrap();
    assert!(is_read(&read) && !b.stopped(), "it may hold the lease without knowing");
    assert_eq!(reply(&mut b, 30, &read, Ok(Answer::Lease(None))), None);
    assert!(b.stopped(), "nothing is there to release");
}
