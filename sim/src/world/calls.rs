//! Who answers which call, and from where.

use bowline_core::model::{Now, Region};
use bowline_core::op::{Answer, CloudWatchOp, Fault, GateOp, Metric, Op, ProbeOp, StoreOp};

use super::{News, World};
use crate::faults::Place;

/// What became of a call in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Answered(Result<Answer, Fault>),
    /// Nobody is there to answer, and nothing happened.
    Silent,
}

impl World {
    /// Where a call goes.
    #[must_use]
    pub fn place<'a>(&'a self, op: &'a Op, now: Now) -> Place<'a> {
        match op {
            Op::Store(_) | Op::Lease(_) => Place::Management,
            Op::Kube(cluster, _) => match self.clusters.get(cluster) {
                Some(site) => Place::Region(&site.region),
                None => Place::Outside,
            },
            Op::Route53(..) => Place::Dns,
            Op::Elb(scope, _) | Op::Rds(scope, _) | Op::CloudWatch(scope, _) => {
                Place::Region(&scope.region)
            }
            Op::Probe(ProbeOp::Http(probe)) => match self.probed(probe, now) {
                Some(region) => Place::Region(region),
                None => Place::Outside,
            },
            Op::Gate(..) | Op::Probe(_) | Op::Notify(_) => Place::Outside,
        }
    }

    /// Performs a call's effect.
    pub fn perform(&mut self, op: &Op, now: Now, rng: &mut fastrand::Rng) -> Outcome {
        if !self.present.is_empty()
            && let Place::Region(region) = self.place(op, now)
            && self.is_dead(region)
        {
            return Outcome::Silent;
        }
        let result = match op {
            Op::Store(op) => self.store(op),
            Op::Lease(op) => self.lease.perform(op),
            Op::Kube(cluster, op) => match self.clusters.get_mut(cluster) {
                Some(site) => site.kube.perform(op, now, rng),
                None => Err(Fault::NotFound(format!("cluster {cluster}"))),
            },
            Op::Route53(_, op) => self.route53.perform(op, now, rng),
            Op::Elb(scope, op) => self.elb.perform(&scope.region, op, now),
            Op::Rds(scope, op) => self.rds.perform(&scope.region, op, now, rng),
            Op::CloudWatch(scope, op) => self.points(&scope.region, op, now),
            Op::Gate(_, op) => self.gate(op, now),
            Op::Probe(op) => return self.probe(op, now, rng),
            Op::Notify(_) => Ok(Answer::Ok),
        };
        if changes_parts(op) {
            self.settle(now, rng);
        }
        Outcome::Answered(result)
    }

    fn store(&mut self, op: &StoreOp) -> Result<Answer, Fault> {
        let answer = self.store.perform(op)?;
        if let StoreOp::Append { group, seq, .. } = op {
            self.news.push(News::Stored(group.clone(), *seq));
        }
        Ok(answer)
    }

    fn points(&mut self, region: &Region, op: &CloudWatchOp, now: Now) -> Result<Answer, Fault> {
        let CloudWatchOp::Points { metric, since } = op;
        match metric {
            Metric::Served(arn) => Ok(self.elb.points(region, arn, *since, now)),
            _ => self.rds.points(region, op, now),
        }
    }

    fn gate(&mut self, op: &GateOp, now: Now) -> Result<Answer, Fault> {
        let answer = self.gates.perform(op)?;
        if matches!(op, GateOp::Write { .. }) {
            for (check, answers) in self.gates.endpoints() {
                self.route53.set_endpoint(check, answers, now);
            }
        }
        Ok(answer)
    }
}

/// Whether a call may move a part that others follow.
fn changes_parts(op: &Op) -> bool {
    match op {
        Op::Store(_) | Op::Lease(_) | Op::Notify(_) => false,
        other => other.mutates(),
    }
}
