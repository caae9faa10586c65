use std::time::Instant;

use axum::{
    http::StatusCode,
    routing::{get, post},
};
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
    sync::{Semaphore, oneshot},
    task::JoinHandle,
};

use super::*;
use crate::Rate;

/// What a test waits at most for something that should happen at once, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(15);
/// A limit that is reached within a test.
const SHORT: Duration = Duration::from_millis(300);
/// A limit that is not.
const LONG: Duration = Duration::from_mins(10);

/// Reads to the end: nothing is cut off within a test.
fn generous() -> Limits {
    let connections = CONNECTIONS;
    let per_peer = CONNECTIONS;
    Limits { connections, per_peer, head: LONG, stall: LONG, drain: LONG, ..Limits::default() }
}

const CONNECTIONS: usize = 64;

/// More than the socket buffers of both sides hold.
const LARGE: usize = 64 * 1024 * 1024;

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
    /// A permit of the first appears when `/held` or `/finished` was called; one of the second lets
    /// it go on, and one of the third appears when `/finished` has gone on to its end.
    entered: Arc<Semaphore>,
    release: Arc<Semaphore>,
    finished: Arc<Semaphore>,
}

async fn server(limits: Limits) -> Server {
    let entered = Arc::new(Semaphore::new(0));
    let release = Arc::new(Semaphore::new(0));
    let held = {
        let entered = Arc::clone(&entered);
        let release = Arc::clone(&release);
        async move || {
            entered.add_permits(1);
            release.acquire().await.unwrap().forget();
            "held"
        }
    };
    let finished = Arc::new(Semaphore::new(0));
    let run_detached = {
        let held = held.clone();
        let finished = Arc::clone(&finished);
        async move || {
            crate::detach(async move {
                held().await;
                finished.add_permits(1);
            })
            .await;
        }
    };
    let thread = async || format!("{:?}", std::thread::current().id());
    let router = Router::new()
        .route("/", get(async || "ok"))
        .route("/thread", get(thread))
        .route("/finished", get(run_detached))
        .route("/held", get(held))
        .route("/refused", post(async || StatusCode::PAYLOAD_TOO_LARGE))
        .route("/large", get(async || Bytes::from(vec![0; LARGE])));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let done = tokio::spawn(serve(listener, router, limits, async {
        let _ = stopped.await;
    }));
    Server { address, stop, done, entered, release, finished }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpSocket::new_v4().unwrap().connect(self.address).await.unwrap()
    }

    /// Returns a connection on which so much has been sent.
    async fn sent(&self, bytes: impl AsRef<[u8]>) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        stream
    }

    /// Returns a connection on which a request was answered, and which is kept alive.
    async fn kept_alive(&self) -> TcpStream {
        let mut stream = self.sent("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nok") {
            let read = within(stream.read_buf(&mut answer)).await.unwrap();
            assert_ne!(read, 0, "{:?}", String::from_utf8_lossy(&answer));
        }
        stream
    }

    /// Returns a connection with a request that is being served.
    async fn held(&self) -> TcpStream {
        let stream = self.sent("GET /held HTTP/1.1\r\nHost: a\r\n\r\n").await;
        within(self.entered.acquire()).await.unwrap().forget();
        stream
    }

    /// Returns the answer to a request of its own connection.
    async fn get(&self, path: &str) -> String {
        let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        rest_of(self.sent(head).await).await
    }

    async fn stopped(self) {
        let _ = self.stop.send(());
        within(self.done).await.unwrap();
    }
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("this should have happened long ago")
}

/// Returns whether what comes on a connection comes to such an end.
async fn ends_with(mut stream: TcpStream, end: &str) -> bool {
    let mut answer = Vec::new();
    while !answer.ends_with(end.as_bytes()) {
        if within(stream.read_buf(&mut answer)).await.unwrap_or_default() == 0 {
            return false;
        }
    }
    true
}

/// Returns everything until the server closes, which it must.
async fn rest_of(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset closes as well as an end does.
    let _ = within(stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Checks that a connection with nothing but `sent` on it is closed when the head's time is over.
async fn assert_cut_off(sent: &str) {
    let server = server(Limits { head: SHORT, ..generous() }).await;
    let before = Instant::now();
    let answer = rest_of(server.sent(sent).await).await;
    assert!(!answer.contains("200 OK"), "{sent:?}: {answer}");
    assert!(before.elapsed() >= SHORT, "{sent:?} was cut off after {:?}", before.elapsed());
}

#[tokio::test]
async fn a_request_is_answered_and_its_connection_kept() {
    let server = server(generous()).await;
    let mut stream = server.kept_alive().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let answer = rest_of(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok"), "{answer}");
}

#[tokio::test]
async fn a_refusal_before_the_body_is_read_reaches_whoever_is_still_sending() {
    let server = server(generous()).await;
    let body = vec![b'x'; 1024 * 1024];
    let head =
        format!("POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut stream = server.sent(head).await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        assert_ne!(within(stream.read_buf(&mut answer)).await.unwrap(), 0);
    }
    assert!(answer.starts_with(b"HTTP/1.1 413"));
    let said = String::from_utf8_lossy(&answer).to_lowercase();
    assert!(said.contains("connection: close"), "{said}");
    for part in body.chunks(64 * 1024) {
        within(stream.write_all(part)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(within(stream.read(&mut [0; 1])).await.unwrap(), 0);
}

#[tokio::test]
async fn a_connection_goes_on_after_a_short_body_that_was_not_read() {
    let server = server(generous()).await;
    let request = "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";
    let mut stream = server.sent(request).await;
    for _ in 0..2 {
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            assert_ne!(within(stream.read_buf(&mut answer)).await.unwrap(), 0);
        }
        assert!(!String::from_utf8_lossy(&answer).to_lowercase().contains("connection: close"));
        stream.write_all(request.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn x2_whoever_goes_on_sending_after_a_refusal_is_cut_off() {
    let server = server(generous()).await;
    let head = "POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    let mut stream = server.sent(head).await;
    let began = Instant::now();
    while stream.write_all(b"x").await.is_ok() {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn connections_are_spread_over_a_thread_for_each_core() {
    let server = server(generous()).await;
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut threads = std::collections::BTreeSet::new();
    for _ in 0..3 * cores {
        let answer = server.get("/thread").await;
        threads.insert(answer.rsplit_once("\r\n").unwrap().1.to_owned());
    }
    assert_eq!(threads.len(), cores, "{threads:?}");
}

/// The threads that serve end with the server; what must not stop half way is not on them.
#[tokio::test]
async fn detached_work_outlives_its_connection_and_the_server() {
    let server = server(generous()).await;
    let stream = server.sent("GET /finished HTTP/1.1\r\nHost: a\r\n\r\n").await;
    within(server.entered.acquire()).await.unwrap().forget();
    drop(stream);
    let release = Arc::clone(&server.release);
    let finished = Arc::clone(&server.finished);
    server.stopped().await;
    release.add_permits(1);
    within(finished.acquire()).await.unwrap().forget();
}

#[tokio::test]
async fn x2_half_a_head_is_cut_off() {
    for half in ["G", "GET / HTTP/1.1", "GET / HTTP/1.1\r\nHost: a\r\n", "PRI * HTTP/"] {
        assert_cut_off(half).await;
    }
}

#[tokio::test]
async fn x2_a_silent_connection_is_cut_off() {
    assert_cut_off("").await;
}

#[tokio::test]
async fn x2_an_idle_connection_is_cut_off() {
    let server = server(Limits { head: SHORT, ..generous() }).await;
    let stream = server.kept_alive().await;
    assert_eq!(rest_of(stream).await, "");
}

#[tokio::test]
async fn x2_one_byte_at_a_time_is_cut_off() {
    let server = server(Limits { head: SHORT, ..generous() }).await;
    let before = Instant::now();
    let mut stream = server.sent("GET / HTTP/1.1\r\nX-Endless: ").await;
    let mut nothing = [0; 1];
    let closed = async {
        loop {
            let sent = stream.write_all(b"x").await;
            let pause = Duration::from_millis(20);
            let read = tokio::time::timeout(pause, stream.read(&mut nothing)).await;
            if sent.is_err() || read.is_ok() {
                break;
            }
        }
    };
    within(closed).await;
    assert!(before.elapsed() >= SHORT);
}

/// The one place of the server is free again once the reader that stalls was cut off.
#[tokio::test]
async fn x2_an_answer_that_is_not_read_is_cut_off() {
    let server = server(Limits { connections: 1, stall: SHORT, ..generous() }).await;
    let before = Instant::now();
    let mut stalled = server.sent("GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
    within(stalled.read_exact(&mut [0; 100])).await.unwrap();
    assert!(server.get("/").await.ends_with("ok"));
    assert!(before.elapsed() >= SHORT);
    let left = rest_of(stalled).await.len();
    assert!(left < LARGE, "the answer broke off");
}

#[tokio::test]
async fn x2_an_answer_that_is_read_slowly_is_not_cut_off() {
    let server = server(Limits { stall: SHORT, ..generous() }).await;
    let mut stream =
        server.sent("GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let before = Instant::now();
    let mut buffer = vec![0; 2 * 1024 * 1024];
    let mut length = 0;
    let read = async {
        loop {
            let read = stream.read(&mut buffer).await.unwrap();
            if read == 0 {
                break;
            }
            length += read;
            // Slow for longer than a stall may be, yet never stalled.
            if before.elapsed() < 3 * SHORT {
                tokio::time::sleep(SHORT / 30).await;
            }
        }
    };
    within(read).await;
    assert!(length > LARGE, "{length}");
}

#[tokio::test]
async fn x1_connections_beyond_the_limit_of_a_peer_are_closed() {
    let server = server(Limits { per_peer: 2, ..generous() }).await;
    let _one = server.held().await;
    let two = server.held().await;
    for _ in 0..3 {
        assert_eq!(rest_of(server.connect().await).await, "", "a third one");
    }
    drop(two);
    let seated_again = async {
        while !server.get("/").await.ends_with("ok") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within(seated_again).await;
}

#[tokio::test]
async fn x1_connections_beyond_the_limit_wait_for_a_place() {
    let server = server(Limits { connections: 2, ..generous() }).await;
    let one = server.held().await;
    let _two = server.held().await;
    let mut waiting = server.sent("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let early = tokio::time::timeout(SHORT, waiting.read_u8()).await;
    assert!(early.is_err(), "there is no place yet");
    drop(one);
    assert_eq!(within(waiting.read_u8()).await.unwrap(), b'H');
}

/// F5: seats that nobody uses stop nobody.
#[tokio::test]
async fn x1_the_longest_idle_connection_makes_way() {
    let server = server(Limits { connections: 3, ..generous() }).await;
    let oldest = server.kept_alive().await;
    let held = server.held().await;
    let mut younger = server.kept_alive().await;
    let _new = server.kept_alive().await;
    assert_eq!(rest_of(oldest).await, "");
    younger.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(rest_of(younger).await.ends_with("ok"), "only one made way");
    for _ in 0..20 {
        let _silent = server.connect().await;
        let _half = server.sent("GET / HTTP/1.1\r\n").await;
        assert!(server.get("/").await.ends_with("ok"));
    }
    server.release.add_permits(1);
    assert!(ends_with(held, "held").await, "a request that is served never makes way");
}

#[tokio::test]
async fn x1_of_a_peer_with_all_its_seats_the_longest_idle_makes_way() {
    let server = server(Limits { per_peer: 2, ..generous() }).await;
    let mut oldest = server.kept_alive().await;
    let makes_way = async {
        // The oldest may not be known to be idle yet when the first of these asks for its seat.
        while tokio::time::timeout(SHORT / 10, oldest.read_u8()).await.is_err() {
            let _younger = server.connect().await;
            assert!(server.get("/").await.ends_with("ok"));
        }
    };
    within(makes_way).await;
}

#[tokio::test]
async fn x1_a_peer_that_opens_too_many_connections_in_a_time_is_turned_away() {
    let arrivals = Some(Rate::new(1, 5));
    let server = server(Limits { arrivals, ..generous() }).await;
    let mut answered = 0;
    for _ in 0..15 {
        answered += usize::from(server.get("/").await.ends_with("ok"));
    }
    assert!((5..15).contains(&answered), "{answered}");
}

#[tokio::test]
async fn x1_waiting_for_a_place_still_hears_the_stop() {
    let server = server(Limits { connections: 1, drain: SHORT, ..generous() }).await;
    let _occupied = server.held().await;
    let waiting = server.sent("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    server.stopped().await;
    assert_eq!(rest_of(waiting).await, "");
}

#[tokio::test]
async fn x1_a_head_that_is_too_large_is_refused() {
    let server = server(generous()).await;
    let request =
        |headers: &str| format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
    let header = |length: usize| format!("X-Long: {}\r\n", "x".repeat(length));
    let headers = |count: usize| "X: y\r\n".repeat(count);
    for good in [header(60 * 1024), headers(MOST_HEADERS - 2)] {
        let answer = rest_of(server.sent(request(&good)).await).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    let many = rest_of(server.sent(request(&headers(MOST_HEADERS - 1))).await).await;
    assert!(many.starts_with("HTTP/1.1 431 "), "{many}");
    assert_refused_as_too_large(&server, &request(&header(4 * LONGEST_HEAD))).await;
}

/// Expects a refusal, or a reset: once the server reads no more, its close may be a reset and its
/// answer be lost.
async fn assert_refused_as_too_large(server: &Server, request: &str) {
    let mut stream = server.connect().await;
    let _ = within(stream.write_all(request.as_bytes())).await;
    let answer = rest_of(stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn x1_a_head_that_is_too_large_is_refused_however_it_arrives() {
    let server = server(generous()).await;
    let long = "x".repeat(LONGEST_HEAD);
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: {long}\r\n\r\n");
    for _ in 0..20 {
        assert_refused_as_too_large(&server, &request).await;
    }
}

#[tokio::test]
async fn x2_slow_connections_do_not_starve_others() {
    let server = server(generous()).await;
    let mut slow = Vec::new();
    for at in 0..generous().connections - 1 {
        let half = ["", "G", "GET / HTTP/1.1\r\n"][at % 3];
        slow.push(server.sent(half).await);
    }
    for _ in 0..20 {
        assert!(server.get("/").await.ends_with("ok"));
    }
}

#[tokio::test]
async fn x2_slow_connections_give_their_places_back() {
    let server = server(Limits { connections: 8, head: SHORT, ..generous() }).await;
    let mut slow = Vec::new();
    for at in 0..20 {
        slow.push(server.sent(["", "PRI * HTTP/2.0\r\n", "GET "][at % 3]).await);
    }
    assert!(server.get("/").await.ends_with("ok"), "in its turn");
}

#[tokio::test]
async fn an_http_2_preface_is_refused() {
    let server = server(generous()).await;
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    let stream = server.sent([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat()).await;
    let answer = rest_of(stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer:?}");
}

#[tokio::test]
async fn on_stop_a_request_under_way_is_finished() {
    let server = server(generous()).await;
    let mut stream = server.sent("GET /held HTTP/1.1\r\nHost: a\r\n\r\n").await;
    within(server.entered.acquire()).await.unwrap().forget();
    let Server { address, stop, done, release, .. } = server;
    stop.send(()).unwrap();
    let refused = async {
        while TcpSocket::new_v4().unwrap().connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within(refused).await;
    let early = tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await;
    assert!(early.is_err(), "it is under way");
    assert!(!done.is_finished());
    release.add_permits(1);
    let answer = rest_of(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("held"), "{answer}");
    within(done).await.unwrap();
}

#[tokio::test]
async fn on_stop_idle_connections_are_closed_soon() {
    let server = server(generous()).await;
    let idle = server.kept_alive().await;
    server.stopped().await;
    assert_eq!(rest_of(idle).await, "");
}

#[tokio::test]
async fn b7_on_stop_a_request_on_its_way_is_answered_and_its_connection_then_closed() {
    let server = server(generous()).await;
    let idle = server.kept_alive().await;
    let fresh = server.connect().await;
    let Server { stop, done, .. } = server;
    stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    for mut stream in [idle, fresh] {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let answer = rest_of(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
    within(done).await.unwrap();
}

#[tokio::test]
async fn on_stop_connections_without_a_whole_request_are_not_waited_for() {
    for begun in ["", "GET / HTTP/1.1\r\n"] {
        let server = server(Limits { drain: SHORT, ..generous() }).await;
        let _answered_after_it = (server.sent(begun).await, server.get("/").await);
        server.stopped().await;
    }
}

#[tokio::test]
async fn on_stop_a_request_that_does_not_end_is_waited_for_no_longer_than_the_drain() {
    let server = server(Limits { drain: SHORT, ..generous() }).await;
    let _held = server.sent("GET /held HTTP/1.1\r\nHost: a\r\n\r\n").await;
    within(server.entered.acquire()).await.unwrap().forget();
    let before = Instant::now();
    server.stopped().await;
    assert!(before.elapsed() >= SHORT);
}
