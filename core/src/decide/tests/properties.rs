//! What holds for every situation there can be.

use proptest::prelude::*;

use super::*;

fn answers() -> impl Strategy<Value = Answer3> {
    prop_oneof![Just(Answer3::Yes), Just(Answer3::No), Just(Answer3::Unknown)]
}

fn sites() -> impl Strategy<Value = Site> {
    prop_oneof![Just(Site::Home), Just(Site::Standby)]
}

fn modes() -> impl Strategy<Value = Modes> {
    let one = || {
        prop_oneof![
            3 => Just(Mode::Automatic),
            1 => Just(Mode::Approve),
            1 => Just(Mode::Manual),
            1 => Just(Mode::Observe),
        ]
    };
    (one(), one(), one()).prop_map(|(failover, failback, prewarm)| Modes {
        failover,
        failback,
        prewarm,
    })
}

fn servings() -> impl Strategy<Value = Serving> {
    let sign = prop_oneof![Just(Sign::Up), Just(Sign::Down), Just(Sign::Unknown)];
    let veto = prop_oneof![Just(Veto::Outside), Just(Veto::Progress)];
    (answers(), prop::option::weighted(0.9, sign), prop::option::weighted(0.3, veto), any::<bool>())
        .prop_map(|(verdict, outside, veto, suspect)| Serving {
            outside,
            outside_lasts: outside == Some(Sign::Down),
            veto,
            suspect: suspect.then(suspicion),
            ..serving(verdict)
        })
}

fn isolations() -> impl Strategy<Value = Isolation> {
    prop_oneof![
        4 => Just(Isolation::Connected),
        1 => Just(Isolation::Isolated),
        1 => Just(Isolation::JustBack),
        1 => sites().prop_map(Isolation::Partitioned),
    ]
}

fn grades() -> impl Strategy<Value = EvidenceGrade> {
    prop_oneof![
        4 => Just(EvidenceGrade::Good),
        1 => Just(EvidenceGrade::NoDatabase),
        1 => Just(EvidenceGrade::Stale),
        1 => Just(EvidenceGrade::Missing),
        1 => Just(EvidenceGrade::NotStreaming),
        1 => Just(EvidenceGrade::LagTooHigh),
    ]
}

fn runs() -> impl Strategy<Value = OpenRun> {
    prop_oneof![4 => Just(OpenRun::None), 1 => Just(OpenRun::Prewarm), 1 => Just(OpenRun::Planned)]
}

/// `true` seldom enough that a situation with nothing in the way comes up often.
fn seldom() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.15)
}

prop_compose! {
    fn seen()(
        serving in servings(),
        ready in prop_oneof![3 => Just(Answer3::Yes), 1 => answers()],
        ready_for in 0u64..1_200_000,
        isolation in isolations(),
        evidence in grades(),
        active in sites(),
    ) -> Situation<'static> {
        let ready_for = Span::millis(ready_for);
        Situation { serving, ready, ready_for, isolation, evidence, active, ..peace() }
    }
}

prop_compose! {
    fn situations()(
        seen in seen(),
        modes in modes(),
        run in runs(),
        flags in prop::array::uniform6(seldom()),
        quarantine in prop::option::weighted(0.15, sites()),
        obligations in prop_oneof![4 => Just(0u32), 1 => 1u32..3],
        last in prop::option::weighted(0.3, -1_000_000i64..10_000_000),
    ) -> Situation<'static> {
        let [unarmed, paused, never, foreign_claim, switched_over, failback_undone] = flags;
        Situation {
            modes,
            run,
            armed: !unarmed,
            paused,
            home_has_served: !never,
            foreign_claim,
            switched_over,
            failback_undone,
            quarantine,
            obligations,
            last_failover: last.map(|ago| Wall(NOON.0 - ago)),
            ..seen
        }
    }
}

/// Whether a decision starts something that was not under way.
fn starts(decision: &Decision) -> bool {
    matches!(decision, Decision::Prewarm | Decision::FailOver | Decision::FailBack)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn s4_failover_is_decided_or_asked_for_only_on_a_no(s in situations()) {
        let about = match decide(&s) {
            Decision::FailOver => true,
            Decision::AskHuman(ask) => ask.action == Action::Failover,
            _ => false,
        };
        prop_assert!(!about || s.serving.verdict == Answer3::No);
    }

    #[test]
    fn s4_nothing_starts_or_is_asked_while_bowline_may_be_the_one_cut_off(s in situations()) {
        if s.isolation.holds() {
            prop_assert!(matches!(decide(&s), Decision::Hold(_)));
        }
    }

    #[test]
    fn s5_nothing_starts_beside_an_open_run_or_a_foreign_claim(s in situations()) {
        if s.foreign_claim || s.run == OpenRun::Planned {
            prop_assert!(matches!(decide(&s), Decision::Hold(_)));
        }
    }

    #[test]
    fn a_pause_stops_every_start_and_every_ask(s in situations()) {
        let paused = Situation { paused: true, ..s };
        prop_assert!(matches!(decide(&paused), Decision::Hold(_)));
    }

    #[test]
    fn an_automatic_failover_has_nothing_in_its_way(s in situations()) {
        if decide(&s) == Decision::FailOver {
            prop_assert_eq!(s.modes.failover, Mode::Automatic);
            prop_assert_eq!(s.serving.verdict, Answer3::No);
            prop_assert!(s.serving.outside_down());
            prop_assert_eq!(s.ready, Answer3::Yes);
            prop_assert!(s.armed && s.home_has_served && !s.paused && !s.foreign_claim);
            prop_assert!(s.evidence.suffices());
            prop_assert!(s.quarantine != Some(s.active.other()));
            let until = s.last_failover.map(|at| at + s.block_after_failover);
            prop_assert!(until.is_none_or(|until| s.now >= until));
        }
    }

    #[test]
    fn a_failback_has_nothing_in_its_way(s in situations()) {
        if decide(&s) == Decision::FailBack {
            prop_assert_eq!(s.modes.failback, Mode::Automatic);
            prop_assert_eq!((s.active, s.serving.verdict), (Site::Standby, Answer3::Yes));
            prop_assert_eq!(s.ready, Answer3::Yes);
            prop_assert!(s.ready_for >= s.stable_for);
            prop_assert!(s.quarantine.is_none() && s.obligations == 0);
            prop_assert!(!s.switched_over && !s.failback_undone);
        }
    }

    #[test]
    fn s3_with_no_site_able_to_serve_everything_stays(s in situations()) {
        if s.ready == Answer3::No {
            prop_assert!(!starts(&decide(&s)));
            prop_assert!(!matches!(decide(&s), Decision::AskHuman(_)));
        }
    }

    #[test]
    fn prewarm_is_decided_only_for_a_suspect_home(s in situations()) {
        if decide(&s) == Decision::Prewarm {
            prop_assert!(s.serving.suspect.is_some() && s.serving.veto.is_none());
            prop_assert_eq!((s.active, s.run), (Site::Home, OpenRun::None));
        }
    }

    #[test]
    fn what_is_held_is_not_freed_by_more_automation_nor_more_trust(s in situations()) {
        let modes = |mode| Modes { failover: mode, failback: mode, prewarm: mode };
        let automatic = decide(&Situation { modes: modes(Mode::Automatic), ..s.clone() });
        for mode in [Mode::Approve, Mode::Manual, Mode::Observe] {
            let decision = decide(&Situation { modes: modes(mode), ..s.clone() });
            prop_assert!(!starts(&decision), "{mode:?} never starts anything: {decision:?}");
            if let Decision::Hold(_) = &automatic {
                prop_assert_eq!(&decision, &automatic, "a mode does not change why it is held");
            }
        }
    }

    #[test]
    fn standing_down_needs_a_proven_yes(s in situations()) {
        if decide(&s) == Decision::StandDown {
            prop_assert_eq!((s.serving.verdict, s.run), (Answer3::Yes, OpenRun::Prewarm));
        }
    }

    #[test]
    fn every_decision_has_a_sentence(s in situations()) {
        let group = crate::model::GroupName::new("shop");
        prop_assert!(words::decision(&decide(&s), &group).len() > 10);
    }
}
