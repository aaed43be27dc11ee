//! What a human's word changes, where two journals tell of moves that cannot both be true.

use super::super::{Ended, Intent, Ledger, Phase, Record, Refusal, Stands, StepState};
use super::import::{
    begins, closes_the_door, come_home, copy, done, door, move_away, move_away_open, ours_and_copy,
    run, shop,
};
use super::{Book, opened, started};
use crate::model::{Epoch, Site};
use crate::plan::{PlanKind, Undo, failover, planned_move, unwind};
use crate::step::Outputs;
use crate::testing::{Ground, claim};

/// Both moved the group, to opposite sites: ours came home, theirs went away.
fn opposite() -> (Book, Book) {
    let (ours, mut theirs) = apart();
    theirs.write(vec![fenced(), done("fence.standing"), done("losing.shop.web")]);
    (ours, theirs)
}

/// The same, and theirs is still about to stop the writer that it left.
fn apart() -> (Book, Book) {
    let (mut ours, mut theirs) = ours_and_copy();
    move_away(&mut ours, 5);
    ours.write(vec![done("fence"), done("fence.standing")]);
    ours.write(vec![Record::Closed { ended: Ended::Moved }]);
    come_home(&mut ours, 6);
    (0..9).for_each(|_| theirs.write(vec![Record::Resumed]));
    move_away(&mut theirs, 4);
    theirs.write(vec![closes_the_door(), started("verify", None)]);
    (ours, theirs)
}

/// A fence that was seen to be one.
fn fenced() -> Record {
    let outputs = Outputs::from([("confirmed".into(), "1".into())]);
    Record::Done { step: "fence".into(), outputs, note: String::new(), unknown: false }
}

/// A run of ours was ended, and went on there.
fn ended_here() -> (Book, Book) {
    let (mut ours, _) = ours_and_copy();
    move_away_open(&mut ours);
    let mut theirs = copy(&ours);
    let why = || "x".to_owned();
    ours.write(vec![
        Record::Unwinding { why: why() },
        Record::Closed { ended: Ended::Unwound(why()) },
    ]);
    theirs.write(vec![Record::Claimed { claim: claim(4, &run(3)), by: "laptop".into() }]);
    theirs.write(vec![done("promote"), done("shifted")]);
    (ours, theirs)
}

/// A committed run of ours that the other journal, which has all of it, does not continue.
fn not_continued() -> (Book, Book) {
    let (mut ours, _) = ours_and_copy();
    move_away_open(&mut ours);
    ours.write(vec![closes_the_door(), done("promote")]);
    let mut theirs = copy(&ours);
    theirs.write(vec![Record::Closed { ended: Ended::Moved }]);
    come_home(&mut theirs, 4);
    (ours, theirs)
}

/// Theirs is about to promote the replica that ours has put another in the place of.
fn replaced() -> (Book, Book) {
    renamed(done)
}

/// The same, where nobody knows whether ours did.
fn perhaps_replaced() -> (Book, Book) {
    renamed(|step| started(step, None))
}

fn renamed(record: impl Fn(&str) -> Record) -> (Book, Book) {
    let (mut ours, mut theirs) = ours_and_copy();
    move_away_open(&mut theirs);
    theirs.write(vec![closes_the_door(), fenced()]);
    theirs.write(vec![started("promote", None)]);
    let plan = planned_move(&Ground::shop().survey(Site::Home)).unwrap();
    let renamed = plan.steps.keys().find(|id| id.as_str() == "rename.standby").unwrap().clone();
    begins(&mut ours, (4, "shop-4-switchover"), plan, true);
    ours.write(vec![
        record(renamed.as_str()),
        Record::Unwinding { why: "cancelled".into() },
        Record::Closed { ended: Ended::Unwound("cancelled".into()) },
    ]);
    (ours, theirs)
}

/// Theirs has promoted it meanwhile.
fn promoted_and_replaced() -> (Book, Book) {
    let (ours, mut theirs) = replaced();
    theirs.write(vec![done("promote")]);
    (ours, theirs)
}

/// Takes a journal in by somebody's word, and replays what came of it.
fn import_by_word(ours: &mut Book, theirs: &Book, word: Stands) {
    let refused = ours.ledger.import(&shop(), &theirs.entries, None, None).unwrap_err();
    assert!(matches!(refused, Refusal::TwoMoves { .. }), "{refused:?}");
    let record = ours.ledger.import(&shop(), &theirs.entries, None, Some(word)).unwrap();
    let Record::Imported { stands, .. } = &record else { panic!("{record:?}") };
    assert_eq!(*stands, Some(word));
    let epoch = ours.ledger.epoch();
    ours.write(vec![record]);
    assert!(ours.ledger.epoch() >= epoch, "no epoch goes back");
    let chain = (1..).zip(ours.entries.iter().map(|bytes| &**bytes));
    assert_eq!(Ledger::replay(chain).unwrap(), ours.ledger, "a word is replayed like all else");
}

fn state(ledger: &Ledger, step: &str) -> StepState {
    ledger.run.as_ref().unwrap().steps.get(step).unwrap().state
}

#[test]
fn l1_what_cannot_both_be_true_is_refused_with_the_command_that_says_which_is() {
    let cases = [
        (
            opposite(),
            "moved the group to standby",
            "if that is standby, `--stands ours` if it is h",
        ),
        (ended_here(), "which is over here", "if that is standby, `--stands ours` if it is home"),
        (
            not_continued(),
            "past its point of no return",
            "if that is home, `--stands ours` if it is standby",
        ),
        (
            replaced(),
            "which was renamed to shop-standby-old-",
            "if that is standby, `--stands ours` if it is home",
        ),
        (
            perhaps_replaced(),
            "which shop-4-switchover may have renamed before it was cancelled",
            "if that is standby, `--stands ours` if it is home",
        ),
        (
            promoted_and_replaced(),
            "which was renamed to shop-standby-old-",
            "if that is standby, `--stands ours` if it is home",
        ),
    ];
    for ((ours, theirs), why, sites) in cases {
        let refused = ours.ledger.import(&shop(), &theirs.entries, None, None).unwrap_err();
        let told = refused.to_string();
        let command = "`bowline journal import shop --from dir:PATH --reason WHY --stands theirs`";
        for words in [why, sites, command] {
            assert!(told.contains(words), "{words}: {told}");
        }
    }
}

/// What is so once a journal was taken in of which only ours can stand: nothing moved, and nothing
/// of theirs is forgotten.
fn only_ours_stands((mut ours, theirs): (Book, Book)) -> Ledger {
    let refused = ours.ledger.import(&shop(), &theirs.entries, None, Some(Stands::Theirs));
    assert!(refused.unwrap_err().to_string().contains("say `--stands ours`"));
    import_by_word(&mut ours, &theirs, Stands::Ours);
    let ledger = ours.ledger;
    assert_eq!((ledger.active, ledger.open_run().map(|run| &run.id)), (Site::Home, None));
    assert_eq!(ledger.history.last().unwrap().0.as_str(), run(3));
    assert!(ledger.holds.contains_key(&door().id), "the door that they closed is to be opened");
    ledger
}

#[test]
fn l1_a_run_that_would_promote_what_is_gone_ends_by_somebody_s_word() {
    only_ours_stands(replaced());
}

#[test]
fn s1_a_run_that_promoted_what_is_gone_leads_nobody_to_what_stands_in_its_place() {
    let ledger = only_ours_stands(promoted_and_replaced());
    assert_eq!(ledger.leads_to(), Site::Home);
    assert!(!ledger.left_writer(Site::Standby), "a replica stands there");
}

#[test]
fn s1_by_somebody_s_word_their_move_stands_and_our_writer_is_one_that_was_left() {
    let (mut ours, theirs) = opposite();
    import_by_word(&mut ours, &theirs, Stands::Theirs);
    let ledger = &ours.ledger;
    assert_eq!((ledger.active, ledger.writer), (Site::Standby, Some(Site::Standby)));
    assert_eq!((ledger.epoch(), &ledger.claimant), (Epoch(6), &None));
    assert_eq!(ledger.open_run().unwrap().id.as_str(), run(4));
    assert_eq!(ledger.history.last().unwrap().0.as_str(), "shop-6-failback");
    assert!(ledger.left_writer(Site::Home), "we had made it the writer after they had stopped it");
    assert!(!ledger.fenced.contains(&Site::Home), "nobody stopped it since");
    assert_eq!(state(ledger, "fence"), StepState::Unknown);
    let fence = ledger.run.as_ref().unwrap();
    assert_eq!(fence.output("fence", "confirmed"), None, "that was before we promoted it");
    assert_eq!(fence.steps.get("fence").unwrap().acted, None, "no old restart confirms it");
    assert_eq!(state(ledger, "fence.standing"), StepState::Pending, "it is to be stopped again");
    assert_eq!(state(ledger, "losing.shop.web"), StepState::Pending, "we may have started it");
    assert_eq!(state(ledger, "verify"), StepState::Started, "that is of the site that serves");
    assert!(ledger.holds.contains_key(&door().id));

    let (mut ours, theirs) = apart();
    import_by_word(&mut ours, &theirs, Stands::Theirs);
    assert_eq!(state(&ours.ledger, "fence"), StepState::Pending, "its call was before ours");
}

#[test]
fn s1_by_somebody_s_word_our_move_stands_and_their_writer_is_one_that_was_left() {
    let (mut ours, theirs) = opposite();
    let before = ours.ledger.clone();
    import_by_word(&mut ours, &theirs, Stands::Ours);
    let ledger = &ours.ledger;
    assert_eq!((ledger.active, ledger.writer), (Site::Home, before.writer));
    assert_eq!(ledger.run.as_ref().unwrap().id, before.run.unwrap().id);
    let (id, _, ended) = ledger.history.last().unwrap();
    assert_eq!(id.as_str(), run(4), "theirs is history");
    assert!(matches!(ended, Ended::Unwound(why) if why.contains("was not undone")), "{ended:?}");
    assert_eq!(ledger.open_run().map(|run| &run.id), None, "home was seen to serve");
    assert!(ledger.left_writer(Site::Standby) && !ledger.left_writer(Site::Home));
    assert!(ledger.holds.contains_key(&door().id), "what they hold is held until it is let go");
    assert!(ledger.taken.contains("there-1"));
}

#[test]
fn s7_by_somebody_s_word_no_hold_is_forgotten() {
    let (mut ours, mut theirs) = opposite();
    // They let the door go, and we closed it again, or before: nobody knows.
    theirs.write(vec![Record::Unwinding { why: "x".into() }]);
    let undo = [Undo::Release(door())];
    let plan = Box::new(unwind(PlanKind::Failover, Site::Home, &undo, &[]));
    let release = plan.steps.keys().next().unwrap().to_string();
    theirs.write(vec![Record::Planned { plan, moves: false }, done(&release)]);
    assert!(theirs.ledger.holds.is_empty());
    ours.write(vec![closes_the_door()]);
    import_by_word(&mut ours, &theirs, Stands::Theirs);
    assert!(ours.ledger.holds.contains_key(&door().id));
}

#[test]
fn l1_by_somebody_s_word_a_run_that_was_ended_here_goes_on_from_where_it_came_there() {
    let (mut ours, theirs) = ended_here();
    import_by_word(&mut ours, &theirs, Stands::Theirs);
    let ledger = &ours.ledger;
    let open = ledger.open_run().unwrap();
    assert_eq!((open.id.as_str(), &open.phase), (run(3).as_str(), &Phase::Moving));
    assert_eq!((ledger.active, state(ledger, "promote")), (Site::Standby, StepState::Done));
    assert_eq!(state(ledger, "verify"), StepState::Pending);
    assert!(ledger.left_writer(Site::Home));

    let (mut ours, theirs) = ended_here();
    import_by_word(&mut ours, &theirs, Stands::Ours);
    assert!(ours.ledger.open_run().is_none() && ours.ledger.active == Site::Home);
    assert!(ours.ledger.left_writer(Site::Standby), "it was promoted, and is no replica");
}

#[test]
fn l1_by_somebody_s_word_a_committed_run_of_ours_is_history_or_goes_on() {
    let (mut ours, theirs) = not_continued();
    import_by_word(&mut ours, &theirs, Stands::Theirs);
    assert_eq!((ours.ledger.active, ours.ledger.writer), (Site::Home, Some(Site::Home)));
    assert!(ours.ledger.left_writer(Site::Standby), "we had promoted it");
    assert!(ours.ledger.history.iter().any(|(id, ..)| id.as_str() == run(3)));
    assert!(ours.ledger.holds.contains_key(&door().id));

    let (mut ours, theirs) = not_continued();
    import_by_word(&mut ours, &theirs, Stands::Ours);
    let open = ours.ledger.open_run().unwrap();
    assert_eq!((open.id.as_str(), open.committed), (run(3).as_str(), true));
    assert!(ours.ledger.left_writer(Site::Home), "they had promoted it");
}

#[test]
fn s11_a_move_that_stands_by_somebody_s_word_is_over_when_it_is_seen_from_outside_again() {
    let (mut ours, mut theirs) = opposite();
    theirs.write(vec![done("verify"), Record::Closed { ended: Ended::Moved }]);
    import_by_word(&mut ours, &theirs, Stands::Theirs);
    assert!(ours.ledger.open_run().is_some());
    assert_eq!(state(&ours.ledger, "verify"), StepState::Pending);
}

#[test]
fn s1_a_run_that_they_cancelled_after_their_move_stays_cancelled() {
    let (mut ours, mut theirs) = opposite();
    theirs.write(vec![done("verify"), Record::Closed { ended: Ended::Moved }]);
    let plan = planned_move(&Ground::shop().survey(Site::Standby)).unwrap();
    begins(&mut theirs, (5, "shop-5-failback"), plan, true);
    let why = || "x".to_owned();
    theirs.write(vec![Record::Unwinding { why: why() }]);
    theirs.write(vec![Record::Closed { ended: Ended::Unwound(why()) }]);
    import_by_word(&mut ours, &theirs, Stands::Theirs);
    assert_eq!((ours.ledger.active, ours.ledger.open_run()), (Site::Standby, None));
    assert_eq!(state(&ours.ledger, "promote"), StepState::Abandoned);
}

#[test]
fn l1_a_run_that_goes_back_promotes_nothing_that_was_renamed_here() {
    let (ours, _) = replaced();
    let (_, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 5);
    theirs.write(vec![Record::Closed { ended: Ended::Moved }]);
    come_home(&mut theirs, 6);
    let plan = failover(&Ground::shop().survey(Site::Home)).unwrap();
    begins(&mut theirs, (7, &run(7)), plan, true);
    let imports = |theirs: &Book| ours.ledger.import(&shop(), &theirs.entries, None, None);
    let refused = imports(&theirs).unwrap_err().to_string();
    assert!(refused.contains("promotes db-standby, which was renamed"), "{refused}");
    theirs.write(vec![Record::Unwinding { why: "x".into() }]);
    assert!(imports(&theirs).is_ok());
}

#[test]
fn l2_by_somebody_s_word_what_our_failover_home_stopped_is_stopped_again() {
    let (mut ours, mut theirs) = ours_and_copy();
    move_away(&mut ours, 5);
    ours.write(vec![Record::Closed { ended: Ended::Moved }]);
    let plan = failover(&Ground::shop().survey(Site::Standby)).unwrap();
    begins(&mut ours, (6, "shop-6-failover"), plan, true);
    ours.write(vec![done("promote"), done("shifted"), done("losing.shop.web")]);
    ours.write(vec![Record::Closed { ended: Ended::Moved }]);
    (0..9).for_each(|_| theirs.write(vec![Record::Resumed]));
    move_away(&mut theirs, 4);
    import_by_word(&mut ours, &theirs, Stands::Ours);
    assert_eq!(ours.ledger.run.as_ref().unwrap().id.as_str(), "shop-6-failover");
    assert_eq!(state(&ours.ledger, "losing.shop.web"), StepState::Pending, "they started it");
}

#[test]
fn two_journals_that_lead_to_one_site_are_told_apart_by_what_was_last() {
    let (group, why) = (shop(), "x".into());
    let (ours, theirs) = (Site::Home, Site::Home);
    let told = Refusal::TwoMoves { group, why, ours, theirs }.to_string();
    assert!(told.starts_with("x. Both lead to home.") && told.contains("--stands ours"), "{told}");
}

#[test]
fn a_word_counts_only_where_it_is_asked_for() {
    // Theirs stands by itself.
    let (ours, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 4);
    let plain = ours.ledger.import(&shop(), &theirs.entries, None, None).unwrap();
    let agreed = ours.ledger.import(&shop(), &theirs.entries, None, Some(Stands::Theirs)).unwrap();
    assert_eq!(agreed, plain, "it is not recorded");
    let against = ours.ledger.import(&shop(), &theirs.entries, None, Some(Stands::Ours));
    let why = against.unwrap_err().to_string();
    assert!(why.contains("theirs stands") && why.contains("without `--stands`"), "{why}");

    // A run of ours that can be cancelled is cancelled, whatever is said.
    let (mut ours, _) = ours_and_copy();
    ours.write(vec![
        Record::Claimed { claim: claim(3, "shop-3-switchover"), by: "a".into() },
        opened(PlanKind::Switchover, Site::Home),
    ]);
    for word in [Stands::Ours, Stands::Theirs] {
        let refused = ours.ledger.import(&shop(), &theirs.entries, None, Some(word)).unwrap_err();
        let why = refused.to_string();
        assert!(why.contains("`bowline cancel shop --run shop-3-switchover`"), "{why}");
    }
}

#[test]
fn an_import_that_was_recorded_before_there_was_a_word_reads_as_one_without() {
    let old = r#"{"imported":{"after":2,"hash":"x","entries":["{}"]}}"#;
    let record: Record = serde_json::from_str(old).unwrap();
    assert!(matches!(&record, Record::Imported { stands: None, .. }));
    assert_eq!(serde_json::to_string(&record).unwrap(), old);
    let old = r#"{"want":"import","entries":[],"reason":"x"}"#;
    let intent: Intent = serde_json::from_str(old).unwrap();
    assert!(matches!(&intent, Intent::Import { stands: None, .. }));
    assert_eq!(serde_json::to_string(&intent).unwrap(), old);
    let said = r#"{"want":"import","entries":["x"],"stands":"theirs","reason":"x"}"#;
    let said = serde_json::from_str::<Intent>(said).unwrap().recorded();
    assert!(matches!(said, Intent::Import { stands: Some(Stands::Theirs), .. }));
}
