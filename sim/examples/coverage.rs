//! Counts what happens in every scenario with the seeds 1 to N, and in every crash point:
//! `coverage [N [crashes]]`. Prints what was hit of what can be, and what never was.
use bowline_core::policy::examples;
use bowline_sim::coverage::{Counter, Coverage};
use bowline_sim::crash::{CASES, Table};
use bowline_sim::story::{SCENARIOS, Stage};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let seeds = args.first().and_then(|text| text.parse().ok()).unwrap_or(20);
    let mut coverage = Coverage::default();
    for scenario in &SCENARIOS {
        for seed in 1..=seeds {
            let mut stage = Stage::new(scenario, &examples::shop(), seed);
            let groups: Vec<_> = stage.policies().iter().map(|p| p.group.clone()).collect();
            let (counter, mut told) = (Counter::default(), Vec::new());
            stage.watch(counter.watch());
            while stage.step(&mut told) {
                told.clear();
                counter.look(&stage.simulation, &groups);
            }
            coverage.merge(&counter.coverage());
        }
        eprintln!("{}: {} of {}", scenario.name, coverage.hits(), Coverage::possible());
    }
    let crashes = args.get(1).is_some_and(|word| word == "crashes");
    for case in CASES.iter().filter(|_| crashes) {
        let counter = Counter::default();
        let table = Table::of(case, &examples::shop(), Some(&counter));
        coverage.merge(&counter.coverage());
        let (deaths, hits) = (table.rows.len(), coverage.hits());
        eprintln!("{}, {deaths} deaths: {hits} of {}", case.name, Coverage::possible());
    }
    print!("{coverage}");
}
