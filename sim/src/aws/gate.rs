//! The gate object of the `gates` lever: one bit in S3, written only over the version that was
//! read.

use std::sync::Arc;

use bowline_core::model::{HealthCheckId, Site, Version};
use bowline_core::op::{Answer, Fault, GateOp, GateView};

/// Gate objects by their names, and the health checks that follow each.
#[derive(Clone, Debug, Default)]
pub struct Gates {
    gates: Vec<Gate>,
    written: u64,
}

#[derive(Clone, Debug)]
struct Gate {
    object: Arc<str>,
    checks: [HealthCheckId; 2],
    view: Option<GateView>,
}

impl Gates {
    /// Adds an object that says `open`, and that both checks probe (standby's is inverted).
    pub fn add(&mut self, object: Arc<str>, checks: [HealthCheckId; 2], open: Site) {
        if self.gates.iter().all(|gate| gate.object != object) {
            let view = Some(GateView { version: self.version(), open, claim: None });
            self.written += 1;
            self.gates.push(Gate { object, checks, view });
        }
    }

    /// Each check, and whether the endpoint that it probes answers: it does while home's gate is
    /// open.
    pub fn endpoints(&self) -> impl Iterator<Item = (&HealthCheckId, bool)> {
        self.gates.iter().flat_map(|gate| {
            let open = gate.view.as_ref().is_none_or(|view| view.open == Site::Home);
            gate.checks.iter().map(move |check| (check, open))
        })
    }

    /// Performs a call's effect.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when the object is not at the version given, and [`Fault::NotFound`] for
    /// a bucket that is not there.
    pub fn perform(&mut self, op: &GateOp) -> Result<Answer, Fault> {
        let (GateOp::Read { object } | GateOp::Write { object, .. }) = op;
        let next = self.version();
        let gate = self.gates.iter_mut().find(|gate| gate.object == *object);
        let gate = gate.ok_or_else(|| Fault::NotFound(format!("NoSuchBucket: {object}")))?;
        let GateOp::Write { version, open, claim, .. } = op else {
            return Ok(Answer::Gate(gate.view.clone()));
        };
        if gate.view.as_ref().map(|view| &view.version) != version.as_ref() {
            return Err(Fault::Conflict("PreconditionFailed".into()));
        }
        let claim = Some(claim.clone());
        gate.view = Some(GateView { version: next.clone(), open: *open, claim });
        self.written += 1;
        Ok(Answer::Written(next))
    }

    fn version(&self) -> Version {
        Version::new(format!("etag-{}", self.written + 1))
    }
}

#[cfg(test)]
mod tests {
    use bowline_core::model::{Claim, Epoch};

    use super::*;

    fn gates() -> Gates {
        let mut gates = Gates::default();
        gates.add("s3://b/k".into(), ["home".into(), "standby".into()], Site::Home);
        gates
    }

    fn write(version: Option<&str>, open: Site) -> GateOp {
        let claim = Claim { epoch: Epoch(2), run: "r".into() };
        GateOp::Write { object: "s3://b/k".into(), version: version.map(Into::into), open, claim }
    }

    fn read(gates: &mut Gates) -> GateView {
        match gates.perform(&GateOp::Read { object: "s3://b/k".into() }) {
            Ok(Answer::Gate(Some(view))) => view,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_write_over_the_version_that_was_read_moves_the_bit() {
        let mut gates = gates();
        let version = read(&mut gates).version;
        let wrote = gates.perform(&write(Some(version.as_str()), Site::Standby));
        let view = read(&mut gates);
        assert_eq!(wrote, Ok(Answer::Written(view.version.clone())));
        assert_eq!((view.open, view.claim.unwrap().epoch), (Site::Standby, Epoch(2)));
        let endpoints: Vec<_> = gates.endpoints().map(|(_, answers)| answers).collect();
        assert_eq!(endpoints, [false, false]);
    }

    #[test]
    fn a_write_over_another_version_changes_nothing() {
        let mut gates = gates();
        let version = read(&mut gates).version;
        assert!(gates.perform(&write(Some(version.as_str()), Site::Standby)).is_ok());
        for stale in [Some(version.as_str()), None, Some("other")] {
            let result = gates.perform(&write(stale, Site::Home));
            assert!(matches!(result, Err(Fault::Conflict(_))), "{stale:?}: {result:?}");
        }
        assert_eq!(read(&mut gates).open, Site::Standby);
    }

    #[test]
    fn an_object_nobody_has_is_not_found() {
        let op = GateOp::Read { object: "s3://other/k".into() };
        assert!(matches!(gates().perform(&op), Err(Fault::NotFound(_))));
    }
}
