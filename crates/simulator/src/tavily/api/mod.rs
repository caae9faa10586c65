//! The API: who pays, and what may be asked.

pub(crate) mod extract;
mod parameters;
pub(crate) mod search;
pub(crate) mod usage;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use super::answer::Refusal;
use super::state::State;

/// Returns the good key that a request carries: a bearer token, and nothing else.
fn key_of(headers: &HeaderMap, state: &State) -> Result<String, Refusal> {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = value.and_then(|value| value.strip_prefix("Bearer "));
    let known = key.filter(|key| state.key(key).is_some());
    known.map(str::to_owned).ok_or_else(Refusal::unauthorized)
}
