//! A store, a network and replicas on true time, for the lease's properties. Every disturbance
//! comes from a [`Script`], so a failing case shrinks to the few that matter.

use std::collections::BTreeMap;

use super::super::*;
use crate::model::Wall;

/// What becomes of one call; the n-th call of the world takes the n-th fate, around and around.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    pub(super) request_ms: u64,
    pub(super) reply_ms: u64,
    pub(super) end: End,
}

/// How a call ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Answered,
    RequestLost,
    ReplyLost,
    /// It takes effect; the caller hears that its outcome is unknown.
    Reset,
    Throttled,
}

/// Something that happens to a replica.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) at: u64,
    pub(super) replica: usize,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// It does nothing for so many milliseconds, then goes on with its old beliefs.
    Pause(u64),
    /// It dies; another process with a new name starts.
    Restart,
    /// It stops cleanly; another process with a new name starts 5 s later.
    Stop,
    /// Its wall clock jumps.
    WallJump(i64),
}

/// A whole history's disturbances.
#[derive(Clone, Debug)]
pub(super) struct Script {
    /// How fast each replica's clock runs, in percent of true time, and where it starts.
    pub(super) clocks: Vec<(u64, u64)>,
    pub(super) fates: Vec<Fate>,
    pub(super) events: Vec<Event>,
    /// Fates apply to calls sent before this; events after it are left out.
    pub(super) faults_until: u64,
}

struct Replica {
    lease: Lease,
    rate: u64,
    offset: u64,
    wall: i64,
    paused_until: u64,
    generation: u64,
    /// The true time of the wake-up that counts; older ones are dropped.
    armed: Option<u64>,
}

impl Replica {
    fn mono(&self, time: u64) -> Mono {
        Mono(time * self.rate / 100 + self.offset)
    }

    /// The first true time at which its clock shows `mono`.
    fn time_of(&self, mono: Mono) -> u64 {
        (mono.0.saturating_sub(self.offset) * 100).div_ceil(self.rate)
    }
}

#[derive(Clone, Debug)]
enum Due {
    Wake { generation: u64, due: u64 },
    Arrive { generation: u64, ticket: Ticket, op: LeaseOp, fate: Fate },
    Reply { generation: u64, ticket: Ticket, result: Result<Answer, Fault> },
    Happens(What),
    Start,
}

pub(super) struct World {
    script: Script,
    replicas: Vec<Replica>,
    queue: BTreeMap<(u64, u64), (usize, Due)>,
    sequence: u64,
    calls: usize,
    record: Option<(u64, LeaseSpec)>,
    versions: u64,
    /// True times at which the believer changed, and who it was then.
    pub(super) believers: Vec<(u64, Option<String>)>,
}

impl World {
    pub(super) fn new(script: Script) -> Self {
        let replica = |(index, (rate, offset)): (usize, &(u64, u64))| Replica {
            lease: Lease::new(ReplicaId::new(format!("r{index}.0")), LeaseTimes::default()),
            rate: *rate,
            offset: *offset,
            wall: 0,
            paused_until: 0,
            generation: 0,
            armed: None,
        };
        let replicas: Vec<_> = script.clocks.iter().enumerate().map(replica).collect();
        let mut world = Self {
            replicas,
            queue: BTreeMap::new(),
            sequence: 0,
            calls: 0,
            record: None,
            versions: 0,
            believers: Vec::new(),
            script,
        };
        for index in 0..world.replicas.len() {
            world.put(0, index, Due::Start);
        }
        for event in world.script.events.clone() {
            let index = event.replica % world.replicas.len();
            world.put(event.at, index, Due::Happens(event.what));
        }
        world
    }

    /// Runs until true time `end`, and fails as soon as two replicas believe at once.
    pub(super) fn run(&mut self, end: u64) -> Result<(), String> {
        while let Some((&(time, sequence), _)) = self.queue.first_key_value() {
            if time > end {
                break;
            }
            let (replica, due) = self.queue.remove(&(time, sequence)).unwrap();
            self.happen(time, replica, due);
            self.check(time)?;
        }
        Ok(())
    }

    pub(super) fn leader(&self, time: u64) -> Option<String> {
        let believing = self.replicas.iter().find(|r| r.lease.leads(r.mono(time)).is_some());
        believing.map(|replica| replica.lease.id.to_string())
    }

    /// A belief only begins at an event, so two that overlap do so right after one.
    fn check(&mut self, time: u64) -> Result<(), String> {
        let believe = |r: &&Replica| r.lease.leads(r.mono(time)).is_some();
        let names: Vec<_> =
            self.replicas.iter().filter(believe).map(|r| r.lease.id.to_string()).collect();
        if names.len() > 1 {
            return Err(format!("at {time} ms both believe: {names:?}; record {:?}", self.record));
        }
        let now = names.into_iter().next();
        if self.believers.last().is_none_or(|(_, last)| *last != now) {
            self.believers.push((time, now));
        }
        Ok(())
    }

    fn put(&mut self, time: u64, replica: usize, due: Due) {
        self.sequence += 1;
        self.queue.insert((time, self.sequence), (replica, due));
    }

    fn happen(&mut self, time: u64, index: usize, due: Due) {
        let paused_until = self.replicas[index].paused_until;
        let generation = self.replicas[index].generation;
        match due {
            Due::Arrive { generation, ticket, op, fate } => {
                let result = self.serve(op);
                let result = match fate.end {
                    End::Answered => result,
                    End::Reset => Err(Fault::Unknown("reset".into())),
                    End::ReplyLost | End::RequestLost | End::Throttled => return,
                };
                let reply = Due::Reply { generation, ticket, result };
                self.put(time + fate.reply_ms, index, reply);
            }
            Due::Happens(what) => self.disturb(time, index, what),
            other if time < paused_until => self.put(paused_until, index, other),
            Due::Start => {
                self.restart(index);
                self.input(time, index, LeaseInput::Wake);
            }
            Due::Wake { generation: of, due } if of == generation => {
                if self.replicas[index].armed != Some(due) {
                    return;
                }
                self.replicas[index].armed = None;
                self.input(time, index, LeaseInput::Wake);
            }
            Due::Reply { generation: of, ticket, result } if of == generation => {
                self.input(time, index, LeaseInput::Reply { ticket, result });
            }
            Due::Wake { .. } | Due::Reply { .. } => {}
        }
    }

    fn disturb(&mut self, time: u64, index: usize, what: What) {
        if time >= self.script.faults_until {
            return;
        }
        let until = self.script.faults_until;
        let replica = &mut self.replicas[index];
        match what {
            What::Pause(millis) => replica.paused_until = (time + millis).min(until),
            What::WallJump(millis) => replica.wall += millis,
            What::Restart => {
                self.restart(index);
                self.input(time, index, LeaseInput::Wake);
            }
            What::Stop => {
                if time >= replica.paused_until {
                    self.input(time, index, LeaseInput::Stop);
                }
                self.put(time + 5_000, index, Due::Start);
            }
        }
    }

    fn restart(&mut self, index: usize) {
        let replica = &mut self.replicas[index];
        replica.generation += 1;
        replica.armed = None;
        let name = format!("r{index}.{}", replica.generation);
        replica.lease = Lease::new(ReplicaId::new(name), LeaseTimes::default());
    }

    fn input(&mut self, time: u64, index: usize, input: LeaseInput) {
        let replica = &mut self.replicas[index];
        let now = Now { mono: replica.mono(time), wall: Wall(replica.wall) };
        let call = replica.lease.handle(now, input);
        let generation = replica.generation;
        if let Some(wake) = replica.lease.wake_at() {
            let due = replica.time_of(wake).max(time);
            if replica.armed != Some(due) {
                replica.armed = Some(due);
                self.put(due, index, Due::Wake { generation, due });
            }
        }
        if let Some(call) = call {
            self.send(time, index, call);
        }
    }

    fn send(&mut self, time: u64, index: usize, call: LeaseCall) {
        let mut fate = Fate { request_ms: 5, reply_ms: 5, end: End::Answered };
        if time < self.script.faults_until && !self.script.fates.is_empty() {
            fate = self.script.fates[self.calls % self.script.fates.len()];
        }
        self.calls += 1;
        let generation = self.replicas[index].generation;
        let LeaseCall { ticket, op, .. } = call;
        match fate.end {
            End::RequestLost => {}
            End::Throttled => {
                let result = Err(Fault::Throttled { after: None });
                self.put(time + fate.reply_ms, index, Due::Reply { generation, ticket, result });
            }
            End::Answered | End::ReplyLost | End::Reset => {
                self.put(
                    time + fate.request_ms,
                    index,
                    Due::Arrive { generation, ticket, op, fate },
                );
            }
        }
    }

    /// The store: a compare-and-swap on the version.
    fn serve(&mut self, op: LeaseOp) -> Result<Answer, Fault> {
        let name = |version: u64| Version::new(version.to_string());
        match op {
            LeaseOp::Read => Ok(Answer::Lease(
                self.record
                    .clone()
                    .map(|(version, lease)| LeaseView { version: name(version), lease }),
            )),
            LeaseOp::Write { version, lease } => {
                let present = self.record.as_ref().map(|(version, _)| name(*version));
                if present != version {
                    return Err(Fault::Conflict("version".into()));
                }
                self.versions += 1;
                self.record = Some((self.versions, lease));
                Ok(Answer::Written(name(self.versions)))
            }
        }
    }
}
