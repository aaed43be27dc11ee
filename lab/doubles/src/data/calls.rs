//! Calls to RDS and CloudWatch, and the log of those that change something.

use bowline_core::model::{InstanceId, Region, Wall};
use bowline_core::op::{Answer, CloudWatchOp, Fault, Instance, Metric, RdsOp};
use serde::{Deserialize, Serialize};

use super::faults::{self, Manner};
use super::world::World;

/// What `data` says to a Region's endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reply {
    /// What became of the call.
    pub(crate) result: Result<Answer, Fault>,
    /// The instance after it.
    pub(crate) instance: Option<Described>,
    /// How the endpoint shall go wrong instead of saying so.
    pub(crate) manner: Option<Manner>,
}

/// An instance with the Regions of its kin, which an ARN has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Described {
    /// As RDS describes it.
    pub(crate) instance: Instance,
    /// Where its source is.
    pub(crate) source: Option<(Region, InstanceId)>,
    /// Where its replicas are.
    pub(crate) replicas: Vec<(Region, InstanceId)>,
}

/// A call that was to change something.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Logged {
    at: Wall,
    region: Region,
    op: &'static str,
    call: RdsOp,
    /// Whether RDS accepted it.
    effect: bool,
    /// Why it did not.
    refused: Option<String>,
    manner: Option<Manner>,
}

impl World {
    /// A call to a Region's RDS.
    pub(super) fn rds_call(&mut self, region: &Region, op: &RdsOp) -> Reply {
        let manner = faults::take(&mut self.injected, op);
        let result = match manner {
            Some(manner) if !manner.has_effect() => Err(injected(manner)),
            _ if self.down.contains(region) => {
                Err(Fault::Transient(format!("{region} is down; its endpoint should be frozen")))
            }
            _ => self.perform(region, op),
        };
        if op.mutates() {
            self.log.push(Logged {
                at: self.now().wall,
                region: region.clone(),
                op: faults::name(op),
                call: op.clone(),
                effect: result.is_ok(),
                refused: result.as_ref().err().map(ToString::to_string),
                manner,
            });
        }
        let instance = if result.is_ok() { self.described(region, subject(op)) } else { None };
        Reply { result, instance, manner }
    }

    fn perform(&mut self, region: &Region, op: &RdsOp) -> Result<Answer, Fault> {
        let now = self.now();
        let result = self.rds.perform(region, op, now, &mut self.rng);
        // New instances would back up by themselves; here only a test says when.
        self.rds.cancel_backups();
        result
    }

    fn described(&mut self, region: &Region, id: &InstanceId) -> Option<Described> {
        let kin = self.rds.kin(region, id);
        match self.perform(region, &RdsOp::Describe(id.clone())) {
            Ok(Answer::Instance(instance)) => {
                Some(Described { instance, source: kin.source, replicas: kin.replicas })
            }
            _ => None,
        }
    }

    /// A call to a Region's CloudWatch.
    pub(super) fn cloudwatch_call(&mut self, region: &Region, op: &CloudWatchOp) -> Reply {
        let now = self.now();
        let CloudWatchOp::Points { metric, since } = op;
        let result = match metric {
            Metric::Served(_) => {
                let served = self.served.get_mut(region);
                let points = served.map(|served| served.points(*since, now.mono));
                Ok(Answer::Points(points.unwrap_or_default()))
            }
            _ => self.rds.points(region, op, now),
        };
        Reply { result, instance: None, manner: None }
    }
}

/// The instance that a call is about.
fn subject(op: &RdsOp) -> &InstanceId {
    match op {
        RdsOp::Describe(id) | RdsOp::Promote(id) => id,
        RdsOp::Events { instance, .. }
        | RdsOp::Reboot { instance, .. }
        | RdsOp::SetSecurityGroups { instance, .. }
        | RdsOp::Rename { instance, .. }
        | RdsOp::Configure { instance, .. }
        | RdsOp::CreateReplica { instance, .. } => instance,
    }
}

fn injected(manner: Manner) -> Fault {
    match manner {
        Manner::Throttle => Fault::Throttled { after: None },
        _ => Fault::Transient("injected by a test".into()),
    }
}
