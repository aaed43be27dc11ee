//! One line for every scenario and seed, and one for every seed of a campaign with all faults:
//! `fingerprint FROM TO`. Two builds whose lines are the same
//! wrote the same chains, byte for byte, and ended the same: what a change for speed must keep.
//! `diff` tells. The last column, how many things happened, may differ: a wake may be spared.

use bowline_core::policy::examples;
use bowline_sim::campaign::{Faults, Story, generate, play};
use bowline_sim::story::{SCENARIOS, Stage};

/// 64-bit FNV-1a.
fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(seed ^ 0xcbf2_9ce4_8422_2325, step)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let (from, to) = (args.next().unwrap_or(1), args.next().unwrap_or(3));
    let policy = examples::shop();
    for scenario in &SCENARIOS {
        for seed in from..=to {
            let mut stage = Stage::new(scenario, &policy, seed);
            stage.play();
            let mut chains = 0;
            let mut entries = 0;
            for policy in stage.policies() {
                let chain = stage.simulation.world.store.chain(&policy.group);
                entries += chain.len();
                chains = chain.iter().fold(chains, |all, entry| hash(all, entry.as_bytes()));
            }
            let document = hash(0, serde_json::to_string(&stage.document())?.as_bytes());
            let (name, steps) = (scenario.name, stage.simulation.steps());
            println!("{name} {seed}: {entries} entries {chains:016x} {document:016x} {steps}");
        }
    }
    let (story, faults) = (Story::quick()?, Faults::all());
    for seed in from..=to {
        let outcome = play(&generate(seed, &faults, &story))?;
        let document = hash(0, serde_json::to_string(&outcome.broken)?.as_bytes());
        let (digest, moves, events) = (outcome.digest, outcome.moves, outcome.events);
        println!("campaign {seed}: {moves} moves {digest:016x} {document:016x} {events}");
    }
    Ok(())
}
