//! Deliberate bugs: mistakes that an engineer could make, built in to show that the proof would
//! notice them. `cargo xtask mutants` switches on one after the other, plays stories, and insists
//! that the oracle finds the promise broken that the bug is listed under.
//!
//! They exist only with the cargo feature `bugs`, which no package of the workspace turns on. What
//! ships is compiled without it, and there [`on`] is a constant `false`.
//!
//! ```text
//! if bugs::on(Bug::NoConfirm) || now >= confirmed_at { … }
//! ```

/// Declares the bugs, each with the promise that it breaks.
macro_rules! bugs {
    ($($promise:literal: $($(#[doc = $doc:literal])+ $name:ident,)+;)+) => {
        /// A mistake.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Bug {
            $($($(#[doc = $doc])+ $name,)+)+
        }

        impl Bug {
            /// All of them.
            pub const ALL: &'static [Self] = &[$($(Self::$name,)+)+];

            /// The promise that must be seen broken while it is there.
            #[must_use]
            pub const fn promise(self) -> &'static str {
                match self {
                    $($(Self::$name => $promise,)+)+
                }
            }

            /// What the mistake is.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self {
                    $($(Self::$name => concat!($($doc),+),)+)+
                }
            }
        }
    };
}

bugs! {
    "S1":
    /// The fence is confirmed by the closed security group alone, though connections that are
    /// tracked survive it.
    FenceWithoutRestart,
    /// The fence is a restart alone: the door stays open, and clients come back.
    FenceWithoutClosing,
    /// A fence that was not confirmed in its time is recorded as done: silence is taken for a dead
    /// writer.
    TimeoutIsAFence,
    /// The passive site's records keep their own health check, so Route 53 fails back by itself
    /// (field: no damping, no latch).
    NoLatch,
    /// The shift exchanges health checks and leaves the roles, so "both unhealthy" answers the site
    /// that was left.
    RolesStay,
    /// A restart from before the door was seen shut confirms the fence, if the replica's own clock
    /// puts it later: a Region that comes back restarts its instances by itself.
    EarlierRestartFences,
    /// A claim at the lever is nobody else's unless it is above our own: of two that know nothing
    /// of each other, the lower one may have moved the traffic.
    LowClaimIsOurs,
    /// The journal of another process is taken in although the instance that it promoted was
    /// replaced here.
    ReplacedIsTheSame,
    /// Of a journal that began a promotion, and tells of no end of it, the old writer counts as
    /// true.
    OnlyTheDoneLeads,
    /// An instance without a source was promoted, whoever stopped it: what was written since it was
    /// left is dropped.
    LeftWriterIsPromoted,
    /// The way home leaves standby's writer as it is, neither silenced nor closed nor restarted,
    /// and no lint sees it.
    NoFenceOnTheWayHome,
    /// A planned move leads traffic to the site that gains it before the other one is closed, and
    /// no lint sees it.
    OpensBeforeClosing,
    /// A door is opened again by who does not look whether somebody else has claimed, and acts.
    DoorsKnowNoClaims,
    /// A run may be unwound although the promotion's start was recorded: people shoot a healthy
    /// switchover (field: Patroni).
    UnwindAfterStarted,
    ;
    "S2":
    /// The first `available` after the call is taken for the end of the promotion (field).
    FirstAvailableIsDone,
    /// Pods that were asked for count as ready.
    ReadyCountsAsked,
    /// The share of ready pods is judged over all workloads together.
    MinimumOverAll,
    /// Traffic moves to what was seen to be ready a while ago, and is looked at no more.
    ShiftsOnOldLooks,
    ;
    "S3":
    /// The records are deleted in one batch and created in the next.
    TwoBatches,
    /// Any HTTP answer through the gaining load balancer opens the site, its own 503 too.
    FrontTakesAnyAnswer,
    ;
    "S4":
    /// An API that does not answer counts as a bad sample: unknown is down (field: Karmada).
    SilenceIsDown,
    /// The confirm time is skipped: a stall that is over before moves the application (field:
    /// GitHub).
    NoConfirm,
    /// An automatic failover needs no view from outside Bowline's own network.
    OwnEyesSuffice,
    /// What was seen of a site that a switchover silenced counts against it when that was undone.
    OwnSilenceIsDown,
    /// What was decided is done, however long the store held its record up, and whoever decided
    /// it.
    OldDecisionsStand,
    /// A claim is the first step of a move: from then on what was decided is not looked at again.
    ClaimsBegin,
    /// Who takes over a failover goes on with it, though the site that it is to leave serves.
    TakesOverBlindly,
    /// What users notice is begun though it is not to be said, just then, whether they are served.
    BeginsInDoubt,
    /// A site that was silent and answers is fenced at once, before anybody has looked at it.
    SilentStayDead,
    /// Who takes over a failover that was begun goes on before it has watched for long enough to
    /// say whether users are served.
    HeirsNeedNotWatch,
    /// Who takes a failover over does not ask outside whether the site is reached, before it goes
    /// on.
    HeirsAskNobody,
    /// What another replica had recorded when it was taken over was sent, and users noticed it.
    HeirsBeganIt,
    /// That users are served again is seen by Bowline's own eyes alone, though it is cut off.
    OwnEyesSeeUsers,
    /// What the store has refused for minutes is written all the same when it takes writes again.
    RefusedRecordsStand,
    /// A call that was recorded was sent, though its record came too late, or to one who did not
    /// lead any more.
    RecordedIsSent,
    /// A promotion whose record was accepted too late to be sent is made all the same.
    UnsentIsForGood,
    /// A group that was never armed is moved like any other (field: Keycloak).
    Unarmed,
    /// Prewarm starts the workloads that need the writer, consumers among them.
    PrewarmStartsConsumers,
    ;
    "S5":
    /// The lease is judged by the wall clock that its holder wrote into it (field: kubert).
    LeaseByWallClock,
    /// A leader that cannot renew goes on leading (field: kube-lease-manager).
    NeverStopsLeading,
    /// Who takes a run over acts under the claim that it finds (field: Orchestrator's timer-based
    /// lock).
    TakeoverWithoutEpoch,
    /// A newer claim found in a zone's fence record is overwritten: reread and retry.
    ZoneClaimOverruled,
    /// A batch says UPSERT where it ought to name what was read: Route 53 takes it whatever has
    /// changed since.
    Upserts,
    /// A newer claim found in a cluster's `ConfigMap` is overwritten.
    ClusterClaimOverruled,
    /// A newer claim found on a held object is overwritten under the resourceVersion just read.
    HoldClaimOverruled,
    ;
    "S6":
    /// A call that failed is sent again before anybody looked: a time-out is a failure.
    BlindRetry,
    /// Who takes a run over repeats the last recorded call (field: recoveries ran twice).
    TakeoverRepeats,
    ;
    "S7":
    /// A call leaves together with its record, not after it was accepted.
    ActBeforeRecord,
    /// A reply that comes after its deadline is taken for the answer to what is asked by then.
    LateAnswers,
    /// Holds are taken and not written down.
    ForgetsHolds,
    /// Releasing a shared NodePool restores it although another group holds it.
    ReleaseForgetsOthers,
    /// A door that is seen open for half a minute is let go of, though nobody knows what became of
    /// the call that closes it.
    TrustsAnOpenDoor,
    /// What a cache shows to be free is let go, however old the view.
    StaleViewLetsGo,
    ;
    "S8":
    /// The block window after an automatic failover is not looked at.
    NoBlockWindow,
    /// A way home that was undone when users had felt it is begun again by itself, outage upon
    /// outage.
    FailsBackAgain,
    /// Each group is moved on its own evidence: nobody sees that the whole Region went.
    EachGroupAlone,
    /// A group that a human moved out of a Region event counts no more.
    OrdersDoNotCount,
    ;
    "S9":
    /// The fence at the failed site may take ten minutes.
    WaitsForTheDead,
    /// The failover needs the failed site's claim (field: Ramen, hours for a bucket there).
    NeedsTheDead,
    /// A call may take two minutes, whatever it calls.
    LongCalls,
    /// All groups ask for check statuses at once, and one that is over the quota told nothing.
    QuotaIsSilence,
    ;
    "S10":
    /// A failover that a human ordered during an outage is begun when the outage is over.
    OrdersOutlastTheOutage,
    /// Who was cut off goes on with a failover as soon as anything answers, though users may have
    /// been served meanwhile.
    BackIsAware,
    /// A failover that has begun to prepare standby goes on, though others reach the site that it
    /// leaves again.
    PreparedIsBegun,
    /// The newest sample of replication is the evidence, were it from after the fault.
    LaterSampleIsEvidence,
    /// A replica whose lag is small need not have been streaming (field: a table lost).
    RunningIsStreaming,
    /// How far behind the replica was is not compared with `maxLag`.
    LagUnlimited,
    /// The replica was near before the writer fell silent: nobody asks again past q.
    NearIsCaughtUp,
    /// Nobody answered within ten minutes: that is a yes.
    SilenceIsConsent,
    /// What a run prepared for half an hour ago is the fault that a new outage is judged by.
    OldFaultDatesTheNew,
    /// A yes that is said late counts, though the site that it is to leave serves again.
    LateYesStands,
    /// What Bowline alone did not see, cut off as it was, dates the fault that came later.
    OwnEyesDateTheFault,
    ;
    "S11":
    /// The move is over when the batch was sent, whatever became of it (field: linkerd-failover).
    SentIsMoved,
    /// Any HTTP status proves that the site serves.
    AnyStatusServes,
    ;
    "L1":
    /// A run that another replica claimed is left to it (field: Orchestrator, an hour's wait).
    NoTakeover,
    /// The lease's machine stops for good at the first renewal that is not answered (field: a lease
    /// task died, the pod stayed ready).
    LeaseTaskDies,
    /// The lag of an idle PostgreSQL source is taken for a replica that is behind.
    IdleIsBehind,
    ;
    "L2":
    /// The standby's NodePool stays open after the way home (field: ten idle pods, eight nodes).
    NeverScalesDown,
    /// The standby's member is not rebuilt after the way home.
    StandbyNotRebuilt,
    /// The way home does not end armed.
    NotRearmed,
    ;
}

/// Whether bugs are compiled in at all. Never in what ships: `src/lib.rs` refuses to be compiled
/// with them.
pub const COMPILED: bool = cfg!(feature = "bugs");

/// Whether a bug is there: never.
#[cfg(not(feature = "bugs"))]
#[inline]
#[must_use]
pub const fn on(_: Bug) -> bool {
    false
}

#[cfg(feature = "bugs")]
pub use chosen::{choose, on};

#[cfg(feature = "bugs")]
mod chosen {
    use std::cell::Cell;

    use super::Bug;

    std::thread_local! {
        static CHOSEN: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Puts a bug in, or takes it out, for everything that runs in this thread from now on.
    pub fn choose(bug: Option<Bug>) {
        CHOSEN.set(bug);
    }

    /// Whether a bug is there.
    #[must_use]
    pub fn on(bug: Bug) -> bool {
        CHOSEN.get() == Some(bug)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promise_has_two_bugs_at_least() {
        for promise in
            ["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "L1", "L2"]
        {
            let bugs = Bug::ALL.iter().filter(|bug| bug.promise() == promise);
            assert!(bugs.count() >= 2, "{promise}");
        }
        assert!(Bug::ALL.iter().all(|bug| bug.about().len() > 20));
    }

    #[cfg(not(feature = "bugs"))]
    #[test]
    fn without_the_feature_no_bug_is_there_and_the_compiler_knows() {
        const NONE: bool = {
            let mut index = 0;
            while index < Bug::ALL.len() {
                assert!(!on(Bug::ALL[index]));
                index += 1;
            }
            !COMPILED
        };
        const { assert!(NONE) };
    }
}
