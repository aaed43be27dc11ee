//! Runs named phases one after the other, tells how long each took, and stops at the first failure.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

/// One thing to do.
pub(crate) struct Phase<'a> {
    name: &'static str,
    work: Box<dyn FnOnce() -> Result<()> + 'a>,
}

impl<'a> Phase<'a> {
    /// A phase called `name` that does `work`.
    pub(crate) fn new(name: &'static str, work: impl FnOnce() -> Result<()> + 'a) -> Self {
        Self { name, work: Box::new(work) }
    }
}

/// Runs `phases` in order; fails as the first that fails does, after the summary.
pub(crate) fn run_all(phases: Vec<Phase<'_>>) -> Result<()> {
    let total = phases.len();
    let names: Vec<_> = phases.iter().map(|p| p.name).collect();
    let mut done = Vec::new();
    let mut failure = None;
    for (at, phase) in phases.into_iter().enumerate() {
        eprintln!("── {}/{total} {} ──", at + 1, phase.name);
        let began = Instant::now();
        failure = (phase.work)().err();
        done.push(began.elapsed());
        if failure.is_some() {
            break;
        }
    }
    eprint!("{}", summary(&names, &done, failure.is_some()));
    failure.map_or(Ok(()), |error| Err(anyhow!("{}: {error:#}", names[done.len() - 1])))
}

/// One line for each phase: how it ended and how long it took.
fn summary(names: &[&str], done: &[Duration], failed: bool) -> String {
    let mut text = String::from("── summary ──\n");
    for (at, name) in names.iter().enumerate() {
        let last = at + 1 == done.len();
        let line = match done.get(at) {
            Some(took) if failed && last => format!("failed  {name} {:.1} s\n", took.as_secs_f32()),
            Some(took) => format!("ok      {name} {:.1} s\n", took.as_secs_f32()),
            None => format!("not run {name}\n"),
        };
        text.push_str(&line);
    }
    let total: Duration = done.iter().sum();
    text + &format!("total {:.1} s\n", total.as_secs_f32())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn the_first_failure_stops_the_rest_and_is_told() {
        let ran = RefCell::new(Vec::new());
        let phase = |name, fails: bool| {
            let ran = &ran;
            Phase::new(name, move || {
                ran.borrow_mut().push(name);
                if fails { Err(anyhow!("broke")) } else { Ok(()) }
            })
        };
        let error = run_all(vec![phase("a", false), phase("b", true), phase("c", false)]);
        assert_eq!(error.unwrap_err().to_string(), "b: broke");
        assert_eq!(*ran.borrow(), ["a", "b"]);
    }

    #[test]
    fn the_summary_tells_what_ran_and_what_did_not() {
        let took = Duration::from_millis(1500);
        let text = summary(&["a", "b", "c"], &[took, took], true);
        for line in ["ok      a 1.5 s", "failed  b 1.5 s", "not run c", "total 3.0 s"] {
            assert!(text.contains(line), "{text}");
        }
        assert!(!summary(&["a"], &[took], false).contains("failed"));
    }
}
