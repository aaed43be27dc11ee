//! The ways of a run in words, for who reads how a promise was broken.

use bowline_core::op::{Op, StoreOp};
use bowline_core::run::{Entry, Record};

use super::replica::Message;
use super::{Action, RunModel, State};
use crate::check::Tells;

impl Tells for RunModel {
    fn tell(&self, state: &State, action: &Action) -> String {
        let name = |index: usize| state.replicas[index].id.to_string();
        let call = |index: usize| words(state, &state.messages[index]);
        match *action {
            Action::Lead(index) => format!("{} begins to lead", name(index)),
            Action::Follow(index) => format!("{} ceases to lead", name(index)),
            Action::Turn(index) => format!("{} looks again", name(index)),
            Action::Read(index) => format!("{} is to read its chain", name(index)),
            Action::Overdue(index) => format!("{} finds its steps overdue", name(index)),
            Action::Begin(index) => format!("{} begins the run", name(index)),
            Action::Cancel(index) => format!("{} is to cancel the run", name(index)),
            Action::Crash(index) => format!("{} crashes", name(index)),
            Action::Arrive(index) => format!("{} arrives", call(index)),
            Action::Hear(index) => format!("{} is answered", call(index)),
            Action::GiveUp(index) => format!("{} is given up", call(index)),
            Action::Double(index) => format!("{} is doubled", call(index)),
            Action::Show => "the promotion shows".into(),
            Action::Pause => "everything rests for six minutes".into(),
        }
    }
}

fn words(state: &State, message: &Message) -> String {
    let from = match message.waited {
        true => state.replicas[message.from].id.to_string(),
        false => "nobody".to_owned(),
    };
    let what = match &*message.op {
        Op::Store(StoreOp::Read { after, .. }) => format!("read of the chain behind {after}"),
        Op::Store(StoreOp::Append { seq, bytes, .. }) => {
            let records = Entry::parse(*seq, bytes).map(|entry| entry.records);
            let kinds: Vec<_> = records.unwrap_or_default().iter().map(kind).collect();
            format!("entry {seq} [{}]", kinds.join(", "))
        }
        other => format!("{other:?}").chars().take(90).collect(),
    };
    format!("{from}'s {what}")
}

fn kind(record: &Record) -> String {
    match record {
        Record::Claimed { claim, by } => format!("Claimed {} by {by}", claim.epoch),
        Record::Started { step, attempt, .. } => format!("Started {step} {attempt}"),
        Record::Done { step, .. } => format!("Done {step}"),
        other => format!("{other:?}").chars().take_while(|c| c.is_alphabetic()).collect(),
    }
}
