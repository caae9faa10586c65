use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::consents;
use crate::pages::ErrorPage;
use crate::slack::consents::{Agreed, Asked};
use crate::slack::{SERVICE, Slack};

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
        return back(&asked, ("error", "access_denied"));
    }
    let code = slack.outside.secret("code-");
    let response = back(&asked, ("code", &code));
    state.consents.agree(code, Agreed { asked, person }, now);
    response
}

fn back(asked: &Asked, outcome: (&str, &str)) -> Result<Response, ErrorPage> {
    let state = asked.state.as_deref().map(|state| ("state", state));
    let parameters: Vec<_> = std::iter::once(outcome).chain(state).collect();
    consents::back(&asked.redirect_uri, &parameters, &asked.client_id)
        .ok_or_else(|| refused("bad_redirect_uri", "the redirect URI is not a URL"))
}

fn refused(code: &'static str, why: &str) -> ErrorPage {
    ErrorPage::new(SERVICE, StatusCode::BAD_REQUEST, code, why)
}
