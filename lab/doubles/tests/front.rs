//! RDS and CloudWatch as the SDK's own clients find them at `front`, with `data` behind it: both as
//! processes of their own.

#![allow(clippy::unwrap_used)]

#[path = "front/calls.rs"]
mod calls;
#[path = "front/lab.rs"]
mod lab;
#[path = "front/metrics.rs"]
mod metrics;
