//! Schedules: drawn alike, replayed alike, read back alike, and made small.

use bowline_core::health::Sign;
use bowline_core::model::{Region, Span};

use super::*;
use crate::faults::Trouble;

/// Where the digest of a schedule is asked for in another process.
const ASKED: &str = "BOWLINE_DIGEST_OF_SEED";

fn quick() -> Story {
    Story::quick().unwrap()
}

fn drawn(seed: u64) -> Schedule {
    generate(seed, &Faults::all(), &quick())
}

/// A schedule in which nothing happens but these.
fn only(events: Vec<Happening>) -> Schedule {
    let calm = generate(1, &Faults::none(), &quick());
    Schedule { events, heals: Span::mins(20), ..calm }
}

fn fault(from: Span, lasts: Span, trouble: Trouble) -> Happening {
    Happening::Fault { from, lasts, trouble }
}

fn home() -> Region {
    quick().policy.home.scope.region
}

fn good(schedule: &Schedule) -> Outcome {
    let outcome = play(schedule).unwrap();
    assert!(outcome.good(), "{:?}\n{}", outcome.broken, tell(schedule).unwrap());
    outcome
}

#[test]
fn a_lost_region_and_nothing_else_is_one_round_trip() {
    for seed in 0..3 {
        let outcome = good(&generate(seed, &Faults::none(), &quick()));
        assert_eq!((outcome.round_trips, outcome.moves), (1, 2), "{seed}");
    }
}

#[test]
fn l1_every_group_of_a_fleet_sees_everything() {
    // All look at the same instants when a replica starts: many times what it may send at once.
    let mut fleet = generate(1, &Faults::none(), &Story::swift().unwrap());
    (fleet.groups, fleet.events) = (30, Vec::new());
    let mut trial = Trial::new(&fleet).unwrap();
    let groups: Vec<_> = trial.groups().cloned().collect();
    for seconds in (240..600).step_by(7) {
        trial.simulation.run_until(trial.began() + Span::secs(seconds));
        let now = trial.simulation.now();
        for seat in 0..fleet.replicas {
            let node = trial.simulation.replica(seat).unwrap();
            for status in groups.iter().filter_map(|group| node.status(group, now)) {
                for site in &status.sites {
                    let signals =
                        site.signals.iter().filter(|s| !s.kind.outside() || node.leads(now.mono));
                    for signal in signals {
                        let told = format!("{seconds} s, {seat}, {}: {signal:?}", status.group);
                        assert_ne!(signal.sign, Sign::Unknown, "{told}");
                    }
                    assert_eq!(site.not_ready, [""; 0], "{seconds} s, {seat}, {}", status.group);
                }
            }
        }
    }
}

#[test]
fn a_schedule_is_its_seeds_and_nothing_else() {
    for seed in 0..200 {
        assert_eq!(drawn(seed), drawn(seed));
        assert_ne!(drawn(seed), Schedule { seed, ..drawn(seed + 1_000) });
    }
}

#[test]
fn nothing_that_goes_wrong_lasts_into_healing() {
    for seed in 0..500 {
        let schedule = drawn(seed);
        for event in &schedule.events {
            if let Happening::Fault { from, lasts, .. } = event {
                assert!(*from + *lasts <= schedule.heals, "{seed}: {event:?}");
            }
        }
    }
}

#[test]
fn every_kind_of_fault_is_drawn() {
    let all: Vec<_> = (0..400).map(drawn).collect();
    let text: String = all.iter().map(Schedule::to_json).collect();
    for word in [
        "regionDead",
        "targetsDown",
        "databaseDown",
        "apisDown",
        "regionsApart",
        "cut",
        "api",
        "workloads",
        "jobs",
        "dies",
        "falseAlarm",
        "blind",
        "calls",
        "stale",
        "crashed",
        "paused",
        "skewed",
        "drifts",
        "store",
        "noCapacity",
        "gitOps",
        "dnsOwned",
        "glass",
        "strike",
        "wish",
        "mySql",
    ] {
        assert!(text.contains(&format!("\"{word}\"")), "{word}");
    }
    assert!(all.iter().any(|schedule| schedule.groups == 3 && schedule.replicas == 2));
}

#[test]
fn a_file_gives_the_schedule_back() {
    for seed in 0..200 {
        let schedule = drawn(seed);
        assert_eq!(Schedule::from_json(&schedule.to_json()).unwrap(), schedule);
    }
    assert!(Schedule::from_json("{}").is_err());
}

#[test]
fn the_same_schedule_gives_the_same_log_and_another_seed_another() {
    let digest = |seed| play(&drawn(seed)).unwrap().digest;
    assert_eq!(digest(3), digest(3));
    assert_ne!(digest(3), digest(4));
}

/// Run by the test below in a process of its own.
#[test]
fn digest_for_another_process() {
    if let Some(seed) = std::env::var(ASKED).ok().and_then(|seed| seed.parse().ok()) {
        println!("digest {}", play(&drawn(seed)).unwrap().digest);
    }
}

#[test]
fn the_same_schedule_gives_the_same_log_in_another_process() {
    let own = std::env::current_exe().unwrap();
    let mut there = std::process::Command::new(own);
    there.args(["--exact", "campaign::tests::digest_for_another_process", "--nocapture"]);
    let told = there.env(ASKED, "6").output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let here = format!("digest {}", play(&drawn(6)).unwrap().digest);
    assert!(told.contains(&here), "{here} is not in {told}");
}

#[test]
fn made_small_is_the_fewest_and_shortest_that_still_fail() {
    let crash = |schedule: &Schedule| {
        schedule.events.iter().any(|event| match event {
            Happening::Fault { lasts, trouble: Trouble::Crashed(_), .. } => *lasts >= Span::secs(3),
            _ => false,
        })
    };
    let large = (0..2_000).map(drawn).find(|schedule| crash(schedule) && schedule.events.len() > 6);
    let shrunk = shrink(&large.unwrap(), 500, crash);
    let [Happening::Fault { lasts, .. }] = shrunk.schedule.events.as_slice() else {
        panic!("{:?}", shrunk.schedule.events)
    };
    assert!(*lasts < Span::secs(6), "{lasts}");
    assert!(crash(&shrunk.schedule) && shrunk.schedule.groups == 1);
}

#[test]
fn making_small_stops_when_it_may_try_no_more() {
    let mut asked = 0;
    let shrunk = shrink(&drawn(9), 5, |_| {
        asked += 1;
        false
    });
    assert_eq!((asked, shrunk.trials, shrunk.schedule), (5, 5, drawn(9)));
}

#[test]
fn a_trial_is_told_with_what_happened_and_what_was_done() {
    let lost = fault(Span::mins(5), Span::mins(6), Trouble::RegionDead(home()));
    let told = tell(&only(vec![lost])).unwrap();
    for words in ["RegionDead", "promote starts", "0 servers lead to home", "1 round trips"] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[test]
fn s10_a_replica_that_had_stopped_streaming_is_promoted_on_a_humans_word_only() {
    let events = vec![
        fault(Span::mins(3), Span::mins(17), Trouble::RegionsApart),
        fault(Span::mins(6), Span::mins(13), Trouble::RegionDead(home())),
    ];
    let alone = Schedule { on_call: None, ..only(events.clone()) };
    let told = tell(&alone).unwrap();
    let healing = told.find("over: RegionDead").unwrap();
    assert!(!told[..healing].contains("promote starts"), "{told}");
    let wish = Wish::Failover { accept_loss: Some(Span::mins(20)) };
    let mut helped = alone;
    helped.events.push(Happening::Wish { at: Span::mins(12), group: 0, wish });
    let told = tell(&helped).unwrap();
    let said = told.find("wants Some(Failover").unwrap();
    assert!(said < told.find("promote starts").unwrap(), "{told}");
    good(&helped);
}

#[test]
fn every_promise_holds_while_clocks_step() {
    let mut events = vec![fault(Span::mins(5), Span::mins(6), Trouble::RegionDead(home()))];
    for n in 0..12_u64 {
        let by = if n % 2 == 0 { 45_000 } else { -30_000 };
        let trouble = Trouble::Skewed(usize::from(n % 3 == 0), by);
        events.push(fault(Span::secs(240 + 60 * n), Span::secs(75), trouble));
    }
    assert_eq!(good(&only(events)).round_trips, 1);
}

/// A schedule that once broke a promise: it must hold now.
fn kept(text: &str) {
    good(&Schedule::from_json(text).unwrap());
}

macro_rules! kept {
    ($($test:ident: $file:literal,)*) => {$(
        #[test]
        fn $test() {
            kept(include_str!(concat!("../../campaigns/", $file, ".json")));
        }
    )*};
}

kept! {
    l1_a_run_that_goes_back_beside_another_s_claim_can_be_closed:
        "l1-a-run-that-goes-back-beside-another-s-claim-can-be-closed",
    l2_break_glass_prepares_anew_what_a_copied_journal_calls_prepared:
        "l2-break-glass-prepares-anew-what-a-copied-journal-calls-prepared",
    s4_a_decision_of_an_outage_is_not_followed_in_a_partition:
        "s4-a-decision-of-an-outage-is-not-followed-in-a-partition",
    s4_what_a_break_glass_process_does_is_not_the_controllers:
        "s4-what-a-break-glass-process-does-is-not-the-controllers",
    s10_what_one_journal_accepted_another_does_not_take_back:
        "s10-what-one-journal-accepted-another-does-not-take-back",
    l1_a_leader_that_cannot_read_its_chain_does_not_spin:
        "l1-a-leader-that-cannot-read-its-chain-does-not-spin",
    s4_a_failover_that_could_not_begin_is_decided_anew:
        "s4-a-failover-that-could-not-begin-is-decided-anew",
    s4_a_break_glass_process_moves_while_the_controller_prepares:
        "s4-a-break-glass-process-moves-while-the-controller-prepares",
    s4_a_lie_that_begins_before_recovery_is_seen_deceives:
        "s4-a-lie-that-begins-before-recovery-is-seen-deceives",
    s4_a_decision_that_the_store_held_up_is_not_followed_blindly:
        "s4-a-decision-that-the-store-held-up-is-not-followed-blindly",
    s1_a_promotion_that_was_begun_tells_where_its_journal_leads:
        "s1-a-promotion-that-was-begun-tells-where-its-journal-leads",
    s4_a_promotion_that_was_recorded_and_not_sent_is_not_made:
        "s4-a-promotion-that-was-recorded-and-not-sent-is-not-made",
    s4_who_takes_over_asks_outside_before_it_goes_on:
        "s4-who-takes-over-asks-outside-before-it-goes-on",
    s4_what_another_had_recorded_may_not_have_been_sent:
        "s4-what-another-had-recorded-may-not-have-been-sent",
    l2_a_writer_that_was_stopped_and_not_left_is_opened:
        "l2-a-writer-that-was-stopped-and-not-left-is-opened",
    s11_a_look_whose_record_the_store_held_up: "s11-a-look-whose-record-the-store-held-up",
    s4_an_outside_view_that_lies_while_calls_fail: "s4-an-outside-view-that-lies-while-calls-fail",
    s10_what_was_not_written_any_more_is_not_lost: "s10-what-was-not-written-any-more-is-not-lost",
    s1_no_door_is_opened_beside_another_s_claim: "s1-no-door-is-opened-beside-another-s-claim",
    l1_a_run_in_the_place_of_another_works_anew: "l1-a-run-in-the-place-of-another-works-anew",
    l2_a_member_that_is_being_made_is_no_target: "l2-a-member-that-is-being-made-is-no-target",
    s3_targets_that_fail_between_the_look_and_the_call:
        "s3-targets-that-fail-between-the-look-and-the-call",
    s3_targets_that_fail_while_the_call_is_under_way:
        "s3-targets-that-fail-while-the-call-is-under-way",
    s4_who_takes_over_watches_before_it_goes_on: "s4-who-takes-over-watches-before-it-goes-on",
    s10_who_leads_after_a_cut_looks_before_it_goes_on:
        "s10-who-leads-after-a-cut-looks-before-it-goes-on",
    s11_a_region_that_dies_after_the_last_look_by_a_fast_clock:
        "s11-a-region-that-dies-after-the-last-look-by-a-fast-clock",
    s10_who_was_cut_off_looks_before_it_goes_on: "s10-who-was-cut-off-looks-before-it-goes-on",
    s4_a_site_that_answers_again_is_looked_at_first:
        "s4-a-site-that-answers-again-is-looked-at-first",
    s8_who_was_ordered_away_counts_on_its_way_home:
        "s8-who-was-ordered-away-counts-on-its-way-home",
    s4_a_claim_is_no_beginning: "s4-a-claim-is-no-beginning",
    s10_a_yes_to_leave_a_site_that_serves_again_is_refused:
        "s10-a-yes-to-leave-a-site-that-serves-again-is-refused",
    s6_two_instances_of_one_name_are_promoted_once_each:
        "s6-two-instances-of-one-name-are-promoted-once-each",
    s6_a_promotion_that_never_arrived_leaves_no_room:
        "s6-a-promotion-that-never-arrived-leaves-no-room",
    s4_a_site_that_others_reach_again_is_not_left:
        "s4-a-site-that-others-reach-again-is-not-left",
    s4_a_record_that_the_store_refused_is_not_written_late:
        "s4-a-record-that-the-store-refused-is-not-written-late",
    s10_what_others_reach_again_is_not_left_behind:
        "s10-what-others-reach-again-is-not-left-behind",
    s10_what_was_only_prepared_is_not_gone_on_with:
        "s10-what-was-only-prepared-is-not-gone-on-with",
    s10_an_order_does_not_outlast_its_outage: "s10-an-order-does-not-outlast-its-outage",
    s4_what_was_recorded_and_not_sent_began_nothing:
        "s4-what-was-recorded-and-not-sent-began-nothing",
    s5_a_batch_of_the_dead_changes_nothing: "s5-a-batch-of-the-dead-changes-nothing",
    s4_who_takes_over_leaves_no_site_that_serves: "s4-who-takes-over-leaves-no-site-that-serves",
    s4_who_has_just_begun_to_watch_waits_until_it_can_tell:
        "s4-who-has-just-begun-to-watch-waits-until-it-can-tell",
    s4_nothing_that_users_notice_is_begun_in_doubt:
        "s4-nothing-that-users-notice-is-begun-in-doubt",
    s10_what_bowline_alone_did_not_see_dates_no_fault:
        "s10-what-bowline-alone-did-not-see-dates-no-fault",
    s10_a_yes_to_leave_a_site_that_is_reached_from_outside_is_refused:
        "s10-a-yes-to-leave-a-site-that-is-reached-from-outside-is-refused",
    s10_what_a_writer_took_that_was_left_is_not_lost_twice:
        "s10-what-a-writer-took-that-was-left-is-not-lost-twice",
    s9_every_group_of_many_sees_its_check: "s9-every-group-of-many-sees-its-check",
    s7_a_door_that_is_about_to_close_is_not_taken_for_open:
        "s7-a-door-that-is-about-to-close-is-not-taken-for-open",
    l1_a_run_that_is_overdue_again_asks_again: "l1-a-run-that-is-overdue-again-asks-again",
    l2_a_failback_cancelled_after_its_rename_can_be_begun_again:
        "l2-a-failback-cancelled-after-its-rename-can-be-begun-again",
    s10_a_fault_that_is_over_dates_no_other: "s10-a-fault-that-is-over-dates-no-other",
    s8_weak_evidence_does_not_open_the_block_window:
        "s8-weak-evidence-does-not-open-the-block-window",
    s2_what_a_run_prepared_elsewhere_is_looked_at_again:
        "s2-what-a-run-prepared-elsewhere-is-looked-at-again",
    s10_a_promotion_is_judged_by_the_journal_that_tells_of_it:
        "s10-a-promotion-is-judged-by-the-journal-that-tells-of-it",
    s7_a_late_call_takes_no_hold_that_was_let_go: "s7-a-late-call-takes-no-hold-that-was-let-go",
    l1_a_move_that_both_went_on_with_is_over: "l1-a-move-that-both-went-on-with-is-over",
    l2_a_standby_that_is_gone_is_made_anew_by_a_switchover:
        "l2-a-standby-that-is-gone-is-made-anew-by-a-switchover",
    s8_the_last_group_to_recover_does_not_leave_by_itself:
        "s8-the-last-group-to-recover-does-not-leave-by-itself",
    s7_a_break_glass_journal_beside_a_takeover_is_imported:
        "s7-a-break-glass-journal-beside-a-takeover-is-imported",
    l2_a_failover_to_home_makes_a_standby_again: "l2-a-failover-to-home-makes-a-standby-again",
    l1_an_idle_postgresql_source_is_near: "l1-an-idle-postgresql-source-is-near",
    l2_a_replica_that_a_cancelled_run_was_making_is_taken_over:
        "l2-a-replica-that-a-cancelled-run-was-making-is-taken-over",
    s4_a_blip_of_the_outside_check_during_a_partition_moves_nothing:
        "s4-a-blip-of-the-outside-check-during-a-partition-moves-nothing",
    l1_a_break_glass_process_goes_on_with_no_copied_run:
        "l1-a-break-glass-process-goes-on-with-no-copied-run",
    l1_a_committed_run_goes_on_beside_a_break_glass_journal:
        "l1-a-committed-run-goes-on-beside-a-break-glass-journal",
    l1_a_renamed_old_writer_is_not_to_be_stopped: "l1-a-renamed-old-writer-is-not-to-be-stopped",
    l2_a_renamed_instance_is_not_held: "l2-a-renamed-instance-is-not-held",
    l2_a_standby_whose_instance_is_gone_is_no_target:
        "l2-a-standby-whose-instance-is-gone-is-no-target",
    l2_nothing_that_could_be_promoted_is_no_failover:
        "l2-nothing-that-could-be-promoted-is-no-failover",
    l2_what_a_cancelled_run_left_behind_is_released_at_peace:
        "l2-what-a-cancelled-run-left-behind-is-released-at-peace",
    s1_a_move_that_a_break_glass_process_made_stands:
        "s1-a-move-that-a-break-glass-process-made-stands",
    s1_the_writer_that_was_left_is_no_target: "s1-the-writer-that-was-left-is-no-target",
    s10_a_copied_switchover_is_not_gone_on_with: "s10-a-copied-switchover-is-not-gone-on-with",
    s10_evidence_from_between_two_outages_comes_late:
        "s10-evidence-from-between-two-outages-comes-late",
    s4_a_plan_that_asks_moves_nothing: "s4-a-plan-that-asks-moves-nothing",
    s6_a_promotion_found_done_is_the_point_of_no_return:
        "s6-a-promotion-found-done-is-the-point-of-no-return",
    s7_a_stale_view_does_not_let_go: "s7-a-stale-view-does-not-let-go",
    s7_the_claim_of_a_process_is_passed_before_its_journal_is_imported:
        "s7-the-claim-of-a-process-is-passed-before-its-journal-is-imported",
    s7_two_runs_may_have_one_name: "s7-two-runs-may-have-one-name",
    s1_the_restart_of_a_region_that_comes_back_confirms_no_fence:
        "s1-the-restart-of-a-region-that-comes-back-confirms-no-fence",
    s10_a_loss_is_accepted_for_the_run_that_begins_in_place_of_another:
        "s10-a-loss-is-accepted-for-the-run-that-begins-in-place-of-another",
    s1_a_server_is_told_late_of_what_was_put_back:
        "s1-a-server-is-told-late-of-what-was-put-back",
    l2_another_group_lets_a_shared_pool_go_later: "l2-another-group-lets-a-shared-pool-go-later",
    l2_a_run_that_would_promote_what_was_renamed_ends_by_a_word:
        "l2-a-run-that-would-promote-what-was-renamed-ends-by-a-word",
    s1_a_low_claim_at_the_lever_is_somebody_else_s:
        "s1-a-low-claim-at-the-lever-is-somebody-else-s",
    s1_a_journal_that_promoted_what_was_replaced_leads_nowhere:
        "s1-a-journal-that-promoted-what-was-replaced-leads-nowhere",
    s11_a_database_that_dies_after_the_last_look: "s11-a-database-that-dies-after-the-last-look",
    s11_targets_that_fail_again_after_the_last_look:
        "s11-targets-that-fail-again-after-the-last-look",
    s11_a_region_that_dies_after_the_last_look: "s11-a-region-that-dies-after-the-last-look",
    s9_nothing_is_promoted_in_a_region_that_is_lost:
        "s9-nothing-is-promoted-in-a-region-that-is-lost",
    l1_two_authorities_moved_to_opposite_sites: "l1-two-authorities-moved-to-opposite-sites",
    l2_our_move_that_stands_by_a_word_starts_home_again:
        "l2-our-move-that-stands-by-a-word-starts-home-again",
    l2_what_somebody_else_stopped_at_home_is_let_go:
        "l2-what-somebody-else-stopped-at-home-is-let-go",
    l2_an_import_brings_the_facts_beside_the_journal:
        "l2-an-import-brings-the-facts-beside-the-journal",
    l2_what_an_imported_run_holds_at_home_is_released:
        "l2-what-an-imported-run-holds-at-home-is-released",
    l2_a_door_that_a_break_glass_process_closed_is_no_peacetime_fact:
        "l2-a-door-that-a-break-glass-process-closed-is-no-peacetime-fact",
    l2_a_door_that_was_closed_a_moment_ago_is_no_fact:
        "l2-a-door-that-was-closed-a-moment-ago-is-no-fact",
    s1_the_writer_that_was_left_is_no_target_for_who_cannot_look:
        "s1-the-writer-that-was-left-is-no-target-for-who-cannot-look",
    s10_a_run_opened_by_a_slow_clock_lost_nothing_from_before:
        "s10-a-run-opened-by-a-slow-clock-lost-nothing-from-before",
    s4_a_plan_whose_maker_is_dead_is_decided_anew: "s4-a-plan-whose-maker-is-dead-is-decided-anew",
    l2_an_old_writer_that_lost_its_name_need_not_be_stopped:
        "l2-an-old-writer-that-lost-its-name-need-not-be-stopped",
    l2_the_door_of_the_writer_that_a_run_leads_to_is_opened:
        "l2-the-door-of-the-writer-that-a-run-leads-to-is-opened",
    l2_what_was_done_under_an_older_claim_is_no_fact:
        "l2-what-was-done-under-an-older-claim-is-no-fact",
    l2_a_run_that_prepares_gives_way_to_what_is_held_at_home:
        "l2-a-run-that-prepares-gives-way-to-what-is-held-at-home",
    l2_who_writes_the_sets_at_peace_leads_users: "l2-who-writes-the-sets-at-peace-leads-users",
    s3_traffic_does_not_move_to_a_front_that_stopped_serving:
        "s3-traffic-does-not-move-to-a-front-that-stopped-serving",
    s3_what_somebody_else_takes_away_a_moment_before_the_shift:
        "s3-what-somebody-else-takes-away-a-moment-before-the-shift",
    s8_a_window_is_counted_from_the_record: "s8-a-window-is-counted-from-the-record",
    s8_one_group_that_leaves_twice_is_one: "s8-one-group-that-leaves-twice-is-one",
    s11_what_somebody_else_takes_away_after_the_move:
        "s11-what-somebody-else-takes-away-after-the-move",
    s2_what_somebody_else_takes_away_a_moment_before_the_shift:
        "s2-what-somebody-else-takes-away-a-moment-before-the-shift",
}

/// The schedules of a folder of `sim`, by name.
pub(crate) fn files(folder: &str) -> Vec<(String, String)> {
    let folder = format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"));
    let found = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let schedules = found.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let read = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(&path).unwrap())
    };
    schedules.map(read).collect()
}

#[test]
fn every_schedule_that_is_kept_is_played_above() {
    let source = include_str!("tests.rs");
    let kept = files("campaigns");
    assert!(kept.len() >= 3);
    for (name, _) in kept {
        assert!(source.contains(&format!("\"{name}\",")), "{name}");
    }
}

/// What is made small may hold by another rule than the trial that it was made of.
#[test]
fn every_trial_that_broke_a_promise_holds_unshrunk() {
    let trials = include_str!("../../campaigns/unshrunk.jsonl");
    assert!(trials.lines().count() > 90);
    for trial in trials.lines() {
        let schedule = Schedule::from_json(trial).unwrap();
        assert_eq!(serde_json::to_string(&schedule).unwrap(), trial);
        let outcome = play(&schedule).unwrap();
        assert!(outcome.good(), "{}: {:?}", schedule.seed, outcome.broken);
    }
}

#[test]
fn every_promise_holds_under_all_faults() {
    for story in [quick(), Story::brisk().unwrap()] {
        for seed in 0..40 {
            let schedule = generate(seed, &Faults::all(), &story);
            let outcome = play(&schedule).unwrap();
            assert!(outcome.good(), "{seed}: {:?}\n{}", outcome.broken, schedule.to_json());
        }
    }
}
