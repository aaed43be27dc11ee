//! What goes wrong in the world, and what that means for a call on its way.
//!
//! A [`Trouble`] is of the world; a [`Fault`] is what a caller gets. Troubles of parts (a dead
//! Region, a full store) are the world's to play; those of the way there (cuts, losses, lies) are
//! played here.

mod rates;
mod stale;

use bowline_core::model::{
    Cluster, HealthCheckId, Mono, ObjectName, ObjectRef, Region, Span, ZoneId,
};
use bowline_core::op::{Answer, ElbOp, Fault, KubeOp, Op, ProbeOp, Route53Op};
use serde::{Deserialize, Serialize};

use crate::store::Condition;
pub use rates::Rates;
use stale::Memory;

/// A trouble and when it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spell {
    /// When it begins.
    pub from: Mono,
    /// When it ends; `None`: never.
    pub until: Option<Mono>,
    /// What it is.
    pub trouble: Trouble,
}

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Trouble {
    /// Everything in a Region stands still and answers nothing. Afterwards it goes on from where it
    /// was: the old writer is a writer again.
    RegionDead(Region),
    /// The load balancers of a Region find no healthy target; everything else works.
    TargetsDown(Region),
    /// The databases of a Region stand still.
    DatabaseDown(Region),
    /// The Regions cannot replicate to each other.
    RegionsApart,
    /// The Region's APIs and its clusters' API servers answer nothing; users are served.
    ApisDown(Region),
    /// The Region's clusters' API servers answer nothing; everything else there works.
    ApiServersDown(Region),
    /// Nothing gets through between a replica of Bowline (`None`: any) and what it wants to reach.
    Cut {
        /// Which replica, by its seat; `None`: all.
        seat: Option<usize>,
        /// What is out of reach.
        from: Reach,
    },
    /// One kind of evidence about a Region says bad although nothing is.
    FalseAlarm(Evidence),
    /// No look at anyone's health gets an answer. Store, lease and changes do.
    Blind,
    /// Calls go wrong now and then.
    Calls(Rates),
    /// Reads of what is there answer, now and then, what was there a while ago: a cache behind, or
    /// a service that is consistent in the end only.
    Stale {
        /// Whose reads.
        from: Reach,
        /// How old an answer may be.
        behind: Span,
    },
    /// A replica is gone; when it ends, a new one starts in its seat.
    Crashed(usize),
    /// A replica stands still, and later goes on with what it believed.
    Paused(usize),
    /// A replica's wall clock steps by so many milliseconds, and back when it ends.
    Skewed(usize, i64),
    /// A replica's monotonic clock runs so many millionths faster than it should (slower, if below
    /// zero), and as it should when it ends.
    Drifts(usize, i64),
    /// The store is not as it should be.
    Store(Condition),
    /// EC2 has only so many nodes left for a NodePool.
    NoCapacity {
        /// In which cluster.
        cluster: Cluster,
        /// Which NodePool.
        pool: ObjectName,
        /// How many are left.
        available: u32,
    },
    /// A GitOps controller puts back the replicas, the CronJobs and the NodePools' limits that Git
    /// declares.
    GitOps {
        /// In which cluster.
        cluster: Cluster,
        /// How often it compares.
        every: Span,
    },
    /// A controller that thinks it owns a zone's failover sets (external-dns, GitOps) puts them
    /// back as they were when this began.
    DnsOwned {
        /// Which zone.
        zone: ZoneId,
        /// How often it compares.
        every: Span,
    },
}

impl Trouble {
    /// Whether it plays on calls on their way, rather than in the world or in a replica.
    #[must_use]
    pub fn plays_on_calls(&self) -> bool {
        matches!(
            self,
            Self::ApisDown(_)
                | Self::ApiServersDown(_)
                | Self::Cut { .. }
                | Self::FalseAlarm(_)
                | Self::Blind
                | Self::Calls(_)
                | Self::Stale { .. }
        )
    }
}

/// What a cut separates from Bowline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reach {
    /// One Region: its APIs, its clusters and its load balancers.
    Region(Region),
    /// One API of a Region.
    Api(Region, Api),
    /// The store and the lease.
    Management,
    /// Route 53's control plane.
    Dns,
    /// The objects of gates.
    Gates,
    /// Everything but the store and the lease, which are next door.
    AllBeyond,
    /// Everything.
    All,
}

/// An API of a Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Api {
    /// The API servers of its clusters.
    Kube,
    /// Of these only what concerns workloads, as behind a webhook that hangs.
    Workloads,
    /// Of these only what concerns jobs.
    Jobs,
    /// Elastic Load Balancing.
    Elb,
    /// RDS.
    Rds,
    /// CloudWatch.
    CloudWatch,
}

/// One kind of evidence that can lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Evidence {
    /// Target health of a Region's load balancers.
    AlbTargets(Region),
    /// HTTP through a Region's load balancers.
    Http(Region),
    /// The status of a health check, as the API tells it.
    Route53Check(HealthCheckId),
    /// The API servers of a Region's clusters.
    ClusterApi(Region),
}

/// Where a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// The management cluster.
    Management,
    /// Route 53's control plane.
    Dns,
    /// A Region's APIs, clusters or load balancers.
    Region(&'a Region),
    /// Elsewhere: name servers, people, a third Region.
    Outside,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It gets there, this much later than usual.
    Arrives(Span),
    /// It gets there, and once more so much later.
    Twice(Span),
    /// It is never heard of again.
    Vanishes,
    /// Its sender gets this instead.
    Refused(Fault),
}

/// The troubles that are there now and play on calls.
#[derive(Clone, Debug, Default)]
pub struct Weather {
    present: Vec<Trouble>,
    memory: Memory,
}

impl Weather {
    /// A trouble begins.
    pub fn begin(&mut self, trouble: &Trouble) {
        self.present.push(trouble.clone());
    }

    /// A trouble ends.
    pub fn end(&mut self, trouble: &Trouble) {
        if let Some(index) = self.present.iter().position(|present| present == trouble) {
            self.present.remove(index);
        }
        if matches!(trouble, Trouble::Stale { .. }) {
            self.memory = Memory::default();
        }
    }

    /// Whether all is well: then nothing else here needs to be asked.
    #[must_use]
    pub fn fair(&self) -> bool {
        self.present.is_empty()
    }

    /// What becomes of a call on its way there.
    pub fn outward(&self, seat: usize, op: &Op, place: Place<'_>, rng: &mut fastrand::Rng) -> Fate {
        if self.silenced(seat, op, place) {
            return Fate::Vanishes;
        }
        self.rates(op).map_or(Fate::Arrives(Span::ZERO), |rates| rates.outward(rng))
    }

    /// What becomes of a reply on its way back.
    pub fn homeward(
        &self,
        seat: usize,
        op: &Op,
        place: Place<'_>,
        rng: &mut fastrand::Rng,
    ) -> Fate {
        if self.silenced(seat, op, place) {
            return Fate::Vanishes;
        }
        self.rates(op).map_or(Fate::Arrives(Span::ZERO), |rates| rates.homeward(rng))
    }

    /// Makes an answer say what a false alarm says.
    pub fn distort(&self, op: &Op, place: Place<'_>, result: &mut Result<Answer, Fault>) {
        let lies = self.present.iter().filter_map(|trouble| match trouble {
            Trouble::FalseAlarm(evidence) => Some(evidence),
            _ => None,
        });
        for evidence in lies {
            evidence.distort(op, place, result);
        }
    }

    /// Makes a read answer what was there a while ago, where that is the trouble.
    pub fn age(
        &mut self,
        (op, place): (&Op, Place<'_>),
        result: &mut Result<Answer, Fault>,
        now: Mono,
        rng: &mut fastrand::Rng,
    ) {
        let stale = self.present.iter().filter_map(|trouble| match trouble {
            Trouble::Stale { from, behind } if from.covers(op, place) => Some(*behind),
            _ => None,
        });
        if let Some(behind) = stale.max() {
            self.memory.age(op, result, (now, behind), rng);
        }
    }

    fn silenced(&self, seat: usize, op: &Op, place: Place<'_>) -> bool {
        self.present.iter().any(|trouble| match trouble {
            Trouble::Cut { seat: whose, from } => {
                whose.is_none_or(|whose| whose == seat) && from.covers(op, place)
            }
            Trouble::ApisDown(region) => {
                place == Place::Region(region) && !matches!(op, Op::Probe(_))
            }
            Trouble::ApiServersDown(region) => {
                place == Place::Region(region) && matches!(op, Op::Kube(..))
            }
            Trouble::Blind => looks_at_health(op),
            _ => false,
        })
    }

    fn rates(&self, op: &Op) -> Option<&Rates> {
        self.present.iter().find_map(|trouble| match trouble {
            Trouble::Calls(rates) if !rates.only_changes || op.mutates() => Some(rates),
            _ => None,
        })
    }
}

/// Whether a call is one of those that only ask how something is.
fn looks_at_health(op: &Op) -> bool {
    match op {
        Op::Elb(..) | Op::CloudWatch(..) => true,
        Op::Kube(_, op) => matches!(op, KubeOp::Ready),
        Op::Route53(_, op) => matches!(op, Route53Op::CheckStatus(_)),
        Op::Probe(op) => matches!(op, ProbeOp::Http(_)),
        _ => false,
    }
}

impl Reach {
    fn covers(&self, op: &Op, place: Place<'_>) -> bool {
        match self {
            Self::Region(region) => place == Place::Region(region),
            Self::Api(region, api) => place == Place::Region(region) && api.answers(op),
            Self::Management => place == Place::Management,
            Self::Dns => place == Place::Dns,
            Self::Gates => matches!(op, Op::Gate(..)),
            Self::AllBeyond => place != Place::Management,
            Self::All => true,
        }
    }
}

impl Api {
    fn answers(self, op: &Op) -> bool {
        match self {
            Self::Kube => matches!(op, Op::Kube(..)),
            Self::Workloads => matches!(
                op,
                Op::Kube(
                    _,
                    KubeOp::Workload(_)
                        | KubeOp::Scale { .. }
                        | KubeOp::Annotate { object: ObjectRef::Workload(_), .. }
                )
            ),
            Self::Jobs => matches!(op, Op::Kube(_, KubeOp::Job(_) | KubeOp::Suspend { .. })),
            Self::Elb => matches!(op, Op::Elb(..)),
            Self::Rds => matches!(op, Op::Rds(..)),
            Self::CloudWatch => matches!(op, Op::CloudWatch(..)),
        }
    }
}

impl Evidence {
    fn distort(&self, op: &Op, place: Place<'_>, result: &mut Result<Answer, Fault>) {
        match (self, op) {
            (Self::AlbTargets(region), Op::Elb(_, ElbOp::TargetHealth(_)))
                if place == Place::Region(region) =>
            {
                if let Ok(Answer::Targets(targets)) = result {
                    targets.healthy = 0;
                }
            }
            (Self::Http(region), Op::Probe(ProbeOp::Http(_))) if place == Place::Region(region) => {
                *result = Err(Fault::Transient("connection refused".into()));
            }
            (Self::Route53Check(id), Op::Route53(_, Route53Op::CheckStatus(asked)))
                if id == asked =>
            {
                if let Ok(Answer::CheckStatus { healthy, .. }) = result {
                    *healthy = 0;
                }
            }
            (Self::ClusterApi(region), Op::Kube(_, KubeOp::Ready))
                if place == Place::Region(region) =>
            {
                *result = Err(Fault::Transient("500: [-]etcd failed".into()));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
