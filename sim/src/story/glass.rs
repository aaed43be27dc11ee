//! Break-glass: what a human does while every replica is gone, and when they are back.

use bowline_core::model::{Mono, Span};
use bowline_core::node::Input;
use bowline_core::run::Intent;

use super::scenario::BreakGlass;
use super::stage::{REPLICAS, Stage};
use crate::faults::{Spell, Trouble};

/// The seat of the break-glass process.
const SEAT: usize = REPLICAS;

/// What a human does that is more than an intent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hand {
    /// Makes the directory from the store, with or without the journal.
    Export(bool),
    /// Ends the break-glass process.
    Stop,
    /// Imports the directory's journal.
    Import,
}

impl Stage {
    /// Plans when the replicas are gone, and what is done by hand.
    pub(super) fn break_glass(&mut self, glass: &BreakGlass) {
        let began = self.began();
        let gone = (began + glass.gone.0, Some(began + glass.gone.1));
        let absent = (began, Some(began + glass.runs.0));
        let crashes = (0..REPLICAS).map(|seat| (gone, seat)).chain([(absent, SEAT)]);
        for ((from, until), seat) in crashes {
            self.simulation.plan(Spell { from, until, trouble: Trouble::Crashed(seat) });
        }
        self.simulation.keep_apart(SEAT);
        self.hands = vec![
            (began + glass.import, Hand::Import),
            (began + glass.runs.1, Hand::Stop),
            (began + glass.export, Hand::Export(glass.journal)),
        ];
        self.quiet_after(began + glass.import + Span::mins(1));
        let intent = Intent::Failover {
            // The process saw nothing from before the fault: what the replica has got is all it
            // knows, and it asks for a little over ten minutes.
            accept_loss: Some(Span::mins(15)),
            reason: "the Region is gone, and so is the controller".into(),
            break_glass: Some("no replica answers".into()),
        };
        let bytes = serde_json::to_string(&intent).unwrap_or_default();
        let group = self.policies()[0].group.clone();
        let at = began + glass.runs.0 + Span::mins(1);
        self.simulation.plan_intent_apart(at, group, "on-call", bytes);
    }

    /// Does what is due by hand before the next event.
    pub(super) fn lend_a_hand(&mut self) {
        let Some(now) = self.simulation.due() else { return };
        while let Some((_, hand)) = self.hands.pop_if(|(at, _)| *at <= now) {
            self.do_by_hand(hand, now);
        }
    }

    fn do_by_hand(&mut self, hand: Hand, now: Mono) {
        let world = &mut self.simulation.world;
        match hand {
            Hand::Export(true) => world.apart.store = world.store.export(),
            Hand::Export(false) => world.apart.store = world.store.export_facts(),
            Hand::Stop => self.simulation.hand(SEAT, Input::Stop),
            Hand::Import => {
                let group = self.policies()[0].group.clone();
                let apart = &self.simulation.world.apart.store;
                let intent = apart.import(&group, "the controller is back", None);
                let bytes = serde_json::to_string(&intent).unwrap_or_default();
                self.simulation.plan_intent(now, group, "on-call", bytes);
            }
        }
    }
}
