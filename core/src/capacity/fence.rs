//! The group's `bowline-fence` ConfigMap in a site's cluster: how a living controller and a
//! break-glass process see each other.

use serde::{Deserialize, Serialize};

use crate::bugs::{self, Bug};
use crate::model::{Cluster, Span};
use crate::op::{Fault, KubeOp, Op};
use crate::step::{Context, Judgement, Outputs, Procedure, Seen};

/// Claims the group's epoch in a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimCluster {
    /// In which cluster.
    pub cluster: Cluster,
}

impl Procedure for ClaimCluster {
    fn observe(&self, cx: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if seen.is_empty() { vec![read(&self.cluster, cx)] } else { Vec::new() }
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        match check(&self.cluster, cx, seen, 0)? {
            Some(judgement) => Ok(judgement),
            None => Ok(Judgement::done(format!("{} knows {}", self.cluster, cx.claim))),
        }
    }
}

/// The read that [`check`] needs.
pub(super) fn read(cluster: &Cluster, cx: &Context<'_>) -> Op {
    Op::Kube(cluster.clone(), KubeOp::Fence(cx.group.clone()))
}

/// What must happen before anything is written to this cluster; `None` when its fence is ours.
pub(super) fn check(
    cluster: &Cluster,
    cx: &Context<'_>,
    seen: Seen<'_>,
    index: usize,
) -> Result<Option<Judgement>, Fault> {
    let version = match seen.fence(index)? {
        Some(fence) if fence.claim == *cx.claim => return Ok(None),
        Some(_) if bugs::on(Bug::HoldClaimOverruled) => return Ok(None),
        Some(fence)
            if cx.claim.yields_to(&fence.claim) && !bugs::on(Bug::ClusterClaimOverruled) =>
        {
            return Ok(Some(Judgement::Fenced(fence.claim.clone())));
        }
        Some(fence) => Some(fence.version.clone()),
        None => None,
    };
    let claim = KubeOp::Claim { group: cx.group.clone(), version, claim: cx.claim.clone() };
    Ok(Some(Judgement::act(Op::Kube(cluster.clone(), claim), format!("claim in {cluster}"))))
}

/// How soon to look again at something that changes within seconds.
pub(super) const SOON: Span = Span::secs(2);

/// How long an object that this step did not let go must be seen free: longer than a cache is
/// behind, and than an API server works on a call of who led before (`--request-timeout`: 60 s).
pub(super) const HOLD_SHOWS: Span = Span::secs(75);

/// What is not there any more runs nothing, and is held by nobody.
pub(super) fn not_there(object: String) -> Judgement {
    let note = format!("{object} is not there any more");
    Judgement::Steady { hold: HOLD_SHOWS, outputs: Outputs::new(), note }
}
