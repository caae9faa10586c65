//! Where a request comes from: the peer that is connected, or whom a trusted proxy names.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

/// The networks of the proxies in front of this server, whose word on their callers is taken.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Arc<Trusted>);

#[derive(Debug, Default)]
struct Trusted {
    networks: Vec<IpNet>,
    /// Whether it was said that a proxy is not among them.
    has_warned: AtomicBool,
}

/// Who sends a request, as far as its address tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallerOrigin {
    /// An address; of IPv6, the /64 that one customer is given.
    Address(IpAddr),
    /// A caller behind this proxy, which does not name them in a form that is understood.
    Behind(IpAddr),
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// How many proxies one behind another are looked through.
const MOST_HOPS: usize = 32;

impl FromIterator<IpNet> for Proxies {
    fn from_iter<T: IntoIterator<Item = IpNet>>(networks: T) -> Self {
        let networks = networks.into_iter().collect();
        Self(Arc::new(Trusted { networks, has_warned: AtomicBool::new(false) }))
    }
}

impl Proxies {
    /// Returns whether an address is a trusted proxy's.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.networks.iter().any(|network| network.contains(&address))
    }

    /// Returns who sends a request: the right-most hop that is no trusted proxy.
    pub fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> CallerOrigin {
        if self.0.networks.is_empty() || !self.contain(peer) {
            self.warn_once(peer, headers);
            return CallerOrigin::Address(customer(peer));
        }
        let by_list = self.last_untrusted(listed(headers));
        let by_forwarded = self.last_untrusted(forwarded(headers));
        match (by_list, by_forwarded) {
            (None, None) => CallerOrigin::Address(customer(peer)),
            (Some(Ok(one)), None) | (None, Some(Ok(one))) => CallerOrigin::Address(customer(one)),
            // A proxy writes one of the two; the other one may be its caller's own.
            (Some(Ok(one)), Some(Ok(other))) if one == other => {
                CallerOrigin::Address(customer(one))
            }
            _ => CallerOrigin::Behind(peer.to_canonical()),
        }
    }

    /// Warns once that what looks like a proxy is not trusted. A caller out there can send the same
    /// headers, so that only one from within the operator's own network is taken for a proxy.
    fn warn_once(&self, peer: IpAddr, headers: &HeaderMap) {
        let names_caller =
            headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(header::FORWARDED);
        if names_caller && is_near(peer) && !self.0.has_warned.swap(true, Relaxed) {
            tracing::warn!(
                %peer,
                "a proxy names its callers and is not listed in ASTRALFORM_TRUSTED_PROXIES: all of them count as one address"
            );
        }
    }

    /// Returns the right-most hop that is no trusted proxy, or the first of all where all are. A
    /// hop that cannot be read is an error: any caller can have written what stands before it.
    fn last_untrusted<'a>(
        &self,
        hops_from_the_right: impl Iterator<Item = &'a str>,
    ) -> Option<Result<IpAddr, ()>> {
        let mut found = None;
        for hop in hops_from_the_right.take(MOST_HOPS) {
            let Some(address) = address(hop) else { return Some(Err(())) };
            found = Some(Ok(address));
            if !self.contain(address) {
                break;
            }
        }
        found
    }
}

impl std::fmt::Display for CallerOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address @ IpAddr::V6(_)) => write!(f, "{address}/64"),
            Self::Address(address) => address.fmt(f),
            Self::Behind(proxy) => write!(f, "behind {proxy}"),
        }
    }
}

/// Returns whether an address is of this machine or of a private network.
fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

/// Returns the hops of `X-Forwarded-For`, from the right.
fn listed(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(X_FORWARDED_FOR).into_iter().rev();
    lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(',').map(str::trim))
}

/// Returns what the elements of `Forwarded` (RFC 7239) say in `for`, from the right.
fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::FORWARDED).into_iter().rev();
    lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(',').map(for_of))
}

fn for_of(element: &str) -> &str {
    let named = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut of = named.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    match (of.next(), of.next()) {
        (Some((_, value)), None) => value.trim(),
        _ => "?",
    }
}

/// Reads an address with or without a port, in quotes or not.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(hop);
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let found = bare.parse().or_else(|_| hop.parse::<SocketAddr>().map(|socket| socket.ip()));
    found.ok().map(|address: IpAddr| address.to_canonical())
}

/// Returns what stands for a customer: an address, or the /64 of IPv6.
pub(crate) fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn proxies() -> Proxies {
        ["10.0.0.0/8", "fd00::/8"].iter().map(|network| network.parse().unwrap()).collect()
    }

    fn origin(peer: &str, headers: &[(HeaderName, &str)]) -> String {
        let headers = headers.iter().map(|(name, value)| {
            (name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        let mut all = HeaderMap::new();
        headers.for_each(|(name, value)| {
            all.append(name, value);
        });
        match proxies().origin(peer.parse().unwrap(), &all) {
            CallerOrigin::Address(address) => address.to_string(),
            CallerOrigin::Behind(proxy) => format!("behind {proxy}"),
        }
    }

    fn by_list(peer: &str, value: &str) -> String {
        origin(peer, &[(X_FORWARDED_FOR, value)])
    }

    fn by_forwarded(value: &str) -> String {
        origin("10.1.1.1", &[(header::FORWARDED, value)])
    }

    #[test]
    fn x1_only_a_trusted_proxy_says_who_its_caller_is() {
        assert_eq!(by_list("192.0.2.1", "198.51.100.9"), "192.0.2.1");
        assert_eq!(by_list("10.1.1.1", "198.51.100.9"), "198.51.100.9");
        assert_eq!(by_list("::ffff:10.1.1.1", "198.51.100.9"), "198.51.100.9");
        assert_eq!(origin("10.1.1.1", &[]), "10.1.1.1", "a health check of its own");
        let nobody = Proxies::default();
        let headers =
            HeaderMap::from_iter([(X_FORWARDED_FOR, HeaderValue::from_static("1.1.1.1"))]);
        let peer: IpAddr = "10.1.1.1".parse().unwrap();
        assert_eq!(nobody.origin(peer, &headers), CallerOrigin::Address(peer));
    }

    #[test]
    fn a_proxy_that_is_not_listed_is_said_once() {
        let nobody = Proxies::default();
        let said = || nobody.0.has_warned.load(Relaxed);
        let named = HeaderMap::from_iter([(X_FORWARDED_FOR, HeaderValue::from_static("1.1.1.1"))]);
        nobody.origin("198.51.100.9".parse().unwrap(), &named);
        assert!(!said(), "anybody out there can send it");
        nobody.origin("172.17.0.1".parse().unwrap(), &HeaderMap::new());
        assert!(!said(), "no proxy");
        nobody.origin("172.17.0.1".parse().unwrap(), &named);
        assert!(said());
    }

    #[test]
    fn x1_the_right_most_hop_that_is_not_trusted_is_the_caller() {
        for (value, caller) in [
            ("1.1.1.1, 198.51.100.9", "198.51.100.9"),
            ("1.1.1.1, 198.51.100.9, 10.2.2.2", "198.51.100.9"),
            ("nonsense, \u{1f}, 198.51.100.9,10.2.2.2", "198.51.100.9"),
            ("10.3.3.3, 10.2.2.2", "10.3.3.3"),
            ("198.51.100.9:4711", "198.51.100.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("[2001:db8:1:2:3:4:5:6]:443, fd00::1", "2001:db8:1:2::"),
            ("::ffff:198.51.100.9", "198.51.100.9"),
        ] {
            let value = value.replace('\u{1f}', "_hidden");
            assert_eq!(by_list("10.1.1.1", &value), caller, "{value}");
        }
        let lines = [(X_FORWARDED_FOR, "1.1.1.1"), (X_FORWARDED_FOR, "198.51.100.9, 10.2.2.2")];
        assert_eq!(origin("10.1.1.1", &lines), "198.51.100.9");
    }

    #[test]
    fn x1_forwarded_is_read_as_well() {
        for (value, caller) in [
            ("for=198.51.100.9", "198.51.100.9"),
            ("for=1.1.1.1, for=198.51.100.9;proto=https;by=10.2.2.2", "198.51.100.9"),
            ("proto=https; For=\"198.51.100.9:80\"", "198.51.100.9"),
            ("for=\"[2001:db8:1:2:3::]:443\"", "2001:db8:1:2::"),
            ("for=1.1.1.1;host=\"a,b\", for=198.51.100.9, for=10.2.2.2", "198.51.100.9"),
        ] {
            assert_eq!(by_forwarded(value), caller, "{value}");
        }
    }

    #[test]
    fn x1_what_a_proxy_does_not_say_clearly_is_nobodys_word() {
        for value in
            ["", "unknown", "_hidden", "198.51.100.9.1", "1.1.1.1,", "1.1.1.1, \"10.2.2.2", "é"]
        {
            assert_eq!(by_list("10.1.1.1", value), "behind 10.1.1.1", "{value}");
        }
        for value in ["", "proto=https", "for=unknown", "for=1.1.1.1;for=2.2.2.2", "for=1.1.1.1, x"]
        {
            assert_eq!(by_forwarded(value), "behind 10.1.1.1", "{value}");
        }
        let both = |list, forwarded| {
            origin("10.1.1.1", &[(X_FORWARDED_FOR, list), (header::FORWARDED, forwarded)])
        };
        assert_eq!(both("198.51.100.9", "for=198.51.100.9"), "198.51.100.9");
        assert_eq!(both("198.51.100.9", "for=1.1.1.1"), "behind 10.1.1.1");
        let hops = vec!["10.2.2.2"; 5_000].join(",");
        assert_eq!(by_list("10.1.1.1", &format!("1.1.1.1,{hops}")), "10.2.2.2");
    }
}
