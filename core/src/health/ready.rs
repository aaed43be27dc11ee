//! The verdict *ready*: could the passive site take over? It is made of facts that somebody else
//! gathered; here they are only weighed.

use serde::{Deserialize, Serialize};

use crate::model::Answer3;

/// What is known of the passive site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Whether its cluster's API server answers.
    pub cluster_api: Answer3,
    /// Its database member.
    pub replica: ReplicaState,
    /// Whether the capacity floor is there: what must run before more can be added.
    pub floor: Answer3,
    /// Whether every NodePool and workload that the policy lists exists there.
    pub listed: Answer3,
    /// Whether the claims found in its cluster and at the lever are this authority's: no is a
    /// foreign one.
    pub own_claim: Answer3,
}

/// How the passive site's database member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReplicaState {
    /// The group has no database.
    NoDatabase,
    /// It streams from the writer, or did as of the fault.
    Streaming,
    /// It is no replica now, and can be made one (what failback needs).
    Rebuildable,
    /// It neither streams nor can be rebuilt.
    Broken,
    /// Not known.
    Unknown,
}

impl ReplicaState {
    /// Whether it could take over in time.
    #[must_use]
    pub fn fit(self) -> Answer3 {
        match self {
            Self::NoDatabase | Self::Streaming | Self::Rebuildable => Answer3::Yes,
            Self::Broken => Answer3::No,
            Self::Unknown => Answer3::Unknown,
        }
    }
}

/// The verdict whether the passive site could take over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// The verdict.
    pub verdict: Answer3,
    /// What keeps it from being yes, with how surely.
    pub reasons: Vec<(ReadyReason, Answer3)>,
}

/// What keeps a site from being ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReadyReason {
    /// Its cluster's API server.
    ClusterApi,
    /// Its database member.
    Replica,
    /// Its capacity floor.
    Floor,
    /// NodePools or workloads that the policy lists.
    Listed,
    /// A claim that is not ours.
    OwnClaim,
}

/// Weighs the facts: no if one of them is no, else unknown if one is unknown, else yes.
#[must_use]
pub fn ready(facts: &Readiness) -> Ready {
    let facts = [
        (ReadyReason::ClusterApi, facts.cluster_api),
        (ReadyReason::Replica, facts.replica.fit()),
        (ReadyReason::Floor, facts.floor),
        (ReadyReason::Listed, facts.listed),
        (ReadyReason::OwnClaim, facts.own_claim),
    ];
    let says = |wanted| facts.iter().any(|(_, fact)| *fact == wanted);
    let verdict = match (says(Answer3::No), says(Answer3::Unknown)) {
        (true, _) => Answer3::No,
        (false, true) => Answer3::Unknown,
        (false, false) => Answer3::Yes,
    };
    let reasons = facts.into_iter().filter(|(_, fact)| *fact != Answer3::Yes).collect();
    Ready { verdict, reasons }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIT: Readiness = Readiness {
        cluster_api: Answer3::Yes,
        replica: ReplicaState::Streaming,
        floor: Answer3::Yes,
        listed: Answer3::Yes,
        own_claim: Answer3::Yes,
    };

    #[test]
    fn a_site_is_ready_only_when_every_fact_is_known_to_be_good() {
        assert_eq!(ready(&FIT), Ready { verdict: Answer3::Yes, reasons: Vec::new() });
        let no_database = Readiness { replica: ReplicaState::NoDatabase, ..FIT };
        assert_eq!(ready(&no_database).verdict, Answer3::Yes);
        let rebuildable = Readiness { replica: ReplicaState::Rebuildable, ..FIT };
        assert_eq!(ready(&rebuildable).verdict, Answer3::Yes);
    }

    #[test]
    fn s4_an_unknown_fact_makes_it_unknown_not_unready() {
        for facts in [
            Readiness { cluster_api: Answer3::Unknown, ..FIT },
            Readiness { replica: ReplicaState::Unknown, ..FIT },
            Readiness { floor: Answer3::Unknown, ..FIT },
            Readiness { listed: Answer3::Unknown, ..FIT },
            Readiness { own_claim: Answer3::Unknown, ..FIT },
        ] {
            let found = ready(&facts);
            assert_eq!(found.verdict, Answer3::Unknown, "{facts:?}");
            assert_eq!(found.reasons.len(), 1, "{facts:?}");
        }
    }

    #[test]
    fn one_fact_that_is_no_outweighs_any_unknown_and_all_are_told() {
        let facts = Readiness {
            floor: Answer3::Unknown,
            replica: ReplicaState::Broken,
            own_claim: Answer3::No,
            ..FIT
        };
        let found = ready(&facts);
        assert_eq!(found.verdict, Answer3::No);
        assert_eq!(
            found.reasons,
            [
                (ReadyReason::Replica, Answer3::No),
                (ReadyReason::Floor, Answer3::Unknown),
                (ReadyReason::OwnClaim, Answer3::No),
            ]
        );
    }
}
