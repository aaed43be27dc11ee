//! Prints the table of crash points: `crash_points [CASE]`; fails if one ends otherwise than when
//! nobody dies. `crash_points CASE alone|pair [NTH before|after|heard|late [FAULT]]` tells one
//! story instead, record by record: who dies at the n-th call, and what that comes to, or nobody.
use std::process::ExitCode;
use std::time::Instant;

use bowline_core::model::Span;
use bowline_core::policy::examples;
use bowline_core::run::Entry;
use bowline_sim::crash::{CASES, Case, Crew, Plot, Table, name};
use bowline_sim::harness::{Side, SpoilTrouble, Strike};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |case: &&Case| args.first().is_none_or(|name| name == case.name);
    let cases: Vec<_> = CASES.iter().filter(wanted).collect();
    if let (Some(crew), [case]) = (args.get(1), cases.as_slice()) {
        let crew = if crew == "alone" { Crew::Alone } else { Crew::Pair };
        let side = match args.get(3).map(String::as_str) {
            Some("after") => Side::After,
            Some("heard") => Side::Heard,
            Some("late") => Side::Late(Span::secs(25)),
            _ => Side::Before,
        };
        let nth = args.get(2).and_then(|nth| nth.parse().ok());
        return tell(
            case,
            crew,
            nth.map(|nth| Strike { nth, side, comes_to: fault(args.get(4)), away: crew.away() }),
        );
    }
    let (mut deaths, mut wrong) = (0, 0);
    for case in cases {
        let began = Instant::now();
        let table = Table::of(case, &examples::shop(), None);
        print!("{table}");
        let (rows, bad) = (table.rows.len(), table.wrong().count() + table.unharmed.len());
        eprintln!("{}: {rows} deaths, {bad} wrong, {:.1?}", case.name, began.elapsed());
        deaths += rows;
        wrong += bad;
    }
    println!("{deaths} deaths, {wrong} wrong");
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fault(word: Option<&String>) -> Option<SpoilTrouble> {
    SpoilTrouble::ALL.into_iter().find(|fault| word.is_some_and(|word| fault.word() == word))
}

fn tell(case: &Case, crew: Crew, strike: Option<Strike>) -> ExitCode {
    let plot = Plot { case, shop: &examples::shop(), crew, counter: None };
    let played = plot.play(strike, None);
    for (bytes, seq) in played.chain.iter().zip(1..) {
        match Entry::parse(seq, bytes) {
            Ok(entry) => {
                for record in &entry.records {
                    let text: String = format!("{record:?}").chars().take(220).collect();
                    println!("{} {} {text}", entry.at, entry.by);
                }
            }
            Err(bad) => println!("{bad}"),
        }
    }
    for arrival in &played.arrivals {
        let (at, nth, op) = (bowline_sim::part::wall(arrival.at), arrival.nth, name(&arrival.op));
        println!("{at} call {nth} from seat {}: {op}: {:?}", arrival.seat, arrival.result);
    }
    print!("{}", played.picture);
    println!("ended {}, said {:?}, broken {:?}", played.ended, played.said, played.broken);
    ExitCode::SUCCESS
}
