//! Reading entries. Replicas that are simulated or model-checked read the same bytes one after the
//! other, and so does whoever judges them: those who share a reader read each entry once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::record::{BadEntry, Entry};

/// How many entries are kept.
const KEPT: usize = 16;

/// Reads entries: each by itself, or with others' readings at hand.
#[derive(Clone, Debug, Default)]
pub struct Reader(Option<Arc<Mutex<VecDeque<Read>>>>);

/// An entry that was read.
#[derive(Clone, Debug)]
pub(super) struct Read {
    bytes: Arc<str>,
    pub(super) entry: Arc<Entry>,
    pub(super) hash: Arc<str>,
}

impl Reader {
    /// A reader whose clones are one reader.
    #[must_use]
    pub fn shared() -> Self {
        Self(Some(Arc::default()))
    }

    /// What bytes say.
    ///
    /// # Errors
    /// [`BadEntry`], as of [`Entry::parse`].
    pub(super) fn read(&self, seq: u64, bytes: &str) -> Result<Read, BadEntry> {
        let Some(kept) = &self.0 else { return read(seq, bytes) };
        // A panic elsewhere leaves whole readings behind, if any.
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept.iter().rev().find(|read| *read.bytes == *bytes) {
            return Ok(found.clone());
        }
        let new = read(seq, bytes)?;
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(new.clone());
        Ok(new)
    }
}

fn read(seq: u64, bytes: &str) -> Result<Read, BadEntry> {
    let entry = Arc::new(Entry::parse(seq, bytes)?);
    Ok(Read { bytes: bytes.into(), entry, hash: Entry::hash(bytes) })
}

/// Who reads is no part of what was read.
impl PartialEq for Reader {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Reader {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Ledger;
    use crate::testing::Book;

    #[test]
    fn an_entry_is_read_once_by_all_who_share_a_reader_and_says_the_same() {
        let mut book = Book::default();
        (0..=KEPT).for_each(|_| book.write(vec![crate::run::Record::Armed]));
        let shared = Reader::shared();
        let (one, other) = (shared.clone(), Reader::default());
        for (seq, bytes) in (1..).zip(&book.entries) {
            let [first, again, alone] =
                [&one, &shared, &other].map(|reader| reader.read(seq, bytes).unwrap());
            assert!(Arc::ptr_eq(&first.entry, &again.entry), "{seq} is read once");
            assert!(!Arc::ptr_eq(&first.entry, &alone.entry));
            assert_eq!((first.entry, first.hash), (alone.entry, alone.hash));
        }
        assert_eq!(shared.0.as_ref().unwrap().lock().unwrap().len(), KEPT, "the last ones");
        assert_eq!(Ledger::default().read_with(&shared), Ledger::default());
    }

    #[test]
    fn what_is_no_entry_is_told_each_time_and_not_kept() {
        let shared = Reader::shared();
        for _ in 0..2 {
            assert!(shared.read(1, "{}").is_err());
        }
        assert!(shared.0.unwrap().lock().unwrap().is_empty());
    }
}
