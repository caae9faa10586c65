//! A body that comes in parts, unpacked.

use std::{
    io::{self, Write},
    mem::take,
};

use bytes::Bytes;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;

use super::codings;

/// How much is unpacked at once: at most a thousand times as much comes out.
const AT_ONCE: usize = 1024;
/// How many bytes tell which coding a body is in.
const MARK: usize = 2;

/// Unpacks a body that comes in parts. One coding is undone; a body in an unknown one, or in
/// several, goes on as long as it is text, since packed bytes cannot be searched for secrets.
pub(crate) struct Unpacker {
    /// What has come and is still packed.
    packed: Bytes,
    state: State,
}

enum State {
    /// Its first bytes have to show whether it is in the coding that its head names.
    Unmarked(Coding),
    Plain,
    /// It may be a text, up to what is not UTF-8.
    Text,
    Packed(Box<dyn Unpack>),
}

#[derive(Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
}

/// A coding while it is undone, into a vector.
trait Unpack: Send {
    /// Takes packed bytes, and returns what comes out of them.
    fn unpack(&mut self, packed: &[u8]) -> io::Result<Vec<u8>>;
    /// Checks that nothing is missing, and returns what was left.
    fn finish(&mut self) -> io::Result<Vec<u8>>;
}

macro_rules! unpacks {
    ($($decoder:ident)+) => {$(
        impl Unpack for $decoder<Vec<u8>> {
            fn unpack(&mut self, packed: &[u8]) -> io::Result<Vec<u8>> {
                self.write_all(packed)?;
                self.flush()?;
                Ok(take(self.get_mut()))
            }

            fn finish(&mut self) -> io::Result<Vec<u8>> {
                self.try_finish()?;
                Ok(take(self.get_mut()))
            }
        }
    )+};
}

unpacks!(MultiGzDecoder ZlibDecoder DeflateDecoder);

impl Unpacker {
    /// Returns what unpacks the body of an answer with these headers.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let state = match &codings(headers)[..] {
            [] => State::Plain,
            [one] => match one.as_str() {
                "gzip" | "x-gzip" => State::Unmarked(Coding::Gzip),
                "deflate" => State::Unmarked(Coding::Deflate),
                _ => State::Text,
            },
            _ => State::Text,
        };
        Self { packed: Bytes::new(), state }
    }

    /// Takes the next part of the body.
    pub(crate) fn push(&mut self, part: Bytes) {
        // What is left of the part before is a few bytes at most.
        let is_first = self.packed.is_empty();
        self.packed = if is_first { part } else { [&self.packed[..], &part].concat().into() };
    }

    /// Returns what comes out next of what was pushed; `None` when more has to come.
    ///
    /// # Errors
    /// When the body is not in its coding, or in one that is unknown.
    pub(crate) fn pull(&mut self) -> io::Result<Option<Bytes>> {
        while !self.packed.is_empty() {
            let unpacked = match &mut self.state {
                State::Unmarked(_) if self.packed.len() < MARK => return Ok(None),
                State::Unmarked(coding) => {
                    self.state = coding.state(&self.packed);
                    continue;
                }
                State::Plain => take(&mut self.packed),
                State::Text => match text_length(&self.packed)? {
                    0 => return Ok(None),
                    length => self.packed.split_to(length),
                },
                State::Packed(coding) => {
                    let length = self.packed.len().min(AT_ONCE);
                    coding.unpack(&self.packed.split_to(length))?.into()
                }
            };
            if !unpacked.is_empty() {
                return Ok(Some(unpacked));
            }
        }
        Ok(None)
    }

    /// Returns what is left at the end of the body.
    ///
    /// # Errors
    /// When something is missing.
    pub(crate) fn finish(&mut self) -> io::Result<Bytes> {
        match &mut self.state {
            State::Packed(coding) => coding.finish().map(Bytes::from),
            _ if std::str::from_utf8(&self.packed).is_err() => Err(unreadable()),
            _ => Ok(take(&mut self.packed)),
        }
    }
}

impl Coding {
    /// Returns how a body in this coding is read, of which this is the beginning.
    fn state(self, packed: &[u8]) -> State {
        match (self, packed) {
            (Self::Gzip, [0x1f, 0x8b, ..]) => {
                State::Packed(Box::new(MultiGzDecoder::new(Vec::new())))
            }
            (Self::Gzip, _) => State::Text,
            // RFC 1950 §2.2. Half of all servers leave out this wrapping.
            (Self::Deflate, [cmf, flg, ..])
                if cmf & 15 == 8 && u16::from_be_bytes([*cmf, *flg]).is_multiple_of(31) =>
            {
                State::Packed(Box::new(ZlibDecoder::new(Vec::new())))
            }
            (Self::Deflate, _) => State::Packed(Box::new(DeflateDecoder::new(Vec::new()))),
        }
    }
}

/// Returns how much of the bytes is text; the character at their end may not be whole.
fn text_length(bytes: &[u8]) -> io::Result<usize> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.len()),
        Err(error) if error.error_len().is_none() => Ok(error.valid_up_to()),
        Err(_) => Err(unreadable()),
    }
}

fn unreadable() -> io::Error {
    io::Error::other("the answer came in a coding that cannot be read")
}
