//! The databases' world, without its clock and its wires.

use bowline_core::model::{Mono, Region, Site, Span, Wall};
use bowline_core::op::{Answer, Fault, RdsOp};
use clap::Parser;
use serde_json::{Value, json};

use super::Arguments;
use super::calls::Reply;
use super::doors::Beat;
use super::faults::{Injected, Manner};
use super::world::World;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

const HOME: usize = 0;
const STANDBY: usize = 1;

struct Rig {
    world: World,
    now: Mono,
    /// The applications that say how they are.
    beating: Vec<usize>,
}

impl Rig {
    fn new() -> Self {
        let line =
            "data --listen 127.0.0.1:0 --promotion 12s-14s --reboot 2s --rename 3s --replica 5s";
        let arguments = Line::parse_from(line.split(' ')).arguments;
        let now = Mono(86_400_000);
        let mut rig = Self { world: World::new(&arguments, now), now, beating: vec![HOME] };
        rig.pass(600);
        rig
    }

    /// Lets seconds pass.
    fn pass(&mut self, secs: u64) {
        for _ in 0..secs {
            self.now = self.now + Span::secs(1);
            self.world.advance(self.now);
            for site in &self.beating {
                self.world.beat(*site, Beat { clients: 10, served: 0 });
            }
        }
    }

    fn region(&self, site: usize) -> Region {
        self.world.endpoints[site].0.clone()
    }

    fn call(&mut self, site: usize, op: &RdsOp) -> Reply {
        let region = self.region(site);
        self.world.rds_call(&region, op)
    }

    fn write(&mut self, site: usize, id: &str) -> Option<usize> {
        self.world.write(site, id.to_owned())
    }

    fn missing(&self) -> Vec<String> {
        let lost = self.world.lost();
        let ids = lost["missing"].as_array().unwrap().iter();
        ids.map(|write| write["id"].as_str().unwrap().to_owned()).collect()
    }

    fn member(&self, id: &str) -> Value {
        self.world.members().into_iter().find(|member| member["id"] == id).unwrap()
    }
}

fn promote() -> RdsOp {
    RdsOp::Promote("shop-standby".into())
}

#[test]
fn the_orders_that_had_not_arrived_are_missing_after_a_promotion_and_no_others() {
    let mut rig = Rig::new();
    assert_eq!(rig.write(HOME, "early"), Some(1));
    rig.pass(60);
    assert_eq!(rig.write(HOME, "late"), Some(2));
    let home = rig.region(HOME);
    assert!(rig.world.set_region(&home, false));
    assert_eq!(rig.write(HOME, "refused"), None);
    assert_eq!(rig.missing(), Vec::<String>::new(), "the dead writer has them");
    assert_eq!(rig.call(STANDBY, &promote()).result, Ok(Answer::Ok));
    rig.beating = vec![STANDBY];
    rig.pass(20);
    assert_eq!(rig.missing(), ["late"]);
    assert_eq!(rig.write(STANDBY, "after"), Some(2), "`early` is there");
    assert_eq!(rig.missing(), ["late"]);
    assert_eq!(rig.world.lost()["writer"]["id"], "shop-standby");
    assert_eq!(rig.world.lost()["acknowledged"], 3);
}

#[test]
fn an_application_that_falls_silent_loses_its_connections() {
    let mut rig = Rig::new();
    assert_eq!(rig.member("shop-home")["established"], 10);
    rig.beating.clear();
    rig.pass(4);
    assert_eq!(rig.member("shop-home")["established"], 10);
    rig.pass(4);
    assert_eq!(rig.member("shop-home")["established"], 0);
    assert_eq!(rig.write(HOME, "nobody"), None);
}

#[test]
fn a_closed_group_leaves_who_is_connected_until_the_reboot() {
    let mut rig = Rig::new();
    let groups = vec!["sg-0aaaaaaaaaaaaaaaa".into()];
    let close = RdsOp::SetSecurityGroups { instance: "shop-home".into(), groups };
    assert_eq!(rig.call(HOME, &close).result, Ok(Answer::Ok));
    rig.pass(20);
    assert!(rig.write(HOME, "tracked").is_some());
    assert_eq!(
        rig.call(HOME, &RdsOp::Reboot { instance: "shop-home".into(), shut_at: Wall(0) }).result,
        Ok(Answer::Ok)
    );
    rig.pass(15);
    assert_eq!(rig.write(HOME, "closed"), None);
    assert_eq!(rig.member("shop-home")["established"], 0);
}

#[test]
fn a_dead_regions_api_changes_nothing_and_its_revived_writer_is_one() {
    let mut rig = Rig::new();
    let home = rig.region(HOME);
    rig.world.set_region(&home, false);
    let reboot = RdsOp::Reboot { instance: "shop-home".into(), shut_at: Wall(0) };
    assert!(matches!(rig.call(HOME, &reboot).result, Err(Fault::Transient(_))));
    rig.pass(30);
    assert_eq!(rig.member("shop-standby")["streaming"], false);
    rig.world.set_region(&home, true);
    rig.pass(2);
    assert!(rig.write(HOME, "again").is_some());
    assert_eq!(rig.member("shop-standby")["streaming"], true);
    assert!(!rig.world.set_region(&"mars-north-1".into(), false));
}

#[test]
fn a_call_that_times_out_after_its_effect_is_logged_as_one_that_took_effect() {
    let mut rig = Rig::new();
    let fault = json!({"op": "PromoteReadReplica", "manner": "timeOutAfterEffect"});
    rig.world.injected.push(serde_json::from_value(fault).unwrap());
    assert_eq!(rig.call(STANDBY, &promote()).manner, Some(Manner::TimeOutAfterEffect));
    assert!(matches!(rig.call(STANDBY, &promote()).result, Err(Fault::Invalid(_))));
    let _ = rig.call(STANDBY, &RdsOp::Describe("shop-standby".into()));
    let log = serde_json::to_value(&rig.world.log).unwrap();
    let log = log.as_array().unwrap();
    assert_eq!(log.len(), 2, "no describe is in it");
    assert_eq!(log[0]["effect"], true);
    assert_eq!(log[0]["manner"], "timeOutAfterEffect");
    assert_eq!(log[1]["effect"], false);
    assert!(log[1]["refused"].as_str().unwrap().contains("InvalidDBInstanceState"));
    rig.pass(20);
    assert_eq!(rig.member("shop-standby")["promotions"], 1);
}

#[test]
fn a_call_that_is_throttled_has_no_effect() {
    let mut rig = Rig::new();
    let fault = json!({"op": "PromoteReadReplica", "manner": "throttle", "times": 2});
    rig.world.injected.push(serde_json::from_value(fault).unwrap());
    for _ in 0..2 {
        let result = rig.call(STANDBY, &promote()).result;
        assert_eq!(result, Err(Fault::Throttled { after: None }));
    }
    assert_eq!(rig.call(STANDBY, &promote()).result, Ok(Answer::Ok));
}

#[test]
fn a_fault_of_an_operation_that_nobody_has_is_refused_with_those_there_are() {
    let fault = json!({"op": "StopDBInstance", "manner": "fail"});
    let fault: Injected = serde_json::from_value(fault).unwrap();
    assert!(fault.wrong().unwrap().contains("RebootDBInstance"));
}

#[test]
fn a_backup_begins_when_a_test_says_so_and_keeps_a_promotion_away() {
    let mut rig = Rig::new();
    rig.pass(86_400);
    rig.world.back_up(Site::Standby, Span::secs(30));
    let refused = rig.call(STANDBY, &promote()).result;
    assert!(matches!(&refused, Err(Fault::Invalid(why)) if why.contains("backing-up")));
    rig.pass(31);
    assert_eq!(rig.call(STANDBY, &promote()).result, Ok(Answer::Ok));
}
