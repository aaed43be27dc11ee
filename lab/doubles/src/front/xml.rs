//! RDS' answers as XML.

use bowline_core::model::{InstanceId, Region};
use bowline_core::op::{Answer, InstanceEvent};

use super::wire::Failure;
use crate::data::{Described, Reply};

/// RDS' name space.
const SPACE: &str = "http://rds.amazonaws.com/doc/2014-10-31/";

/// The request id of every answer.
pub(super) const REQUEST: &str = "00000000-0000-0000-0000-000000000000";

/// An element that is being written.
#[derive(Clone, Debug)]
pub(super) struct Element {
    name: String,
    inner: String,
}

impl Element {
    /// An empty element.
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), inner: String::new() }
    }

    /// Adds an element with a text.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.child(leaf(name, text));
    }

    /// Adds an element.
    pub(super) fn child(&mut self, child: Self) {
        self.inner.push_str(&child.finish(""));
    }

    /// Adds a list of elements, one for each item.
    fn list<T>(&mut self, name: &str, items: &[T], element: impl Fn(&T) -> Self) {
        let mut list = Self::new(name);
        items.iter().for_each(|item| list.child(element(item)));
        self.child(list);
    }

    fn finish(&self, attributes: &str) -> String {
        format!("<{0}{attributes}>{1}</{0}>", self.name, self.inner)
    }

    /// The whole document.
    pub(super) fn document(&self) -> String {
        self.finish(&format!(" xmlns=\"{SPACE}\""))
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Whose names the ARNs have.
pub(super) struct Names<'a> {
    /// The endpoint's Region.
    pub(super) region: &'a Region,
    /// The account.
    pub(super) account: &'a str,
}

impl Names<'_> {
    fn arn(&self, region: &Region, id: &InstanceId) -> String {
        format!("arn:aws:rds:{region}:{}:db:{id}", self.account)
    }

    /// An instance as RDS names it here: by identifier, or by ARN in another Region.
    fn named(&self, (region, id): &(Region, InstanceId)) -> String {
        if region == self.region { id.to_string() } else { self.arn(region, id) }
    }
}

/// What RDS answers.
///
/// # Errors
/// What the simulator refused.
pub(super) fn answer(action: &str, reply: &Reply, names: &Names<'_>) -> Result<String, Failure> {
    let answered = reply.result.as_ref().map_err(super::rds_failure)?;
    let mut result = Element::new(format!("{action}Result"));
    match (answered, &reply.instance) {
        (Answer::Events(events), instance) => {
            let id = instance.as_ref().map(|described| &described.instance.id);
            result.list("Events", events, |told| event(told, id, names));
        }
        (Answer::Instance(_), Some(described)) => {
            result.list("DBInstances", &[described], |described| instance(described, names));
        }
        (_, Some(described)) => result.child(instance(described, names)),
        (_, None) => {}
    }
    let mut metadata = Element::new("ResponseMetadata");
    metadata.text("RequestId", REQUEST);
    let mut response = Element::new(format!("{action}Response"));
    response.child(result);
    response.child(metadata);
    Ok(response.document())
}

fn event(event: &InstanceEvent, id: Option<&InstanceId>, names: &Names<'_>) -> Element {
    let mut element = Element::new("Event");
    if let Some(id) = id {
        element.text("SourceIdentifier", id.as_str());
        element.text("SourceArn", &names.arn(names.region, id));
    }
    element.text("SourceType", "db-instance");
    element.text("Message", &event.message);
    element.text("Date", &event.at.to_string());
    let category = if event.restarted { "availability" } else { "configuration change" };
    element.list("EventCategories", &[category], |category| leaf("EventCategory", category));
    element
}

/// An element that is only a text.
fn leaf(name: &str, text: &str) -> Element {
    Element { name: name.to_owned(), inner: escaped(text) }
}

fn instance(described: &Described, names: &Names<'_>) -> Element {
    let found = &described.instance;
    let mut element = Element::new("DBInstance");
    element.text("DBInstanceIdentifier", found.id.as_str());
    element.text("DbiResourceId", found.resource.as_str());
    element.text("DBInstanceArn", &names.arn(names.region, &found.id));
    element.text("DBInstanceStatus", &found.status);
    settings(&mut element, described);
    if let Some(source) = &described.source {
        element.text("ReadReplicaSourceDBInstanceIdentifier", &names.named(source));
        let infos = [found.streaming];
        element.list("StatusInfos", &infos, |streaming| replication(*streaming));
    }
    element.list("ReadReplicaDBInstanceIdentifiers", &described.replicas, |replica| {
        leaf("ReadReplicaDBInstanceIdentifier", &names.named(replica))
    });
    if found.managed_password {
        let mut secret = Element::new("MasterUserSecret");
        secret.text("SecretStatus", "active");
        element.child(secret);
    }
    element
}

fn settings(element: &mut Element, described: &Described) {
    let settings = &described.instance.settings;
    element.text("Engine", &settings.engine);
    element.text("DBInstanceClass", &settings.class);
    element.text("BackupRetentionPeriod", &settings.backup_retention_days.to_string());
    element.text("MultiAZ", if settings.multi_az { "true" } else { "false" });
    element.list("VpcSecurityGroups", &settings.security_groups, |group| {
        let mut member = Element::new("VpcSecurityGroupMembership");
        member.text("VpcSecurityGroupId", group.as_str());
        member.text("Status", "active");
        member
    });
    if let Some(name) = &settings.parameter_group {
        element.list("DBParameterGroups", &[name], |name| {
            let mut group = Element::new("DBParameterGroup");
            group.text("DBParameterGroupName", name);
            group.text("ParameterApplyStatus", "in-sync");
            group
        });
    }
    if let Some(name) = &settings.subnet_group {
        let mut group = Element::new("DBSubnetGroup");
        group.text("DBSubnetGroupName", name);
        element.child(group);
    }
    element.text("StorageEncrypted", if settings.kms_key.is_some() { "true" } else { "false" });
    if let Some(key) = &settings.kms_key {
        element.text("KmsKeyId", key);
    }
}

fn replication(streaming: bool) -> Element {
    let mut info = Element::new("DBInstanceStatusInfo");
    info.text("StatusType", "read replication");
    info.text("Normal", if streaming { "true" } else { "false" });
    info.text("Status", if streaming { "replicating" } else { "error" });
    info
}
