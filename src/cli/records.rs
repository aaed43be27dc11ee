//! The journal's records as lines of a timeline. What is not told here is told by the report.

use bowline_core::model::StepId;
use bowline_core::plan::Plan;
use bowline_core::run::{Ended, Entry, Intent, Ledger, Record, Refusal, Report, Trigger};

use super::lines::Line;
use crate::cli::paint::Tone;
use crate::cli::words::{counted, lasts};

/// The lines of an entry. `ledger` is the group's, with the entry applied.
pub(super) fn lines(entry: &Entry, ledger: &Ledger) -> Vec<Line> {
    let mut report = None;
    let mut lines = Vec::new();
    for record in &entry.records {
        if matches!(record, Record::Done { .. }) && report.is_none() {
            report = Report::of(ledger);
        }
        lines.extend(line(record, report.as_ref()));
    }
    lines
}

fn line(record: &Record, report: Option<&Report>) -> Option<Line> {
    match record {
        Record::Claimed { claim, by } => {
            Some(Line::new("run", Tone::Strong, format!("{by} claims epoch {}", claim.epoch)))
        }
        Record::IntentTaken { by, intent, refused, .. } => {
            Some(wanted(by, intent.as_ref(), refused.as_ref()))
        }
        Record::Opened { kind, from, trigger, .. } => {
            let (to, word) = (from.other(), kind.word());
            let text = format!("{word} from {from} to {to} begins, {}", who(trigger));
            Some(Line::new("run", Tone::Strong, text))
        }
        Record::Planned { plan, moves } => Some(planned(plan, *moves)),
        Record::Started { step, attempt: 1, .. } => {
            Some(Line::new("step", Tone::Plain, format!("start   {step}")))
        }
        Record::Done { step, note, unknown, .. } => Some(done(step, note, *unknown, report)),
        Record::Asked { step, question } => {
            let text = format!("ask     {step}: {}", question.why);
            Some(Line::new("step", Tone::Unsure, text))
        }
        Record::Withheld { step } => {
            let text = format!("not sent {step}: it was recorded too late");
            Some(Line::new("step", Tone::Unsure, text))
        }
        Record::Answered { step, by, .. } => {
            Some(Line::new("human", Tone::Strong, format!("{by} says yes to {step}")))
        }
        Record::Unwinding { why } => {
            Some(Line::new("run", Tone::Unsure, format!("goes back: {why}")))
        }
        Record::Closed { ended } => Some(closed(ended)),
        Record::Paused { reason } => {
            Some(Line::new("run", Tone::Unsure, format!("automatic action is held: {reason}")))
        }
        Record::Resumed => Some(Line::new("run", Tone::Good, "automatic action goes on")),
        Record::Armed => Some(Line::new("run", Tone::Good, "the group is armed")),
        Record::Imported { entries, stands, .. } => {
            let word = stands.map(|stands| format!("; {} stands, somebody says", stands.word()));
            let (count, word) = (entries.len(), word.unwrap_or_default());
            let text = format!("a journal from elsewhere is imported: {count} entries{word}");
            Some(Line::new("run", Tone::Strong, text))
        }
        Record::Started { .. } => None,
    }
}

/// Who started a run.
pub(super) fn who(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Automatic => "by itself, as the policy says".into(),
        Trigger::Human { by, reason } => format!("started by {by}: {reason}"),
    }
}

fn planned(plan: &Plan, moves: bool) -> Line {
    let what = if moves { "the move is planned" } else { "a plan that only prepares or undoes" };
    Line::new("run", Tone::Plain, format!("{what}: {}", counted(plan.steps.len(), "step")))
}

fn wanted(by: &str, intent: Option<&Intent>, refused: Option<&Refusal>) -> Line {
    let want = match intent {
        None => "something that cannot be read".into(),
        Some(Intent::Failover { reason, .. }) => format!("a failover: {reason}"),
        Some(Intent::Switchover { reason }) => format!("a switchover: {reason}"),
        Some(Intent::Failback { reason }) => format!("a failback: {reason}"),
        Some(Intent::Approve { run, .. }) => format!("{run} to go on"),
        Some(Intent::Cancel { run }) => format!("{run} to be undone"),
        Some(Intent::Pause { reason }) => format!("automatic action held: {reason}"),
        Some(Intent::Resume) => "automatic action to go on".into(),
        Some(Intent::Arm) => "the group armed".into(),
        Some(Intent::Import { reason, .. }) => format!("a journal imported: {reason}"),
    };
    match refused {
        None => Line::new("human", Tone::Strong, format!("{by} wants {want}")),
        Some(why) => Line::new("human", Tone::Bad, format!("{by} wants {want}; refused: {why}")),
    }
}

fn done(step: &StepId, note: &str, unknown: bool, report: Option<&Report>) -> Line {
    let of_step = report.and_then(|report| report.steps.iter().find(|one| one.step == *step));
    let took = of_step
        .and_then(|one| Some(one.done_at?.since(one.ready_at?).as_millis()))
        .map(lasts)
        .unwrap_or_default();
    let calls = match of_step.map_or(0, |one| one.attempts) {
        0 | 1 => String::new(),
        calls => format!(" ({calls} calls)"),
    };
    let (word, tone) = if unknown { ("unknown ", Tone::Unsure) } else { ("done    ", Tone::Good) };
    Line::new("step", tone, format!("{word}{step:<26} {took:>8}  {note}{calls}"))
}

fn closed(ended: &Ended) -> Line {
    match ended {
        Ended::Moved => {
            let text = "the move is done; what is left to do is carried out when it can be";
            Line::new("run", Tone::Good, text)
        }
        Ended::Unwound(why) => Line::new("run", Tone::Unsure, format!("undone: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_wish_is_told_with_its_reason() {
        let refusal = Refusal::NothingAsked("shop-1-failover".into());
        let line = wanted("on-call", Some(&Intent::Resume), Some(&refusal));
        assert_eq!(line.tone, Tone::Bad);
        assert!(line.text.ends_with("refused: run shop-1-failover asks nothing"), "{}", line.text);
    }

    #[test]
    fn only_a_steps_first_call_is_told() {
        let ledger = Ledger::default();
        let told = |records| {
            let entry = Entry {
                seq: 1,
                prev: "".into(),
                at: bowline_core::model::Wall(0),
                by: bowline_core::model::Author::Human("on-call".into()),
                claim: None,
                records,
            };
            lines(&entry, &ledger).len()
        };
        let done = Record::Done {
            step: "promote".into(),
            outputs: Default::default(),
            note: "shop-standby is the writer".into(),
            unknown: false,
        };
        assert_eq!(told(vec![Record::Armed, done]), 2);
    }
}
