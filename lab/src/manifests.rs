//! Manifests that tests of several crates apply.

/// A Karpenter NodePool `default`, parked at a limit of 0 CPU, with its node class.
pub const PARKED_NODE_POOL: &str = include_str!("../manifests/nodepool.yaml");

/// A Deployment `default/shop` of twelve pods that fit only on Karpenter's nodes.
pub const APPLICATION: &str = include_str!("../manifests/application.yaml");
