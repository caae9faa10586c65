use std::{net::SocketAddr, time::Duration};

use astralform_domain::limits;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use url::Url;

use crate::{
    Allowance, Answer, Egress, EgressError, Networks, Outgoing, Reach, Secrets,
    dial::{Dialer, Names},
    trust::{ExtraRoots, Trust},
};

mod heads;
mod interim;
mod rebinding;
mod streams;
mod trust;

const PLENTY: Allowance =
    Allowance { reach: Reach::Network, within: Duration::from_secs(20), at_most: 1_000 };

fn get(url: &str) -> Outgoing {
    Outgoing {
        secrets: Secrets::none(),
        method: Method::GET,
        url: Url::parse(url).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

fn loopback() -> Networks {
    ["127.0.0.0/8".parse().unwrap()].into_iter().collect()
}

/// Returns a server that answers every connection with `answer` and counts them.
async fn server(answer: &'static [u8]) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, connections) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = seen.send(());
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer).await;
            });
        }
    });
    (address, connections)
}

/// Returns a server that closes each connection after so many answers, and counts the connections.
async fn closing_after(answers: usize) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, connections) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = seen.send(());
            tokio::spawn(async move {
                let mut left = answers;
                while left > 0 && stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
                    let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                    let _ = stream.write_all(ok).await;
                    left -= 1;
                }
            });
        }
    });
    (address, connections)
}

#[tokio::test]
async fn a_connection_is_used_for_one_request_after_another() {
    let (address, mut connections) = closing_after(usize::MAX).await;
    let egress = Egress::new(loopback(), None);
    for _ in 0..5 {
        assert_eq!(
            egress.send(get(&format!("http://{address}/")), PLENTY).await.unwrap().body,
            "ok"
        );
    }
    assert!(connections.try_recv().is_ok());
    assert!(connections.try_recv().is_err(), "one is enough");
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_meanwhile_is_replaced() {
    let (address, mut connections) = closing_after(1).await;
    let egress = Egress::new(loopback(), None);
    for _ in 0..3 {
        assert_eq!(
            egress.send(get(&format!("http://{address}/")), PLENTY).await.unwrap().body,
            "ok"
        );
        assert!(connections.try_recv().is_ok(), "each on a connection of its own");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn requests_at_the_same_time_have_a_connection_each() {
    let (address, mut connections) = closing_after(usize::MAX).await;
    let egress = Egress::new(loopback(), None);
    let url = format!("http://{address}/");
    let (one, two) = tokio::join!(egress.send(get(&url), PLENTY), egress.send(get(&url), PLENTY));
    assert!(one.is_ok() && two.is_ok());
    assert!(connections.try_recv().is_ok() && connections.try_recv().is_ok());
}

#[tokio::test]
async fn what_is_sent_names_its_host_and_its_path_and_no_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let read = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    });
    let egress = Egress::new(loopback(), None);
    let url = format!("http://someone:secret@{address}/a%20b?c=d%26&e#f");
    assert_eq!(egress.send(get(&url), PLENTY).await.unwrap().status, StatusCode::NO_CONTENT);
    let expected = format!(
        "GET /a%20b?c=d%26&e HTTP/1.1\r\nhost: {address}\r\naccept-encoding: identity\r\n\r\n"
    );
    assert_eq!(read.await.unwrap(), expected);
}

#[tokio::test]
async fn s1_no_spelling_of_a_private_address_is_connected_to() {
    let (address, mut connections) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let port = address.port();
    let egress = Egress::new(Networks::default(), None);
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "017700000001",
        "127.1",
        "0",
        "0.0.0.0",
        "127.0.0.1.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[0:0:0:0:0:0:0:1]",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "169.254.169.254",
        "10.0.0.1",
        "[64:ff9b::7f00:1]",
        "[fe80::1]",
        "[fd00:ec2::254]",
    ] {
        for scheme in ["http", "https"] {
            let Ok(url) = Url::parse(&format!("{scheme}://{host}:{port}/")) else {
                continue;
            };
            let request = Outgoing { url, ..get("http://unused.invalid") };
            let refused = egress.send(request, PLENTY).await.unwrap_err();
            let unresolved =
                host.starts_with("localhost.") && matches!(refused, EgressError::Unreachable(_));
            assert!(
                unresolved || matches!(refused, EgressError::Forbidden(_)),
                "{scheme} {host}: {refused:?}"
            );
        }
    }
    assert!(connections.try_recv().is_err(), "nothing may have been connected");
}

#[tokio::test]
async fn s1_plain_http_goes_to_named_private_networks_only() {
    let egress = Egress::new(loopback(), None);
    let refused = egress.send(get("http://93.184.215.14/"), PLENTY).await.unwrap_err();
    assert!(matches!(refused, EgressError::Forbidden(_)));
    let (address, _connections) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let answer = egress.send(get(&format!("http://{address}/")), PLENTY).await.unwrap();
    assert_eq!(&answer.body[..], b"ok");
}

#[tokio::test]
async fn the_simulator_is_reached_by_those_sent_there_and_they_reach_nothing_else() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let ((simulator, _one), (other, _two)) = (server(answer).await, server(answer).await);
    let egress = Egress::new(loopback(), Some(simulator));
    let sandboxed = Allowance { reach: Reach::Simulator, ..PLENTY };
    let (there, elsewhere) = (format!("http://{simulator}/"), format!("http://{other}/"));
    assert!(egress.send(get(&there), sandboxed).await.is_ok());
    for (url, allowance) in [(&there, PLENTY), (&elsewhere, sandboxed)] {
        let refused = egress.send(get(url), allowance).await.unwrap_err();
        assert!(matches!(refused, EgressError::Forbidden(_)), "{url}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let (address, _connections) = server(moved).await;
    let egress = Egress::new(loopback(), None);
    let answer = egress.send(get(&format!("http://{address}/")), PLENTY).await.unwrap();
    assert_eq!(answer.status, StatusCode::FOUND);
}

#[tokio::test]
async fn each_failure_says_whether_the_request_may_have_arrived() {
    let egress = Egress::new(loopback(), None);
    let send = async |address: SocketAddr, allowance| {
        egress.send(get(&format!("http://{address}/")), allowance).await.unwrap_err()
    };
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert!(matches!(send(closed, PLENTY).await, EgressError::Unreachable(_)));

    let (dropping, _one) = server(b"").await;
    assert!(matches!(send(dropping, PLENTY).await, EgressError::NoAnswer(_)));

    let (cut, _two) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort").await;
    assert!(matches!(send(cut, PLENTY).await, EgressError::NoAnswer(_)));

    let (large, _three) =
        server(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n01234567890123456789").await;
    let little = Allowance { at_most: 19, ..PLENTY };
    assert!(matches!(send(large, little).await, EgressError::TooLarge));

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hurried = Allowance { within: Duration::from_millis(200), ..PLENTY };
    let address = silent.local_addr().unwrap();
    assert!(matches!(send(address, hurried).await, EgressError::TimedOut));
}
