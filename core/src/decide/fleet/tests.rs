//! What many groups together change about the decision of each.

use super::*;
use crate::decide::reason::HoldWhy;

const NOW: Wall = Wall(1_000_000_000);

fn asks(why: AskWhy) -> Decision {
    Decision::AskHuman(Ask { action: Action::Failover, why })
}

fn member(group: &str, region: &str, decision: Decision) -> Member {
    let trouble =
        matches!(decision, Decision::FailOver | Decision::Prewarm | Decision::AskHuman(_));
    Member {
        group: GroupName::new(group),
        region: Region::new(region),
        decision,
        trouble: trouble.then_some(NOW - Span::secs(60)),
        recovered: None,
    }
}

fn judged(members: Vec<Member>, state: &FleetState) -> (Vec<Decision>, Vec<String>) {
    let found = fleet(NOW, members, state, &FleetRules::default());
    let decisions = found.decisions.into_iter().map(|(_, decision)| decision).collect();
    let events = found.events.iter().map(|event| {
        let groups: Vec<_> = event.groups.iter().map(GroupName::as_str).collect();
        format!("{}: {}", event.region, groups.join(" "))
    });
    (decisions, events.collect())
}

fn calm() -> FleetState {
    FleetState::default()
}

fn region_event() -> Decision {
    Decision::Hold(HoldWhy::RegionEvent(Region::new("west")))
}

#[test]
fn one_or_two_groups_move_by_themselves() {
    for count in 1..=2 {
        let names = ["a", "b"];
        let members = names[..count].iter().map(|n| member(n, "west", Decision::FailOver));
        let (decisions, events) = judged(members.collect(), &FleetState::default());
        assert_eq!(decisions, vec![Decision::FailOver; count]);
        assert!(events.is_empty());
    }
}

#[test]
fn s8_three_groups_of_one_region_ask_once_for_all() {
    let members = ["a", "b", "c"].map(|name| member(name, "west", Decision::FailOver));
    let (decisions, events) = judged(members.to_vec(), &FleetState::default());
    assert_eq!(decisions, vec![region_event(); 3]);
    assert_eq!(events, ["west: a b c"]);
}

#[test]
fn s8_suspects_count_so_the_first_to_be_confirmed_does_not_run_away() {
    let members = vec![
        member("a", "west", Decision::FailOver),
        member("b", "west", Decision::Prewarm),
        member("c", "west", Decision::Prewarm),
    ];
    let (decisions, events) = judged(members, &FleetState::default());
    assert_eq!(decisions, [region_event(), Decision::Prewarm, Decision::Prewarm]);
    assert_eq!(events, ["west: a b c"]);
}

#[test]
fn s8_groups_that_left_a_moment_ago_count_those_of_yesterday_do_not() {
    let begun = |ago: Span| FleetState {
        begun: ["x", "y"]
            .map(|name| (GroupName::new(name), Region::new("west"), NOW - ago))
            .to_vec(),
        ..FleetState::default()
    };
    let third = || vec![member("z", "west", Decision::FailOver)];
    let (decisions, events) = judged(third(), &begun(Span::millis(599_999)));
    assert_eq!((decisions, events), (vec![region_event()], vec!["west: x y z".to_owned()]));
    let (decisions, events) = judged(third(), &begun(Span::mins(10)));
    assert_eq!((decisions, events), (vec![Decision::FailOver], Vec::new()));
}

#[test]
fn s8_the_last_group_to_recover_does_not_leave_by_itself() {
    let well = |name, ago| Member {
        recovered: Some(ago),
        ..member(name, "west", Decision::Hold(HoldWhy::Serving))
    };
    let last = |ago| {
        let last = member("c", "west", Decision::FailOver);
        let (mut decisions, events) = judged(vec![well("a", ago), well("b", ago), last], &calm());
        (decisions.remove(2), events)
    };
    let event = (region_event(), vec!["west: a b c".to_owned()]);
    assert_eq!(last(Span::secs(1)), event);
    assert_eq!(last(Span::millis(599_999)), event);
    assert_eq!(last(Span::mins(10)), (Decision::FailOver, Vec::new()));
}

#[test]
fn a_region_whose_groups_are_all_well_again_is_no_question() {
    let well = ["a", "b", "c"].map(|name| Member {
        recovered: Some(Span::secs(1)),
        ..member(name, "west", Decision::Hold(HoldWhy::Serving))
    });
    assert_eq!(judged(well.to_vec(), &calm()).1, Vec::<String>::new());
}

#[test]
fn a_group_that_left_and_is_in_trouble_again_counts_once() {
    let state = FleetState {
        begun: vec![(GroupName::new("a"), Region::new("west"), NOW)],
        ..FleetState::default()
    };
    let members = ["a", "b"].map(|name| member(name, "west", Decision::FailOver));
    assert!(judged(members.to_vec(), &state).1.is_empty());
}

#[test]
fn groups_of_different_regions_are_not_one_event() {
    let members = vec![
        member("a", "west", Decision::FailOver),
        member("b", "west", Decision::FailOver),
        member("c", "east", Decision::FailOver),
        member("d", "east", Decision::FailOver),
    ];
    let (decisions, events) = judged(members, &FleetState::default());
    assert_eq!(decisions, vec![Decision::FailOver; 4]);
    assert!(events.is_empty());
}

#[test]
fn a_region_event_gathers_the_single_asks_and_leaves_everything_else() {
    let members = vec![
        member("a", "west", asks(AskWhy::Approval)),
        member("b", "west", asks(AskWhy::Unarmed)),
        member("c", "west", Decision::FailOver),
        member("d", "west", Decision::Hold(HoldWhy::Serving)),
        member("e", "east", Decision::FailBack),
    ];
    let (decisions, events) = judged(members, &FleetState::default());
    let serving = Decision::Hold(HoldWhy::Serving);
    assert_eq!(
        decisions,
        [region_event(), region_event(), region_event(), serving, Decision::FailBack]
    );
    assert_eq!(events, ["west: a b c"]);
}

#[test]
fn s8_one_yes_stands_for_every_group_that_needed_no_more() {
    let state =
        FleetState { evacuate: BTreeSet::from([Region::new("west")]), ..FleetState::default() };
    let members = vec![
        member("a", "west", asks(AskWhy::Approval)),
        member("b", "west", asks(AskWhy::Unarmed)),
        member("c", "west", Decision::FailOver),
    ];
    let (decisions, events) = judged(members, &state);
    assert_eq!(decisions, [Decision::FailOver, asks(AskWhy::Unarmed), Decision::FailOver]);
    assert!(events.is_empty(), "it was answered");
}

#[test]
fn a_yes_without_an_event_is_no_approval_of_a_single_group() {
    let state =
        FleetState { evacuate: BTreeSet::from([Region::new("west")]), ..FleetState::default() };
    let (decisions, _) = judged(vec![member("a", "west", asks(AskWhy::Approval))], &state);
    assert_eq!(decisions, [asks(AskWhy::Approval)]);
}

#[test]
fn the_budget_lets_those_go_first_that_are_longest_in_trouble() {
    let state = FleetState {
        under_way: 3,
        evacuate: BTreeSet::from([Region::new("west")]),
        ..FleetState::default()
    };
    let mut members = ["a", "b", "c", "d"].map(|name| member(name, "west", Decision::FailOver));
    members[3].trouble = Some(NOW - Span::mins(5));
    let (decisions, _) = judged(members.to_vec(), &state);
    let waits = Decision::Hold(HoldWhy::OverBudget);
    assert_eq!(decisions, [Decision::FailOver, waits.clone(), waits, Decision::FailOver]);
}

#[test]
fn an_exhausted_budget_starts_nothing_and_asks_as_before() {
    let state = FleetState { under_way: 5, ..FleetState::default() };
    let members =
        vec![member("a", "west", Decision::FailOver), member("b", "east", asks(AskWhy::Approval))];
    let (decisions, _) = judged(members, &state);
    assert_eq!(decisions, [Decision::Hold(HoldWhy::OverBudget), asks(AskWhy::Approval)]);
}

#[test]
fn who_does_not_move_takes_nothing_of_the_budget() {
    let state = FleetState { under_way: 4, ..FleetState::default() };
    let mut calm = member("a", "east", Decision::Hold(HoldWhy::Serving));
    calm.trouble = Some(NOW - Span::mins(9));
    let members = vec![calm, member("b", "west", Decision::FailOver)];
    let (decisions, _) = judged(members, &state);
    assert_eq!(decisions[1], Decision::FailOver, "one is left, and one wants to go");
}
