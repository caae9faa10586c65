use std::collections::{HashMap, HashSet};

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use url::Url;

use super::{Habit, Hostile};
use crate::pkce;

const PAGE: &str = r#"<!doctype html><title>Simulated consent</title>
<form method="post">
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form>"#;

/// Who may come, who sits in front of the screen, and what they have agreed to.
#[derive(Default)]
pub(super) struct Consents {
    redirects: HashSet<String>,
    account: String,
    agreed: HashMap<String, Agreed>,
}

/// What a code stands for.
struct Agreed {
    account: String,
    redirect_uri: String,
    challenge: Option<String>,
}

/// An authorization request (RFC 6749 §4.1.1).
#[derive(Deserialize)]
pub(super) struct Asked {
    client_id: String,
    redirect_uri: String,
    state: Option<String>,
    code_challenge: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Decision {
    decision: String,
}

impl Consents {
    pub(super) fn allow(&mut self, uri: &str) {
        self.redirects.insert(uri.to_owned());
    }

    pub(super) fn sign_in(&mut self, account: &str) {
        account.clone_into(&mut self.account);
    }

    /// Returns whose code it is, if it comes with what it was asked for with. It is used up in any
    /// case.
    pub(super) fn redeem(
        &mut self,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
    ) -> Option<String> {
        let agreed = self.agreed.remove(code)?;
        let proven = match (&agreed.challenge, verifier) {
            (Some(challenge), Some(verifier)) => pkce::verifies(verifier, challenge),
            (None, None) => true,
            _ => false,
        };
        (proven && agreed.redirect_uri == redirect_uri).then_some(agreed.account)
    }
}

/// Returns the authorization endpoint: a page, or straight back where nobody is asked.
pub(super) async fn show(State(provider): State<Hostile>, Query(asked): Query<Asked>) -> Response {
    if provider.state().temper.has(Habit::Asks) {
        return Html(PAGE).into_response();
    }
    back(&provider, asked, true)
}

pub(super) async fn decide(
    State(provider): State<Hostile>,
    Query(asked): Query<Asked>,
    Form(said): Form<Decision>,
) -> Response {
    back(&provider, asked, said.decision == "allow")
}

/// Sends the browser back to the app; a stranger's browser goes nowhere.
fn back(provider: &Hostile, asked: Asked, allowed: bool) -> Response {
    let code = provider.outside.secret("code-");
    let mut state = provider.state();
    let known = state.client.0 == asked.client_id;
    let known = known && state.consents.redirects.contains(&asked.redirect_uri);
    let challenged = asked.code_challenge.as_deref().is_none_or(pkce::is_challenge);
    let Some(mut next) = Url::parse(&asked.redirect_uri).ok().filter(|_| known && challenged)
    else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if allowed {
        next.query_pairs_mut().append_pair("code", &code);
        let redirect_uri = asked.redirect_uri;
        let challenge = asked.code_challenge;
        let agreed = Agreed { account: state.consents.account.clone(), redirect_uri, challenge };
        state.consents.agreed.insert(code, agreed);
    } else {
        next.query_pairs_mut().append_pair("error", "access_denied");
    }
    if let Some(state) = asked.state {
        next.query_pairs_mut().append_pair("state", &state);
    }
    Redirect::to(next.as_str()).into_response()
}
