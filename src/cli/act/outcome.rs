//! How an acting command ended: for people, for scripts, and as an exit code.

use std::io::Write;

use anyhow::Result;
use bowline_core::model::{GroupName, RunId, StepId};
use bowline_core::run::{Refusal, Report};
use bowline_core::step::Question;
use serde_json::{Value, json};

use super::Wish;
use crate::cli::exit::Exit;
use crate::cli::paint::{Paint, Tone};
use crate::cli::reading::Output;
use crate::cli::report;

/// What became of a wish.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// The group.
    pub(super) group: GroupName,
    /// The intent's uid, once it was written.
    pub(super) intent: Option<String>,
    /// The run, once there is one.
    pub(super) run: Option<RunId>,
    /// The run's report, as far as it is.
    pub(super) report: Option<Report>,
    /// Steps that are left for whoever leads next.
    pub(super) obligations: Vec<StepId>,
    /// How it ended.
    pub(super) ending: Ending,
}

/// How a command ended.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// What was wanted is so.
    Done(String),
    /// It was tried and did not work.
    Failed(String),
    /// It may not be done now.
    Refused {
        /// Why.
        why: String,
        /// What the leader said, if it was the leader who refused.
        refusal: Option<Refusal>,
    },
    /// It goes on without this command.
    Running(String),
    /// No controller looked at it.
    Unanswered(String),
    /// A human must answer first.
    Waits {
        /// The step that asks.
        step: StepId,
        /// What it asks.
        question: Box<Question>,
    },
}

impl Ending {
    /// The exit code.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Done(_) => Exit::Done,
            Self::Failed(_) => Exit::Failed,
            Self::Refused { .. } => Exit::Refused,
            Self::Running(_) | Self::Unanswered(_) => Exit::Running,
            Self::Waits { .. } => Exit::Waits,
        }
    }

    /// The word for it in JSON.
    fn word(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Failed(_) => "failed",
            Self::Refused { .. } => "refused",
            Self::Running(_) => "running",
            Self::Unanswered(_) => "unanswered",
            Self::Waits { .. } => "waits",
        }
    }

    fn tone(&self) -> Tone {
        match self {
            Self::Done(_) => Tone::Good,
            Self::Failed(_) | Self::Refused { .. } => Tone::Bad,
            _ => Tone::Unsure,
        }
    }

    fn why(&self) -> &str {
        match self {
            Self::Done(why) | Self::Failed(why) | Self::Running(why) | Self::Unanswered(why) => why,
            Self::Refused { why, .. } => why,
            Self::Waits { question, .. } => &question.why,
        }
    }
}

/// Tells how it ended, to whoever still reads. `next` is what to do now, if anything. The exit code
/// says what became of the wish, not of the words.
pub(super) fn tell(
    wish: &Wish,
    told: &Told,
    next: Option<&str>,
    paint: Paint,
    (out, err): (&mut impl Write, &mut impl Write),
) -> Exit {
    if let Err(error) = data(wish, told, next, out) {
        let _ = writeln!(err, "standard output: {error:#}");
    }
    let _ = words(&told.ending, next, paint, err);
    told.ending.exit()
}

/// What is for standard output.
fn data(wish: &Wish, told: &Told, next: Option<&str>, out: &mut impl Write) -> Result<()> {
    match wish.args().output {
        Output::Json => writeln!(out, "{:#}", document(wish, told, next))?,
        Output::Text => {
            let over = told.report.as_ref().filter(|report| report.ended.is_some());
            if let Some(report) = over {
                report::write(report, Paint::of_stdout(), out)?;
            }
        }
    }
    Ok(out.flush()?)
}

/// What is for standard error.
fn words(ending: &Ending, next: Option<&str>, paint: Paint, err: &mut impl Write) -> Result<()> {
    let word = paint.text(ending.tone(), ending.word());
    writeln!(err, "{word}: {}", ending.why())?;
    if let Ending::Waits { question, .. } = ending {
        writeln!(err, "If nobody answers: {}", question.otherwise)?;
    }
    if let Some(next) = next {
        writeln!(err, "{next}")?;
    }
    Ok(())
}

fn document(wish: &Wish, told: &Told, next: Option<&str>) -> Value {
    let ending = &told.ending;
    let mut document = json!({
        "command": wish.word(),
        "group": told.group,
        "intent": told.intent,
        "run": told.run,
        "outcome": ending.word(),
        "exitCode": ending.exit() as u8,
        "why": ending.why(),
        "next": next,
        "obligations": told.obligations,
        "report": told.report,
    });
    match ending {
        Ending::Refused { refusal, .. } => document["refusal"] = json!(refusal),
        Ending::Waits { step, question } => {
            document["question"] = json!({"step": step, "question": question});
        }
        _ => {}
    }
    document
}
