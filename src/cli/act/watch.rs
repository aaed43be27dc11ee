//! From a wish to its end: leave the intent, see it taken, watch the run. What is told meanwhile is
//! told to whoever still reads: nothing stops because nobody does.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use bowline_core::model::{Answer3, RunId, Wall};
use bowline_core::node::GroupStatus;
use bowline_core::op::Fault;
use bowline_core::run::{Ended, Entry, Intent, Phase, Record, Refusal, Report};
use bowline_core::step::QuestionKind;
use tokio::time::{Instant, sleep, timeout};

use super::Wish;
use super::follow::Follower;
use super::intents::{Foreign, Target};
use super::outcome::{Ending, Told};
use super::session::Session;
use crate::cli::lines::Layout;
use crate::cli::paint::Paint;
use crate::cli::reading::{self, Output};
use crate::cli::records;
use crate::cli::target::folder;
use crate::edges::Store;
use crate::edges::files::FileStore;
use crate::service::{Hosted, HostedView, ServiceError, Signals};

/// How often the chain is read.
const TICK: Duration = Duration::from_millis(500);

/// How long writing the intent may take.
const WRITE: Duration = Duration::from_secs(10);

/// How long the first look at both sites and every journal may take.
const LOOKS: Duration = Duration::from_secs(60);

/// How long it may take until a replica that has just started knows whether home serves.
const SERVES: Duration = Duration::from_secs(120);

/// How long it takes from there until the peacetime facts are recorded.
const RECORDED: Duration = Duration::from_secs(3);

/// How long the chain may be unreadable before the command leaves.
const BLIND: Duration = Duration::from_secs(60);

/// What is told when writing the intent was begun and not seen to end.
const UNSURE: &str = "whether the wish is in the store is not known";

/// A command under way.
struct Watch<'a, O, E> {
    wish: &'a Wish,
    session: &'a Session,
    paint: Paint,
    out: &'a mut O,
    err: &'a mut E,
    target: Target,
    follower: Follower,
    /// When the first thing that is told happened.
    began: Option<Wall>,
    /// Whether writing the intent was begun: from then on the store may have it.
    asked: bool,
    intent: Option<String>,
    run: Option<RunId>,
}

/// Plays a wish to its end, or until somebody interrupts it, and tells of it meanwhile.
///
/// # Errors
/// A group that does not exist; signals that cannot be listened to.
pub(super) async fn play(
    wish: &Wish,
    mut session: Session,
    paint: Paint,
    (out, err): (&mut impl Write, &mut impl Write),
) -> Result<Told> {
    let target = wish.target(&session.groups);
    target.exists(&session.groups)?;
    let mut hosted = session.hosted.take();
    let mut signals = Signals::new()?;
    let mut watch = Watch::new(wish, &session, target, paint, (out, err));
    let view = hosted.as_ref().map(Hosted::view);
    let ending = tokio::select! {
        ending = watch.act(view.as_ref()) => ending,
        () = signals.next() => watch.interrupted(view.as_ref()),
        error = ended(hosted.as_mut()) => Ending::Failed(format!(
            "the replica in this process ended ({error}); what it did is in the journal"
        )),
    };
    if let Some(hosted) = hosted {
        stop(hosted, &mut signals, watch.err).await;
    }
    Ok(watch.told(ending))
}

async fn ended(hosted: Option<&mut Hosted>) -> ServiceError {
    match hosted {
        Some(hosted) => hosted.ended().await,
        None => std::future::pending().await,
    }
}

/// Releases the lease; a second signal ends that too, and the lease expires.
async fn stop(hosted: Hosted, signals: &mut Signals, err: &mut impl Write) {
    tokio::select! {
        stopped = hosted.stop() => {
            if let Err(error) = stopped {
                let _ = writeln!(err, "{error}: the next command waits until it expires");
            }
        }
        () = signals.next() => {}
    }
}

impl<'a, O: Write, E: Write> Watch<'a, O, E> {
    /// A command of which nothing was done yet.
    fn new(
        wish: &'a Wish,
        session: &'a Session,
        target: Target,
        paint: Paint,
        (out, err): (&'a mut O, &'a mut E),
    ) -> Self {
        let follower = Follower::new(session.store.clone(), target.group.clone());
        let (began, asked, intent, run) = (None, false, None, None);
        Self { wish, session, paint, out, err, target, follower, began, asked, intent, run }
    }

    async fn act(&mut self, view: Option<&HostedView>) -> Ending {
        if let Some(why) = self.barred() {
            return Ending::Refused { why, refusal: None };
        }
        if let Some(view) = view {
            let words = "looking at both sites first: a site that is gone takes 10 s";
            let _ = writeln!(self.err, "{words}");
            self.look_around(view).await;
        }
        if let Err(error) = self.follower.catch_up().await {
            return Ending::Failed(format!("nothing was started: {error:#}"));
        }
        let foreign = match self.foreign().await {
            Ok(foreign) => foreign,
            Err(error) => return Ending::Refused { why: format!("{error:#}"), refusal: None },
        };
        let ledger = &self.follower.ledger;
        let Some(intent) = self.wish.intent(&self.target, ledger, &foreign) else {
            let why = format!("no run of {} is open", self.target.group);
            return Ending::Refused { why, refusal: None };
        };
        match self.intend(&intent).await {
            Ok(uid) => self.intent = Some(uid),
            Err(ending) => return ending,
        }
        match self.taken(&intent).await {
            Some(ending) => ending,
            None => self.follow(view).await,
        }
    }

    /// Waits until the replica in this process knows what the wish will be judged by.
    async fn look_around(&self, view: &HostedView) {
        // What does not answer until then is not going to: the leader says what it lacks.
        let _ = timeout(LOOKS, view.looked_around()).await;
        if !matches!(self.wish, Wish::Arm(_)) {
            return;
        }
        // A group is armed while home serves, which takes as many samples as the policy says.
        let until = Instant::now() + SERVES;
        let serves = |status: &GroupStatus| {
            let answer = status.sites.iter().find_map(|site| site.serving);
            status.group == self.target.group && answer.is_some_and(|a| a != Answer3::Unknown)
        };
        while Instant::now() < until && !view.groups().iter().any(serves) {
            sleep(TICK).await;
        }
        sleep(RECORDED).await;
    }

    /// Why this may not even be asked for here, if it may not.
    fn barred(&self) -> Option<String> {
        let Wish::Failover(args) = self.wish else { return None };
        let unfenced = self.session.without_fence.contains(&self.target.group);
        (unfenced && args.controller_is_dead.is_none()).then(|| {
            "the lever `gates` has no fence that stops a controller which still lives: make sure \
             that it is dead, and say so with --controller-is-dead REASON"
                .into()
        })
    }

    /// What a journal that is to be imported has and ours does not, and the facts beside it.
    async fn foreign(&self) -> Result<Foreign> {
        let Wish::Import(args) = self.wish else { return Ok(Foreign::default()) };
        let group = &self.target.group;
        let store = FileStore::open(folder(&args.from)?).map_err(|fault| anyhow!("{fault}"))?;
        let store = Store::Files(store);
        let facts = reading::facts(&store, group).await?.map(|view| view.bytes);
        let mut theirs = Follower::new(store, group.clone());
        theirs.catch_up().await?;
        let common = self.follower.common(theirs.entries());
        let entries = theirs.entries()[common..].to_vec();
        if entries.is_empty() {
            bail!("the journal of {group} in {} has nothing new", args.from);
        }
        Ok(Foreign { entries, facts })
    }

    /// Leaves the intent in the store.
    async fn intend(&mut self, intent: &Intent) -> Result<String, Ending> {
        self.asked = true;
        let (store, group) = (&self.session.store, &self.target.group);
        let written = match timeout(WRITE, store.intend(group, &self.session.by, intent)).await {
            Ok(written) => written,
            Err(_) => Err(Fault::Unknown("no answer in time".into())),
        };
        written.map_err(|fault| match fault {
            Fault::Denied(_) => Ending::Refused { why: fault.to_string(), refusal: None },
            Fault::Unknown(_) => Ending::Running(format!("{UNSURE}: {fault}")),
            fault => Ending::Failed(format!("nothing was started: {fault}")),
        })
    }

    /// Waits until the intent was looked at; `None`: it was followed, and a run goes on.
    async fn taken(&mut self, intent: &Intent) -> Option<Ending> {
        let until = Instant::now() + self.session.patience;
        loop {
            let entries = match self.follower.news().await {
                Ok(entries) => entries,
                Err(error) if Instant::now() > until => {
                    return Some(Ending::Unanswered(format!("{error:#}")));
                }
                Err(_) => Vec::new(),
            };
            self.tell(&entries);
            if let Some(refused) = self.answer(&entries) {
                return self.answered(intent, refused);
            }
            if Instant::now() > until {
                let secs = self.session.patience.as_secs();
                return Some(Ending::Unanswered(format!(
                    "no controller answered within {secs} s; the wish stays in the store, and is \
                     refused when it is found more than 10 minutes old"
                )));
            }
            sleep(TICK).await;
        }
    }

    /// What the leader said to our intent, if these entries say it.
    fn answer(&self, entries: &[Arc<Entry>]) -> Option<Option<Refusal>> {
        let ours = self.intent.as_deref();
        entries.iter().flat_map(|entry| &entry.records).find_map(|record| match record {
            Record::IntentTaken { uid, refused, .. } if Some(&**uid) == ours => {
                Some(refused.clone())
            }
            _ => None,
        })
    }

    /// The leader looked at it: refused, done at once, or (`None`) the beginning of more.
    fn answered(&mut self, intent: &Intent, refused: Option<Refusal>) -> Option<Ending> {
        if let Some(refusal) = refused {
            let why = refusal.to_string();
            return Some(Ending::Refused { why, refusal: Some(refusal) });
        }
        let group = &self.target.group;
        let done = match intent {
            Intent::Pause { .. } => format!("automatic action of {group} is held"),
            Intent::Resume => format!("automatic action of {group} goes on"),
            Intent::Arm => format!("{group} is armed"),
            Intent::Import { .. } => format!("the journal is part of {group}'s now"),
            Intent::Approve { run, .. } | Intent::Cancel { run } => {
                self.found(run.clone());
                return None;
            }
            Intent::Failover { .. } | Intent::Switchover { .. } | Intent::Failback { .. } => {
                let run = self.follower.ledger.run.as_ref().map(|run| run.id.clone());
                let Some(run) = run else {
                    return Some(Ending::Failed("the journal tells of no run".into()));
                };
                self.found(run);
                return None;
            }
        };
        Some(Ending::Done(done))
    }

    /// The run's name, at once.
    fn found(&mut self, run: RunId) {
        if self.wish.args().output == Output::Text {
            let _ = writeln!(self.out, "{run}").and_then(|()| self.out.flush());
        }
        self.run = Some(run);
    }

    /// Watches the run until it ends, asks, or the chain cannot be read any more.
    async fn follow(&mut self, view: Option<&HostedView>) -> Ending {
        let mut seen = Instant::now();
        loop {
            let leads = view.is_some_and(HostedView::leads);
            if let Some(ending) = self.verdict(leads) {
                return ending;
            }
            if self.wish.args().detach {
                return Ending::Running("the run goes on without this command".into());
            }
            sleep(TICK).await;
            match self.follower.news().await {
                Ok(entries) => {
                    seen = Instant::now();
                    self.tell(&entries);
                }
                Err(error) if seen.elapsed() > BLIND => {
                    return Ending::Running(format!("the run cannot be seen: {error:#}"));
                }
                Err(_) => {}
            }
        }
    }

    /// How it ended, if it did. `leads`: this process alone goes on with the run.
    fn verdict(&self, leads: bool) -> Option<Ending> {
        let (ledger, id) = (&self.follower.ledger, self.run.as_ref()?);
        let run = ledger.run.as_ref().filter(|run| run.id == *id);
        let over = match run.map(|run| &run.phase) {
            Some(Phase::Closed(ended)) => Some(ended),
            Some(_) => None,
            None => ledger.history.iter().find(|past| past.0 == *id).map(|past| &past.2),
        };
        if let Some(ended) = over {
            let active = ledger.active;
            return Some(match (self.wish, ended) {
                (Wish::Cancel(_), Ended::Unwound(_)) => Ending::Done(format!("{id} is undone")),
                (Wish::Cancel(_), Ended::Moved) => Ending::Failed(format!("{id} had moved")),
                (_, Ended::Moved) => Ending::Done(format!("the {active} site serves")),
                (_, Ended::Unwound(why)) => Ending::Failed(format!("{id} was undone: {why}")),
            });
        }
        let (step, question, _) = run?.asks().next()?;
        // The step keeps trying; nobody would if this process left.
        if leads && question.kind == QuestionKind::Overdue {
            return None;
        }
        Some(Ending::Waits { step: step.clone(), question: Box::new(question.clone()) })
    }

    fn tell(&mut self, entries: &[Arc<Entry>]) {
        let layout = Layout { paint: self.paint, group: 0 };
        for entry in entries {
            let at = entry.at.since(*self.began.get_or_insert(entry.at));
            for line in records::lines(entry, &self.follower.ledger) {
                let _ = layout.write(at, &line, self.err);
            }
        }
    }

    /// Somebody pressed Ctrl-C: nothing is harmed by that.
    fn interrupted(&self, view: Option<&HostedView>) -> Ending {
        let alone = view.is_some_and(HostedView::leads);
        let words = match (&self.intent, &self.run, alone) {
            (None, _, _) if self.asked => UNSURE,
            (None, _, _) => {
                return Ending::Failed("interrupted before anything was asked for".into());
            }
            (Some(_), None, _) => "the wish stays in the store, for whoever leads next",
            (Some(_), Some(_), false) => "the run goes on without this command",
            (Some(_), Some(_), true) => {
                "the run rests until a replica, or the next command, runs over this directory"
            }
        };
        Ending::Running(words.into())
    }

    fn told(self, ending: Ending) -> Told {
        let ledger = &self.follower.ledger;
        let ours = ledger.run.as_ref().filter(|run| Some(&run.id) == self.run.as_ref());
        let standing = ours.filter(|run| run.closed()).into_iter().flat_map(|run| run.standing());
        Told {
            group: self.target.group.clone(),
            obligations: standing.map(|(id, _)| id.clone()).collect(),
            report: ours.and_then(|_| Report::of(ledger)),
            intent: self.intent,
            run: self.run,
            ending,
        }
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
