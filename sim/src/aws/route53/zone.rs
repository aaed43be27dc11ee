//! A hosted zone: what the API says it is, and what each of its name servers says by now.

use bowline_core::model::{ChangeId, Host, Mono, Now, Span, ZoneId};
use bowline_core::op::{Fault, RecordSet, ZoneInfo};

use super::batch::{self, Touched, View};
use crate::part::{between, earliest};

/// Name servers of a zone.
pub const SERVERS: usize = 4;

/// How long a change takes to reach all servers: "generally within 60 seconds" (API reference).
const INSYNC: (Span, Span) = (Span::secs(20), Span::secs(60));

/// How soon the first server may have it.
const FIRST: Span = Span::secs(3);

/// How long a zone is busy with accepting a change; another one meanwhile is
/// `PriorRequestNotComplete`.
const BUSY: (Span, Span) = (Span::millis(50), Span::millis(400));

/// A hosted zone.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    /// Its id.
    pub(super) id: ZoneId,
    /// What `GetHostedZone` says.
    pub(super) info: ZoneInfo,
    present: View,
    servers: [View; SERVERS],
    pending: Vec<Change>,
    last: [Mono; SERVERS],
    busy_until: Mono,
}

/// An accepted change on its way to the servers.
#[derive(Clone, Debug)]
struct Change {
    names: Touched,
    switches: [Option<Mono>; SERVERS],
}

impl Zone {
    /// A zone whose sets are on all servers already.
    ///
    /// # Errors
    /// When the sets would not be accepted as one batch.
    pub(super) fn new(id: ZoneId, info: ZoneInfo, sets: &[RecordSet]) -> Result<Self, Fault> {
        let mut present = View::new();
        if !sets.is_empty() {
            present.extend(batch::plan(&info.apex, &present, &[], sets)?);
        }
        Ok(Self {
            id,
            info,
            servers: std::array::from_fn(|_| present.clone()),
            present,
            pending: Vec::new(),
            last: [Mono(0); SERVERS],
            busy_until: Mono(0),
        })
    }

    /// The sets of a name as the API lists them.
    #[must_use]
    pub(super) fn sets(&self, name: &Host) -> &[RecordSet] {
        self.present.get(name).map_or(&[], AsRef::as_ref)
    }

    /// What a name server answers from.
    #[must_use]
    pub(super) fn server(&self, index: usize) -> &View {
        &self.servers[index % SERVERS]
    }

    /// Which of its servers has that name.
    #[must_use]
    pub(super) fn server_index(&self, name: &Host) -> Option<usize> {
        self.info.name_servers.iter().position(|server| server == name)
    }

    /// Accepts a batch, and says when it will be on all servers.
    ///
    /// # Errors
    /// [`Fault::Throttled`] while another one is being accepted, or what is wrong with the batch.
    pub(super) fn change(
        &mut self,
        delete: &[RecordSet],
        create: &[RecordSet],
        now: Now,
        rng: &mut fastrand::Rng,
    ) -> Result<Mono, Fault> {
        if now.mono < self.busy_until {
            return Err(Fault::Throttled { after: Some(self.busy_until.since(now.mono)) });
        }
        let names = batch::plan(&self.info.apex, &self.present, delete, create)?;
        self.busy_until = now.mono + between(rng, BUSY.0, BUSY.1);
        self.present.extend(names.iter().cloned());
        self.present.retain(|_, sets| !sets.is_empty());
        let insync = now.mono + between(rng, INSYNC.0, INSYNC.1);
        let mut switches = self.draw_switches(now.mono, insync, rng);
        // One server is the last to get it; none gets it before an earlier change.
        let latest = rng.usize(0..SERVERS);
        switches[latest] = switches[latest].max(insync);
        self.last = switches;
        self.pending.push(Change { names, switches: switches.map(Some) });
        Ok(switches.into_iter().fold(insync, Mono::max))
    }

    fn draw_switches(&self, now: Mono, insync: Mono, rng: &mut fastrand::Rng) -> [Mono; SERVERS] {
        std::array::from_fn(|server| {
            let drawn = now + between(rng, FIRST, insync.since(now));
            drawn.max(self.last[server])
        })
    }

    /// When a server gets a change next.
    #[must_use]
    pub(super) fn next(&self) -> Option<Mono> {
        earliest(self.pending.iter().flat_map(|change| change.switches))
    }

    /// Gives servers the changes that are due; whether any server's answers may differ now.
    pub(super) fn advance(&mut self, now: Mono) -> bool {
        let mut switched = false;
        for change in &mut self.pending {
            for (switch, view) in change.switches.iter_mut().zip(&mut self.servers) {
                if switch.take_if(|at| *at <= now).is_some() {
                    view.extend(change.names.iter().cloned());
                    switched = true;
                }
            }
        }
        self.pending.retain(|change| change.switches.iter().any(Option::is_some));
        switched
    }
}

/// The id of the account's `n`th change.
#[must_use]
pub(super) fn change_id(n: usize) -> ChangeId {
    ChangeId::new(format!("C{n:08}"))
}

#[cfg(test)]
#[path = "zone_tests.rs"]
mod tests;
