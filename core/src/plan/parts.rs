//! The draft of a plan, and the parts that every move shares: capacity, shift, the look from
//! outside.

use std::fmt::Display;

use super::build::Survey;
use super::facts::Incomplete;
use super::step::{Approval, Class, Effect, Milestone, OnTimeout, Plan, PlanKind, Step};
use crate::bugs::{self, Bug};
use crate::capacity::{CapacityReady, Release, SetJob, SetPool, SetWorkload, Until};
use crate::levers::outside::{Answers, Front, Leads, Serves};
use crate::levers::{gates, records};
use crate::model::{ObjectRef, Ordered, Place, Site, Span, StepId, ZoneId};
use crate::op::HttpProbe;
use crate::policy::{Lever, RecordName, Replicas, SitePolicy, Starts, Workload};
use crate::step::{HoldId, Mark, Question};

/// How long scaling and suspending at a site that must answer may take.
const ASKED: Span = Span::mins(5);

/// How long Route 53 may take to accept a batch before a human is asked.
const SHIFT: Span = Span::mins(10);

/// How long Route 53 may take to tell all its servers; generally 60 s.
const INSYNC: Span = Span::mins(3);

/// A plan that is being written.
pub(super) struct Draft<'a> {
    pub(super) survey: &'a Survey<'a>,
    pub(super) kind: PlanKind,
    pub(super) from: Site,
    pub(super) to: Site,
    steps: Ordered<StepId, Step>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(survey: &'a Survey<'a>, kind: PlanKind) -> Self {
        let from = survey.active;
        Self { survey, kind, from, to: from.other(), steps: Ordered::default() }
    }

    pub(super) fn finish(self) -> Plan {
        Plan { kind: self.kind, from: self.from, to: self.to, steps: self.steps }
    }

    pub(super) fn gaining(&self) -> &'a SitePolicy {
        self.survey.policy.site(self.to)
    }

    pub(super) fn losing(&self) -> &'a SitePolicy {
        self.survey.policy.site(self.from)
    }

    /// Adds a step, unless the run has it already.
    pub(super) fn add(&mut self, id: impl Display, needs: &[StepId], mut step: Step) -> StepId {
        let id = StepId::new(id.to_string());
        if !self.survey.existing.contains(&id) {
            step.needs.extend(needs.iter().cloned());
            self.steps.insert(id.clone(), step);
        }
        id
    }

    /// Whether this plan has a step.
    pub(super) fn has(&self, id: &StepId) -> bool {
        self.steps.contains_key(id)
    }

    /// A point in the DAG.
    pub(super) fn milestone(&mut self, id: &str, note: &str, needs: &[StepId]) -> StepId {
        let effect = Effect::Milestone(Milestone { note: note.into() });
        self.add(id, needs, Step::looks(effect, Place::Nowhere))
    }

    /// A human's yes.
    pub(super) fn approval(&mut self, question: Question, after: &StepId) -> StepId {
        let effect = Effect::Approval(Approval { question });
        let mut step = Step::looks(effect, Place::Nowhere);
        if bugs::on(Bug::SilenceIsConsent) {
            (step.timeout, step.on_timeout) = (Some(Span::mins(10)), OnTimeout::Proceed);
        }
        self.add("approval", std::slice::from_ref(after), step)
    }

    /// Claims the lever, before anything is done that an older claimant could cross. Without it
    /// nothing could be moved, so it is tried until it answers, and a human is told.
    pub(super) fn claim_lever(&mut self) -> Result<Vec<StepId>, Incomplete> {
        let (from, policy) = (self.from, self.survey.policy);
        let mut effects = Vec::new();
        match &policy.lever {
            Lever::Records(lever) => {
                for zone in zones(lever) {
                    let apex = self.survey.facts.zone(&zone)?.apex.clone();
                    let (id, role) = (format!("claim.{zone}"), lever.role.clone());
                    let claim = records::ClaimZone { zone, apex, role, from };
                    effects.push((id, Effect::ClaimZone(claim)));
                }
            }
            Lever::Gates(lever) => {
                let (role, object) = (lever.role.clone(), lever.object.clone());
                let claim = gates::ClaimGate { role, object, from };
                effects.push(("claim.gate".into(), Effect::ClaimGate(claim)));
            }
        }
        let step = |effect| Step {
            class: Class::Reversible,
            timeout: Some(super::build::CLAIM),
            on_timeout: OnTimeout::Ask,
            ..Step::looks(effect, Place::Dns)
        };
        Ok(effects.into_iter().map(|(id, effect)| self.add(id, &[], step(effect))).collect())
    }

    /// Opens NodePools and starts what is safe without the writer.
    pub(super) fn early_capacity(&mut self) -> Result<Vec<StepId>, Incomplete> {
        let claim = [StepId::new("claim.gaining")];
        let mut ids = Vec::new();
        if self.to == Site::Standby {
            for pool in &self.survey.policy.capacity.pools {
                let effect = Effect::SetPool(SetPool {
                    site: self.to,
                    cluster: self.gaining().cluster.clone(),
                    pool: pool.name.clone(),
                    limits: pool.limits.clone(),
                });
                let step = Step::holds(effect, self.to, ASKED);
                ids.push(self.add(format!("pool.{}", pool.name), &claim, step));
            }
        }
        ids.extend(self.start(Starts::Early, &claim)?);
        Ok(ids)
    }

    /// Starts what needs the writer, jobs included.
    pub(super) fn start_rest(&mut self, writer: &StepId) -> Result<Vec<StepId>, Incomplete> {
        let needs = [writer.clone()];
        let ids = self.start(Starts::AfterWriter, &needs)?;
        for job in &self.survey.policy.capacity.jobs {
            let id = format!("resume.{}.{}", job.object.namespace, job.object.name);
            let object = ObjectRef::Job(job.object.clone());
            let step = self.release_or(&object, 0, |draft| {
                Effect::SetJob(SetJob {
                    site: draft.to,
                    cluster: draft.gaining().cluster.clone(),
                    job: job.object.clone(),
                    suspend: false,
                })
            });
            self.add(id, &needs, step);
        }
        Ok(ids)
    }

    pub(super) fn start(
        &mut self,
        starts: Starts,
        needs: &[StepId],
    ) -> Result<Vec<StepId>, Incomplete> {
        let mut ids = Vec::new();
        let all = &self.survey.policy.capacity.workloads;
        for workload in all.iter().filter(|workload| workload.starts == starts) {
            let replicas = self.wanted(workload)?;
            let object = ObjectRef::Workload(workload.object.clone());
            let step = self.release_or(&object, replicas, |draft| {
                Effect::SetWorkload(SetWorkload {
                    site: draft.to,
                    cluster: draft.gaining().cluster.clone(),
                    workload: workload.object.clone(),
                    replicas,
                    until: Until::Asked,
                })
            });
            ids.push(self.add(format!("start.{}", short(workload)), needs, step));
        }
        Ok(ids)
    }

    /// At home what was there before is restored, peacetime's count at least; at standby it is set
    /// and held.
    fn release_or(
        &self,
        object: &ObjectRef,
        at_least: u32,
        set: impl FnOnce(&Self) -> Effect,
    ) -> Step {
        let id = HoldId::object(self.to, object);
        match self.survey.holds.get(&id) {
            Some(hold) if self.to == Site::Home => Step {
                marks: vec![Mark::Released(id)],
                ..Step::holds(
                    Effect::Release(Release { hold: hold.clone(), at_least }),
                    self.to,
                    ASKED,
                )
            },
            None if self.to == Site::Home => {
                let note = format!("{object} was not held at home");
                let effect = Effect::Milestone(Milestone { note });
                Step::looks(effect, Place::Nowhere)
            }
            _ => Step::holds(set(self), self.to, ASKED),
        }
    }

    /// How many replicas a workload has at the gaining site.
    pub(super) fn wanted(&self, workload: &Workload) -> Result<u32, Incomplete> {
        let name = workload.object.to_string();
        let home = || {
            let count = self.survey.facts.replicas.get(name.as_str()).copied();
            count.ok_or_else(|| Incomplete(format!("home's replicas of {name}")))
        };
        Ok(match (self.to, workload.replicas) {
            (Site::Home, _) => home()?,
            (Site::Standby, Replicas::Count(count)) => count,
            (Site::Standby, Replicas::PercentOfHome { percent, at_least }) => {
                (home()? * percent).div_ceil(100).max(at_least)
            }
        })
    }

    /// Waits for what traffic needs (S2).
    pub(super) fn capacity(&mut self, needs: Vec<StepId>) -> Result<StepId, Incomplete> {
        self.ready("capacity", &needs, |_| true)
    }

    /// Waits for what is safe without the writer.
    pub(super) fn early_ready(&mut self, needs: &[StepId]) -> Result<StepId, Incomplete> {
        self.ready("capacity.early", needs, |workload| workload.starts == Starts::Early)
    }

    fn ready(
        &mut self,
        id: &str,
        needs: &[StepId],
        counts: impl Fn(&Workload) -> bool,
    ) -> Result<StepId, Incomplete> {
        let capacity = &self.survey.policy.capacity;
        let counted = |workload: &Workload| Ok((workload.object.clone(), self.wanted(workload)?));
        let workloads = capacity.workloads.iter().filter(|workload| counts(workload));
        let effect = Effect::CapacityReady(CapacityReady {
            cluster: self.gaining().cluster.clone(),
            workloads: workloads.map(counted).collect::<Result<_, _>>()?,
            minimum_percent: capacity.minimum_ready_percent,
        });
        let mut step = Step::looks(effect, Place::Site(self.to));
        step.timeout = Some(capacity.ready_timeout);
        Ok(self.add(id, needs, step))
    }

    /// Moves the traffic once the site has its capacity and serves, both seen in that instant, and
    /// waits until every authoritative server says so.
    pub(super) fn shift(&mut self, capacity: StepId, writer: StepId) -> Result<StepId, Incomplete> {
        let front = self.front(&[capacity.clone(), writer.clone()])?;
        let still = vec![capacity.clone(), front.clone()];
        let (mut needs, mut still) = (vec![capacity, writer, front], still);
        let fit = StepId::new("fit");
        if bugs::on(Bug::OpensBeforeClosing) && self.has(&fit) {
            (needs, still) = (vec![fit], Vec::new());
        }
        let mut moved = Vec::new();
        for (id, effect) in self.lever_moves()? {
            let step = Step { still: still.clone(), ..Step::moves_traffic(effect, SHIFT) };
            moved.push(self.add(id, &needs, step));
        }
        let effect = Effect::Milestone(Milestone { note: format!("traffic leads to {}", self.to) });
        let mut step = Step::looks(effect, Place::Nowhere);
        step.marks = vec![Mark::Active(self.to)];
        let shifted = self.add("shifted", &moved, step);
        let mut synced = vec![shifted];
        if let Lever::Records(lever) = &self.survey.policy.lever {
            for id in &moved {
                let effect = Effect::Insync(records::Insync {
                    role: lever.role.clone(),
                    shifted_by: id.clone(),
                });
                let mut step = Step::looks(effect, Place::Dns);
                (step.timeout, step.on_timeout) = (Some(INSYNC), OnTimeout::Proceed);
                synced.push(self.add(format!("insync.{id}"), std::slice::from_ref(id), step));
            }
        }
        let names = self.names().iter().map(|name| self.leads(name)).collect::<Result<_, _>>()?;
        let mut step = Step::looks(Effect::Answers(Answers { names }), Place::Outside);
        (step.timeout, step.on_timeout) = (Some(INSYNC.times(2)), OnTimeout::Ask);
        Ok(self.add("answers", &synced, step))
    }

    /// Looks through the gaining site's own load balancer before anybody is led there.
    fn front(&mut self, needs: &[StepId]) -> Result<StepId, Incomplete> {
        let verify = &self.survey.policy.verify;
        let leads = self.leads(self.verified_name()?)?;
        let probe = HttpProbe {
            connect: leads.load_balancer,
            addresses: Vec::new(),
            tls: verify.tls,
            port: verify.port,
            host: verify.host.clone(),
            path: verify.path.clone(),
            writes: false,
            site_header: verify.site_header.clone(),
            timeout: Span::secs(3),
        };
        let step = Step::looks(Effect::Front(Front { probe }), Place::Site(self.to));
        let step = Step { timeout: Some(SHIFT), on_timeout: OnTimeout::Fail, ..step };
        Ok(self.add("front", needs, step))
    }

    /// The record of the name that is looked at from outside.
    fn verified_name(&self) -> Result<&'a RecordName, Incomplete> {
        let host = &self.survey.policy.verify.host;
        let name = self.names().iter().find(|name| name.name == *host);
        name.ok_or_else(|| Incomplete(format!("a record for {host}")))
    }

    /// What moves the traffic: one batch for each zone, or the gate.
    fn lever_moves(&self) -> Result<Vec<(String, Effect)>, Incomplete> {
        let to = self.to;
        let lever = match &self.survey.policy.lever {
            Lever::Records(lever) => lever,
            Lever::Gates(lever) => {
                let (role, object) = (lever.role.clone(), lever.object.clone());
                let flip = Effect::Flip(gates::Flip { role, object, to });
                return Ok(vec![("shift.gate".into(), flip)]);
            }
        };
        let of_zone = |zone: ZoneId| {
            let facts = self.survey.facts.zone(&zone)?;
            let id = format!("shift.{zone}");
            let effect = Effect::Shift(records::Shift {
                zone,
                apex: facts.apex.clone(),
                role: lever.role.clone(),
                sets: facts.sets.clone(),
                closed: lever.closed_health_check.clone(),
                to,
            });
            Ok((id, effect))
        };
        zones(lever).into_iter().map(of_zone).collect()
    }

    fn names(&self) -> &'a [RecordName] {
        match &self.survey.policy.lever {
            Lever::Records(lever) => &lever.names,
            Lever::Gates(lever) => &lever.names,
        }
    }

    fn leads(&self, name: &RecordName) -> Result<Leads, Incomplete> {
        let facts = self.survey.facts;
        Ok(Leads {
            name: name.name.clone(),
            servers: facts.zone(&name.zone)?.name_servers.clone(),
            load_balancer: facts.load_balancer(self.to, &name.load_balancer)?.dns_name.clone(),
        })
    }

    /// Looks from outside for `hold` without a break.
    pub(super) fn seen_from_outside(
        &mut self,
        id: &str,
        after: &StepId,
        hold: Span,
    ) -> Result<StepId, Incomplete> {
        let verify = &self.survey.policy.verify;
        let name = self.verified_name()?;
        let serves = Serves::new(verify, self.to, self.leads(name)?, hold);
        let mut step = Step::looks(Effect::Serves(serves), Place::Outside);
        (step.timeout, step.on_timeout) = (Some(hold.times(2) + Span::mins(10)), OnTimeout::Ask);
        Ok(self.add(id, std::slice::from_ref(after), step))
    }
}

/// The zones of a lever's names, each once.
fn zones(lever: &crate::policy::RecordsLever) -> Vec<ZoneId> {
    let mut zones: Vec<_> = lever.names.iter().map(|name| name.zone.clone()).collect();
    zones.sort();
    zones.dedup();
    zones
}

/// A workload in a step's name.
pub(super) fn short(workload: &Workload) -> String {
    format!("{}.{}", workload.object.namespace, workload.object.name)
}

impl Step {
    /// A step that changes nothing and, once it takes too long, fails the run.
    pub(super) fn looks(effect: Effect, touches: Place) -> Self {
        Self {
            effect,
            needs: Vec::new(),
            still: Vec::new(),
            touches,
            class: Class::ReadOnly,
            timeout: None,
            on_timeout: OnTimeout::Fail,
            standing: false,
            marks: Vec::new(),
        }
    }

    /// A step that takes or changes holds at a site.
    pub(super) fn holds(effect: Effect, site: Site, timeout: Span) -> Self {
        let look = Self::looks(effect, Place::Site(site));
        Self { class: Class::Reversible, timeout: Some(timeout), ..look }
    }

    /// A step that moves traffic. It is not unwound: from here a run goes forward or asks.
    pub(super) fn moves_traffic(effect: Effect, timeout: Span) -> Self {
        let look = Self::looks(effect, Place::Dns);
        let on_timeout = OnTimeout::Ask;
        Self { class: Class::Irreversible, timeout: Some(timeout), on_timeout, ..look }
    }
}
