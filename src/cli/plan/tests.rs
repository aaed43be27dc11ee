//! How a plan is told, and which code it exits with.

use bowline_core::model::{Claim, Epoch, RunId, Site, Span, Wall};
use bowline_core::node::PlannedCall;
use bowline_core::op::{Answer, Instance, InstanceSettings, Op, RdsOp};
use bowline_core::plan::{Class, OnTimeout};

use super::*;

fn instance() -> Instance {
    Instance {
        id: "shop-standby".into(),
        arn: "arn:aws:rds:eu-central-1:111111111111:db:shop-standby".into(),
        resource: "db-2".into(),
        status: "available".into(),
        source: Some("shop-home".into()),
        streaming: true,
        replicas: Vec::new(),
        settings: Box::new(InstanceSettings {
            engine: "mysql".into(),
            class: "db.r6g.large".into(),
            subnet_group: None,
            parameter_group: None,
            security_groups: vec!["sg-app".into()],
            kms_key: None,
            backup_retention_days: 7,
            multi_az: false,
        }),
        managed_password: false,
        told_at: Wall::default(),
    }
}

fn step(does: Prospect) -> StepPreview {
    StepPreview {
        step: "promote".into(),
        class: Class::Irreversible,
        touches: bowline_core::model::Place::Site(Site::Standby),
        region: Some("eu-central-1".into()),
        timeout: Some(Span::mins(20)),
        on_timeout: OnTimeout::Ask,
        standing: false,
        needs: vec!["position".into()],
        does,
    }
}

fn told(steps: Vec<StepPreview>) -> Told {
    let claim = Claim::new(Epoch(7), RunId::new("shop-7-failover"));
    let preview = Preview::bare("shop".into(), PlanKind::Failover, Site::Home, claim);
    Told { preview, missing: Vec::new(), steps }
}

fn promotion() -> Prospect {
    let scope = bowline_core::model::Scope { region: "eu-central-1".into(), role: None };
    let call = PlannedCall {
        words: "promote shop-standby".into(),
        holds: false,
        now: Some(Answer::Instance(instance())),
        op: Op::Rds(scope, RdsOp::Promote("shop-standby".into())),
    };
    Prospect::Calls { calls: vec![call], then: None }
}

#[test]
fn a_step_is_told_with_its_class_region_time_needs_and_its_exact_call() {
    let golden = r#"shop: failover from home to standby, under epoch=7 run=shop-7-failover
  facts were never recorded: those of now are taken

  1  promote                  standby (eu-central-1); cannot be undone
     after position; up to 20m, then a human is asked
     call  promote shop-standby
           now    replica of shop-home
           wanted a writer of its own
           {"rds":[{"region":"eu-central-1"},{"promote":"shop-standby"}]}

1 step, 1 call that can be told now. Nothing was changed.
"#;
    assert_eq!(render::text(&told(vec![step(promotion())]), Paint::OFF), golden);
}

#[test]
fn the_exit_code_tells_a_plan_that_is_not_complete_and_one_that_would_be_refused() {
    let exit = |does| told(vec![step(does)]).exit();
    assert_eq!(exit(promotion()), Exit::Done);
    assert_eq!(exit(Prospect::Unknown { why: "no answer".into() }), Exit::Failed);
    assert_eq!(exit(Prospect::Refused { why: "a stranger".into() }), Exit::Refused);
    let mut incomplete = told(Vec::new());
    incomplete.missing.push("home's cluster: no answer".into());
    assert_eq!(incomplete.exit(), Exit::Failed);
}
