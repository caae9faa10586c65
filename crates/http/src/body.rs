//! Bodies of requests, read whole.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody as _},
    http::{HeaderMap, header},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// It has more bytes than it may.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// It broke off.
    BrokeOff,
}

/// How long a client may take to send a body.
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns how many bytes a body has, where its sender has said so beforehand.
pub fn announced(body: &Body) -> Option<usize> {
    let length = body.size_hint().exact()?;
    Some(usize::try_from(length).unwrap_or(usize::MAX))
}

/// Reads a body of so many bytes at most, which has to arrive in time.
pub async fn read_whole(body: Body, at_most: usize) -> Result<Bytes, BodyFault> {
    let read = tokio::time::timeout(PATIENCE, Limited::new(body, at_most).collect()).await;
    match read.map_err(|_| BodyFault::TooSlow)? {
        Ok(read) => Ok(read.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyFault::TooLarge),
        Err(_) => Err(BodyFault::BrokeOff),
    }
}

/// Returns whether a body is announced as JSON.
pub fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}
