//! What may go wrong in a campaign, by name.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A kind of fault. Whatever the kinds, home's Region is lost and comes back in most trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The Region is lost in part: its targets, its database, its APIs, or some of them.
    Partial,
    /// It is lost and back again and again.
    Flapping,
    /// Something is wrong at standby too.
    Standby,
    /// Calls are lost before or after the effect, late, twice, throttled, refused.
    Calls,
    /// Reads answer what was there a while ago.
    Stale,
    /// Replicas die and start anew, at any time or right after an entry was stored.
    Crashes,
    /// Replicas stand still and go on with what they believed.
    Pauses,
    /// Wall clocks step.
    Clocks,
    /// Bowline, or one replica, cannot reach something.
    Cuts,
    /// Evidence lies, or there is none.
    Alarms,
    /// The store is full, fails or refuses.
    Store,
    /// EC2 has not enough nodes.
    Capacity,
    /// A GitOps controller puts replicas, CronJobs and NodePools back.
    Gitops,
    /// Somebody else's controller puts DNS records back.
    Dns,
    /// Replication had stopped before the Region was lost.
    Replication,
    /// A promotion takes long.
    Promotion,
    /// Several groups share clusters, a NodePool and a zone.
    Groups,
    /// People move, cancel, pause and answer late.
    Humans,
    /// Somebody breaks the glass beside a living controller.
    Glass,
    /// The policy is another: its lever, its database, its automation.
    Policies,
    /// Something goes wrong just when a run comes to a certain step.
    Steps,
}

impl Kind {
    /// All kinds with their names.
    pub const ALL: [(Self, &'static str); 21] = [
        (Self::Partial, "partial"),
        (Self::Flapping, "flapping"),
        (Self::Standby, "standby"),
        (Self::Calls, "calls"),
        (Self::Stale, "stale"),
        (Self::Crashes, "crashes"),
        (Self::Pauses, "pauses"),
        (Self::Clocks, "clocks"),
        (Self::Cuts, "cuts"),
        (Self::Alarms, "alarms"),
        (Self::Store, "store"),
        (Self::Capacity, "capacity"),
        (Self::Gitops, "gitops"),
        (Self::Dns, "dns"),
        (Self::Replication, "replication"),
        (Self::Promotion, "promotion"),
        (Self::Groups, "groups"),
        (Self::Humans, "humans"),
        (Self::Glass, "glass"),
        (Self::Policies, "policies"),
        (Self::Steps, "steps"),
    ];
}

/// What may go wrong: `all`, `none`, or names of kinds with commas between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(BTreeSet<Kind>);

impl Faults {
    /// Whether this kind may come up.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        self.0.contains(&kind)
    }

    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self(Kind::ALL.iter().map(|(kind, _)| *kind).collect())
    }

    /// Nothing but the loss of the Region.
    #[must_use]
    pub fn none() -> Self {
        Self(BTreeSet::new())
    }
}

/// A name that is no kind of fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKind(String);

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<_> = Kind::ALL.iter().map(|(_, name)| *name).collect();
        write!(f, "{:?} is no kind of fault; write all, none, or some of: ", self.0)?;
        f.write_str(&known.join(","))
    }
}

impl std::error::Error for UnknownKind {}

impl FromStr for Faults {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        match text {
            "all" => return Ok(Self::all()),
            "none" => return Ok(Self::none()),
            _ => {}
        }
        let kind = |name: &str| {
            let found = Kind::ALL.iter().find(|(_, known)| *known == name.trim());
            found.map(|(kind, _)| *kind).ok_or_else(|| UnknownKind(name.trim().into()))
        };
        text.split(',').map(kind).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_by_name_and_a_slip_names_them_all() {
        assert_eq!("all".parse::<Faults>().unwrap(), Faults::all());
        assert_eq!("none".parse::<Faults>().unwrap(), Faults::none());
        let some: Faults = "calls, glass".parse().unwrap();
        assert!(some.has(Kind::Calls) && some.has(Kind::Glass) && !some.has(Kind::Dns));
        let slip = "calls,glas".parse::<Faults>().unwrap_err().to_string();
        assert!(slip.contains("\"glas\"") && slip.contains("replication"), "{slip}");
    }

    #[test]
    fn every_kind_is_in_the_list_once() {
        assert_eq!(Faults::all().0.len(), Kind::ALL.len());
    }
}
