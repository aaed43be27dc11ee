//! The driver against an RDS that takes its time, and one that is not as recorded.

use super::*;
use crate::model::{Cluster, Counted, InstanceArn, Now, ResourceId, Scope, Site, Wall};
use crate::op::{
    Answer, CloudWatchOp, Fault, FenceView, Instance, InstanceEvent, KubeOp, Op, RdsOp,
};
use crate::step::{Held, Judgement, Procedure};
use crate::testing::{Drive, claim, settings};

mod limits;

/// One Region's RDS with one instance, whose changes take effect at once unless said otherwise.
struct Rds {
    instance: Option<Instance>,
    other: Option<Instance>,
    events: Vec<InstanceEvent>,
    points: Vec<Counted>,
    /// RDS's own clock.
    now: Wall,
    /// When a restart that is asked for ends.
    ends: Wall,
    /// Promotions take effect at once; else they only show later.
    shows: bool,
}

fn arn(instance: &str) -> InstanceArn {
    InstanceArn::of("aws", &"eu-central-1".into(), "111111111111", &instance.into())
}

fn instance(source: Option<&str>) -> Instance {
    crate::testing::instance("db", Site::Standby, "db-1", source)
}

/// The door of [`member`], opened for its application; nobody else's claim is looked for.
fn reopen() -> Reopen {
    let groups = vec!["sg-app".into()];
    Reopen { member: member(), groups, outlasts: false, claims: Vec::new() }
}

fn member() -> Member {
    Member {
        site: Site::Home,
        scope: Scope { region: "eu-west-1".into(), role: None },
        instance: "db".into(),
        resource: ResourceRef::Known("db-1".into()),
        closed: "sg-closed".into(),
    }
}

impl Rds {
    fn with(instance: Option<Instance>) -> Self {
        let (events, points) = (Vec::new(), Vec::new());
        let (now, shows) = (Wall(1_000_000), true);
        Self { instance, other: None, events, points, now, ends: Wall(1_000_001), shows }
    }

    fn perform(&mut self, op: &Op) -> Result<Answer, Fault> {
        let op = match op {
            Op::Rds(_, op) => op,
            Op::CloudWatch(_, CloudWatchOp::Points { since, .. }) => {
                let points = self.points.iter().filter(|point| point.at >= *since);
                return Ok(Answer::Points(points.copied().collect()));
            }
            other => panic!("{other:?}"),
        };
        if let RdsOp::Describe(id) = op {
            let both = self.instance.iter().chain(&self.other);
            let found = both.into_iter().find(|instance| instance.id == *id).cloned();
            let found = found.map(|found| Instance { told_at: self.now, ..found });
            return found.map(Answer::Instance).ok_or_else(|| Fault::NotFound(id.to_string()));
        }
        if let RdsOp::Events { since, .. } = op {
            let events = self.events.iter().filter(|event| event.at >= *since).cloned();
            return Ok(Answer::Events(events.collect()));
        }
        self.change(op)
    }

    fn change(&mut self, op: &RdsOp) -> Result<Answer, Fault> {
        if let RdsOp::CreateReplica { instance: id, source, settings, .. } = op {
            let source = source.instance().unwrap();
            let (id, mut settings) = (id.clone(), settings.clone());
            (settings.backup_retention_days, settings.parameter_group) = (0, None);
            let resource = ResourceId::new("db-2");
            let new = Instance { id, resource, settings, ..instance(Some(source.as_str())) };
            self.instance = Some(new);
            return Ok(Answer::Ok);
        }
        let found = self.instance.as_mut().ok_or_else(|| Fault::NotFound("db".into()))?;
        match op {
            RdsOp::SetSecurityGroups { groups, .. } => {
                found.settings.security_groups.clone_from(groups);
            }
            RdsOp::Reboot { .. } => self.events.push(InstanceEvent {
                at: self.ends,
                message: "DB instance restarted".into(),
                restarted: true,
            }),
            RdsOp::Promote(_) if found.source.is_none() => {
                return Err(Fault::Invalid("not a replica".into()));
            }
            RdsOp::Promote(_) if self.shows => (found.source, found.streaming) = (None, false),
            RdsOp::Promote(_) => {}
            RdsOp::Rename { to, .. } => found.id = to.clone(),
            RdsOp::Configure { settings, .. } => found.settings.clone_from(settings),
            other => panic!("{other:?}"),
        }
        Ok(Answer::Ok)
    }
}

fn drive(rds: &mut Rds, procedure: &dyn Procedure) -> (Result<Judgement, Fault>, Drive) {
    let mut drive = Drive::under(claim(1, "r"));
    let judgement = drive.run(procedure, &mut |op| rds.perform(op));
    (judgement, drive)
}

fn fence() -> Fence {
    Fence { member: member(), unless: None, opens_until: None }
}

fn done(judgement: &Result<Judgement, Fault>) -> bool {
    matches!(judgement, Ok(Judgement::Done { .. }))
}

#[test]
fn s1_a_fence_is_confirmed_by_the_closed_group_and_a_restart_after_it() {
    let mut rds = Rds::with(Some(instance(None)));
    let (judgement, drive) = drive(&mut rds, &fence());
    assert!(done(&judgement));
    let sent: Vec<_> = drive.sent.iter().map(|op| format!("{op:?}")).collect();
    assert!(sent[0].contains("SetSecurityGroups") && sent[1].contains("Reboot"), "{sent:?}");
    assert_eq!(drive.holds.len(), 1, "the door's former groups are recorded");
}

#[test]
fn s1_an_older_restart_or_a_closed_group_alone_confirms_nothing() {
    let mut closed = instance(None);
    closed.settings.security_groups = vec!["sg-closed".into()];
    // Before this replica's clock and behind it: only AWS's own clock counts.
    for now in [Wall(0), Wall(1_000_000), Wall(9_000_000_000_000)] {
        let mut rds = Rds::with(Some(closed.clone()));
        (rds.now, rds.ends) = (now, now);
        let (judgement, drive) = drive(&mut rds, &fence());
        assert!(matches!(judgement, Ok(Judgement::Wait { .. })), "{judgement:?}");
        assert_eq!(drive.sent.len(), 1, "one restart is asked for, not one after the other");
    }
}

#[test]
fn s1_the_restart_of_a_region_that_comes_back_confirms_no_fence() {
    let mut rds = Rds::with(Some(instance(None)));
    let restarted = |at| InstanceEvent { at, message: "restarted".into(), restarted: true };
    rds.events.push(restarted(Wall(999_500)));
    (rds.now, rds.ends) = (Wall(1_000_000), Wall(i64::MIN));
    let (judgement, _) = drive(&mut rds, &fence());
    assert!(matches!(judgement, Ok(Judgement::Wait { .. })), "{judgement:?}");
    rds.events.push(restarted(Wall(1_000_001)));
    rds.instance.as_mut().unwrap().settings.security_groups = vec!["sg-closed".into()];
    rds.ends = Wall(1_000_001);
    let (judgement, _) = drive(&mut rds, &fence());
    assert!(done(&judgement), "{judgement:?}");
}

#[test]
fn l2_an_old_writer_that_lost_its_name_has_no_clients_to_keep_out() {
    let replica = Instance { resource: "db-9".into(), ..instance(Some("standby")) };
    for present in [None, Some(replica)] {
        let (judgement, drive) = drive(&mut Rds::with(present), &fence());
        let Ok(Judgement::Steady { hold, outputs, .. }) = judgement else {
            panic!("{judgement:?}")
        };
        assert!(hold >= Span::mins(2), "a name may be gone for a while as RDS renames: {hold}");
        assert!(outputs.contains_key("confirmed") && drive.sent.is_empty());
    }
}

#[test]
fn s6_a_stranger_under_the_recorded_name_is_never_touched() {
    let stranger = |source| Instance { resource: "db-9".into(), ..instance(source) };
    let settings = settings("sg");
    let create = CreateReplica { member: member(), source: arn("elsewhere"), settings };
    let all: [(&dyn Procedure, _); 4] = [
        (&fence(), None),
        (&Promote { member: member() }, Some("home")),
        (&create, Some("home")),
        (&Reopen { groups: vec!["sg".into()], ..reopen() }, Some("home")),
    ];
    for (procedure, source) in all {
        let mut rds = Rds::with(Some(stranger(source)));
        let (judgement, drive) = drive(&mut rds, procedure);
        assert!(matches!(judgement, Ok(Judgement::Disagrees(_))), "{judgement:?}");
        assert!(drive.sent.is_empty());
    }
}

#[test]
fn s6_a_promotion_that_does_not_show_yet_is_waited_for() {
    let mut rds = Rds::with(Some(instance(Some("home"))));
    rds.shows = false;
    let mut drive = Drive::under(claim(1, "r"));
    let promote = Promote { member: member() };
    for wait in [0, 5, 60, 170] {
        drive.now = Now { wall: Wall(1_000_000 + wait * 1_000), ..drive.now };
        let judgement = drive.run(&promote, &mut |op| rds.perform(op));
        assert!(matches!(judgement, Ok(Judgement::Wait { .. })), "{judgement:?}");
    }
    assert_eq!(drive.sent.len(), 1);
    rds.instance = Some(instance(None));
    assert!(done(&drive.run(&promote, &mut |op| rds.perform(op))));
}

#[test]
fn a_promotion_waits_while_the_replica_backs_up() {
    let mut busy = instance(Some("home"));
    busy.status = "backing-up".into();
    let mut rds = Rds::with(Some(busy));
    let (judgement, drive) = drive(&mut rds, &Promote { member: member() });
    assert!(matches!(judgement, Ok(Judgement::Wait { .. })));
    assert!(drive.sent.is_empty());
}

#[test]
fn a_rebuild_renames_the_old_instance_and_creates_a_replica_under_its_name() {
    let mut rds = Rds::with(Some(instance(None)));
    let rename = Rename { member: member(), to: "db-old-1".into() };
    assert!(done(&drive(&mut rds, &rename).0));
    rds.other = rds.instance.take();
    assert!(done(&drive(&mut rds, &rename).0), "running it twice changes nothing");
    let create =
        CreateReplica { member: member(), source: arn("standby"), settings: settings("sg-app") };
    let (judgement, first) = drive(&mut rds, &create);
    let Ok(Judgement::Done { outputs, .. }) = judgement else { panic!("{judgement:?}") };
    assert_eq!(outputs.get("resource").map(|id| &**id), Some("db-2"));
    assert_eq!(first.sent.len(), 2, "created, then told what RDS takes only afterwards");
    let made = rds.instance.as_ref().map(|made| made.settings.clone());
    assert_eq!(
        made,
        Some(Box::new(settings("sg-app"))),
        "backups are on, so that it can be a source"
    );
    assert!(drive(&mut rds, &create).1.sent.is_empty(), "running it twice changes nothing");
}

#[test]
fn a_replica_is_not_created_while_the_old_instance_has_the_name() {
    let mut rds = Rds::with(Some(instance(None)));
    let create =
        CreateReplica { member: member(), source: arn("standby"), settings: settings("sg-app") };
    let (judgement, drive) = drive(&mut rds, &create);
    assert!(matches!(judgement, Ok(Judgement::Wait { .. })), "{judgement:?}");
    assert!(drive.sent.is_empty());
}

#[test]
fn s10_q_is_an_instant_at_which_nobody_was_connected_any_more() {
    let mut rds = Rds::with(Some(instance(None)));
    let gone = ConnectionsGone { member: member(), closed_by: "close".into() };
    let mut drive = Drive::under(claim(1, "r"));
    let outputs = [("closedAt".into(), "600000".into())].into();
    drive.outputs.insert("close".into(), outputs);
    rds.points = vec![
        Counted { at: Wall(540_000), thousandths: 0 },
        Counted { at: Wall(600_000), thousandths: 4_000 },
    ];
    let judgement = drive.run(&gone, &mut |op| rds.perform(op));
    assert!(matches!(judgement, Ok(Judgement::Wait { .. })), "a point from before proves nothing");
    rds.points.push(Counted { at: Wall(660_000), thousandths: 0 });
    let Ok(Judgement::Done { outputs, .. }) = drive.run(&gone, &mut |op| rds.perform(op)) else {
        panic!()
    };
    assert_eq!(&*outputs["q"], "720000", "the point tells of the minute after its stamp");
}

#[test]
fn s10_caught_up_needs_a_replica_that_streams() {
    let mut idle = instance(Some("standby"));
    idle.streaming = false;
    let caught_up = CaughtUp { member: member(), past: None, max_lag: Span::secs(30) };
    let mut rds = Rds::with(Some(idle));
    rds.points = vec![Counted { at: Wall(900_000), thousandths: 0 }];
    assert!(!done(&drive(&mut rds, &caught_up).0));
    rds.instance = Some(instance(Some("standby")));
    assert!(done(&drive(&mut rds, &caught_up).0));
    rds.points[0].thousandths = 30_001;
    assert!(!done(&drive(&mut rds, &caught_up).0));
    rds.points.clear();
    assert!(!done(&drive(&mut rds, &caught_up).0), "no word is not good news");
}

#[test]
fn s10_a_replica_has_everything_once_its_position_is_past_the_last_that_could_be_written() {
    let caught_up =
        CaughtUp { member: member(), past: Some("quiet".into()), max_lag: Span::secs(30) };
    let mut drive = Drive::under(claim(1, "r"));
    drive.outputs.insert("quiet".into(), [("q".into(), "900000".into())].into());
    let mut rds = Rds::with(Some(instance(Some("standby"))));
    let mut at = |at: i64, behind: i64| {
        rds.points = vec![Counted { at: Wall(at), thousandths: behind }];
        done(&drive.run(&caught_up, &mut |op| rds.perform(op)))
    };
    assert!(at(900_000, 0) && at(930_000, 30_000));
    assert!(!at(929_999, 30_000), "it is near, and something is missing");
}

#[test]
fn l2_a_replica_that_a_cancelled_run_was_making_is_not_renamed() {
    let rename = Rename { member: member(), to: "shop-home-old-3".into() };
    let another = |source| Instance { resource: "db-3".into(), ..instance(source) };
    let mut rds = Rds::with(Some(another(Some("standby"))));
    let (judgement, sent) = drive(&mut rds, &rename);
    assert!(done(&judgement) && sent.sent.is_empty(), "{judgement:?}");
    rds.instance = Some(another(None));
    let (judgement, sent) = drive(&mut rds, &rename);
    assert!(matches!(judgement, Ok(Judgement::Disagrees(_))) && sent.sent.is_empty());
}

#[test]
fn l2_what_a_cancelled_run_has_renamed_is_not_waited_for_again() {
    let mut rds = Rds::with(None);
    let rename = Rename { member: member(), to: "shop-home-old-3".into() };
    let (judgement, drive) = drive(&mut rds, &rename);
    let free = matches!(judgement, Ok(Judgement::Steady { hold, .. }) if hold >= Span::mins(1));
    assert!(free && drive.sent.is_empty(), "{judgement:?}");
}

#[test]
fn a_run_that_goes_back_opens_the_door_again() {
    let mut closed = instance(None);
    closed.settings.security_groups = vec!["sg-closed".into()];
    let mut rds = Rds::with(Some(closed));
    let reopen = reopen();
    assert!(done(&drive(&mut rds, &reopen).0));
    let (again, drive) = drive(&mut rds, &reopen);
    assert!(drive.sent.is_empty(), "an undo may run twice");
    let stays = matches!(again, Ok(Judgement::Steady { hold, .. }) if hold >= Span::secs(10));
    assert!(stays, "S7: a door that was never reopened may be about to close: {again:?}");
}

#[test]
fn s1_no_door_is_opened_while_a_claim_above_ours_stands() {
    type Reply = Result<Answer, Fault>;
    let site = |name: &str| Cluster::Context(name.into());
    let claims = vec![site("home"), site("standby")];
    let reopen = Reopen { claims, ..reopen() };
    let found = |home: Reply, standby: Reply| {
        let mut closed = instance(None);
        closed.settings.security_groups = vec!["sg-closed".into()];
        let (mut rds, mut drive) = (Rds::with(Some(closed)), Drive::under(claim(2, "r")));
        let judged = drive.run(&reopen, &mut |op| match op {
            Op::Kube(cluster, KubeOp::Fence(_)) if *cluster == site("home") => home.clone(),
            Op::Kube(_, KubeOp::Fence(_)) => standby.clone(),
            _ => rds.perform(op),
        });
        (judged, drive.sent.len())
    };
    let fence = |epoch| {
        Ok(Answer::Fence(Some(FenceView { version: "1".into(), claim: claim(epoch, "s") })))
    };
    let (none, silent): (Reply, Reply) =
        (Ok(Answer::Fence(None)), Err(Fault::Transient("no answer".into())));
    let open = |home: &Reply, standby: &Reply| {
        let (judged, sent) = found(home.clone(), standby.clone());
        assert_eq!(done(&judged), sent == 1, "{judged:?}");
        sent == 1
    };
    assert!(open(&none, &none));
    assert!(open(&fence(1), &none), "an older claim");
    assert!(open(&silent, &fence(1)), "one of them may be dead");
    assert!(!open(&silent, &silent), "nobody says that nobody else acts");
    assert!(!open(&none, &fence(3)));
    assert_eq!(found(fence(3), silent.clone()).0, Ok(Judgement::Fenced(claim(3, "s"))));
    assert_eq!(found(fence(4), fence(3)).0, Ok(Judgement::Fenced(claim(4, "s"))));
}

#[test]
fn s7_a_door_whose_closing_does_not_show_yet_is_not_taken_for_open() {
    let mut open = instance(None);
    open.settings.security_groups = vec!["sg-app".into()];
    let mut rds = Rds::with(Some(open));
    let reopen = reopen();
    let mut drive = Drive::under(claim(1, "r"));
    let found = drive.run(&reopen, &mut |op| rds.perform(op));
    let Ok(Judgement::Steady { hold, .. }) = found else { panic!("{found:?}") };
    assert!(hold >= Span::secs(30) && drive.sent.is_empty(), "{hold}");
    // What the run had asked for before it was sent back is in force now.
    let shown = rds.instance.as_mut().unwrap();
    shown.settings.security_groups = vec!["sg-closed".into()];
    assert!(done(&drive.run(&reopen, &mut |op| rds.perform(op))), "opened again, and seen so");
    assert_eq!(drive.sent.len(), 1);
    rds.instance.as_mut().unwrap().status = "modifying".into();
    let busy = drive.run(&reopen, &mut |op| rds.perform(op));
    assert!(matches!(busy, Ok(Judgement::Wait { .. })), "{busy:?}");
}

#[test]
fn s7_a_door_is_watched_until_no_call_can_close_it_any_more() {
    let mut rds = Rds::with(Some(instance(None)));
    rds.instance.as_mut().unwrap().settings.security_groups = vec!["sg-app".into()];
    let mut drive = Drive::under(claim(1, "r"));
    let planned = drive.now.wall;
    let reopen = Reopen { outlasts: true, ..reopen() };
    let mut at = |rds: &mut Rds, millis: u64| {
        drive.now.wall = planned + Span::millis(millis);
        let judged = drive.run(&reopen, &mut |op| rds.perform(op));
        (judged, drive.sent.len())
    };
    let (Ok(Judgement::Wait { note, .. }), 0) = at(&mut rds, 359_999) else { panic!("too soon") };
    assert!(note.ends_with(&format!("may yet come until {}", planned + SIGNED)), "{note}");
    let over = at(&mut rds, 360_000);
    assert!(matches!(over, (Ok(Judgement::Steady { .. }), 0)), "{over:?}");
    // It came, late: the door is opened at once, and watched on.
    let closed = vec!["sg-closed".into()];
    rds.instance.as_mut().unwrap().settings.security_groups = closed;
    let opened = at(&mut rds, 200_000);
    assert!(matches!(opened, (Ok(Judgement::Wait { .. }), 1)), "{opened:?}");
    let over = at(&mut rds, 360_000);
    assert!(matches!(over, (Ok(Judgement::Steady { .. }), 1)), "{over:?}");
}

#[test]
fn an_unreachable_region_is_a_fault_not_a_verdict() {
    let mut drive = Drive::under(claim(1, "r"));
    let dead = |_: &Op| Err(Fault::Unknown("no answer in time".into()));
    for procedure in [&fence() as &dyn Procedure, &Promote { member: member() }] {
        assert!(drive.run(procedure, &mut { dead }).is_err());
    }
}

#[test]
fn s7_a_closing_that_is_asked_for_again_keeps_what_the_door_let_in_before() {
    let baseline = |drive: &Drive| match &drive.holds.last().unwrap().held {
        Held::Writer { baseline, .. } => baseline.clone(),
        other => panic!("{other:?}"),
    };
    let mut rds = Rds::with(Some(instance(None)));
    rds.instance.as_mut().unwrap().settings.security_groups = vec!["sg-app".into()];
    let close = CloseDoor { member: member(), opens_until: None };
    let (_, first) = drive(&mut rds, &close);
    assert_eq!(baseline(&first), ["sg-app".into()]);
    // RDS is in between: both groups are in force, and the first request is long ago.
    for between in [vec!["sg-app".into(), "sg-closed".into()], Vec::new()] {
        rds.instance.as_mut().unwrap().settings.security_groups = between;
        let mut again = Drive::under(claim(1, "r"));
        again.holds.clone_from(&first.holds);
        assert!(done(&again.run(&close, &mut |op| rds.perform(op))));
        assert_eq!((again.sent.len(), baseline(&again)), (1, vec!["sg-app".into()]));
    }
}

#[test]
fn s1_a_door_that_a_late_call_may_open_is_watched_before_it_counts_as_shut() {
    let mut rds = Rds::with(Some(instance(None)));
    let mut now = Drive::under(claim(1, "r"));
    let until = now.now.wall + Span::mins(6);
    let close = CloseDoor { member: member(), opens_until: Some(until) };
    let fence = Fence { opens_until: Some(until), ..fence() };
    for procedure in [&close as &dyn Procedure, &fence] {
        now = Drive::under(claim(1, "r"));
        let waits = now.run(procedure, &mut |op| rds.perform(op));
        let Ok(Judgement::Wait { note, .. }) = waits else { panic!("{waits:?}") };
        assert!(note.contains("a call that opens it may yet come"), "{note}");
        // It comes: the door is shut again.
        rds.instance.as_mut().unwrap().settings.security_groups = vec!["sg-app".into()];
        now.now.wall = until;
        rds.now = until;
        rds.ends = until + Span::secs(5);
        let sent = now.sent.len();
        let shut = now.run(procedure, &mut |op| rds.perform(op));
        assert!(done(&shut) && now.sent.len() > sent, "{shut:?}");
    }
}
