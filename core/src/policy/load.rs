//! Text to policies: reads, checks against the schema, resolves. All errors at once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::check::check;
use super::code::Code;
use super::owned::{Listed, Owned, owned};
use super::problem::{Problem, Problems, Severity};
use super::report::Report;
use super::resolve::resolve;
use super::schema::{self, API_VERSION, FailoverGroup, KIND};
use super::tree::{self, Data, Node};
use super::types::Policy;
use crate::model::GroupName;

/// Policies that may be used, and what should be looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The policies, in the file's order.
    pub policies: Vec<Policy>,
    /// Warnings only.
    pub warnings: Problems,
}

/// Reads the policies of a YAML text, which may hold several documents. `file` only names it.
///
/// # Errors
/// Everything that is wrong, in the file's order, each with its place and remedy. Only where the
/// text is no YAML it is that alone, since what comes after cannot be told apart.
pub fn load(file: &str, text: &str) -> Result<Loaded, Problems> {
    load_beside(&mut Owners::new(), file, text)
}

fn load_beside(owners: &mut Owners, file: &str, text: &str) -> Result<Loaded, Problems> {
    let lines = lines(text);
    let documents = match tree::read(text) {
        Ok(documents) => documents,
        Err(error) => return Err(refused(file, syntax(&lines, error))),
    };
    if documents.is_empty() {
        return Err(refused(file, nothing_in_it()));
    }
    let mut gathered = Gathered { owners: std::mem::take(owners), ..Gathered::default() };
    for document in &documents {
        gathered.read(&lines, document);
    }
    *owners = std::mem::take(&mut gathered.owners);
    gathered.finish(file)
}

/// Reads several files, each a name and a text, as [`load`] does. What an earlier file's group
/// lists, a later one's may not.
#[must_use]
pub fn load_all(files: &[(String, String)]) -> Vec<Result<Loaded, Problems>> {
    let mut owners = Owners::new();
    files.iter().map(|(file, text)| load_beside(&mut owners, file, text)).collect()
}

/// Reads one policy as an API server gives it: a JSON object with `metadata` and `spec`. What else
/// a server keeps in `metadata`, and `status`, is passed over.
///
/// # Errors
/// Everything that is wrong; by field, since there is no file.
pub fn load_object(object: &Value) -> Result<Loaded, Problems> {
    let named = |key: &str| object["metadata"].get(key).cloned();
    let mut metadata = json!({});
    for key in ["name", "namespace"] {
        if let Some(value) = named(key) {
            metadata[key] = value;
        }
    }
    let mut document = json!({"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata});
    if let Some(spec) = object.get("spec") {
        document["spec"] = spec.clone();
    }
    let mut gathered = Gathered::default();
    gathered.read(&[], &Node::of_json(&document));
    let name = named("name").and_then(|name| name.as_str().map(str::to_owned));
    gathered.finish(&name.unwrap_or_else(|| KIND.to_owned()))
}

/// Which group has what.
type Owners = BTreeMap<String, GroupName>;

/// What the documents of a file came to so far.
#[derive(Default)]
struct Gathered {
    policies: Vec<Policy>,
    problems: Vec<Problem>,
    names: BTreeSet<(String, String)>,
    owners: Owners,
}

impl Gathered {
    fn read(&mut self, lines: &[&str], document: &Node) {
        let mut report = Report::new(lines);
        let policy = if is_a_group(&mut report, document) {
            self.document(&mut report, document)
        } else {
            None
        };
        self.policies.extend(policy);
        self.problems.extend(report.into_problems());
    }

    fn document(&mut self, report: &mut Report<'_>, document: &Node) -> Option<Policy> {
        let checked = check(report, document, &schema::EDITOR);
        let written: FailoverGroup = match serde_json::from_value(checked) {
            Ok(written) => written,
            Err(error) => {
                // The schema and its types disagree: a fault of Bowline's, and still no panic.
                let remedy = "this is a fault of Bowline's: please report it".to_owned();
                report.error(Code::WrongType, "", error.to_string(), remedy);
                return None;
            }
        };
        let names = (written.metadata.namespace.clone(), written.metadata.name.clone());
        if report.sound("metadata.name") && !self.names.insert(names) {
            let message = format!("a second group is named `{}`", written.metadata.name);
            let remedy = "give each group of a namespace a name of its own".to_owned();
            report.error(Code::Duplicate, "metadata.name", message, remedy);
        }
        let policy = resolve(report, &written)?;
        self.own(report, &written, &policy);
        Some(policy)
    }

    /// Takes what a group lists, and tells what another one has already.
    fn own(&mut self, report: &mut Report<'_>, written: &FailoverGroup, policy: &Policy) {
        let mut told = BTreeSet::new();
        for Owned { key, listed } in owned(policy) {
            let owner = self.owners.entry(key.clone()).or_insert_with(|| policy.group.clone());
            let path = path(written, &listed);
            if *owner == policy.group || !told.insert(path.clone()) {
                continue;
            }
            let message = format!("{key} is listed by group `{owner}` already");
            let remedy = "leave it to one of the two groups, or make them one group".to_owned();
            report.error(Code::Shared, &path, message, remedy);
        }
    }

    fn finish(mut self, file: &str) -> Result<Loaded, Problems> {
        self.problems.sort_by_key(|problem| problem.place.map(|place| (place.line, place.column)));
        let refused = self.problems.iter().any(|problem| problem.severity == Severity::Error);
        let problems = Problems { file: file.to_owned(), list: self.problems };
        if refused {
            Err(problems)
        } else {
            Ok(Loaded { policies: self.policies, warnings: problems })
        }
    }
}

/// Where a policy lists something.
fn path(written: &FailoverGroup, listed: &Listed) -> String {
    match listed {
        Listed::Member(site) => format!("spec.sites.{site}.database.rdsInstance"),
        Listed::Workload(object) => {
            let workloads = &written.spec.capacity.workloads;
            let index = workloads.iter().position(|workload| {
                format!("{:?} {}/{}", workload.kind, workload.namespace, workload.name) == *object
            });
            format!("spec.capacity.workloads[{}].name", index.unwrap_or_default())
        }
    }
}

/// Whether a document says to be a group, or at least nothing else.
fn is_a_group(report: &mut Report<'_>, document: &Node) -> bool {
    let what = match &document.data {
        Data::Map(_) => {
            let said = |key: &str| document.get(key).filter(|node| !node.is_null());
            let other = [("apiVersion", API_VERSION), ("kind", KIND)].into_iter().find_map(
                |(key, wanted)| {
                    let node = said(key)?;
                    (node.data != Data::Scalar(wanted.into())).then_some((node.place, key, wanted))
                },
            );
            let Some((place, key, wanted)) = other else { return true };
            let message = format!("this document is something else: its `{key}` is not {wanted}");
            (place, key, message)
        }
        _ => (document.place, "", format!("a {KIND} is wanted, and this is {}", document.what())),
    };
    let (place, key, message) = what;
    let remedy = format!("write apiVersion: {API_VERSION} and kind: {KIND}, or keep it elsewhere");
    report.error_at(Code::NotAGroup, place, [key.to_owned(), message, remedy]);
    false
}

fn refused(file: &str, problems: Vec<Problem>) -> Problems {
    Problems { file: file.to_owned(), list: problems }
}

fn syntax(lines: &[&str], error: tree::NotYaml) -> Vec<Problem> {
    let mut report = Report::new(lines);
    let remedy = "mend the YAML here; the rest is checked once it can be read".to_owned();
    report.error_at(Code::Syntax, error.place, [String::new(), error.message, remedy]);
    report.into_problems()
}

/// The lines of a text as YAML counts them: a carriage return alone ends one, too.
fn lines(text: &str) -> Vec<&str> {
    text.lines().flat_map(|line| line.split('\r')).collect()
}

fn nothing_in_it() -> Vec<Problem> {
    let mut report = Report::new(&[]);
    let remedy = format!("write a {KIND}; policies/minimal.yaml is one to start from");
    report.error(Code::NotAGroup, "", "there is no document in it".to_owned(), remedy);
    report.into_problems()
}

#[cfg(test)]
mod tests;
