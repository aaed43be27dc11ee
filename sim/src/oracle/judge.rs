//! Who looks at what when.

use bowline_core::model::Now;
use bowline_core::op::{Call, Op, StoreOp};
use bowline_core::policy::Policy;

use super::Verdicts;
use super::case::Case;
use super::court::{Court, Scene};
use crate::faults::Trouble;
use crate::harness::Event;
use crate::world::{News, World};

/// All cases and the record.
#[derive(Debug)]
pub(super) struct Judge {
    cases: Vec<Case>,
    court: Court,
}

impl Judge {
    pub(super) fn new(policies: &[Policy], world: &World) -> Self {
        let cases = policies.iter().enumerate();
        let cases = cases.map(|(group, policy)| Case::new(group, policy, world)).collect();
        Self { cases, court: Court::new(world) }
    }

    pub(super) fn seen(&mut self, now: Now, world: &World, event: &Event<'_>) {
        let scene = Scene { world, now };
        match event {
            Event::Sent { seat, call } => self.sent(scene, *seat, call),
            Event::Performed { op, result, seat } if op.mutates() => {
                if result.is_ok() {
                    super::leader::judge_lease(scene, (*seat, op), &mut self.court);
                }
                self.performed(scene, op, result.is_ok());
            }
            Event::Performed { .. } | Event::Heard { .. } => {}
            Event::Copied(op) => super::journal::excuse_copy(&mut self.cases, op),
            Event::News(news) => self.news(scene, news),
            Event::Began(trouble) => self.court.began(trouble, now),
            Event::Ended(trouble) => {
                if let Trouble::RegionDead(region) = trouble {
                    super::data::judge_stay(&self.cases, scene, region, &mut self.court);
                }
                self.court.ended(trouble, now);
            }
        }
    }

    pub(super) fn verdicts(&self, world: &World, now: Now) -> Verdicts {
        let (scene, mut court) = (Scene { world, now }, self.court.clone());
        for mut case in self.cases.iter().cloned() {
            // What has come about since anybody looked.
            case.judge_promotion(scene, &mut court);
            case.judge_answers(scene, &mut court);
            case.judge_end(scene, &mut court);
        }
        court.verdicts()
    }

    pub(super) fn has_broken(&self, promise: &str) -> bool {
        self.court.has_broken(promise)
    }

    fn sent(&mut self, scene: Scene<'_>, seat: usize, call: &Call) {
        super::leader::judge_leading(scene, (seat, call), &mut self.court);
        if self.court.troubles().next().is_some() {
            super::data::judge_wait(scene, call, &mut self.court);
        }
        if let Op::Store(StoreOp::Append { group, bytes, .. }) = &call.op {
            let own = self.cases.iter_mut().filter(|case| case.policy.group == *group);
            own.for_each(|case| case.note_write(scene, bytes));
        }
        for case in self.cases.iter_mut().filter(|_| call.op.mutates()) {
            case.judge_sent(scene, &call.op, &mut self.court);
        }
    }

    fn performed(&mut self, scene: Scene<'_>, op: &Op, ok: bool) {
        if matches!(op, Op::Store(_) | Op::Lease(_) | Op::Notify(_)) {
            return;
        }
        let run = super::journal::judge_recorded(&mut self.cases, scene, op, &mut self.court);
        if ok {
            for case in &mut self.cases {
                case.judge_once(scene, (op, run.as_deref()), &mut self.court);
                case.judge_claim(scene, op, &mut self.court);
                case.judge_note(scene, op, &mut self.court);
                case.judge_early(scene, op, &mut self.court);
                case.judge_opening(scene, op, &mut self.court);
                case.judge_answers(scene, &mut self.court);
            }
        }
    }

    fn news(&mut self, scene: Scene<'_>, news: &News) {
        match news {
            News::Stored(group, seq) | News::StoredApart(group, seq) => {
                let apart = matches!(news, News::StoredApart(..));
                if let Some(case) = self.cases.iter_mut().find(|case| case.policy.group == *group) {
                    case.read(scene, (apart, *seq), &mut self.court);
                }
            }
            News::Serves(group, site, access) => {
                if let Some(case) = self.cases.get_mut(*group) {
                    case.serves(*site, *access, scene.now);
                }
            }
            News::Answers(group, _) | News::Access(group, ..) => {
                if let Some(case) = self.cases.get_mut(*group) {
                    case.judge_promotion(scene, &mut self.court);
                    case.judge_answers(scene, &mut self.court);
                }
            }
            News::Reverted(zone) => {
                self.cases.iter_mut().for_each(|case| case.reverted(scene, zone));
            }
            News::Cluster(..) | News::Led(_) => {}
        }
    }
}
