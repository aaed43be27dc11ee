//! How success is seen from outside: the address that is fetched must be one that moves.

use std::sync::Arc;

use super::host;
use crate::model::Host;
use crate::policy::code::Code;
use crate::policy::report::Report;
use crate::policy::schema::VerifySpec;
use crate::policy::suggest::{listed, nearest};
use crate::policy::types::{Verify, WriteProbe};

/// A web address in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) tls: bool,
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) path: String,
}

/// How success is seen; `None` when its address cannot be read.
pub(super) fn resolve(
    report: &mut Report<'_>,
    written: &VerifySpec,
    names: &[Host],
) -> Option<Verify> {
    let address = read(report, &written.url, "spec.verify.url")?;
    check_moves(report, &address, names);
    let write_probe = written.write_probe.as_ref().and_then(|probe| {
        let path = "spec.verify.writeProbe.url";
        let target = read(report, &probe.url, path)?;
        check_same(report, &address, &target, path);
        Some(WriteProbe { path: Arc::from(target.path.as_str()) })
    });
    Some(Verify {
        host: address.host,
        tls: address.tls,
        port: address.port,
        path: Arc::from(address.path.as_str()),
        site_header: written.site_header.as_deref().map(Arc::from),
        hold: written.hold,
        write_probe,
    })
}

fn read(report: &mut Report<'_>, url: &str, path: &str) -> Option<Address> {
    let address = parse(url);
    if address.is_none() {
        let message = format!("\"{}\" is not a web address with a DNS name", url.escape_debug());
        let remedy = "write it like https://shop.example.com/healthz".to_owned();
        report.error(Code::Verify, path, message, remedy);
    }
    address
}

/// Reads `http://` and `https://` addresses with a host, maybe a port, and a path; a part after `#`
/// and a user have no meaning here.
pub(super) fn parse(url: &str) -> Option<Address> {
    let (scheme, rest) = url.split_once("://")?;
    let tls = match scheme {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (name, port) = match authority.split_once(':') {
        Some((name, port)) => (name, port.parse().ok().filter(|port| *port > 0)?),
        None => (authority, if tls { 443 } else { 80 }),
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
    let known = !name.is_empty() && name.bytes().all(plain) && !path.contains('#');
    let slash = if path.starts_with('/') { "" } else { "/" };
    known.then(|| Address { tls, host: host(name), port, path: format!("{slash}{path}") })
}

fn check_moves(report: &mut Report<'_>, address: &Address, names: &[Host]) {
    let sound = report.sound_within("spec.traffic");
    if !sound || names.contains(&address.host) {
        return;
    }
    let names: Vec<&str> = names.iter().map(Host::as_str).collect();
    let remedy = match nearest(address.host.as_str(), names.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("use a name that moves with the group: {}", listed(&names, "or")),
    };
    let message = format!("`{}` does not move with the group", address.host);
    report.error(Code::Verify, "spec.verify.url", message, remedy);
}

fn check_same(report: &mut Report<'_>, address: &Address, target: &Address, path: &str) {
    let end = |address: &Address| (address.tls, address.host.clone(), address.port);
    if end(address) != end(target) && report.sound("spec.verify.url") {
        let message = "the write goes elsewhere than `verify.url`".to_owned();
        let scheme = if address.tls { "https" } else { "http" };
        let remedy = format!("use {scheme}://{} on port {}", address.host, address.port);
        report.error(Code::Verify, path, message, remedy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let address = parse("https://Shop.Example.com/healthz?deep=1").expect("an address");
        assert!(address.tls);
        assert_eq!(address.host.as_str(), "shop.example.com");
        assert_eq!((address.port, address.path.as_str()), (443, "/healthz?deep=1"));
        let address = parse("http://shop.example.com:8080").expect("an address");
        assert!(!address.tls);
        assert_eq!((address.port, address.path.as_str()), (8080, "/"));
        assert_eq!(parse("http://a.b?x").expect("an address").path, "/?x");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in [
            "shop.example.com",
            "ftp://shop.example.com/",
            "https://",
            "https:///healthz",
            "https://user@shop.example.com/",
            "https://shop.example.com:0/",
            "https://shop.example.com:https/",
            "https://[::1]/",
            "https://shop.example.com/#part",
        ] {
            assert_eq!(parse(url), None, "{url}");
        }
    }
}
