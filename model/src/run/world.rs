//! What the run acts on: two RDS instances, and a gate object or a zone. It does what AWS documents
//! of the calls that the run makes, and tells when a promise is broken.

use std::sync::Arc;

use bowline_core::levers::records::read_fence;
use bowline_core::model::{Claim, InstanceId, SecurityGroupId, Site, Span, Version, Wall};
use bowline_core::op::{
    Answer, Fault, GateOp, GateView, Instance, InstanceEvent, InstanceSettings, Op, RdsOp,
    RecordSet, Route53Op,
};

use super::promises::Faults;
use super::{Mistake, Promise, Rds, RunModel, ground};
use crate::ending::print;

/// The world's state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    /// How often the standby's instance was promoted.
    pub(super) promoted: u8,
    /// Whether that shows already.
    pub(super) shows: bool,
    /// Whether the old writer's door is closed.
    pub(super) closed: bool,
    /// When the old writer was last restarted.
    restarted: Option<Wall>,
    /// Writes of the gate so far.
    written: u8,
    /// Where the gate, or the zone, leads.
    pub(super) open: Site,
    /// Whose word that is.
    claim: Option<Claim>,
    /// How often traffic was led to the standby.
    pub(super) shifted: u8,
    /// The zone's sets, the fence record among them, in order.
    zone: Arc<Vec<RecordSet>>,
    /// Of all that.
    pub(super) print: u64,
}

impl World {
    pub(super) fn new() -> Self {
        let mut zone = ground::sets(Site::Home);
        zone.sort();
        Self {
            promoted: 0,
            shows: false,
            closed: false,
            restarted: None,
            written: 0,
            open: Site::Home,
            claim: None,
            shifted: 0,
            zone: Arc::new(zone),
            print: 0,
        }
        .printed()
    }

    /// The same with its print.
    pub(super) fn printed(mut self) -> Self {
        self.print = 0;
        self.print = print(&self);
        self
    }

    /// The same when the promotion shows.
    pub(super) fn showing(&self) -> Self {
        Self { shows: true, ..self.clone() }.printed()
    }

    /// Whether the old writer's door is as these groups make it.
    pub(super) fn admits(&self, groups: &[SecurityGroupId]) -> bool {
        self.closed == closes(groups)
    }

    /// Performs a call of a step at `now`.
    pub(super) fn perform(
        &mut self,
        model: &RunModel,
        op: &Op,
        now: Wall,
        faults: &mut Faults,
    ) -> Result<Answer, Fault> {
        match op {
            Op::Gate(_, op) => self.gate(op, model.mistake == Mistake::GateOverwrites, faults),
            Op::Rds(_, op) => self.rds(op, now, model.bounds.rds),
            Op::Route53(_, op) => self.route53(op, faults),
            other => Err(Fault::Invalid(format!("{other:?}"))),
        }
    }

    /// The lever obeys: who it is that says so must not have been superseded there.
    fn leads(&mut self, open: Site, claim: Option<&Claim>, faults: &mut Faults) {
        if let (Some(old), Some(new)) = (&self.claim, claim)
            && new.yields_to(old)
        {
            faults.found(Promise::Stale);
        }
        if open == Site::Standby && self.open == Site::Home {
            self.shifted = self.shifted.saturating_add(1);
            if !self.shows {
                faults.found(Promise::Writer);
            }
        }
        self.open = open;
        self.claim = claim.cloned();
    }

    fn gate(&mut self, op: &GateOp, blind: bool, faults: &mut Faults) -> Result<Answer, Fault> {
        let etag = || Version::new(ground::version(self.written));
        match op {
            GateOp::Read { .. } => Ok(Answer::Gate(Some(GateView {
                version: etag(),
                open: self.open,
                claim: self.claim.clone(),
            }))),
            GateOp::Write { version, .. } if *version != Some(etag()) && !blind => {
                Err(Fault::Conflict("ETag".into()))
            }
            GateOp::Write { open, claim, .. } => {
                self.leads(*open, Some(claim), faults);
                self.written += 1;
                Ok(Answer::Written(Version::new(ground::version(self.written))))
            }
        }
    }

    fn rds(&mut self, op: &RdsOp, now: Wall, rds: Rds) -> Result<Answer, Fault> {
        match op {
            RdsOp::Describe(name) => Ok(Answer::Instance(self.instance(name, now))),
            RdsOp::Events { since, .. } => {
                let event = |at| InstanceEvent { at, message: "restarted".into(), restarted: true };
                let events = self.restarted.filter(|at| at >= since).map(event);
                Ok(Answer::Events(events.into_iter().collect()))
            }
            RdsOp::SetSecurityGroups { groups, .. } => {
                self.closed = closes(groups);
                Ok(Answer::Ok)
            }
            RdsOp::Reboot { .. } => {
                // It ends a moment after it was asked for.
                self.restarted = Some(now + Span::millis(1));
                Ok(Answer::Ok)
            }
            RdsOp::Promote(_) if self.promoted > 0 && rds == Rds::Refuses => {
                Err(Fault::Invalid("DBInstanceNotFound: it is no read replica".into()))
            }
            RdsOp::Promote(_) => {
                self.promoted = self.promoted.saturating_add(1);
                Ok(Answer::Ok)
            }
            other => Err(Fault::Invalid(format!("{other:?}"))),
        }
    }

    fn instance(&self, name: &InstanceId, now: Wall) -> Instance {
        let home = ground::is_home(name.as_str());
        let replica = !home && !self.shows;
        let group = if home && self.closed { ground::CLOSED } else { "sg-app" };
        let site = if home { Site::Home } else { Site::Standby };
        Instance {
            id: name.clone(),
            arn: format!("arn:aws:rds:eu-central-1:111111111111:db:{name}").as_str().into(),
            resource: format!("id-{site}").as_str().into(),
            status: "available".into(),
            source: replica.then(|| "db-home".into()),
            streaming: replica,
            replicas: Vec::new(),
            settings: Box::new(InstanceSettings {
                engine: "postgres".into(),
                class: "db.r6g.large".into(),
                subnet_group: None,
                parameter_group: None,
                security_groups: vec![group.into()],
                kms_key: None,
                backup_retention_days: 7,
                multi_az: true,
            }),
            managed_password: false,
            told_at: now,
        }
    }

    fn route53(&mut self, op: &Route53Op, faults: &mut Faults) -> Result<Answer, Fault> {
        match op {
            Route53Op::Records { name, .. } => {
                let sets = self.zone.iter().filter(|set| set.name == *name);
                Ok(Answer::Records(sets.cloned().collect()))
            }
            Route53Op::Change { delete, create, .. } => {
                let mut zone = Vec::clone(&self.zone);
                for set in delete {
                    let place = zone.iter().position(|present| present == set);
                    let gone = || Fault::Conflict(format!("{} is not as given", set.name));
                    zone.remove(place.ok_or_else(gone)?);
                }
                let key =
                    |set: &RecordSet| (set.name.clone(), set.kind, set.set_identifier.clone());
                for set in create {
                    if zone.iter().any(|present| key(present) == key(set)) {
                        return Err(Fault::Conflict(format!("{} exists", set.name)));
                    }
                    zone.push(set.clone());
                }
                zone.sort();
                let standby = ground::sets(Site::Standby).iter().all(|set| zone.contains(set));
                let open = if standby { Site::Standby } else { Site::Home };
                self.leads(open, zone.iter().find_map(read_fence).as_ref(), faults);
                self.zone = Arc::new(zone);
                Ok(Answer::Change("C1".into()))
            }
            other => Err(Fault::Invalid(format!("{other:?}"))),
        }
    }
}

/// Whether these groups close the door.
fn closes(groups: &[SecurityGroupId]) -> bool {
    groups.iter().any(|group| group.as_str() == ground::CLOSED)
}
