use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

use crate::notion::app::RegisteredApp;
use crate::notion::consents::Asked;
use crate::notion::pages::ConsentPage;
use crate::notion::state::State as NotionState;
use crate::notion::{Notion, SERVICE};
use crate::pages::ErrorPage;
use crate::requests::Noted;

/// The parameters of the authorize URL; of repeated ones the last counts.
#[derive(Default)]
struct Parameters {
    client_id: String,
    redirect_uri: Option<String>,
    response_type: String,
    owner: String,
    state: Option<String>,
}

/// Shows what an app asks for, and what could be shared with it.
pub(crate) async fn get(State(notion): State<Notion>, RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::parse(query.as_deref().unwrap_or_default());
    let client_id = Some(parameters.client_id.clone());
    let mut response = show(&notion, parameters).unwrap_or_else(ErrorPage::into_response);
    response.extensions_mut().insert(Noted { client_id, ..Noted::default() });
    response
}

fn show(notion: &Notion, parameters: Parameters) -> Result<Response, ErrorPage> {
    let mut state = notion.state();
    let app = check(&parameters, &state)?;
    let redirect_uri = redirect_uri(&parameters, &app)?;
    let consent = notion.outside.secret("consent-");
    let response = ConsentPage::new(&app, &state, &consent, &redirect_uri).into_response();
    let asked = Asked {
        client_id: app.client_id,
        redirect_uri,
        redirect_uri_sent: parameters.redirect_uri.is_some(),
        state: parameters.state,
    };
    state.consents.open(consent, asked, notion.outside.now());
    Ok(response)
}

fn check(parameters: &Parameters, state: &NotionState) -> Result<RegisteredApp, ErrorPage> {
    if parameters.response_type != "code" {
        return Err(refused("invalid_request", "`response_type` has to be `code`"));
    }
    if parameters.owner != "user" {
        return Err(refused("invalid_request", "`owner` has to be `user`"));
    }
    let app = state.apps.get(&parameters.client_id).map(|app| app.public.clone());
    app.ok_or_else(|| refused("invalid_client", "no connection has this client id"))
}

fn redirect_uri(parameters: &Parameters, app: &RegisteredApp) -> Result<String, ErrorPage> {
    let registered = &app.redirect_uris;
    let chosen = match &parameters.redirect_uri {
        None if registered.len() == 1 => registered.first(),
        None => None,
        Some(given) => registered.iter().find(|known| *known == given),
    };
    let why = "the redirect URI is not registered with the connection, character by character";
    chosen.cloned().ok_or_else(|| refused("invalid_redirect_uri", why))
}

pub(super) fn refused(code: &'static str, why: &str) -> ErrorPage {
    ErrorPage::new(SERVICE, StatusCode::BAD_REQUEST, code, why)
}

// === impl Parameters ===

impl Parameters {
    fn parse(query: &str) -> Self {
        let mut parameters = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match &*name {
                "client_id" => parameters.client_id = value,
                "redirect_uri" => parameters.redirect_uri = Some(value),
                "response_type" => parameters.response_type = value,
                "owner" => parameters.owner = value,
                "state" => parameters.state = Some(value),
                _ => {}
            }
        }
        parameters
    }
}
