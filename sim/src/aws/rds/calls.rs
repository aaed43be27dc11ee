//! RDS' API: what each call is accepted or refused for. None takes a token or a condition.

use bowline_core::model::{InstanceArn, InstanceId, Now, Region, SecurityGroupId};
use bowline_core::op::{Answer, Fault, Instance, InstanceSettings, RdsOp};

use super::instance::{Birth, Db, MemberSpec, Role};
use super::link::Link;
use super::{Rds, agenda};

/// The account that everything of the world is in.
const ACCOUNT: &str = "111111111111";

impl Rds {
    /// Performs a call's effect in a Region.
    ///
    /// # Errors
    /// [`Fault::NotFound`]; [`Fault::Conflict`] for an identifier that is taken; [`Fault::Invalid`]
    /// for what the instance's state does not allow.
    pub fn perform(
        &mut self,
        region: &Region,
        op: &RdsOp,
        now: Now,
        rng: &mut fastrand::Rng,
    ) -> Result<Answer, Fault> {
        if op.mutates() {
            self.roll(now.mono);
        }
        match op {
            RdsOp::Describe(id) => {
                return Ok(Answer::Instance(self.describe(self.find(region, id)?, now)));
            }
            RdsOp::Events { instance, since } => {
                let events = &self.dbs[self.find(region, instance)?].events;
                let found = events.iter().filter(|event| event.at >= *since);
                return Ok(Answer::Events(found.cloned().collect()));
            }
            RdsOp::SetSecurityGroups { instance, groups } => {
                self.regroup(self.find(region, instance)?, groups, now, rng)?;
            }
            RdsOp::Reboot { instance, .. } => {
                let times = self.times;
                let db = self.idle(self.find(region, instance)?)?;
                db.agenda.plan(now.mono, agenda::reboot(&times, rng));
            }
            RdsOp::Promote(id) => self.promote(self.find(region, id)?, now, rng)?,
            RdsOp::Rename { instance, to } => {
                self.free(region, to)?;
                let times = self.times;
                let db = self.idle(self.find(region, instance)?)?;
                db.agenda.plan(now.mono, agenda::rename(&times, to.clone(), rng));
                self.reserved.push((region.clone(), to.clone()));
            }
            RdsOp::Configure { instance, settings } => {
                let times = self.times;
                let db = self.idle(self.find(region, instance)?)?;
                db.configure(settings, &times, now, rng);
            }
            RdsOp::CreateReplica { instance, source, settings } => {
                self.free(region, instance)?;
                let source = self.find_by_arn(source)?;
                self.may_have_replica(source, settings)?;
                let asked = Asked { region, instance, source, settings };
                self.create(&asked, now, rng);
            }
        }
        self.run_agendas(now);
        self.settle(now);
        Ok(Answer::Ok)
    }

    fn find(&self, region: &Region, id: &InstanceId) -> Result<usize, Fault> {
        let found = self.dbs.iter().position(|db| db.id == *id && db.region == *region);
        found.ok_or_else(|| Fault::NotFound(format!("DBInstanceNotFound: {id} in {region}")))
    }

    fn find_by_arn(&self, arn: &InstanceArn) -> Result<usize, Fault> {
        let named = arn.region().zip(arn.instance());
        let (region, id) = named.ok_or_else(|| invalid(format!("{arn} is no instance's ARN")))?;
        self.find(&region, &id)
    }

    /// Whether nobody has or is about to have that identifier.
    fn free(&self, region: &Region, id: &InstanceId) -> Result<(), Fault> {
        let reserved = self.reserved.iter().any(|(at, name)| at == region && name == id);
        if reserved || self.find(region, id).is_ok() {
            return Err(Fault::Conflict(format!("DBInstanceAlreadyExists: {id} in {region}")));
        }
        Ok(())
    }

    /// The instance, if it is `available` and nothing accepted is still to happen to it.
    fn idle(&mut self, index: usize) -> Result<&mut Db, Fault> {
        let db = &mut self.dbs[index];
        if db.status == "available" && !db.agenda.busy(db.status) {
            return Ok(db);
        }
        Err(invalid_state(db))
    }

    fn regroup(
        &mut self,
        index: usize,
        groups: &[SecurityGroupId],
        now: Now,
        rng: &mut fastrand::Rng,
    ) -> Result<(), Fault> {
        let db = &mut self.dbs[index];
        if db.status == "backing-up" && !db.agenda.busy(db.status) {
            let steps = agenda::regroup_beside_backup(groups.to_vec(), rng);
            db.agenda.plan(now.mono, steps);
            return Ok(());
        }
        let steps = agenda::regroup(groups.to_vec(), rng);
        self.idle(index)?.agenda.plan(now.mono, steps);
        Ok(())
    }

    fn promote(&mut self, index: usize, now: Now, rng: &mut fastrand::Rng) -> Result<(), Fault> {
        let times = self.times;
        let db = self.idle(index)?;
        if db.named_source.is_none() {
            return Err(invalid(format!("{} is no read replica", db.id)));
        }
        db.agenda.plan(now.mono, agenda::promotion(&times, rng));
        Ok(())
    }

    fn may_have_replica(&self, source: usize, settings: &InstanceSettings) -> Result<(), Fault> {
        let db = &self.dbs[source];
        if db.status != "available" {
            return Err(invalid_state(db));
        }
        if db.settings.backup_retention_days == 0 {
            return Err(invalid(format!("{} has no automated backups", db.id)));
        }
        if db.managed_password {
            return Err(invalid(format!("{} has a managed master password", db.id)));
        }
        if db.named_source.is_some() {
            return Err(invalid(format!("{} is a replica itself", db.id)));
        }
        if db.settings.kms_key.is_some() && settings.kms_key.is_none() {
            return Err(invalid(format!("{} is encrypted: name a key of the Region", db.id)));
        }
        Ok(())
    }

    fn create(&mut self, asked: &Asked<'_>, now: Now, rng: &mut fastrand::Rng) {
        let of = asked.source;
        let door = self.door_in(asked.region, self.dbs[of].door / 2);
        // RDS: a new replica has its source's engine and no backups; most engines' get the default
        // parameter group.
        let engine = self.dbs[of].settings.engine.clone();
        let settings = asked.settings.clone();
        let mut settings = InstanceSettings { engine, backup_retention_days: 0, ..settings };
        if !settings.grouped_at_birth() {
            settings.parameter_group = None;
        }
        let spec = MemberSpec {
            region: asked.region.clone(),
            instance: asked.instance.clone(),
            closed: self.doors[door].closed.clone(),
            settings,
        };
        let link = Link::from_snapshot(rng.u64(..), now.mono);
        let role = Role::Replica { of, link, ended: false };
        let (number, engine, times) = (self.dbs.len(), self.dbs[of].engine, self.times);
        let birth = Birth { number, door, engine, role, times };
        let mut db = Db::new(spec, birth, now, rng);
        (db.status, db.engine_up) = ("creating", false);
        db.agenda.plan(now.mono, agenda::creation(&self.times, rng));
        self.dbs.push(db);
    }

    /// Who an instance replicates from and who replicates from it, by Region: [`Instance`] has only
    /// their identifiers.
    #[must_use]
    pub fn kin(&self, region: &Region, id: &InstanceId) -> Kin {
        let Ok(index) = self.find(region, id) else { return Kin::default() };
        let named = |other: usize| (self.dbs[other].region.clone(), self.dbs[other].id.clone());
        let replicas = |other: &usize| self.dbs[*other].named_source == Some(index);
        Kin {
            source: self.dbs[index].named_source.map(named),
            replicas: (0..self.dbs.len()).filter(replicas).map(named).collect(),
        }
    }

    fn describe(&self, index: usize, now: Now) -> Instance {
        let db = &self.dbs[index];
        let of_this = |other: &&Db| other.named_source == Some(index);
        Instance {
            id: db.id.clone(),
            arn: InstanceArn::of("aws", &db.region, ACCOUNT, &db.id),
            resource: db.resource.clone(),
            status: self.status_text(db.status),
            source: db.named_source.map(|source| self.dbs[source].id.clone()),
            streaming: db.streaming(),
            replicas: self.dbs.iter().filter(of_this).map(|replica| replica.id.clone()).collect(),
            settings: Box::new(db.settings.clone()),
            managed_password: db.managed_password,
            told_at: now.wall,
        }
    }
}

/// Who an instance replicates from, and who replicates from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kin {
    /// Its source.
    pub source: Option<(Region, InstanceId)>,
    /// Its replicas.
    pub replicas: Vec<(Region, InstanceId)>,
}

/// A replica that was asked for and may be made.
struct Asked<'a> {
    region: &'a Region,
    instance: &'a InstanceId,
    source: usize,
    settings: &'a InstanceSettings,
}

fn invalid_state(db: &Db) -> Fault {
    invalid(format!("InvalidDBInstanceState: {} is {}", db.id, db.status))
}

fn invalid(why: String) -> Fault {
    Fault::Invalid(why)
}
