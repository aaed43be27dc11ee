//! Limits of Karpenter NodePools: opened while a site is needed, shared by every group that asks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fence;
use super::note::{self, Standing};
use crate::model::{Cluster, HoldNote, ObjectName, ObjectRef, Site, Span};
use crate::op::{Fault, KubeOp, Op, PoolView, Quantities};
use crate::step::{Context, Held, Hold, HoldId, Judgement, Procedure, Seen};

/// Opens a NodePool and holds it open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPool {
    /// At which site.
    pub site: Site,
    /// In which cluster.
    pub cluster: Cluster,
    /// Which NodePool.
    pub pool: ObjectName,
    /// The limits this group asks for.
    pub limits: Quantities,
}

impl Procedure for SetPool {
    fn observe(&self, cx: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if !seen.is_empty() {
            return Vec::new();
        }
        vec![fence::read(&self.cluster, cx), read(&self.cluster, &self.pool)]
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        if let Some(first) = fence::check(&self.cluster, cx, seen, 0)? {
            return Ok(first);
        }
        let view = seen.pool(1)?;
        let note = note::parse(view.note.as_ref())?;
        let note = match note::stand(cx, note, &view.limits, &self.limits) {
            Standing::Fenced(claim) => return Ok(Judgement::Fenced(claim)),
            Standing::Write(note) => note,
            Standing::Ours(note) if !has(&view.limits, &largest(&note)) => note,
            Standing::Ours(_) => {
                return Ok(Judgement::done(format!("NodePool {} is open", self.pool)));
            }
        };
        let op = limit(&self.cluster, &self.pool, view, Some(&note));
        let words = format!("open NodePool {}", self.pool);
        Ok(Judgement::act_holding(op, self.hold(note.baseline), words))
    }
}

impl SetPool {
    fn hold(&self, baseline: Quantities) -> Hold {
        Hold {
            id: HoldId::object(self.site, &ObjectRef::NodePool(self.pool.clone())),
            site: self.site,
            held: Held::Pool {
                cluster: self.cluster.clone(),
                pool: self.pool.clone(),
                baseline,
                wants: self.limits.clone(),
            },
        }
    }
}

/// What every owner can live with: of each limit the largest asked, none if one asks for none.
///
/// The baseline is not among them: a parked pool says 0, and that is what its owners overrule.
pub(super) fn largest(note: &HoldNote<Quantities>) -> Quantities {
    let mut owners = note.owners.values().map(|owner| &owner.wants);
    let Some(first) = owners.next() else { return note.baseline.clone() };
    owners.fold(first.clone(), |all, wants| {
        let both = |(name, &limit): (&_, &u64)| {
            wants.get(name).map(|&other| (std::sync::Arc::clone(name), limit.max(other)))
        };
        all.iter().filter_map(both).collect::<BTreeMap<_, _>>()
    })
}

/// Whether every limit is there as wanted. One that nobody here asked for is another manager's, and
/// a server-side apply leaves it.
fn has(present: &Quantities, wanted: &Quantities) -> bool {
    wanted.iter().all(|(name, limit)| present.get(name) == Some(limit))
}

/// The read of a NodePool.
pub(super) fn read(cluster: &Cluster, pool: &ObjectName) -> Op {
    Op::Kube(cluster.clone(), KubeOp::Pool(pool.clone()))
}

/// The write that makes a NodePool what its owners want; without owners, what `view` would restore.
pub(super) fn limit(
    cluster: &Cluster,
    pool: &ObjectName,
    view: &PoolView,
    note: Option<&HoldNote<Quantities>>,
) -> Op {
    let op = KubeOp::Limit {
        pool: pool.clone(),
        version: view.version.clone(),
        limits: note.map_or_else(|| view.limits.clone(), largest),
        note: note.map(note::render),
    };
    Op::Kube(cluster.clone(), op)
}

/// Waits until the nodes that a NodePool added are gone, and the instances that still boot: they
/// would be nodes a minute later. Unless another group still holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodesGone {
    /// In which cluster.
    pub cluster: Cluster,
    /// Of which NodePool.
    pub pool: ObjectName,
}

impl Procedure for NodesGone {
    fn observe(&self, _: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if !seen.is_empty() {
            return Vec::new();
        }
        let nodes = KubeOp::Nodes { pool: self.pool.clone() };
        let claims = KubeOp::NodeClaims { pool: self.pool.clone() };
        let kube = |op| Op::Kube(self.cluster.clone(), op);
        vec![read(&self.cluster, &self.pool), kube(nodes), kube(claims)]
    }

    fn judge(&self, _: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let note: Option<HoldNote<Quantities>> = match seen.missing(0) {
            true => None,
            false => note::parse(seen.pool(0)?.note.as_ref())?,
        };
        if let Some(note) = note {
            let others: Vec<_> = note.owners.keys().map(ToString::to_string).collect();
            return Ok(Judgement::done(format!(
                "NodePool {} is still held by {}",
                self.pool,
                others.join(", ")
            )));
        }
        let (nodes, launched) = (seen.nodes(1)?.total, seen.nodes(2)?.total);
        let words = format!("NodePool {}: {nodes} nodes, {launched} instances", self.pool);
        Ok(match nodes.max(launched) {
            0 => Judgement::done(words),
            _ => Judgement::wait(Span::secs(5), words),
        })
    }
}
