//! Project automation: `cargo xtask …`. `just --list` names the same commands with their uses.

mod bench;
mod beside;
mod campaign;
mod fuzz;
mod lab;
mod mutants;
mod mutation;
mod phases;
mod story;
mod test;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [--quick]   everything CI checks; --quick leaves out the lab
  story [NAME]     the stories alone, on real parts, one after the other: most of an hour;
                   BOWLINE_STORY_SEEDS=1..21 plays those of processes with more seeds
  bench [SEEDS]    how fast it is, as ratios to what is aimed at (docs/benchmarks.md)
  fuzz [TARGET] [--seconds N]
                   every fuzz target for N seconds each (60), or one of them
  campaign [--trips N] [--jobs N]
                   the deep campaign: 1,000,000 round trips, on 2 cores; goes on where it was
                   stopped, as long as core and sim are the same
  mutants [--seeds N] [BUG…]
                   deliberate bugs: which promise catches each (docs/proof.md)
  mutants --core [prepare | run [--shard K/N] [--only REGEX] [--again] | alone | report]
                   cargo-mutants' mutants of core against the quick tests; all of it if no
                   part is named. Results gather in the cache folder
  tidy             how long, deep and tested the code is, in numbers
  tools            installs what the lab runs into the cache folder (`lab install` is the same)
  lab up [--story] starts the three clusters, leaves them running, prints what to export;
                   --story sets the whole stage: two sites with DNS, databases, an application
  lab freeze SITE  its Region dies as a whole; `lab thaw SITE`: it comes back
  lab cut SITE     Bowline alone is cut off from it; `lab heal SITE`: not any more
  lab status       each process with its memory, each cluster with its readiness
  lab down         ends them
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["test"] => test::run(test::Extent::Everything),
        ["test", "--quick"] => test::run(test::Extent::Quick),
        ["story"] => test::story(""),
        ["story", which] => test::story(which),
        ["bench"] => bench::run("20"),
        ["bench", seeds] => bench::run(seeds),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["campaign", arguments @ ..] => campaign::run(test::cargo_command(&[]), arguments),
        ["mutants", "--core", arguments @ ..] => mutation::run(arguments),
        ["mutants", arguments @ ..] => test::mutants(arguments),
        ["tidy"] => test::tidy(),
        ["tools"] | ["lab", "install"] => lab::tools(),
        ["lab", "up"] => lab::up(lab::Extent::Bare),
        ["lab", "up", "--story"] => lab::up(lab::Extent::Story),
        ["lab", "freeze", site] => lab::trouble(lab::Trouble::Freeze, site),
        ["lab", "thaw", site] => lab::trouble(lab::Trouble::Thaw, site),
        ["lab", "cut", site] => lab::trouble(lab::Trouble::Cut, site),
        ["lab", "heal", site] => lab::trouble(lab::Trouble::Heal, site),
        ["lab", "status"] => lab::status(),
        ["lab", "down"] => lab::down(),
        [] | ["help" | "-h" | "--help"] => {
            print!("{USAGE}");
            Ok(())
        }
        other => bail!("no command `{}`\n{USAGE}", other.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_unknown_command_is_refused_with_the_usage() {
        let error = super::dispatch(&["tset"]).unwrap_err().to_string();
        assert!(error.contains("`tset`") && error.contains("usage:"), "{error}");
    }
}
