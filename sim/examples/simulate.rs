//! Plays campaigns: `simulate A..B [FAULTS] [POLICY]`, or `simulate FILE` for one schedule.
use bowline_sim::campaign::{Faults, Outcome, Schedule, Story, generate, play, shrink, tell};

/// Seconds on a core.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn fails(schedule: &Schedule) -> Option<Outcome> {
    let schedule = schedule.clone();
    std::panic::catch_unwind(move || play(&schedule).unwrap()).ok()
}

fn first(outcome: &Option<Outcome>) -> Option<String> {
    match outcome {
        None => Some("panic".into()),
        Some(outcome) => outcome.first().map(Into::into),
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Ok(text) = std::fs::read_to_string(&args[0]) {
        let schedule = Schedule::from_json(&text).unwrap();
        println!("{}", tell(&schedule).unwrap());
        return;
    }
    if let Ok(seed) = args[0].parse() {
        let faults: Faults = args.get(1).map_or("all", |s| s).parse().unwrap();
        let story = Story::read(args.get(2).map_or("quick", |s| s)).unwrap();
        let schedule = generate(seed, &faults, &story);
        println!("{}\n{}", schedule.to_json(), tell(&schedule).unwrap());
        return;
    }
    let (from, to) = args[0].split_once("..").unwrap();
    let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
    let faults: Faults = args.get(1).map_or("all", |s| s).parse().unwrap();
    let story = Story::read(args.get(2).map_or("quick", |s| s)).unwrap();
    let (mut trips, mut moves, mut bad, mut events) = (0, 0, 0, 0);
    let start = cpu();
    for seed in from..to {
        let schedule = generate(seed, &faults, &story);
        let began = cpu();
        let outcome = fails(&schedule);
        let took = cpu() - began;
        if let Some(outcome) = &outcome {
            trips += outcome.round_trips;
            moves += outcome.moves;
            events += outcome.events;
        }
        if let Some(promise) = first(&outcome) {
            bad += 1;
            let why = outcome.map(|o| o.broken).unwrap_or_default();
            println!("{seed} {promise} {why:?} ({took:.2} s)");
            if std::env::var("SHRINK").is_ok() {
                let small = shrink(&schedule, 150, |s| match fails(s) {
                    None => promise == "panic",
                    Some(outcome) => outcome.broke(&promise),
                });
                let file = format!("/tmp/sim-fail/{promise}-{seed}.json");
                std::fs::create_dir_all("/tmp/sim-fail").unwrap();
                std::fs::write(&file, small.schedule.to_json()).unwrap();
                println!(
                    "   {} events after {} trials: {file}",
                    small.schedule.events.len(),
                    small.trials
                );
            }
        }
    }
    let secs = cpu() - start;
    println!(
        "{} trials, {bad} bad, {moves} moves, {trips} round trips, {events} events in {secs:.1} s: \
         {:.0} trips, {:.0} trials a minute",
        to - from,
        f64::from(trips) / secs * 60.0,
        (to - from) as f64 / secs * 60.0
    );
}
