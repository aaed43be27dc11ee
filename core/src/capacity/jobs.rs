//! CronJobs: suspended at the site that is not active, resumed at the one that is.

use serde::{Deserialize, Serialize};

use super::fence::{self, SOON, not_there};
use super::note::{self, Standing};
use crate::model::{Cluster, JobRef, ObjectRef, Site};
use crate::op::{Fault, KubeOp, Op};
use crate::step::{Context, Held, Hold, HoldId, Judgement, Procedure, Seen};

/// Suspends or resumes a CronJob and holds it so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetJob {
    /// At which site.
    pub site: Site,
    /// In which cluster.
    pub cluster: Cluster,
    /// Which job.
    pub job: JobRef,
    /// Whether it shall not be started.
    pub suspend: bool,
}

impl Procedure for SetJob {
    fn observe(&self, cx: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if !seen.is_empty() {
            return Vec::new();
        }
        let read = Op::Kube(self.cluster.clone(), KubeOp::Job(self.job.clone()));
        vec![fence::read(&self.cluster, cx), read]
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        if let Some(first) = fence::check(&self.cluster, cx, seen, 0)? {
            return Ok(first);
        }
        let object = ObjectRef::Job(self.job.clone());
        if self.suspend && seen.missing(1) {
            return Ok(not_there(object.to_string()));
        }
        let view = seen.job(1)?;
        let note = note::parse(view.note.as_ref())?;
        let (note, words) = match note::stand(cx, note, &view.suspended, &self.suspend) {
            Standing::Fenced(claim) => return Ok(Judgement::Fenced(claim)),
            Standing::Write(note) => (note, "take"),
            Standing::Ours(note) if view.suspended != self.suspend => (note, "set"),
            Standing::Ours(_) if self.suspend && view.active > 0 => {
                return Ok(Judgement::wait(SOON, format!("{object}: {} still run", view.active)));
            }
            Standing::Ours(_) => {
                return Ok(Judgement::done(format!("{object}: suspended={}", self.suspend)));
            }
        };
        let op = KubeOp::Suspend {
            job: self.job.clone(),
            version: view.version.clone(),
            suspend: self.suspend,
            note: Some(note::render(&note)),
        };
        let hold = self.hold(note.baseline);
        let words = format!("{words} {object}: suspend={}", self.suspend);
        Ok(Judgement::act_holding(Op::Kube(self.cluster.clone(), op), hold, words))
    }
}

impl SetJob {
    fn hold(&self, baseline: bool) -> Hold {
        Hold {
            id: HoldId::object(self.site, &ObjectRef::Job(self.job.clone())),
            site: self.site,
            held: Held::Job {
                cluster: self.cluster.clone(),
                job: self.job.clone(),
                baseline,
                wants: self.suspend,
            },
        }
    }
}
