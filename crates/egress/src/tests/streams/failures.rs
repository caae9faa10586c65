use super::*;

const HASTY: StreamAllowance = StreamAllowance { silence: Duration::from_millis(200), ..ROOMY };

#[tokio::test]
async fn a_provider_that_says_nothing_is_given_up() {
    let provider = Scripted::new().await;
    let hurried = StreamAllowance { head_within: Duration::from_millis(200), ..ROOMY };
    let (answer, _stream) = provider.open(provider.request(), hurried, "HTTP/1.1 200 OK\r\n").await;
    assert!(matches!(answer.unwrap_err(), EgressError::TimedOut));

    let (answer, mut stream) = provider.open(provider.request(), HASTY, CHUNKED).await;
    let mut body = answer.unwrap().body;
    // It may take as long as it likes, if only something comes.
    for _ in 0..5 {
        tokio::time::sleep(HASTY.silence / 2).await;
        write_chunk(&mut stream, b"still here").await;
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "still here");
    }
    assert!(matches!(next(&mut body).await, Some(Err(EgressError::TimedOut))));
    assert!(next(&mut body).await.is_none());
    let read = stream.read(&mut [0; 1]).await;
    assert!(read.is_err() || read.is_ok_and(|read| read == 0), "it is closed");
}

#[tokio::test]
async fn a_reader_that_takes_its_time_is_no_silence_of_the_provider() {
    let provider = Scripted::new().await;
    let (answer, mut stream) = provider.open(provider.request(), HASTY, CHUNKED).await;
    let mut body = answer.unwrap().body;
    write_chunk(&mut stream, b"one").await;
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "one");
    assert!(tokio::time::timeout(HASTY.silence / 4, next(&mut body)).await.is_err());
    for part in ["two", ""] {
        write_chunk(&mut stream, part.as_bytes()).await;
    }
    tokio::time::sleep(2 * HASTY.silence).await;
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "two");
    assert!(next(&mut body).await.is_none());
}

#[tokio::test]
async fn a_body_over_the_limit_is_cut_off() {
    let little = StreamAllowance { at_most: 19, ..ROOMY };
    let provider = Scripted::new().await;
    let announced = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n";
    let (answer, _stream) = provider.open(provider.request(), little, announced).await;
    assert!(matches!(answer.unwrap_err(), EgressError::TooLarge), "its head says so");

    let (answer, mut stream) = provider.open(provider.request(), little, CHUNKED).await;
    let mut body = answer.unwrap().body;
    for _ in 0..2 {
        write_chunk(&mut stream, b"0123456789").await;
    }
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "0123456789");
    assert!(matches!(next(&mut body).await, Some(Err(EgressError::TooLarge))));
    assert!(next(&mut body).await.is_none());
    assert!(!provider.is_reused(&mut stream).await);
}

#[tokio::test]
async fn what_comes_out_of_a_packed_body_is_limited_too() {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&vec![b'x'; 16 << 20]).unwrap();
    let bomb = packer.finish().unwrap();
    assert!(bomb.len() < ROOMY.at_most);
    let provider = Scripted::new().await;
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n";
    let (mut body, mut stream) = provider.body(head).await;
    write_chunk(&mut stream, &bomb).await;
    assert!(matches!(next(&mut body).await, Some(Err(EgressError::TooLarge))));
}

#[tokio::test]
async fn a_body_in_a_coding_that_cannot_be_undone_is_handed_on_as_far_as_it_is_text() {
    let provider = Scripted::new().await;
    for coding in ["br", "gzip, gzip", "gzip", "utf-8"] {
        let head = format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: {coding}\r\n\r\n"
        );
        let (mut body, mut stream) = provider.body(&head).await;
        for part in [&b"{\"\xc3"[..], b"\xbc\"}", b"\x8b\x1f"] {
            write_chunk(&mut stream, part).await;
        }
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "{\"", "{coding}");
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "ü\"}", "{coding}");
        let error = next(&mut body).await.unwrap().unwrap_err();
        assert!(matches!(error, EgressError::NoAnswer(_)), "{coding}: {error:?}");
    }
    let cut = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n";
    let (body, mut stream) = provider.body(cut).await;
    stream.write_all(&[0x1f, 0x8b, 8]).await.unwrap();
    assert!(matches!(rest(body).await, Err(EgressError::NoAnswer(_))));
}

#[tokio::test]
async fn a_provider_that_lies_about_its_length_is_not_believed() {
    let provider = Scripted::new().await;
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort";
    let (mut body, stream) = provider.body(head).await;
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "short");
    drop(stream);
    assert!(matches!(next(&mut body).await, Some(Err(EgressError::NoAnswer(_)))));
    assert!(next(&mut body).await.is_none());

    let head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlongHTTP/1.1 200 OK\r\n";
    let (body, mut stream) = provider.body(head).await;
    assert_eq!(rest(body).await.unwrap(), "long");
    assert!(!provider.is_reused(&mut stream).await, "the next answer would be read out of it");

    let (mut body, mut stream) = provider.body(CHUNKED).await;
    write(&mut stream, "5\r\nshort\r\nzz\r\n").await;
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "short");
    assert!(matches!(next(&mut body).await, Some(Err(EgressError::NoAnswer(_)))));
}
