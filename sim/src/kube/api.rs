//! The API server: every call to it, with the conflicts that optimistic locking gives.

use std::sync::Arc;

use bowline_core::model::{Claim, GroupName, Mono, Now, ObjectRef, Version};
use bowline_core::op::{Answer, Fault, FenceView, KubeOp};

use super::KubeCluster;
use super::objects::same;

impl KubeCluster {
    /// What a call does and answers.
    ///
    /// # Errors
    /// `NotFound` for what is not there, `Conflict` for a write whose version is not the object's,
    /// `Invalid` for what no API server would accept.
    pub fn perform(
        &mut self,
        op: &KubeOp,
        now: Now,
        rng: &mut fastrand::Rng,
    ) -> Result<Answer, Fault> {
        match op {
            KubeOp::Ready => Ok(Answer::Ok),
            KubeOp::Workload(workload) => {
                let workload = &self.objects.workloads[self.objects.workload(workload)?];
                let mut view = workload.view.clone();
                view.ready = if workload.unobserved { 0 } else { view.ready };
                Ok(Answer::Workload(view))
            }
            KubeOp::Job(job) => {
                Ok(Answer::Job(self.objects.jobs[self.objects.job(job)?].view.clone()))
            }
            KubeOp::Pool(pool) => {
                Ok(Answer::Pool(self.objects.pools[self.objects.pool(pool)?].view.clone()))
            }
            KubeOp::Nodes { pool } => Ok(Answer::Nodes(self.count_nodes(self.objects.pool(pool)?))),
            KubeOp::NodeClaims { pool } => {
                Ok(Answer::Nodes(self.count_claims(self.objects.pool(pool)?)))
            }
            KubeOp::Fence(group) => Ok(Answer::Fence(self.objects.fences.get(group).cloned())),
            write => self.write(write, now.mono, rng).map(Answer::Written),
        }
    }

    fn write(&mut self, op: &KubeOp, at: Mono, rng: &mut fastrand::Rng) -> Result<Version, Fault> {
        match op {
            KubeOp::Annotate { object, version, note } => self.annotate(object, version, note),
            KubeOp::Scale { workload, version, replicas } => {
                let index = self.objects.workload(workload)?;
                same(version, &self.objects.workloads[index].view.version)?;
                Ok(self.want(index, *replicas, at, rng))
            }
            KubeOp::Suspend { job, version, suspend, note } => {
                let index = self.objects.job(job)?;
                let version = self.annotate(&ObjectRef::Job(job.clone()), version, note)?;
                self.objects.jobs[index].view.suspended = *suspend;
                Ok(version)
            }
            KubeOp::Limit { pool, version, limits, note } => {
                let index = self.objects.pool(pool)?;
                let version = self.annotate(&ObjectRef::NodePool(pool.clone()), version, note)?;
                self.limit(index, limits.clone(), at, rng);
                Ok(version)
            }
            KubeOp::Claim { group, version, claim } => self.claim(group, version.as_ref(), claim),
            read => Err(Fault::Invalid(format!("not a write: {read:?}"))),
        }
    }

    fn annotate(
        &mut self,
        object: &ObjectRef,
        based_on: &Version,
        note: &Option<Arc<str>>,
    ) -> Result<Version, Fault> {
        let (present, _) = self.objects.meta(object)?;
        same(based_on, present)?;
        let version = self.objects.revise();
        let (present, annotation) = self.objects.meta(object)?;
        *present = version.clone();
        annotation.clone_from(note);
        Ok(version)
    }

    fn claim(
        &mut self,
        group: &GroupName,
        based_on: Option<&Version>,
        claim: &Claim,
    ) -> Result<Version, Fault> {
        match (based_on, self.objects.fences.get(group)) {
            (None, Some(_)) => return Err(Fault::Conflict("the ConfigMap exists".into())),
            (Some(_), None) => return Err(Fault::NotFound("ConfigMap bowline-fence".into())),
            (Some(version), Some(fence)) => same(version, &fence.version)?,
            (None, None) => {}
        }
        let version = self.objects.revise();
        let fence = FenceView { version: version.clone(), claim: claim.clone() };
        self.objects.fences.insert(group.clone(), fence);
        Ok(version)
    }
}
