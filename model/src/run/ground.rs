//! The run's plan and what it is about: two databases, one gate or one zone.

use std::sync::Arc;

use bowline_core::databases::rds::{Fence, Member, Promote, ResourceRef};
use bowline_core::levers::gates::{ClaimGate, Flip};
use bowline_core::levers::records::{ArmedSet, ClaimZone, Shift};
use bowline_core::model::{Claim, HealthCheckId, Host, Place, ReplicaId, RunId, Scope, Site, Span};
use bowline_core::model::{Epoch, StepId, ZoneId};
use bowline_core::op::{AliasTarget, Failover, RecordSet, RecordType};
use bowline_core::plan::{Class, Effect, OnTimeout, Plan, PlanKind, Step};
use bowline_core::run::{Record, Trigger};
use bowline_core::step::Mark;

use super::Route;

/// How long everything rests at once: longer than a signed request is valid (5 min) and than a
/// promotion may take to show (6 min). Also the time between two turns of a replica, to its own
/// mind: whatever waits to look again is due.
pub(super) const PAUSE: Span = Span::mins(6);

/// Longer than any number of turns: only a turn that is said to be overdue is.
pub(super) const NEVER: Span = Span::mins(60 * 24 * 365);

/// The group.
pub(super) const GROUP: &str = "g";

/// The security group that admits replication only.
pub(super) const CLOSED: &str = "sg-closed";

/// The zone's apex.
const APEX: &str = "example.com";

/// What the gate is called.
const OBJECT: &str = "s3://bowline/gate";

/// The records that begin the run.
pub(super) fn begin(route: Route, epoch: Epoch, by: &ReplicaId) -> Vec<Record> {
    let run = RunId::new(format!("{GROUP}-{epoch}-failover"));
    let opened = Record::Opened {
        kind: PlanKind::Failover,
        from: Site::Home,
        trigger: Trigger::Automatic,
        fault_at: None,
        evidence: Vec::new(),
    };
    let claimed = Record::Claimed { claim: Claim::new(epoch, run).made_by(by), by: by.clone() };
    vec![claimed, opened, Record::Planned { plan: Box::new(plan(route)), moves: true }]
}

fn plan(route: Route) -> Plan {
    let claim = match route {
        Route::Batch => Effect::ClaimZone(ClaimZone {
            zone: zone(),
            apex: APEX.into(),
            role: None,
            from: Site::Home,
        }),
        _ => Effect::ClaimGate(ClaimGate { role: None, object: OBJECT.into(), from: Site::Home }),
    };
    let mut steps = Vec::new();
    if route != Route::Door {
        steps.push(("claim", step(claim, Class::Reversible)));
    }
    if matches!(route, Route::Fenced | Route::Door) {
        let fence =
            Effect::Fence(Fence { member: member(Site::Home), unless: None, opens_until: None });
        let (timeout, on_timeout) = (Some(NEVER), OnTimeout::Proceed);
        let marks = vec![Mark::Fenced(Site::Home)];
        let step = Step { timeout, on_timeout, marks, ..step(fence, Class::Reversible) };
        steps.push(("fence", step));
    }
    let promote = Effect::Promote(Promote { member: member(Site::Standby) });
    let marks = vec![Mark::Writer(Site::Standby)];
    steps.push(("promote", Step { marks, ..step(promote, Class::Irreversible) }));
    if !matches!(route, Route::Short | Route::Door) {
        let marks = vec![Mark::Active(Site::Standby)];
        steps.push(("shift", Step { marks, ..step(shift(route), Class::Irreversible) }));
    }
    let mut before: Option<StepId> = None;
    let chained = steps.into_iter().map(|(id, mut step)| {
        step.needs.extend(before.replace(id.into()));
        (StepId::new(id), step)
    });
    let steps = chained.collect();
    Plan { kind: PlanKind::Failover, from: Site::Home, to: Site::Standby, steps }
}

fn step(effect: Effect, class: Class) -> Step {
    Step {
        effect,
        needs: Vec::new(),
        still: Vec::new(),
        touches: Place::Site(Site::Standby),
        class,
        timeout: None,
        on_timeout: OnTimeout::Ask,
        standing: false,
        marks: Vec::new(),
    }
}

fn shift(route: Route) -> Effect {
    if route != Route::Batch {
        let (role, object) = (None, OBJECT.into());
        return Effect::Flip(Flip { role, object, to: Site::Standby });
    }
    Effect::Shift(Shift {
        zone: zone(),
        apex: APEX.into(),
        role: None,
        sets: armed(),
        closed: closed(),
        to: Site::Standby,
    })
}

fn zone() -> ZoneId {
    "Z1".into()
}

fn closed() -> HealthCheckId {
    "always-closed".into()
}

/// The failover sets as they are when `active` serves.
pub(super) fn sets(active: Site) -> Vec<RecordSet> {
    armed().iter().map(|armed| armed.when_active(active, &closed())).collect()
}

fn armed() -> Vec<ArmedSet> {
    Site::BOTH.map(set).into()
}

/// A site's failover set, as armed.
fn set(site: Site) -> ArmedSet {
    let own_check = Some(HealthCheckId::new(format!("check-{site}")));
    let (zone, dns_name) = (ZoneId::new("ZELB"), Host::new(format!("{site}.elb.example")));
    let set = RecordSet {
        name: "app.example.com".into(),
        kind: RecordType::A,
        set_identifier: Some(site.to_string().into()),
        failover: Some(Failover::Primary),
        health_check: own_check.clone(),
        ttl_secs: None,
        values: Vec::new(),
        alias: Some(AliasTarget { zone, dns_name, evaluate_target_health: true }),
    };
    ArmedSet { site, set, own_check }
}

/// A site's database instance.
fn member(site: Site) -> Member {
    Member {
        site,
        scope: Scope { region: "eu-central-1".into(), role: None },
        instance: format!("db-{site}").as_str().into(),
        resource: ResourceRef::Known(format!("id-{site}").as_str().into()),
        closed: CLOSED.into(),
    }
}

/// Whether an instance's name is home's.
pub(super) fn is_home(name: &str) -> bool {
    name == format!("db-{}", Site::Home)
}

/// A text for a version.
pub(super) fn version(number: u8) -> Arc<str> {
    format!("e{number}").into()
}
