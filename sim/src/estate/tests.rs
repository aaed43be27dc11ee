//! The parts together: a Region dies, and what users, probes and Bowline see of it.

mod estates;
mod rig;
mod round_trip;
mod story;
