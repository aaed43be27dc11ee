//! What tests of several modules need: the example shop's facts, and entries to put into chains.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::levers::records::ArmedSet;
use crate::model::{
    Author, Claim, Epoch, HealthCheckId, Host, InstanceArn, InstanceId, RunId, Site, StepId, Wall,
    ZoneId,
};
use crate::op::{
    AliasTarget, Failover, Instance, InstanceSettings, LoadBalancer, RecordSet, RecordType,
};
use crate::plan::{Facts, MemberFacts, Plan, PlanKind, Survey, ZoneFacts};
use crate::policy::{Lever, Policy, examples};
use crate::run::{Entry, Ledger, Record, Trigger};
use crate::step::{Hold, HoldId};

/// When a procedure that is driven was planned.
const PLANNED: Wall = Wall(1_000_000);

/// A claim.
pub(crate) fn claim(epoch: u64, run: &str) -> Claim {
    Claim::new(Epoch(epoch), RunId::new(run))
}

/// A site's alias set, as armed.
pub(crate) fn set(name: &Host, site: Site, closed: &HealthCheckId) -> ArmedSet {
    let own_check = Some(HealthCheckId::new(format!("check-{site}")));
    let home = site == Site::Home;
    let set = RecordSet {
        name: name.clone(),
        kind: RecordType::A,
        set_identifier: Some(site.to_string().into()),
        failover: Some(if home { Failover::Primary } else { Failover::Secondary }),
        health_check: if home { own_check.clone() } else { Some(closed.clone()) },
        ttl_secs: None,
        values: Vec::new(),
        alias: Some(AliasTarget {
            zone: ZoneId::new("ZELB"),
            dns_name: Host::new(format!("{site}.elb.example")),
            evaluate_target_health: true,
        }),
    };
    ArmedSet { site, set, own_check }
}

/// Settings of a database instance with these security groups.
pub(crate) fn settings(group: &str) -> InstanceSettings {
    InstanceSettings {
        engine: "postgres".into(),
        class: "db.r6g.large".into(),
        subnet_group: Some("private".into()),
        parameter_group: Some("shop".into()),
        security_groups: vec![group.into()],
        kms_key: None,
        backup_retention_days: 7,
        multi_az: true,
    }
}

/// A database instance at a site, as it should be.
pub(crate) fn instance(id: &str, site: Site, resource: &str, source: Option<&str>) -> Instance {
    let region = examples::shop().site(site).scope.region.clone();
    let id = InstanceId::new(id);
    Instance {
        arn: InstanceArn::of("aws", &region, "111111111111", &id),
        id,
        resource: resource.into(),
        status: "available".into(),
        source: source.map(Into::into),
        streaming: source.is_some(),
        replicas: Vec::new(),
        settings: Box::new(settings("sg-app")),
        managed_password: false,
        told_at: Wall::default(),
    }
}

/// The shop in peacetime.
pub(crate) fn facts(policy: &Policy) -> Facts {
    let mut facts = Facts { at: Wall(1), ..Facts::default() };
    for workload in &policy.capacity.workloads {
        facts.replicas.insert(workload.object.to_string().into(), 12);
    }
    for site in Site::BOTH {
        for name in policy.site(site).load_balancers.keys() {
            let found = LoadBalancer {
                arn: format!("arn:{site}").into(),
                dns_name: Host::new(format!("{site}.elb.example")),
                zone: ZoneId::new("ZELB"),
            };
            facts.load_balancers.entry(site).or_default().insert(name.clone(), found);
        }
        if let Some(database) = &policy.site(site).database {
            let member = MemberFacts {
                instance: database.instance.clone(),
                arn: InstanceArn::of(
                    "aws",
                    &policy.site(site).scope.region,
                    "111111111111",
                    &database.instance,
                ),
                resource: format!("db-{site}").as_str().into(),
                settings: settings("sg-app"),
            };
            facts.members.insert(site, member);
        }
    }
    let Lever::Records(lever) = &policy.lever else { return facts };
    for name in &lever.names {
        let zone = facts.zones.entry(name.zone.clone()).or_insert_with(|| ZoneFacts {
            apex: "example.com".into(),
            name_servers: vec!["ns1.example".into(), "ns2.example".into()],
            sets: Vec::new(),
        });
        let sets = Site::BOTH.map(|site| set(&name.name, site, &lever.closed_health_check));
        zone.sets.extend(sets);
    }
    facts
}

/// The shop's survey, and what it borrows.
pub(crate) struct Ground {
    pub(crate) policy: Policy,
    pub(crate) facts: Facts,
    pub(crate) existing: BTreeSet<StepId>,
    pub(crate) holds: BTreeMap<HoldId, Hold>,
    pub(crate) reopened: BTreeMap<Site, Wall>,
}

impl Ground {
    pub(crate) fn shop() -> Self {
        let policy = examples::shop();
        let facts = facts(&policy);
        let (existing, holds, reopened) = Default::default();
        Self { policy, facts, existing, holds, reopened }
    }

    pub(crate) fn survey(&self, active: Site) -> Survey<'_> {
        Survey {
            policy: &self.policy,
            facts: &self.facts,
            epoch: Epoch(7),
            active,
            existing: &self.existing,
            holds: &self.holds,
            reopened: &self.reopened,
            evidence: None,
            replica_streams: false,
            question: None,
        }
    }
}

/// Looks, judges and acts until the procedure says anything but "act" or the world refuses it ten
/// times; what it sent, and what it said last.
pub(crate) struct Drive {
    pub(crate) claim: Claim,
    pub(crate) acted: Option<crate::step::Acted>,
    pub(crate) outputs: BTreeMap<StepId, crate::step::Outputs>,
    pub(crate) now: crate::model::Now,
    pub(crate) sent: Vec<crate::op::Op>,
    pub(crate) holds: Vec<Hold>,
}

impl Drive {
    /// A procedure that nobody worked on yet, under this claim.
    pub(crate) fn under(claim: Claim) -> Self {
        let now = crate::model::Now { mono: crate::model::Mono(0), wall: PLANNED };
        let (outputs, sent, holds) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { claim, acted: None, outputs, now, sent, holds }
    }

    /// Drives it against a world.
    pub(crate) fn run(
        &mut self,
        procedure: &dyn crate::step::Procedure,
        world: &mut dyn FnMut(&crate::op::Op) -> Result<crate::op::Answer, crate::op::Fault>,
    ) -> Result<crate::step::Judgement, crate::op::Fault> {
        use crate::step::{Acted, Context, Judgement, Seen};
        let group = "shop".into();
        for _ in 0..10 {
            let holds = self.holds.iter().map(|hold| (hold.id.clone(), hold.clone())).collect();
            let cx = Context {
                group: &group,
                claim: &self.claim,
                now: self.now,
                planned_at: PLANNED,
                acted: self.acted.as_ref(),
                outputs: &self.outputs,
                holds: &holds,
            };
            let mut seen = Vec::new();
            loop {
                let ops = procedure.observe(&cx, Seen(&seen));
                if ops.is_empty() {
                    break;
                }
                assert!(ops.iter().all(|op| !op.mutates()), "a look changes nothing: {ops:?}");
                seen.extend(ops.iter().map(&mut *world));
            }
            let Judgement::Act { op, hold, .. } = procedure.judge(&cx, Seen(&seen))? else {
                return procedure.judge(&cx, Seen(&seen));
            };
            assert!(op.mutates());
            self.acted = Some(Acted { at: self.now.wall, op: op.clone() });
            self.holds.extend(hold.map(|hold| *hold));
            self.sent.push(op.clone());
            let _ = world(&op);
        }
        panic!("it never comes to an end: {:?}", self.sent)
    }
}

/// Writes entries to a chain and keeps them.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) entries: Vec<Arc<str>>,
    pub(crate) ledger: Ledger,
}

impl Book {
    /// Appends records under the standing claim (or the one that they claim).
    pub(crate) fn write(&mut self, records: Vec<Record>) {
        let claimed = records.iter().find_map(|record| match record {
            Record::Claimed { claim, .. } => Some(claim.clone()),
            _ => None,
        });
        let claim = claimed.or_else(|| self.ledger.claim.clone());
        let bytes = self.entry(claim, records).bytes();
        self.ledger.apply(self.ledger.head + 1, &bytes).unwrap();
        self.entries.push(bytes);
    }

    /// The next entry, not yet written.
    pub(crate) fn entry(&self, claim: Option<Claim>, records: Vec<Record>) -> Entry {
        let seq = self.ledger.head + 1;
        let at = Wall(i64::try_from(seq).unwrap() * 1_000);
        let by = Author::Controller("a".into());
        Entry { seq, prev: Arc::clone(&self.ledger.hash), at, by, claim, records }
    }

    /// A run that has begun to move with this plan.
    pub(crate) fn moving(plan: Plan) -> Self {
        let mut book = Self::default();
        book.write(vec![
            Record::Claimed { claim: claim(1, "r1"), by: "a".into() },
            opened(plan.kind, plan.from),
            Record::Planned { plan: Box::new(plan), moves: true },
        ]);
        book
    }
}

/// A run that policy began, for no fault.
pub(crate) fn opened(kind: PlanKind, from: Site) -> Record {
    let trigger = Trigger::Automatic;
    Record::Opened { kind, from, trigger, fault_at: None, evidence: Vec::new() }
}
