use super::*;

#[tokio::test]
async fn a_line_of_a_head_that_is_none_spoils_no_answer() {
    // RFC 9112 §5.2 has clients read lines that are folded; the others are read by every browser.
    for line in [
        "X-Folded: a\r\n b",
        "X-Spaced : 1",
        "PHP Warning: PHP Startup: Unable to load dynamic library",
        "Set-Cookie: a=\x7fb",
        "Warning without a colon",
        ": nameless",
    ] {
        let answer = format!(
            "HTTP/1.1 200 OK\r\n{line}\r\nContent-Length: 7\r\nX-Last: 1\r\n\r\n{{\"n\":1}}"
        );
        let (address, _accepted) = server(answer.leak().as_bytes()).await;
        let egress = Egress::new(loopback(), None);
        let answer = egress.send(get(&format!("http://{address}/")), PLENTY).await.unwrap();
        assert_eq!(
            (answer.status, &answer.body[..]),
            (StatusCode::OK, &b"{\"n\":1}"[..]),
            "{line}"
        );
        assert_eq!(answer.headers["x-last"], "1", "{line}");
    }
}

#[tokio::test]
async fn a_length_that_is_none_is_no_answer() {
    // It has to be certain how long a body is, or the next answer is read out of it.
    for line in
        ["Content-Length: 7x", "Content-Length: 7\r\nContent-Length: 8", "Content-Length: -7"]
    {
        let answer = format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n{{\"n\":1}}");
        let (address, _accepted) = server(answer.leak().as_bytes()).await;
        let egress = Egress::new(loopback(), None);
        assert!(egress.send(get(&format!("http://{address}/")), PLENTY).await.is_err(), "{line}");
    }
}

#[tokio::test]
async fn an_answer_that_grows_when_it_is_put_right_is_limited_too() {
    // What comes out of an encoding is longer than what goes in.
    for (bytes, fits) in [(300, true), (600, false)] {
        let body = [&b"\""[..], &vec![0xff; bytes], b"\""].concat();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let answer = [head.as_bytes(), &body].concat();
        let (address, _accepted) = server(answer.leak()).await;
        let egress = Egress::new(loopback(), None);
        let read = egress.send(get(&format!("http://{address}/")), PLENTY).await;
        assert_eq!(read.is_ok(), fits, "{bytes}");
    }
}
