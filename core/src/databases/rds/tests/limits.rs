//! How long a change may take to show before it is sent again, to the millisecond; and what is not
//! enough to go on.

use super::*;

/// A world in which no change ever shows: how often a call is sent by an instant after the first.
fn sent_by(procedure: &dyn Procedure, rds: impl Fn() -> Rds, after: u64) -> usize {
    let mut drive = Drive::under(claim(1, "r"));
    let mut silent = |op: &Op| if op.mutates() { Ok(Answer::Ok) } else { rds().perform(op) };
    for passed in [0, after] {
        let wall = Wall(1_000_000 + i64::try_from(passed).unwrap());
        drive.now = Now { wall, ..drive.now };
        let judged = drive.run(procedure, &mut silent);
        assert!(matches!(judged, Ok(Judgement::Wait { .. })), "{judged:?}");
    }
    drive.sent.len()
}

fn shut(mut instance: Instance) -> Instance {
    instance.settings.security_groups = vec!["sg-closed".into()];
    instance
}

fn create() -> CreateReplica {
    CreateReplica { member: member(), source: arn("standby"), settings: settings("sg-app") }
}

/// The replica that was wanted, without what RDS takes only afterwards.
fn made() -> Instance {
    let mut made = Instance { resource: "db-2".into(), ..instance(Some("standby")) };
    made.settings.backup_retention_days = 0;
    made
}

#[test]
fn s6_a_change_is_sent_again_only_when_its_time_to_show_is_over() {
    type Stubborn = fn() -> Rds;
    let rename = Rename { member: member(), to: "db-old-1".into() };
    let reopen = reopen();
    let close = CloseDoor { member: member(), opens_until: None };
    let promote = Promote { member: member() };
    let open: Stubborn = || Rds::with(Some(instance(None)));
    let closed: Stubborn = || Rds::with(Some(shut(instance(None))));
    let all: [(&dyn Procedure, Stubborn, u64); 7] = [
        (&close, open, 30),
        (&fence(), closed, 180),
        (&reopen, closed, 30),
        (&promote, || Rds::with(Some(instance(Some("home")))), 360),
        (&rename, open, 120),
        (&create(), || Rds::with(None), 120),
        (&create(), || Rds::with(Some(made())), 120),
    ];
    for (procedure, rds, limit) in all {
        let millis = limit * 1_000;
        assert_eq!(sent_by(procedure, rds, millis - 1), 1, "before {limit} s");
        assert_eq!(sent_by(procedure, rds, millis), 2, "after {limit} s");
    }
}

#[test]
fn s1_a_closed_door_counts_only_on_an_instance_that_is_available() {
    let mut modifying = shut(instance(None));
    modifying.status = "modifying".into();
    let mut rds = Rds::with(Some(modifying));
    for procedure in
        [&CloseDoor { member: member(), opens_until: None } as &dyn Procedure, &fence()]
    {
        let (judgement, drive) = drive(&mut rds, procedure);
        assert!(matches!(judgement, Ok(Judgement::Wait { .. })), "{judgement:?}");
        assert_eq!(drive.sent, []);
    }
}

#[test]
fn s1_only_a_restart_that_ended_after_the_door_was_seen_shut_confirms_a_fence() {
    let events = [
        (999_999, true, false),
        (1_000_000, true, false),
        (1_000_001, true, true),
        (1_001_000, false, false),
    ];
    for (at, restarted, confirms) in events {
        let mut rds = Rds::with(Some(shut(instance(None))));
        let message = "DB instance".into();
        rds.events = vec![InstanceEvent { at: Wall(at), message, restarted }];
        let mut drive = Drive::under(claim(1, "r"));
        let judgement = drive.run(&fence(), &mut |op| match op {
            Op::Rds(_, RdsOp::Events { .. }) => Ok(Answer::Events(rds.events.clone())),
            op if op.mutates() => Ok(Answer::Ok),
            op => rds.perform(op),
        });
        assert_eq!(done(&judgement), confirms, "{at} {restarted}: {judgement:?}");
    }
}

#[test]
fn s1_a_fence_that_another_step_confirmed_is_not_made_again() {
    let again = Fence { unless: Some("fence".into()), ..fence() };
    let mut drive = Drive::under(claim(1, "r"));
    let confirmed = [("confirmed".into(), "990000".into())];
    drive.outputs.insert("fence".into(), confirmed.into());
    let judged = drive.run(&again, &mut |op| panic!("{op:?}"));
    let Ok(Judgement::Done { outputs, .. }) = judged else { panic!("{judged:?}") };
    assert_eq!(outputs.get("confirmed").map(|at| &**at), Some("990000"));
}

#[test]
fn an_instance_that_rds_works_on_is_not_renamed_meanwhile() {
    let mut busy = instance(None);
    busy.status = "backing-up".into();
    let rename = Rename { member: member(), to: "db-old-1".into() };
    let (judgement, drive) = drive(&mut Rds::with(Some(busy)), &rename);
    assert!(matches!(judgement, Ok(Judgement::Wait { .. })), "{judgement:?}");
    assert_eq!(drive.sent, []);
}

#[test]
fn s6_a_replica_of_somebody_else_is_not_taken_for_the_one_that_was_made() {
    let foreign = Instance { resource: "db-2".into(), ..instance(Some("elsewhere")) };
    let (judgement, drive) = drive(&mut Rds::with(Some(foreign)), &create());
    assert!(matches!(judgement, Ok(Judgement::Disagrees(_))), "{judgement:?}");
    assert_eq!(drive.sent, []);
    for (streaming, status) in [(false, "available"), (true, "creating")] {
        let unfit = Instance { streaming, status: status.into(), ..made() };
        let (judgement, drive) = super::drive(&mut Rds::with(Some(unfit)), &create());
        assert!(matches!(judgement, Ok(Judgement::Wait { .. })), "{judgement:?}");
        assert_eq!(drive.sent, []);
    }
}

#[test]
fn s10_the_last_position_is_asked_for_and_the_estimate_stands() {
    for (estimate_ms, told) in [(Some(1_500), "1500"), (None, "unknown")] {
        let position = Position { member: member(), estimate_ms };
        let mut rds = Rds::with(Some(instance(Some("home"))));
        rds.points = vec![Counted { at: Wall(900_000), thousandths: 7_000 }];
        let (judgement, _) = drive(&mut rds, &position);
        let Ok(Judgement::Done { outputs, note }) = judgement else { panic!("{judgement:?}") };
        assert_eq!(outputs.get("lossMs").map(|loss| &**loss), Some(told));
        assert!(note.contains("7000 ms"), "{note}");
    }
}

#[test]
fn l1_a_replica_of_an_idle_source_is_near_though_its_lag_says_otherwise() {
    let lags = [240, 300, 60, 120, 180];
    let points = (0..).zip(lags).map(|(n, lag): (i64, i64)| Counted {
        at: Wall(700_000 + n * 60_000),
        thousandths: lag * 1_000,
    });
    let points: Vec<_> = points.collect();
    let near = CaughtUp { member: member(), past: None, max_lag: Span::secs(30) };
    for (source, streaming, reached) in
        [(Some("home"), true, true), (Some("home"), false, false), (None, true, false)]
    {
        let mut found = Instance { streaming, ..instance(source) };
        found.settings.engine = "postgres".into();
        let mut rds = Rds::with(Some(found));
        rds.points.clone_from(&points);
        assert_eq!(done(&drive(&mut rds, &near).0), reached, "{source:?} {streaming}");
    }
}
