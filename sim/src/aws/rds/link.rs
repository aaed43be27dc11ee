//! Replication from one instance to another: how far behind it is, and what the metric says of it.

use bowline_core::model::{Mono, Span};

use super::lineage::{BranchId, Lineage};
use crate::aws::cloudwatch::mix;

/// A database engine, as far as its replicas differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Engine {
    /// `ReplicaLag` is −1 while it does not replicate (RDS user guide).
    MySql,
    /// `ReplicaLag` is now − the last replayed commit: it grows with an outage, and reads up to
    /// five minutes on an idle source (RDS user guide).
    PostgreSql,
}

/// Lag is a line between values a minute apart.
const KNOT: u64 = 60_000;

/// Usual lag, in milliseconds.
const USUAL_MS: (u64, u64) = (200, 1_500);

/// One value in so many is a spike.
const SPIKES: u64 = 40;

/// Lag of a spike, in milliseconds: less than a minute, so that replayed time never runs backwards.
const SPIKE_MS: (u64, u64) = (4_000, 20_000);

/// Catching up takes this long, and an eighth of what is to be caught up.
const CATCH_UP: Span = Span::secs(25);

/// An idle PostgreSQL source switches its log this often.
const IDLE_SWITCH: u64 = 300_000;

/// What `ReplicaLag` says when MySQL does not replicate: −1 s, in thousandths.
const BROKEN: i64 = -1_000;

/// Replication to one replica.
#[derive(Clone, Debug)]
pub struct Link {
    seed: u64,
    up: bool,
    frozen: Mono,
    since: Mono,
    caught_up: Mono,
}

impl Link {
    /// A link that has long been streaming.
    #[must_use]
    pub fn streaming(seed: u64) -> Self {
        Self { seed, up: true, frozen: Mono(0), since: Mono(0), caught_up: Mono(0) }
    }

    /// A link that does not stream yet; the replica has what the source had at `snapshot`.
    #[must_use]
    pub fn from_snapshot(seed: u64, snapshot: Mono) -> Self {
        Self { seed, up: false, frozen: snapshot, since: snapshot, caught_up: snapshot }
    }

    /// Whether it streams.
    #[must_use]
    pub fn up(&self) -> bool {
        self.up
    }

    /// It streams from now on, or does not.
    pub fn set(&mut self, up: bool, now: Mono) {
        if self.up == up {
            return;
        }
        self.frozen = self.applied(now);
        self.up = up;
        self.since = now;
        let behind = now.since(self.frozen).as_millis();
        self.caught_up = now + CATCH_UP + Span::millis(behind / 8);
    }

    /// Up to which instant of the source's time the replica has everything.
    #[must_use]
    pub fn applied(&self, now: Mono) -> Mono {
        if !self.up {
            return self.frozen;
        }
        if now >= self.caught_up {
            return Mono(now.0.saturating_sub(self.lag_ms(now)));
        }
        let reached = self.caught_up.0.saturating_sub(self.lag_ms(self.caught_up));
        let (from, to) = (self.since.0, self.caught_up.0);
        let gained = (reached - self.frozen.0) * (now.0 - from) / (to - from);
        Mono(self.frozen.0 + gained)
    }

    /// What the metric says at an instant, in thousandths of a second.
    #[must_use]
    pub fn reported(&self, engine: Engine, log: (&Lineage, BranchId), now: Mono) -> i64 {
        let applied = self.applied(now);
        let behind = |at: Mono| i64::try_from(now.since(at).as_millis()).unwrap_or(i64::MAX);
        match engine {
            Engine::MySql if !self.up => BROKEN,
            Engine::MySql => behind(applied),
            Engine::PostgreSql => {
                let (lineage, branch) = log;
                let idle = Mono(applied.0 / IDLE_SWITCH * IDLE_SWITCH);
                behind(lineage.last_write(branch, applied).max(idle).min(applied))
            }
        }
    }

    fn lag_ms(&self, at: Mono) -> u64 {
        let (knot, into) = (at.0 / KNOT, at.0 % KNOT);
        let (from, to) = (self.knot_ms(knot), self.knot_ms(knot + 1));
        (from * (KNOT - into) + to * into) / KNOT
    }

    fn knot_ms(&self, knot: u64) -> u64 {
        let drawn = mix(self.seed, knot);
        let (low, high) = if drawn.is_multiple_of(SPIKES) { SPIKE_MS } else { USUAL_MS };
        low + (drawn >> 16) % (high - low + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROOT: BranchId = BranchId(0);

    fn busy() -> Lineage {
        let mut lineage = Lineage::new(Mono(0));
        lineage.set_rate(ROOT, 100, Mono(0));
        lineage
    }

    #[test]
    fn a_streaming_replica_is_a_little_behind() {
        let link = Link::streaming(3);
        for minute in 1..90 {
            let lag = link.reported(Engine::MySql, (&busy(), ROOT), Mono(minute * 60_000));
            assert!((200..=20_000).contains(&lag), "{lag}");
        }
    }

    #[test]
    fn mysql_reports_minus_one_once_the_source_is_gone() {
        let mut link = Link::streaming(3);
        link.set(false, Mono(600_000));
        assert_eq!(link.reported(Engine::MySql, (&busy(), ROOT), Mono(700_000)), -1_000);
    }

    #[test]
    fn postgresql_reports_a_lag_that_grows_with_the_outage() {
        let mut link = Link::streaming(3);
        link.set(false, Mono(600_000));
        let lag = |at| link.reported(Engine::PostgreSql, (&busy(), ROOT), Mono(at));
        let at_fault = 600_000 - link.applied(Mono(600_000)).0 as i64;
        assert_eq!(lag(600_000), at_fault);
        assert_eq!(lag(1_800_000), at_fault + 1_200_000);
    }

    #[test]
    fn an_idle_postgresql_source_reads_up_to_five_minutes() {
        let (link, idle) = (Link::streaming(3), Lineage::new(Mono(0)));
        let lags: Vec<_> = (60..120)
            .map(|step| link.reported(Engine::PostgreSql, (&idle, ROOT), Mono(step * 10_000)))
            .collect();
        let (least, most) = (lags.iter().min().unwrap(), lags.iter().max().unwrap());
        assert!(*least < 30_000 && *most > 250_000 && *most < 330_000, "{least}..{most}");
        let mysql = link.reported(Engine::MySql, (&idle, ROOT), Mono(890_000));
        assert!(mysql < 30_000, "MySQL reads its true lag: {mysql}");
    }

    #[test]
    fn a_cut_link_freezes_what_the_replica_has() {
        let mut link = Link::streaming(9);
        link.set(false, Mono(500_000));
        let frozen = link.applied(Mono(500_000));
        assert!(frozen < Mono(500_000));
        assert_eq!(link.applied(Mono(900_000)), frozen);
    }

    #[test]
    fn a_new_replica_catches_up_from_its_snapshot() {
        let mut link = Link::from_snapshot(9, Mono(100_000));
        assert_eq!(link.applied(Mono(900_000)), Mono(100_000));
        link.set(true, Mono(900_000));
        assert_eq!(link.applied(Mono(900_000)), Mono(100_000));
        let midway = link.applied(Mono(960_000));
        assert!(midway > Mono(100_000) && midway < Mono(940_000), "{midway:?}");
        let done = link.applied(Mono(1_100_000));
        assert!(Mono(1_100_000).since(done) <= Span::secs(20));
    }

    proptest! {
        #[test]
        fn what_a_replica_has_never_shrinks_and_never_lies_ahead(
            seed: u64, gaps in proptest::collection::vec(1u64..400_000, 1..6),
        ) {
            let mut link = Link::streaming(seed);
            let (mut now, mut last, mut up) = (0, Mono(0), true);
            for gap in gaps {
                for _ in 0..40 {
                    now += 1 + gap / 40;
                    let applied = link.applied(Mono(now));
                    prop_assert!(applied >= last && applied.0 <= now, "{:?} at {}", applied, now);
                    last = applied;
                }
                up = !up;
                link.set(up, Mono(now));
            }
        }
    }
}
