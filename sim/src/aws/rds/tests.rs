//! RDS over time, as Bowline, an application and the oracle meet it.

mod api;
mod data;
mod doors;
mod rebuild;
mod rig;
