//! Resolve, check, connect, in one step: the address that was checked is the one dialled.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use url::{Host, Url};

use crate::{
    EgressError,
    address::{Networks, is_public},
    forbidden::Forbidden,
    trust::{Trust, Untrusted},
};

/// How long one step of connecting may take.
const STEP: Duration = Duration::from_secs(5);
/// How many addresses of a name are tried.
const MOST_ADDRESSES: usize = 4;

/// Makes connections to addresses that may be dialled.
#[derive(Clone)]
pub(super) struct Dialer(Arc<DialerInner>);

struct DialerInner {
    names: Names,
    private: Networks,
    simulator: Option<SocketAddr>,
    trust: Trust,
}

/// Who is asked for the addresses of a name.
pub(super) enum Names {
    /// The system.
    System,
    /// A test, which may answer differently each time.
    #[cfg(test)]
    Script(Script),
}

#[cfg(test)]
type Script = Box<dyn Fn(&str) -> Vec<IpAddr> + Send + Sync>;

/// An open connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Returns whether an address names exactly this socket, by number.
pub(super) fn names(url: &Url, socket: SocketAddr) -> bool {
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
        _ => return false,
    };
    ip == socket.ip() && url.port_or_known_default() == Some(socket.port())
}

impl Dialer {
    pub(super) fn new(
        names: Names,
        private: Networks,
        simulator: Option<SocketAddr>,
        trust: Trust,
    ) -> Self {
        Self(Arc::new(DialerInner { names, private, simulator, trust }))
    }

    /// Checks whether an address could be dialled now. One whose name does not resolve yet passes
    /// where it is https.
    pub(super) async fn check(&self, url: &Url) -> Result<(), Forbidden> {
        let (host, port) = endpoint(url)?;
        match self.0.names.resolve(&host, port).await {
            Ok(addresses) => self.0.check_all(url, &addresses),
            Err(_) if is_encrypted(url) => Ok(()),
            Err(_) => Err(Forbidden::unresolved(url)),
        }
    }

    /// Resolves the host of an address, checks what it resolves to, and connects to that.
    pub(super) async fn connect(&self, url: &Url) -> Result<Box<dyn Stream>, EgressError> {
        let DialerInner { names, trust, .. } = &*self.0;
        let (host, port) = endpoint(url)?;
        let addresses = names.resolve(&host, port).await.map_err(EgressError::Unreachable)?;
        self.0.check_all(url, &addresses)?;
        let tcp = dial_any(addresses.iter().take(MOST_ADDRESSES)).await;
        let tcp = tcp.map_err(|error| EgressError::Unreachable(error.into()))?;
        tcp.set_nodelay(true).map_err(|error| EgressError::Unreachable(error.into()))?;
        if !is_encrypted(url) {
            return Ok(Box::new(tcp));
        }
        let name = server_name(&host).map_err(EgressError::Unreachable)?;
        match in_time(trust.at(&host).connect(name, tcp)).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(match Untrusted::of(url, &error) {
                Some(untrusted) => EgressError::Untrusted(untrusted),
                None => EgressError::Unreachable(error.into()),
            }),
        }
    }
}

/// Returns the server that an address names.
fn endpoint(url: &Url) -> Result<(Host<&str>, u16), Forbidden> {
    let is_web = matches!(url.scheme(), "http" | "https");
    let named = url.host().zip(url.port_or_known_default()).filter(|_| is_web);
    named.ok_or_else(|| Forbidden::no_address(url))
}

fn is_encrypted(url: &Url) -> bool {
    url.scheme() == "https"
}

impl DialerInner {
    fn check_all(&self, url: &Url, addresses: &[SocketAddr]) -> Result<(), Forbidden> {
        let encrypted = is_encrypted(url);
        let simulator = self.simulator.filter(|simulator| names(url, *simulator));
        let refused = addresses
            .iter()
            .find(|address| simulator != Some(**address) && !self.may_dial(**address, encrypted));
        let Some(refused) = refused else { return Ok(()) };
        let forbidden = Forbidden::leads_to(url, *refused, is_public(refused.ip()));
        tracing::warn!(address = %refused.ip(), why = %forbidden, "an address may not be called");
        Err(forbidden)
    }

    /// Allows public addresses only by https; others only where the operator said so.
    fn may_dial(&self, address: SocketAddr, encrypted: bool) -> bool {
        self.private.contain(address.ip()) && self.simulator != Some(address)
            || encrypted && is_public(address.ip())
    }
}

impl Names {
    /// Returns every address of a host: what is checked is all of what may be dialled.
    async fn resolve(&self, host: &Host<&str>, port: u16) -> Result<Vec<SocketAddr>, BoxError> {
        let addresses: Vec<_> = match host {
            Host::Ipv4(ip) => vec![SocketAddr::from((*ip, port))],
            Host::Ipv6(ip) => vec![SocketAddr::from((*ip, port))],
            Host::Domain(name) => self.look_up(name, port).await?,
        };
        if addresses.is_empty() {
            return Err(io::Error::from(io::ErrorKind::NotFound).into());
        }
        Ok(addresses)
    }

    async fn look_up(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match self {
            Self::System => Ok(in_time(tokio::net::lookup_host((name, port))).await?.collect()),
            #[cfg(test)]
            Self::Script(answer) => {
                Ok(answer(name).into_iter().map(|ip| SocketAddr::from((ip, port))).collect())
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that dials")]
async fn dial_any(addresses: impl Iterator<Item = &SocketAddr>) -> io::Result<TcpStream> {
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match in_time(TcpStream::connect(address)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Gives each step of connecting a time of its own, so that an address that does not answer leaves
/// some for the next.
async fn in_time<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(STEP, step).await {
        Ok(result) => result,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

fn server_name(host: &Host<&str>) -> Result<ServerName<'static>, BoxError> {
    Ok(match host {
        Host::Ipv4(ip) => ServerName::from(IpAddr::V4(*ip)),
        Host::Ipv6(ip) => ServerName::from(IpAddr::V6(*ip)),
        Host::Domain(name) => ServerName::try_from((*name).to_owned())?,
    })
}
