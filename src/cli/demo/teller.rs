//! Tells a story while it is played: looks at the stage, and writes what changed.

use std::io::{self, Write};

use bowline_core::model::{Mono, Site, Span};
use bowline_sim::story::{Scenario, Stage, Told};
use bowline_sim::users::UserView;

use super::sites::SitesTold;
use super::world::{Seen, leads};
use crate::cli::lines::{Layout, Line};
use crate::cli::paint::{Paint, Tone};
use crate::cli::records;
use crate::cli::words;

/// How often sites and users are looked at.
const LOOK: Span = Span::secs(1);

/// How much the share of users that fail must change to be told, in thousandths.
const STEP: u32 = 200;

/// Tells a story.
pub(super) struct Teller {
    layout: Layout,
    seen: Seen,
    groups: Vec<GroupTold>,
    next_look: Mono,
}

/// What was last told of a group.
#[derive(Default)]
struct GroupTold {
    sites: SitesTold,
    users: UserView,
}

impl Teller {
    /// Looks on from now on.
    pub(super) fn new(stage: &mut Stage, paint: Paint) -> Self {
        let seen = Seen::default();
        stage.watch(Box::new(seen.clone()));
        let policies = stage.policies();
        let longest = policies.iter().map(|policy| policy.group.as_str().len()).max();
        let group = if policies.len() > 1 { longest.unwrap_or(0) } else { 0 };
        let groups = policies.iter().map(|_| GroupTold::default()).collect();
        // Replicas have just started: their first looks come back within a few seconds.
        let next_look = stage.began() + Span::secs(30);
        Self { layout: Layout { paint, group }, seen, groups, next_look }
    }

    /// Says what is going to be played.
    pub(super) fn opening(
        &self,
        scenario: &Scenario,
        stage: &Stage,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let paint = self.layout.paint;
        let title = format!("{}: {}", scenario.name, scenario.about);
        writeln!(out, "{}", paint.text(Tone::Strong, &title))?;
        for (policy, group) in stage.policies().iter().zip(stage.simulation.world.groups()) {
            let [home, standby] = Site::BOTH.map(|site| &policy.site(site).scope.region);
            let name = group.names.first().map(|(host, _)| host.to_string()).unwrap_or_default();
            let answer = leads(&group.answers);
            writeln!(out, "{}: home {home}, standby {standby}; {name} {answer}", policy.group)?;
        }
        let simulated = "A simulated world; times are hours:minutes:seconds of virtual time.";
        writeln!(out, "{}\n", paint.text(Tone::Faint, simulated))
    }

    /// Whether there may be something to tell.
    pub(super) fn is_due(&self, stage: &Stage, told: &[Told]) -> bool {
        let now = stage.simulation.now().mono;
        !told.is_empty() || !self.seen.is_empty() || now >= self.next_look
    }

    /// Tells what is new.
    pub(super) fn tell(
        &mut self,
        stage: &Stage,
        told: &mut Vec<Told>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let (began, now) = (stage.began(), stage.simulation.now().mono);
        for (at, line) in self.seen.take() {
            self.layout.write(at.since(began), &line, out)?;
        }
        for told in told.drain(..) {
            let Some(ledger) = stage.ledgers().get(&told.group) else { continue };
            for line in records::lines(&told.entry, ledger) {
                self.layout.write(now.since(began), &line.of(told.group.as_str()), out)?;
            }
        }
        if now >= self.next_look {
            self.next_look = now + LOOK;
            self.look(stage, out)?;
        }
        Ok(())
    }

    /// Looks at sites and users.
    fn look(&mut self, stage: &Stage, out: &mut impl Write) -> io::Result<()> {
        let now = stage.simulation.now().mono;
        let at = now.since(stage.began());
        for (index, (policy, told)) in stage.policies().iter().zip(&mut self.groups).enumerate() {
            let status = stage.status(&policy.group);
            let view = stage.simulation.world.users.view(index, now);
            let news = status.iter().flat_map(|status| told.sites.news(status));
            for line in news.collect::<Vec<_>>() {
                self.layout.write(at, &line, out)?;
            }
            if differs(&told.users, &view) {
                told.users = view;
                let line = users(&view).of(policy.group.as_str());
                self.layout.write(at, &line, out)?;
            }
        }
        Ok(())
    }
}

/// Whether users see something else than what was last told.
fn differs(told: &UserView, now: &UserView) -> bool {
    let shares = |view: &UserView| {
        let led = [view.at_home_permille, view.at_standby_permille];
        [view.reads_failing_permille, view.writes_failing_permille, led[0], led[1]]
    };
    let is_end = |share: u32| share == 0 || share == 1_000;
    shares(told).into_iter().zip(shares(now)).any(|(told, now)| {
        told != now && (is_end(now) || is_end(told) || told.abs_diff(now) >= STEP)
    })
}

/// What users see.
fn users(view: &UserView) -> Line {
    let (reads, writes) = (view.reads_failing_permille, view.writes_failing_permille);
    let led = format!(
        "led to home {}, to standby {}",
        words::percent(view.at_home_permille),
        words::percent(view.at_standby_permille)
    );
    let (tone, text) = match (reads, writes) {
        (0, 0) => (Tone::Good, "all are served".to_owned()),
        (reads, writes) => (
            Tone::Bad,
            format!(
                "{} of reads fail, {} of writes",
                words::percent(reads),
                words::percent(writes)
            ),
        ),
    };
    Line::new("users", tone, format!("{text}; {led}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(reads: u32) -> UserView {
        UserView { reads_failing_permille: reads, ..UserView::default() }
    }

    #[test]
    fn small_changes_are_not_told_and_the_first_and_the_last_user_are() {
        assert!(differs(&view(0), &view(3)));
        assert!(!differs(&view(300), &view(450)));
        assert!(differs(&view(300), &view(520)));
        assert!(differs(&view(20), &view(0)));
    }

    #[test]
    fn what_users_see_is_told_in_percent() {
        let line = users(&UserView { at_home_permille: 1_000, ..view(370) });
        assert_eq!(
            line.text,
            "37 % of reads fail, 0 % of writes; led to home 100 %, to standby 0 %"
        );
    }
}
