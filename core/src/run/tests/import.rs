//! A journal that was kept elsewhere becomes part of this one.

use std::sync::Arc;

use super::super::{Ended, Ledger, Record, Refusal};
use super::{Book, opened, started};
use crate::model::{Epoch, GroupName, ResourceId, Site};
use crate::plan::{Effect, Plan, PlanKind, failover, planned_move, prewarm};
use crate::step::{Held, Hold, HoldId, Outputs};
use crate::testing::{Ground, claim};

pub(super) fn shop() -> GroupName {
    "shop".into()
}

pub(super) fn done(step: &str) -> Record {
    let (outputs, note) = (Outputs::new(), String::new());
    Record::Done { step: step.into(), outputs, note, unknown: false }
}

/// What a break-glass process writes: a failover under this epoch, until the traffic has moved.
pub(super) fn move_away(book: &mut Book, epoch: u64) {
    let plan = failover(&Ground::shop().survey(Site::Home)).unwrap();
    book.write(vec![
        Record::Claimed { claim: claim(epoch, &run(epoch)), by: "laptop".into() },
        Record::IntentTaken {
            uid: "there-1".into(),
            by: "ada".into(),
            intent: None,
            refused: None,
        },
        opened(PlanKind::Failover, Site::Home),
        Record::Planned { plan: Box::new(plan), moves: true },
    ]);
    book.write(vec![done("promote"), done("shifted")]);
}

pub(super) fn run(epoch: u64) -> String {
    format!("shop-{epoch}-failover")
}

/// What somebody exports.
pub(super) fn copy(book: &Book) -> Book {
    Book { entries: book.entries.clone(), ledger: book.ledger.clone() }
}

/// A chain that did something before anybody broke the glass, and a copy of it.
pub(super) fn ours_and_copy() -> (Book, Book) {
    let mut ours = Book::default();
    ours.write(vec![Record::Armed]);
    ours.write(vec![Record::Paused { reason: "x".into() }, Record::Resumed]);
    let copy = copy(&ours);
    (ours, copy)
}

fn import(ours: &mut Book, theirs: &[Arc<str>]) {
    let record = ours.ledger.import(&shop(), theirs, None, None).unwrap();
    ours.write(vec![record]);
}

/// The fields that a copied chain and an importing one must agree about.
fn same(a: &Ledger, b: &Ledger) {
    assert_eq!((&a.claim, &a.claimant, a.active), (&b.claim, &b.claimant, b.active));
    assert_eq!((a.armed, &a.run, &a.holds), (b.armed, &b.run, &b.holds));
    assert_eq!((a.writer, &a.quarantined, &a.fenced), (b.writer, &b.quarantined, &b.fenced));
    assert_eq!((&a.taken, a.moved_by), (&b.taken, b.moved_by));
}

#[test]
fn s5_a_journal_that_began_as_a_copy_is_replayed_from_where_it_went_on() {
    let (mut ours, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 4);
    import(&mut ours, &theirs.entries);
    same(&ours.ledger, &theirs.ledger);
    assert_eq!((ours.ledger.head, ours.ledger.active), (3, Site::Standby));
    assert_eq!(ours.ledger.epoch(), Epoch(4));
    let chain = (1..).zip(ours.entries.iter().map(|bytes| &**bytes));
    assert_eq!(Ledger::replay(chain).unwrap(), ours.ledger, "an import is replayed like all else");
}

#[test]
fn l2_the_facts_beside_a_journal_come_with_it() {
    let (mut ours, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 4);
    let facts = Ground::shop().facts;
    let bytes = serde_json::to_string(&facts).unwrap();
    let record = ours.ledger.import(&shop(), &theirs.entries, Some(&bytes), None).unwrap();
    ours.write(vec![record]);
    assert_eq!(ours.ledger.facts.as_deref(), Some(&facts));
    let mut later = copy(&ours);
    later.write(vec![Record::Claimed { claim: claim(5, &run(5)), by: "laptop".into() }]);
    import(&mut ours, &later.entries[3..]);
    assert_eq!(ours.ledger.facts.as_deref(), Some(&facts), "later ones without any take none away");

    let (ours, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 4);
    let refused = ours.ledger.import(&shop(), &theirs.entries, Some("{\"at\": \"noon\"}"), None);
    let Err(Refusal::BadImport(why)) = refused else { panic!("{refused:?}") };
    assert!(why.starts_with("its peacetime facts: "), "{why}");
}

#[test]
fn only_what_is_not_here_is_stored_and_a_part_suffices() {
    let (ours, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 4);
    let whole = ours.ledger.import(&shop(), &theirs.entries, None, None).unwrap();
    let Record::Imported { after, entries, .. } = &whole else { panic!("{whole:?}") };
    assert_eq!((*after, entries.len()), (2, 2));
    assert_eq!(ours.ledger.import(&shop(), &theirs.entries[2..], None, None).unwrap(), whole);
    let early = Ledger::default().import(&shop(), &theirs.entries[2..], None, None);
    assert!(matches!(early, Err(Refusal::BadImport(why)) if why.contains("send all of it")));
}

#[test]
fn s5_a_journal_that_began_empty_is_replayed_on_what_is_here() {
    let (mut ours, mut theirs) = (ours_and_copy().0, Book::default());
    move_away(&mut theirs, 4);
    import(&mut ours, &theirs.entries);
    assert_eq!((ours.ledger.active, ours.ledger.writer), (Site::Standby, Some(Site::Standby)));
    assert!(ours.ledger.quarantined.contains(&Site::Home));
    assert!(!ours.ledger.armed, "a move leaves the group unarmed");
    assert!(ours.ledger.taken.contains("there-1"));
    assert_eq!(ours.ledger.open_run().unwrap().id.as_str(), run(4));
}

#[test]
fn l1_a_journal_that_grew_since_it_was_imported_is_imported_again() {
    let (mut ours, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 4);
    import(&mut ours, &theirs.entries);
    let again = ours.ledger.import(&shop(), &theirs.entries, None, None).unwrap_err();
    assert!(again.to_string().contains("imported before"), "{again}");
    // Somebody starts another process in its directory, which claims anew.
    let known = theirs.entries.len();
    let claim = claim(9, &run(9));
    theirs.write(vec![Record::Claimed { claim: claim.clone(), by: "laptop".into() }]);
    assert!(!ours.ledger.has_made(&claim));
    let record = ours.ledger.import(&shop(), &theirs.entries, None, None).unwrap();
    let Record::Imported { after, continues, entries, .. } = &record else { panic!("{record:?}") };
    assert_eq!((*after, *continues, entries.len()), (known as u64, Some(3), 1));
    let apart = ours.ledger.import(&shop(), &theirs.entries[known..], None, None);
    assert!(matches!(apart, Err(Refusal::BadImport(_))), "what joins it is not there");
    import(&mut ours, &theirs.entries);
    assert!(ours.ledger.has_made(&claim), "nobody's claim is foreign any more");
    assert_eq!(ours.ledger.claim.as_ref(), Some(&claim));
    assert_eq!((ours.ledger.active, ours.ledger.writer), (Site::Standby, Some(Site::Standby)));
    let mut changed = theirs.entries.clone();
    theirs.write(vec![Record::Resumed]);
    changed.push(theirs.entries[known + 1].replace("resumed", "armed").into());
    assert!(ours.ledger.import(&shop(), &changed, None, None).is_err(), "a byte was changed");
    import(&mut ours, &theirs.entries);
    assert_eq!(ours.ledger.imported.len(), 3, "one more, in which nothing was claimed");
}

#[test]
fn a_journal_without_anything_new_is_refused() {
    let (ours, theirs) = ours_and_copy();
    for sent in [&theirs.entries[..], &[]] {
        let refused = ours.ledger.import(&shop(), sent, None, None).unwrap_err();
        assert!(refused.to_string().contains("nothing that is not here"), "{refused}");
    }
}

#[test]
fn s5_a_journal_that_was_changed_is_refused() {
    let (ours, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 4);
    let mut changed = theirs.entries.clone();
    changed[2] = changed[2].replace("laptop", "mallory").into();
    let mut gap = theirs.entries.clone();
    gap.remove(2);
    let mut unreadable = theirs.entries.clone();
    unreadable[3] = "{}".into();
    for (sent, why) in [(changed, "was changed"), (gap, "expected"), (unreadable, "cannot be read")]
    {
        let refused = ours.ledger.import(&shop(), &sent, None, None).unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
}

#[test]
fn an_import_that_does_not_fit_leaves_the_ledger_as_it_was() {
    let (mut ours, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 4);
    let before = ours.ledger.clone();
    let entries = theirs.entries[3..].to_vec();
    let (hash, facts, stands) = ("x".into(), None, None);
    let record = Record::Imported { after: 2, continues: None, hash, entries, facts, stands };
    let bytes = ours.entry(None, vec![Record::Resumed, record]).bytes();
    assert!(ours.ledger.apply(3, &bytes).is_err());
    assert_eq!(ours.ledger, before);
}

#[test]
fn another_groups_journal_is_refused() {
    let (ours, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 4);
    for other in ["sho", "shop-4", "office"] {
        let refused = ours.ledger.import(&other.into(), &theirs.entries, None, None).unwrap_err();
        assert!(refused.to_string().contains("is not one of group"), "{refused}");
    }
}

#[test]
fn s1_what_was_done_for_good_stands_though_a_newer_claim_prepared_the_same_here() {
    let (mut ours, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 4);
    prepared(&mut ours, 5);
    import(&mut ours, &theirs.entries);
    assert_eq!((ours.ledger.active, ours.ledger.writer), (Site::Standby, Some(Site::Standby)));
    assert_eq!(ours.ledger.open_run().unwrap().id.as_str(), run(4), "their run goes on");
    assert_eq!(ours.ledger.epoch(), Epoch(5), "no claim goes back");
    assert_eq!(ours.ledger.claimant, None, "whoever goes on with it claims it anew");
    assert_eq!(ours.ledger.history.last().unwrap().0.as_str(), run(5));
}

#[test]
fn s1_a_promotion_that_was_never_sent_is_nothing_for_good() {
    let promotes = || vec![closes_the_door(), started("promote", None)];
    for (taken_back, moves_here) in [(false, false), (true, false), (true, true)] {
        let mut ours = ours_and_copy().0;
        if moves_here {
            move_away(&mut ours, 1);
            ours.write(vec![Record::Closed { ended: Ended::Moved }]);
            come_home(&mut ours, 2);
        }
        let mut theirs = copy(&ours);
        move_away_open(&mut theirs);
        theirs.write(promotes());
        if taken_back {
            theirs.write(vec![Record::Withheld { step: "promote".into() }]);
        }
        import(&mut ours, &theirs.entries);
        let stands = ours.ledger.open_run().map(|run| run.id.to_string());
        assert_eq!(stands, (!taken_back).then(|| run(3)), "{taken_back} {moves_here}");
        assert!(ours.ledger.holds.contains_key(&door().id), "what they hold is ours to let go");
    }
}

#[test]
fn s2_what_a_run_had_prepared_elsewhere_is_looked_at_again_when_it_goes_on_here() {
    let (mut ours, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 4);
    theirs.write(vec![done("pool.dr"), done("start.shop.web"), done("answers")]);
    import(&mut ours, &theirs.entries);
    let run = ours.ledger.open_run().unwrap();
    let ended = |step: &str| run.steps.get(step).unwrap().ended();
    assert!(!ended("pool.dr") && !ended("start.shop.web"), "a run of ours may have released it");
    assert!(ended("answers") && ended("promote"));
}

#[test]
fn s5_two_moves_of_which_neither_journal_knows_the_other_are_for_people_to_sort_out() {
    let (mut ours, mut theirs) = ours_and_copy();
    move_away(&mut ours, 5);
    ours.write(vec![Record::Closed { ended: Ended::Moved }]);
    come_home(&mut ours, 6);
    // Their move is the later one, and their claim the older.
    (0..9).for_each(|_| theirs.write(vec![Record::Resumed]));
    move_away(&mut theirs, 4);
    let refused = ours.ledger.import(&shop(), &theirs.entries, None, None).unwrap_err();
    assert!(refused.to_string().contains("moved the group to standby"), "{refused}");
}

#[test]
fn s5_a_run_that_was_ended_here_and_went_on_there_is_for_people_to_sort_out() {
    let (mut ours, _) = ours_and_copy();
    move_away_open(&mut ours);
    let mut theirs = copy(&ours);
    ours.write(vec![
        Record::Unwinding { why: "x".into() },
        Record::Closed { ended: Ended::Unwound("x".into()) },
    ]);
    theirs.write(vec![Record::Claimed { claim: claim(4, &run(3)), by: "laptop".into() }]);
    theirs.write(vec![done("promote"), done("shifted")]);
    let refused = ours.ledger.import(&shop(), &theirs.entries, None, None).unwrap_err();
    assert!(refused.to_string().contains("which is over here"), "{refused}");
}

#[test]
fn l1_a_move_that_both_went_on_with_is_over_when_it_is_over_here() {
    let (mut ours, _) = ours_and_copy();
    move_away_open(&mut ours);
    ours.write(vec![done("promote")]);
    let mut theirs = copy(&ours);
    ours.write(vec![done("shifted"), Record::Closed { ended: Ended::Moved }]);
    theirs.write(vec![Record::Claimed { claim: claim(4, &run(3)), by: "laptop".into() }]);
    theirs.write(vec![done("shifted")]);
    import(&mut ours, &theirs.entries);
    assert!(ours.ledger.open_run().is_none(), "theirs was not");
    assert_eq!((ours.ledger.active, ours.ledger.epoch()), (Site::Standby, Epoch(4)));
    assert_eq!(ours.ledger.history, [], "it is the same run");
}

#[test]
fn s1_our_run_behind_its_point_of_no_return_goes_on_whatever_else_was_begun() {
    let (mut ours, mut theirs) = ours_and_copy();
    move_away_open(&mut ours);
    ours.write(vec![done("promote")]);
    for moved in [false, true] {
        match moved {
            false => prepared(&mut theirs, 4),
            true => theirs.write(vec![done("promote"), done("shifted")]),
        }
        let mut after = copy(&ours);
        import(&mut after, &theirs.entries);
        let open = after.ledger.open_run().unwrap();
        assert_eq!((open.id.as_str(), open.committed), (run(3).as_str(), true));
        assert_eq!((after.ledger.epoch(), &after.ledger.claimant), (Epoch(4), &None));
        assert_eq!(after.ledger.history.last().unwrap().0.as_str(), run(4));
    }
}

#[test]
fn s1_a_promotion_in_the_first_entry_since_is_one_of_ours() {
    for promotes in [started("promote", None), done("promote")] {
        let (mut ours, _) = ours_and_copy();
        move_away_open(&mut ours);
        let mut theirs = copy(&ours);
        ours.write(vec![promotes]);
        theirs.write(vec![Record::Claimed { claim: claim(4, &run(3)), by: "laptop".into() }]);
        theirs.write(vec![done("promote"), done("shifted")]);
        import(&mut ours, &theirs.entries);
        assert_eq!((ours.ledger.active, ours.ledger.epoch()), (Site::Home, Epoch(4)));
        assert!(ours.ledger.open_run().unwrap().committed, "it goes on, and finds all that done");
    }
}

/// A failover that is over, and owes nothing.
fn moved_away(book: &mut Book, epoch: u64) {
    move_away(book, epoch);
    let owed = book.ledger.run.as_ref().unwrap().standing();
    let owed: Vec<_> = owed.map(|(step, _)| done(step.as_str())).collect();
    book.write(owed);
    book.write(vec![Record::Closed { ended: Ended::Moved }]);
}

#[test]
fn s1_what_only_prepared_there_is_no_move_however_new_its_claim() {
    let (mut ours, mut theirs) = ours_and_copy();
    moved_away(&mut ours, 4);
    prepared(&mut theirs, 6);
    import(&mut ours, &theirs.entries);
    assert_eq!((ours.ledger.active, ours.ledger.epoch()), (Site::Standby, Epoch(6)));
    assert_eq!(ours.ledger.run.as_ref().unwrap().id.as_str(), run(4));
}

#[test]
fn of_two_moves_to_one_site_the_one_under_the_newer_claim_goes_on() {
    for (here, there) in [(4, 6), (6, 4)] {
        let (mut ours, mut theirs) = ours_and_copy();
        moved_away(&mut ours, here);
        (0..9).for_each(|_| theirs.write(vec![Record::Resumed]));
        move_away(&mut theirs, there);
        if there < here {
            theirs.write(vec![Record::Closed { ended: Ended::Moved }]);
        }
        import(&mut ours, &theirs.entries);
        let ledger = &ours.ledger;
        assert_eq!(ledger.run.as_ref().unwrap().id.as_str(), run(6));
        let was = (run(4).as_str().into(), PlanKind::Failover, Ended::Moved);
        assert_eq!(ledger.history.last(), Some(&was), "told by how it ended");
    }
}

#[test]
fn s5_traffic_or_a_writer_that_was_moved_there_alone_is_a_move_that_nobody_here_knows_of() {
    for moves in ["shifted", "promote"] {
        let (mut ours, mut theirs) = ours_and_copy();
        let there = || failover(&Ground::shop().survey(Site::Home)).unwrap();
        let back = || planned_move(&Ground::shop().survey(Site::Standby)).unwrap();
        let over = || vec![done(moves), Record::Closed { ended: Ended::Moved }];
        begins(&mut ours, (5, &run(5)), there(), true);
        ours.write(over());
        begins(&mut ours, (6, "shop-6-failback"), back(), true);
        ours.write(over());
        (0..9).for_each(|_| theirs.write(vec![Record::Resumed]));
        begins(&mut theirs, (4, &run(4)), there(), true);
        theirs.write(vec![done(moves)]);
        let moved = [&ours, &theirs].map(|book| book.ledger.moved_at.is_some());
        assert_eq!(moved, [moves == "shifted"; 2], "of the other they say the same");
        let refused = ours.ledger.import(&shop(), &theirs.entries, None, None).unwrap_err();
        assert!(refused.to_string().contains("moved the group to standby"), "{refused}");
    }
}

#[test]
fn an_instance_that_either_put_another_in_the_place_of_is_a_leftover_once() {
    let renames = |book: &mut Book, epoch, from: Site| {
        let plan = planned_move(&Ground::shop().survey(from)).unwrap();
        let is = |step: &crate::plan::Step| matches!(step.effect, Effect::Rename(_));
        let id = plan.steps.iter().find(|(_, step)| is(step)).unwrap().0.to_string();
        begins(book, (epoch, &format!("shop-{epoch}-{}", plan.kind.word())), plan, true);
        book.write(vec![done(&id), Record::Closed { ended: Ended::Unwound("x".into()) }]);
    };
    let (mut ours, _) = ours_and_copy();
    renames(&mut ours, 3, Site::Home);
    let mut theirs = copy(&ours);
    renames(&mut theirs, 4, Site::Standby);
    move_away(&mut ours, 5);
    let left = |book: &Book| {
        let left = book.ledger.leftovers.iter().map(|left| left.resource.clone());
        left.collect::<Vec<_>>()
    };
    let both = left(&theirs);
    assert_eq!((left(&ours).len(), both.len()), (1, 2));
    import(&mut ours, &theirs.entries);
    assert_eq!((left(&ours), ours.ledger.epoch()), (both, Epoch(5)));
}

#[test]
fn a_journal_in_which_nothing_was_claimed_is_refused() {
    let (ours, mut theirs) = ours_and_copy();
    theirs.write(vec![Record::Resumed]);
    let refused = ours.ledger.import(&shop(), &theirs.entries, None, None).unwrap_err();
    assert!(refused.to_string().contains("nothing was claimed in it"), "{refused}");
}

#[test]
fn a_journal_of_as_many_bytes_as_may_be_is_taken_and_one_more_is_refused() {
    let (ours, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 4);
    let facts = serde_json::to_string(&Ground::shop().facts).unwrap();
    let entries: usize = theirs.entries[2..].iter().map(|bytes| bytes.len()).sum();
    let import = |size: usize| {
        let facts = format!("{facts}{}", " ".repeat(size - entries - facts.len()));
        ours.ledger.import(&shop(), &theirs.entries, Some(&facts), None)
    };
    assert!(import(512 << 10).is_ok());
    for bytes in [(512 << 10) + 1, 1 << 20] {
        let refused = import(bytes).unwrap_err().to_string();
        assert!(refused.contains(&format!("{bytes} bytes, of 524288 at most")), "{refused}");
    }
}

#[test]
fn l2_what_a_renamed_instance_was_held_or_owed_for_is_void() {
    let (mut ours, mut theirs) = ours_and_copy();
    move_away(&mut ours, 3);
    ours.write(vec![done("fence.standing"), Record::Closed { ended: Ended::Moved }]);
    let plan = planned_move(&Ground::shop().survey(Site::Standby)).unwrap();
    let renamed = plan.steps.iter().find_map(|(id, step)| match &step.effect {
        Effect::Rename(_) => Some(id.clone()),
        _ => None,
    });
    begins(&mut ours, (4, "shop-4-failback"), plan, true);
    ours.write(vec![
        done(renamed.unwrap().as_str()),
        Record::Closed { ended: Ended::Unwound("x".into()) },
    ]);
    let left = ours.ledger.leftovers[0].resource.clone();
    move_away(&mut theirs, 5);
    let mut hold = door();
    hold.id = HoldId::instance(Site::Home, &left);
    theirs.write(vec![started("fence", Some(hold))]);
    theirs.write(vec![Record::Closed { ended: Ended::Moved }]);
    let owed = |book: &Book| {
        let run = book.ledger.run.as_ref().unwrap();
        run.standing().any(|(step, _)| step.as_str() == "fence.standing")
    };
    assert!(owed(&theirs), "home's old writer is still to be stopped");
    let fence = |book: &Book| book.ledger.run.as_ref().unwrap().steps.get("fence").cloned();
    let before = fence(&theirs);
    import(&mut ours, &theirs.entries);
    assert!(!owed(&ours) && ours.ledger.holds.is_empty());
    assert_eq!(fence(&ours), before, "what the run did itself is told as it was");
}

/// A failover that prepares.
fn prepared(book: &mut Book, epoch: u64) {
    let plan = prewarm(&Ground::shop().survey(Site::Home)).unwrap();
    begins(book, (epoch, &run(epoch)), plan, false);
}

/// A failback, until it is over.
pub(super) fn come_home(book: &mut Book, epoch: u64) {
    let plan = planned_move(&Ground::shop().survey(Site::Standby)).unwrap();
    begins(book, (epoch, &format!("shop-{epoch}-failback")), plan, true);
    book.write(vec![done("promote"), done("shifted")]);
    book.write(vec![Record::Closed { ended: Ended::Moved }]);
}

/// A hold on home's door, as a fence takes it.
pub(super) fn door() -> Hold {
    let ground = Ground::shop();
    let database = ground.policy.home.database.clone().unwrap();
    let resource = ResourceId::new("db-HOME");
    let held = Held::Writer {
        scope: ground.policy.home.scope.clone(),
        instance: database.instance,
        resource: resource.clone(),
        baseline: vec!["sg-open".into()],
        closed: database.closed_security_group,
    };
    Hold { id: HoldId::instance(Site::Home, &resource), site: Site::Home, held }
}

pub(super) fn closes_the_door() -> Record {
    started("fence", Some(door()))
}

#[test]
fn s7_what_an_overtaken_process_holds_becomes_ours_and_claim_and_run_stay() {
    let (mut ours, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 4);
    theirs.write(vec![closes_the_door()]);
    move_away(&mut ours, 5);
    let before = ours.ledger.clone();
    import(&mut ours, &theirs.entries);
    assert_eq!(ours.ledger.holds.keys().collect::<Vec<_>>(), [&door().id]);
    assert_eq!((&ours.ledger.claim, ours.ledger.active), (&before.claim, Site::Standby));
    let (own, before) = (ours.ledger.run.as_ref().unwrap(), before.run.unwrap());
    assert_eq!((&own.id, &own.steps), (&before.id, &before.steps));
    assert_eq!(own.touched.get(&door().id), Some(&None), "it is undone with our run");
    let (id, _, ended) = ours.ledger.history.last().unwrap();
    assert_eq!(id.as_str(), run(4));
    assert!(matches!(ended, Ended::Unwound(why) if why.contains("was not undone")), "{ended:?}");
    assert!(ours.ledger.taken.contains("there-1"));
    let again = ours.ledger.import(&shop(), &theirs.entries, None, None).unwrap_err();
    assert!(again.to_string().contains("imported before"), "{again}");
    let chain = (1..).zip(ours.entries.iter().map(|bytes| &**bytes));
    assert_eq!(Ledger::replay(chain).unwrap(), ours.ledger);
}

#[test]
fn l2_what_an_overtaken_process_held_is_gone_once_we_came_home() {
    let (mut ours, mut theirs) = ours_and_copy();
    theirs.write(vec![
        Record::Claimed { claim: claim(4, &run(4)), by: "laptop".into() },
        opened(PlanKind::Failover, Site::Home),
        closes_the_door(),
    ]);
    move_away(&mut ours, 5);
    ours.write(vec![Record::Closed { ended: Ended::Moved }]);
    come_home(&mut ours, 6);
    import(&mut ours, &theirs.entries);
    assert!(ours.ledger.holds.is_empty() && ours.ledger.active == Site::Home);
    let (id, _, ended) = ours.ledger.history.last().unwrap();
    assert_eq!(id.as_str(), run(4));
    assert!(matches!(ended, Ended::Unwound(why) if why.contains("nothing of it was for good")));
}

#[test]
fn s5_of_two_journals_with_one_epoch_either_can_take_the_other_in() {
    for (here, there) in [("a", "laptop"), ("laptop", "a")] {
        let (mut ours, mut theirs) = ours_and_copy();
        for (book, by) in [(&mut ours, here), (&mut theirs, there)] {
            let plan = failover(&Ground::shop().survey(Site::Home)).unwrap();
            let claim = claim(4, &run(4)).made_by(&by.into());
            book.write(vec![
                Record::Claimed { claim, by: by.into() },
                opened(PlanKind::Failover, Site::Home),
                Record::Planned { plan: Box::new(plan), moves: true },
            ]);
        }
        let stands = ours.ledger.claim.clone().max(theirs.ledger.claim.clone());
        theirs.write(vec![closes_the_door()]);
        import(&mut ours, &theirs.entries);
        assert_eq!(ours.ledger.claim, stands);
        assert!(ours.ledger.holds.contains_key(&door().id));
    }
}

#[test]
fn a_run_that_went_on_elsewhere_goes_on_here() {
    let (mut ours, _) = ours_and_copy();
    move_away_open(&mut ours);
    let mut theirs = copy(&ours);
    ours.write(vec![done("claim.gaining")]);
    theirs.write(vec![Record::Claimed { claim: claim(4, &run(3)), by: "laptop".into() }]);
    theirs.write(vec![done("promote"), done("shifted")]);
    import(&mut ours, &theirs.entries);
    let run = ours.ledger.open_run().unwrap();
    assert!(run.steps.get("claim.gaining").unwrap().ended(), "what was done here stays done");
    assert!(run.steps.get("promote").unwrap().ended());
    assert_eq!(ours.ledger.active, Site::Standby);
}

#[test]
fn a_failover_that_somebody_else_finished_is_over_here_too() {
    let (mut ours, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 4);
    move_away_open(&mut ours);
    import(&mut ours, &theirs.entries);
    assert_eq!(ours.ledger.open_run().unwrap().id.as_str(), run(4));
    let (id, _, ended) = ours.ledger.history.last().unwrap();
    assert_eq!(id.as_str(), run(3));
    assert!(matches!(ended, Ended::Unwound(why) if why.contains("shop-4-failover")));
}

/// A failover of ours that did not come far.
pub(super) fn move_away_open(book: &mut Book) {
    begins(book, (3, &run(3)), failover(&Ground::shop().survey(Site::Home)).unwrap(), true);
}

/// A run of ours is claimed, opened and given its plan.
pub(super) fn begins(book: &mut Book, (epoch, run): (u64, &str), plan: Plan, moves: bool) {
    book.write(vec![
        Record::Claimed { claim: claim(epoch, run), by: "a".into() },
        opened(plan.kind, plan.from),
        Record::Planned { plan: Box::new(plan), moves },
    ]);
}

#[test]
fn s5_an_open_run_that_the_other_journal_does_not_continue_is_told_with_what_to_do() {
    let (mut ours, mut theirs) = ours_and_copy();
    move_away(&mut theirs, 4);
    ours.write(vec![
        Record::Claimed { claim: claim(3, "shop-3-switchover"), by: "a".into() },
        opened(PlanKind::Switchover, Site::Home),
    ]);
    let refused = ours.ledger.import(&shop(), &theirs.entries, None, None).unwrap_err();
    assert!(matches!(&refused, Refusal::NotContinued { .. }), "{refused:?}");
    assert!(refused.to_string().contains("--run shop-3-switchover"), "{refused}");
    let why = "cancelled".to_owned();
    ours.write(vec![
        Record::Unwinding { why: why.clone() },
        Record::Closed { ended: Ended::Unwound(why) },
    ]);
    import(&mut ours, &theirs.entries);
}

#[test]
fn an_import_within_an_import_is_refused() {
    let (ours, mut theirs) = ours_and_copy();
    let mut third = copy(&theirs);
    move_away(&mut third, 4);
    import(&mut theirs, &third.entries);
    theirs.write(vec![Record::Claimed { claim: claim(5, &run(4)), by: "b".into() }]);
    let refused = ours.ledger.import(&shop(), &theirs.entries, None, None).unwrap_err();
    assert!(refused.to_string().contains("import itself"), "{refused}");
}
