//! Resolve, check, connect, in one step: the address that was checked is the one dialled.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;
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
    private: Networks,
    simulator: Option<SocketAddr>,
    tls: TlsConnector,
}

/// The address may not be dialled.
#[derive(Debug, Error)]
#[error("the address may not be dialled")]
pub(super) struct Forbidden;

/// An open connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Connection for Box<dyn Stream> {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

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
    pub(super) fn new(private: Networks, simulator: Option<SocketAddr>) -> Self {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring speaks every version we ask for")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(Arc::new(Shared { private, simulator, tls: TlsConnector::from(Arc::new(tls)) }))
    }
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<Box<dyn Stream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { Ok(TokioIo::new(shared.connect(&uri).await?)) })
    }
}

impl Shared {
    async fn connect(&self, uri: &Uri) -> Result<Box<dyn Stream>, BoxError> {
        let url = Url::parse(&uri.to_string())?;
        let host = url.host().ok_or(Forbidden)?;
        let port = url.port_or_known_default().ok_or(Forbidden)?;
        let addresses = resolve(&host, port).await?;
        let encrypted = url.scheme() == "https";
        let simulator = self.simulator.filter(|simulator| names(&url, *simulator));
        let allowed = |address: &SocketAddr| {
            simulator == Some(*address) || self.may_dial(*address, encrypted)
        };
        if !addresses.iter().all(allowed) {
            return Err(Forbidden.into());
        }
        let tcp = dial_any(&addresses).await?;
        tcp.set_nodelay(true)?;
        if !encrypted {
            return Ok(Box::new(tcp));
        }
        let name = server_name(&host)?;
        Ok(Box::new(in_time(self.tls.connect(name, tcp)).await?))
    }

    /// Public addresses only by https; others only where the operator said so.
    fn may_dial(&self, address: SocketAddr, encrypted: bool) -> bool {
        self.private.contain(address.ip()) && self.simulator != Some(address)
            || encrypted && is_public(address.ip())
    }
}

async fn resolve(host: &Host<&str>, port: u16) -> Result<Vec<SocketAddr>, BoxError> {
    let addresses: Vec<_> = match host {
        Host::Ipv4(ip) => vec![SocketAddr::from((*ip, port))],
        Host::Ipv6(ip) => vec![SocketAddr::from((*ip, port))],
        Host::Domain(name) => {
            in_time(tokio::net::lookup_host((*name, port))).await?.take(MOST_ADDRESSES).collect()
        }
    };
    if addresses.is_empty() {
        return Err(io::Error::from(io::ErrorKind::NotFound).into());
    }
    Ok(addresses)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that dials")]
async fn dial_any(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
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
