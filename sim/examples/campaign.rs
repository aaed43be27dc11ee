//! Plays every scenario with many seeds: `campaign FROM TO [SCENARIO]`. Prints what went wrong, and
//! how many round trips a minute this core plays.
use std::time::Instant;

use bowline_core::policy::examples;
use bowline_sim::story::{SCENARIOS, Stage};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default| {
        args.get(index).and_then(|text| text.parse::<u64>().ok()).unwrap_or(default)
    };
    let (from, to) = (number(0, 1), number(1, 10));
    let policy = examples::shop();
    for scenario in &SCENARIOS {
        if args.get(2).is_some_and(|name| name != scenario.name) {
            continue;
        }
        let start = Instant::now();
        let mut bad = 0;
        for seed in from..=to {
            let mut stage = Stage::new(scenario, &policy, seed);
            stage.play();
            let document = stage.document();
            if !document.good() {
                bad += 1;
                println!("{} {seed}: {:?} {:?}", scenario.name, document.ended, document.broken);
            }
        }
        let per_minute = (to - from + 1) as f64 / start.elapsed().as_secs_f64() * 60.0;
        println!("{:<14} {bad} bad; {per_minute:.0} a minute", scenario.name);
    }
}
