//! The journal's bytes: what is written is read back, nothing panics, and no byte can change
//! unnoticed.

use std::sync::Arc;

use bowline_core::model::{Author, Claim, Epoch, Place, RunId, Scope, Site, Span, StepId, Wall};
use bowline_core::op::{Op, RdsOp, StoreOp};
use bowline_core::plan::{Approval, Class, Effect, Milestone, OnTimeout, Plan, PlanKind, Step};
use bowline_core::run::{BadEntry, Ended, Entry, Intent, Ledger, Record, Refusal, Report, Trigger};
use bowline_core::step::{Mark, Outputs, Question, QuestionKind};
use proptest::prelude::*;

/// Writes entries to a chain and keeps them.
#[derive(Default)]
struct Book {
    entries: Vec<Arc<str>>,
    ledger: Ledger,
}

impl Book {
    /// Appends records under the standing claim (or the one that they claim).
    fn write(&mut self, records: Vec<Record>) {
        let bytes = self.entry(records);
        self.ledger.apply(self.ledger.head + 1, &bytes).expect("it continues the chain");
        self.entries.push(bytes);
    }

    /// The bytes of the next entry, not yet written.
    fn entry(&self, records: Vec<Record>) -> Arc<str> {
        let claimed = records.iter().find_map(|record| match record {
            Record::Claimed { claim, .. } => Some(claim.clone()),
            _ => None,
        });
        let claim = claimed.or_else(|| self.ledger.claim.clone());
        let seq = self.ledger.head + 1;
        let at = Wall(seq.cast_signed() * 1_000);
        let by = Author::Controller("a".into());
        Entry { seq, prev: Arc::clone(&self.ledger.hash), at, by, claim, records }.bytes()
    }
}

fn claim(epoch: u64, run: &str) -> Claim {
    Claim::new(Epoch(epoch), RunId::new(run))
}

fn opened(kind: PlanKind, from: Site) -> Record {
    let trigger = Trigger::Automatic;
    Record::Opened { kind, from, trigger, fault_at: None, evidence: vec!["front: down".into()] }
}

fn step(effect: Effect, class: Class, marks: Vec<Mark>) -> Step {
    Step {
        effect,
        needs: Vec::new(),
        still: Vec::new(),
        touches: Place::Nowhere,
        class,
        timeout: Some(Span::mins(20)),
        on_timeout: OnTimeout::Ask,
        standing: false,
        marks,
    }
}

/// A plan with steps of each class, and the marks of a move.
fn plan(kind: PlanKind, from: Site) -> Plan {
    let to = from.other();
    let reached = |note: &str| Effect::Milestone(Milestone { note: note.into() });
    let question = Question {
        kind: QuestionKind::AcceptLoss,
        why: "the last sample is too old".into(),
        loss_ms: Some(5_000),
        otherwise: "it stays".into(),
    };
    let approval = Effect::Approval(Approval { question });
    let fence = vec![Mark::Fenced(from)];
    let standing =
        Step { standing: true, ..step(reached("stopped"), Class::Reversible, fence.clone()) };
    let steps = [
        ("approval", step(approval, Class::ReadOnly, Vec::new())),
        ("fence", step(reached("fenced"), Class::Reversible, fence)),
        ("promote", step(reached("writes"), Class::Irreversible, vec![Mark::Writer(to)])),
        ("shift", step(reached("serves"), Class::Irreversible, vec![Mark::Active(to)])),
        ("fence.standing", standing),
        ("armed", step(reached("armed"), Class::ReadOnly, vec![Mark::Rebuilt(from), Mark::Armed])),
    ];
    let steps = steps.map(|(id, step)| (StepId::from(id), step)).into_iter().collect();
    Plan { kind, from, to, steps }
}

// === no byte can change unnoticed ===

/// A small journal as a node writes it: armed, prewarmed, a false alarm, paused.
fn journal() -> Vec<Arc<str>> {
    let mut book = Book::default();
    let (outputs, note) = (Outputs::new(), "fenced".to_owned());
    let step: StepId = "fence".into();
    let op = Box::new(Op::Store(StoreOp::Intents));
    book.write(vec![Record::Armed]);
    book.write(vec![
        Record::Claimed { claim: claim(1, "shop-1-failover"), by: "a".into() },
        opened(PlanKind::Failover, Site::Home),
        Record::Planned { plan: Box::new(plan(PlanKind::Failover, Site::Home)), moves: false },
    ]);
    book.write(vec![Record::Started { step: step.clone(), attempt: 1, op, hold: None }]);
    book.write(vec![Record::Done { step, outputs, note, unknown: false }]);
    book.write(vec![Record::Unwinding { why: "a false alarm".into() }]);
    book.write(vec![Record::Closed { ended: Ended::Unwound("a false alarm".into()) }]);
    book.write(vec![Record::Paused { reason: "überlegt".into() }]);
    book.entries
}

/// The ledger before each entry of a journal.
fn ledgers(entries: &[Arc<str>]) -> Vec<Ledger> {
    let mut ledger = Ledger::default();
    let before = entries.iter().zip(1..).map(|(bytes, seq)| {
        let before = ledger.clone();
        ledger.apply(seq, bytes).expect("it continues the chain");
        before
    });
    before.collect()
}

/// Every bit of every byte of every entry, one at a time. What is no text any more after it never
/// comes this far: a store's answer is a text.
#[test]
fn a_journal_with_any_byte_changed_is_found_out_at_that_entry() {
    let entries = journal();
    let (mut changes, mut texts) = (0, 0);
    for ((bytes, before), seq) in entries.iter().zip(ledgers(&entries)).zip(1..) {
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.as_bytes().to_vec();
                changed[place] ^= 1 << bit;
                changes += 1;
                let Ok(changed) = String::from_utf8(changed) else { continue };
                texts += 1;
                let mut ledger = before.clone();
                let found = ledger.apply(seq, &changed);
                let found = found.expect_err("a changed byte must be found out");
                assert!(
                    matches!(found, BadEntry::Changed { .. } | BadEntry::Unreadable { .. }),
                    "entry {seq}, byte {place}, bit {bit}: {found}"
                );
                assert_eq!(ledger, before, "entry {seq}, byte {place}: it is as it was");
            }
        }
    }
    println!("{} entries, {changes} changes of a bit, {texts} of them texts", entries.len());
    assert!(texts > 10_000, "{texts}");
}

#[test]
fn every_byte_of_an_entry_exchanged_for_every_other_is_found_out() {
    let entries = journal();
    let before = ledgers(&entries);
    let (last, seq) = (entries.last().unwrap(), entries.len() as u64);
    for place in 0..last.len() {
        for other in 0..=u8::MAX {
            let mut changed = last.as_bytes().to_vec();
            if changed[place] == other {
                continue;
            }
            changed[place] = other;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            let found = before[before.len() - 1].clone().apply(seq, &changed);
            assert!(found.is_err(), "byte {place} became {other}: {changed}");
        }
    }
}

#[test]
fn a_journal_with_a_byte_more_or_less_anywhere_is_found_out() {
    let entries = journal();
    for ((bytes, before), seq) in entries.iter().zip(ledgers(&entries)).zip(1..) {
        for place in (0..=bytes.len()).filter(|place| bytes.is_char_boundary(*place)) {
            let (head, tail) = bytes.split_at(place);
            let mut shorter = tail.chars();
            if shorter.next().is_some() {
                let less = format!("{head}{}", shorter.as_str());
                assert!(before.clone().apply(seq, &less).is_err(), "entry {seq}, {place} less");
                assert!(before.clone().apply(seq, head).is_err(), "entry {seq}, cut at {place}");
            }
            for more in [" ", "0", "\"", "\n"] {
                let more = format!("{head}{more}{tail}");
                assert!(before.clone().apply(seq, &more).is_err(), "entry {seq}, {place} more");
            }
        }
    }
}

#[test]
fn a_journal_with_entries_left_out_doubled_or_exchanged_is_found_out() {
    let entries = journal();
    let replay = |entries: &[Arc<str>]| {
        Ledger::replay((1..).zip(entries.iter().map(|bytes| &**bytes))).map(drop)
    };
    assert_eq!(replay(&entries), Ok(()));
    for at in 0..entries.len() {
        let mut doubled = entries.clone();
        doubled.insert(at, Arc::clone(&entries[at]));
        assert!(replay(&doubled).is_err(), "entry {} twice", at + 1);
        for other in at + 1..entries.len() {
            let mut exchanged = entries.clone();
            exchanged.swap(at, other);
            assert!(replay(&exchanged).is_err(), "{} and {}", at + 1, other + 1);
        }
        let mut short = entries.clone();
        short.remove(at);
        let last = at + 1 == entries.len();
        assert_eq!(replay(&short).is_err(), !last, "without entry {}", at + 1);
    }
}

#[test]
fn an_earlier_entry_written_anew_with_its_seal_is_found_out_by_the_next() {
    let entries = journal();
    let mut ledger = Ledger::default();
    let mut entry = Entry::parse(1, &entries[0]).unwrap();
    entry.at = Wall(entry.at.0 + 1);
    ledger.apply(1, &entry.bytes()).unwrap();
    assert_eq!(ledger.apply(2, &entries[1]), Err(BadEntry::BrokenChain { seq: 2 }));
}

// === what is written is read back ===

fn sites() -> impl Strategy<Value = Site> {
    prop_oneof![Just(Site::Home), Just(Site::Standby)]
}

fn kinds() -> impl Strategy<Value = PlanKind> {
    prop_oneof![Just(PlanKind::Failover), Just(PlanKind::Switchover), Just(PlanKind::Failback)]
}

fn claims() -> impl Strategy<Value = Claim> {
    (0u64..4, "\\PC{1,8}").prop_map(|(epoch, run)| Claim::new(Epoch(epoch), run.as_str().into()))
}

/// A plan of any kind.
fn plans() -> impl Strategy<Value = Plan> {
    (kinds(), sites()).prop_map(|(kind, from)| plan(kind, from))
}

/// Names of steps: those of the plans, and others.
fn steps() -> impl Strategy<Value = StepId> {
    let known = ["fence", "promote", "shift", "fence.standing", "armed", "approval"];
    prop_oneof![
        4 => prop::sample::select(known.to_vec()).prop_map(StepId::from),
        1 => "\\PC{0,8}".prop_map(StepId::new),
    ]
}

fn losses() -> impl Strategy<Value = Option<u64>> {
    prop::option::of(prop_oneof![0u64..100_000, Just(u64::MAX)])
}

fn intents() -> impl Strategy<Value = Intent> {
    let run = "[a-z0-9-]{1,12}".prop_map(RunId::new);
    let spans = prop::option::of((0u64..10_000_000).prop_map(Span::millis));
    prop_oneof![
        ("\\PC{0,12}", spans.clone(), prop::option::of("\\PC{0,8}")).prop_map(
            |(reason, accept_loss, break_glass)| {
                Intent::Failover { accept_loss, reason, break_glass }
            }
        ),
        "\\PC{0,12}".prop_map(|reason| Intent::Switchover { reason }),
        "\\PC{0,12}".prop_map(|reason| Intent::Failback { reason }),
        (run.clone(), spans, any::<bool>(), any::<bool>()).prop_map(
            |(run, accept_loss, accept_unfenced, keep_trying)| {
                Intent::Approve { run, accept_loss, accept_unfenced, keep_trying }
            }
        ),
        run.prop_map(|run| Intent::Cancel { run }),
        "\\PC{0,12}".prop_map(|reason| Intent::Pause { reason }),
        Just(Intent::Resume),
        Just(Intent::Arm),
        (prop::collection::vec("\\PC{0,12}", 0..3), "\\PC{0,8}").prop_map(|(entries, reason)| {
            Intent::Import {
                facts: None,
                stands: None,
                entries: entries.iter().map(|one| one.as_str().into()).collect(),
                reason,
            }
        }),
    ]
}

fn ends() -> impl Strategy<Value = Ended> {
    prop_oneof![Just(Ended::Moved), "\\PC{0,12}".prop_map(Ended::Unwound)]
}

fn ops() -> impl Strategy<Value = Op> {
    let scope = Scope { region: "eu-central-1".into(), role: None };
    prop_oneof![
        Just(Op::Store(StoreOp::Intents)),
        "\\PC{0,8}"
            .prop_map(move |id| { Op::Rds(scope.clone(), RdsOp::Promote(id.as_str().into())) }),
    ]
}

fn of_runs() -> impl Strategy<Value = Record> {
    let trigger = prop_oneof![
        Just(Trigger::Automatic),
        ("\\PC{0,8}", "\\PC{0,8}").prop_map(|(by, reason)| Trigger::Human { by, reason }),
    ];
    let at = prop::option::of(any::<i64>().prop_map(Wall));
    prop_oneof![
        (claims(), "[a-z]{1,6}")
            .prop_map(|(claim, by)| Record::Claimed { claim, by: by.as_str().into() }),
        (kinds(), sites(), trigger, at, prop::collection::vec("\\PC{0,12}", 0..3)).prop_map(
            |(kind, from, trigger, fault_at, evidence)| {
                Record::Opened { kind, from, trigger, fault_at, evidence }
            }
        ),
        (plans(), any::<bool>())
            .prop_map(|(plan, moves)| Record::Planned { plan: Box::new(plan), moves }),
        "\\PC{0,12}".prop_map(|why| Record::Unwinding { why }),
        ends().prop_map(|ended| Record::Closed { ended }),
    ]
}

fn of_steps() -> impl Strategy<Value = Record> {
    let outputs = prop::collection::btree_map("[a-z]{1,8}", "\\PC{0,8}", 0..3);
    let outputs = outputs.prop_map(|all| {
        let text = |(name, value): (String, String)| (name.into(), value.into());
        all.into_iter().map(text).collect::<Outputs>()
    });
    let kind = prop_oneof![Just(QuestionKind::Approve), Just(QuestionKind::AcceptLoss)];
    prop_oneof![
        (steps(), any::<u32>(), ops()).prop_map(|(step, attempt, op)| {
            Record::Started { step, attempt, op: Box::new(op), hold: None }
        }),
        (steps(), outputs, "\\PC{0,12}", any::<bool>()).prop_map(
            |(step, outputs, note, unknown)| Record::Done { step, outputs, note, unknown }
        ),
        (steps(), kind, "\\PC{0,12}", losses(), "\\PC{0,12}").prop_map(
            |(step, kind, why, loss_ms, otherwise)| {
                Record::Asked { step, question: Question { kind, why, loss_ms, otherwise } }
            }
        ),
        (steps(), "\\PC{0,8}", losses()).prop_map(|(step, by, accept_loss_ms)| Record::Answered {
            step,
            by,
            accept_loss_ms
        }),
    ]
}

fn of_people() -> impl Strategy<Value = Record> {
    let refused = prop_oneof![
        "\\PC{0,12}".prop_map(Refusal::Unreadable),
        "[a-z-]{1,9}".prop_map(|run| Refusal::RunOpen(RunId::new(run))),
        Just(Refusal::MoreLoss { needed: None }),
        sites().prop_map(Refusal::AlreadyThere),
        any::<i64>().prop_map(|at| Refusal::TooOld { at: Wall(at) }),
        claims().prop_map(Refusal::ForeignClaim),
    ];
    prop_oneof![
        ("[a-z0-9-]{1,12}", "\\PC{0,8}", prop::option::of(intents()), prop::option::of(refused))
            .prop_map(|(uid, by, intent, refused)| {
                Record::IntentTaken { uid: uid.as_str().into(), by, intent, refused }
            }),
        "\\PC{0,12}".prop_map(|reason| Record::Paused { reason }),
        Just(Record::Resumed),
        Just(Record::Armed),
        (0u64..5, prop::collection::vec("\\PC{0,30}", 0..3)).prop_map(|(after, entries)| {
            let entries = entries.iter().map(|one| one.as_str().into()).collect();
            let (continues, facts, stands) = (None, None, None);
            Record::Imported { after, continues, hash: "".into(), entries, facts, stands }
        }),
    ]
}

fn records() -> impl Strategy<Value = Record> {
    prop_oneof![3 => of_runs(), 4 => of_steps(), 2 => of_people()]
}

prop_compose! {
    fn entries()(
        seq in any::<u64>(),
        prev in "[0-9a-f]{0,64}",
        at in any::<i64>(),
        human in prop::option::of("\\PC{0,8}"),
        claim in prop::option::of(claims()),
        records in prop::collection::vec(records(), 0..4),
    ) -> Entry {
        let by = human.map_or(Author::Controller("a".into()), Author::Human);
        Entry { seq, prev: prev.as_str().into(), at: Wall(at), by, claim, records }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_entry_is_read_back_as_it_was_written(entry in entries()) {
        let bytes = entry.bytes();
        let again = Entry::parse(entry.seq, &bytes).unwrap();
        prop_assert_eq!(again.bytes(), bytes);
        prop_assert_eq!(again, entry);
    }

    /// Records in any order, as a store that somebody else wrote to may hold them.
    #[test]
    fn whatever_a_chain_holds_it_is_replayed_or_refused_and_then_left_as_it_was(
        all in prop::collection::vec(prop::collection::vec(records(), 1..3), 1..12),
    ) {
        let mut book = Book::default();
        for records in all {
            let bytes = book.entry(records);
            let before = book.ledger.clone();
            match book.ledger.apply(before.head + 1, &bytes) {
                Ok(_) => book.entries.push(bytes),
                Err(_) => prop_assert_eq!(&book.ledger, &before),
            }
            let _ = book.ledger.undo();
            let _ = Report::of(&book.ledger);
        }
        let chain = (1..).zip(book.entries.iter().map(|bytes| &**bytes));
        prop_assert_eq!(Ledger::replay(chain).unwrap(), book.ledger);
    }

    #[test]
    fn arbitrary_bytes_are_no_entry_and_never_panic(bytes in "\\PC{0,80}") {
        prop_assert!(Entry::parse(1, &bytes).is_err());
    }

    #[test]
    fn a_mangled_entry_is_refused(
        entry in entries(), at in any::<prop::sample::Index>(), with in "\\PC{0,3}",
    ) {
        let bytes = entry.bytes();
        let places: Vec<_> = bytes.char_indices().map(|(place, _)| place).collect();
        let place = places[at.index(places.len())];
        let mangled = format!("{}{with}{}", &bytes[..place], &bytes[place..]);
        prop_assert_eq!(Entry::parse(entry.seq, &mangled).is_err(), !with.is_empty());
    }
}
