//! The lab: real parts on loopback, for Bowline's tests and for trying the binary by hand.
//!
//! Three Kubernetes clusters as Bowline meets them: `management` (etcd and an API server), `home`
//! and `standby` (a whole control plane, KWOK's nodes, a real Karpenter); and AWS, played by
//! fakecloud, for each site's Region and for the global services. Every process is one of
//! this machine, listens on loopback, and ends with the [`Lab`] that started it, whatever happens.
//!
//! ```no_run
//! use bowline_lab::{Lab, LabOptions};
//!
//! let lab = Lab::start(LabOptions::default())?;
//! let home = lab.cluster("home")?;
//! println!("{}", home.kubeconfig().display());
//! lab.freeze("home")?; // the Region dies as a whole
//! lab.thaw("home")?;
//! # anyhow::Ok(())
//! ```
//!
//! The lab knows nothing of Bowline's own code: it must not decide anything, only be the world.

pub mod cache;
mod cloud;
mod cluster;
pub mod command;
mod components;
mod double;
mod http;
mod install;
mod lab;
pub mod manifests;
mod moto;
mod ports;
mod process;
mod procfs;
mod reaper;
mod stage;
mod state;
mod tools;
mod users;
pub mod wait;

pub use cloud::{Cloud, CloudSpec};
pub use cluster::{Cluster, ClusterSpec};
pub use components::Component;
pub use double::{DoubleState, build};
pub use install::{Progress, Tool, install};
pub use lab::{Lab, LabOptions};
pub use moto::Moto;
pub use process::Record;
pub use procfs::memory_mib;
pub use stage::{Link, Made, MadeSite, Places, SitePlaces, Stage, StageOptions};
pub use state::{CloudState, ClusterState, State};
pub use tools::Tools;
pub use users::{ADMIN, User};
