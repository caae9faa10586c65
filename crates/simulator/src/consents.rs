use std::collections::HashMap;

use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Redirect, Response};
use url::Url;

use crate::requests::Noted;

const LIFETIME_MICROS: i64 = 10 * 60 * 1_000_000;

/// Open consent pages and codes not yet exchanged; each can be taken once and within ten minutes.
pub(crate) struct Consents<Asked, Agreed> {
    pages: HashMap<String, Expiring<Asked>>,
    codes: HashMap<String, Expiring<Agreed>>,
}

struct Expiring<T> {
    value: T,
    expires_at: i64,
}

// === impl Consents ===

impl<Asked, Agreed> Consents<Asked, Agreed> {
    pub(crate) fn open(&mut self, id: String, asked: Asked, now: i64) {
        put(&mut self.pages, id, asked, now);
    }

    pub(crate) fn decide(&mut self, id: &str, now: i64) -> Option<Asked> {
        take(&mut self.pages, id, now)
    }

    pub(crate) fn agree(&mut self, code: String, agreed: Agreed, now: i64) {
        put(&mut self.codes, code, agreed, now);
    }

    pub(crate) fn redeem(&mut self, code: &str, now: i64) -> Option<Agreed> {
        take(&mut self.codes, code, now)
    }
}

impl<Asked, Agreed> Default for Consents<Asked, Agreed> {
    fn default() -> Self {
        Self { pages: HashMap::new(), codes: HashMap::new() }
    }
}

/// Sends the browser back to an app; nothing when its redirect URI is none.
pub(crate) fn back(
    redirect_uri: &str,
    parameters: &[(&str, &str)],
    client_id: &str,
) -> Option<Response> {
    let mut target = Url::parse(redirect_uri).ok()?;
    target.query_pairs_mut().extend_pairs(parameters);
    let mut response = Redirect::to(target.as_str()).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let client_id = Some(client_id.to_owned());
    response.extensions_mut().insert(Noted { client_id, ..Noted::default() });
    Some(response)
}

fn put<T>(kept: &mut HashMap<String, Expiring<T>>, id: String, value: T, now: i64) {
    kept.retain(|_, waiting| waiting.expires_at > now);
    kept.insert(id, Expiring { value, expires_at: now + LIFETIME_MICROS });
}

fn take<T>(kept: &mut HashMap<String, Expiring<T>>, id: &str, now: i64) -> Option<T> {
    let taken = kept.remove(id)?;
    (taken.expires_at > now).then_some(taken.value)
}
