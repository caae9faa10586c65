use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

use super::SESSION;
use crate::consents;
use crate::github::app::RegisteredApp;
use crate::github::state::{Agreed, Asked, State as GithubState};
use crate::github::{Github, SERVICE};
use crate::pages::ErrorPage;

/// The form of the consent page.
#[derive(Default)]
struct DecisionForm {
    consent: String,
    allowed: bool,
    person: Option<String>,
    /// The scopes that the person does not give.
    withheld: Vec<String>,
}

/// Takes the person's decision back to the app; every consent page can be decided once.
pub(crate) async fn post(State(github): State<Github>, body: Bytes) -> Response {
    decide(&github, DecisionForm::parse(&body)).unwrap_or_else(ErrorPage::into_response)
}

fn decide(github: &Github, form: DecisionForm) -> Result<Response, ErrorPage> {
    let mut state = github.state();
    let first = || state.world.people().first().map(|person| person.login.clone());
    let login = form.person.or_else(first);
    let login = login.filter(|login| state.world.person(login).is_some());
    let login = login.ok_or_else(|| refused("unknown_person", "nobody here has this login"))?;
    let asked = state.consents.decide(&form.consent, github.outside.now());
    let mut asked = asked.ok_or_else(|| {
        refused("consent_used_or_expired", "this page was answered already, or is too old")
    })?;
    let app = state.apps.get(&asked.client_id).map(|app| app.public.clone());
    let app = app.ok_or_else(|| refused("unknown_app", "the app is not registered any more"))?;
    if !form.allowed {
        let denied = ("access_denied", "The user has denied your application access.");
        return Ok(refuse(&asked.redirect_uri, asked.state.as_deref(), denied, &app));
    }
    asked.scopes.retain(|scope| !form.withheld.iter().any(|withheld| withheld == scope));
    let mut response = allow(github, &mut state, asked, &login);
    let cookie = format!("{SESSION}={login}; Path=/github/; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Sends the browser back with a code.
pub(super) fn allow(
    github: &Github,
    state: &mut GithubState,
    asked: Asked,
    login: &str,
) -> Response {
    let code = github.outside.secret("");
    let response =
        sent(&asked.redirect_uri, asked.state.as_deref(), &[("code", &code)], &asked.client_id);
    let agreed = Agreed { asked, login: login.to_owned() };
    state.consents.agree(code, agreed, github.outside.now());
    response
}

/// Sends the browser back without one.
pub(super) fn refuse(
    redirect_uri: &str,
    state: Option<&str>,
    (error, description): (&str, &str),
    app: &RegisteredApp,
) -> Response {
    let parameters = [
        ("error", error),
        ("error_description", description),
        ("error_uri", "https://docs.github.com/apps/oauth-apps"),
    ];
    sent(redirect_uri, state, &parameters, &app.client_id)
}

fn sent(
    redirect_uri: &str,
    state: Option<&str>,
    parameters: &[(&str, &str)],
    client_id: &str,
) -> Response {
    let state = state.map(|state| ("state", state));
    let all: Vec<_> = parameters.iter().copied().chain(state).collect();
    let sent = consents::back(redirect_uri, &all, client_id);
    sent.unwrap_or_else(|| {
        refused("bad_redirect_uri", "the redirect URI is not a URL").into_response()
    })
}

fn refused(code: &'static str, why: &str) -> ErrorPage {
    ErrorPage::new(SERVICE, StatusCode::BAD_REQUEST, code, why)
}

// === impl DecisionForm ===

impl DecisionForm {
    fn parse(body: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let value = value.into_owned();
            match &*name {
                "consent" => form.consent = value,
                "decision" => form.allowed = value == "allow",
                "person" => form.person = Some(value),
                "withhold" => form.withheld.push(value),
                _ => {}
            }
        }
        form
    }
}
