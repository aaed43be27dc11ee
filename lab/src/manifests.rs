//! Manifests that tests of several crates apply.

/// A Karpenter NodePool `default`, parked at a limit of 0 CPU, with its node class.
pub const PARKED_NODE_POOL: &str = include_str!("../manifests/nodepool.yaml");

/// A Deployment `default/shop` of twelve pods that fit only on Karpenter's nodes.
pub const APPLICATION: &str = include_str!("../manifests/application.yaml");

/// The story's application at home: `web`, `worker` and `cache` run, the CronJob is active.
pub const SHOP_AT_HOME: &str = include_str!("../manifests/story/shop-home.yaml");

/// The same at standby: nothing runs, the CronJob is suspended.
pub const SHOP_AT_STANDBY: &str = include_str!("../manifests/story/shop-standby.yaml");

/// The NodePool `dr` that a failover opens, parked.
pub const STORY_NODE_POOL: &str = include_str!("../manifests/story/nodepool.yaml");

/// The story's policy; `{zone}`, `{closed}`, `{home}`, `{standby}` and `{port}` are filled in.
pub const POLICY: &str = include_str!("../manifests/story/policy.yaml");
