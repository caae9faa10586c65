//! Answers that are read while they come.

use std::io::Write as _;

use astralform_domain::Secret;
use flate2::{Compression, write::GzEncoder};
use http::header;
use http_body_util::BodyExt as _;
use tokio::net::TcpStream;

use super::*;
use crate::{AnswerBody, StreamAllowance, StreamedAnswer};

mod failures;
mod secrets;

const ROOMY: StreamAllowance = StreamAllowance {
    reach: Reach::Network,
    head_within: Duration::from_secs(20),
    silence: Duration::from_secs(20),
    at_most: 100_000,
};
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A provider that says what its test has it say.
struct Scripted {
    egress: Egress,
    listener: TcpListener,
}

impl Scripted {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { egress: Egress::new(loopback(), None), listener }
    }

    fn request(&self) -> Outgoing {
        get(&format!("http://{}/", self.listener.local_addr().unwrap()))
    }

    async fn accept(&self) -> TcpStream {
        self.listener.accept().await.unwrap().0
    }

    /// Opens the answer to a request on a new connection, which begins with `beginning`.
    async fn open(
        &self,
        request: Outgoing,
        allowance: StreamAllowance,
        beginning: &str,
    ) -> (Result<StreamedAnswer, EgressError>, TcpStream) {
        tokio::join!(self.egress.open(request, allowance), async {
            let mut stream = self.accept().await;
            answer(&mut stream, beginning).await;
            stream
        })
    }

    /// Opens the body of an answer that is allowed as much as it needs.
    async fn body(&self, beginning: &str) -> (AnswerBody, TcpStream) {
        let (answer, stream) = self.open(self.request(), ROOMY, beginning).await;
        (answer.unwrap().body, stream)
    }

    /// Returns whether the next request comes over a connection that is open already.
    async fn is_reused(&self, stream: &mut TcpStream) -> bool {
        let again = self.egress.send(self.request(), PLENTY);
        tokio::select! {
            answer = again => answer.is_ok(),
            () = async {
                if stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
                    write(stream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
                }
                std::future::pending::<()>().await;
            } => false,
            _ = self.accept() => false,
        }
    }
}

/// Reads a request and begins its answer.
async fn answer(stream: &mut TcpStream, beginning: &str) {
    assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
    write(stream, beginning).await;
}

async fn write(stream: &mut TcpStream, part: &str) {
    stream.write_all(part.as_bytes()).await.unwrap();
}

/// Writes a part of a body that comes in chunks (RFC 9112 §7.1).
async fn write_chunk(stream: &mut TcpStream, part: &[u8]) {
    let chunk = [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
    stream.write_all(&chunk).await.unwrap();
}

async fn next(body: &mut AnswerBody) -> Option<Result<Bytes, EgressError>> {
    Some(body.frame().await?.map(|frame| frame.into_data().unwrap()))
}

async fn rest(mut body: AnswerBody) -> Result<String, EgressError> {
    let mut all = Vec::new();
    while let Some(part) = next(&mut body).await {
        all.extend_from_slice(&part?);
    }
    Ok(String::from_utf8(all).unwrap())
}

#[tokio::test]
async fn a_body_in_many_chunks_arrives_as_it_is_sent_and_before_its_end() {
    let provider = Scripted::new().await;
    let (mut body, mut stream) = provider.body(CHUNKED).await;
    for number in 0..100 {
        let part = format!("data: {number}\n\n");
        write_chunk(&mut stream, part.as_bytes()).await;
        assert_eq!(next(&mut body).await.unwrap().unwrap(), part);
    }
    write_chunk(&mut stream, b"").await;
    assert!(next(&mut body).await.is_none());
    assert!(next(&mut body).await.is_none(), "and nothing after it");
}

#[tokio::test]
async fn an_event_does_not_wait_for_the_next_one_whatever_secrets_there_are() {
    let provider = Scripted::new().await;
    let request = Outgoing { secrets: secrets::of("xoxp-0123456789"), ..provider.request() };
    let (answer, mut stream) = provider.open(request, ROOMY, CHUNKED).await;
    let mut body = answer.unwrap().body;
    for part in ["{\"a\": \"x\"}\n\n", "data: x\n\n", "data: xox", "data: \\", "data: %7"] {
        write_chunk(&mut stream, part.as_bytes()).await;
        assert_eq!(next(&mut body).await.unwrap().unwrap(), part);
    }
}

#[tokio::test]
async fn a_connection_waits_for_the_next_request_only_when_its_body_was_read_whole() {
    let provider = Scripted::new().await;
    let (body, mut stream) = provider.body("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    assert_eq!(rest(body).await.unwrap(), "ok");
    assert!(provider.is_reused(&mut stream).await);

    let provider = Scripted::new().await;
    let (mut body, mut stream) = provider.body(CHUNKED).await;
    write_chunk(&mut stream, b"half").await;
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "half");
    drop(body);
    let read = stream.read(&mut [0; 1]).await;
    assert!(read.is_err() || read.is_ok_and(|read| read == 0), "it is closed at once");
    assert!(!provider.is_reused(&mut stream).await);
}

#[tokio::test]
async fn headers_of_the_connection_are_not_handed_on() {
    let provider = Scripted::new().await;
    let head = "HTTP/1.1 206 Partial Content\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\
                Keep-Alive: timeout=5\r\nUpgrade: h2c\r\nProxy-Authenticate: Basic\r\n\
                Content-Length: 2\r\nContent-Encoding: identity\r\nContent-Range: bytes 0-1/9\r\n\
                Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nX-Other: 1\r\n\r\nok";
    let (answer, _stream) = provider.open(provider.request(), ROOMY, head).await;
    let answer = answer.unwrap();
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
    let mut names: Vec<&str> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-range", "set-cookie", "set-cookie", "x-other"]);
    assert_eq!(rest(answer.body).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_packed_body_is_unpacked_while_it_comes() {
    let provider = Scripted::new().await;
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n";
    let (answer, mut stream) = provider.open(provider.request(), ROOMY, head).await;
    let StreamedAnswer { headers, mut body, .. } = answer.unwrap();
    assert!(!headers.contains_key(header::CONTENT_ENCODING));
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    for number in 0..20 {
        let part = format!("data: {number}\n\n");
        packer.write_all(part.as_bytes()).unwrap();
        packer.flush().unwrap();
        let chunk = std::mem::take(packer.get_mut());
        write_chunk(&mut stream, &chunk).await;
        assert_eq!(next(&mut body).await.unwrap().unwrap(), part);
    }
    write_chunk(&mut stream, &packer.finish().unwrap()).await;
    write_chunk(&mut stream, b"").await;
    assert!(next(&mut body).await.is_none());
    assert!(provider.is_reused(&mut stream).await);
}

#[tokio::test]
async fn s1_where_a_request_may_go_holds_for_streams_too() {
    let provider = Scripted::new().await;
    let address = provider.listener.local_addr().unwrap();
    let strict = Egress::new(Networks::default(), None);
    for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "169.254.169.254"] {
        let request = get(&format!("http://{host}:{}/", address.port()));
        let refused = strict.open(request, ROOMY).await.unwrap_err();
        assert!(matches!(refused, EgressError::Forbidden(_)), "{host}: {refused:?}");
    }
    let sandboxed = StreamAllowance { reach: Reach::Simulator, ..ROOMY };
    let refused = provider.egress.open(provider.request(), sandboxed).await.unwrap_err();
    assert!(matches!(refused, EgressError::Forbidden(_)), "{refused:?}");
}
