//! The coding that a body comes in (RFC 9110 §8.4).
//!
//! Requests ask for none. Some servers pack their answers all the same, and some only say that they
//! did: what is in common use is unpacked, as far as what comes out may be read.

mod stream;

use std::io::Read;

use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};

use crate::EgressError;
pub(super) use stream::Unpacker;

/// How many codings one body has at most: only an attacker packs a body more than once.
const MOST_CODINGS: usize = 2;

/// Why a body stays as it is.
enum Packed {
    /// What comes out of it is more than may be read.
    TooLarge,
    /// Its coding is unknown, or not what it is in.
    Unreadable,
}

/// Unpacks a body, and removes the header that says how it was packed. A body that cannot be
/// unpacked keeps its header; it is dropped where it is no text, since it cannot be searched for
/// secrets.
///
/// # Errors
/// When more than `at_most` bytes come out.
pub(super) fn unpack(
    headers: &mut HeaderMap,
    body: Bytes,
    at_most: usize,
) -> Result<Bytes, EgressError> {
    let codings = codings(headers);
    if codings.len() > MOST_CODINGS {
        return Ok(readable(body));
    }
    let mut unpacked = body.clone();
    if !body.is_empty() {
        for coding in codings.iter().rev() {
            match unpack_once(coding, &unpacked, at_most) {
                Ok(inner) => unpacked = inner,
                Err(Packed::TooLarge) => return Err(EgressError::TooLarge),
                Err(Packed::Unreadable) => return Ok(readable(body)),
            }
        }
    }
    headers.remove(header::CONTENT_ENCODING);
    Ok(unpacked)
}

/// Returns the codings of a body in the order in which they were applied.
fn codings(headers: &HeaderMap) -> Vec<String> {
    let said = headers.get_all(header::CONTENT_ENCODING).iter();
    let said = said.flat_map(|value| value.to_str().unwrap_or("unreadable").split(','));
    let named = said.map(|coding| coding.trim().to_ascii_lowercase());
    named.filter(|coding| !coding.is_empty() && coding != "identity").collect()
}

fn unpack_once(coding: &str, body: &[u8], at_most: usize) -> Result<Bytes, Packed> {
    match coding {
        "gzip" | "x-gzip" => read(MultiGzDecoder::new(body), at_most),
        // Half of all servers leave out the wrapping that RFC 9110 §8.4.1.2 wants.
        "deflate" => match read(ZlibDecoder::new(body), at_most) {
            Err(Packed::Unreadable) => read(DeflateDecoder::new(body), at_most),
            read => read,
        },
        _ => Err(Packed::Unreadable),
    }
}

fn read(packed: impl Read, at_most: usize) -> Result<Bytes, Packed> {
    let mut unpacked = Vec::new();
    let limit = u64::try_from(at_most).unwrap_or(u64::MAX).saturating_add(1);
    let read = packed.take(limit).read_to_end(&mut unpacked);
    if unpacked.len() > at_most {
        return Err(Packed::TooLarge);
    }
    read.map_err(|_| Packed::Unreadable)?;
    Ok(unpacked.into())
}

/// Returns a body whose coding was only said, and nothing in place of one that is packed.
fn readable(body: Bytes) -> Bytes {
    if std::str::from_utf8(&body).is_ok() { body } else { Bytes::new() }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use http::HeaderValue;

    use super::*;

    const PLENTY: usize = 1 << 20;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(body).unwrap();
        packer.finish().unwrap()
    }

    fn unpacked(coding: &str, body: &[u8], at_most: usize) -> (Option<Bytes>, bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_str(coding).unwrap());
        let body = unpack(&mut headers, Bytes::copy_from_slice(body), at_most);
        (body.ok(), headers.contains_key(header::CONTENT_ENCODING))
    }

    #[test]
    fn what_comes_out_is_bounded_however_little_goes_in() {
        let bomb = gzip(&vec![0; 64 << 20]);
        assert!(bomb.len() < PLENTY, "it is smaller than what may come");
        assert_eq!(unpacked("gzip", &bomb, PLENTY), (None, true));
        let twice = gzip(&bomb);
        assert_eq!(unpacked("gzip, gzip", &twice, PLENTY), (None, true));
        let exact = gzip(&[b'x'; 1_000]);
        assert_eq!(unpacked("gzip", &exact, 999), (None, true));
        assert_eq!(unpacked("gzip", &exact, 1_000).0.unwrap().len(), 1_000);
    }

    #[test]
    fn a_body_in_several_parts_or_codings_is_unpacked() {
        let parts = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(unpacked("gzip", &parts, PLENTY), (Some("one two".into()), false));
        let twice = gzip(&gzip(b"twice"));
        assert_eq!(unpacked("gzip, gzip", &twice, PLENTY), (Some("twice".into()), false));
        assert_eq!(unpacked("gzip", b"", PLENTY), (Some("".into()), false));
        let thrice = gzip(&gzip(&gzip(b"thrice")));
        assert_eq!(unpacked("gzip, gzip, gzip", &thrice, PLENTY), (Some("".into()), true));
    }

    #[test]
    fn what_cannot_be_unpacked_is_dropped_and_what_is_plain_stays() {
        let packed = gzip(b"secret");
        let cut = &packed[..packed.len() - 9];
        for (coding, body) in [("br", &packed[..]), ("gzip", cut), ("gzip, br", &packed)] {
            assert_eq!(unpacked(coding, body, PLENTY), (Some("".into()), true), "{coding}");
        }
        for coding in ["gzip", "br", "utf-8", "deflate"] {
            assert_eq!(unpacked(coding, b"{}", PLENTY), (Some("{}".into()), true), "{coding}");
        }
        assert_eq!(unpacked("identity", &packed, PLENTY), (Some(packed.into()), false));
    }
}
