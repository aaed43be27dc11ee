//! From a question and the world to an answer, without I/O.

use bowline_core::model::{HealthCheckId, Host};
use bowline_core::op::{AliasTarget, RecordSet, RecordType as Kind};
use bowline_sim::aws::dns_rules::{self, ALIAS_TTL_SECS, Health, Leads};
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::zone::Zone;
use super::{World, host};

/// How many canonical names are followed within one answer.
const CHAIN: u32 = 8;

/// Answers a request; `None` for what deserves no answer (an answer itself).
pub(crate) fn answer(world: &World, request: &Message) -> Option<Message> {
    if request.metadata.message_type != MessageType::Query {
        return None;
    }
    let mut reply = Message::response(request.metadata.id, request.metadata.op_code);
    reply.metadata.recursion_desired = request.metadata.recursion_desired;
    reply.add_queries(request.queries.iter().cloned());
    reply.edns = request.edns.as_ref().map(|_| {
        let mut edns = hickory_proto::op::Edns::new();
        edns.set_max_payload(super::server::UDP_PAYLOAD);
        edns
    });
    reply.metadata.response_code = match (request.metadata.op_code, request.queries.as_slice()) {
        (OpCode::Query, [query]) if query.query_class() == DNSClass::IN => {
            Question { world, query }.fill(&mut reply)
        }
        (OpCode::Query, [_]) => ResponseCode::Refused,
        (OpCode::Query, _) => ResponseCode::FormErr,
        _ => ResponseCode::NotImp,
    };
    Some(reply)
}

/// What a request without a readable message gets, if its id could be read.
pub(crate) fn malformed(request: &[u8]) -> Option<Message> {
    let id = request.first_chunk::<2>().map(|id| u16::from_be_bytes(*id))?;
    Some(Message::error_msg(id, OpCode::Query, ResponseCode::FormErr))
}

impl Health for World {
    fn check(&self, id: &HealthCheckId) -> bool {
        self.checks.get(id).copied().unwrap_or(true)
    }

    /// A load balancer that the server was not told of is in nobody's care.
    fn target(&self, target: &AliasTarget) -> bool {
        self.balancers.get(&target.dns_name).is_some_and(|(_, healthy)| *healthy)
    }
}

struct Question<'a> {
    world: &'a World,
    query: &'a Query,
}

impl Question<'_> {
    fn fill(&self, reply: &mut Message) -> ResponseCode {
        let Some(zones) = self.world.zones.as_deref() else { return ResponseCode::ServFail };
        let mut name = self.query.name().clone();
        for _ in 0..CHAIN {
            let asked = host(&name.to_ascii());
            if self.balancer(&name, &asked, reply) {
                return ResponseCode::NoError;
            }
            let holding = zones.iter().filter(|zone| zone.holds(&asked));
            let zone = holding.max_by_key(|zone| zone.apex.as_str().len());
            let Some(zone) = zone else {
                let outside = if reply.answers.is_empty() {
                    ResponseCode::Refused
                } else {
                    ResponseCode::NoError
                };
                return outside;
            };
            reply.metadata.authoritative = true;
            match self.from(zone, &name, &asked, reply) {
                Some(next) => name = next,
                None => return self.end(zone, &asked, reply),
            }
        }
        ResponseCode::ServFail
    }

    /// A load balancer's own name.
    fn balancer(&self, name: &Name, asked: &Host, reply: &mut Message) -> bool {
        let Some((address, _)) = self.world.balancers.get(asked) else { return false };
        reply.metadata.authoritative = true;
        if self.query.query_type() == RecordType::A {
            let data = RData::A(A(*address));
            reply.add_answer(Record::from_rdata(name.clone(), ALIAS_TTL_SECS, data));
        }
        true
    }

    /// Adds what the zone has for the name; gives the canonical name to go on with, if there is
    /// one.
    fn from(&self, zone: &Zone, name: &Name, asked: &Host, reply: &mut Message) -> Option<Name> {
        let asks = self.query.query_type();
        let Some(kind) = kind(asks) else {
            let plain = zone.plain.get(&(asked.clone(), asks.to_string()))?;
            add(reply, name, asks, (plain.ttl_secs, plain.values.iter().map(|v| &**v)));
            return None;
        };
        match dns_rules::answer(&zone.judged, asked, kind, self.world) {
            Leads::Set(set) => tell(reply, name, set, kind),
            Leads::LoadBalancer(_, alias) if kind == Kind::A => {
                let (address, _) = self.world.balancers.get(&alias.dns_name)?;
                let data = RData::A(A(*address));
                reply.add_answer(Record::from_rdata(name.clone(), ALIAS_TTL_SECS, data));
                None
            }
            Leads::LoadBalancer(..) | Leads::Nowhere => None,
        }
    }

    /// Tells what an empty answer means, with the zone's SOA.
    fn end(&self, zone: &Zone, asked: &Host, reply: &mut Message) -> ResponseCode {
        if !reply.answers.is_empty() {
            return ResponseCode::NoError;
        }
        let soa = zone.plain.get(&(zone.apex.clone(), RecordType::SOA.to_string()));
        if let (Some(soa), Ok(apex)) = (soa, Name::from_ascii(format!("{}.", zone.apex))) {
            let data = soa.values.iter().filter_map(|v| data(RecordType::SOA, v));
            let records = data.map(|data| Record::from_rdata(apex.clone(), soa.ttl_secs, data));
            reply.add_authorities(records);
        }
        if zone.knows(asked) { ResponseCode::NoError } else { ResponseCode::NXDomain }
    }
}

/// Adds a set's values. A canonical name that stands for another type is to be followed.
fn tell(reply: &mut Message, name: &Name, set: &RecordSet, asked: Kind) -> Option<Name> {
    let kind = match set.kind {
        Kind::A => RecordType::A,
        Kind::Aaaa => RecordType::AAAA,
        Kind::Https => RecordType::HTTPS,
        Kind::Txt => RecordType::TXT,
        Kind::Cname => RecordType::CNAME,
    };
    add(reply, name, kind, (set.ttl_secs.unwrap_or(0), set.values.iter().map(|v| &**v)));
    if set.kind != Kind::Cname || asked == Kind::Cname {
        return None;
    }
    Name::from_ascii(format!("{}.", host(set.values.first()?))).ok()
}

fn add<'a>(
    reply: &mut Message,
    name: &Name,
    kind: RecordType,
    (ttl, values): (u32, impl Iterator<Item = &'a str>),
) {
    let data = values.filter_map(|value| data(kind, value));
    reply.add_answers(data.map(|data| Record::from_rdata(name.clone(), ttl, data)));
}

/// A value as Route 53 keeps it. One that says nothing valid is left out, as Route 53 would not
/// have taken it.
fn data(kind: RecordType, value: &str) -> Option<RData> {
    if kind == RecordType::TXT {
        return Some(RData::TXT(TXT::new(strings(value))));
    }
    RData::try_from_str(kind, value).ok()
}

/// The strings of a TXT value: each in quotes, with `\"` and `\\` inside.
fn strings(value: &str) -> Vec<String> {
    let (mut all, mut inside, mut escaped) = (Vec::<String>::new(), false, false);
    for c in value.chars() {
        match (inside, escaped, c) {
            (_, false, '"') => {
                inside = !inside;
                if inside {
                    all.push(String::new());
                }
            }
            (true, false, '\\') => escaped = true,
            (true, ..) => {
                escaped = false;
                all.last_mut().into_iter().for_each(|last| last.push(c));
            }
            (false, ..) => {}
        }
    }
    all
}

/// The types that failover rules are for.
fn kind(asked: RecordType) -> Option<Kind> {
    Some(match asked {
        RecordType::A => Kind::A,
        RecordType::AAAA => Kind::Aaaa,
        RecordType::HTTPS => Kind::Https,
        RecordType::TXT => Kind::Txt,
        RecordType::CNAME => Kind::Cname,
        _ => return None,
    })
}
