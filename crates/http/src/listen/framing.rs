//! Heads as they come in, looked at for what says where a body ends.
//!
//! hyper takes a request with `Content-Length` and `Transfer-Encoding` for a chunked one and drops
//! the length, so that the code behind it cannot see that there were both. A proxy in front of us
//! may have gone by the other one: what it took for a body would be a request to us.

/// How a head says where its request's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Framing {
    /// The head was not seen: it came while another request was served.
    Unseen,
    /// In one way at most.
    Plain,
    /// In several ways.
    Ambiguous,
}

impl Framing {
    pub(super) fn from_u8(number: u8) -> Self {
        [Self::Unseen, Self::Plain, Self::Ambiguous]
            .get(usize::from(number))
            .copied()
            .unwrap_or(Self::Unseen)
    }
}

/// As much of a line as is looked at.
const LOOK: usize = 18;

/// What was seen of a head so far.
#[derive(Debug, Default)]
pub(super) struct Heads {
    line: [u8; LOOK],
    /// How long the present line is, as far as it is looked at.
    length: usize,
    /// Whether a line came before: an empty one ends the head then.
    has_begun: bool,
    is_over: bool,
    framings: u8,
}

impl Heads {
    /// Looks at what came next.
    pub(super) fn look(&mut self, mut read: &[u8]) {
        while !self.is_over && !read.is_empty() {
            let end = read.iter().position(|byte| *byte == b'\n');
            let line = end.map_or(read, |end| &read[..end]);
            let seen = line.len().min(LOOK - self.length);
            self.line[self.length..self.length + seen].copy_from_slice(&line[..seen]);
            self.length += seen;
            let Some(end) = end else { return };
            self.end_line();
            read = &read[end + 1..];
        }
    }

    pub(super) fn framing(&self) -> Framing {
        match (self.is_over, self.framings) {
            (false, _) => Framing::Unseen,
            (true, 0 | 1) => Framing::Plain,
            (true, _) => Framing::Ambiguous,
        }
    }

    fn end_line(&mut self) {
        let line = &self.line[..self.length];
        match line.strip_suffix(b"\r").unwrap_or(line) {
            [] => self.is_over = self.has_begun,
            line => {
                self.has_begun = true;
                if says_length(line) {
                    self.framings = self.framings.saturating_add(1);
                }
            }
        }
        self.length = 0;
    }
}

fn says_length(line: &[u8]) -> bool {
    is_header(line, b"content-length") || is_header(line, b"transfer-encoding")
}

fn is_header(line: &[u8], name: &[u8]) -> bool {
    line.len() > name.len()
        && line[..name.len()].eq_ignore_ascii_case(name)
        && matches!(line[name.len()], b':' | b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(head: &str, pieces: usize) -> Framing {
        let mut heads = Heads::default();
        head.as_bytes().chunks(pieces).for_each(|piece| heads.look(piece));
        heads.framing()
    }

    #[test]
    fn p2_a_head_that_says_twice_where_its_body_ends_is_known_however_it_arrives() {
        for (head, expected) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Framing::Plain),
            ("\r\nPOST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", Framing::Plain),
            ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", Framing::Plain),
            (
                "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                Framing::Ambiguous,
            ),
            (
                "POST / HTTP/1.1\nTRANSFER-ENCODING: chunked\nContent-length:3\n\n",
                Framing::Ambiguous,
            ),
            (
                "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
                Framing::Ambiguous,
            ),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\nX-Content-Length: 3\r\n\r\n", Framing::Plain),
            (
                "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                Framing::Unseen,
            ),
            (
                "POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\n{\r\nTransfer-Encoding: x\r\n\r\n}",
                Framing::Plain,
            ),
        ] {
            for pieces in [1, 2, 7, 4_096] {
                assert_eq!(framing(head, pieces), expected, "{head:?} in pieces of {pieces}");
            }
        }
    }
}
