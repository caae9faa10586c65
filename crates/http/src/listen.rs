//! Our own accept loop: axum's has no time-outs and no limits.
//!
//! HTTP/1.1 only. Every connection holds one of a bounded number of seats, and so many of them per
//! peer (`seats`): the one that has been idle for the longest time makes way for a new one. A head
//! that does not arrive, an answer that is not read and an idle connection are cut off. On
//! shutdown, requests under way are finished. Each core has a thread that serves (`workers`).

mod framing;
mod limits;
mod link;
mod parting;
mod seats;
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
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt as _;

pub use framing::Framing;
pub use limits::Limits;
use link::Watched;
pub use link::{Link, Yielding};
use parting::Arriving;
use seats::{ConnectionSeat, Seats};
use workers::Workers;
pub(crate) use workers::home;

/// Who a request comes from, and the connection that it came on.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The address that is connected.
    pub address: SocketAddr,
    /// Its connection.
    pub link: Arc<Link>,
}

/// How long connections stay open after shutdown was asked for: a request may be on its way on
/// each, and would be lost with it. Those that are answered meanwhile are told that it was the last
/// one.
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

/// Serves, and then waits for `after` while what was opened on its threads, such as connections to
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
    let serving = Serving {
        router,
        seats: Seats::new(limits.clone()),
        workers: Workers::start().expect("the system gives a thread for each core"),
        connections: GracefulShutdown::new(),
        is_closing: Arc::new(AtomicBool::new(false)),
        limits,
    };
    serving.accept_until(listener, stop).await;
    let Serving { connections, workers, limits, .. } = serving;
    linger(&connections).await;
    if tokio::time::timeout(limits.drain, connections.shutdown()).await.is_err() {
        tracing::warn!("requests were cut off at shutdown");
    }
    after.await;
    drop(workers);
}

/// What connections are served with.
struct Serving {
    router: Router,
    limits: Limits,
    seats: Seats,
    workers: Workers,
    connections: GracefulShutdown,
    is_closing: Arc<AtomicBool>,
}

impl Serving {
    /// Serves connections until `stop` is done, and those that the system has accepted by then.
    async fn accept_until(&self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut until = None;
        loop {
            let accepted = if let Some(until) = until {
                let Some(left) = backlog(&listener, &self.seats, until).await else { return };
                left
            } else {
                tokio::select! {
                    accepted = accept(&listener, &self.seats) => accepted,
                    () = &mut stop => {
                        self.is_closing.store(true, Ordering::Relaxed);
                        until = Some(Instant::now() + LINGER);
                        continue;
                    }
                }
            };
            match accepted {
                Ok(Some(accepted)) => self.serve(accepted),
                Ok(None) => {}
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "no connection could be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn serve(&self, SeatedConnection { seat, stream, address }: SeatedConnection) {
        let name = seat.name();
        let peer = Peer { address, link: Arc::clone(&seat.link) };
        let served = (self.router.clone(), Arc::clone(&self.is_closing));
        let limits = self.limits.clone();
        let watcher = self.connections.watcher();
        let task = self.workers.spawn(async move {
            if let Err(error) = converse(stream, peer, served, limits, watcher).await {
                tracing::debug!(error, "connection ended");
            }
            drop(seat);
        });
        self.seats.serves(name, task);
    }
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

/// Returns whether only the connection that was to be accepted is broken.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

/// Returns the next connection that the system accepted before shutdown was asked for, unless it is
/// turned away; `None` once none is left.
async fn backlog(
    listener: &TcpListener,
    seats: &Seats,
    until: Instant,
) -> Option<io::Result<Option<SeatedConnection>>> {
    const NOBODY: Duration = Duration::from_millis(5);
    let has_time = Instant::now() < until;
    let next = tokio::time::timeout(NOBODY, accept(listener, seats));
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

/// A connection that has a seat.
struct SeatedConnection {
    seat: ConnectionSeat,
    stream: std::net::TcpStream,
    address: SocketAddr,
}

/// Accepts the next connection, and closes it where its peer may have no more.
async fn accept(listener: &TcpListener, seats: &Seats) -> io::Result<Option<SeatedConnection>> {
    let (stream, address) = listener.accept().await?;
    let Some(seat) = seats.take(address.ip()).await else {
        // Nothing is left of it, not even a socket that waits for its last packets.
        let _ = stream.set_zero_linger();
        return Ok(None);
    };
    let _ = stream.set_nodelay(true);
    Ok(Some(SeatedConnection { seat, stream: stream.into_std()?, address }))
}

fn connection(
    stream: TcpStream,
    peer: Peer,
    (router, is_closing): (Router, Arc<AtomicBool>),
    limits: &Limits,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send + 'static {
    let link = Arc::clone(&peer.link);
    let mut stream = TimeoutStream::new(Watched::new(stream, Arc::clone(&link)));
    stream.set_write_timeout(Some(limits.stall));
    let service = router.map_request(move |mut request: Request<Incoming>| {
        peer.link.begin();
        request.extensions_mut().insert(peer.clone());
        let link = Arc::clone(&peer.link);
        request.map(|body| Body::new(Arriving::new(body, link)))
    });
    let service = service.map_response(move |mut response: Response| {
        link.end();
        // Whoever is not told sends the next request on a connection that is about to end.
        if is_closing.load(Ordering::Relaxed) || link.ends_unread() {
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
