use std::{fmt, time::Duration};

use astralform_domain::Timestamp;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use crate::retry_after::{date, retry_after};

/// An answer, whole, without the secrets of its request.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// How long it took until its head was here.
    pub first_byte: Duration,
}

impl Answer {
    /// Returns `Retry-After` (RFC 9110 §10.2.3) from `now`, a day at most.
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        retry_after(&self.headers, now)
    }

    /// Returns the time by its server's clock, to the second, where it says so.
    pub fn date(&self) -> Option<Timestamp> {
        let said = self.headers.get(header::DATE)?;
        date(said.to_str().ok()?)
    }

    /// Returns whether it says when the same may be asked again.
    pub fn says_when(&self) -> bool {
        self.retry_after(Timestamp::from_secs(0)).is_some()
    }

    /// Returns the coding that the body came in and could not be read in.
    pub fn unread_coding(&self) -> Option<&str> {
        let coding = self.headers.get(header::CONTENT_ENCODING)?;
        Some(coding.to_str().unwrap_or("unreadable"))
    }
}

/// Without body, which may hold secrets.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, headers, body, .. } = self;
        write!(f, "{status} {headers:?} ({} bytes)", body.len())
    }
}
