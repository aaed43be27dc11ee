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
    let mut last = String::new();
    while stage.step(&mut told) {
        let group = stage.policies()[0].group.clone();
        if let Some(status) = stage.status(&group) {
            let mut now = status.decision.clone();
            now.push_str(
                &status
                    .run
                    .map(|r| {
                        r.steps
                            .iter()
                            .filter(|s| {
                                matches!(
                                    s.state,
                                    bowline_core::run::StepState::Started
                                        | bowline_core::run::StepState::Pending
                                )
                            })
                            .map(|s| format!(" [{}: {}]", s.step, s.note))
                            .collect::<String>()
                    })
                    .unwrap_or_default(),
            );
            now.push_str(&format!(
                "{:?}",
                status
                    .sites
                    .iter()
                    .map(|s| (s.serving, s.ready, s.not_ready.clone()))
                    .collect::<Vec<_>>()
            ));
            if now != last && std::env::var("LOUD").is_ok() {
                println!("{:>12} .. {now}", stage.simulation.now().mono.since(began));
                last = now;
            }
        }
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
    if std::env::var("QUIET").is_ok() {
        return println!("{at} {:?} steps={}", stage.ended(), stage.simulation.steps());
    }
    println!("{at} {:?} steps={}", stage.ended(), stage.simulation.steps());
    let document = stage.document();
    println!("{:?} {:?} {:?}", document.promises, document.broken, document.decision);
    println!("{:?} {:?}", document.users, document.leftovers);
}
