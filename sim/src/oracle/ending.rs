//! What must be true when nothing more is to come: S7's second half, L1, L2.

use bowline_core::model::{GroupName, HoldNote, Site, Span};
use bowline_core::plan::PlanKind;
use bowline_core::run::{Ended, Phase, StepRun};
use bowline_core::step::{Held, Hold};

use super::case::{Case, position};
use super::court::{Court, Scene};

/// How long after the last trouble a run may still be under way: a promotion, two rebuilds and two
/// cool-downs at their slowest take longer than anything else, and ask when they are overdue.
const GRACE: Span = Span::mins(60);

impl Case {
    /// Everything that is judged at the end.
    pub(super) fn judge_end(&self, scene: Scene<'_>, court: &mut Court) {
        self.judge_ended(scene, court);
        if self.ledger.busy_run().is_some() {
            return;
        }
        self.judge_holds(scene, court);
        if self.came_home() && court.troubles().next().is_none() {
            for odd in self.unlike_peace(scene) {
                court.breaks("L2", scene.now, odd);
            }
        }
    }

    /// L1: the run is over, or asks.
    fn judge_ended(&self, scene: Scene<'_>, court: &mut Court) {
        let Some(run) = self.ledger.open_run() else { return };
        // A question that was answered lately has given the run its time once more.
        let lately = scene.now.wall - GRACE;
        let asked = |step: &StepRun| step.asked.as_ref().is_some_and(|(_, at)| *at >= lately);
        let asks = run.asks().next().is_some() || run.steps.values().any(asked);
        if court.calm_for(GRACE, scene.now) && !asks {
            let words = format!("{} is still open, and asks nothing", run.id);
            court.breaks("L1", scene.now, words);
        }
    }

    /// S7: what is held in the world is recorded, and what is recorded is held.
    fn judge_holds(&self, scene: Scene<'_>, court: &mut Court) {
        for site in Site::BOTH {
            for (object, note) in self.notes(scene, site) {
                let held = owned_by(&self.policy.group, &note);
                if held && !self.ledger.holds.keys().any(|id| id.to_string() == object) {
                    court.breaks("S7", scene.now, format!("{object} is held and not recorded"));
                }
            }
            let closed = self.member(scene, site).is_some_and(|member| !member.open);
            let recorded =
                |hold: &Hold| hold.site == site && matches!(hold.held, Held::Writer { .. });
            if closed && !self.ledger.holds.values().any(recorded) {
                let words = format!("the door of {site} is closed, and no hold says so");
                court.breaks("S7", scene.now, words);
            }
        }
        for (id, hold) in &self.ledger.holds {
            if matches!(hold.held, Held::Writer { .. }) {
                continue;
            }
            let mut notes = self.notes(scene, hold.site).into_iter();
            if !notes.any(|(object, _)| object == id.to_string()) {
                court.breaks("S7", scene.now, format!("{id} is recorded and not held"));
            }
        }
    }

    /// Objects of a site's cluster that carry an annotation, named as holds are.
    fn notes(&self, scene: Scene<'_>, site: Site) -> Vec<(String, std::sync::Arc<str>)> {
        let cluster = scene.world.cluster(&self.policy.site(site).cluster);
        let notes = cluster.map(crate::kube::KubeCluster::notes).unwrap_or_default();
        notes.into_iter().map(|(object, note)| (format!("{site}/{object}"), note)).collect()
    }

    /// Whether the last run was a failback that moved.
    fn came_home(&self) -> bool {
        self.ledger.run.as_ref().is_some_and(|run| {
            run.kind == PlanKind::Failback && run.phase == Phase::Closed(Ended::Moved)
        })
    }

    /// L2: everything that is not as it was in peace.
    fn unlike_peace(&self, scene: Scene<'_>) -> Vec<String> {
        let mut odd = Vec::new();
        if !self.ledger.armed {
            odd.push("the group is not armed".into());
        }
        // Whom somebody else leads elsewhere at peace, only that one can lead back.
        if !self.meddled && Self::sets(self.group, scene.world) != self.peace.sets {
            odd.push("the record sets are not as they were armed".into());
        }
        if !self.meddled && self.opened(scene.world) != Some(Site::Home) {
            odd.push("home is not open".into());
        }
        self.odd_database(scene, &mut odd);
        for site in Site::BOTH {
            self.odd_workloads(scene, site, &mut odd);
        }
        self.odd_pools(scene, &mut odd);
        odd
    }

    fn odd_database(&self, scene: Scene<'_>, odd: &mut Vec<String>) {
        if self.policy.database.is_none() {
            return;
        }
        if self.writer(scene) != Some(Site::Home) {
            odd.push("home's member is not the writer".into());
        }
        if !self.member(scene, Site::Standby).is_some_and(|member| member.streaming) {
            odd.push("standby has no streaming replica".into());
        }
        for site in Site::BOTH {
            if self.member(scene, site).is_some_and(|member| !member.open) {
                odd.push(format!("the door of {site} is closed"));
            }
        }
    }

    fn odd_workloads(&self, scene: Scene<'_>, site: Site, odd: &mut Vec<String>) {
        let Some(cluster) = scene.world.cluster(&self.policy.site(site).cluster) else { return };
        let capacity = &self.policy.capacity;
        for (workload, peace) in capacity.workloads.iter().zip(&self.peace.replicas) {
            let (peace, wanted) = (peace[position(site)], cluster.workload(&workload.object));
            let wanted = wanted.map_or(0, |view| view.wanted);
            if wanted != peace {
                odd.push(format!("{site}: {} wants {wanted}, not {peace}", workload.object));
            }
        }
        for (job, peace) in capacity.jobs.iter().zip(&self.peace.suspended) {
            let suspended = cluster.job(&job.object).is_some_and(|view| view.suspended);
            if suspended != peace[position(site)] {
                odd.push(format!("{site}: suspended={suspended} of {:?}", job.object));
            }
        }
    }

    fn odd_pools(&self, scene: Scene<'_>, odd: &mut Vec<String>) {
        let Some(cluster) = scene.world.cluster(&self.policy.standby.cluster) else { return };
        for (pool, peace) in self.policy.capacity.pools.iter().zip(&self.peace.pools) {
            let view = cluster.pool(&pool.name);
            let note = view.and_then(|view| view.note.as_ref());
            if note.is_some_and(|note| owned_by_others(&self.policy.group, note)) {
                continue;
            }
            if view.map(|view| &view.limits) != peace.as_ref().map(|view| &view.limits) {
                odd.push(format!("NodePool {} is not parked as it was", pool.name));
            }
            let nodes = cluster.nodes(&pool.name).map_or(0, |nodes| nodes.total);
            // Who lets the pool go after this group's run was over waits for its nodes instead.
            let limited = cluster.limited(&pool.name);
            let later = self.closed_at.zip(limited).is_some_and(|(closed, at)| closed < at);
            if nodes > 0 && !later {
                odd.push(format!("NodePool {} has {nodes} nodes left", pool.name));
            }
        }
    }
}

/// Whether an annotation names the group among its owners.
fn owned_by(group: &GroupName, note: &str) -> bool {
    owners(note).contains(group)
}

/// Whether it names another.
fn owned_by_others(group: &GroupName, note: &str) -> bool {
    owners(note).iter().any(|owner| owner != group)
}

/// Who holds what carries an annotation; nobody, if it cannot be read.
fn owners(note: &str) -> Vec<GroupName> {
    let note: Result<HoldNote<serde_json::Value>, _> = serde_json::from_str(note);
    note.map(|note| note.owners.into_keys().collect()).unwrap_or_default()
}
