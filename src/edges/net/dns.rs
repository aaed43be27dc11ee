//! DNS: a name as anybody would resolve it, and as one authoritative server answers it. Nothing is
//! kept from one look to the next.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;

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
    /// The present addresses of a name; of an address, itself.
    pub(super) async fn addresses(&self, name: &Host) -> Result<Vec<IpAddr>, Fault> {
        if let Ok(address) = name.as_str().parse() {
            return Ok(vec![address]);
        }
        look_up(&self.system()?, name).await
    }

    /// Resolves a name past our own caches.
    pub(super) async fn resolve(&self, name: &Host) -> Result<Answer, Fault> {
        self.addresses(name).await.map(|found| Answer::Resolved(name.clone(), found))
    }

    /// Asks one authoritative server. No records are an answer, too.
    pub(super) async fn authoritative(&self, server: &Host, name: &Host) -> Result<Answer, Fault> {
        let servers = self.servers_of(server).await?;
        match look_up(&at(&servers, false)?, name).await {
            Ok(found) => Ok(Answer::Addresses(found)),
            Err(Fault::NotFound(_)) => Ok(Answer::Addresses(Vec::new())),
            Err(fault) => Err(fault),
        }
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

async fn look_up(resolver: &TokioResolver, name: &Host) -> Result<Vec<IpAddr>, Fault> {
    // The dot at the end: no search domains.
    let found = resolver.lookup_ip(format!("{name}.")).await.map_err(|e| fault(&e))?;
    let mut addresses: Vec<_> = found.iter().collect();
    addresses.sort_unstable();
    Ok(addresses)
}

fn fault(error: &NetError) -> Fault {
    if error.is_no_records_found() {
        return Fault::NotFound(error.to_string());
    }
    Fault::Transient(error.to_string())
}
