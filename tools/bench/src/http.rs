//! HTTP/1.1 as plain as it can be, so that measuring costs little: one keep-alive connection, one
//! request at a time, bodies with a length.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::Result;

/// A keep-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, in the connection's buffer.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

const CAPACITY: usize = 16 * 1024;

impl Connection {
    #[expect(clippy::disallowed_methods, reason = "what is measured is called on loopback")]
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(CAPACITY) })
    }

    /// Opens one from another address of loopback.
    pub(crate) async fn open_from(from: Ipv4Addr, address: SocketAddr) -> Result<Self> {
        let stream = dial(from, address).await?;
        Ok(Self { stream, buffer: Vec::with_capacity(CAPACITY) })
    }

    /// Sends a request as it is and reads its whole answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        let Message { head, length } = read(&mut self.stream, &mut self.buffer)
            .await?
            .ok_or("the connection was closed before the answer")?;
        let answer = &self.buffer[..length];
        let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
        let status = status.and_then(|digits| digits.parse().ok());
        Ok(Answer { status: status.ok_or("an answer without a status")?, body: &answer[head..] })
    }
}

/// Opens a connection from an address of loopback.
pub(crate) async fn dial(from: Ipv4Addr, address: SocketAddr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Where a message's head and the whole of it end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    head: usize,
    length: usize,
}

/// Reads one message into the emptied buffer; none where the peer has closed before its first byte.
pub(crate) async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Option<Message>> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() { Ok(None) } else { Err("half a message".into()) };
        }
        if let Some(message) = message(buffer).filter(|message| message.length <= buffer.len()) {
            return Ok(Some(message));
        }
    }
}

/// Returns the extent of the message that starts in `bytes`, once its head is there.
fn message(bytes: &[u8]) -> Option<Message> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let mut lines = bytes[..head].split(|byte| *byte == b'\n');
    let body = lines.find_map(content_length).unwrap_or(0);
    Some(Message { head, length: head + body })
}

fn content_length(line: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let (name, value) = line.split_at_checked(NAME.len())?;
    let value = name.eq_ignore_ascii_case(NAME).then_some(value)?;
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_as_long_as_its_head_says() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
        let whole = Message { head: head.len(), length: head.len() + 2 };
        assert_eq!(message(format!("{head}ok").as_bytes()), Some(whole));
        let lower = "HTTP/1.1 200 OK\r\ncontent-length:  12\r\nx: y\r\n\r\n";
        let whole = Message { head: lower.len(), length: lower.len() + 12 };
        assert_eq!(message(lower.as_bytes()), Some(whole));
    }

    #[test]
    fn a_request_without_a_body_ends_with_its_head() {
        assert_eq!(message(b"GET / HTTP/1.1\r\n\r\n"), Some(Message { head: 18, length: 18 }));
    }

    #[test]
    fn half_a_head_is_no_message_yet() {
        assert_eq!(message(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"), None);
    }
}
