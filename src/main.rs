//! Bowline: multi-Region failover controller.
fn main() {}
