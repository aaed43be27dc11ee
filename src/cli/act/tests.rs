//! Whole commands through the real loop, the real chain and a real directory, over a simulated
//! world.

mod world;

use std::io;
use std::path::Path;
use std::sync::Arc;

use bowline_core::model::{RunId, Site};
use bowline_core::run::{Ledger, Refusal};
use bowline_sim::faults::Trouble;
use clap::Parser;
use tokio::time::{Duration, sleep};

use super::follow::Follower;
use super::outcome::{Ending, Told};
use super::session::Session;
use super::{ImportArgs, Wish, ask, outcome, watch};
use crate::cli::Cli;
use crate::cli::exit::Exit;
use crate::cli::paint::Paint;
use crate::service::Hosted;
use world::{Simulated, beside, policy_file, replica, session};

/// What a command came to.
struct Played {
    told: Told,
    exit: Exit,
    next: Option<String>,
    out: String,
    err: String,
}

fn wish(words: &str, folder: &Path) -> Wish {
    let store = format!("dir:{}", folder.display());
    let policy = policy_file();
    let fixed = ["--store", &store, "--policy", policy.to_str().unwrap()];
    let words = std::iter::once("bowline").chain(words.split_whitespace()).chain(fixed);
    match Cli::try_parse_from(words).unwrap().command {
        crate::cli::Command::Act(wish) => wish,
        other => panic!("{other:?}"),
    }
}

/// Plays a command to its end.
async fn play(words: &str, session: Session, folder: &Path) -> Played {
    let (wish, mut out, mut err) = (wish(words, folder), Vec::new(), Vec::new());
    let told = watch::play(&wish, session, Paint::OFF, (&mut out, &mut err)).await.unwrap();
    let next = ask::next(&wish, &told, true);
    let (data, rest) = (&mut out, &mut err);
    let exit = outcome::tell(&wish, &told, next.as_deref(), Paint::OFF, (data, rest));
    let [out, err] = [out, err].map(|bytes| String::from_utf8(bytes).unwrap());
    Played { told, exit, next, out, err }
}

/// A folder, a world in peace, and its group armed by hand.
async fn armed() -> (tempfile::TempDir, Arc<Simulated>) {
    let (folder, world) = (tempfile::tempdir().unwrap(), Simulated::new(1));
    let armed = play("arm shop --yes", session(&world, folder.path()), folder.path()).await;
    assert_eq!(armed.exit, Exit::Done, "{}", armed.err);
    (folder, world)
}

fn dead(world: &Simulated) -> Trouble {
    Trouble::RegionDead(world.policy.home.scope.region.clone())
}

async fn ledger(world: &Arc<Simulated>, folder: &Path) -> Ledger {
    let mut follower = Follower::new(beside(world, folder).store, world.policy.group.clone());
    follower.catch_up().await.unwrap();
    follower.ledger
}

#[test]
fn l1_an_import_that_needs_a_word_is_refused_with_both_commands() {
    let args = ImportArgs {
        group: "shop".into(),
        from: "dir:/mnt/my copy".into(),
        stands: None,
        reason: "x".into(),
        act: wish("resume shop", Path::new("/s")).args().clone(),
    };
    let (group, why) = ("shop".into(), "both moved it".into());
    let refusal = Refusal::TwoMoves { group, why, ours: Site::Home, theirs: Site::Standby };
    let ending = Ending::Refused { why: refusal.to_string(), refusal: Some(refusal) };
    let (intent, run, report, obligations) = (None, None, None, Vec::new());
    let told = Told { group: "shop".into(), intent, run, report, obligations, ending };
    let next = ask::next(&Wish::Import(args), &told, true).unwrap();
    let import = "bowline journal import shop --from 'dir:/mnt/my copy' --reason WHY --stands";
    for (site, word) in [("standby", "theirs"), ("home", "ours")] {
        let line = format!("{site}, as {word} says: {import} {word} ");
        assert!(next.contains(&line), "{line}: {next}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failover_by_hand_without_any_controller_asks_what_may_be_lost_and_then_moves() {
    let (folder, world) = armed().await;
    let folder = folder.path();
    world.begin(&dead(&world));
    sleep(Duration::from_secs(60)).await;

    let refused = play("failover shop", session(&world, folder), folder).await;
    assert_eq!(refused.exit, Exit::Refused, "{}", refused.err);
    let Ending::Refused { refusal: Some(Refusal::MoreLoss { .. }), .. } = refused.told.ending
    else {
        panic!("{:?}", refused.told.ending)
    };
    let next = refused.next.unwrap();
    assert!(next.contains("bowline failover shop --accept-loss"), "{next}");
    assert_eq!(refused.out, "", "no run, no data");

    let moved = play("failover shop --accept-loss 5m", session(&world, folder), folder).await;
    assert_eq!(moved.exit, Exit::Done, "{}", moved.err);
    let run = moved.told.run.clone().unwrap();
    assert!(moved.out.starts_with(&format!("{run}\n")), "the run's name first: {}", moved.out);
    for line in ["promote", "unknown fence", "done: the standby site serves", "Left to do: "] {
        assert!(moved.err.contains(line), "{line:?} is not in\n{}", moved.err);
    }
    assert!(!moved.out.contains("no write could be lost"), "{}", moved.out);
    assert!(moved.told.obligations.iter().any(|step| step.as_str() == "fence.standing"));
    let ledger = ledger(&world, folder).await;
    assert_eq!((ledger.active, ledger.writer), (Site::Standby, Some(Site::Standby)));
    let leads = world.see(|world, _, _| world.groups()[0].answers);
    assert!(leads.iter().all(|told| told.site == Some(Site::Standby)), "{leads:?}");
}

/// An output whose reader has gone, or whose disk is full.
struct Deaf(io::ErrorKind);

impl io::Write for Deaf {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_goes_on_to_its_end_though_nobody_reads_what_is_told() {
    for (kind, output) in
        [(io::ErrorKind::BrokenPipe, "text"), (io::ErrorKind::StorageFull, "json")]
    {
        let (folder, world) = armed().await;
        let folder = folder.path();
        let wish = wish(&format!("switchover shop -o {output}"), folder);
        let (mut out, mut err) = (Deaf(kind), Deaf(kind));
        let session = session(&world, folder);
        let told = watch::play(&wish, session, Paint::OFF, (&mut out, &mut err)).await.unwrap();
        let exit = outcome::tell(&wish, &told, None, Paint::OFF, (&mut out, &mut err));
        assert_eq!(exit, Exit::Done, "{kind}: {:?}", told.ending);
        assert_eq!(ledger(&world, folder).await.active, Site::Standby);
        let refused = Ending::Refused { why: "no".into(), refusal: None };
        let told = Told { ending: refused, ..told };
        let exit = outcome::tell(&wish, &told, None, Paint::OFF, (&mut out, &mut err));
        assert_eq!(exit, Exit::Refused, "what became of the wish, not of the words");
    }
}

#[tokio::test(start_paused = true)]
async fn a_detached_command_gives_the_run_at_once_and_the_controller_goes_on_with_it() {
    let (folder, world) = armed().await;
    let folder = folder.path();
    let controller = replica(&world, folder);
    controller.view().looked_around().await;

    let words = "switchover shop --reason maintenance --detach";
    let left = play(words, beside(&world, folder), folder).await;
    assert_eq!(left.exit, Exit::Running, "{}", left.err);
    let run = left.told.run.unwrap();
    assert_eq!(left.out, format!("{run}\n"));
    assert!(left.next.unwrap().starts_with("Look at it with: bowline status shop --store"));

    let second = play("switchover shop", beside(&world, folder), folder).await;
    let Ending::Refused { refusal: Some(Refusal::RunOpen(open)), .. } = second.told.ending else {
        panic!("{:?}", second.told.ending)
    };
    assert_eq!((open, second.exit), (run.clone(), Exit::Refused), "one run per group (S5)");
    assert!(second.next.unwrap().contains(&format!("bowline cancel shop --run {run}")));

    let undone = play(&format!("cancel {run}"), beside(&world, folder), folder).await;
    assert_eq!(undone.exit, Exit::Done, "{}", undone.err);
    assert!(undone.err.contains(&format!("done: {run} is undone")), "{}", undone.err);
    let after = ledger(&world, folder).await;
    assert_eq!((after.active, after.holds.len()), (Site::Home, 0));
    controller.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_switchover_and_a_failback_by_hand_end_as_they_began() {
    let (folder, world) = armed().await;
    let folder = folder.path();
    let there = play("switchover shop", session(&world, folder), folder).await;
    assert_eq!(there.exit, Exit::Done, "{}", there.err);
    assert_eq!(ledger(&world, folder).await.active, Site::Standby);
    let again = play("switchover shop", session(&world, folder), folder).await;
    let Ending::Refused { refusal: Some(Refusal::AlreadyThere(_)), .. } = again.told.ending else {
        panic!("{:?}", again.told.ending)
    };
    let home = play("failback shop -o json", session(&world, folder), folder).await;
    assert_eq!(home.exit, Exit::Done, "{}", home.err);
    let document: serde_json::Value = serde_json::from_str(&home.out).unwrap();
    assert_eq!((&document["outcome"], &document["exitCode"]), (&"done".into(), &0.into()));
    assert_eq!(document["report"]["ended"], "moved");
    let after = ledger(&world, folder).await;
    assert!(after.active == Site::Home && after.armed && after.holds.is_empty());
}

/// The group's run, once it asks something.
async fn asking(world: &Arc<Simulated>, folder: &Path, controller: &Hosted) -> RunId {
    for _ in 0..120 {
        sleep(Duration::from_secs(5)).await;
        let ledger = ledger(world, folder).await;
        if let Some(run) = ledger.open_run().filter(|run| run.asks().next().is_some()) {
            return run.id.clone();
        }
    }
    panic!("nothing was asked within ten minutes: {:#?}", controller.groups())
}

#[tokio::test(start_paused = true)]
async fn a_question_ends_the_command_with_the_one_that_answers_it() {
    let (folder, world) = armed().await;
    let folder = folder.path();
    let controller = replica(&world, folder);
    controller.view().looked_around().await;
    // Samples of replication from before the fault are what its evidence is made of (S10).
    sleep(Duration::from_secs(240)).await;
    world.begin(&dead(&world));
    // The policy wants a yes: the controller opens the run and asks in it.
    let run = asking(&world, folder, &controller).await;
    controller.stop().await.unwrap();
    // Nobody leads any more: the yes goes through a replica of the command's own.
    let yes = play(&format!("approve {run}"), session(&world, folder), folder).await;
    assert_eq!(yes.exit, Exit::Done, "{}", yes.err);
    assert_eq!(yes.told.report.unwrap().approvals.len(), 1);
    let nothing = play("approve shop", session(&world, folder), folder).await;
    assert_eq!(nothing.exit, Exit::Refused);
    assert!(nothing.err.contains("no run of shop is open"), "{}", nothing.err);
    world.end(&dead(&world));
}

/// A copy of the directory, as `bowline export` keeps one.
fn export(from: &Path, to: &Path) {
    let words = format!("export shop --to dir:{} --store dir:{}", to.display(), from.display());
    let words = std::iter::once("bowline").chain(words.split(' '));
    let crate::cli::Command::Export(args) = Cli::try_parse_from(words).unwrap().command else {
        panic!("an export")
    };
    let copied = std::thread::spawn(move || crate::cli::export::run(&args, &mut Vec::new()));
    assert_eq!(copied.join().unwrap().unwrap(), Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn break_glass_over_a_copy_ends_with_an_import_and_the_controller_brings_it_home() {
    let (folder, world) = armed().await;
    let (main, other) = (folder.path(), tempfile::tempdir().unwrap());
    let glass = other.path().join("glass");
    export(main, &glass);
    world.begin(&dead(&world));
    sleep(Duration::from_secs(60)).await;

    // The controller is dead, and its store with it: the copy is what there is.
    let words = "failover shop --accept-loss 5m --controller-is-dead lost";
    let moved = play(words, session(&world, &glass), &glass).await;
    assert_eq!(moved.exit, Exit::Done, "{}", moved.err);
    let run = moved.told.run.unwrap();
    assert_eq!(ledger(&world, main).await.active, Site::Home, "the store does not know yet");

    world.end(&dead(&world));
    let controller = replica(&world, main);
    controller.view().looked_around().await;
    sleep(Duration::from_secs(60)).await;
    let blind = play("failover shop --accept-loss 5m", beside(&world, main), main).await;
    let Ending::Refused { refusal: Some(Refusal::ForeignClaim(claim)), .. } = blind.told.ending
    else {
        panic!("{:?}", blind.told.ending)
    };
    assert_eq!((&claim.run, blind.exit), (&run, Exit::Refused));
    assert!(blind.next.unwrap().contains("bowline journal import shop --from dir:PATH"));

    let args = ImportArgs {
        group: "shop".into(),
        from: format!("dir:{}", glass.display()),
        stands: None,
        reason: "the controller is back".into(),
        act: wish("resume shop", main).args().clone(),
    };
    let import = Wish::Import(args);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let session = beside(&world, main);
    let told = watch::play(&import, session, Paint::OFF, (&mut out, &mut err)).await.unwrap();
    let Ending::Done(_) = told.ending else { panic!("{:?}", told.ending) };
    let after = ledger(&world, main).await;
    assert_eq!((after.active, after.run.map(|run| run.id)), (Site::Standby, Some(run)));

    // The obligations are the controller's now; when they are done, home can be asked for.
    for _ in 0..240 {
        sleep(Duration::from_secs(10)).await;
        if ledger(&world, main).await.busy_run().is_none() {
            break;
        }
    }
    let home = play("failback shop", beside(&world, main), main).await;
    assert_eq!(home.exit, Exit::Done, "{}", home.err);
    let end = ledger(&world, main).await;
    assert!(end.active == Site::Home && end.armed && end.holds.is_empty());
    controller.stop().await.unwrap();
}
