//! The levers against a zone that compares, and against zones that are not as they should be.

use super::gates::Flip;
use super::records::{Shift, fence_name, fence_set, read_fence};
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
