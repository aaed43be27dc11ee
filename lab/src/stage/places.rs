//! Where everything on the stage listens. Each load balancer has an address of its own, as its name
//! leads to one; all use the same port, since DNS tells no ports.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::ports;

/// How many stages this process has set.
static SET: AtomicU8 = AtomicU8::new(0);

/// The addresses of the whole stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Places {
    /// The port of every load balancer.
    pub port: u16,
    /// The DNS server that everybody asks.
    pub dns: SocketAddr,
    /// The DNS server that Bowline asks: the same answers, but for load balancers its own ways.
    pub bowline_dns: SocketAddr,
    /// The databases of both Regions.
    pub data: SocketAddr,
    /// Where Bowline's notices go.
    pub webhook: SocketAddr,
    /// Home.
    pub home: SitePlaces,
    /// Standby.
    pub standby: SitePlaces,
}

/// The addresses of one site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SitePlaces {
    /// Its load balancer.
    pub balancer: Ipv4Addr,
    /// Its application.
    pub app: SocketAddr,
    /// Its RDS and CloudWatch.
    pub front: SocketAddr,
    /// Bowline's own ways to the site.
    pub link: Link,
}

/// Bowline's ways to a site, all through one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// To its load balancer.
    pub balancer: Ipv4Addr,
    /// To its AWS, without RDS and CloudWatch.
    pub aws: SocketAddr,
    /// To its RDS and CloudWatch.
    pub front: SocketAddr,
    /// To its API server.
    pub api: SocketAddr,
}

impl Places {
    /// Places nobody has yet.
    pub(super) fn free() -> Result<Self> {
        let number = SET.fetch_add(1, Ordering::Relaxed);
        let [.., high, low] = std::process::id().to_be_bytes();
        let net = |host| Ipv4Addr::new(127, 64 + high % 128, low, 1 + number % 63 * 4 + host);
        Ok(Self {
            port: ports::free()?,
            dns: local()?,
            bowline_dns: local()?,
            data: local()?,
            webhook: local()?,
            home: SitePlaces::free(net(0), net(2))?,
            standby: SitePlaces::free(net(1), net(3))?,
        })
    }

    /// A site's, by name.
    pub fn site(&self, name: &str) -> &SitePlaces {
        if name == "home" { &self.home } else { &self.standby }
    }
}

impl SitePlaces {
    fn free(balancer: Ipv4Addr, to_balancer: Ipv4Addr) -> Result<Self> {
        let link = Link { balancer: to_balancer, aws: local()?, front: local()?, api: local()? };
        Ok(Self { balancer, app: local()?, front: local()?, link })
    }
}

fn local() -> Result<SocketAddr> {
    Ok((Ipv4Addr::LOCALHOST, ports::free()?).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_places_are_the_same() {
        let (one, two) = (Places::free().unwrap(), Places::free().unwrap());
        let addresses = |p: &Places| {
            let site = |s: &SitePlaces| {
                let balancers =
                    [s.balancer, s.link.balancer].map(|a| SocketAddr::from((a, p.port)));
                [balancers.to_vec(), vec![s.app, s.front, s.link.aws, s.link.front, s.link.api]]
            };
            let own = vec![p.dns, p.bowline_dns, p.data, p.webhook];
            [vec![own], site(&p.home).into(), site(&p.standby).into()].concat().concat()
        };
        let mut all = [addresses(&one), addresses(&two)].concat();
        assert_eq!(all.len(), 36);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 36);
        assert!(all.iter().all(|address| address.ip().is_loopback()));
    }
}
