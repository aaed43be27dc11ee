//! The `gates` lever: one bit drives two pre-created health checks, standby's being home's
//! inverted.
//!
//! "Both unhealthy → PRIMARY" cannot happen by a gate, and moving traffic needs no control plane of
//! Route 53's. The bit is an S3 object in a Region that is neither site's, written with `If-Match`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{RoleArn, Site};
use crate::op::{Fault, GateOp, Op};
use crate::step::{Context, Judgement, Procedure, Seen};

/// Claims the gate object for a run before anything is moved by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimGate {
    /// Role for the object's account.
    pub role: Option<RoleArn>,
    /// `s3://bucket/key`.
    pub object: Arc<str>,
    /// The site whose gate is open meanwhile, where the object does not say.
    pub from: Site,
}

impl Procedure for ClaimGate {
    fn observe(&self, _: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        look(seen, &self.role, &self.object)
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let gate = seen.gate(0)?.as_ref();
        match gate.and_then(|gate| gate.claim.as_ref()) {
            Some(claim) if cx.claim.yields_to(claim) => {
                return Ok(Judgement::Fenced(claim.clone()));
            }
            Some(claim) if claim == cx.claim => {
                return Ok(Judgement::done(format!("{} knows {}", self.object, cx.claim)));
            }
            _ => {}
        }
        let write = GateOp::Write {
            object: Arc::clone(&self.object),
            version: gate.map(|gate| gate.version.clone()),
            open: gate.map_or(self.from, |gate| gate.open),
            claim: cx.claim.clone(),
        };
        let op = Op::Gate(self.role.clone(), write);
        Ok(Judgement::act(op, format!("claim in {}", self.object)))
    }
}

/// Opens one site's gate and closes the other's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flip {
    /// Role for the object's account.
    pub role: Option<RoleArn>,
    /// `s3://bucket/key`.
    pub object: Arc<str>,
    /// Where traffic shall go.
    pub to: Site,
}

impl Procedure for Flip {
    fn observe(&self, _: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        look(seen, &self.role, &self.object)
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let gate = seen.gate(0)?.as_ref();
        let found = gate.and_then(|gate| gate.claim.as_ref());
        if let Some(claim) = found.filter(|claim| cx.claim.yields_to(claim)) {
            return Ok(Judgement::Fenced(claim.clone()));
        }
        if gate.is_some_and(|gate| gate.open == self.to) && found == Some(cx.claim) {
            return Ok(Judgement::done(format!("the gate is open for {}", self.to)));
        }
        let write = GateOp::Write {
            object: Arc::clone(&self.object),
            version: gate.map(|gate| gate.version.clone()),
            open: self.to,
            claim: cx.claim.clone(),
        };
        Ok(Judgement::act(Op::Gate(self.role.clone(), write), format!("open {}'s gate", self.to)))
    }
}

/// One look at the gate object.
fn look(seen: Seen<'_>, role: &Option<RoleArn>, object: &Arc<str>) -> Vec<Op> {
    if !seen.is_empty() {
        return Vec::new();
    }
    vec![Op::Gate(role.clone(), GateOp::Read { object: Arc::clone(object) })]
}
