//! One trial of a campaign: `trial SEED|FILE [FOLDER] [STORY]` tells it, and says what it breaks.
//! With a folder, the trial is added to `unshrunk.jsonl` there, and what breaks a promise is made
//! small first, in a file named for it.
use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use bowline_sim::campaign::{Faults, Schedule, Story, generate, play, shrink, tell};

/// How many trials making one small may take.
const SHRINK: u32 = 400;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let named = args.first().ok_or("say which: a seed, or a file")?;
    let story = Story::read(args.get(2).map_or("swift", String::as_str))?;
    let mut schedule = match named.parse::<u64>() {
        Ok(seed) => generate(seed, &Faults::all(), &story),
        Err(_) => Schedule::from_json(&std::fs::read_to_string(named)?)?,
    };
    let broken = play(&schedule)?.broken;
    if let Some(folder) = args.get(1) {
        std::fs::create_dir_all(folder)?;
        let all = Path::new(folder).join("unshrunk.jsonl");
        let mut all = OpenOptions::new().create(true).append(true).open(all)?;
        writeln!(all, "{}", serde_json::to_string(&schedule)?)?;
    }
    if let (Some(folder), Some((promise, _))) = (args.get(1), broken.first()) {
        let fails = |one: &Schedule| play(one).is_ok_and(|outcome| outcome.broke(promise));
        schedule = shrink(&schedule, SHRINK, fails).schedule;
        let file = Path::new(folder).join(format!("{promise}-{}.json", schedule.seed));
        std::fs::write(file, schedule.to_json())?;
    }
    println!("{}", tell(&schedule)?);
    for (promise, why) in play(&schedule)?.broken {
        println!("BROKEN {promise}: {why}");
    }
    Ok(())
}
