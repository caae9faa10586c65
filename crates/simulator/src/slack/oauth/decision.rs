use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, http};
use serde::Deserialize;
use url::Url;

use crate::requests::Noted;
use crate::slack::Slack;
use crate::slack::consents::{Agreed, Asked};
use crate::slack::pages::ErrorPage;

/// The form of the consent page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionForm {
    consent: String,
    decision: Decision,
    person: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Allow,
    Cancel,
}

/// Takes the person's decision back to the app; every consent page can be decided once.
pub(crate) async fn post(
    State(slack): State<Slack>,
    form: Result<Form<DecisionForm>, FormRejection>,
) -> Response {
    let decided = form.map_err(|_| refused("invalid_form", "this is not the form of the page"));
    match decided.and_then(|Form(form)| decide(&slack, form)) {
        Ok(response) => response,
        Err(page) => page.into_response(),
    }
}

fn decide(slack: &Slack, form: DecisionForm) -> Result<Response, ErrorPage> {
    let mut state = slack.state();
    let now = slack.outside.now();
    let person = form.person.or_else(|| state.workspace.people.first().map(|it| it.id.clone()));
    let person = person.filter(|person| state.workspace.person(person).is_some());
    let person = person.ok_or_else(|| refused("unknown_person", "nobody here has this id"))?;
    let asked = state.consents.decide(&form.consent, now).ok_or_else(|| {
        refused("consent_used_or_expired", "this page was answered already, or is too old")
    })?;
    if form.decision == Decision::Cancel {
        return back(&asked, "error", "access_denied");
    }
    let code = slack.outside.secret("code-");
    let response = back(&asked, "code", &code);
    state.consents.agree(code, Agreed { asked, person }, now);
    response
}

fn back(asked: &Asked, name: &str, value: &str) -> Result<Response, ErrorPage> {
    let mut target = Url::parse(&asked.redirect_uri)
        .map_err(|_| refused("bad_redirect_uri", "the redirect URI is not a URL"))?;
    target.query_pairs_mut().append_pair(name, value);
    if let Some(state) = &asked.state {
        target.query_pairs_mut().append_pair("state", state);
    }
    let mut response = Redirect::to(target.as_str()).into_response();
    let no_store = http::HeaderValue::from_static("no-store");
    response.headers_mut().insert(http::header::CACHE_CONTROL, no_store);
    let client_id = Some(asked.client_id.clone());
    response.extensions_mut().insert(Noted { client_id, ..Noted::default() });
    Ok(response)
}

fn refused(code: &'static str, why: &str) -> ErrorPage {
    ErrorPage::new(StatusCode::BAD_REQUEST, code, why)
}
