//! What chance gives one schedule: lengths, places, troubles.

use bowline_core::model::{Cluster, HealthCheckId, Region, Site, Span};
use bowline_core::plan::EffectKind;
use bowline_core::policy::{Lever, Policy, Probe};

use super::aim::{Aim, Harm};
use super::schedule::{Blow, Glass, Happening, Wish};
use crate::coverage::{Cell, End, Purpose, RecordKind, universe};
use crate::faults::{Api, Evidence, Rates, Reach, Trouble};
use crate::harness::Side;
use crate::part::between;
use crate::store::Condition;

/// Chance, and what it chooses from.
pub(super) struct Draw<'a> {
    pub(super) rng: fastrand::Rng,
    pub(super) policy: &'a Policy,
    pub(super) groups: usize,
    pub(super) replicas: usize,
    /// When the Region is lost, about.
    pub(super) from: Span,
    /// When nothing goes wrong any more.
    pub(super) heals: Span,
}

impl Draw<'_> {
    /// One in so many.
    pub(super) fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(0..n) == 0
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(0..of.len())].clone()
    }

    /// A length up to `most`, short ones more often than long ones.
    pub(super) fn length(&mut self, least: Span, most: Span) -> Span {
        let most = between(&mut self.rng, least, most.max(least));
        between(&mut self.rng, least, most)
    }

    /// Some instant of the safety phase.
    pub(super) fn instant(&mut self) -> Span {
        let last = Span(self.heals.as_millis() - 5_000);
        between(&mut self.rng, Span::mins(2), last)
    }

    /// A trouble at some instant, over before all is well.
    pub(super) fn spell(&mut self, least: Span, most: Span, trouble: Trouble) -> Happening {
        let from = self.instant();
        let lasts = self.length(least, most);
        self.fault(from, lasts, trouble)
    }

    /// A trouble, cut short where it would last into healing.
    pub(super) fn fault(&self, from: Span, lasts: Span, trouble: Trouble) -> Happening {
        let left = self.heals.as_millis().saturating_sub(from.as_millis());
        Happening::Fault { from, lasts: Span(lasts.as_millis().min(left)), trouble }
    }

    pub(super) fn region(&self, site: Site) -> Region {
        self.policy.site(site).scope.region.clone()
    }

    fn cluster(&mut self) -> Cluster {
        let site = self.one_of(&Site::BOTH);
        self.policy.site(site).cluster.clone()
    }

    fn seat(&mut self) -> usize {
        self.rng.usize(0..self.replicas)
    }

    fn site(&mut self) -> Site {
        self.one_of(&[Site::Home, Site::Home, Site::Standby])
    }

    /// A part of a Region is lost.
    pub(super) fn partial(&mut self, site: Site) -> Trouble {
        let region = self.region(site);
        match self.rng.u8(0..5) {
            0 => Trouble::TargetsDown(region),
            1 => Trouble::DatabaseDown(region),
            2 => Trouble::ApisDown(region),
            3 => {
                let api = self.api();
                Trouble::Cut { seat: None, from: Reach::Api(region, api) }
            }
            _ => Trouble::Cut { seat: None, from: Reach::Region(region) },
        }
    }

    fn api(&mut self) -> Api {
        self.one_of(&[Api::Kube, Api::Workloads, Api::Jobs, Api::Elb, Api::Rds, Api::CloudWatch])
    }

    /// How calls go wrong.
    pub(super) fn rates(&mut self) -> Trouble {
        let mut rate = |most: u16| match self.rng.bool() {
            true => self.rng.u16(0..=most),
            false => 0,
        };
        let rates = Rates {
            lost_before: rate(120),
            lost_after: rate(120),
            throttled: rate(150),
            transient: rate(150),
            refused: rate(80),
            twice: rate(100),
            copied: rate(60),
            delayed: rate(200),
            ..Rates::default()
        };
        let only_changes = self.one_in(3);
        // Up to what a signed request is good for, now and then.
        let most = if self.one_in(6) { Span::mins(4) } else { Span::secs(15) };
        let delay = self.length(Span::millis(200), most);
        Trouble::Calls(Rates { only_changes, delay, ..rates })
    }

    /// Reads that are behind.
    pub(super) fn stale(&mut self) -> Trouble {
        let region = self.one_of(&Site::BOTH);
        let region = self.region(region);
        let from = self.one_of(&[Reach::Dns, Reach::Region(region), Reach::Management]);
        Trouble::Stale { from, behind: self.length(Span::secs(1), Span::secs(40)) }
    }

    /// Something is out of reach, for all replicas or for one.
    pub(super) fn cut(&mut self) -> Trouble {
        let site = self.site();
        let (region, api) = (self.region(site), self.api());
        let from = self.one_of(&[
            Reach::Region(region.clone()),
            Reach::Region(region.clone()),
            Reach::Api(region, api),
            Reach::Management,
            Reach::Management,
            Reach::Dns,
            Reach::AllBeyond,
            Reach::All,
        ]);
        let seat = if self.one_in(3) { None } else { Some(self.seat()) };
        Trouble::Cut { seat, from }
    }

    /// Evidence that lies, or silence.
    pub(super) fn alarm(&mut self) -> Trouble {
        let site = self.site();
        let region = self.region(site);
        let mut lies = vec![
            Evidence::AlbTargets(region.clone()),
            Evidence::Http(region.clone()),
            Evidence::ClusterApi(region),
        ];
        lies.extend(self.check(site).map(Evidence::Route53Check));
        match self.one_in(5) {
            true => Trouble::Blind,
            false => Trouble::FalseAlarm(self.one_of(&lies)),
        }
    }

    fn check(&self, site: Site) -> Option<HealthCheckId> {
        let of = |probe: &Probe| match (probe, site) {
            (Probe::Route53Check { home, .. }, Site::Home) => Some(home.clone()),
            (Probe::Route53Check { standby, .. }, Site::Standby) => Some(standby.clone()),
            _ => None,
        };
        self.policy.health.signals.iter().find_map(|signal| of(&signal.probe))
    }

    pub(super) fn store(&mut self) -> Trouble {
        let conditions =
            [Condition::Full, Condition::Failing, Condition::Refusing, Condition::Frozen];
        Trouble::Store(self.one_of(&conditions))
    }

    /// EC2 has few nodes left, if there is a NodePool.
    pub(super) fn no_capacity(&mut self) -> Option<Trouble> {
        let cluster = self.policy.standby.cluster.clone();
        let pool = self.policy.capacity.pools.first()?.name.clone();
        let available = self.rng.u32(0..=6);
        Some(Trouble::NoCapacity { cluster, pool, available })
    }

    pub(super) fn gitops(&mut self) -> Trouble {
        let cluster = self.cluster();
        Trouble::GitOps { cluster, every: self.length(Span::secs(20), Span::mins(3)) }
    }

    /// Something goes wrong when a run comes to a step of one of these plans.
    pub(super) fn aim(&mut self, plans: &[Purpose]) -> Aim {
        let of = self.one_of(plans);
        let kinds: Vec<_> = kinds_in(of).filter(|kind| self.has(*kind)).collect();
        let at = self.one_of(&kinds);
        let group = self.rng.usize(0..self.groups);
        let (started, soon) = (self.rng.bool(), self.rng.bool());
        let after = if soon { self.rng.u64(0..300) } else { self.rng.u64(0..3_000) };
        let (harm, most) = match self.rng.u8(0..10) {
            0..3 => (Harm::Crash, Span::mins(2)),
            3 => (Harm::Pause, Span::mins(2)),
            4..7 => (Harm::Calls(self.storm()), Span::mins(2)),
            7 => (Harm::Silence, Span::mins(5)),
            8 => (Harm::SilenceAndCancel, Span::mins(1)),
            _ => {
                let wish = self.one_of(&[Wish::Cancel, Wish::Cancel, Wish::Approve]);
                (Harm::Say(wish), Span::ZERO)
            }
        };
        let (started, after) = match harm {
            // What its call is to meet must be there before it is sent.
            Harm::Calls(_) | Harm::Silence => (started && after > 1_000, after / 10),
            _ => (started, after),
        };
        let lasts = self.length(Span::secs(1), most);
        let (calls, ends) = (0, None);
        Aim { group, of, at, started, calls, ends, after: Span(after), lasts, harm }
    }

    /// Whether the policy's plans have steps of this kind.
    fn has(&self, kind: EffectKind) -> bool {
        let gates = matches!(self.policy.lever, Lever::Gates(_));
        match kind {
            EffectKind::Milestone => false,
            EffectKind::ClaimGate | EffectKind::Flip => gates,
            EffectKind::ClaimZone | EffectKind::Shift | EffectKind::Insync => !gates,
            _ => true,
        }
    }

    /// A human says what cannot be followed, or not now.
    pub(super) fn blunder(&mut self) -> Happening {
        let group = self.rng.usize(0..self.groups);
        let last = Span(self.heals.as_millis() - 5_000);
        let at = between(&mut self.rng, Span::secs(5), last);
        let wish = self.one_of(&[
            Wish::Nonsense,
            Wish::ImportNonsense,
            Wish::ApproveBlindly,
            Wish::ApproveBlindly,
            Wish::CancelBlindly,
            Wish::CancelBlindly,
            Wish::Arm,
            Wish::Failover { accept_loss: None },
            Wish::Switchover,
            Wish::Failback,
        ]);
        Happening::Wish { at, group, wish }
    }

    /// A human says something while nobody leads, for longer than it means anything.
    pub(super) fn unheard(&mut self) -> Vec<Happening> {
        let from = self.instant();
        let lasts = between(&mut self.rng, Span::mins(11), Span::mins(14));
        let gone = (0..self.replicas).map(|seat| self.fault(from, lasts, Trouble::Crashed(seat)));
        let mut all: Vec<_> = gone.collect();
        let group = self.rng.usize(0..self.groups);
        all.push(Happening::Wish { at: from + Span::secs(5), group, wish: Wish::Switchover });
        all
    }

    /// Somebody cancels a run when it comes to a step.
    pub(super) fn cancel(&mut self, group: usize, plans: &[Purpose]) -> Aim {
        let moves: Vec<_> = plans.iter().copied().filter(|of| *of != Purpose::Unwinding).collect();
        let aim = self.aim(&moves);
        Aim { group, harm: Harm::Say(Wish::Cancel), ..aim }
    }

    /// A human moves every group away, and some time later home, planned or as if standby failed.
    pub(super) fn planned(&mut self) -> Vec<Happening> {
        let away = between(&mut self.rng, Span::secs(200), Span::mins(5));
        let home = away + self.length(Span::mins(5), Span::mins(15));
        let back = match self.one_in(3) {
            true => Wish::Failover { accept_loss: Some(Span::mins(20)) },
            false => Wish::Failback,
        };
        let both = [(away, Wish::Switchover), (home, back)];
        let wish = |group| both.map(|(at, wish)| Happening::Wish { at, group, wish });
        (0..self.groups).flat_map(wish).collect()
    }

    /// Calls that change something go wrong more often than not.
    fn storm(&mut self) -> Rates {
        let mut rates = Rates { only_changes: true, delay: Span::secs(12), ..Rates::default() };
        let which = [
            &mut rates.lost_before,
            &mut rates.lost_after,
            &mut rates.throttled,
            &mut rates.transient,
            &mut rates.refused,
            &mut rates.delayed,
        ];
        let one = self.rng.usize(0..which.len());
        if let Some(rate) = which.into_iter().nth(one) {
            *rate = self.rng.u16(300..900);
        }
        rates
    }

    /// The leader dies in just the append of some record.
    pub(super) fn death(&mut self) -> Happening {
        let group = self.rng.usize(0..self.groups);
        let writing = self.one_of(RecordKind::ALL);
        let side = self.one_of(&[Side::Before, Side::After]);
        let lasts = self.length(Span::secs(1), Span::mins(2));
        Happening::Dies { group, writing, side, lasts }
    }

    /// A replica dies or stands still: some time, or when a chain has grown to some entry.
    pub(super) fn blow(&mut self, blow: Blow) -> Happening {
        let most = if blow == Blow::Crash { Span::mins(2) } else { Span::mins(5) };
        let lasts = self.length(Span::secs(1), most);
        if self.one_in(3) {
            let (from, seat) = (self.instant(), self.seat());
            let trouble = match blow {
                Blow::Crash => Trouble::Crashed(seat),
                Blow::Pause => Trouble::Paused(seat),
            };
            return self.fault(from, lasts, trouble);
        }
        let (group, entry) = (self.rng.usize(0..self.groups), self.rng.u64(2..90));
        // Nothing after an entry was stored its call is on its way; a little later it is back.
        let after = Span(self.one_of(&[0, 1, 5, 20, 60, 100, 150, 250, 400, 1_000, 5_000]));
        Happening::Strike { group, entry, after, lasts, blow }
    }

    /// A wall clock steps, or a monotonic one is slewed: by 500 millionths at most (NTP), and by
    /// more on a machine whose clock is wrong.
    pub(super) fn clock(&mut self) -> Happening {
        if self.rng.bool() {
            let ppm =
                self.one_of(&[100, 500, 5_000, 20_000]) * if self.rng.bool() { 1 } else { -1 };
            let seat = self.seat();
            return self.spell(Span::mins(2), Span::mins(40), Trouble::Drifts(seat, ppm));
        }
        let size = i64::try_from(self.length(Span::millis(50), Span::mins(2)).as_millis());
        let by_ms = size.unwrap_or(0) * if self.rng.bool() { 1 } else { -1 };
        let seat = self.seat();
        self.spell(Span::secs(5), Span::mins(10), Trouble::Skewed(seat, by_ms))
    }

    /// What a human wants, some time.
    pub(super) fn wish(&mut self) -> Vec<Happening> {
        let group = self.rng.usize(0..self.groups);
        let at = self.instant();
        let accept_loss = self.rng.bool().then_some(Span::mins(20));
        let wish = self.one_of(&[
            Wish::Failover { accept_loss },
            Wish::Failover { accept_loss },
            Wish::Switchover,
            Wish::Failback,
            Wish::Approve,
            Wish::Cancel,
            Wish::Cancel,
            Wish::Pause,
        ]);
        let mut wishes = vec![Happening::Wish { at, group, wish }];
        if wish == Wish::Pause && self.rng.bool() {
            let at = at + self.length(Span::secs(10), Span::mins(5));
            wishes.push(Happening::Wish { at, group, wish: Wish::Resume });
        }
        wishes
    }

    /// Somebody breaks the glass after the Region is lost, whatever the controller does.
    pub(super) fn glass(&mut self) -> Happening {
        let from = self.from + self.length(Span::secs(10), Span::mins(4));
        let export = between(&mut self.rng, Span::mins(4).min(from), from);
        let until = from + between(&mut self.rng, Span::mins(4), Span::mins(15));
        let import = until + self.length(Span::secs(30), Span::mins(5));
        let journal = self.rng.bool();
        Happening::Glass(Glass {
            export,
            journal,
            from,
            until,
            import,
            accept_loss: Span::mins(30),
        })
    }
}

/// The kinds of steps in plans for this.
fn kinds_in(of: Purpose) -> impl Iterator<Item = EffectKind> {
    let kind = move |cell: &Cell| match cell {
        Cell::Step(purpose, kind, End::Done) if *purpose == of => Some(*kind),
        _ => None,
    };
    universe().keys().filter_map(kind)
}
