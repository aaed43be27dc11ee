//! The shape of the table's files. Unknown fields and words are errors; nothing is computed here.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::value::{Api, Behind, Claimed, Front, Member, Offset, Pods, Served, Share, There, Zero};

/// A file of rows about one topic.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct File {
    /// What the rows are about, in words.
    pub(super) topic: String,
    /// The rows.
    pub(super) rows: Vec<Spanned<Row>>,
}

/// One row: a snapshot of the world, and what must be decided.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Row {
    /// What it shows, in plain words; unique in the whole table.
    pub(super) name: String,
    /// Where the case comes from, or why the decision is right.
    pub(super) why: Option<String>,
    /// The snapshot it differs from; `peace` unless it says another.
    #[serde(default = "peace")]
    pub(super) base: String,
    /// A change of the policy's `spec`, as a merge patch (RFC 7396): `null` removes a field.
    pub(super) policy: Option<Value>,
    /// What the journal tells, oldest first.
    #[serde(default)]
    pub(super) past: Vec<Past>,
    /// Peacetime facts were never recorded, since home never served.
    #[serde(default)]
    pub(super) no_facts: bool,
    /// What happens, oldest first; each holds until something else is said.
    #[serde(default)]
    pub(super) then: Vec<Step>,
    /// Other groups that the same Bowline looks after.
    #[serde(default)]
    pub(super) others: Vec<Other>,
    /// When Bowline's process started.
    pub(super) starts: Option<Offset>,
    /// The wall time of 0s.
    pub(super) zero: Option<Zero>,
    /// The instant of the decision.
    pub(super) at: Offset,
    /// What is decided.
    pub(super) decides: String,
    /// Its reason, where there is one.
    pub(super) because: Option<String>,
    /// What people read of it.
    pub(super) says: String,
    /// The last thing that people were told unasked: the title of the notice, or `nothing`.
    pub(super) tells: Option<String>,
    /// What keeps the passive site from being ready, in words.
    pub(super) not_ready: Option<Vec<String>>,
    /// The row just on the other side of the limit.
    pub(super) beside: Option<String>,
}

fn peace() -> String {
    "peace".to_owned()
}

/// Another group.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Other {
    /// Its name.
    pub(super) name: String,
    /// The snapshot it differs from; `peace` unless it says another.
    #[serde(default = "peace")]
    pub(super) base: String,
    /// A change of the policy's `spec`, as a merge patch (RFC 7396): `null` removes a field.
    pub(super) policy: Option<Value>,
    /// What the journal tells, oldest first.
    #[serde(default)]
    pub(super) past: Vec<Past>,
    /// Peacetime facts were never recorded, since home never served.
    #[serde(default)]
    pub(super) no_facts: bool,
    /// What happens, oldest first; each holds until something else is said.
    #[serde(default)]
    pub(super) then: Vec<Step>,
}

/// Something that the journal tells.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Past {
    /// When.
    pub(super) at: Offset,
    /// What.
    pub(super) event: Event,
    /// By a human's hand (a run that is not said to be is automatic, a switchover never is).
    #[serde(default)]
    pub(super) by_hand: bool,
    /// A failover by hand of what had been down for a minute.
    #[serde(default)]
    pub(super) had_failed: bool,
    /// A failover whose fence was not confirmed.
    #[serde(default)]
    pub(super) unfenced: bool,
    /// Workloads of the old site that are yet to be stopped.
    #[serde(default)]
    pub(super) obligations: u32,
}

/// What the journal may tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Event {
    /// `bowline arm`.
    Armed,
    /// `bowline pause`.
    Paused,
    /// `bowline resume`.
    Resumed,
    /// A run that prewarms, and is open.
    Prewarm,
    /// A failover that is under way.
    FailingOver,
    /// A failover that ended.
    FailedOver,
    /// A planned move to standby that ended.
    SwitchedOver,
    /// A failback that ended.
    CameHome,
    /// A failback that somebody cancelled.
    CancelledFailback,
}

/// What is so from an instant on.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Step {
    /// When.
    pub(super) at: Offset,
    /// Scenes of `bases.yaml`, in their order; what is written beside them counts more.
    #[serde(default)]
    pub(super) scenes: Vec<String>,
    /// The home site.
    #[serde(default)]
    pub(super) home: Site,
    /// The standby site.
    #[serde(default)]
    pub(super) standby: Site,
    /// As in [`World`].
    pub(super) cut_off_from: Option<Vec<Place>>,
    /// As in [`World`].
    pub(super) route53: Option<Api>,
    /// As in [`World`].
    pub(super) zone_claim: Option<Claimed>,
}

impl Step {
    /// What is written beside the scenes.
    pub(super) fn world(&self) -> World {
        World {
            home: self.home.clone(),
            standby: self.standby.clone(),
            cut_off_from: self.cut_off_from.clone(),
            route53: self.route53,
            zone_claim: self.zone_claim,
        }
    }
}

/// Named snapshots and scenes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Bases {
    /// Whole snapshots.
    pub(super) bases: BTreeMap<String, Base>,
    /// Parts of the world that change together.
    pub(super) scenes: BTreeMap<String, Scene>,
}

/// A whole snapshot.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Base {
    /// What it is, in words.
    pub(super) about: String,
    /// The snapshot it differs from.
    pub(super) from: Option<String>,
    /// A change of the policy's `spec`, as a merge patch (RFC 7396): `null` removes a field.
    pub(super) policy: Option<Value>,
    /// What the journal tells, oldest first.
    #[serde(default)]
    pub(super) past: Vec<Past>,
    /// Peacetime facts were never recorded, since home never served.
    #[serde(default)]
    pub(super) no_facts: bool,
    /// How the world is from the beginning.
    #[serde(default)]
    pub(super) world: World,
}

/// A part of the world that changes together.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Scene {
    /// What it is, in words.
    pub(super) about: String,
    /// How the world is then.
    pub(super) world: World,
}

/// The world as far as it is said.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct World {
    /// The home site.
    #[serde(default)]
    pub(super) home: Site,
    /// The standby site.
    #[serde(default)]
    pub(super) standby: Site,
    /// Where Bowline's own network does not reach: `home`, `standby`, `aws`, `canaries`.
    pub(super) cut_off_from: Option<Vec<Place>>,
    /// How Route 53's API answers.
    pub(super) route53: Option<Api>,
    /// Whose claim the zone's fence record says.
    pub(super) zone_claim: Option<Claimed>,
}

/// A place that Bowline may be cut off from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Place {
    /// Everything of the home site.
    Home,
    /// Everything of the standby site.
    Standby,
    /// Route 53's API.
    Aws,
    /// The policy's canaries.
    Canaries,
}

/// Declares the fields of a site, how they are merged, and their names.
macro_rules! site {
    ($($(#[$doc:meta])* $field:ident: $type:ty = $name:literal,)*) => {
        /// A site as far as it is said.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "camelCase")]
        pub(super) struct Site {
            $($(#[$doc])* pub(super) $field: Option<$type>,)*
            /// Pods by the workload's name: wanted/ready, or `absent`.
            #[serde(default)]
            pub(super) pods: BTreeMap<String, Pods>,
        }

        impl Site {
            /// What `more` says counts more.
            pub(super) fn merge(&mut self, more: &Self) {
                $(if more.$field.is_some() { self.$field = more.$field; })*
                self.pods.extend(more.pods.iter().map(|(name, pods)| (name.clone(), *pods)));
            }

            /// The names of what is said.
            pub(super) fn said(&self) -> Vec<String> {
                let mut names = Vec::new();
                $(if self.$field.is_some() { names.push($name.to_owned()); })*
                names.extend(self.pods.keys().map(|name| format!("pods.{name}")));
                names
            }

            /// The names of what is not said, but for pods.
            pub(super) fn unsaid(&self) -> Vec<&'static str> {
                let mut names = Vec::new();
                $(if self.$field.is_none() { names.push($name); })*
                names
            }
        }
    };
}

site! {
    /// What the HTTP probe through the load balancer gets: a status, timesOut, refused, noName.
    front: Front = "front",
    /// What the write probe gets.
    writes: Front = "writes",
    /// Healthy targets of all targets.
    targets: Share = "targets",
    /// Route 53's checkers that say healthy, of those that reported.
    checkers: Share = "checkers",
    /// Requests served a minute.
    served: Served = "served",
    /// The Region's ELB API.
    elb: Api = "elb",
    /// The Region's RDS API.
    rds: Api = "rds",
    /// The Region's CloudWatch API.
    cloudwatch: Api = "cloudwatch",
    /// The cluster's API server.
    kubernetes: Api = "kubernetes",
    /// What RDS says of the instance.
    database: Member = "database",
    /// How far behind the replica says it is.
    behind: Behind = "behind",
    /// The NodePool of the policy (standby's).
    node_pool: There = "nodePool",
    /// Whose claim the cluster's ConfigMap says.
    claim: Claimed = "claim",
}

impl World {
    /// What `more` says counts more.
    pub(super) fn merge(&mut self, more: &Self) {
        self.home.merge(&more.home);
        self.standby.merge(&more.standby);
        if more.cut_off_from.is_some() {
            self.cut_off_from.clone_from(&more.cut_off_from);
        }
        self.route53 = more.route53.or(self.route53);
        self.zone_claim = more.zone_claim.or(self.zone_claim);
    }

    /// The names of what is said, with the site before them.
    pub(super) fn said(&self) -> Vec<String> {
        let of = |site: &str, said: Vec<String>| -> Vec<String> {
            said.into_iter().map(|name| format!("{site}.{name}")).collect()
        };
        let mut names = of("home", self.home.said());
        names.extend(of("standby", self.standby.said()));
        names.extend(self.route53.map(|_| "route53".to_owned()));
        names.extend(self.zone_claim.map(|_| "zoneClaim".to_owned()));
        names
    }
}
