//! Away and home again, as a plan would do it, and worlds shaken at random.

use bowline_core::model::{InstanceId, Mono, Site, Span};
use bowline_core::op::{Answer, InstanceSettings, RdsOp};
use proptest::prelude::*;

use super::rig::*;
use crate::part::Part;

impl Rig {
    fn settings(&mut self, site: Site) -> InstanceSettings {
        match self.rds(site, RdsOp::Describe(self.instance(site))) {
            Ok(Answer::Instance(found)) => found.settings,
            other => panic!("{other:?}"),
        }
    }

    /// The old instance at home gives its name to a new replica of standby's.
    fn rebuild_home(&mut self) -> InstanceId {
        let (id, settings) = (self.instance(Site::Home), self.settings(Site::Home));
        let old = InstanceId::new(format!("{id}-old"));
        let rename = RdsOp::Rename { instance: id.clone(), to: old.clone() };
        assert_eq!(self.rds(Site::Home, rename), Ok(Answer::Ok));
        self.until("renamed", |rig| rig.rds(Site::Home, RdsOp::Describe(id.clone())).is_err());
        let create = RdsOp::CreateReplica {
            instance: id.clone(),
            source: self.instance(Site::Standby),
            source_region: self.region(Site::Standby),
            settings: Box::new(settings),
        };
        assert_eq!(self.rds(Site::Home, create), Ok(Answer::Ok));
        self.until("streams", |rig| match rig.rds(Site::Home, RdsOp::Describe(id.clone())) {
            Ok(Answer::Instance(found)) => found.available() && found.streaming,
            other => panic!("{other:?}"),
        });
        old
    }
}

#[test]
fn a_round_trip_brings_users_and_every_later_write_home() {
    let mut rig = Rig::new(21);
    rig.dead(Site::Home, true);
    rig.promote();
    rig.pods(STANDBY, 6);
    assert!(rig.shift().is_ok());
    rig.pass(Span::mins(5));
    let moved = rig.now;
    rig.pods(HOME, 0);
    rig.dead(Site::Home, false);
    let old = rig.rebuild_home();
    rig.pass(Span::mins(5));
    rig.pods(STANDBY, 0);
    rig.pass(Span::mins(1));
    let id = rig.instance(Site::Home);
    assert_eq!(rig.rds(Site::Home, RdsOp::Promote(id)), Ok(Answer::Ok));
    rig.pass(Span::mins(7));
    rig.pods(HOME, 6);
    assert!(rig.shift().is_ok());
    rig.pass(Span::mins(5));
    let (seen, door) = (rig.seen(), rig.estate.database(HOME).unwrap());
    assert_eq!((seen.at_home_permille, seen.writes_failing_permille), (1_000, 0));
    assert_eq!(rig.estate.rds.missing(door, moved, rig.now()), 0);
    assert!(rig.estate.rds.missing(door, Mono(0), rig.now()) > 0, "the first loss stays lost");
    let left: Vec<_> = rig.estate.rds.members(rig.now()).filter(|m| !m.behind_door).collect();
    assert_eq!(left.iter().map(|member| &member.id).collect::<Vec<_>>(), [&old]);
    assert!(left[0].writer && !left[0].accepts_writes, "nobody knocks at the old one");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever is done to it, time goes on, nobody is counted twice, and no write vanishes.
    #[test]
    fn a_shaken_estate_stays_consistent(
        seed: u64, acts in proptest::collection::vec((0u8..8, 1u64..300), 1..16),
    ) {
        let mut rig = Rig::new(seed);
        let mut acknowledged = 0;
        for (act, secs) in acts {
            let (region, now) = (rig.region(Site::Home), rig.now());
            match act {
                0 => rig.dead(Site::Home, true),
                1 => rig.dead(Site::Home, false),
                2 => rig.pods(STANDBY, (secs % 7) as u32),
                3 => rig.pods(HOME, (secs % 7) as u32),
                4 => rig.estate.set_broken(&region, secs.is_multiple_of(2), now, &mut rig.rng),
                5 => drop(rig.shift()),
                6 => drop(rig.rds(Site::Standby, RdsOp::Promote(rig.instance(Site::Standby)))),
                _ => rig.estate.set_partitioned(secs.is_multiple_of(2), now, &mut rig.rng),
            }
            rig.pass(Span::secs(secs));
            let seen = rig.seen();
            prop_assert!(seen.at_home_permille + seen.at_standby_permille <= 1_000);
            prop_assert!(seen.reads_failing_permille <= seen.writes_failing_permille);
            let now = rig.estate.rds.acknowledged(0, rig.now);
            prop_assert!(now >= acknowledged);
            acknowledged = now;
            prop_assert!(rig.estate.next().is_none_or(|next| next > rig.now));
        }
    }
}
