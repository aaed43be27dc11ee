//! What is played to show a bug: a scenario, or a schedule that a campaign found.

use bowline_core::policy::examples;

use super::plays::KEPT;
use crate::campaign::{self, Schedule};
use crate::story::{Scenario, Stage};

/// What is played to show a bug.
#[derive(Debug)]
pub enum Play {
    /// A scenario; another seed is another play of it.
    Scenario(&'static Scenario),
    /// A schedule that broke a promise once, and is kept since that was mended: there is one play
    /// of it.
    Kept(&'static str, Box<Schedule>),
}

impl Play {
    /// A play, by name: one that was made for bugs, a kept schedule, or any scenario.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        if let Some(scenario) = super::find(name) {
            return Some(Self::Scenario(scenario));
        }
        let (name, text) = KEPT.iter().find(|(kept, _)| *kept == name)?;
        Some(Self::Kept(name, Box::new(Schedule::from_json(text).ok()?)))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Scenario(scenario) => scenario.name,
            Self::Kept(name, _) => name,
        }
    }

    /// With how many seeds it is worth playing, if so many are wanted.
    #[must_use]
    pub fn seeds(&self, wanted: u64) -> u64 {
        match self {
            Self::Scenario(_) => wanted,
            Self::Kept(..) => wanted.min(1),
        }
    }

    /// Plays it, a scenario only until `promise` is broken if one is named, and says what was
    /// broken, and why.
    ///
    /// # Panics
    /// When a kept schedule's policy is unknown.
    #[must_use]
    pub fn broken(&self, seed: u64, promise: Option<&str>) -> Vec<(String, String)> {
        let scenario = match self {
            Self::Scenario(scenario) => scenario,
            Self::Kept(_, schedule) => {
                let played = campaign::play(schedule);
                return played.expect("its policy is one of the stories'").broken;
            }
        };
        let mut stage = Stage::new(scenario, &examples::shop(), seed);
        let mut told = Vec::new();
        while !promise.is_some_and(|promise| stage.breaks(promise)) && stage.step(&mut told) {
            told.clear();
        }
        campaign::broken(stage.verdicts())
    }
}
