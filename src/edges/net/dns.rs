//! DNS: a name as anybody would resolve it, and as one authoritative server answers it. Nothing is
//! kept from one look to the next.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;

use bowline_core::model::Host;
use bowline_core::op::{Answer, Fault};

/// How long one question may take; the call's own deadline is longer.
const QUESTION: Duration = Duration::from_secs(3);

/// How names are resolved.
#[derive(Clone, Debug, Default)]
pub struct Dns {
    /// Every question goes to these: none to the machine's resolver or to authoritative servers.
    pub only: Vec<SocketAddr>,
    /// Where authoritative servers are, instead of where their names lead.
    pub servers: BTreeMap<Host, SocketAddr>,
}

impl Dns {
    /// Where to connect to for a name; for an address, itself. Only IPv4 where the name has it:
    /// many networks have no way out for IPv6, and hardly any none for IPv4.
    pub(super) async fn addresses(&self, name: &Host) -> Result<Vec<IpAddr>, Fault> {
        if let Ok(address) = name.as_str().parse() {
            return Ok(vec![address]);
        }
        let resolver = self.system()?;
        let mut found = records(&resolver, name, RecordType::A).await?;
        if found.is_empty() {
            found = records(&resolver, name, RecordType::AAAA).await?;
        }
        some(name, found)
    }

    /// Resolves a name past our own caches. Where one family gets no answer, the other is what is
    /// known: nothing is taken for the name's that is not.
    pub(super) async fn resolve(&self, name: &Host) -> Result<Answer, Fault> {
        let found = match name.as_str().parse() {
            Ok(address) => vec![address],
            Err(_) => match both(&self.system()?, name).await {
                (Ok(v4), Ok(v6)) => [v4, v6].concat(),
                (Ok(one), Err(_)) | (Err(_), Ok(one)) if !one.is_empty() => one,
                (Err(fault), _) | (_, Err(fault)) => return Err(fault),
            },
        };
        some(name, found).map(|found| Answer::Resolved(name.clone(), found))
    }

    /// Asks one authoritative server. No records are an answer, too; half an answer is none.
    pub(super) async fn authoritative(&self, server: &Host, name: &Host) -> Result<Answer, Fault> {
        let servers = self.servers_of(server).await?;
        let (v4, v6) = both(&at(&servers, false)?, name).await;
        Ok(Answer::Addresses([v4?, v6?].concat()))
    }

    async fn servers_of(&self, server: &Host) -> Result<Vec<SocketAddr>, Fault> {
        if !self.only.is_empty() {
            return Ok(self.only.clone());
        }
        if let Some(address) = self.servers.get(server) {
            return Ok(vec![*address]);
        }
        let found = self.addresses(server).await?;
        let first = found.first().copied();
        let first = first.ok_or_else(|| Fault::Transient(format!("{server}: no address")))?;
        Ok(vec![SocketAddr::new(first, 53)])
    }

    fn system(&self) -> Result<TokioResolver, Fault> {
        if !self.only.is_empty() {
            return at(&self.only, true);
        }
        let mut builder = TokioResolver::builder_tokio().map_err(|e| fault(&e))?;
        let options = builder.options_mut();
        (options.cache_size, options.timeout, options.attempts) = (0, QUESTION, 1);
        builder.build().map_err(|e| fault(&e))
    }
}

/// A resolver that asks these servers, each once.
fn at(servers: &[SocketAddr], recursion: bool) -> Result<TokioResolver, Fault> {
    let server = |server: &SocketAddr| {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
        let connections = connections.map(|mut connection| {
            connection.port = server.port();
            connection
        });
        NameServerConfig::new(server.ip(), true, connections.into())
    };
    let servers = servers.iter().map(server).collect();
    let config = ResolverConfig::from_parts(None, Vec::new(), servers);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    (options.cache_size, options.timeout, options.attempts) = (0, QUESTION, 1);
    options.recursion_desired = recursion;
    options.use_hosts_file = hickory_resolver::config::ResolveHosts::Never;
    builder.build().map_err(|e| fault(&e))
}

/// A name's addresses of both families, each as it was answered.
async fn both(
    resolver: &TokioResolver,
    name: &Host,
) -> (Result<Vec<IpAddr>, Fault>, Result<Vec<IpAddr>, Fault>) {
    tokio::join!(records(resolver, name, RecordType::A), records(resolver, name, RecordType::AAAA))
}

/// A name's addresses of one family. None is an answer, too.
async fn records(
    resolver: &TokioResolver,
    name: &Host,
    family: RecordType,
) -> Result<Vec<IpAddr>, Fault> {
    // The dot at the end: no search domains.
    let found = match resolver.lookup(format!("{name}."), family).await {
        Ok(found) => found,
        Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
        Err(error) => return Err(fault(&error)),
    };
    let mut addresses: Vec<_> = found.answers().iter().filter_map(|r| r.data.ip_addr()).collect();
    addresses.sort_unstable();
    Ok(addresses)
}

fn some(name: &Host, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, Fault> {
    if found.is_empty() {
        return Err(Fault::NotFound(format!("{name} has no address")));
    }
    Ok(found)
}

fn fault(error: &NetError) -> Fault {
    Fault::Transient(error.to_string())
}
