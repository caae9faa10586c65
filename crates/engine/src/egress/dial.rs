//! Resolve, check, connect, in one step: the address that was checked is the one dialled.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::address::{Networks, is_public};

/// How long one step of connecting may take.
const STEP: Duration = Duration::from_secs(5);
/// How many addresses of a name are tried.
const MOST_ADDRESSES: usize = 4;

/// Makes connections to addresses that may be dialled.
#[derive(Clone)]
pub(super) struct Dialer(Arc<Shared>);

struct Shared {
    names: Names,
    private: Networks,
    simulator: Option<SocketAddr>,
    tls: TlsConnector,
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

/// The address may not be dialled.
#[derive(Debug, Error)]
#[error("the address may not be dialled")]
pub(super) struct Forbidden;

/// An open connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Whether an address names exactly this socket, by number.
pub(super) fn names(url: &Url, socket: SocketAddr) -> bool {
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
        _ => return false,
    };
    ip == socket.ip() && url.port_or_known_default() == Some(socket.port())
}

impl Dialer {
    pub(super) fn new(names: Names, private: Networks, simulator: Option<SocketAddr>) -> Self {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring speaks every version we ask for")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tls = TlsConnector::from(Arc::new(tls));
        Self(Arc::new(Shared { names, private, simulator, tls }))
    }

    /// Whether an address could be dialled now; one whose name is not known yet could be by https.
    pub(super) async fn may_dial(&self, url: &Url) -> bool {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return false;
        };
        let encrypted = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return false,
        };
        match self.0.names.resolve(&host, port).await {
            Ok(addresses) => self.0.may_dial_all(url, &addresses),
            Err(_) => encrypted,
        }
    }
}

impl Dialer {
    /// Resolves the host of an address, checks what it resolves to, and connects to that.
    pub(super) async fn connect(&self, url: &Url) -> Result<Box<dyn Stream>, BoxError> {
        let Shared { names, tls, .. } = &*self.0;
        let host = url.host().ok_or(Forbidden)?;
        let port = url.port_or_known_default().ok_or(Forbidden)?;
        let addresses = names.resolve(&host, port).await?;
        let encrypted = url.scheme() == "https";
        if !self.0.may_dial_all(url, &addresses) {
            return Err(Forbidden.into());
        }
        let tcp = dial_any(addresses.iter().take(MOST_ADDRESSES)).await?;
        tcp.set_nodelay(true)?;
        if !encrypted {
            return Ok(Box::new(tcp));
        }
        let name = server_name(&host)?;
        Ok(Box::new(in_time(tls.connect(name, tcp)).await?))
    }
}

impl Shared {
    fn may_dial_all(&self, url: &Url, addresses: &[SocketAddr]) -> bool {
        let encrypted = url.scheme() == "https";
        let simulator = self.simulator.filter(|simulator| names(url, *simulator));
        let allowed = |address: &SocketAddr| {
            simulator == Some(*address) || self.may_dial(*address, encrypted)
        };
        addresses.iter().all(allowed)
    }

    /// Public addresses only by https; others only where the operator said so.
    fn may_dial(&self, address: SocketAddr, encrypted: bool) -> bool {
        self.private.contain(address.ip()) && self.simulator != Some(address)
            || encrypted && is_public(address.ip())
    }
}

impl Names {
    /// Every address of a host: what is checked is all of what may be dialled.
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

/// Each step of connecting has its own time, so that an address that does not answer leaves some
/// for the next.
async fn in_time<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| io::Error::from(io::ErrorKind::TimedOut);
    tokio::time::timeout(STEP, step).await.map_err(late)?
}

fn server_name(host: &Host<&str>) -> Result<ServerName<'static>, BoxError> {
    Ok(match host {
        Host::Ipv4(ip) => ServerName::from(IpAddr::V4(*ip)),
        Host::Ipv6(ip) => ServerName::from(IpAddr::V6(*ip)),
        Host::Domain(name) => ServerName::try_from((*name).to_owned())?,
    })
}
