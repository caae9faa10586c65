//! Our own accept loop: axum's has no time-outs and no limits.
//!
//! HTTP/1.1 only. Every connection holds one of a bounded number of places, and so many of them
//! per peer; a head that does not arrive, an answer that is not read and an idle connection are cut
//! off. On shutdown, requests under way are finished. Each core has a thread that serves (`workers`).

mod peers;
mod workers;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, header::CONNECTION},
    response::Response,
};
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
            // Longer than load balancers keep a connection, so that they never send on one that closes.
            head: Duration::from_secs(75),
            stall: Duration::from_secs(30),
            drain: Duration::from_secs(30),
        }
    }
}

/// Who a request comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// How long connections stay open after shutdown was asked for: a request may be on its way on each,
/// and would be lost with it. Those that are answered meanwhile are told that it was the last one.
const LINGER: Duration = Duration::from_millis(500);

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
    let is_closing = Arc::new(AtomicBool::new(false));
    let mut stop = std::pin::pin!(stop);
    let mut until = None;
    loop {
        let accepted = if let Some(until) = until {
            let Some(left) = backlog(&listener, &places, until).await else { break };
            left
        } else {
            tokio::select! {
                accepted = accept(&listener, &places) => accepted,
                () = &mut stop => {
                    is_closing.store(true, Ordering::Relaxed);
                    until = Some(Instant::now() + LINGER);
                    continue;
                }
            }
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
        let is_closing = Arc::clone(&is_closing);
        workers.spawn(async move {
            let talk = converse(stream, Peer(address), (router, is_closing), limits, watcher);
            if let Err(error) = talk.await {
                tracing::debug!(error, "connection ended");
            }
            drop((seat, place));
        });
    }
    drop(listener);
    linger(&connections).await;
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
    served: (Router, Arc<AtomicBool>),
    limits: Limits,
    watcher: Watcher,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::from_std(stream)?;
    Ok(watcher.watch(connection(stream, peer, served, &limits)).await?)
}

/// Who has been connected by the system before shutdown was asked for, and is not turned away;
/// nobody once none is left.
async fn backlog(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    until: Instant,
) -> Option<io::Result<Accepted>> {
    const NOBODY: Duration = Duration::from_millis(5);
    let has_time = Instant::now() < until;
    let next = tokio::time::timeout(NOBODY, accept(listener, places));
    if has_time { next.await.ok() } else { None }
}

/// Leaves connections open for a moment in which what is on its way to them arrives.
async fn linger(connections: &GracefulShutdown) {
    const LOOK: Duration = Duration::from_millis(5);
    let began = Instant::now();
    while connections.count() > 0 && began.elapsed() < LINGER {
        tokio::time::sleep(LOOK).await;
    }
}

type Accepted = (OwnedSemaphorePermit, std::net::TcpStream, SocketAddr);

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((place, stream.into_std()?, address))
}

fn connection(
    stream: TcpStream,
    peer: Peer,
    (router, is_closing): (Router, Arc<AtomicBool>),
    limits: &Limits,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send + 'static {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.stall));
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.map(Body::new)
    });
    let service = service.map_response(move |mut response: Response| {
        if is_closing.load(Ordering::Relaxed) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    });
    let service = TowerToHyperService::new(service);
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
