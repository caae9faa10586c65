use axum::extract::{RawQuery, State};
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

use super::{SESSION, decision};
use crate::github::app::RegisteredApp;
use crate::github::pages::ConsentPage;
use crate::github::scopes::{self, Scope};
use crate::github::state::{Asked, State as GithubState};
use crate::github::{Github, SERVICE};
use crate::pages::ErrorPage;
use crate::pkce;
use crate::requests::Noted;

/// The parameters of the authorize URL; of repeated ones the last counts.
#[derive(Default)]
struct Parameters {
    client_id: String,
    scope: String,
    redirect_uri: Option<String>,
    state: Option<String>,
    login: Option<String>,
    prompt: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
}

/// Why an app is sent back without having been put before a person.
struct SentBack(&'static str, String);

/// Shows what an app asks for, or sends the browser on where all was granted before.
pub(crate) async fn get(
    State(github): State<Github>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let parameters = Parameters::parse(query.as_deref().unwrap_or_default());
    let client_id = parameters.client_id.clone();
    let mut response = show(&github, &headers, parameters);
    let noted = Noted { client_id: Some(client_id), ..Noted::default() };
    response.extensions_mut().insert(noted);
    response
}

fn show(github: &Github, headers: &HeaderMap, parameters: Parameters) -> Response {
    let mut state = github.state();
    let app = state.apps.get(&parameters.client_id).map(|app| app.public.clone());
    let Some(app) = app else {
        let why = "no app has this client id";
        return ErrorPage::new(SERVICE, StatusCode::NOT_FOUND, "not_found", why).into_response();
    };
    let signed_in = signed_in(headers).filter(|login| state.world.person(login).is_some());
    let asked = match check(&parameters, &app) {
        Ok((redirect_uri, scopes)) => Asked {
            client_id: app.client_id.clone(),
            scopes: names(&scopes),
            redirect_uri,
            state: parameters.state,
            code_challenge: parameters.code_challenge,
        },
        // To the first redirect URI: the one given is not to be trusted.
        Err(SentBack(error, why)) => {
            let to = app.redirect_uris.first().map_or("", String::as_str);
            return decision::refuse(to, parameters.state.as_deref(), (error, &why), &app);
        }
    };
    let known = signed_in.filter(|_| parameters.prompt.as_deref() != Some("select_account"));
    if let Some((asked, login)) = known.and_then(|login| granted(&asked, login, &state)) {
        return decision::allow(github, &mut state, asked, &login);
    }
    let consent = github.outside.secret("consent-");
    let chosen = parameters.login.as_deref().or(signed_in).unwrap_or_default();
    let scopes = scopes::named(&asked.scopes);
    let people = state.world.people();
    let page = ConsentPage::new(&app, people, chosen, &consent, (&asked.redirect_uri, scopes));
    let response = page.into_response();
    state.consents.open(consent, asked, github.outside.now());
    response
}

/// Returns what a person has granted all of before, or, where nothing is asked for, whatever it
/// was.
fn granted(asked: &Asked, login: &str, state: &GithubState) -> Option<(Asked, String)> {
    let known = state.tokens.granted(&asked.client_id, login)?;
    let mut asked = asked.clone();
    if asked.scopes.is_empty() {
        asked.scopes.clone_from(&known.scopes);
    }
    let all = asked.scopes.iter().all(|scope| scopes::covers(&known.scopes, scope));
    all.then(|| (asked, login.to_owned()))
}

fn check(
    parameters: &Parameters,
    app: &RegisteredApp,
) -> Result<(String, Vec<&'static Scope>), SentBack> {
    let chosen = match &parameters.redirect_uri {
        None => app.redirect_uris.first(),
        Some(given) => app.redirect_uris.iter().find(|known| *known == given),
    };
    let mismatch = "The redirect_uri MUST match the registered callback URL for this application.";
    let chosen = chosen.cloned();
    let chosen = chosen.ok_or_else(|| SentBack("redirect_uri_mismatch", mismatch.to_owned()))?;
    let invalid = |why: String| SentBack("invalid_scope", why);
    let scopes = scopes::parse(&parameters.scope)
        .map_err(|name| invalid(format!("The scopes requested are invalid: {name}.")))?;
    if let Some(challenge) = &parameters.code_challenge {
        let s256 = parameters.code_challenge_method.as_deref() == Some("S256");
        if !s256 || !pkce::is_challenge(challenge) {
            let why = "The code_challenge needs the method S256.".to_owned();
            return Err(SentBack("invalid_request", why));
        }
    }
    Ok((chosen, scopes))
}

fn signed_in(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == SESSION).map(|(_, login)| login)
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
                "redirect_uri" => parameters.redirect_uri = Some(value),
                "state" => parameters.state = Some(value),
                "login" => parameters.login = Some(value),
                "prompt" => parameters.prompt = Some(value),
                "code_challenge" => parameters.code_challenge = Some(value),
                "code_challenge_method" => parameters.code_challenge_method = Some(value),
                _ => {}
            }
        }
        parameters
    }
}
