//! Answers that were true a while ago.

use bowline_core::model::{Mono, Span};
use bowline_core::op::{Answer, CloudWatchOp, Fault, Op, RdsOp};

/// Of so many answers one comes from a server that is behind, if one is: two of three.
const BEHIND: (u8, u8) = (2, 3);

/// What was answered lately.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    known: Vec<(Mono, Op, Result<Answer, Fault>)>,
}

impl Memory {
    /// Takes a read's true answer, and makes it an older one of the same read, which may be so old.
    pub(super) fn age(
        &mut self,
        op: &Op,
        result: &mut Result<Answer, Fault>,
        (now, behind): (Mono, Span),
        rng: &mut fastrand::Rng,
    ) {
        if !remembered(op) {
            return;
        }
        self.known.retain(|(at, ..)| now.since(*at) <= behind);
        match self.known.iter().find(|(_, known, _)| known == op) {
            Some((_, _, older)) if rng.u8(0..BEHIND.1) < BEHIND.0 => result.clone_from(older),
            Some(_) => {}
            None => self.known.push((now, op.clone(), result.clone())),
        }
    }
}

/// Reads of what is there. What is measured from a time on is late by nature, and probes look at
/// the thing itself.
fn remembered(op: &Op) -> bool {
    let since = matches!(
        op,
        Op::CloudWatch(_, CloudWatchOp::Points { .. }) | Op::Rds(_, RdsOp::Events { .. })
    );
    !op.mutates() && !since && !matches!(op, Op::Probe(_))
}

#[cfg(test)]
mod tests {
    use bowline_core::op::{KubeOp, StoreOp};

    use super::*;

    fn read() -> Op {
        Op::Store(StoreOp::Read { group: "shop".into(), after: 0 })
    }

    /// What a read answers at some seconds, when the truth is how many seconds they are.
    fn answers(op: &Op, behind: Span) -> Vec<(u64, u64)> {
        let (mut memory, mut rng) = (Memory::default(), fastrand::Rng::with_seed(4));
        let at = |secs: u64| {
            let mut result = Err(Fault::Invalid(secs.to_string()));
            memory.age(op, &mut result, (Mono(secs * 1_000), behind), &mut rng);
            match result {
                Err(Fault::Invalid(text)) => (secs, text.parse().unwrap()),
                other => panic!("{other:?}"),
            }
        };
        (0..60).map(at).collect()
    }

    #[test]
    fn a_stale_read_is_no_older_than_said_and_time_may_run_backwards() {
        let answers = answers(&read(), Span::secs(10));
        let ages: Vec<_> = answers.iter().map(|(at, said)| at - said).collect();
        assert!(ages.iter().all(|age| *age <= 10), "{ages:?}");
        assert!(ages.iter().filter(|age| **age > 0).count() > 20, "{ages:?}");
        assert!(answers.windows(2).any(|two| two[0].1 > two[1].1), "a newer, then an older answer");
    }

    #[test]
    fn what_changes_something_or_is_another_read_is_never_stale() {
        let change = Op::Store(StoreOp::Append { group: "shop".into(), seq: 1, bytes: "".into() });
        assert!(answers(&change, Span::secs(10)).iter().all(|(at, said)| said == at));
        let cluster = bowline_core::model::Cluster::Context("home".into());
        let mut memory = Memory::default();
        let mut rng = fastrand::Rng::with_seed(4);
        for op in [read(), Op::Kube(cluster, KubeOp::Ready)] {
            let mut result = Ok(Answer::Ok);
            memory.age(&op, &mut result, (Mono(0), Span::secs(10)), &mut rng);
        }
        assert_eq!(memory.known.len(), 2);
    }
}
