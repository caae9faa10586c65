use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

use super::authorize::refused;
use crate::consents;
use crate::notion::Notion;
use crate::notion::consents::{Agreed, Asked};
use crate::pages::ErrorPage;

/// The form of the consent page.
#[derive(Default)]
struct DecisionForm {
    consent: String,
    decision: String,
    person: String,
    pages: BTreeSet<String>,
}

/// Takes the person's decision back to the app; every consent page can be decided once.
pub(crate) async fn post(State(notion): State<Notion>, body: Bytes) -> Response {
    match DecisionForm::parse(&body).and_then(|form| decide(&notion, form)) {
        Ok(response) => response,
        Err(page) => page.into_response(),
    }
}

fn decide(notion: &Notion, form: DecisionForm) -> Result<Response, ErrorPage> {
    let mut state = notion.state();
    let now = notion.outside.now();
    if state.workspace.person(&form.person).is_none() {
        return Err(refused("unknown_person", "nobody here has this id"));
    }
    let asked = state.consents.decide(&form.consent, now).ok_or_else(|| {
        refused("consent_used_or_expired", "this page was answered already, or is too old")
    })?;
    match form.decision.as_str() {
        "allow" => {
            let visible = state.content.to_share(Some(&form.person));
            let visible: BTreeSet<_> = visible.into_iter().map(|(id, _)| id.to_owned()).collect();
            let shared = visible.intersection(&form.pages).cloned().collect();
            let code = notion.outside.secret("code-");
            let response = back(&asked, ("code", &code));
            let agreed = Agreed { asked, person: form.person, shared };
            state.consents.agree(code, agreed, now);
            response
        }
        "cancel" => back(&asked, ("error", "access_denied")),
        _ => Err(refused("invalid_form", "this is not the form of the page")),
    }
}

fn back(asked: &Asked, outcome: (&str, &str)) -> Result<Response, ErrorPage> {
    let state = asked.state.as_deref().map(|state| ("state", state));
    let parameters: Vec<_> = std::iter::once(outcome).chain(state).collect();
    consents::back(&asked.redirect_uri, &parameters, &asked.client_id)
        .ok_or_else(|| refused("invalid_redirect_uri", "the redirect URI is not a URL"))
}

// === impl DecisionForm ===

impl DecisionForm {
    fn parse(body: &[u8]) -> Result<Self, ErrorPage> {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let value = value.into_owned();
            match &*name {
                "consent" => form.consent = value,
                "decision" => form.decision = value,
                "person" => form.person = value,
                "page" => {
                    form.pages.insert(value);
                }
                _ => return Err(refused("invalid_form", "this is not the form of the page")),
            }
        }
        Ok(form)
    }
}
