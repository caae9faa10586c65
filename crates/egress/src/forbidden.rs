//! Addresses that may not be called, in words for the operator or the member who can change that.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use astralform_domain::texts::cut;
use thiserror::Error;
use url::{Host, Position, Url};

use crate::address::is_metadata;

/// Why an address may not be called. Nothing was sent there.
///
/// A member who enters an address learns of it what they entered, and not what its name leads to
/// within the operator's network: that is for the log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Forbidden {
    place: String,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// It is no address of a server, or cannot stand in a request.
    NoAddress,
    /// It is not public, and the operator does not allow it. The address where it says so itself.
    Private(Option<IpAddr>),
    /// Clouds keep their machines' secrets there.
    Metadata,
    /// It is public, and not encrypted.
    Plain,
    /// It is not encrypted, and its name is not known.
    Unresolved,
    /// It is the simulator's.
    Simulator,
    /// It is not the simulator's, and a sandboxed connector was to call it.
    OutsideSandbox,
    /// The secret that was to go there is bound to another host, or does not open.
    ForeignSecret,
}

impl Forbidden {
    pub(super) fn no_address(url: &Url) -> Self {
        Self::new(url, Why::NoAddress)
    }

    /// Describes what is wrong with an address that a host leads to.
    pub(super) fn leads_to(url: &Url, address: SocketAddr, is_public: bool) -> Self {
        let address = address.ip();
        let why = match (is_metadata(address.to_canonical()), is_public) {
            (true, _) => Why::Metadata,
            (_, true) => Why::Plain,
            (_, false) => Why::Private(says_itself(url).then_some(address)),
        };
        Self::new(url, why)
    }

    pub(super) fn unresolved(url: &Url) -> Self {
        Self::new(url, Why::Unresolved)
    }

    pub(super) fn simulator(url: &Url) -> Self {
        Self::new(url, Why::Simulator)
    }

    pub(super) fn outside_sandbox(url: &Url) -> Self {
        Self::new(url, Why::OutsideSandbox)
    }

    /// Describes an address that its secret is not meant for.
    pub fn foreign_secret(url: &Url) -> Self {
        Self::new(url, Why::ForeignSecret)
    }

    fn new(url: &Url, why: Why) -> Self {
        Self { place: place(url), why }
    }
}

/// The most bytes that are shown of a host: more than a name of the Internet has.
const LONGEST: usize = 300;

/// Returns scheme, host and port: the rest may hold secrets.
pub(super) fn place(url: &Url) -> String {
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let host = cut(host, LONGEST);
    format!("{}://{host}", url.scheme())
}

/// Returns whether an address itself says what it leads to.
fn says_itself(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        _ => true,
    }
}

const SETTING: &str = "`allow_private_networks` (ASTRALFORM_ALLOW_PRIVATE_NETWORKS)";

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, why } = self;
        write!(f, "`{place}` may not be called: ")?;
        match why {
            Why::NoAddress => f.write_str("it is no http or https address of a server"),
            Why::Private(Some(address)) => {
                let bits = if address.is_ipv4() { 32 } else { 128 };
                write!(
                    f,
                    "{address} is not a public address; the operator of this server can allow its \
                     network in {SETTING}, such as {address}/{bits}"
                )
            }
            Why::Private(None) => write!(
                f,
                "its name leads to an address that is not public, which the server's log names; the \
                 operator of this server can allow that network in {SETTING}"
            ),
            Why::Metadata => f.write_str(
                "on such an address clouds keep their machines' secrets, so it is never called",
            ),
            Why::Plain => write!(
                f,
                "plain http goes only to private networks that the operator of this server lists in \
                 {SETTING}; use https"
            ),
            Why::Unresolved => write!(
                f,
                "its name is not known here, and plain http goes only to private networks that the \
                 operator of this server lists in {SETTING}"
            ),
            Why::Simulator => {
                f.write_str("the simulator answers only connectors that are enabled with `sandbox`")
            }
            Why::OutsideSandbox => {
                f.write_str("a connector that is enabled with `sandbox` calls the simulator alone")
            }
            Why::ForeignSecret => f.write_str(
                "the secret that belongs to it was entered for another host, or cannot be opened; \
                 enter the address again",
            ),
        }
    }
}
