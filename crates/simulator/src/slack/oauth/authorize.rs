use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

use crate::pages::ErrorPage;
use crate::pkce;
use crate::requests::Noted;
use crate::slack::app::RegisteredApp;
use crate::slack::consents::Asked;
use crate::slack::pages::ConsentPage;
use crate::slack::scopes::{self, Asked as AskedFor, Scope};
use crate::slack::state::State as SlackState;
use crate::slack::{SERVICE, Slack};

/// The parameters of the authorize URL; of repeated ones the last counts.
#[derive(Default)]
struct Parameters {
    client_id: String,
    scope: String,
    user_scope: String,
    redirect_uri: Option<String>,
    state: Option<String>,
    team: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
}

/// A request fit to be put before a person.
struct Checked {
    app: RegisteredApp,
    bot_scopes: Vec<&'static Scope>,
    user_scopes: Vec<&'static Scope>,
    redirect_uri: String,
}

/// Shows what an app asks for.
pub(crate) async fn get(State(slack): State<Slack>, RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::parse(query.as_deref().unwrap_or_default());
    let client_id = Some(parameters.client_id.clone());
    let mut response = show(&slack, parameters).unwrap_or_else(ErrorPage::into_response);
    response.extensions_mut().insert(Noted { client_id, ..Noted::default() });
    response
}

fn show(slack: &Slack, parameters: Parameters) -> Result<Response, ErrorPage> {
    let mut state = slack.state();
    let checked = check(&parameters, &state)?;
    let consent = slack.outside.secret("consent-");
    let response = ConsentPage::new(
        &checked.app,
        &state.workspace,
        &consent,
        &checked.redirect_uri,
        (&checked.bot_scopes, &checked.user_scopes),
    )
    .into_response();
    let asked = Asked {
        client_id: checked.app.client_id,
        bot_scopes: names(&checked.bot_scopes),
        user_scopes: names(&checked.user_scopes),
        redirect_uri: checked.redirect_uri,
        redirect_uri_sent: parameters.redirect_uri.is_some(),
        state: parameters.state,
        code_challenge: parameters.code_challenge,
    };
    state.consents.open(consent, asked, slack.outside.now());
    Ok(response)
}

fn check(parameters: &Parameters, state: &SlackState) -> Result<Checked, ErrorPage> {
    let app = state.apps.get(&parameters.client_id).map(|app| app.public.clone());
    let app = app.ok_or_else(|| refused("invalid_client_id", "no app has this client id"))?;
    let redirect_uri = redirect_uri(parameters, &app)?;
    let team = parameters.team.as_deref().filter(|team| !team.is_empty());
    let workspace = &state.workspace;
    if team.is_some_and(|team| team != workspace.id && team != workspace.domain) {
        return Err(refused("invalid_team", "the only workspace here is another one"));
    }
    let bot_scopes = parse_scopes(&parameters.scope, AskedFor::ForBot)?;
    let user_scopes = parse_scopes(&parameters.user_scope, AskedFor::ForUser)?;
    if bot_scopes.is_empty() && user_scopes.is_empty() {
        return Err(refused("no_scopes", "the app asks for nothing"));
    }
    let checked = Checked { app, bot_scopes, user_scopes, redirect_uri };
    check_challenge(parameters, &checked)?;
    Ok(checked)
}

fn redirect_uri(parameters: &Parameters, app: &RegisteredApp) -> Result<String, ErrorPage> {
    let registered = &app.redirect_uris;
    let chosen = match &parameters.redirect_uri {
        None => registered.first(),
        Some(given) => registered.iter().find(|known| *known == given),
    };
    let why = "the redirect URI is not registered with the app, character by character";
    chosen.cloned().ok_or_else(|| refused("bad_redirect_uri", why))
}

fn parse_scopes(list: &str, asked: AskedFor) -> Result<Vec<&'static Scope>, ErrorPage> {
    scopes::parse(list, asked).map_err(|name| {
        refused(
            "invalid_scope",
            &format!("Slack gives out no scope `{name}` for this kind of token"),
        )
    })
}

/// Apps with PKCE must use it where the redirect stays on the device; S256 is the only method.
fn check_challenge(parameters: &Parameters, checked: &Checked) -> Result<(), ErrorPage> {
    let on_device = checked.app.stays_on_device(&checked.redirect_uri);
    if on_device && !checked.bot_scopes.is_empty() {
        let why = "an app with PKCE gets no bot scopes through a redirect to this device";
        return Err(refused("invalid_scope", why));
    }
    if let Some(challenge) = &parameters.code_challenge {
        let s256 = parameters.code_challenge_method.as_deref() == Some("S256");
        let sound = s256 && pkce::is_challenge(challenge);
        let why = "the code challenge is not the base64url of a SHA-256 with method S256";
        return if sound { Ok(()) } else { Err(refused("invalid_code_challenge", why)) };
    }
    if on_device {
        let why = "an app with PKCE needs a code challenge for a redirect to this device";
        return Err(refused("invalid_code_challenge", why));
    }
    Ok(())
}

fn refused(code: &'static str, why: &str) -> ErrorPage {
    ErrorPage::new(SERVICE, StatusCode::BAD_REQUEST, code, why)
}

fn names(scopes: &[&'static Scope]) -> Vec<&'static str> {
    scopes.iter().map(|scope| scope.name).collect()
}

// === impl Parameters ===

impl Parameters {
    fn parse(query: &str) -> Self {
        let mut parameters = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match &*name {
                "client_id" => parameters.client_id = value,
                "scope" => parameters.scope = value,
                "user_scope" => parameters.user_scope = value,
                "redirect_uri" => parameters.redirect_uri = Some(value),
                "state" => parameters.state = Some(value),
                "team" => parameters.team = Some(value),
                "code_challenge" => parameters.code_challenge = Some(value),
                "code_challenge_method" => parameters.code_challenge_method = Some(value),
                _ => {}
            }
        }
        parameters
    }
}
