//! The API: what every call has to pass, and one file for each kind of call.

pub(crate) mod children;
pub(crate) mod create_page;
pub(crate) mod data_sources;
pub(crate) mod pages;
mod paging;
mod properties;
pub(crate) mod search;
pub(crate) mod users;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::response::Response;
use serde_json::Value;

use super::Notion;
use super::answer::{Refusal, respond};
use super::app::{Capability, RegisteredApp};
use super::content::{DataSource, Page};
use super::ids;
use super::state;
use super::tokens::Grant;
use crate::outside::Outside;
use crate::requests::Noted;

/// The versions whose answers are simulated, oldest first; and those that the API knows besides.
const VERSIONS: [&str; 2] = ["2025-09-03", LATEST];
const LATEST: &str = "2026-03-11";
const OLDER: [&str; 5] = ["2021-05-11", "2021-05-13", "2021-08-16", "2022-02-22", "2022-06-28"];
const LARGEST_BODY: usize = 500 * 1024;

/// An authenticated call.
struct Call<'a> {
    grant: Grant,
    app: RegisteredApp,
    is_latest: bool,
    state: &'a mut state::State,
    outside: &'a Outside,
}

/// Answers at paths that the API has not.
pub(crate) async fn unknown(State(notion): State<Notion>, request: Request) -> Response {
    let message = format!("Invalid request URL: {}", request.uri().path());
    let refusal = Refusal::new("invalid_request_url", message);
    respond(Err(refusal), &notion.outside, Noted::default())
}

/// Answers a call if its token, its version and the app's capabilities let it pass.
fn answer(
    notion: &Notion,
    headers: &HeaderMap,
    needed: Option<Capability>,
    run: impl FnOnce(&mut Call<'_>) -> Result<Value, Refusal>,
) -> Response {
    let mut noted = Noted::default();
    let mut state = notion.state();
    let outcome = admitted(&state, headers, needed, &mut noted);
    let outcome = outcome.and_then(|(grant, app, is_latest)| {
        run(&mut Call { grant, app, is_latest, state: &mut state, outside: &notion.outside })
    });
    respond(outcome, &notion.outside, noted)
}

fn admitted(
    state: &state::State,
    headers: &HeaderMap,
    needed: Option<Capability>,
    noted: &mut Noted,
) -> Result<(Grant, RegisteredApp, bool), Refusal> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let grant = bearer.and_then(|token| state.tokens.caller(token));
    let app = grant.and_then(|grant| state.apps.get(&grant.client_id));
    let (Some(grant), Some(app)) = (grant, app) else {
        return Err(Refusal::new("unauthorized", "API token is invalid."));
    };
    noted.client_id = Some(grant.client_id.clone());
    let is_latest = version(headers)? == LATEST;
    if needed.is_some_and(|needed| !app.public.can(needed)) {
        let message = "Insufficient permissions for this endpoint.";
        return Err(Refusal::new("restricted_resource", message));
    }
    Ok((grant.clone(), app.public.clone(), is_latest))
}

fn version(headers: &HeaderMap) -> Result<&str, Refusal> {
    let Some(given) = headers.get("notion-version") else {
        let message = "Notion-Version header should be present.";
        return Err(Refusal::new("missing_version", message));
    };
    let given = given.to_str().unwrap_or_default();
    if OLDER.contains(&given) {
        let message = format!("The stand-in does not know how {given} answers.");
        return Err(Refusal::invalid(message));
    }
    if !VERSIONS.contains(&given) {
        let message = format!("Notion-Version header failed validation: `{given}` is no version.");
        return Err(Refusal::invalid(message));
    }
    Ok(given)
}

/// Returns the JSON object of a request.
fn object(headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    if body.len() > LARGEST_BODY {
        return Err(Refusal::invalid("body failed validation: the body is larger than 500 KB."));
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_json = kind.split(';').next().map(str::trim) == Some("application/json");
    let read = serde_json::from_slice(body).ok().filter(|_| is_json);
    read.ok_or_else(|| Refusal::new("invalid_json", "Error parsing JSON body."))
}

// === impl Call ===

impl Call<'_> {
    fn page(&self, id: &str) -> Result<&Page, Refusal> {
        let id = path_id("page_id", id)?;
        let page = self.state.content.page(&id).filter(|page| self.sees(&page.id));
        page.ok_or_else(|| Refusal::not_found("page", &id, &self.app.name))
    }

    fn data_source(&self, id: &str) -> Result<&DataSource, Refusal> {
        let found = self.state.content.data_source(id);
        let found = found.filter(|found| self.sees(&found.id));
        found.ok_or_else(|| Refusal::not_found("data source", id, &self.app.name))
    }

    fn sees(&self, id: &str) -> bool {
        self.state.content.is_shared(&self.grant.shared, id)
    }

    /// Returns what a page looks like to this caller.
    fn written(&self, page: &Page) -> Value {
        if self.app.can(Capability::ReadContent) {
            return self.state.content.written_page(page, self.outside.public_url());
        }
        serde_json::json!({ "object": "page", "id": page.id })
    }
}

/// Returns an id in the path.
fn path_id(name: &str, given: &str) -> Result<String, Refusal> {
    ids::read(given).ok_or_else(|| {
        let message = format!(
            "path failed validation: path.{name} should be a valid uuid, instead was `\"{given}\"`."
        );
        Refusal::invalid(message)
    })
}
