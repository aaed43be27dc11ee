//! What the leader says of its groups, for people: into the cluster or the directory, when it
//! changed and now and then. Nobody waits for it, and nothing is decided by it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bowline_core::model::GroupName;
use bowline_core::node::{GroupStatus, SiteStatus};
use tokio::time::{Instant, sleep, timeout};

use super::shared::Shared;
use crate::edges::Store;

/// The least time between two statuses of a group.
const AT_MOST: Duration = Duration::from_secs(2);

/// The most time between them: who reads an older one knows that nobody leads.
pub const AT_LEAST: Duration = Duration::from_secs(15);

/// How often it is looked whether something changed.
const LOOK: Duration = Duration::from_millis(500);

/// How long a write may take.
const WRITE: Duration = Duration::from_secs(5);

/// Publishes until the process ends.
pub(super) async fn follow(store: Store, shared: Arc<Shared>) {
    let mut told: BTreeMap<GroupName, Told> = BTreeMap::new();
    let mut failed = String::new();
    loop {
        sleep(LOOK).await;
        let (leads, groups) = {
            let snapshot = shared.snapshot();
            (snapshot.leads, snapshot.groups.clone())
        };
        if !leads {
            // Whoever leads next says everything anew, and so shall we.
            told.clear();
            continue;
        }
        told.retain(|name, _| groups.iter().any(|status| status.group == *name));
        for status in groups {
            let of_group = told.entry(status.group.clone()).or_default();
            if !of_group.due(&status, Instant::now()) {
                continue;
            }
            let status = GroupStatus { report: None, ..status };
            let words = write(&store, &status).await.err().unwrap_or_default();
            if !words.is_empty() {
                of_group.forget();
                if words != failed {
                    tracing::warn!("status not published: {words}");
                }
            }
            failed = words;
        }
    }
}

async fn write(store: &Store, status: &GroupStatus) -> Result<(), String> {
    match timeout(WRITE, store.publish(status)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(fault)) => Err(format!("{}: {fault}", status.group)),
        Err(_) => Err(format!("{}: no answer in time", status.group)),
    }
}

/// What was last said of a group.
#[derive(Default)]
struct Told {
    /// When, and what; nothing that counts, where it did not arrive.
    last: Option<(Instant, Option<Gist>)>,
}

impl Told {
    /// Whether to say it again now; if so, it counts as said.
    fn due(&mut self, status: &GroupStatus, now: Instant) -> bool {
        let gist = Gist::of(status);
        let due = self.last.as_ref().is_none_or(|(at, said)| {
            let since = now.saturating_duration_since(*at);
            since >= AT_LEAST || (since >= AT_MOST && said.as_ref() != Some(&gist))
        });
        if due {
            self.last = Some((now, Some(gist)));
        }
        due
    }

    /// What was said last did not arrive.
    fn forget(&mut self) {
        self.last.iter_mut().for_each(|(_, said)| *said = None);
    }
}

/// What of a status is news when it changes: no times, no counts of samples.
#[derive(Debug, PartialEq)]
struct Gist {
    rest: GroupStatus,
    decision: String,
}

impl Gist {
    fn of(status: &GroupStatus) -> Self {
        let mut rest = status.clone();
        rest.report = None;
        rest.at = Default::default();
        rest.sites.iter_mut().for_each(still);
        let decision = rest.decision.chars().filter(|c| !c.is_ascii_digit()).collect();
        rest.decision.clear();
        Self { rest, decision }
    }
}

fn still(site: &mut SiteStatus) {
    for signal in &mut site.signals {
        (signal.good, signal.bad, signal.age) = (0, 0, None);
    }
}

#[cfg(test)]
mod tests {
    use bowline_core::model::Wall;

    use super::*;
    use crate::edges::testing::group_status;

    fn status(decision: &str, at: i64) -> GroupStatus {
        GroupStatus { armed: true, decision: decision.into(), ..group_status(Wall(at)) }
    }

    #[test]
    fn a_change_is_told_at_most_every_two_seconds_and_silence_ends_after_fifteen() {
        let (mut told, start) = (Told::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert!(told.due(&status("serves", 0), at(0)), "the first is told at once");
        assert!(!told.due(&status("prewarm", 1), at(1_900)), "not so soon");
        assert!(told.due(&status("prewarm", 2), at(2_000)));
        assert!(!told.due(&status("prewarm", 3), at(16_900)), "nothing is new");
        assert!(told.due(&status("prewarm", 4), at(17_000)), "a sign of life");
    }

    #[test]
    fn a_time_that_counts_down_is_no_news() {
        let (mut told, start) = (Told::default(), Instant::now());
        assert!(told.due(&status("stay ready for 9m50s more", 0), start));
        let later = start + Duration::from_secs(5);
        assert!(!told.due(&status("stay ready for 9m45s more", 5), later));
    }

    #[tokio::test]
    async fn only_a_leader_publishes_and_what_it_says_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::edges::files::FileStore::open_or_create(folder.path()).unwrap();
        let store = Store::Files(store);
        let shared = Arc::new(Shared::new(Duration::from_secs(5)));
        shared.snapshot().groups = vec![status("serves", 7)];
        let task = tokio::spawn(follow(store.clone(), Arc::clone(&shared)));
        sleep(LOOK * 3).await;
        assert_eq!(store.published(&"shop".into()).await.unwrap(), None, "it does not lead");
        shared.snapshot().leads = true;
        let deadline = Instant::now() + Duration::from_secs(10);
        let found = loop {
            match store.published(&"shop".into()).await.unwrap() {
                Some(found) => break found,
                None => assert!(Instant::now() < deadline, "never published"),
            }
            sleep(LOOK / 5).await;
        };
        assert_eq!(found, status("serves", 7));
        task.abort();
    }
}
