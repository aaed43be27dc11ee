//! The levers against a zone that compares, and against zones that are not as they should be.

mod outside;

use super::gates::{ClaimGate, Flip};
use super::records::{ClaimZone, Insync, Shift, fence_name, fence_set, read_fence};
use crate::model::{Claim, Host, Site};
use crate::op::{Answer, Fault, GateOp, GateView, Op, RecordSet, Route53Op};
use crate::step::Judgement;
use crate::testing::{Drive, claim, set};

/// A zone that takes a batch whole or not at all.
struct Zone(Vec<RecordSet>);

impl Zone {
    fn armed() -> Self {
        Self(shift(Site::Standby).sets.into_iter().map(|armed| armed.set).collect())
    }

    fn perform(&mut self, op: &Op) -> Result<Answer, Fault> {
        let Op::Route53(_, op) = op else { panic!("{op:?}") };
        match op {
            Route53Op::Records { name, .. } => {
                let sets = self.0.iter().filter(|set| set.name == *name).cloned();
                Ok(Answer::Records(sets.collect()))
            }
            Route53Op::Change { delete, create, .. } => {
                if !delete.iter().all(|set| self.0.contains(set)) {
                    return Err(Fault::Conflict("a DELETE does not match".into()));
                }
                let same = |a: &RecordSet, b: &RecordSet| {
                    (&a.name, a.kind, &a.set_identifier) == (&b.name, b.kind, &b.set_identifier)
                };
                let left: Vec<_> = self.0.iter().filter(|set| !delete.contains(set)).collect();
                if create.iter().any(|set| left.iter().any(|other| same(set, other))) {
                    return Err(Fault::Conflict("a CREATE exists already".into()));
                }
                self.0.retain(|set| !delete.contains(set));
                self.0.extend(create.iter().cloned());
                Ok(Answer::Change("C1".into()))
            }
            other => panic!("{other:?}"),
        }
    }

    fn drive(&mut self, under: Claim, to: Site) -> (Judgement, Vec<Op>) {
        let mut drive = Drive::under(under);
        let judgement = drive.run(&shift(to), &mut |op| self.perform(op)).unwrap();
        (judgement, drive.sent)
    }

    /// Which site's sets are PRIMARY.
    fn primary(&self) -> Vec<String> {
        let primary = |set: &&RecordSet| set.failover == Some(crate::op::Failover::Primary);
        let mut sites: Vec<_> = self.0.iter().filter(primary).map(identifier).collect();
        sites.dedup();
        sites
    }
}

fn identifier(set: &RecordSet) -> String {
    set.set_identifier.as_deref().unwrap_or_default().to_owned()
}

fn shift(to: Site) -> Shift {
    let names: [Host; 2] = ["shop.example.com".into(), "api.example.com".into()];
    let sets =
        names.iter().flat_map(|name| Site::BOTH.map(|site| set(name, site, &"closed".into())));
    Shift {
        zone: "Z1".into(),
        apex: "example.com".into(),
        role: None,
        sets: sets.collect(),
        closed: "closed".into(),
        to,
    }
}

#[test]
fn s3_one_batch_moves_every_name_and_leaves_as_many_sets_as_there_were() {
    let mut zone = Zone::armed();
    let (judgement, sent) = zone.drive(claim(1, "r"), Site::Standby);
    assert!(matches!(judgement, Judgement::Done { .. }));
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(zone.primary(), ["standby"]);
    assert_eq!(zone.0.len(), 5, "four sets and the fence record");
    let passive = zone.0.iter().find(|set| identifier(set) == "home").unwrap();
    assert_eq!(passive.health_check, Some("closed".into()), "nobody fails back by itself");
}

#[test]
fn a_round_trip_ends_where_it_began_but_for_the_fence() {
    let mut zone = Zone::armed();
    let before = zone.0.clone();
    zone.drive(claim(1, "r1"), Site::Standby);
    zone.drive(claim(2, "r2"), Site::Home);
    let mut after: Vec<_> = zone.0.iter().filter(|set| set.failover.is_some()).cloned().collect();
    after.sort();
    let mut before = before;
    before.sort();
    assert_eq!(after, before);
    let (_, again) = zone.drive(claim(2, "r2"), Site::Home);
    assert!(again.is_empty(), "running it twice changes nothing: {again:?}");
}

#[test]
fn s11_a_batch_that_was_sent_and_is_not_seen_moved_nothing_and_is_sent_again() {
    let (mut zone, mut lost) = (Zone::armed(), Drive::under(claim(1, "r")));
    let mut batches = 0;
    let judgement = lost.run(&shift(Site::Standby), &mut |op| {
        batches += u32::from(op.mutates());
        match op.mutates() && batches == 1 {
            true => Err(Fault::Unknown("no answer".into())),
            false => zone.perform(op),
        }
    });
    assert!(matches!(judgement, Ok(Judgement::Done { .. })), "{judgement:?}");
    assert_eq!((batches, zone.primary()), (2, vec!["standby".to_owned()]));
}

#[test]
fn s5_a_batch_built_on_an_older_fence_is_refused_whole() {
    let mut zone = Zone::armed();
    let mut stale = Drive::under(claim(1, "r1"));
    // The stale leader reads the zone, and is overtaken before its batch arrives.
    let mut calls = 0;
    let judgement = stale.run(&shift(Site::Standby), &mut |op| {
        if op.mutates() && calls == 0 {
            calls += 1;
            zone.drive(claim(2, "r2"), Site::Home);
        }
        zone.perform(op)
    });
    assert_eq!(judgement.unwrap(), Judgement::Fenced(claim(2, "r2")));
    assert_eq!(zone.primary(), ["home"]);
}

#[test]
fn s5_a_fence_above_ours_or_the_winner_of_two_equal_ones_is_never_written_over() {
    for foreign in [claim(3, "r"), claim(2, "s"), claim(2, "r").made_by(&"b".into())] {
        let mut zone = Zone::armed();
        let apex = "example.com".into();
        zone.0.push(fence_set(&"shop".into(), &apex, &foreign, Site::Home));
        let before = zone.0.clone();
        let (judgement, _) = zone.drive(claim(2, "r"), Site::Standby);
        assert_eq!(judgement, Judgement::Fenced(foreign));
        assert_eq!(zone.0, before);
    }
}

#[test]
fn s3_a_zone_that_is_not_as_it_was_armed_is_left_alone() {
    let changes: [fn(&mut Vec<RecordSet>); 3] = [
        |sets| drop(sets.pop()),
        |sets| sets[0].alias.as_mut().unwrap().dns_name = "elsewhere.example".into(),
        |sets| {
            let mut third = sets[0].clone();
            third.set_identifier = Some("third".into());
            sets.push(third);
        },
    ];
    for change in changes {
        let mut zone = Zone::armed();
        change(&mut zone.0);
        let before = zone.0.clone();
        let (judgement, _) = zone.drive(claim(1, "r"), Site::Standby);
        assert!(matches!(judgement, Judgement::Disagrees(_)), "{judgement:?}");
        assert_eq!(zone.0, before);
    }
}

#[test]
fn a_fence_record_reads_back_as_the_claim_it_was_written_for() {
    let (group, apex) = ("shop".into(), "example.com".into());
    let set = fence_set(&group, &apex, &claim(42, "shop-42-failover"), Site::Standby);
    assert_eq!(set.name, fence_name(&group, &apex));
    assert_eq!(read_fence(&set), Some(claim(42, "shop-42-failover")));
    for text in ["\"v=2 epoch=1 run=r\"", "\"v=1 epoch=x run=r\"", "\"v=1 epoch=1\"", ""] {
        let values = vec![text.into()];
        assert_eq!(read_fence(&RecordSet { values, ..set.clone() }), None, "{text}");
    }
}

/// A gate object that is written only over the version that was read.
fn gate(state: &mut Option<GateView>, op: &Op) -> Result<Answer, Fault> {
    match op {
        Op::Gate(_, GateOp::Read { .. }) => Ok(Answer::Gate(state.clone())),
        Op::Gate(_, GateOp::Write { version, open, claim, .. }) => {
            if state.as_ref().map(|gate| &gate.version) != version.as_ref() {
                return Err(Fault::Conflict("ETag".into()));
            }
            let version = format!("{claim}{open}").as_str().into();
            *state = Some(GateView { version, open: *open, claim: Some(claim.clone()) });
            Ok(Answer::Ok)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_gate_is_one_bit_and_a_newer_claim_keeps_it() {
    let flip = |to| Flip { role: None, object: "s3://gates/shop".into(), to };
    let mut state = None;
    let mut new = Drive::under(claim(2, "r2"));
    new.run(&flip(Site::Standby), &mut |op| gate(&mut state, op)).unwrap();
    assert_eq!(state.as_ref().unwrap().open, Site::Standby);
    let mut old = Drive::under(claim(1, "r1"));
    let judgement = old.run(&flip(Site::Home), &mut |op| gate(&mut state, op)).unwrap();
    assert_eq!(judgement, Judgement::Fenced(claim(2, "r2")));
    assert_eq!(state.unwrap().open, Site::Standby);
}

#[test]
fn s5_a_gate_is_claimed_once_where_it_stands_and_never_from_a_newer_claim() {
    let object = "s3://gates/shop".into();
    let claims = ClaimGate { role: None, object, from: Site::Home };
    let mut state = None;
    let mut drive = Drive::under(claim(1, "r1"));
    drive.run(&claims, &mut |op| gate(&mut state, op)).unwrap();
    let claimed = state.clone().unwrap();
    assert_eq!((claimed.open, claimed.claim), (Site::Home, Some(claim(1, "r1"))));
    assert_eq!(drive.sent.len(), 1);
    let mut again = Drive::under(claim(1, "r1"));
    again.run(&claims, &mut |op| gate(&mut state, op)).unwrap();
    assert_eq!(again.sent, [], "it knows the claim");
    state.as_mut().unwrap().open = Site::Standby;
    let mut newer = Drive::under(claim(2, "r2"));
    newer.run(&claims, &mut |op| gate(&mut state, op)).unwrap();
    assert_eq!(state.as_ref().unwrap().open, Site::Standby, "a claim moves nothing");
    let older = Drive::under(claim(1, "r1")).run(&claims, &mut |op| gate(&mut state, op));
    assert_eq!(older.unwrap(), Judgement::Fenced(claim(2, "r2")));
}

#[test]
fn s5_a_zone_is_claimed_once_and_never_from_a_newer_claim() {
    let apex: Host = "example.com".into();
    let claims = ClaimZone { zone: "Z1".into(), apex, role: None, from: Site::Home };
    let mut zone = Zone::armed();
    let mut run = |claim: Claim| {
        let mut drive = Drive::under(claim);
        let judgement = drive.run(&claims, &mut |op| zone.perform(op)).unwrap();
        (judgement, drive.sent.len())
    };
    assert!(matches!(run(claim(1, "r1")), (Judgement::Done { .. }, 1)));
    assert!(matches!(run(claim(1, "r1")), (Judgement::Done { .. }, 0)), "it knows the claim");
    assert!(matches!(run(claim(2, "r2")), (Judgement::Done { .. }, 1)));
    assert_eq!(run(claim(1, "r1")), (Judgement::Fenced(claim(2, "r2")), 0));
    let fences = zone.0.iter().filter(|set| set.kind == crate::op::RecordType::Txt);
    assert_eq!(fences.map(read_fence).collect::<Vec<_>>(), [Some(claim(2, "r2"))]);
    assert_eq!(zone.primary(), ["home"], "a claim moves nothing");
}

#[test]
fn a_zone_that_disagrees_is_told_by_the_record_that_does() {
    let mut zone = Zone::armed();
    zone.0[0].alias.as_mut().unwrap().dns_name = "elsewhere.example".into();
    let (Judgement::Disagrees(why), _) = zone.drive(claim(1, "r"), Site::Standby) else { panic!() };
    assert!(why.contains("shop.example.com") && why.contains("(home)"), "{why}");
}

#[test]
fn s11_a_change_is_waited_for_by_the_id_that_route_53_gave_it() {
    let insync = Insync { role: None, shifted_by: "shift.Z1".into() };
    let mut drive = Drive::under(claim(1, "r"));
    let mut asked = 0;
    let judged = drive.run(&insync, &mut |_| panic!("nothing was changed"));
    assert!(matches!(judged, Ok(Judgement::Done { .. })));
    let change = [("change".into(), "C1".into())];
    drive.outputs.insert("shift.Z1".into(), change.into());
    for (there, done) in [(false, false), (true, true)] {
        let judged = drive.run(&insync, &mut |op| {
            asked += 1;
            assert_eq!(*op, Op::Route53(None, Route53Op::ChangeStatus("C1".into())));
            Ok(Answer::Insync(there))
        });
        assert_eq!(matches!(judged, Ok(Judgement::Done { .. })), done);
    }
    assert_eq!(asked, 2, "one call a look");
}
