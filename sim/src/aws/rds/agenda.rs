//! What an instance will go through by itself, once a call was accepted.

use std::collections::VecDeque;

use bowline_core::model::{InstanceId, Mono, SecurityGroupId, Span};

use super::times::{Takes, Times};
use crate::part::between;

/// One thing that happens to an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `DBInstanceStatus` reads this.
    Status(&'static str),
    /// The engine goes down, and every connection with it.
    Down,
    /// The engine comes up again: a restart, told as an event.
    Up,
    /// These security groups are in force.
    Groups(Vec<SecurityGroupId>),
    /// Replication ends for good.
    Cut,
    /// It becomes a writer, with what it has.
    Fork,
    /// It names no source any more.
    Unname,
    /// It has a new identifier; the old one is free.
    Rename(InstanceId),
    /// A new replica is there and streams.
    Created,
}

/// Steps to come, by time; of the same instant, in the order they were planned.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    steps: VecDeque<(Mono, Step)>,
}

impl Agenda {
    /// Plans steps, each so long after `now`.
    pub(super) fn plan<const N: usize>(&mut self, now: Mono, steps: [(Span, Step); N]) {
        for (after, step) in steps {
            let at = now + after;
            let place = self.steps.partition_point(|(planned, _)| *planned <= at);
            self.steps.insert(place, (at, step));
        }
    }

    /// When the next step happens; `killed` holds back the engine's coming up, and all behind it.
    pub(super) fn next(&self, killed: bool) -> Option<Mono> {
        let held = |step: &Step| killed && matches!(step, Step::Up | Step::Created);
        self.steps.front().filter(|(_, step)| !held(step)).map(|(at, _)| *at)
    }

    /// Takes the next step that is due.
    pub(super) fn take(&mut self, now: Mono, killed: bool) -> Option<Step> {
        self.next(killed).filter(|at| *at <= now)?;
        self.steps.pop_front().map(|(_, step)| step)
    }

    /// Whether anything but the end of a backup is to come.
    pub(super) fn busy(&self, status: &str) -> bool {
        self.steps.len() > usize::from(status == "backing-up")
    }

    /// Whether the engine will come up by itself.
    pub(super) fn will_come_up(&self) -> bool {
        self.steps.iter().any(|(_, step)| *step == Step::Up)
    }
}

/// A promotion: the status stays `available` for a while, and is so again before the source goes.
pub(super) fn promotion(times: &Times, rng: &mut fastrand::Rng) -> [(Span, Step); 8] {
    let total = times.promotion.draw(rng);
    let mut part = |from, to| times.part_of_promotion(Takes::secs(from, to), rng);
    let shows = part(5, 40);
    let down = shows + part(5, 20);
    let up = down + part(20, 40);
    let last = part(5, 20);
    let early = Span(total.as_millis() - last.as_millis());
    [
        (shows, Step::Status("modifying")),
        (shows, Step::Cut),
        (down, Step::Status("rebooting")),
        (down, Step::Down),
        (down, Step::Fork),
        (up, Step::Up),
        (early, Step::Status("available")),
        (total, Step::Unname),
    ]
}

/// A reboot.
pub(super) fn reboot(times: &Times, rng: &mut fastrand::Rng) -> [(Span, Step); 4] {
    let down = between(rng, Span::secs(1), Span::secs(5));
    let up = down + times.reboot.draw(rng);
    [
        (Span::ZERO, Step::Status("rebooting")),
        (down, Step::Down),
        (up, Step::Up),
        (up + Span::secs(2), Step::Status("available")),
    ]
}

/// A change of security groups; it shows as `modifying` unless a backup runs.
pub(super) fn regroup(groups: Vec<SecurityGroupId>, rng: &mut fastrand::Rng) -> [(Span, Step); 3] {
    let shows = between(rng, Span::millis(500), Span::secs(2));
    let works = shows + between(rng, Span::secs(1), Span::secs(5));
    let done = works + between(rng, Span::secs(1), Span::secs(8));
    [
        (shows, Step::Status("modifying")),
        (works, Step::Groups(groups)),
        (done, Step::Status("available")),
    ]
}

/// When a change of security groups is in force while a backup runs.
pub(super) fn regroup_beside_backup(
    groups: Vec<SecurityGroupId>,
    rng: &mut fastrand::Rng,
) -> [(Span, Step); 1] {
    [(between(rng, Span::secs(1), Span::secs(7)), Step::Groups(groups))]
}

/// A rename.
pub(super) fn rename(times: &Times, to: InstanceId, rng: &mut fastrand::Rng) -> [(Span, Step); 3] {
    let done = times.rename.draw(rng);
    let shows = between(rng, Span::secs(1), Span::secs(5)).min(done);
    [(shows, Step::Status("renaming")), (done, Step::Rename(to)), (done, Step::Status("available"))]
}

/// The making of a replica.
pub(super) fn creation(times: &Times, rng: &mut fastrand::Rng) -> [(Span, Step); 2] {
    let done = times.replica.draw(rng);
    [(done, Step::Created), (done, Step::Status("available"))]
}

/// A backup, from its beginning.
pub(super) fn backup(takes: Span) -> [(Span, Step); 1] {
    [(takes, Step::Status("available"))]
}

/// When a day's backup begins, and how long it takes.
pub(super) fn backup_window(times: &Times, rng: &mut fastrand::Rng) -> (Span, Span) {
    let begins = between(rng, Span::ZERO, Span::mins(24 * 60));
    (begins, times.backup.draw(rng))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(steps: &[(Span, Step)], wanted: &Step) -> Span {
        steps.iter().find(|(_, step)| step == wanted).unwrap().0
    }

    #[test]
    fn a_promotion_takes_two_to_six_minutes_and_is_available_before_the_source_goes() {
        for seed in 0..200 {
            let steps = promotion(&Times::default(), &mut fastrand::Rng::with_seed(seed));
            let gone = at(&steps, &Step::Unname);
            assert!((Span::mins(2)..=Span::mins(6)).contains(&gone));
            assert!(at(&steps, &Step::Status("available")) < gone);
            assert!(at(&steps, &Step::Status("modifying")) >= Span::secs(5), "still available");
            assert!(steps.is_sorted_by_key(|(after, _)| *after), "{steps:?}");
        }
    }

    #[test]
    fn a_faster_promotion_has_the_same_steps_in_the_same_order() {
        for seed in 0..200 {
            let times = Times { promotion: Takes::secs(12, 15), ..Times::default() };
            let order = |times: &Times| {
                let steps = promotion(times, &mut fastrand::Rng::with_seed(seed));
                assert!(steps.is_sorted_by_key(|(after, _)| *after), "{steps:?}");
                steps
            };
            let (fast, usual) = (order(&times), order(&Times::default()));
            assert!(fast.iter().map(|(_, step)| step).eq(usual.iter().map(|(_, step)| step)));
            let gone = at(&fast, &Step::Unname);
            assert!((Span::secs(12)..=Span::secs(15)).contains(&gone), "{gone}");
        }
    }

    #[test]
    fn a_rename_takes_one_to_ten_minutes_and_a_replica_ten_to_thirty() {
        for seed in 0..200 {
            let (times, rng) = (Times::default(), &mut fastrand::Rng::with_seed(seed));
            let renamed = at(&rename(&times, "b".into(), rng), &Step::Rename("b".into()));
            assert!((Span::mins(1)..=Span::mins(10)).contains(&renamed));
            let quick = Times { rename: Takes::secs(1, 2), ..times };
            let steps = rename(&quick, "b".into(), rng);
            assert!(steps.is_sorted_by_key(|(after, _)| *after), "{steps:?}");
            let created = at(&creation(&times, rng), &Step::Created);
            assert!((Span::mins(10)..=Span::mins(30)).contains(&created));
        }
    }

    #[test]
    fn steps_happen_in_order_of_time_whenever_they_were_planned() {
        let mut agenda = Agenda::default();
        agenda.plan(Mono(0), [(Span(9), Step::Up), (Span(9), Step::Status("available"))]);
        agenda.plan(Mono(1), [(Span(2), Step::Down)]);
        assert_eq!(agenda.next(false), Some(Mono(3)));
        assert_eq!(agenda.take(Mono(2), false), None);
        let order = std::iter::from_fn(|| agenda.take(Mono(9), false)).collect::<Vec<_>>();
        assert_eq!(order, [Step::Down, Step::Up, Step::Status("available")]);
    }

    #[test]
    fn a_killed_engine_does_not_come_up_and_nothing_behind_it_happens() {
        let mut agenda = Agenda::default();
        agenda.plan(Mono(0), [(Span(1), Step::Up), (Span(2), Step::Status("available"))]);
        assert_eq!(agenda.next(true), None);
        assert_eq!(agenda.take(Mono(9), true), None);
        assert_eq!(agenda.take(Mono(9), false), Some(Step::Up));
    }

    #[test]
    fn a_running_backup_alone_does_not_make_an_instance_busy() {
        let mut agenda = Agenda::default();
        agenda.plan(Mono(0), backup(Span::mins(3)));
        assert!(!agenda.busy("backing-up"));
        agenda.plan(Mono(0), regroup_beside_backup(vec![], &mut fastrand::Rng::with_seed(1)));
        assert!(agenda.busy("backing-up"));
    }
}
