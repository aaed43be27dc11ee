//! The chain against a store that is slow, wrong, or somebody else's.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{Chain, Record};
use crate::model::{Author, Wall};
use crate::op::{Answer, Fault, StoreOp, Stored};
use crate::testing::claim;

/// A store of create-only names.
#[derive(Default)]
struct Store(BTreeMap<u64, std::sync::Arc<str>>);

impl Store {
    fn perform(&mut self, op: &StoreOp) -> Result<Answer, Fault> {
        match op {
            StoreOp::Append { seq, bytes, .. } => {
                if self.0.contains_key(seq) {
                    return Err(Fault::Conflict(seq.to_string()));
                }
                self.0.insert(*seq, bytes.clone());
                Ok(Answer::Ok)
            }
            StoreOp::Read { after, .. } => {
                let later = self.0.range(after + 1..);
                let stored = later.map(|(seq, bytes)| Stored { seq: *seq, bytes: bytes.clone() });
                Ok(Answer::Entries(stored.collect()))
            }
            other => panic!("{other:?}"),
        }
    }
}

fn by(name: &str) -> Author {
    Author::Controller(name.into())
}

fn paused(why: &str) -> Record {
    Record::Paused { reason: why.into() }
}

fn unknown() -> Result<Answer, Fault> {
    Err(Fault::Unknown("lost".into()))
}

#[test]
fn s5_of_two_who_write_one_name_one_loses_and_rereads() {
    let mut store = Store::default();
    let (mut one, mut two) = (Chain::new("g".into()), Chain::new("g".into()));
    one.push(paused("one"));
    two.push(paused("two"));
    let first = one.write(&by("one"), Wall(1)).unwrap();
    let second = two.write(&by("two"), Wall(1)).unwrap();
    let (outcome, _) = one.reply(store.perform(&first));
    assert_eq!(outcome.accepted, [paused("one")]);
    let (outcome, next) = two.reply(store.perform(&second));
    assert!(outcome.accepted.is_empty());
    let (outcome, _) = two.reply(store.perform(&next.unwrap()));
    assert!(outcome.lost && outcome.accepted.is_empty());
    assert_eq!(two.ledger(), one.ledger());
    assert_eq!(store.0.len(), 1);
}

#[test]
fn s6_an_append_that_was_stored_though_its_answer_was_lost_is_read_back_as_ours() {
    let mut store = Store::default();
    let mut chain = Chain::new("g".into());
    chain.push(paused("x"));
    let op = chain.write(&by("a"), Wall(1)).unwrap();
    store.perform(&op).unwrap();
    assert_eq!(chain.reply(unknown()).1, None);
    assert!(chain.in_doubt() && !chain.settled());
    let read = chain.read().unwrap();
    let (outcome, _) = chain.reply(store.perform(&read));
    assert_eq!((outcome.accepted, outcome.lost), (vec![paused("x")], false));
    assert!(chain.settled());
}

#[test]
fn s6_an_append_that_was_not_stored_is_sent_again_with_the_same_bytes() {
    let mut store = Store::default();
    let mut chain = Chain::new("g".into());
    chain.push(paused("x"));
    let op = chain.write(&by("a"), Wall(1)).unwrap();
    chain.reply(unknown());
    let read = chain.read().unwrap();
    let (_, again) = chain.reply(store.perform(&read));
    assert_eq!(again.as_ref(), Some(&op));
    // The first one arrives late after all: the second is refused, and found to be the same.
    store.perform(&op).unwrap();
    let (_, read) = chain.reply(store.perform(&again.unwrap()));
    let (outcome, _) = chain.reply(store.perform(&read.unwrap()));
    assert_eq!((outcome.accepted.len(), outcome.lost), (1, false));
    assert_eq!(store.0.len(), 1);
}

#[test]
fn s4_only_what_the_store_refused_each_time_can_be_forgone() {
    let refused = || Err(Fault::Transient("no space".into()));
    for (said, forgone) in [
        (vec![refused()], true),
        (vec![refused(), refused()], true),
        (vec![unknown()], false),
        (vec![unknown(), refused()], false),
    ] {
        let (mut store, mut chain) = (Store::default(), Chain::new("g".into()));
        chain.push(paused("x"));
        chain.write(&by("a"), Wall(1)).unwrap();
        chain.push(paused("y"));
        for said in said.clone() {
            assert!(!chain.reply(said).0.lost && !chain.forgo(), "whether it is there is not read");
            let read = chain.read().unwrap();
            assert!(chain.reply(store.perform(&read)).1.is_some(), "once more");
        }
        assert_eq!(chain.forgo(), forgone, "{said:?}");
        assert_eq!(chain.settled(), forgone, "{said:?}");
    }
}

#[test]
fn what_waits_is_dropped_with_the_entry_that_lost() {
    let mut store = Store::default();
    let (mut one, mut two) = (Chain::new("g".into()), Chain::new("g".into()));
    two.push(paused("theirs"));
    store.perform(&two.write(&by("two"), Wall(1)).unwrap()).unwrap();
    one.push(paused("ours"));
    let op = one.write(&by("one"), Wall(1)).unwrap();
    one.push(paused("decided on the old state"));
    let (_, read) = one.reply(store.perform(&op));
    let (outcome, _) = one.reply(store.perform(&read.unwrap()));
    assert!(outcome.lost);
    assert!(one.settled(), "it must decide anew from what it read");
}

#[test]
fn a_changed_byte_breaks_the_chain_and_nothing_more_is_written() {
    let mut store = Store::default();
    let mut chain = Chain::new("g".into());
    for why in ["one", "two"] {
        chain.push(paused(why));
        let op = chain.write(&by("a"), Wall(1)).unwrap();
        chain.reply(store.perform(&op));
    }
    let first = store.0.get_mut(&1).unwrap();
    *first = first.replace("one", "eno").into();
    let mut reader = Chain::new("g".into());
    let read = reader.read().unwrap();
    reader.reply(store.perform(&read));
    assert!(reader.broken().is_some());
    reader.push(paused("x"));
    assert_eq!(reader.write(&by("b"), Wall(1)), None);
    assert_eq!(reader.read(), None);
}

#[test]
fn s5_an_entry_under_a_claim_that_does_not_stand_is_refused() {
    let mut book = super::Book::default();
    let claimed = |epoch, run| Record::Claimed { claim: claim(epoch, run), by: "a".into() };
    book.write(vec![claimed(2, "r")]);
    for stale in [claim(1, "r"), claim(2, "other")] {
        let bytes = book.entry(Some(stale), vec![paused("x")]).bytes();
        assert!(book.ledger.apply(2, &bytes).is_err());
    }
    let bytes = book.entry(Some(claim(3, "other")), vec![claimed(3, "other")]).bytes();
    assert!(book.ledger.apply(2, &bytes).is_ok());
}

proptest! {
    /// Whatever is lost, late or doubled: what a chain says was accepted is in the store once and
    /// in order, and two chains on one store agree.
    #[test]
    fn s5_s6_two_chains_on_one_store_agree(
        script in prop::collection::vec((0..2usize, 0..5u8), 1..80),
    ) {
        let mut store = Store::default();
        let mut chains = [Chain::new("g".into()), Chain::new("g".into())];
        let mut calls: [Option<StoreOp>; 2] = [None, None];
        let mut accepted: [Vec<Record>; 2] = Default::default();
        let mut count = 0;
        for (who, what) in script {
            let chain = &mut chains[who];
            let result = match (calls[who].take(), what) {
                (None, _) => {
                    count += 1;
                    chain.push(paused(&count.to_string()));
                    let read = if chain.in_doubt() || what == 4 { chain.read() } else { None };
                    calls[who] = read.or_else(|| chain.write(&by(&who.to_string()), Wall(count)));
                    continue;
                }
                (Some(_), 0) => unknown(),
                (Some(op), 1) => { let _ = store.perform(&op); unknown() }
                (Some(op), 2) => { let _ = store.perform(&op); store.perform(&op) }
                (Some(op), _) => store.perform(&op),
            };
            let (outcome, next) = chain.reply(result);
            accepted[who].extend(outcome.accepted);
            calls[who] = next;
        }
        for (who, chain) in chains.iter_mut().enumerate() {
            prop_assert!(chain.broken().is_none());
            let stored: Vec<Record> = store.0.values()
                .flat_map(|bytes| super::super::Entry::parse(1, bytes).unwrap().records)
                .collect();
            let mut rest = stored.iter();
            for record in &accepted[who] {
                prop_assert!(rest.any(|found| found == record), "{record:?} is not there once");
            }
        }
    }
}
