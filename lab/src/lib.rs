//! The lab: real parts on loopback, for Bowline's tests and for trying the binary by hand.
//!
//! Three Kubernetes clusters as Bowline meets them: `management` (etcd and an API server), `home`
//! and `standby` (a whole control plane, KWOK's nodes, a real Karpenter). Every process is one of
//! this machine, listens on loopback, and ends with the [`Lab`] that started it, whatever happens.
//!
//! ```no_run
//! use bowline_lab::{Lab, LabOptions};
//!
//! let lab = Lab::start(LabOptions::default())?;
//! let home = lab.cluster("home")?;
//! println!("{}", home.kubeconfig().display());
//! home.freeze()?; // the Region dies as a whole
//! home.thaw()?;
//! # anyhow::Ok(())
//! ```
//!
//! The lab knows nothing of Bowline's own code: it must not decide anything, only be the world.

pub mod command;
pub mod procfs;
