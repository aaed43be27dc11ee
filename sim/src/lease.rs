//! The leader lease: one versioned object, and nobody who judges it.

use bowline_core::model::Version;
use bowline_core::op::{Answer, Fault, LeaseOp, LeaseSpec, LeaseView};

/// The object `Lease` in the management cluster.
#[derive(Clone, Debug, Default)]
pub struct Lease {
    present: Option<LeaseView>,
    revision: u64,
}

impl Lease {
    /// What a call does and answers.
    ///
    /// # Errors
    /// `Conflict` for a create of what exists, or a write over another version.
    pub fn perform(&mut self, op: &LeaseOp) -> Result<Answer, Fault> {
        match op {
            LeaseOp::Read => Ok(Answer::Lease(self.present.clone())),
            LeaseOp::Write { version, lease } => self.write(version.as_ref(), lease),
        }
    }

    /// What it says; `None` before anybody led.
    #[must_use]
    pub fn spec(&self) -> Option<&LeaseSpec> {
        self.present.as_ref().map(|view| &view.lease)
    }

    fn write(&mut self, based_on: Option<&Version>, lease: &LeaseSpec) -> Result<Answer, Fault> {
        let present = self.present.as_ref().map(|view| &view.version);
        if present != based_on {
            return Err(Fault::Conflict(format!("the lease is at {present:?}")));
        }
        self.revision += 1;
        let version = Version::new(self.revision.to_string());
        self.present = Some(LeaseView { version: version.clone(), lease: lease.clone() });
        Ok(Answer::Written(version))
    }
}

#[cfg(test)]
mod tests {
    use bowline_core::model::{Span, Wall};

    use super::*;

    fn spec(holder: &str) -> LeaseSpec {
        let holder = Some(holder.into());
        LeaseSpec { holder, duration: Span::secs(15), transitions: 0, renewed: Wall(0) }
    }

    fn write(version: Option<&Version>, holder: &str) -> LeaseOp {
        LeaseOp::Write { version: version.cloned(), lease: spec(holder) }
    }

    #[test]
    fn of_two_that_create_it_one_loses() {
        let mut lease = Lease::default();
        assert_eq!(lease.perform(&LeaseOp::Read), Ok(Answer::Lease(None)));
        assert!(lease.perform(&write(None, "a")).is_ok());
        assert!(matches!(lease.perform(&write(None, "b")), Err(Fault::Conflict(_))));
        assert_eq!(lease.spec(), Some(&spec("a")));
    }

    #[test]
    fn a_renewal_over_an_older_version_is_a_conflict() {
        let mut lease = Lease::default();
        let Ok(Answer::Written(first)) = lease.perform(&write(None, "a")) else { panic!() };
        let Ok(Answer::Written(second)) = lease.perform(&write(Some(&first), "b")) else {
            panic!()
        };
        assert_ne!(first, second);
        assert!(matches!(lease.perform(&write(Some(&first), "a")), Err(Fault::Conflict(_))));
        let Ok(Answer::Lease(Some(view))) = lease.perform(&LeaseOp::Read) else { panic!() };
        assert_eq!((view.version, view.lease), (second, spec("b")));
    }
}
