//! What happens in the simulated world, in words: troubles, and what the name servers answer.

use std::cell::RefCell;
use std::rc::Rc;

use bowline_core::model::{Mono, Now, Site};
use bowline_sim::faults::{Evidence, Reach, Trouble};
use bowline_sim::harness::{Event, Watch};
use bowline_sim::users::Servers;
use bowline_sim::world::{News, World};

use crate::cli::lines::Line;
use crate::cli::paint::Tone;

/// What was seen of the world and not told yet. A clone is the same list.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Rc<RefCell<Vec<(Mono, Line)>>>);

impl Seen {
    /// Whether anything is to be told.
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Takes what is to be told.
    pub(super) fn take(&self) -> Vec<(Mono, Line)> {
        self.0.take()
    }
}

impl Watch for Seen {
    fn seen(&mut self, at: Now, world: &World, event: &Event<'_>) {
        let line = match event {
            Event::Began(trouble) => Line::new("world", Tone::Bad, began(trouble)),
            Event::Ended(trouble) => {
                Line::new("world", Tone::Good, format!("over: {}", began(trouble)))
            }
            Event::News(News::Answers(group, servers)) => answers(world, *group, servers),
            _ => return,
        };
        self.0.borrow_mut().push((at.mono, line));
    }
}

/// The DNS answer for a group's first name.
fn answers(world: &World, group: usize, servers: &Servers) -> Line {
    let Some(parts) = world.groups().get(group) else {
        return Line::new("dns", Tone::Plain, "the answer changed");
    };
    let host = parts.names.first().map(|(host, _)| host.to_string()).unwrap_or_default();
    Line::new("dns", Tone::Strong, format!("{host} {}", leads(servers))).of(parts.name.as_str())
}

/// Where name servers lead.
pub(super) fn leads(servers: &Servers) -> String {
    let to = |site| servers.iter().filter(|told| told.site == site).count();
    let (home, standby, nowhere) = (to(Some(Site::Home)), to(Some(Site::Standby)), to(None));
    match (home, standby, nowhere) {
        (_, 0, 0) => "leads to home".into(),
        (0, _, 0) => "leads to standby".into(),
        (0, 0, _) => "leads nowhere".into(),
        (_, _, 0) => {
            format!("is changing: {home} name servers say home, {standby} say standby")
        }
        _ => format!(
            "is changing: {home} name servers say home, {standby} say standby, {nowhere} nothing"
        ),
    }
}

/// A trouble in words.
fn began(trouble: &Trouble) -> String {
    match trouble {
        Trouble::RegionDead(region) => format!("everything in {region} stands still"),
        Trouble::TargetsDown(region) => {
            format!("the load balancers in {region} lose their targets")
        }
        Trouble::DatabaseDown(region) => format!("the databases in {region} stand still"),
        Trouble::RegionsApart => "the Regions cannot replicate to each other".into(),
        Trouble::ApisDown(region) => {
            format!("the APIs of {region} do not answer; users are served there")
        }
        Trouble::Cut { seat, from } => cut(*seat, from),
        Trouble::FalseAlarm(evidence) => format!("{}, and it is wrong", lie(evidence)),
        Trouble::Blind => "no look at anyone's health gets an answer".into(),
        Trouble::Crashed(seat) => format!("replica bowline-{seat} is dead"),
        Trouble::Paused(seat) => format!("replica bowline-{seat} stands still"),
        other => format!("{other:?}"),
    }
}

fn cut(seat: Option<usize>, from: &Reach) -> String {
    let who = seat.map_or_else(|| "Bowline".into(), |seat| format!("replica bowline-{seat}"));
    let what = match from {
        Reach::Region(region) => format!("{region}"),
        Reach::Api(region, api) => format!("the {api:?} API of {region}"),
        Reach::Management => "its store and its lease".into(),
        Reach::Dns => "Route 53's API".into(),
        Reach::Gates => "the objects of gates".into(),
        Reach::AllBeyond => "everything but its store and its lease".into(),
        Reach::All => "everything".into(),
    };
    format!("{who} is cut off from {what}")
}

fn lie(evidence: &Evidence) -> String {
    match evidence {
        Evidence::AlbTargets(region) => format!("target health in {region} says down"),
        Evidence::Http(region) => format!("HTTP through the load balancers of {region} fails"),
        Evidence::Route53Check(check) => format!("Route 53's health check {check} says down"),
        Evidence::ClusterApi(region) => format!("the API servers of {region} seem down"),
    }
}

#[cfg(test)]
mod tests {
    use bowline_core::model::Span;
    use bowline_sim::users::Told;

    use super::*;

    #[test]
    fn the_answer_tells_what_every_name_server_says() {
        let told = |site| Told { site, ttl: Span::secs(60) };
        let (home, standby) = (told(Some(Site::Home)), told(Some(Site::Standby)));
        assert_eq!(leads(&[home; 4]), "leads to home");
        assert_eq!(leads(&[standby; 4]), "leads to standby");
        assert_eq!(leads(&[told(None); 4]), "leads nowhere");
        let halfway = leads(&[home, standby, standby, standby]);
        assert_eq!(halfway, "is changing: 1 name servers say home, 3 say standby");
    }

    #[test]
    fn a_trouble_is_told_in_words() {
        let cut = Trouble::Cut { seat: None, from: Reach::Region("eu-west-1".into()) };
        assert_eq!(began(&cut), "Bowline is cut off from eu-west-1");
        let lie = Trouble::FalseAlarm(Evidence::AlbTargets("eu-west-1".into()));
        assert_eq!(began(&lie), "target health in eu-west-1 says down, and it is wrong");
    }
}
