//! `bowline-model`: runs the model checks, prints what each visited, and fails if a promise is
//! broken, a state cannot end, or the limit on states cut a check short.
//!
//! ```text
//! bowline-model [--deep | --mistakes] [--only TEXT] [--most STATES] [--threads N]
//! ```

use std::process::ExitCode;

use bowline_model::check::Limits;
use bowline_model::suite;

/// What was asked on the command line.
struct Asked {
    deep: bool,
    mistakes: bool,
    only: String,
    limits: Limits,
}

fn main() -> ExitCode {
    match read(std::env::args().skip(1)) {
        Ok(asked) if asked.mistakes => mistakes(&asked),
        Ok(asked) => checks(&asked),
        Err(why) => {
            eprintln!("{why}");
            eprintln!(
                "usage: bowline-model [--deep | --mistakes] [--only TEXT] [--most STATES] [--threads N]"
            );
            ExitCode::from(2)
        }
    }
}

fn read(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let limits = Limits { threads: 2, generated: 400_000_000 };
    let mut asked = Asked { deep: false, mistakes: false, only: String::new(), limits };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word.as_str() {
            "--deep" => asked.deep = true,
            "--mistakes" => asked.mistakes = true,
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

/// Runs the checks, and says what became of each.
fn checks(asked: &Asked) -> ExitCode {
    let all = if asked.deep { suite::deep() } else { suite::quick() };
    let mut failed = 0;
    for check in all.iter().filter(|check| check.name().contains(&asked.only)) {
        eprintln!("… {}", check.name());
        let played = check.play(asked.limits);
        println!("{played}");
        failed += usize::from(!played.holds());
    }
    println!("{} failed", failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the checks that must fail, and tells the way to each broken promise.
fn mistakes(asked: &Asked) -> ExitCode {
    let mut missed = 0;
    for (check, promise) in suite::mistakes() {
        if !check.name().contains(&asked.only) {
            continue;
        }
        let verdict = check.exhaust(asked.limits);
        println!("{verdict}");
        missed += usize::from(verdict.way_to(promise).is_none());
    }
    println!("{missed} missed");
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
