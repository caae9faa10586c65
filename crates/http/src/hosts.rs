//! The names by which this server is called.
//!
//! A page elsewhere can have its own name point here for a while (DNS rebinding), and a proxy can
//! hand on what was meant for another. Such requests carry a `Host` that is none of ours.

use std::{net::IpAddr, str::FromStr, sync::Arc};

use axum::{
    extract::Request,
    http::{header, uri::Authority},
};
use ipnet::IpNet;
use thiserror::Error;
use url::{Host, Url};

/// The hosts that requests may name besides the public address's and loopback.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Arc<[AllowedHost]>);

/// A host that requests may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedHost {
    /// A name, in lower case and in ASCII.
    Name(String),
    /// Every address of a network.
    Network(IpNet),
}

/// A text that names no host.
#[derive(Debug, Error)]
#[error(
    "{0:?} is no host: one is connect.internal, 10.1.2.3 or a network such as 10.1.0.0/16, without \
     scheme, port, path or `*`"
)]
pub struct InvalidHost(String);

impl FromStr for AllowedHost {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network));
        }
        if let Some(address) = address(text).or_else(|| text.parse().ok()) {
            return Ok(Self::Network(address.into()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
        match Host::parse(name) {
            Ok(Host::Domain(name)) if is_plain => Ok(Self::Name(name)),
            _ => Err(InvalidHost(text.to_owned())),
        }
    }
}

impl FromIterator<AllowedHost> for AllowedHosts {
    fn from_iter<T: IntoIterator<Item = AllowedHost>>(hosts: T) -> Self {
        Self(hosts.into_iter().collect())
    }
}

impl AllowedHosts {
    /// Returns the host that a request names and that is none of this server's. Ports are not
    /// compared: a proxy or a container may have another one than the server knows.
    pub fn foreign<'a>(&self, request: &'a Request, public: &Url) -> Option<&'a str> {
        let said = request.headers().get(header::HOST).map(|host| host.to_str().unwrap_or("?"));
        let target = request.uri().authority().map(Authority::as_str);
        said.into_iter().chain(target).find(|host| !self.allow(host, public))
    }

    fn allow(&self, host: &str, public: &Url) -> bool {
        let Some(name) = without_port(host) else { return false };
        let name = name.strip_suffix('.').unwrap_or(name);
        if public.host_str().is_some_and(|own| own.eq_ignore_ascii_case(name)) {
            return true;
        }
        if let Some(address) = address(name) {
            let address = address.to_canonical();
            return address.is_loopback() || self.0.iter().any(|allowed| allowed.has(address));
        }
        name.eq_ignore_ascii_case("localhost")
            || self.0.iter().any(|allowed| allowed.is_named(name))
    }
}

impl AllowedHost {
    fn has(&self, address: IpAddr) -> bool {
        matches!(self, Self::Network(network) if network.contains(&address))
    }

    fn is_named(&self, host: &str) -> bool {
        matches!(self, Self::Name(name) if name.eq_ignore_ascii_case(host))
    }
}

/// Returns the address that a host is, as it stands in a `Host` header.
fn address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[') {
        Some(rest) => Some(IpAddr::V6(rest.strip_suffix(']')?.parse().ok()?)),
        None => Some(IpAddr::V4(host.parse().ok()?)),
    }
}

/// Returns the host of a `Host` header; `None` where what follows it is no port.
fn without_port(host: &str) -> Option<&str> {
    let end = host.rfind(']').map_or(0, |end| end + 1);
    match host[end..].find(':') {
        None => Some(host).filter(|_| end == 0 || end == host.len()),
        Some(colon) => {
            let (name, port) = host.split_at(end + colon);
            port[1..].bytes().all(|byte| byte.is_ascii_digit()).then_some(name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(allowed: &[&str]) -> AllowedHosts {
        allowed.iter().map(|host| host.parse::<AllowedHost>().unwrap()).collect()
    }

    fn allowed(allowed: &[&str], host: &str) -> bool {
        let public = Url::parse("https://connect.example.com").unwrap();
        hosts(allowed).allow(host, &public)
    }

    #[test]
    fn d4_a_host_is_the_public_one_or_loopback() {
        for host in [
            "connect.example.com",
            "CONNECT.Example.com",
            "connect.example.com:443",
            "connect.example.com:8443",
            "connect.example.com.",
            "localhost",
            "LOCALHOST:8787",
            "127.0.0.1:8787",
            "127.9.9.9",
            "[::1]:8787",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(allowed(&[], host), "{host}");
        }
        for host in [
            "",
            "evil.example.com",
            "evil-connect.example.com",
            "connect.example.com.evil.example",
            "connect.example.com@evil.example",
            "evil.example@connect.example.com",
            "connect.example.com:x",
            "connect.example.com:80:80",
            "connect.example.com/",
            " connect.example.com",
            "localhost.evil.example",
            "notlocalhost",
            "10.0.0.1",
            "0.0.0.0:8787",
            "[::]",
            "[::1]x",
            "[::1",
            "[127.0.0.1]",
            "::1",
            "::1]",
            "127.0.0.1.evil.example",
            "\u{217d}onnect.example.com",
        ] {
            assert!(!allowed(&[], host), "{host:?}");
        }
    }

    #[test]
    fn d4_other_hosts_are_those_that_are_listed() {
        let listed =
            &["Connect.Internal", "10.1.0.0/16", "192.168.7.9", "[fd00::1]", "bücher.example"];
        for host in [
            "connect.internal:8787",
            "CONNECT.INTERNAL",
            "10.1.200.3:8787",
            "192.168.7.9",
            "[fd00::1]:80",
            "xn--bcher-kva.example",
            "connect.example.com",
        ] {
            assert!(allowed(listed, host), "{host}");
        }
        for host in ["internal", "a.connect.internal", "10.2.0.1", "192.168.7.8", "[fd00::2]"] {
            assert!(!allowed(listed, host), "{host}");
        }
    }

    #[test]
    fn what_is_no_host_is_not_listed() {
        for text in
            ["", "*", "*.example.com", "https://a.example", "a.example:80", "a b", "a/b", "?"]
        {
            let error = text.parse::<AllowedHost>().unwrap_err().to_string();
            assert!(error.contains("without scheme, port, path"), "{text}: {error}");
        }
    }
}
