//! F16: answers that never come to their head.

use tokio::sync::oneshot;

use super::*;

/// Returns a server that says `once` again and again, and in the end how many bytes of it were
/// taken.
async fn endless(once: String) -> (SocketAddr, oneshot::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (done, taken) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let mut written = 0;
        while stream.write_all(once.as_bytes()).await.is_ok() {
            written += once.len();
        }
        let _ = done.send(written);
    });
    (address, taken)
}

#[tokio::test]
async fn f16_a_provider_that_never_comes_to_its_answer_is_cut_off() {
    let large = format!("Link: <{}>\r\n", "x".repeat(8_000));
    for once in [
        "HTTP/1.1 100 Continue\r\n\r\n".to_owned(),
        format!("HTTP/1.1 103 Early Hints\r\n{large}\r\n"),
        format!("HTTP/1.1 102 Processing\r\n{}\r\n", "A: b\r\n".repeat(50)),
        "X".to_owned(),
    ] {
        let (address, taken) = endless(once.clone()).await;
        let egress = Egress::new(loopback(), None);
        let refused = egress.send(get(&format!("http://{address}/")), PLENTY).await.unwrap_err();
        let start = once.chars().take(20).collect::<String>();
        assert!(matches!(refused, EgressError::NoAnswer(_)), "{start}: {refused:?}");
        drop(egress);
        let taken = taken.await.unwrap();
        // What fits into the buffers of both ends counts as taken.
        assert!(taken < 16 * 1024 * 1024, "{start}: {taken}");
    }
}

#[tokio::test]
async fn f16_a_few_interim_answers_and_a_large_body_are_fine() {
    let few = "HTTP/1.1 100 Continue\r\n\r\n".repeat(limits::INTERIM_ANSWERS.count());
    let body = "y".repeat(3 * limits::ANSWER_HEAD.count());
    let answer = format!("{few}HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let (address, _connections) = server(answer.leak().as_bytes()).await;
    let egress = Egress::new(loopback(), None);
    let roomy = Allowance { at_most: body.len(), ..PLENTY };
    let answer = egress.send(get(&format!("http://{address}/")), roomy).await.unwrap();
    assert_eq!(answer.body.len(), body.len());
}

#[tokio::test]
async fn f16_interim_answers_are_counted_for_each_request_anew() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let few = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(limits::INTERIM_ANSWERS.count());
        let answer = format!("{few}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        while stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let egress = Egress::new(loopback(), None);
    for _ in 0..5 {
        let answer = egress.send(get(&format!("http://{address}/")), PLENTY).await.unwrap();
        assert_eq!(&answer.body[..], b"ok");
    }
}
