use super::*;

const SECRET: &str = "CANARY-0123456789abcdef";

/// Returns a secret as a request names it.
pub(super) fn of(secret: &str) -> Secrets {
    let mut secrets = Secrets::none();
    secrets.add(&Secret::new(secret.to_owned()));
    secrets
}

#[tokio::test]
async fn o14_a_secret_that_comes_in_two_parts_comes_out_in_none() {
    let text = format!("before {SECRET} after");
    for cut in 1..text.len() {
        let provider = Scripted::new().await;
        let request = Outgoing { secrets: of(SECRET), ..provider.request() };
        let (answer, mut stream) = provider.open(request, ROOMY, CHUNKED).await;
        for part in [&text[..cut], &text[cut..], ""] {
            write_chunk(&mut stream, part.as_bytes()).await;
        }
        let clean = rest(answer.unwrap().body).await.unwrap();
        let shown = clean.trim_start_matches("before ").trim_end_matches("[redacted] after");
        assert!(clean.ends_with("[redacted] after") && shown.len() < 4, "{cut}: {clean}");
    }
}

#[tokio::test]
async fn o14_a_secret_that_comes_byte_by_byte_or_in_the_head_does_not_come_out() {
    let provider = Scripted::new().await;
    let request = Outgoing { secrets: of(SECRET), ..provider.request() };
    let head = format!(
        "HTTP/1.1 401 Unauthorized\r\nX-Echo: Bearer {SECRET}\r\nX-{SECRET}: 1\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    let (answer, mut stream) = provider.open(request, ROOMY, &head).await;
    let answer = answer.unwrap();
    assert_eq!(answer.headers["x-echo"], "Bearer [redacted]");
    assert_eq!(answer.headers.len(), 1);
    for byte in format!("no such token: {SECRET}").bytes() {
        write_chunk(&mut stream, &[byte]).await;
    }
    write_chunk(&mut stream, b"").await;
    assert_eq!(rest(answer.body).await.unwrap(), "no such token: CAN[redacted]");
}
