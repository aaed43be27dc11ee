//! Where traffic is led: S1, S2, S3, S11.

use bowline_core::model::{Mono, Site, Span, ZoneId};
use bowline_core::op::{Failover, Op, Route53Op};
use bowline_core::plan::Effect;
use bowline_core::policy::{Lever, OnUnknown, Workload};
use bowline_core::run::StepState;

use super::case::{Case, position};
use super::court::{Court, Scene};
use crate::aws::rds::DoorId;
use crate::aws::route53::SERVERS;
use crate::faults::Trouble;
use crate::world::World;

/// How long before a shift takes effect nobody looks at the pods any more: what was seen of them
/// may be twenty seconds old, and the call may take as long as its deadline allows.
const UNSEEN: Span = Span::secs(30);

/// So long before a call is recorded the looks may have been answered that it rests on.
const LOOKS: Span = Span::secs(1);

/// How long Route 53 may take to tell a change to all its servers.
const TOLD: Span = Span::secs(60);

impl Case {
    /// S1: no answer leads to a site whose member is not the writer, outside the window of a move.
    /// S3: no answer leads nowhere.
    pub(super) fn judge_answers(&mut self, scene: Scene<'_>, court: &mut Court) {
        if self.answers(scene).any(|site| site.is_none()) {
            court.breaks("S3", scene.now, "a name server answers with nothing");
        }
        let Some(writer) = self.writer(scene) else { return };
        let elsewhere = self.answers_but(scene, writer);
        let told = self.reverted_at.is_none_or(|at| scene.now.mono.since(at) > TOLD);
        self.meddled &= !told || elsewhere || self.opened(scene.world) != Some(writer);
        if self.meddled {
            return;
        }
        if self.promoting == Some(writer) && !elsewhere {
            self.promoting = None;
        }
        if !elsewhere {
            return;
        }
        let old = writer.other();
        if self.promoting != Some(writer) {
            let words = format!("an answer leads to {old}, and {writer} is the writer");
            court.breaks("S1", scene.now, words);
        } else if self.takes_writes(scene, old) && !self.fence_is_excused(old) {
            let words = format!("{old} takes writes while {writer} is the writer, unfenced");
            court.breaks("S1", scene.now, words);
        }
    }

    /// Somebody else put a zone's sets back. Until every server was told, and all answers lead to
    /// the writer again, they are not Bowline's doing: nothing can be promised of a name that
    /// somebody else writes.
    pub(super) fn reverted(&mut self, scene: Scene<'_>, zone: &ZoneId) {
        if scene.world.groups()[self.group].names.iter().any(|(_, of)| of == zone) {
            (self.meddled, self.reverted_at) = (true, Some(scene.now.mono));
            self.open = self.opened(scene.world);
        }
    }

    /// Where each server leads for each name.
    fn answers<'a>(&'a self, scene: Scene<'a>) -> impl Iterator<Item = Option<Site>> + 'a {
        let names = scene.world.groups()[self.group].names.len();
        let of = move |name| {
            let told = move |server| scene.world.answer(self.group, name, server, scene.now).site;
            (0..SERVERS).map(told)
        };
        (0..names).flat_map(of)
    }

    /// Whether any server answers any name with another site.
    fn answers_but(&self, scene: Scene<'_>, site: Site) -> bool {
        self.answers(scene).any(|told| told != Some(site))
    }

    fn takes_writes(&self, scene: Scene<'_>, site: Site) -> bool {
        self.member(scene, site).is_some_and(|member| member.accepts_writes)
    }

    /// Whether the fence of the site that a promoting run leaves ended as unknown, none was
    /// confirmed since, and the policy or a human said proceed: in the store, or in the directory
    /// of a process that acts beside it.
    fn fence_is_excused(&self, old: Site) -> bool {
        let proceed =
            self.policy.database.as_ref().is_some_and(|db| db.on_unknown == OnUnknown::Proceed);
        let unfenced = self.journals().into_iter().filter(|ledger| !ledger.fenced.contains(&old));
        let runs = unfenced.filter_map(|ledger| ledger.run.as_ref());
        let leaves = runs.filter(|run| run.from == old && run.committed);
        leaves
            .flat_map(|run| run.steps.values())
            .filter(|step| matches!(step.step.effect, Effect::Fence(_)))
            .filter(|step| step.state == StepState::Unknown)
            .any(|step| proceed || step.answered.is_some())
    }

    /// S2 and S3, whenever a call has changed which site is open.
    pub(super) fn judge_opening(&mut self, scene: Scene<'_>, op: &Op, court: &mut Court) {
        match op {
            Op::Route53(_, Route53Op::Change { .. }) => self.judge_sets(scene, court),
            Op::Gate(..) => {}
            _ => return,
        }
        let open = self.opened(scene.world);
        let Some(site) = open.filter(|_| open != self.open) else { return };
        self.open = open;
        self.judge_capacity(scene, site, court);
        // What was lost while the call was recorded or under way, nobody could know.
        let lost = self.lost_since(site, (self.opens, LOOKS), court);
        if self.policy.database.is_some() {
            let up = lost || self.member(scene, site).is_some_and(|member| member.up);
            if self.writer(scene) != Some(site) || !up {
                court.breaks("S2", scene.now, format!("{site} was opened and does not write"));
            }
        }
        let at = DoorId { group: self.group, site };
        let workloads = &self.policy.capacity.workloads;
        let taken = workloads.iter().any(|one| self.taken_away(scene, (site, one), UNSEEN));
        if !scene.world.app.serves(at).reads && !taken && !lost {
            court.breaks("S3", scene.now, format!("{site} was opened and does not serve"));
        }
    }

    /// Whether somebody else put a workload's replicas back within this time.
    fn taken_away(&self, scene: Scene<'_>, (site, one): (Site, &Workload), within: Span) -> bool {
        let cluster = scene.world.cluster(&self.policy.site(site).cluster);
        let put_back = cluster.and_then(|cluster| cluster.put_back(&one.object));
        put_back.is_some_and(|at| scene.now.mono.since(at) < within)
    }

    fn judge_capacity(&self, scene: Scene<'_>, site: Site, court: &mut Court) {
        let Some(cluster) = scene.world.cluster(&self.policy.site(site).cluster) else { return };
        let percent = self.policy.capacity.minimum_ready_percent;
        for (index, workload) in self.policy.capacity.workloads.iter().enumerate() {
            let asked = self.asked(index, workload, site);
            let ready = cluster.workload(&workload.object).map_or(0, |view| view.ready);
            let short = ready < (asked * percent).div_ceil(100);
            if short && !self.taken_away(scene, (site, workload), UNSEEN) {
                let words =
                    format!("{site} was opened with {ready}/{asked} of {}", workload.object);
                court.breaks("S2", scene.now, words);
            }
        }
    }

    /// S3: each name has one primary and one secondary set of each type it had, none empty.
    fn judge_sets(&self, scene: Scene<'_>, court: &mut Court) {
        let present = Self::sets(self.group, scene.world);
        for set in self.peace.sets.iter().filter(|set| set.failover == Some(Failover::Primary)) {
            let has = |role| {
                let same = present.iter().filter(|s| s.name == set.name && s.kind == set.kind);
                same.filter(|s| s.failover == Some(role))
                    .filter(|s| s.alias.is_some() || !s.values.is_empty())
                    .count()
            };
            if (has(Failover::Primary), has(Failover::Secondary)) != (1, 1) {
                let words = format!("{} {:?} is not whole any more", set.name, set.kind);
                court.breaks("S3", scene.now, words);
            }
        }
    }

    /// Whose sets are primary, or whose gate is open.
    pub(super) fn opened(&self, world: &World) -> Option<Site> {
        if let Lever::Gates(lever) = &self.policy.lever {
            return world.gates.view(&lever.object).map(|view| view.open);
        }
        let (name, zone) = world.groups()[self.group].names.first()?;
        let sets = world.route53.sets(zone, name).iter();
        let primary = sets.filter(|set| set.failover == Some(Failover::Primary));
        let alias = primary.filter_map(|set| set.alias.as_ref()).next()?;
        world.site_of(self.group, world.elb.named(&alias.dns_name)?)
    }

    /// Whether somebody else put a site's replicas back since the traffic moved there, and users
    /// were seen to be served.
    fn emptied(&self, scene: Scene<'_>, site: Site) -> bool {
        let Some(moved) = self.ledger.moved_at else { return false };
        let since = scene.now.wall.since(moved);
        let mut workloads = self.policy.capacity.workloads.iter();
        workloads.any(|one| self.taken_away(scene, (site, one), since))
    }

    /// Whether a site served so long before some time, and was lost since, with its Region, its
    /// targets or its database.
    fn lost_since(&self, site: Site, (seen, before): (Option<Mono>, Span), court: &Court) -> bool {
        let region = &self.policy.site(site).scope.region;
        let takes = |trouble: &Trouble| match trouble {
            Trouble::RegionDead(of) | Trouble::TargetsDown(of) | Trouble::DatabaseDown(of) => {
                of == region
            }
            _ => false,
        };
        if !court.troubles().any(takes) {
            return false;
        }
        self.lost_at[position(site)].zip(seen).is_some_and(|(lost, seen)| lost + before > seen)
    }

    /// S11: a run that says it moved is believed by the world, as of when it looked.
    pub(super) fn judge_success(&self, scene: Scene<'_>, to: Site, court: &mut Court) {
        let at = DoorId { group: self.group, site: to };
        let serves = scene.world.app.serves(at);
        if self.meddled {
            return;
        }
        if self.answers_but(scene, to) {
            court.breaks("S11", scene.now, format!("moved to {to}, and answers lead elsewhere"));
        } else if !(serves.reads && serves.writes
            || self.emptied(scene, to)
            || !serves.reads && self.lost_since(to, (self.looked, Span::ZERO), court))
        {
            let words = format!("moved to {to}, where users get {serves:?}");
            court.breaks("S11", scene.now, words);
        }
    }
}
