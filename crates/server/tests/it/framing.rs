//! Requests that can be understood in two ways. F25.

use astralform_testkit::TestServer;

use crate::raw::{Line, address, answer};

fn assert_refused(answer: &str, code: &str) {
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{answer}");
    assert!(answer.contains("\r\ncontent-type: application/problem+json\r\n"), "{answer}");
}

#[tokio::test]
async fn p2_a_header_that_says_who_asks_is_sent_once() {
    let server = TestServer::start().await;
    for name in ["Authorization", "X-End-User-ID", "X-Agent-ID", "Idempotency-Key", "Host"] {
        let twice = format!("{name}: a\r\n{}: a\r\n", name.to_lowercase());
        let host = if name == "Host" { "" } else { "Host: localhost\r\n" };
        let head = format!("GET /v1/tools HTTP/1.1\r\n{host}{twice}\r\n");
        let answer = answer(address(&server), &head).await;
        assert_refused(&answer, "duplicate_header");
        assert!(
            answer.contains(&format!("the header {name} was sent more than once: send one")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn p2_a_request_names_its_host() {
    let server = TestServer::start().await;
    assert_refused(
        &answer(address(&server), "GET /healthz HTTP/1.1\r\n\r\n").await,
        "host_required",
    );
    let old = answer(address(&server), "GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200 "), "{old}");
}

#[tokio::test]
async fn p2_a_body_whose_end_is_said_twice_is_refused_and_its_connection_closed() {
    const SMUGGLED: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let server = TestServer::start().await;
    let length = "Content-Length: 5\r\n";
    let encoding = "Transfer-Encoding: chunked\r\n";
    for framing in [
        format!("{length}{encoding}"),
        format!("{encoding}{length}"),
        format!("{length}{length}"),
        "content-LENGTH: 5\r\nX: y\r\nTransfer-encoding: chunked\r\n".to_owned(),
        format!("{encoding}{encoding}"),
    ] {
        for path in ["/v1/tools/slack_list_channels/call", "/connect/x", "/healthz"] {
            let mut line = Line::open(address(&server)).await;
            line.send(&format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n0\r\n\r\n{SMUGGLED}"
            ))
            .await;
            let answer = line.answer().await;
            // hyper itself refuses an encoding that is said twice, without a body.
            if framing != format!("{encoding}{encoding}") {
                assert_refused(&answer, "ambiguous_length");
            }
            assert!(answer.starts_with("HTTP/1.1 400 "), "{framing}: {answer}");
            assert!(!answer.contains("ok\n"), "{answer}");
            assert!(line.closes().await, "{framing}");
        }
    }
}

#[tokio::test]
async fn p2_chunked_bodies_are_taken_one_request_after_another() {
    let server = TestServer::start().await;
    let mut line = Line::open(address(&server)).await;
    for _ in 0..3 {
        let head =
            "POST /v1/tools HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
        line.send(&format!("{head}2\r\n{{}}\r\n0\r\n\r\n")).await;
        let answer = line.answer().await;
        assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    }
}
