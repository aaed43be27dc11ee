//! The picture of a world at rest, in lines that two stories with the same end share.
//!
//! What may differ between them is left out: versions, times, epochs, and the numbers in names that
//! are made from these. Everything else of a group is there: what its names lead to, who writes and
//! who replicates from whom, what is held and by whom, what runs.

use std::collections::BTreeMap;
use std::fmt;

use bowline_core::levers::records::{fence_name, read_fence};
use bowline_core::model::{Claim, HoldNote, Now, Site, ZoneId};
use bowline_core::op::{Answer, KubeOp, RdsOp, RecordSet};
use bowline_core::plan::Facts;
use bowline_core::policy::{Lever, Policy};
use bowline_core::run::Ledger;

use crate::aws::rds::{DoorId, MemberView};
use crate::world::World;

/// A world at rest: what each thing is called, and how it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture(BTreeMap<String, String>);

/// What a picture is taken of.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The world.
    pub world: &'a World,
    /// When.
    pub now: Now,
    /// The group's policy; it is the world's first.
    pub policy: &'a Policy,
    /// What its chain says.
    pub ledger: &'a Ledger,
}

impl Picture {
    /// The picture of a group.
    #[must_use]
    pub fn of(scene: Scene<'_>) -> Self {
        let mut picture = Self::default();
        picture.chain(scene.ledger);
        picture.records(scene);
        picture.databases(scene);
        for site in Site::BOTH {
            picture.cluster(scene, site);
        }
        picture
    }

    /// What differs in another picture, in words.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let names = self.0.keys().chain(other.0.keys().filter(|name| !self.0.contains_key(*name)));
        let is =
            |picture: &Self, name: &str| picture.0.get(name).map_or("nothing", |s| s).to_owned();
        let lines = names.map(|name| (name, is(self, name), is(other, name)));
        let lines = lines.filter(|(_, expected, found)| expected != found);
        lines.map(|(name, expected, found)| format!("{name}: {found}, not {expected}")).collect()
    }

    /// Whether nothing in it was ever claimed or held.
    #[must_use]
    pub fn is_peace(&self) -> bool {
        let left = |name: &str| {
            ["note on", "hold", "bowline-fence", "fence record", "old member", "leftover"]
                .iter()
                .any(|trace| name.contains(trace))
        };
        let moved = |name: &str, is: &str| match name {
            "chain: serves" => is != "home",
            "chain: armed" => is != "true",
            _ => false,
        };
        !self.0.iter().any(|(name, is)| left(name) || moved(name, is))
    }

    fn add(&mut self, name: impl Into<String>, is: impl fmt::Display) {
        let name = numberless(&name.into());
        let is = is.to_string();
        // Things that only their numbers tell apart share a name: all of them count.
        let line = self.0.entry(name).or_default();
        let before = if line.is_empty() { String::new() } else { format!("{line}; ") };
        *line = before + &is;
    }

    fn chain(&mut self, ledger: &Ledger) {
        self.add("chain: serves", ledger.active);
        self.add("chain: writes", format!("{:?}", ledger.writer));
        self.add("chain: armed", ledger.armed);
        self.add("chain: paused", ledger.paused.is_some());
        self.add("chain: fenced", format!("{:?}", ledger.fenced));
        self.add("chain: in quarantine", format!("{:?}", ledger.quarantined));
        let obligations = ledger.run.iter().flat_map(|run| run.standing()).count();
        self.add("chain: obligations", obligations);
        for (id, hold) in &ledger.holds {
            self.add(format!("chain: hold {id}"), numberless(&format!("{:?}", hold.held)));
        }
        for left in &ledger.leftovers {
            self.add(format!("chain: leftover {} {}", left.site, left.instance), "is listed");
        }
    }

    fn records(&mut self, Scene { world, policy, .. }: Scene<'_>) {
        for (name, zone) in &world.groups()[0].names {
            for set in world.route53.sets(zone, name) {
                self.add(format!("{} {:?} {}", set.name, set.kind, identifier(set)), leads(set));
            }
        }
        let facts = world.store.facts(&policy.group);
        let facts = facts.and_then(|facts| serde_json::from_str::<Facts>(&facts.bytes).ok());
        for (zone, facts) in facts.iter().flat_map(|facts| &facts.zones) {
            self.fence(world, zone, &fence_name(&policy.group, &facts.apex));
        }
        if let Lever::Gates(lever) = &policy.lever
            && let Some(view) = world.gates.view(&lever.object)
        {
            let claim = view.claim.as_ref().map(kind);
            self.add("gate", format!("{} by {claim:?}", view.open));
        }
    }

    fn fence(&mut self, world: &World, zone: &ZoneId, name: &bowline_core::model::Host) {
        for set in world.route53.sets(zone, name) {
            let site = set.values.first().and_then(|text| text.split("site=").nth(1));
            let claim = read_fence(set).as_ref().map(kind);
            self.add(format!("fence record of {zone}"), format!("{claim:?} {site:?}"));
        }
    }

    fn databases(&mut self, Scene { world, now, policy, .. }: Scene<'_>) {
        if policy.database.is_none() {
            return;
        }
        for site in Site::BOTH {
            let door = DoorId { group: 0, site };
            let is = world.rds.member(door, now).map(|member| is(&member));
            self.add(format!("{site}: member"), is.unwrap_or_else(|| "nobody".into()));
        }
        let old: Vec<_> = world.rds.members(now).filter(|member| !member.behind_door).collect();
        for member in &old {
            self.add(format!("{}: old member {}", member.door.site, member.id), is(member));
        }
        self.settings(world, now, policy);
    }

    fn settings(&mut self, world: &World, now: Now, policy: &Policy) {
        let (mut rds, mut rng) = (world.rds.clone(), fastrand::Rng::with_seed(0));
        for site in Site::BOTH {
            let part = policy.site(site);
            let Some(database) = &part.database else { continue };
            let describe = RdsOp::Describe(database.instance.clone());
            let found = rds.perform(&part.scope.region, &describe, now, &mut rng);
            if let Ok(Answer::Instance(found)) = found {
                let is = format!("{} of {:?} {:?}", found.status, found.source, found.settings);
                self.add(format!("{site}: settings"), is);
            }
        }
    }

    fn cluster(&mut self, Scene { world, now, policy, .. }: Scene<'_>, site: Site) {
        let Some(cluster) = world.cluster(&policy.site(site).cluster) else { return };
        for workload in &policy.capacity.workloads {
            let view = cluster.workload(&workload.object);
            let is =
                view.map(|v| format!("wants {}, {} ready, {} pods", v.wanted, v.ready, v.pods));
            self.add(format!("{site}: {}", workload.object), is.unwrap_or_default());
        }
        for job in &policy.capacity.jobs {
            let suspended = cluster.job(&job.object).map(|view| view.suspended);
            self.add(format!("{site}: {:?} suspended", job.object), format!("{suspended:?}"));
        }
        for pool in &policy.capacity.pools {
            let limits = cluster.pool(&pool.name).map(|view| &view.limits);
            let nodes = cluster.nodes(&pool.name).map_or(0, |nodes| nodes.total);
            // How many nodes Karpenter needs depends on how the pods came: whether there are any
            // does not.
            let nodes = if nodes > 0 { "nodes" } else { "no nodes" };
            self.add(format!("{site}: NodePool {}", pool.name), format!("{limits:?}, {nodes}"));
        }
        for (object, note) in cluster.notes() {
            self.add(format!("{site}: note on {object}"), owners(&note));
        }
        let fence = KubeOp::Fence(policy.group.clone());
        let found = cluster.clone().perform(&fence, now, &mut fastrand::Rng::with_seed(0));
        if let Ok(Answer::Fence(Some(fence))) = found {
            self.add(format!("{site}: ConfigMap bowline-fence"), kind(&fence.claim));
        }
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, is)| writeln!(f, "{name}: {is}"))
    }
}

fn identifier(set: &RecordSet) -> &str {
    set.set_identifier.as_deref().unwrap_or("-")
}

fn leads(set: &RecordSet) -> String {
    let alias = set.alias.as_ref().map(|alias| &alias.dns_name);
    format!("{:?} {:?} {alias:?}", set.failover, set.health_check)
}

/// How an instance is: its branch tells how often a writer was made before it.
fn is(member: &MemberView) -> String {
    let role = if member.writer { "writer" } else { "replica" };
    let word = |is: bool, word| if is { word } else { "" };
    format!(
        "{role}{}{}{}, branch {}, promoted {} times",
        word(member.up, " up"),
        word(member.open, " open"),
        word(member.streaming, " streaming"),
        member.held.branch.0,
        member.promotions
    )
}

/// What a claim was made for; its epoch grows with every takeover.
fn kind(claim: &Claim) -> String {
    claim.run.as_str().rsplit('-').next().unwrap_or_default().to_owned()
}

/// Who holds an object and wants what, and what it was before.
fn owners(note: &str) -> String {
    let Ok(note) = serde_json::from_str::<HoldNote<serde_json::Value>>(note) else {
        return format!("not Bowline's: {note}");
    };
    let wants = |(group, owner): (&_, &bowline_core::model::NoteOwner<serde_json::Value>)| {
        format!("{group} wants {} for a {}", owner.wants, kind(&owner.claim))
    };
    let owners: Vec<_> = note.owners.iter().map(wants).collect();
    format!("before {}; {}", note.baseline, owners.join(", "))
}

/// A text with every number in it replaced, since names are made from epochs and counters. A number
/// is what follows a `-` up to the next word.
fn numberless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_dash = false;
    for c in text.chars() {
        let digit = c.is_ascii_digit();
        match (digit && after_dash, out.ends_with('#')) {
            (true, true) => {}
            (true, false) => out.push('#'),
            (false, _) => out.push(c),
        }
        after_dash = c == '-' || (digit && after_dash);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_made_from_epochs_do_not_count() {
        assert_eq!(numberless("shop-home-old-12"), "shop-home-old-#");
        assert_eq!(numberless("wants 12 of shop-1-failover"), "wants 12 of shop-#-failover");
    }

    #[test]
    fn a_difference_names_the_thing_and_both_states() {
        let (mut one, mut two) = (Picture::default(), Picture::default());
        one.add("home: member", "writer");
        two.add("home: member", "replica");
        two.add("old-3", "is listed");
        two.add("old-4", "is listed");
        assert_eq!(one.differences(&one), Vec::<String>::new());
        let told = one.differences(&two);
        let expected =
            ["home: member: replica, not writer", "old-#: is listed; is listed, not nothing"];
        assert_eq!(told, expected);
    }
}
