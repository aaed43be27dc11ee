//! One group of a row, made ready to be played: its checked policy, its journal, and how its world
//! is at every instant.

use std::collections::{BTreeMap, BTreeSet};

use bowline_core::model::{GroupName, Wall};
use bowline_core::policy::{Policy, load_object};
use serde_json::Value;

use super::past::{Journal, foreign, journal};
use super::shape::{Bases, Past, Place, Row, Step, World};
use super::value::Offset;

/// The policy of the table, with `shop` as the group's name.
const POLICY: &str = include_str!("../decisions/policy.yaml");

/// What of a group a row says.
pub(super) struct Told<'a> {
    pub(super) name: &'a str,
    pub(super) base: &'a str,
    pub(super) policy: Option<&'a Value>,
    pub(super) past: &'a [Past],
    pub(super) no_facts: bool,
    pub(super) then: &'a [Step],
}

/// The groups of a row, the one that is decided about first.
pub(super) fn told(row: &Row) -> Vec<Told<'_>> {
    let own = Told {
        name: "shop",
        base: &row.base,
        policy: row.policy.as_ref(),
        past: &row.past,
        no_facts: row.no_facts,
        then: &row.then,
    };
    let others = row.others.iter().map(|other| Told {
        name: &other.name,
        base: &other.base,
        policy: other.policy.as_ref(),
        past: &other.past,
        no_facts: other.no_facts,
        then: &other.then,
    });
    std::iter::once(own).chain(others).collect()
}

/// How a world is from each instant on.
type Changes = Vec<(Offset, World)>;

/// A group, ready to be played.
pub(super) struct Group {
    pub(super) name: GroupName,
    pub(super) policy: Policy,
    pub(super) journal: Journal,
    pub(super) no_facts: bool,
    /// How the world is from each instant on; the first is from the beginning.
    changes: Changes,
    /// What the row itself says of the world, scenes aside.
    pub(super) said: BTreeSet<String>,
}

impl Group {
    /// Makes the `index`th group of a row ready.
    pub(super) fn new(
        bases: &Bases,
        told: &Told<'_>,
        index: usize,
        zero: Wall,
    ) -> Result<Self, String> {
        let base = Whole::of(bases, told.base)?;
        let patches = base.policies.iter().copied().chain(told.policy);
        let policy = policy(told.name, index, patches)?;
        let past: Vec<_> = base.past.iter().copied().chain(told.past).cloned().collect();
        let journal = journal(&policy.group, &past, zero)?;
        let (changes, said) = changes(bases, &base.world, told.then)?;
        Ok(Self {
            name: policy.group.clone(),
            policy,
            journal,
            no_facts: base.no_facts || told.no_facts,
            changes,
            said,
        })
    }

    /// The same group with nothing in its journal, in the world of the base `peace`.
    pub(super) fn in_peace(&self, bases: &Bases) -> Result<Self, String> {
        let world = Whole::of(bases, "peace")?.world;
        Ok(Self {
            name: self.name.clone(),
            policy: self.policy.clone(),
            journal: journal(&self.name, &[], Wall(0))?,
            no_facts: true,
            changes: vec![(Offset(i64::MIN), world)],
            said: BTreeSet::new(),
        })
    }

    /// How the world is at an instant.
    pub(super) fn world(&self, at: Offset) -> &World {
        let upto = self.changes.partition_point(|(since, _)| *since <= at);
        &self.changes[upto.max(1) - 1].1
    }

    /// When something changes last.
    pub(super) fn last_change(&self) -> Option<Offset> {
        self.changes[1..].last().map(|(at, _)| *at)
    }

    /// Whether Bowline's network does not reach a place.
    pub(super) fn cut_off(&self, at: Offset, place: Place) -> bool {
        self.world(at).cut_off_from.iter().flatten().any(|cut| *cut == place)
    }

    /// A claim that the group's journal does not know.
    pub(super) fn foreign(&self) -> bowline_core::model::Claim {
        foreign(&self.name, &self.journal.ledger)
    }
}

/// A base with everything that it is made from, the first of them first.
struct Whole<'a> {
    policies: Vec<&'a Value>,
    past: Vec<&'a Past>,
    no_facts: bool,
    world: World,
}

impl<'a> Whole<'a> {
    fn of(bases: &'a Bases, name: &str) -> Result<Self, String> {
        let mut lineage = Vec::new();
        let mut next = Some(name.to_owned());
        while let Some(name) = next.take() {
            let base = bases.bases.get(&name).ok_or_else(|| {
                format!("base: there is no {name:?}; there are {:?}", bases.bases.keys())
            })?;
            if lineage.len() > bases.bases.len() {
                return Err(format!("base: {name} is made from itself"));
            }
            lineage.push(base);
            next.clone_from(&base.from);
        }
        let mut world = World::default();
        lineage.iter().rev().for_each(|base| world.merge(&base.world));
        complete(&world).map_err(|missing| format!("base: {name} does not say {missing}"))?;
        Ok(Self {
            policies: lineage.iter().rev().filter_map(|base| base.policy.as_ref()).collect(),
            past: lineage.iter().rev().flat_map(|base| &base.past).collect(),
            no_facts: lineage.iter().any(|base| base.no_facts),
            world,
        })
    }
}

/// A base must say everything, so that nothing is made up here.
fn complete(world: &World) -> Result<(), String> {
    let sites = [("home", &world.home), ("standby", &world.standby)];
    let mut unsaid: Vec<_> = sites
        .iter()
        .flat_map(|(name, site)| {
            site.unsaid().into_iter().map(move |what| format!("{name}.{what}"))
        })
        .collect();
    unsaid.extend(world.route53.is_none().then(|| "route53".to_owned()));
    unsaid.extend(world.zone_claim.is_none().then(|| "zoneClaim".to_owned()));
    unsaid.extend(world.cut_off_from.is_none().then(|| "cutOffFrom".to_owned()));
    if unsaid.is_empty() { Ok(()) } else { Err(unsaid.join(", ")) }
}

/// The world after each step. A step that changes nothing is a slip.
fn changes(
    bases: &Bases,
    beginning: &World,
    then: &[Step],
) -> Result<(Changes, BTreeSet<String>), String> {
    let mut changes = vec![(Offset(i64::MIN), beginning.clone())];
    let mut said = BTreeSet::new();
    for step in then {
        let (last, before) = &changes[changes.len() - 1];
        if step.at <= *last {
            return Err(format!("then: {} does not lie after the step above", step.at));
        }
        let mut world = before.clone();
        for name in &step.scenes {
            let scene = bases.scenes.get(name).ok_or_else(|| {
                format!("then: there is no scene {name:?}; there are {:?}", bases.scenes.keys())
            })?;
            world.merge(&scene.world);
        }
        world.merge(&step.world());
        if world == *before {
            return Err(format!("then: at {} nothing changes", step.at));
        }
        said.extend(step.world().said());
        changes.push((step.at, world));
    }
    Ok((changes, said))
}

/// The checked policy of a group: the table's, under this name, with these patches.
fn policy<'a>(
    name: &str,
    index: usize,
    patches: impl Iterator<Item = &'a Value>,
) -> Result<Policy, String> {
    let text = POLICY.replace("shop", name).replace("000000000000", &format!("{index:012}"));
    let mut object: Value =
        serde_saphyr::from_str(&text).map_err(|e| format!("policy.yaml: {e}"))?;
    for patch in patches {
        let before = object["spec"].clone();
        merge(&mut object["spec"], patch);
        if object["spec"] == before {
            return Err(format!("policy: {patch} changes nothing"));
        }
    }
    let loaded = load_object(&object).map_err(|problems| format!("policy: {problems}"))?;
    loaded.policies.into_iter().next().ok_or_else(|| "policy: there is none".to_owned())
}

/// A merge patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Every name that rows give to groups must be a name of its own.
pub(super) fn distinct(told: &[Told<'_>]) -> Result<(), String> {
    let mut names = BTreeMap::new();
    match told.iter().find(|group| names.insert(group.name, ()).is_some()) {
        Some(twice) => Err(format!("others: there are two groups {:?}", twice.name)),
        None => Ok(()),
    }
}
