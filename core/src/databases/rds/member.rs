//! One site's instance, named so that a reused identifier is noticed.

use serde::{Deserialize, Serialize};

use crate::model::{InstanceId, ResourceId, Scope, SecurityGroupId, Site, StepId, Wall};
use crate::op::{CloudWatchOp, Instance, Metric, Op, RdsOp};
use crate::step::{Context, Judgement};

/// A `DbiResourceId` that was recorded, or will be known when a step is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResourceRef {
    /// As recorded in peacetime.
    Known(ResourceId),
    /// The output `resource` of the step that creates the instance.
    CreatedBy(StepId),
}

impl ResourceRef {
    /// The id, if it is known by now.
    #[must_use]
    pub fn get(&self, cx: &Context<'_>) -> Option<ResourceId> {
        match self {
            Self::Known(id) => Some(id.clone()),
            Self::CreatedBy(step) => cx.output(step, "resource").map(ResourceId::new),
        }
    }
}

/// A site's database instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// At which site.
    pub site: Site,
    /// In which Region, with which role.
    pub scope: Scope,
    /// Its identifier.
    pub instance: InstanceId,
    /// Its `DbiResourceId`.
    pub resource: ResourceRef,
    /// The security group that admits replication only.
    pub closed: SecurityGroupId,
}

impl Member {
    /// The read of the instance.
    pub(super) fn describe(&self) -> Op {
        Op::Rds(self.scope.clone(), RdsOp::Describe(self.instance.clone()))
    }

    /// The read of the instance's events since an instant.
    pub(super) fn events(&self, since: Wall) -> Op {
        Op::Rds(self.scope.clone(), RdsOp::Events { instance: self.instance.clone(), since })
    }

    /// The read of one of the instance's metrics since an instant.
    pub(super) fn points(&self, metric: fn(InstanceId) -> Metric, since: Wall) -> Op {
        let metric = metric(self.instance.clone());
        Op::CloudWatch(self.scope.clone(), CloudWatchOp::Points { metric, since })
    }

    /// What to say when the instance is not the one that was recorded.
    pub(super) fn stranger(&self, cx: &Context<'_>, found: &Instance) -> Option<Judgement> {
        let recorded = self.resource.get(cx);
        (recorded.as_ref() != Some(&found.resource)).then(|| {
            let recorded = recorded.map_or_else(|| "nothing".into(), |id| id.to_string());
            let words = format!("{} is {}; recorded is {recorded}", self.instance, found.resource);
            Judgement::Disagrees(words)
        })
    }

    /// Whether the instance lets nobody in but replication.
    pub(super) fn shut(&self, found: &Instance) -> bool {
        found.settings.security_groups == [self.closed.clone()]
    }
}

/// Whether the step's last recorded call was of this kind.
pub(super) fn last_was(cx: &Context<'_>, kind: impl Fn(&RdsOp) -> bool) -> Option<Wall> {
    let acted = cx.acted?;
    matches!(&acted.op, Op::Rds(_, op) if kind(op)).then_some(acted.at)
}
