//! `bowline-model`: runs the model checks, prints what each visited, and fails if a promise is
//! broken, a state cannot end, or the limit on states cut a check short.
//!
//! ```text
//! bowline-model [--deep | --mistakes] [--only TEXT] [--most STATES] [--threads N]
//! ```

use std::process::ExitCode;

use bowline_model::check::Limits;
use bowline_model::suite::{self, Check};
use bowline_model::table;

const USAGE: &str = "usage: bowline-model [--deep | --mistakes] [--only TEXT] \
                     [--most STATES] [--threads N]";

/// What was asked on the command line.
struct Asked {
    deep: bool,
    failing: Option<Vec<(Check, &'static str)>>,
    only: String,
    limits: Limits,
}

fn main() -> ExitCode {
    match read(std::env::args().skip(1)) {
        Ok(asked) => match &asked.failing {
            Some(failing) => fails(&asked, failing),
            None => checks(&asked),
        },
        Err(why) => {
            eprintln!("{why}");
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn read(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let limits = Limits { threads: 2, generated: 400_000_000 };
    let mut asked = Asked { deep: false, failing: None, only: String::new(), limits };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word.as_str() {
            "--deep" => asked.deep = true,
            "--mistakes" => asked.failing = Some(suite::mistakes()),
            "--only" => asked.only = value()?,
            "--most" => asked.limits.generated = number(&value()?)?,
            "--threads" => asked.limits.threads = number(&value()?)?,
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(asked)
}

fn number(text: &str) -> Result<usize, String> {
    text.replace('_', "").parse().map_err(|e| format!("{text:?} is not a number of states: {e}"))
}

/// Runs the checks, says what became of each, and all of it once more in a table.
fn checks(asked: &Asked) -> ExitCode {
    let all = if asked.deep { suite::deep() } else { suite::quick() };
    let mut rows = Vec::new();
    let mut failed = 0;
    for check in all.iter().filter(|check| check.name().contains(&asked.only)) {
        eprintln!("… {}", check.name());
        let played = check.play(asked.limits);
        println!("{played}");
        rows.push(table::row(&played));
        failed += usize::from(!played.holds());
    }
    println!("\n{}\n{}\n\n{failed} failed", table::HEAD, rows.join("\n"));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs checks that must fail, and tells the way to each broken promise.
fn fails(asked: &Asked, failing: &[(Check, &'static str)]) -> ExitCode {
    let mut missed = 0;
    for (check, promise) in failing {
        if check.name().contains(&asked.only) {
            let verdict = check.play(asked.limits);
            println!("{verdict}");
            missed += usize::from(verdict.way_to(promise).is_none());
        }
    }
    println!("{missed} missed");
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
