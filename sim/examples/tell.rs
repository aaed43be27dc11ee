//! Tells a story, record by record: for whoever works on one.
use bowline_core::policy::examples;
use bowline_sim::story::{Stage, find};

fn main() {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_else(|| "region-lost".into());
    let seed = args.next().and_then(|s| s.parse().ok()).unwrap_or(1);
    let Some(scenario) = find(&name) else { return eprintln!("no such scenario") };
    let mut stage = Stage::new(scenario, &examples::shop(), seed);
    let began = stage.simulation.now().mono;
    let mut told = Vec::new();
    while stage.step(&mut told) {
        for told in told.drain(..) {
            let at = stage.simulation.now().mono.since(began);
            for record in &told.entry.records {
                let mut text = format!("{record:?}");
                text.truncate(230);
                println!("{at:>12} {} {} {text}", told.group, told.entry.by);
            }
        }
    }
    let at = stage.simulation.now().mono.since(began);
    if std::env::var("QUIET").is_ok() { return println!("{at} {:?} steps={}", stage.ended(), stage.simulation.steps()); }
    println!("{at} {:?} steps={}", stage.ended(), stage.simulation.steps());
    for policy in stage.policies() {
        if let Some(status) = stage.status(&policy.group) {
            println!("{}", serde_json::to_string_pretty(&status).unwrap_or_default());
        }
    }
}
