//! What the targets of the core do with their bytes. Whatever they are: nothing panics, and what was
//! taken holds what is promised of it. Each tells whether it took them, so that a test
//! (`core/tests/fuzz_seeds.rs`) can show that the seeds reach what they are for.

use std::sync::Arc;

use bowline_core::lease::LeaseTimes;
use bowline_core::model::{Author, Claim, HoldNote, Mono, Now, Span, Wall};
use bowline_core::node::{Input, Node, NodeConfig};
use bowline_core::op::{Answer, Call, Fault, LeaseSpec};
use bowline_core::plan::Facts;
use bowline_core::policy::schema::FailoverGroup;
use bowline_core::policy::{examples, load, load_object};
use bowline_core::run::{Entry, Intent, Ledger, Record, Report};

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// A policy file is taken, or refused with places that are in it.
#[must_use]
pub fn policy(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    match load("fuzz.yaml", text) {
        Ok(loaded) => {
            drop(loaded.warnings.to_string());
            true
        }
        Err(problems) => {
            assert!(problems.errors() > 0, "refused for nothing");
            // As YAML counts them.
            let lines = text.lines().flat_map(|line| line.split('\r')).count() as u32;
            for problem in &problems.list {
                assert!(problem.place.is_none_or(|place| place.line <= lines + 1), "{problems}");
                assert!(!problem.remedy.is_empty(), "{problems}");
            }
            false
        }
    }
}

/// An object that is taken is the same policy after it was written back.
#[must_use]
pub fn object(bytes: &[u8]) -> bool {
    let Ok(object) = serde_json::from_slice::<serde_json::Value>(bytes) else { return false };
    let Ok(loaded) = load_object(&object) else { return false };
    let Ok(written) = serde_json::from_value::<FailoverGroup>(object) else { return true };
    let printed = serde_json::to_value(&written).expect("it has a JSON form");
    let again = load_object(&printed).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(again.policies, loaded.policies);
    true
}

/// Bytes are no entry unless they are sealed; what is an entry is read back as it was written.
#[must_use]
pub fn entry(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    drop(Entry::parse(1, text));
    let Ok(entry) = serde_json::from_str::<Entry>(text) else { return false };
    let written = entry.bytes();
    assert_eq!(Entry::parse(entry.seq, &written).as_ref(), Ok(&entry));
    true
}

/// A chain of the records of each line, each a JSON list; lines that are none are left out.
struct Book {
    ledger: Ledger,
    entries: Vec<Arc<str>>,
}

impl Book {
    fn of(lines: &str) -> Self {
        let mut book = Self { ledger: Ledger::default(), entries: Vec::new() };
        lines.lines().for_each(|line| book.write(line));
        book
    }

    fn write(&mut self, line: &str) {
        let Ok(records) = serde_json::from_str::<Vec<Record>>(line) else { return };
        let claimed = records.iter().find_map(|record| match record {
            Record::Claimed { claim, .. } => Some(claim.clone()),
            _ => None,
        });
        let entry = Entry {
            seq: self.ledger.head + 1,
            prev: Arc::clone(&self.ledger.hash),
            at: Wall(self.ledger.head as i64 * 1_000),
            by: Author::Controller("fuzz".into()),
            claim: claimed.or_else(|| self.ledger.claim.clone()),
            records,
        };
        let bytes = entry.bytes();
        self.apply(&bytes);
    }

    fn apply(&mut self, bytes: &Arc<str>) {
        let before = self.ledger.clone();
        match self.ledger.apply(before.head + 1, bytes) {
            Ok(_) => self.entries.push(Arc::clone(bytes)),
            Err(_) => assert_eq!(self.ledger, before, "what is refused changes nothing"),
        }
        drop((self.ledger.undo(), Report::of(&self.ledger)));
    }

    fn replays(&self) {
        let chain = (1..).zip(self.entries.iter().map(|bytes| &**bytes));
        assert_eq!(Ledger::replay(chain).as_ref(), Ok(&self.ledger), "replay is the state");
    }
}

/// A journal is replayed to the state that it led to, or refused and left as it was.
#[must_use]
pub fn chain(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let book = Book::of(text);
    book.replays();
    !book.entries.is_empty()
}

/// Another process' journal (behind a line `---`) is imported or refused.
#[must_use]
pub fn import(bytes: &[u8]) -> bool {
    let parts = text(bytes).and_then(|text| text.split_once("---\n"));
    let Some((ours, theirs)) = parts else { return false };
    let (mut ours, theirs) = (Book::of(ours), Book::of(theirs));
    let Ok(record) = ours.ledger.import(&"shop".into(), &theirs.entries, None, None) else {
        return false;
    };
    ours.write(&serde_json::to_string(&[record]).expect("it has a JSON form"));
    ours.replays();
    let again = ours.ledger.import(&"shop".into(), &theirs.entries, None, None);
    assert!(again.is_err(), "it is imported once");
    true
}

/// What is read of a text is read back from what is written of it.
#[must_use]
pub fn texts(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let claim = text.parse::<Claim>().inspect(|claim| {
        assert_eq!(claim.to_string().parse().as_ref(), Ok(claim));
    });
    let span = text.parse::<Span>().inspect(|span| {
        assert_eq!(span.to_string().parse().as_ref(), Ok(span));
    });
    let intent = serde_json::from_str::<Intent>(text).map(|intent| {
        let written = serde_json::to_string(&intent).expect("it has a JSON form");
        assert_eq!(serde_json::from_str::<Intent>(&written).expect("its own"), intent);
    });
    let facts = serde_json::from_str::<Facts>(text).is_ok();
    let note = serde_json::from_str::<HoldNote<u32>>(text).is_ok();
    let lease = serde_json::from_str::<LeaseSpec>(text).is_ok();
    claim.is_ok() || span.is_ok() || intent.is_ok() || facts || note || lease
}

/// A node gets each line, a JSON answer or fault, for whatever it asked; a line that is neither is
/// no answer at all.
#[must_use]
pub fn replies(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let result = |line: &str| {
        let answer = serde_json::from_str::<Answer>(line).map(Ok);
        answer.or_else(|_| serde_json::from_str::<Fault>(line).map(Err)).ok()
    };
    let results: Vec<Option<Result<Answer, Fault>>> = text.lines().map(result).collect();
    if results.iter().all(Option::is_none) {
        return false;
    }
    let config = NodeConfig { id: "fuzz".into(), lease: LeaseTimes::default() };
    let mut node = Node::new(config);
    let mut queue: Vec<Call> = Vec::new();
    let mut next = results.iter().cycle();
    let at = |ms: u64| Now { mono: Mono(ms), wall: Wall(ms as i64) };
    let mut now = 0;
    node.handle(at(now), Input::Policies(vec![examples::shop()]), &mut queue);
    for _ in 0..60 {
        for call in std::mem::take(&mut queue) {
            if let Some(Some(result)) = next.next() {
                let input = Input::Reply { id: call.id, result: result.clone() };
                node.handle(at(now), input, &mut queue);
            }
        }
        now = node.wake_at().map_or(now + 1_000, |mono| mono.0).max(now + 1);
        node.handle(at(now), Input::Wake, &mut queue);
    }
    drop(node.status(&"shop".into(), at(now)));
    true
}
