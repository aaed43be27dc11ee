//! The durable store in the management cluster: chains of create-only entries, intents, facts.
//!
//! It keeps exact bytes and understands none of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_core::model::{GroupName, Version, Wall};
use bowline_core::op::{Answer, FactsView, Fault, IntentObject, StoreOp, Stored};
use bowline_core::run::{Intent, Stands};

/// The largest entry, in bytes: etcd's default request limit is 1.5 MiB, and an object has more in
/// it than the entry.
pub const ENTRY_LIMIT: usize = 1 << 20;

/// The most entries that one read answers; a reader asks again after the last.
pub const PAGE: usize = 500;

/// The store.
#[derive(Clone, Debug, Default)]
pub struct Store {
    chains: BTreeMap<GroupName, Vec<Arc<str>>>,
    facts: BTreeMap<GroupName, FactsView>,
    intents: Vec<IntentObject>,
    revision: u64,
    /// Whether it began as an export of another store.
    exported: bool,
    stored: u64,
    /// How it is.
    pub condition: Condition,
}

/// How the store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Condition {
    /// It works.
    #[default]
    Fit,
    /// It answers reads, and has no room for anything new.
    Full,
    /// It answers 5xx to everything, and does nothing.
    Failing,
    /// It allows reads only.
    Refusing,
    /// It answers reads, and takes nothing new: what is to be written times out, and nobody is told
    /// that it did nothing.
    Frozen,
}

impl Store {
    /// What a call does and answers.
    ///
    /// # Errors
    /// `Conflict` for a name that is taken or facts at another version, `Invalid` for a gap in a
    /// chain or an entry that is too large, and what [`Condition`] says.
    pub fn perform(&mut self, op: &StoreOp) -> Result<Answer, Fault> {
        self.admit(op)?;
        match op {
            StoreOp::Read { group, after } => Ok(Answer::Entries(self.read(group, *after))),
            StoreOp::Append { group, seq, bytes } => self.append(group, *seq, bytes),
            StoreOp::Intents => Ok(Answer::Intents(self.intents.clone())),
            StoreOp::Facts { group } => Ok(Answer::Facts(self.facts.get(group).cloned())),
            StoreOp::PutFacts { group, version, bytes } => {
                self.put_facts(group, version.as_ref(), bytes)
            }
        }
    }

    /// A human (or a schedule) creates an intent. Its uid is unique in this store.
    pub fn intend(
        &mut self,
        group: &GroupName,
        by: impl Into<String>,
        bytes: impl Into<Arc<str>>,
        at: Wall,
    ) -> Arc<str> {
        let store = if self.exported { "copy-" } else { "" };
        let uid: Arc<str> = format!("{store}intent-{}", self.intents.len() + 1).into();
        let (group, by, bytes) = (group.clone(), by.into(), bytes.into());
        self.intents.push(IntentObject { uid: Arc::clone(&uid), group, by, at, bytes });
        uid
    }

    /// What `bowline export` makes of it: chains and facts, for a process that acts beside it.
    #[must_use]
    pub fn export(&self) -> Self {
        let (chains, facts) = (self.chains.clone(), self.facts.clone());
        Self { chains, facts, revision: self.revision, exported: true, ..Self::default() }
    }

    /// The same without any chain, as if the process had begun with an empty one.
    #[must_use]
    pub fn export_facts(&self) -> Self {
        Self { chains: BTreeMap::new(), ..self.export() }
    }

    /// What makes a group's journal, with its facts, part of another store's; with the word of who
    /// knows which is true, if it was asked for.
    #[must_use]
    pub fn import(&self, group: &GroupName, reason: &str, stands: Option<Stands>) -> Intent {
        let facts = self.facts(group).map(|view| Arc::clone(&view.bytes));
        let (entries, reason) = (self.chain(group).to_vec(), reason.into());
        Intent::Import { entries, facts, stands, reason }
    }

    /// The entries of a group's chain, from sequence number 1.
    #[must_use]
    pub fn chain(&self, group: &GroupName) -> &[Arc<str>] {
        self.chains.get(group).map_or(&[], Vec::as_slice)
    }

    /// How many entries all chains have.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.stored
    }

    /// The groups that have a chain.
    pub fn groups(&self) -> impl Iterator<Item = &GroupName> {
        self.chains.keys()
    }

    /// A group's facts.
    #[must_use]
    pub fn facts(&self, group: &GroupName) -> Option<&FactsView> {
        self.facts.get(group)
    }

    /// All intents that were ever created.
    #[must_use]
    pub fn intents(&self) -> &[IntentObject] {
        &self.intents
    }

    fn admit(&self, op: &StoreOp) -> Result<(), Fault> {
        match self.condition {
            Condition::Failing => Err(Fault::Transient("etcdserver: no leader".into())),
            Condition::Full if op.mutates() => {
                Err(Fault::Transient("etcdserver: mvcc: database space exceeded".into()))
            }
            Condition::Frozen if op.mutates() => {
                Err(Fault::Unknown("etcdserver: request timed out".into()))
            }
            Condition::Refusing if op.mutates() => Err(Fault::Denied("read-only".into())),
            _ => Ok(()),
        }
    }

    fn read(&self, group: &GroupName, after: u64) -> Vec<Stored> {
        let from = usize::try_from(after).unwrap_or(usize::MAX);
        let entries = self.chain(group).iter().zip(1..).skip(from).take(PAGE);
        entries.map(|(bytes, seq)| Stored { seq, bytes: Arc::clone(bytes) }).collect()
    }

    fn append(&mut self, group: &GroupName, seq: u64, bytes: &Arc<str>) -> Result<Answer, Fault> {
        if bytes.len() > ENTRY_LIMIT {
            return Err(Fault::Invalid(format!("{} bytes are too large", bytes.len())));
        }
        let next = self.chain(group).len() as u64 + 1;
        match seq {
            _ if seq == 0 || seq > next => {
                Err(Fault::Invalid(format!("{group}-{seq} would leave a gap: next is {next}")))
            }
            _ if seq < next => Err(Fault::Conflict(format!("{group}-{seq} exists"))),
            _ => {
                self.chains.entry(group.clone()).or_default().push(Arc::clone(bytes));
                self.stored += 1;
                Ok(Answer::Ok)
            }
        }
    }

    fn put_facts(
        &mut self,
        group: &GroupName,
        based_on: Option<&Version>,
        bytes: &Arc<str>,
    ) -> Result<Answer, Fault> {
        if bytes.len() > ENTRY_LIMIT {
            return Err(Fault::Invalid(format!("{} bytes are too large", bytes.len())));
        }
        let present = self.facts.get(group).map(|facts| &facts.version);
        if present != based_on {
            return Err(Fault::Conflict(format!("facts of {group} are at {present:?}")));
        }
        self.revision += 1;
        let version = Version::new(self.revision.to_string());
        let facts = FactsView { version: version.clone(), bytes: Arc::clone(bytes) };
        self.facts.insert(group.clone(), facts);
        Ok(Answer::Written(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> GroupName {
        "shop".into()
    }

    fn append(seq: u64, bytes: &str) -> StoreOp {
        StoreOp::Append { group: shop(), seq, bytes: bytes.into() }
    }

    fn read(after: u64) -> StoreOp {
        StoreOp::Read { group: shop(), after }
    }

    fn put(version: Option<&str>, bytes: &str) -> StoreOp {
        let version = version.map(Version::from);
        StoreOp::PutFacts { group: shop(), version, bytes: bytes.into() }
    }

    fn entries(store: &mut Store, after: u64) -> Vec<(u64, String)> {
        match store.perform(&read(after)) {
            Ok(Answer::Entries(all)) => {
                all.into_iter().map(|e| (e.seq, e.bytes.to_string())).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn s5_of_two_claimants_for_one_name_one_loses() {
        let mut store = Store::default();
        assert_eq!(store.perform(&append(1, "mine")), Ok(Answer::Ok));
        assert!(matches!(store.perform(&append(1, "theirs")), Err(Fault::Conflict(_))));
        assert_eq!(entries(&mut store, 0), [(1, "mine".into())]);
    }

    #[test]
    fn a_chain_has_no_gaps() {
        let mut store = Store::default();
        assert!(matches!(store.perform(&append(0, "x")), Err(Fault::Invalid(_))));
        assert!(matches!(store.perform(&append(2, "x")), Err(Fault::Invalid(_))));
        assert!(entries(&mut store, 0).is_empty());
    }

    #[test]
    fn a_read_gives_what_comes_after_page_by_page() {
        let mut store = Store::default();
        for seq in 1..=PAGE as u64 + 2 {
            store.perform(&append(seq, "{ \"exact\":  1}")).unwrap();
        }
        let first = entries(&mut store, 0);
        assert_eq!((first.len(), first[0].1.as_str()), (PAGE, "{ \"exact\":  1}"));
        let rest = entries(&mut store, PAGE as u64);
        assert_eq!(rest.iter().map(|e| e.0).collect::<Vec<_>>(), [501, 502]);
        assert!(entries(&mut store, u64::MAX).is_empty());
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let mut store = Store::default();
        let large = "x".repeat(ENTRY_LIMIT + 1);
        assert!(matches!(store.perform(&append(1, &large)), Err(Fault::Invalid(_))));
        assert!(matches!(store.perform(&put(None, &large)), Err(Fault::Invalid(_))));
        assert!(store.perform(&append(1, &large[1..])).is_ok());
    }

    #[test]
    fn facts_are_replaced_only_over_the_version_that_was_read() {
        let mut store = Store::default();
        assert!(matches!(store.perform(&put(Some("1"), "a")), Err(Fault::Conflict(_))));
        let Ok(Answer::Written(first)) = store.perform(&put(None, "a")) else { panic!() };
        assert!(matches!(store.perform(&put(None, "b")), Err(Fault::Conflict(_))));
        store.perform(&put(Some(first.as_str()), "b")).unwrap();
        assert!(matches!(store.perform(&put(Some(first.as_str()), "c")), Err(Fault::Conflict(_))));
        assert_eq!(store.facts(&shop()).map(|f| &*f.bytes), Some("b"));
        let op = StoreOp::Facts { group: shop() };
        assert_eq!(store.perform(&op), Ok(Answer::Facts(store.facts(&shop()).cloned())));
    }

    #[test]
    fn intents_have_uids_of_their_own_and_name_who_wants_them() {
        let mut store = Store::default();
        let one = store.intend(&shop(), "ada", "{}", Wall(5));
        let two = store.intend(&shop(), "ada", "{}", Wall(5));
        assert_ne!(one, two);
        let Ok(Answer::Intents(all)) = store.perform(&StoreOp::Intents) else { panic!() };
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].by.as_str(), all[0].at), ("ada", Wall(5)));
        assert_eq!(store.intents(), all);
    }

    #[test]
    fn an_export_is_a_store_of_its_own_with_uids_of_its_own() {
        let mut store = Store::default();
        store.perform(&append(1, "mine")).unwrap();
        store.perform(&put(None, "a")).unwrap();
        let ours = store.intend(&shop(), "ada", "{}", Wall(5));
        let mut copy = store.export();
        assert_eq!(copy.chain(&shop()), store.chain(&shop()));
        assert_eq!(copy.facts(&shop()), store.facts(&shop()));
        assert!(copy.intents().is_empty() && copy.intend(&shop(), "bo", "{}", Wall(6)) != ours);
        copy.perform(&append(2, "theirs")).unwrap();
        assert_eq!(store.chain(&shop()).len(), 1);
        let bare = store.export_facts();
        assert!(bare.chain(&shop()).is_empty() && bare.facts(&shop()).is_some());
    }

    #[test]
    fn a_store_that_is_full_or_gone_takes_no_record() {
        let conditions = [
            (Condition::Full, true, Fault::Transient(String::new())),
            (Condition::Refusing, true, Fault::Denied(String::new())),
            (Condition::Failing, false, Fault::Transient(String::new())),
        ];
        for (condition, reads, fault) in conditions {
            let mut store = Store { condition, ..Store::default() };
            let refused = store.perform(&append(1, "x")).unwrap_err();
            assert_eq!(std::mem::discriminant(&refused), std::mem::discriminant(&fault));
            assert_eq!(store.perform(&read(0)).is_ok(), reads, "{condition:?}");
            assert!(store.chain(&shop()).is_empty() && store.groups().next().is_none());
        }
    }
}
