use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde_json::Value;

use crate::apps;
use crate::notion::answer::Refusal;
use crate::notion::app::RegisteredApp;
use crate::notion::rich_text::only;
use crate::notion::state::State;

/// Returns the app that calls a token endpoint: HTTP Basic, and nothing else.
pub(super) fn client(headers: &HeaderMap, state: &State) -> Result<RegisteredApp, Refusal> {
    let wrong = || Refusal::oauth("invalid_client", "Client authentication failed.");
    let (id, secret) = apps::basic(headers).ok_or_else(wrong)?;
    let app = state.apps.get(&id).filter(|app| app.client_secret == secret);
    Ok(app.ok_or_else(wrong)?.public.clone())
}

/// Returns the body of a token endpoint: a JSON object of texts with these members.
pub(super) fn body(headers: &HeaderMap, body: &[u8], known: &[&str]) -> Result<Value, Refusal> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return Err(Refusal::new("invalid_json", "The body has to be application/json."));
    }
    let body: Value = serde_json::from_slice(body)
        .map_err(|_| Refusal::new("invalid_json", "Error parsing JSON body."))?;
    only(&body, "body", known)?;
    Ok(body)
}

/// Returns a text of the body that has to be there.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    let text = body[name].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| Refusal::body(&format!("body.{name}"), "a string", body.get(name)))
}
