//! Our own accept loop: axum's has no time-outs and no limits.
//!
//! HTTP/1.1 only. Every connection holds one of a bounded number of places, and so many of them
//! per peer; a head that does not arrive, an answer that is not read and an idle connection are cut
//! off. On shutdown, requests under way are finished. Each core has a thread that serves (`workers`).

mod peers;
mod workers;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt as _;

use peers::Peers;
use workers::Workers;
pub(crate) use workers::home;

/// What a peer may take of us.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// Connections at a time from one address.
    pub per_peer: usize,
    /// How long a request's head may take to arrive, and how long a connection may idle.
    pub head: Duration,
    /// How long an answer may wait for its reader, at each write.
    pub stall: Duration,
    /// How long requests may go on after shutdown was asked for.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            per_peer: 5_000,
            head: Duration::from_secs(30),
            stall: Duration::from_secs(30),
            drain: Duration::from_secs(30),
        }
    }
}

/// Who a request comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

const LONGEST_HEAD: usize = 64 * 1024;
const MOST_HEADERS: usize = 100;

/// Serves until `stop` is done, then finishes what is under way.
///
/// # Panics
/// When the system gives no threads.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    serve_then(listener, router, limits, stop, std::future::ready(())).await;
}

/// The same, and then does something while what was opened on its threads, such as connections to
/// the database, can still be used.
///
/// # Panics
/// When the system gives no threads.
pub async fn serve_then(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
    after: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let peers = Peers::new(limits.per_peer);
    let workers = Workers::start().expect("the system gives a thread for each core");
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut stop => break,
        };
        let (place, stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(seat) = peers.seat(address.ip()) else {
            continue;
        };
        let (router, watcher) = (router.clone(), connections.watcher());
        workers.spawn(async move {
            let peer = Peer(address);
            if let Err(error) = converse(stream, peer, router, limits, watcher).await {
                tracing::debug!(error, "connection ended");
            }
            drop((seat, place));
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, connections.shutdown()).await.is_err() {
        tracing::warn!("requests were cut off at shutdown");
    }
    after.await;
    drop(workers);
}

/// Serves one connection on the thread that it was given to.
async fn converse(
    stream: std::net::TcpStream,
    peer: Peer,
    router: Router,
    limits: Limits,
    watcher: Watcher,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::from_std(stream)?;
    Ok(watcher.watch(connection(stream, peer, router, &limits)).await?)
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(OwnedSemaphorePermit, std::net::TcpStream, SocketAddr)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((place, stream.into_std()?, address))
}

fn connection(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    limits: &Limits,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send + 'static {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.stall));
    let service =
        TowerToHyperService::new(router.map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            request.map(Body::new)
        }));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(LONGEST_HEAD)
        .max_header_size(LONGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .serve_connection(TokioIo::new(Box::pin(stream)), service)
}

#[cfg(test)]
mod tests;
