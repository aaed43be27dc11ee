//! The endpoints file: where AWS' services and DNS are asked, where that is not what AWS says. For
//! VPC endpoints with names of their own, and for the lab.
//!
//! This file is the only place that may lead to an `http://` endpoint: no environment variable and
//! no profile does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::Uri;
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};

use bowline_core::model::Region;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 64 * 1024;

/// A service of a Region, named as its endpoints' names begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Elastic Load Balancing.
    #[serde(rename = "elasticloadbalancing")]
    Elb,
    /// RDS.
    Rds,
    /// CloudWatch.
    #[serde(rename = "monitoring")]
    CloudWatch,
    /// EKS.
    Eks,
    /// STS.
    Sts,
    /// Route 53.
    Route53,
}

/// Where services are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    urls: BTreeMap<(Region, Service), Arc<str>>,
    /// Every DNS question goes to these servers; none: to whom it belongs.
    pub dns: Vec<SocketAddr>,
}

/// Why an endpoints file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointsError {
    /// It cannot be read.
    #[error("{}", .0.display())]
    Unread(PathBuf, #[source] std::io::Error),
    /// It is not what an endpoints file is.
    #[error("{}:{line}:{column}: {words}", .file.display())]
    Wrong {
        /// Which file.
        file: PathBuf,
        /// Its line, counted from 1.
        line: u64,
        /// The line's column, counted from 1.
        column: u64,
        /// What is wrong there, and what would be right.
        words: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default)]
    regions: BTreeMap<Named, BTreeMap<Service, Spanned<String>>>,
    #[serde(default)]
    dns: Vec<Spanned<String>>,
}

/// A Region's name that looks like one.
#[derive(PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
struct Named(Region);

impl TryFrom<String> for Named {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.contains('-') && name.chars().all(plain) {
            return Ok(Self(Region::new(name)));
        }
        Err(format!("{name:?} is no Region; write one such as eu-west-1"))
    }
}

/// A wrong place: where, and why.
type Wrong = (Location, String);

impl Endpoints {
    /// Reads an endpoints file.
    ///
    /// # Errors
    /// A file that cannot be read, or the first thing in it that is wrong, with its place.
    pub fn read(file: &Path) -> Result<Self, EndpointsError> {
        let unread = |e| EndpointsError::Unread(file.to_owned(), e);
        if std::fs::metadata(file).map_err(unread)?.len() > LARGEST {
            let large = std::io::Error::other(format!("larger than {LARGEST} bytes"));
            return Err(unread(large));
        }
        let text = std::fs::read_to_string(file).map_err(unread)?;
        Self::parse(&text).map_err(|(place, words)| EndpointsError::Wrong {
            file: file.to_owned(),
            line: place.line(),
            column: place.column(),
            words,
        })
    }

    fn parse(text: &str) -> Result<Self, Wrong> {
        let text: Text = serde_saphyr::from_str(text).map_err(|e| {
            let place = e.location().unwrap_or(Location::UNKNOWN);
            (place, e.without_snippet().to_string())
        })?;
        let mut urls = BTreeMap::new();
        for (Named(region), services) in text.regions {
            for (service, url) in services {
                urls.insert((region.clone(), service), checked(&url)?);
            }
        }
        let dns = text.dns.iter().map(server).collect::<Result<_, _>>()?;
        Ok(Self { urls, dns })
    }

    /// The same, but for one service of a Region.
    #[cfg(test)]
    pub(super) fn with(mut self, region: &str, service: Service, url: &str) -> Self {
        self.urls.insert((Region::new(region), service), url.into());
        self
    }

    /// Where a service of a Region is asked; `None`: where AWS says.
    #[must_use]
    pub fn url(&self, region: &Region, service: Service) -> Option<&str> {
        self.urls.get(&(region.clone(), service)).map(|url| &**url)
    }
}

/// A URL of nothing but scheme, host and port.
fn checked(url: &Spanned<String>) -> Result<Arc<str>, Wrong> {
    let text = url.value.as_str();
    let wrong = |why: &str| {
        let words = format!("{text:?}: {why}; write https://HOST or http://HOST:PORT");
        (url.referenced, words)
    };
    let parsed: Uri = text.parse().map_err(|_| wrong("this is no URL"))?;
    if !matches!(parsed.scheme_str(), Some("http" | "https")) {
        return Err(wrong("neither http:// nor https://"));
    }
    let authority = parsed.authority().ok_or_else(|| wrong("no host"))?;
    if authority.host().is_empty() || authority.as_str().contains('@') {
        return Err(wrong("a host is needed, and nobody's name or password before it"));
    }
    let port = authority.as_str().rsplit(']').next().unwrap_or_default().contains(':');
    if port && authority.port_u16().is_none_or(|port| port == 0) {
        return Err(wrong("its port is not a number from 1 to 65535"));
    }
    if !matches!(parsed.path(), "" | "/") || parsed.query().is_some() {
        return Err(wrong("a path or query is part of it"));
    }
    Ok(text.trim_end_matches('/').into())
}

fn server(address: &Spanned<String>) -> Result<SocketAddr, Wrong> {
    let found = address.value.parse().ok().filter(|found: &SocketAddr| found.port() > 0);
    found.ok_or_else(|| {
        let words = format!(
            "{:?} is no DNS server; write an address and a port, such as 127.0.0.1:53",
            address.value
        );
        (address.referenced, words)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
regions:
  eu-west-1: {elasticloadbalancing: 'http://127.0.0.1:1234/', rds: 'https://rds.example.com',
    monitoring: 'http://[::1]:5', eks: 'http://localhost:6', sts: 'http://10.0.0.1:7'}
  us-east-1:
    route53: http://127.0.0.1:9
dns: ['127.0.0.1:5300', '[::1]:53']
";

    fn refused(text: &str) -> (u64, String) {
        let (place, words) = Endpoints::parse(text).unwrap_err();
        (place.line(), words)
    }

    #[test]
    fn a_service_is_asked_where_the_file_says_and_else_where_aws_says() {
        let endpoints = Endpoints::parse(GOOD).unwrap();
        let url = |region: &str, service| endpoints.url(&region.into(), service);
        assert_eq!(url("eu-west-1", Service::Elb), Some("http://127.0.0.1:1234"));
        assert_eq!(url("eu-west-1", Service::CloudWatch), Some("http://[::1]:5"));
        assert_eq!(url("us-east-1", Service::Route53), Some("http://127.0.0.1:9"));
        assert_eq!(url("us-east-1", Service::Sts), None);
        assert_eq!(url("eu-west-2", Service::Elb), None);
        let servers: Vec<_> = endpoints.dns.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["127.0.0.1:5300", "[::1]:53"]);
        assert_eq!(Endpoints::parse("{}").unwrap(), Endpoints::default());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, line, word) in [
            ("regions: {}\nhosts: {}", 2, "hosts"),
            ("regions:\n  eu-west-1:\n    s3: http://x:1", 3, "s3"),
            ("regions:\n  eu-west-1:\n    rds: [1]", 3, ""),
            ("regions:\n  Ireland: {}", 2, "eu-west-1"),
            ("dns:\n - 127.0.0.1", 2, "port"),
            ("dns:\n - 127.0.0.1:0", 2, "port"),
            ("dns:\n - localhost:53", 2, "address"),
            ("regions: {eu-west-1: {rds: 'http://a'}}\nregions: {}", 2, "regions"),
        ] {
            let (at, words) = refused(text);
            assert!(at == line && words.contains(word), "{text}: {at}: {words}");
        }
    }

    #[test]
    fn a_url_is_scheme_host_and_port_and_nothing_else() {
        for url in [
            "127.0.0.1:1234",
            "ftp://host",
            "http://",
            "http://host:port",
            "http://host:0",
            "http://host:99999",
            "http://host/path",
            "http://host?a=b",
            "http://user@host",
            "http://us er",
            "''",
        ] {
            let (line, words) = refused(&format!("regions:\n  eu-west-1:\n    rds: {url}"));
            assert!(line == 3 && words.contains("http"), "{url}: {line}: {words}");
        }
    }

    #[test]
    fn a_file_that_is_absent_or_huge_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("endpoints.yaml");
        assert!(matches!(Endpoints::read(&file), Err(EndpointsError::Unread(..))));
        std::fs::write(&file, "#".repeat(70_000)).unwrap();
        assert!(matches!(Endpoints::read(&file), Err(EndpointsError::Unread(..))));
        std::fs::write(&file, "dns: [x]").unwrap();
        let words = Endpoints::read(&file).unwrap_err().to_string();
        assert!(words.contains("endpoints.yaml:1:"), "{words}");
    }
}
