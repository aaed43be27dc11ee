//! Rebuilding a site's member as a replica: the old instance is renamed, and a replica takes its
//! identifier, so that endpoints and everybody's configuration stay.

use serde::{Deserialize, Serialize};

use super::member::{Member, last_was};
use super::{POLL, RENAME_SHOWS};
use crate::model::{InstanceArn, InstanceId};
use crate::op::{Fault, InstanceSettings, Op, RdsOp};
use crate::step::{Context, Judgement, Outputs, Procedure, Seen};

/// Gives a fenced old instance another identifier. It takes RDS about ten minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rename {
    /// The old instance.
    pub member: Member,
    /// Its new identifier.
    pub to: InstanceId,
}

impl Procedure for Rename {
    fn observe(&self, _: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if !seen.is_empty() {
            return Vec::new();
        }
        let renamed = RdsOp::Describe(self.to.clone());
        vec![Op::Rds(self.member.scope.clone(), renamed), self.member.describe()]
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let (from, to) = (&self.member.instance, &self.to);
        if !seen.missing(0) {
            let found = seen.instance(0)?;
            if let Some(stranger) = self.member.stranger(cx, found) {
                return Ok(stranger);
            }
            return Ok(if found.available() {
                Judgement::done(format!("{from} is now {to}"))
            } else {
                Judgement::wait(POLL, format!("{to} is {}", found.status))
            });
        }
        if seen.missing(1) {
            return Ok(self.nothing_there(cx));
        }
        let found = seen.instance(1)?;
        if let Some(stranger) = self.member.stranger(cx, found) {
            if found.source.is_none() {
                return Ok(stranger);
            }
            // Whose replica it is, and whether it will do, is looked at by who would create it.
            let note = format!("{from} is a replica that a cancelled run was making");
            return Ok(Judgement::done(note));
        }
        let sent = last_was(cx, |op| matches!(op, RdsOp::Rename { .. }));
        if !found.available() || sent.is_some_and(|at| cx.now.wall.since(at) < RENAME_SHOWS) {
            return Ok(Judgement::wait(POLL, format!("{from} is {}", found.status)));
        }
        let rename = RdsOp::Rename { instance: from.clone(), to: to.clone() };
        Ok(Judgement::act(Op::Rds(self.member.scope.clone(), rename), format!("rename {from}")))
    }
}

impl Rename {
    /// While RDS renames, neither identifier may be there for a while. If this run renamed nothing,
    /// the identifier is free: a run that was cancelled has renamed the instance before.
    fn nothing_there(&self, cx: &Context<'_>) -> Judgement {
        let (from, to) = (&self.member.instance, &self.to);
        if last_was(cx, |op| matches!(op, RdsOp::Rename { .. })).is_some() {
            return Judgement::wait(POLL, format!("neither {from} nor {to} is there"));
        }
        let note = format!("no instance is called {from} any more");
        Judgement::Steady { hold: RENAME_SHOWS, outputs: Outputs::new(), note }
    }
}

/// Creates a replica under the identifier that a site's member has always had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateReplica {
    /// The member as it was: identifier, Region, and the resource id of the *old* instance.
    pub member: Member,
    /// The writer.
    pub source: InstanceArn,
    /// The settings recorded in peacetime.
    pub settings: InstanceSettings,
}

impl Procedure for CreateReplica {
    fn observe(&self, _: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if seen.is_empty() { vec![self.member.describe()] } else { Vec::new() }
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let name = &self.member.instance;
        if seen.missing(0) {
            let sent = last_was(cx, |op| matches!(op, RdsOp::CreateReplica { .. }));
            if sent.is_some_and(|at| cx.now.wall.since(at) < RENAME_SHOWS) {
                return Ok(Judgement::wait(POLL, format!("{name} is not there yet")));
            }
            let words = format!("create replica {name} of {}", self.source);
            return Ok(Judgement::act(self.create(), words));
        }
        let found = seen.instance(0)?;
        if self.member.resource.get(cx).as_ref() == Some(&found.resource) {
            return Ok(Judgement::wait(POLL, format!("{name} is still the old instance")));
        }
        if found.source.is_none() || found.source != self.source.instance() {
            let words = format!("{name} is {}, no replica of {}", found.resource, self.source);
            return Ok(Judgement::Disagrees(words));
        }
        let words = format!("{name} is {}", found.status);
        Ok(if !found.available() || !found.streaming {
            Judgement::wait(POLL, words)
        } else if self.settings.told_later(&found.settings) {
            Judgement::done_with("resource", &found.resource, format!("{words} and streams"))
        } else {
            self.configure(cx)
        })
    }
}

impl CreateReplica {
    /// What RDS does not take at a replica's birth: backups, so that the next replica can be made
    /// from it, and for most engines the parameter group.
    fn configure(&self, cx: &Context<'_>) -> Judgement {
        let name = &self.member.instance;
        let sent = last_was(cx, |op| matches!(op, RdsOp::Configure { .. }));
        if sent.is_some_and(|at| cx.now.wall.since(at) < RENAME_SHOWS) {
            return Judgement::wait(POLL, format!("{name} is not set as recorded yet"));
        }
        let settings = Box::new(self.settings.clone());
        let op = RdsOp::Configure { instance: name.clone(), settings };
        Judgement::act(Op::Rds(self.member.scope.clone(), op), format!("set {name} as recorded"))
    }

    fn create(&self) -> Op {
        let op = RdsOp::CreateReplica {
            instance: self.member.instance.clone(),
            source: self.source.clone(),
            settings: Box::new(self.settings.clone()),
        };
        Op::Rds(self.member.scope.clone(), op)
    }
}
