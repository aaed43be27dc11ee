//! RDS' query protocol: a form becomes an operation.

use bowline_core::model::{InstanceArn, SecurityGroupId, Wall};
use bowline_core::op::{InstanceSettings, RdsOp};
use jiff::Timestamp;

use super::wire::Failure;

/// A request's form.
#[derive(Clone, Debug)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body; what is no pair is an empty one.
    pub(super) fn read(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// What is asked for.
    pub(super) fn action(&self) -> &str {
        self.get("Action").unwrap_or_default()
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn need(&self, name: &str) -> Result<&str, Failure> {
        let missing = || Failure::sender("MissingParameter", format!("{name} is missing"));
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(missing)
    }

    /// The members of a list, however its members are called.
    fn list(&self, name: &str) -> Vec<&str> {
        let member = |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        self.0.iter().filter(|(key, _)| member(key)).map(|(_, value)| value.as_str()).collect()
    }

    fn groups(&self) -> Vec<SecurityGroupId> {
        self.list("VpcSecurityGroupIds").into_iter().map(SecurityGroupId::new).collect()
    }
}

/// The operation that a form asks for.
///
/// # Errors
/// RDS' own code for a parameter that is missing or wrong, or that this double does not have.
pub(super) fn op(form: &Form) -> Result<RdsOp, Failure> {
    let instance = || form.need("DBInstanceIdentifier").map(last_part);
    match form.action() {
        "DescribeDBInstances" => Ok(RdsOp::Describe(instance()?.into())),
        "DescribeEvents" => events(form),
        "ModifyDBInstance" => modify(form, instance()?),
        "RebootDBInstance" => Ok(RdsOp::Reboot { instance: instance()?.into(), shut_at: Wall(0) }),
        "PromoteReadReplica" => Ok(RdsOp::Promote(instance()?.into())),
        "CreateDBInstanceReadReplica" => create_replica(form, instance()?),
        action => {
            let text = format!("this double has no action `{action}`");
            Err(Failure::sender("InvalidAction", text))
        }
    }
}

fn events(form: &Form) -> Result<RdsOp, Failure> {
    let wrong = |text: String| Failure::sender("InvalidParameterValue", text);
    match form.get("SourceType") {
        Some("db-instance") => {}
        other => {
            let other = other.unwrap_or("none");
            return Err(wrong(format!("SourceType is {other}; this double has db-instance")));
        }
    }
    let start = form.need("StartTime")?;
    let start: Timestamp = start.parse().map_err(|e| wrong(format!("StartTime: {e}")))?;
    let instance = form.need("SourceIdentifier")?.into();
    Ok(RdsOp::Events { instance, since: Wall(start.as_millisecond()) })
}

/// One change at a time, and at once: a change that waits for a window is not played.
fn modify(form: &Form, instance: &str) -> Result<RdsOp, Failure> {
    let wrong = |text: &str| Failure::sender("InvalidParameterCombination", text.to_owned());
    if form.get("ApplyImmediately") != Some("true") {
        return Err(wrong("this double has no maintenance window: say ApplyImmediately=true"));
    }
    let days = form.get("BackupRetentionPeriod").map(str::parse::<u32>).transpose();
    let days = days.map_err(|_| wrong("BackupRetentionPeriod is no number of days"))?;
    let groups = form.groups();
    let instance = instance.into();
    match (form.get("NewDBInstanceIdentifier"), groups.is_empty(), days) {
        (Some(to), true, None) => Ok(RdsOp::Rename { instance, to: to.into() }),
        (None, false, None) => Ok(RdsOp::SetSecurityGroups { instance, groups }),
        (None, true, Some(days)) => {
            Ok(RdsOp::Configure { instance, settings: Box::new(configured(form, days)) })
        }
        _ => Err(wrong(
            "give one of VpcSecurityGroupIds, NewDBInstanceIdentifier and BackupRetentionPeriod",
        )),
    }
}

/// What an existing instance is set to; only what is changed that way counts.
fn configured(form: &Form, days: u32) -> InstanceSettings {
    InstanceSettings {
        engine: "".into(),
        class: "".into(),
        subnet_group: None,
        parameter_group: form.get("DBParameterGroupName").map(Into::into),
        security_groups: Vec::new(),
        kms_key: None,
        backup_retention_days: days,
        multi_az: false,
    }
}

/// What RDS does not have as a parameter stays at its default: no backups until the promotion.
fn create_replica(form: &Form, instance: &str) -> Result<RdsOp, Failure> {
    let source = form.need("SourceDBInstanceIdentifier")?;
    let text = |name: &str| form.get(name).map(Into::into);
    let mut groups = form.groups();
    if groups.is_empty() {
        groups.push("sg-default".into());
    }
    let settings = InstanceSettings {
        // Not asked for: a replica has its source's.
        engine: "".into(),
        class: form.need("DBInstanceClass")?.into(),
        subnet_group: text("DBSubnetGroupName"),
        parameter_group: text("DBParameterGroupName"),
        security_groups: groups,
        kms_key: text("KmsKeyId"),
        backup_retention_days: 0,
        multi_az: form.get("MultiAZ") == Some("true"),
    };
    Ok(RdsOp::CreateReplica {
        instance: instance.into(),
        source: arn(source)?,
        settings: Box::new(settings),
    })
}

/// An instance's ARN: RDS takes nothing else for a source in another Region.
fn arn(text: &str) -> Result<InstanceArn, Failure> {
    let named = InstanceArn::new(text);
    let wrong = || format!("{text} is no ARN: this double makes replicas of another Region's");
    let wrong = || Failure::sender("InvalidParameterValue", wrong());
    named.region().is_some().then_some(named).ok_or_else(wrong)
}

/// The name in an ARN; a name is its own.
fn last_part(text: &str) -> &str {
    text.rsplit(':').next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<RdsOp, Failure> {
        op(&Form::read(body.as_bytes()))
    }

    #[test]
    fn a_replica_of_another_region_is_asked_for_by_arn_and_has_no_backups() {
        let asked = read(
            "Action=CreateDBInstanceReadReplica&DBInstanceIdentifier=b&DBInstanceClass=db.t4g.micro\
             &SourceDBInstanceIdentifier=arn%3Aaws%3Ards%3Aeu-west-1%3A111111111111%3Adb%3Aa\
             &VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1&MultiAZ=true",
        );
        let Ok(RdsOp::CreateReplica { source, settings, .. }) = asked else {
            panic!("{asked:?}");
        };
        assert_eq!(source.as_str(), "arn:aws:rds:eu-west-1:111111111111:db:a");
        assert_eq!(settings.security_groups, ["sg-1".into()]);
        assert_eq!((settings.backup_retention_days, settings.multi_az), (0, true));
    }

    #[test]
    fn a_change_is_one_thing_and_at_once() {
        let groups =
            "Action=ModifyDBInstance&DBInstanceIdentifier=a&VpcSecurityGroupIds.member.1=g";
        assert_eq!(read(groups).unwrap_err().code(), "InvalidParameterCombination");
        let now = format!("{groups}&ApplyImmediately=true");
        assert!(matches!(read(&now), Ok(RdsOp::SetSecurityGroups { .. })));
        let both = format!("{now}&NewDBInstanceIdentifier=b");
        assert_eq!(read(&both).unwrap_err().code(), "InvalidParameterCombination");
        let backups = "Action=ModifyDBInstance&DBInstanceIdentifier=a&ApplyImmediately=true\
                       &BackupRetentionPeriod=7&DBParameterGroupName=own";
        let Ok(RdsOp::Configure { settings, .. }) = read(backups) else { panic!("{backups}") };
        assert_eq!(settings.parameter_group.as_deref(), Some("own"));
        assert_eq!(settings.backup_retention_days, 7);
    }

    #[test]
    fn what_is_missing_or_unknown_has_rds_own_code() {
        assert_eq!(read("Action=RebootDBInstance").unwrap_err().code(), "MissingParameter");
        assert_eq!(read("Action=DeleteDBInstance").unwrap_err().code(), "InvalidAction");
        let since =
            "Action=DescribeEvents&SourceType=db-instance&SourceIdentifier=a&StartTime=noon";
        assert_eq!(read(since).unwrap_err().code(), "InvalidParameterValue");
    }
}
