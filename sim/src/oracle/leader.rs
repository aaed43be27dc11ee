//! Who leads, as the lease's bytes say it, and who behaves as if he did: S5.

use bowline_core::model::{Mono, ReplicaId, Span};
use bowline_core::op::{Call, LeaseOp, LeaseSpec, Op, Route53Op};

use super::court::{Court, Scene};
use crate::faults::Trouble;

/// Who wrote the lease last.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    seat: usize,
    name: Option<ReplicaId>,
    since: Mono,
}

/// S5: nobody takes the lease from its holder before its duration is over, by the clock of who
/// takes it: that one may be fast.
pub(super) fn judge_lease(scene: Scene<'_>, (seat, op): (usize, &Op), court: &mut Court) {
    let Op::Lease(LeaseOp::Write { lease, .. }) = op else { return };
    // A break-glass process has a lease of its own.
    if scene.world.lease.spec() != Some(lease) {
        return;
    }
    if let Some(before) = &court.lease {
        let held = scene.now.mono.since(before.since);
        let early = held + gained(seat, (held, scene.now.mono), court) < lease.duration;
        if let (Some(name), true) = (&before.name, taken(before, lease) && early) {
            let words = format!("the lease was taken from {name} {held} after it was renewed");
            court.breaks("S5", scene.now, words);
        }
    }
    court.lease = Some(Holder { seat, name: lease.holder.clone(), since: scene.now.mono });
}

/// What a seat's monotonic clock may have gained meanwhile.
fn gained(seat: usize, (meanwhile, now): (Span, Mono), court: &Court) -> Span {
    let spells = court.spells.iter().filter(|spell| spell.within(meanwhile, now));
    let fast = spells.filter_map(|spell| match spell.trouble {
        Trouble::Drifts(of, ppm) if of == seat => u64::try_from(ppm).ok(),
        _ => None,
    });
    Span::millis((meanwhile.as_millis() * fast.sum::<u64>()).div_ceil(1_000_000))
}

fn taken(before: &Holder, lease: &LeaseSpec) -> bool {
    lease.holder.is_some() && lease.holder != before.name
}

/// S5: what only a leader does is not done by others while somebody holds the lease. Appends are
/// judged by the chain: one of unknown outcome may be repeated by whoever led when it was sent.
pub(super) fn judge_leading(scene: Scene<'_>, (seat, call): (usize, &Call), court: &mut Court) {
    let Some(holder) = court.lease.as_ref().filter(|holder| holder.name.is_some()) else { return };
    let leads = match &call.op {
        Op::Route53(_, Route53Op::CheckStatus(_)) | Op::Notify(_) => true,
        Op::Store(_) | Op::Lease(_) | Op::Probe(_) => false,
        op => op.mutates(),
    };
    let apart = scene.world.apart.lease.spec().is_some_and(|lease| lease.holder.is_some());
    if leads && !apart && seat != holder.seat {
        let words = format!("seat {seat} acts as the leader, and seat {} is", holder.seat);
        court.breaks("S5", scene.now, words);
    }
}
