//! Prints the table of faults: every kind of call of a run, coming to every fault, once and for a
//! minute, and how the run ended. `call_faults [CASE]`; fails if one ends otherwise than when
//! nothing goes wrong.
use std::process::ExitCode;
use std::time::Instant;

use bowline_core::policy::examples;
use bowline_sim::crash::{CASES, FAULT_CASES, FaultTable};

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1);
    let (mut rows, mut wrong) = (0, 0);
    for (name, run) in FAULT_CASES {
        let case = CASES.iter().find(|case| case.name == name);
        let Some(case) = case.filter(|_| wanted.as_ref().is_none_or(|w| w == name)) else {
            continue;
        };
        let began = Instant::now();
        let table = FaultTable::of(case, run, &examples::shop());
        print!("{table}");
        let bad = table.wrong().count() + table.unharmed.len();
        eprintln!("{name}: {} rows, {bad} wrong, {:.1?}", table.rows.len(), began.elapsed());
        rows += table.rows.len();
        wrong += bad;
    }
    println!("{rows} rows, {wrong} wrong");
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
