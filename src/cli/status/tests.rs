//! What a status tells of journals that the node wrote.

use bowline_core::model::{Answer3, Span};
use bowline_core::node::GroupStatus;
use bowline_sim::story::Stage;
use clap::Parser as _;

use super::*;
use crate::cli::played::{chain, play, shop, status};

/// The shop, with what was published `age` ago.
fn view(stage: &Stage, published: Option<(GroupStatus, Span)>) -> GroupView {
    let now = stage.simulation.now().wall;
    let published = published.map(|(status, age)| GroupStatus { at: now - age, ..status });
    GroupView::new(shop(), &chain(stage), Ok(published), (now, ""))
}

fn fresh(stage: &Stage) -> GroupView {
    view(stage, Some((status(stage), Span::secs(3))))
}

fn armed(stage: &Stage) -> bool {
    stage.ledgers()[&shop()].armed
}

fn serves(stage: &Stage) -> bool {
    let sites = stage.status(&shop()).map(|status| status.sites).unwrap_or_default();
    sites.iter().any(|site| site.serving == Some(Answer3::Yes))
        && sites.iter().any(|site| site.ready == Some(Answer3::Yes))
}

#[test]
fn in_peace_the_first_line_says_who_serves_and_that_nothing_is_to_do() {
    let stage = play("switchover", |stage| armed(stage) && serves(stage));
    let view = fresh(&stage);
    let said = "shop: home serves and writes; the active site serves; next: nothing to do";
    assert_eq!(view.headline, said);
    assert_eq!(view.exit(), Exit::Done);
    let text = text(&[view], Paint::OFF);
    for line in ["  armed      yes", "  reported   3 s ago by bowline-", " home *", "front up"] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(" behind at 2026-"), "{text}");
}

#[test]
fn without_any_controller_the_journal_alone_tells_and_the_silence_is_said() {
    let stage = play("switchover", armed);
    let never = view(&stage, None);
    assert!(never.headline.contains("no controller has ever reported"), "{}", never.headline);
    assert_eq!(never.next.as_deref(), Some("bowline run"));
    let old = view(&stage, Some((status(&stage), Span::secs(185))));
    let said = "shop: home is active and the writer; no controller has reported for 3m5s; \
                next: bowline run";
    assert_eq!(old.headline, said);
}

#[test]
fn where_there_is_no_group_it_says_what_to_do() {
    let nothing = |args: &[&str]| {
        let args = [&["bowline", "status"], args].concat();
        let parsed = crate::cli::Cli::try_parse_from(args).unwrap();
        let crate::cli::Command::Status(status) = parsed.command else { panic!("not status") };
        shown(&[], &status, Paint::OFF).unwrap()
    };
    assert!(nothing(&["--store", "dir:x"]).contains("dir:x has no records; name what is in force"));
    assert!(nothing(&["--store", "dir:x", "--policy", "y"]).contains("no policy names one"));
    assert!(nothing(&[]).contains("apply a FailoverGroup in namespace bowline"));
}

#[test]
fn when_a_run_asks_the_question_the_loss_and_the_exact_command_are_told() {
    let asks = |stage: &Stage| {
        stage.ledgers()[&shop()].open_run().is_some_and(|run| run.asks().next().is_some())
    };
    let stage = play("approve", asks);
    for view in [fresh(&stage), view(&stage, None)] {
        let run = &view.run.as_ref().unwrap().run;
        assert!(view.headline.contains("waits for a human: the home site does not serve"));
        let command = format!("bowline approve shop --run {run}");
        assert_eq!(view.next.as_deref(), Some(command.as_str()));
        assert_eq!(view.exit(), Exit::Waits);
        let text = text(&[view], Paint::OFF);
        for line in ["  asks       approval, since", "  lost ", "  otherwise  ", &command] {
            assert!(text.contains(line), "{line:?} is not in\n{text}");
        }
    }
}

#[test]
fn cut_off_from_home_it_says_why_nothing_moves() {
    let cut = |stage: &Stage| {
        let status = stage.status(&shop());
        let home = status.and_then(|status| status.sites.first().cloned());
        let silent = home.is_some_and(|home| home.reach == bowline_core::health::Reach::Silent);
        armed(stage) && silent
    };
    let view = fresh(&play("partition", cut));
    assert!(view.headline.contains("nothing of home answers Bowline"), "{}", view.headline);
    assert!(view.headline.starts_with("shop: home serves and writes; "), "{}", view.headline);
    assert_eq!((view.run.is_none(), view.exit()), (true, Exit::Done));
}

#[test]
fn during_a_failover_it_says_what_the_run_waits_for_and_who_writes() {
    let promoting = |stage: &Stage| {
        let run = stage.ledgers()[&shop()].open_run();
        let step = run.and_then(|run| run.steps.get("promote"));
        step.is_some_and(|step| step.attempts == 1)
    };
    let view = fresh(&play("region-lost", promoting));
    let said = "shop: home is active and does not serve; it is the writer; ";
    assert!(view.headline.starts_with(said), "{}", view.headline);
    assert!(view.headline.contains("shop-1-failover waits for promote"), "{}", view.headline);
    assert_eq!(view.exit(), Exit::Running);
    let moved = |stage: &Stage| {
        let ledger = &stage.ledgers()[&shop()];
        ledger.run.as_ref().is_some_and(bowline_core::run::Run::closed)
    };
    let view = fresh(&play("region-lost", moved));
    assert!(view.headline.starts_with("shop: standby serves and writes; "), "{}", view.headline);
    assert!(view.headline.contains("over but for its obligations"), "{}", view.headline);
    assert!(!view.holds.is_empty());
}

#[test]
fn a_damaged_journal_is_said_first() {
    let moving = |stage: &Stage| stage.ledgers()[&shop()].open_run().is_some();
    let stage = play("region-lost", moving);
    let mut chain = chain(&stage);
    let changed = chain[0].bytes.replacen("\"at\":", "\"at\": ", 1);
    chain[0].bytes = changed.as_str().into();
    let view = GroupView::new(shop(), &chain, Ok(None), (stage.simulation.now().wall, ""));
    assert!(view.headline.contains("the journal cannot be used"), "{}", view.headline);
    assert_eq!(view.next.as_deref(), Some("bowline journal replay shop"));
    assert_eq!(view.exit(), Exit::Failed);
}

#[test]
fn a_command_to_type_reaches_the_same_store() {
    let stage = play("switchover", armed);
    let now = stage.simulation.now().wall;
    let view = GroupView::new(shop(), &chain(&stage), Ok(None), (now, " --store dir:/srv/b"));
    assert_eq!(view.next.as_deref(), Some("bowline run --store dir:/srv/b"));
}

#[test]
fn whoever_watches_a_pipe_is_told_changes_not_ages() {
    let stage = play("switchover", |stage| armed(stage) && serves(stage));
    let at = |secs| [view(&stage, Some((status(&stage), Span::secs(secs))))];
    assert_eq!(render::gist(&at(1)), render::gist(&at(9)));
    assert_ne!(render::gist(&at(1)), render::gist(&at(300)), "it has become old");
}
