//! What only one group may move. Two groups that list the same workload, CronJob or database
//! instance would undo each other's work; clusters, NodePools and zones may be shared.

use std::collections::BTreeMap;

use super::types::Policy;
use crate::model::{GroupName, ObjectRef, Site};

/// Something that a group moves as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    /// Where it is and what it is called: the same for two groups if it is the same thing.
    pub(crate) key: String,
    /// Where the policy lists it.
    pub(crate) listed: Listed,
}

/// Where a policy lists something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    /// Among the workloads, under this kind, namespace and name.
    Workload(String),
    /// As a site's database.
    Member(Site),
}

/// Everything that a group moves.
pub(crate) fn owned(policy: &Policy) -> Vec<Owned> {
    let capacity = &policy.capacity;
    let workloads = capacity.workloads.iter().map(|w| ObjectRef::Workload(w.object.clone()));
    let jobs = capacity.jobs.iter().map(|job| ObjectRef::Job(job.object.clone()));
    let objects: Vec<_> = workloads.chain(jobs).map(|object| object.to_string()).collect();
    let mut all = Vec::new();
    for site in Site::BOTH {
        let own = policy.site(site);
        all.extend(objects.iter().map(|object| Owned {
            key: format!("{object} in {}", own.cluster),
            listed: Listed::Workload(object.clone()),
        }));
        all.extend(own.database.iter().map(|database| Owned {
            key: format!("database instance {} in {}", database.instance, own.scope.region),
            listed: Listed::Member(site),
        }));
    }
    all
}

/// Two groups list the same thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("group {group} is refused: {what} is listed by group {with} already (BL1025)")]
pub struct Conflict {
    /// The group that is refused.
    pub group: GroupName,
    /// The group that had it before.
    pub with: GroupName,
    /// What both list.
    pub what: String,
}

/// The conflicts among policies; of two groups the later one is refused.
#[must_use]
pub fn conflicts(policies: &[Policy]) -> Vec<Conflict> {
    let mut owners: BTreeMap<String, &GroupName> = BTreeMap::new();
    let mut found = Vec::new();
    for policy in policies {
        let all = owned(policy);
        let taken = all.iter().find_map(|one| Some((one, *owners.get(&one.key)?)));
        match taken {
            Some((one, with)) => found.push(Conflict {
                group: policy.group.clone(),
                with: with.clone(),
                what: one.key.clone(),
            }),
            None => owners.extend(all.into_iter().map(|one| (one.key, &policy.group))),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::examples;

    fn other() -> Policy {
        Policy { group: "other".into(), ..examples::shop() }
    }

    /// A group beside the shop, in the same clusters, NodePool and zone.
    fn neighbour() -> Policy {
        let mut policy = other();
        policy.capacity.workloads.iter_mut().for_each(|w| w.object.namespace = "other".into());
        policy.capacity.jobs.iter_mut().for_each(|job| job.object.namespace = "other".into());
        for site in [&mut policy.home, &mut policy.standby] {
            site.database.as_mut().unwrap().instance =
                format!("other-{}", site.scope.region).as_str().into();
        }
        policy
    }

    #[test]
    fn clusters_nodepools_and_zones_are_shared_freely() {
        assert_eq!(conflicts(&[examples::shop(), neighbour()]), []);
    }

    #[test]
    fn one_workload_job_or_instance_in_common_refuses_the_later_group() {
        let shop = examples::shop();
        let mut workload = neighbour();
        workload.capacity.workloads[0].object = shop.capacity.workloads[0].object.clone();
        let mut job = neighbour();
        job.capacity.jobs[0].object = shop.capacity.jobs[0].object.clone();
        let mut instance = neighbour();
        instance.standby.database.clone_from(&shop.standby.database);
        for (policy, what) in
            [(workload, "Deployment shop/web"), (job, "CronJob shop"), (instance, "shop-standby")]
        {
            let found = conflicts(&[shop.clone(), policy]);
            assert_eq!(found.len(), 1, "{what}");
            assert_eq!((found[0].group.as_str(), found[0].with.as_str()), ("other", "shop"));
            assert!(found[0].what.contains(what), "{}", found[0].what);
        }
    }

    #[test]
    fn a_group_that_is_refused_refuses_nobody() {
        let mut third = neighbour();
        third.group = "third".into();
        let mut second = other();
        second.capacity.workloads.push(third.capacity.workloads[0].clone());
        let found = conflicts(&[examples::shop(), second, third]);
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
