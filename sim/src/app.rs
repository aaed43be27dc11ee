//! The application: at each site it serves only as well as its pods and its database do.
//!
//! It holds no time of its own. Pods come from the cluster, access from the database, and what
//! users, load balancers and health checks see follows.

use bowline_core::model::Site;

use crate::aws::rds::{Access, DoorId};

/// Database connections of one pod.
pub const POOL: u32 = 10;

/// What somebody asks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// A page, or the health check.
    Read,
    /// Something to be kept.
    Write,
}

/// The application at one site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cell {
    pods: u32,
    broken: bool,
    dead: bool,
    stateless: bool,
    access: Access,
}

/// All groups' applications at both sites.
#[derive(Clone, Debug, Default)]
pub struct App {
    cells: Vec<[Cell; 2]>,
}

impl App {
    /// Adds a group's application, without pods; `stateless` means that it has no database. Gives
    /// its number.
    pub fn add(&mut self, stateless: bool) -> usize {
        self.cells.push([Cell { stateless, ..Cell::default() }; 2]);
        self.cells.len() - 1
    }

    /// How many pods are ready.
    pub fn set_pods(&mut self, at: DoorId, ready: u32) {
        self.cell_mut(at).pods = ready;
    }

    /// The pods run and answer nothing but errors, or work again.
    pub fn set_broken(&mut self, at: DoorId, broken: bool) {
        self.cell_mut(at).broken = broken;
    }

    /// The site is dead for everybody: nothing answers at all. Or it lives again.
    pub fn set_dead(&mut self, at: DoorId, dead: bool) {
        self.cell_mut(at).dead = dead;
    }

    /// What its database gives it.
    pub fn set_access(&mut self, at: DoorId, access: Access) {
        self.cell_mut(at).access = access;
    }

    /// How many database connections it wants.
    #[must_use]
    pub fn connections(&self, at: DoorId) -> u32 {
        let cell = self.cell(at);
        if cell.stateless { 0 } else { cell.pods * POOL }
    }

    /// The HTTP status it answers a request with; `None`: nobody answers.
    #[must_use]
    pub fn status(&self, at: DoorId, request: Request) -> Option<u16> {
        let cell = self.cell(at);
        if cell.dead {
            return None;
        }
        let access =
            if cell.stateless { Access { reads: true, writes: true } } else { cell.access };
        Some(match request {
            // The load balancer says so itself when it has no target.
            _ if cell.pods == 0 => 503,
            _ if cell.broken || !access.reads => 500,
            Request::Write if !access.writes => 503,
            Request::Read | Request::Write => 200,
        })
    }

    /// Whether its users at a site can read, and write.
    #[must_use]
    pub fn serves(&self, at: DoorId) -> Access {
        let well = |request| self.status(at, request) == Some(200);
        Access { reads: well(Request::Read), writes: well(Request::Write) }
    }

    /// Whether health checks from outside find it.
    #[must_use]
    pub fn reachable(&self, at: DoorId) -> bool {
        self.serves(at).reads
    }

    /// Its targets at the load balancer: how many there are, and how many pass the health check.
    #[must_use]
    pub fn targets(&self, at: DoorId) -> (u32, u32) {
        let pods = self.cell(at).pods;
        (pods, if self.serves(at).reads { pods } else { 0 })
    }

    fn cell(&self, at: DoorId) -> Cell {
        self.cells.get(at.group).map_or_else(Cell::default, |sites| sites[place(at)])
    }

    fn cell_mut(&mut self, at: DoorId) -> &mut Cell {
        &mut self.cells[at.group][place(at)]
    }
}

fn place(at: DoorId) -> usize {
    usize::from(at.site == Site::Standby)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: DoorId = DoorId { group: 0, site: Site::Home };
    const STANDBY: DoorId = DoorId { group: 0, site: Site::Standby };
    const READS: Access = Access { reads: true, writes: false };
    const WRITES: Access = Access { reads: true, writes: true };

    fn app() -> App {
        let mut app = App::default();
        app.add(false);
        app.set_pods(HOME, 3);
        app.set_access(HOME, WRITES);
        app
    }

    #[test]
    fn it_serves_with_a_ready_pod_and_a_database_that_answers() {
        let app = app();
        assert_eq!(app.serves(HOME), WRITES);
        assert_eq!(app.targets(HOME), (3, 3));
        assert!(app.reachable(HOME));
    }

    #[test]
    fn a_site_scaled_to_zero_answers_503_and_has_no_targets() {
        let app = app();
        assert_eq!(app.status(STANDBY, Request::Read), Some(503));
        assert_eq!((app.targets(STANDBY), app.connections(STANDBY)), ((0, 0), 0));
    }

    #[test]
    fn without_its_database_it_answers_500_and_its_targets_fail() {
        let mut app = app();
        app.set_access(HOME, Access::default());
        assert_eq!(app.status(HOME, Request::Read), Some(500));
        assert_eq!(app.targets(HOME), (3, 0));
        assert_eq!(app.connections(HOME), 3 * POOL, "it keeps trying");
    }

    #[test]
    fn on_a_replica_it_reads_and_refuses_writes() {
        let mut app = app();
        app.set_access(HOME, READS);
        assert_eq!(app.status(HOME, Request::Read), Some(200));
        assert_eq!(app.status(HOME, Request::Write), Some(503));
        assert!(app.reachable(HOME));
    }

    #[test]
    fn broken_pods_stay_targets_that_fail() {
        let mut app = app();
        app.set_broken(HOME, true);
        assert_eq!(app.status(HOME, Request::Read), Some(500));
        assert_eq!(app.targets(HOME), (3, 0));
        app.set_broken(HOME, false);
        assert_eq!(app.serves(HOME), WRITES);
    }

    #[test]
    fn at_a_dead_site_nobody_answers() {
        let mut app = app();
        app.set_dead(HOME, true);
        assert_eq!(app.status(HOME, Request::Read), None);
        assert!(!app.reachable(HOME));
    }

    #[test]
    fn an_application_without_a_database_needs_only_pods() {
        let mut app = app();
        let group = app.add(true);
        let at = DoorId { group, site: Site::Standby };
        assert_eq!(app.serves(at), Access::default());
        app.set_pods(at, 1);
        assert_eq!((app.serves(at), app.connections(at)), (WRITES, 0));
    }
}
