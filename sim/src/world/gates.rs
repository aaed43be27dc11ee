//! Gate objects: S3 objects in a third Region, written only over the version that was read.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_core::model::{HealthCheckId, Site, Version};
use bowline_core::op::{Answer, Fault, GateOp, GateView};

/// All gate objects.
#[derive(Clone, Debug, Default)]
pub struct Gates {
    objects: BTreeMap<Arc<str>, Gate>,
    revision: u64,
}

/// A gate object and the health checks that follow it.
#[derive(Clone, Debug)]
struct Gate {
    view: GateView,
    checks: Vec<HealthCheckId>,
}

impl Gates {
    /// Adds an object that nobody claimed yet. `checks` follow it: their endpoint answers exactly
    /// while home's gate is open (standby's check is inverted).
    pub fn add(&mut self, object: Arc<str>, checks: Vec<HealthCheckId>) {
        let version = self.revise();
        let view = GateView { version, open: Site::Home, claim: None };
        self.objects.insert(object, Gate { view, checks });
    }

    /// What an object says.
    #[must_use]
    pub fn view(&self, object: &str) -> Option<&GateView> {
        self.objects.get(object).map(|gate| &gate.view)
    }

    /// Every check that follows an object, and whether its endpoint answers.
    pub fn endpoints(&self) -> impl Iterator<Item = (&HealthCheckId, bool)> {
        self.objects.values().flat_map(|gate| {
            let open = gate.view.open == Site::Home;
            gate.checks.iter().map(move |check| (check, open))
        })
    }

    /// What a call does and answers.
    ///
    /// # Errors
    /// `Conflict` for a write over another version than the object's.
    pub fn perform(&mut self, op: &GateOp) -> Result<Answer, Fault> {
        match op {
            GateOp::Read { object } => Ok(Answer::Gate(self.view(object).cloned())),
            GateOp::Write { object, version, open, claim } => {
                let present = self.view(object).map(|view| &view.version);
                if present != version.as_ref() {
                    return Err(Fault::Conflict(format!("412: {object} is at {present:?}")));
                }
                let version = self.revise();
                let (open, claim) = (*open, Some(claim.clone()));
                let view = GateView { version: version.clone(), open, claim };
                match self.objects.get_mut(object) {
                    Some(gate) => gate.view = view,
                    None => {
                        let gate = Gate { view, checks: Vec::new() };
                        self.objects.insert(object.clone(), gate);
                    }
                }
                Ok(Answer::Written(version))
            }
        }
    }

    fn revise(&mut self) -> Version {
        self.revision += 1;
        Version::new(format!("\"{:08x}\"", self.revision))
    }
}

#[cfg(test)]
mod tests {
    use bowline_core::model::{Claim, Epoch};

    use super::*;

    fn write(version: Option<&Version>, open: Site) -> GateOp {
        let claim = Claim::new(Epoch(1), "r".into());
        GateOp::Write { object: "s3://b/k".into(), version: version.cloned(), open, claim }
    }

    #[test]
    fn s5_a_gate_is_written_only_over_the_version_that_was_read() {
        let mut gates = Gates::default();
        gates.add("s3://b/k".into(), vec!["a".into()]);
        let first = gates.view("s3://b/k").unwrap().version.clone();
        assert!(matches!(gates.perform(&write(None, Site::Standby)), Err(Fault::Conflict(_))));
        assert!(gates.perform(&write(Some(&first), Site::Standby)).is_ok());
        assert!(matches!(gates.perform(&write(Some(&first), Site::Home)), Err(Fault::Conflict(_))));
        let view = gates.view("s3://b/k").unwrap();
        assert_eq!((view.open, view.claim.is_some()), (Site::Standby, true));
    }

    #[test]
    fn checks_follow_the_one_bit() {
        let mut gates = Gates::default();
        gates.add("s3://b/k".into(), vec!["a".into(), "b".into()]);
        let of = |gates: &Gates| gates.endpoints().map(|(_, up)| up).collect::<Vec<_>>();
        assert_eq!(of(&gates), [true, true]);
        let version = gates.view("s3://b/k").unwrap().version.clone();
        gates.perform(&write(Some(&version), Site::Standby)).unwrap();
        assert_eq!(of(&gates), [false, false]);
    }

    #[test]
    fn an_object_that_is_not_there_can_be_created_once() {
        let mut gates = Gates::default();
        let read = GateOp::Read { object: "s3://b/k".into() };
        assert_eq!(gates.perform(&read), Ok(Answer::Gate(None)));
        assert!(gates.perform(&write(None, Site::Home)).is_ok());
        assert!(matches!(gates.perform(&write(None, Site::Home)), Err(Fault::Conflict(_))));
    }
}
