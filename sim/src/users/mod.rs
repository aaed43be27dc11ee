//! Users of all groups, behind resolvers with caches: where they are led, and what they see.
//!
//! Events are changes of DNS answers, of what a site serves, and cache expiries that matter;
//! between them every rate is constant.

mod meter;
mod population;

use bowline_core::model::{Mono, Now, Site};

pub use meter::Outage;
pub use population::{Load, PopulationSpec, Servers, Told};

use crate::aws::rds::{Access, DoorId};
use crate::part::{Part, earliest};
use population::Population;

/// All groups' users.
#[derive(Clone, Debug, Default)]
pub struct Users {
    groups: Vec<Population>,
    generation: u64,
}

/// What a group's users saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserView {
    /// The outage that readers saw.
    pub reads: Outage,
    /// The outage that writers saw.
    pub writes: Outage,
    /// The share of readers that fails now, in thousandths.
    pub reads_failing_permille: u32,
    /// The same for writers.
    pub writes_failing_permille: u32,
    /// The share led to home now, in thousandths.
    pub at_home_permille: u32,
    /// The share led to standby now.
    pub at_standby_permille: u32,
}

impl Users {
    /// Adds a group's users, long led where the servers lead; gives the group's number.
    pub fn add(
        &mut self,
        spec: PopulationSpec,
        servers: Servers,
        now: Now,
        rng: &mut fastrand::Rng,
    ) -> usize {
        self.groups.push(Population::new(spec, servers, now, rng));
        self.generation += 1;
        self.groups.len() - 1
    }

    /// What the name servers answer for a group's name.
    pub fn set_servers(&mut self, group: usize, servers: Servers, now: Now) {
        if let Some(population) = self.groups.get_mut(group) {
            population.set_servers(servers, now.mono);
        }
    }

    /// What the group's application serves at home and at standby.
    pub fn set_serves(&mut self, group: usize, serves: [Access; 2], now: Now) {
        if let Some(population) = self.groups.get_mut(group) {
            population.set_serves(serves, now.mono);
        }
    }

    /// What reaches the application of a site.
    #[must_use]
    pub fn load(&self, at: DoorId) -> Load {
        self.groups.get(at.group).map_or(Load::default(), |users| users.load(at.site))
    }

    /// Grows whenever some [`Users::load`] changes.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Measures a group's outage from now on.
    pub fn restart(&mut self, group: usize, now: Now) {
        if let Some(population) = self.groups.get_mut(group) {
            population.restart(now.mono);
        }
    }

    /// What a group's users saw so far, and see now.
    #[must_use]
    pub fn view(&self, group: usize, now: Mono) -> UserView {
        let Some(users) = self.groups.get(group) else { return UserView::default() };
        let (reads, writes) = users.outage(now);
        let (reads_failing_permille, writes_failing_permille) = users.failing_permille();
        UserView {
            reads,
            writes,
            reads_failing_permille,
            writes_failing_permille,
            at_home_permille: users.led_permille(Site::Home),
            at_standby_permille: users.led_permille(Site::Standby),
        }
    }
}

impl Part for Users {
    fn next(&self) -> Option<Mono> {
        earliest(self.groups.iter().map(Population::next))
    }

    fn advance(&mut self, now: Now, rng: &mut fastrand::Rng) {
        for population in &mut self.groups {
            if population.next().is_some_and(|next| next <= now.mono) {
                self.generation += u64::from(population.advance(now.mono, rng));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bowline_core::model::Span;

    use super::*;
    use crate::part::at;

    fn servers(site: Site) -> Servers {
        [Told { site: Some(site), ttl: Span::secs(60) }; 4]
    }

    #[test]
    fn groups_are_led_each_by_their_own_name() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut users = Users::default();
        let spec = PopulationSpec { resolvers: 8, reads_per_sec: 80, writes_per_sec: 8 };
        let (now, well) = (at(Mono(0)), Access { reads: true, writes: true });
        for group in 0..2 {
            assert_eq!(users.add(spec, servers(Site::Home), now, &mut rng), group);
            users.set_serves(group, [well, Access::default()], now);
        }
        users.set_servers(1, servers(Site::Standby), now);
        let before = users.generation();
        while let Some(next) = users.next() {
            users.advance(at(next), &mut rng);
        }
        assert!(users.generation() > before, "a change of load is told");
        let (one, other) = (users.view(0, Mono(90_000)), users.view(1, Mono(90_000)));
        assert_eq!((one.at_home_permille, one.reads_failing_permille), (1_000, 0));
        assert_eq!((other.at_standby_permille, other.writes_failing_permille), (1_000, 1_000));
        assert!(other.reads.weighted > Span::ZERO && one.reads.weighted == Span::ZERO);
        let load = users.load(DoorId { group: 1, site: Site::Standby });
        assert_eq!((load.reads_per_sec, load.writes_per_sec), (80, 8));
        users.restart(1, at(Mono(90_000)));
        assert_eq!(users.view(1, Mono(90_000)).reads, Outage::default());
    }

    #[test]
    fn a_group_that_does_not_exist_has_no_users() {
        let users = Users::default();
        assert_eq!(users.view(7, Mono(0)), UserView::default());
        assert_eq!(users.load(DoorId { group: 7, site: Site::Home }), Load::default());
        assert_eq!(users.next(), None);
    }
}
