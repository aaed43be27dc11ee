//! The two sites: verdicts as they change, and the signals they rest on.

use std::collections::BTreeMap;

use bowline_core::health::Sign;
use bowline_core::model::{Answer3, Site};
use bowline_core::node::{GroupStatus, SignalStatus, SiteStatus};

use crate::cli::lines::Line;
use crate::cli::paint::Tone;

/// What was last told of a group's sites and of what was decided.
#[derive(Clone, Debug, Default)]
pub(super) struct SitesTold {
    signs: BTreeMap<(Site, String), Sign>,
    verdicts: BTreeMap<Site, (Question, Answer3)>,
    decision: String,
}

/// What is asked of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// Of the active one.
    Serving,
    /// Of the passive one.
    Ready,
}

impl SitesTold {
    /// What is new.
    pub(super) fn news(&mut self, status: &GroupStatus) -> Vec<Line> {
        let mut lines: Vec<_> =
            status.sites.iter().flat_map(|site| [self.signals(site), self.verdict(site)]).collect();
        lines.push(self.decision(&status.decision));
        let group = status.group.as_str();
        lines.into_iter().flatten().map(|line| line.of(group)).collect()
    }

    /// The signals that say something else than before.
    fn signals(&mut self, site: &SiteStatus) -> Option<Line> {
        let changed: Vec<_> =
            site.signals.iter().filter(|one| self.is_new(site.site, one)).collect();
        if changed.is_empty() {
            return None;
        }
        let tone = match changed.iter().map(|one| one.sign).collect::<Vec<_>>() {
            signs if signs.contains(&Sign::Down) => Tone::Bad,
            signs if signs.contains(&Sign::Unknown) => Tone::Unsure,
            _ => Tone::Good,
        };
        let texts: Vec<_> = changed.into_iter().map(signal).collect();
        Some(Line::new(topic(site.site), tone, format!("signals: {}", texts.join(", "))))
    }

    fn is_new(&mut self, site: Site, signal: &SignalStatus) -> bool {
        let key = (site, signal.name.to_string());
        self.signs.insert(key, signal.sign) != Some(signal.sign)
    }

    /// The verdict, if it is another than before, with its evidence.
    fn verdict(&mut self, site: &SiteStatus) -> Option<Line> {
        let now = match (site.serving, site.ready) {
            (Some(answer), _) => (Question::Serving, answer),
            (None, Some(answer)) => (Question::Ready, answer),
            (None, None) => return None,
        };
        if self.verdicts.insert(site.site, now) == Some(now) {
            return None;
        }
        let (question, answer) = now;
        let tone = match answer {
            Answer3::Yes => Tone::Good,
            Answer3::No => Tone::Bad,
            Answer3::Unknown => Tone::Unsure,
        };
        Some(Line::new(topic(site.site), tone, verdict(question, answer, site)))
    }

    /// What was decided, if it is something else than before. Times that only count down are not.
    fn decision(&mut self, decision: &str) -> Option<Line> {
        let without_digits: String = decision.chars().filter(|c| !c.is_ascii_digit()).collect();
        let kept = without_digits.split(" must stay ready for ").next().unwrap_or_default();
        if self.decision == kept {
            return None;
        }
        kept.clone_into(&mut self.decision);
        Some(Line::new("decides", Tone::Strong, decision))
    }
}

fn topic(site: Site) -> &'static str {
    match site {
        Site::Home => "home",
        Site::Standby => "standby",
    }
}

fn verdict(question: Question, answer: Answer3, site: &SiteStatus) -> String {
    match question {
        Question::Serving if answer == Answer3::Yes => "serving: yes".into(),
        Question::Serving => {
            let against: Vec<_> =
                site.signals.iter().filter(|one| one.sign != Sign::Up).map(signal).collect();
            format!("serving: {answer} ({})", against.join(", "))
        }
        Question::Ready if site.not_ready.is_empty() => format!("ready: {answer}"),
        Question::Ready => format!("ready: {answer} ({})", site.not_ready.join("; ")),
    }
}

/// What a signal says, and of how many samples.
pub(in crate::cli) fn signal(signal: &SignalStatus) -> String {
    let name = &signal.name;
    match signal.sign {
        Sign::Up => format!("{name} up"),
        Sign::Down => format!("{name} down ({} of {} bad)", signal.bad, signal.of),
        Sign::Unknown => {
            let silent = signal.of.saturating_sub(signal.good + signal.bad);
            format!("{name} unknown ({} good, {} bad, {silent} silent)", signal.good, signal.bad)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_counts_down_is_told_once() {
        let mut told = SitesTold::default();
        let left =
            |left| format!("home must stay ready for {left} more before anything moves back");
        assert!(told.decision(&left("9m50s")).is_some());
        assert!(told.decision(&left("12s500ms")).is_none());
        assert!(told.decision("the active site serves").is_some());
    }
}
