use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::client::{body, client, text};
use crate::notion::Notion;
use crate::notion::answer::{Refusal, respond};
use crate::notion::api::users;
use crate::notion::app::RegisteredApp;
use crate::notion::consents::Agreed;
use crate::notion::state::State as NotionState;
use crate::notion::tokens::Issued;
use crate::outside::Outside;
use crate::requests::Noted;

const MEMBERS: &[&str] =
    &["grant_type", "code", "redirect_uri", "refresh_token", "external_account"];

/// Codes and refresh tokens become tokens.
pub(crate) async fn post(
    State(notion): State<Notion>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let mut noted = Noted::default();
    let outcome = grant(&notion, &headers, &bytes, &mut noted);
    respond(outcome, &notion.outside, noted)
}

fn grant(
    notion: &Notion,
    headers: &HeaderMap,
    bytes: &[u8],
    noted: &mut Noted,
) -> Result<Value, Refusal> {
    let mut state = notion.state();
    let app = client(headers, &state)?;
    noted.client_id = Some(app.client_id.clone());
    let body = body(headers, bytes, MEMBERS)?;
    let grant_type = text(&body, "grant_type")?;
    noted.grant_type = Some(grant_type.to_owned());
    let issued = match grant_type {
        "authorization_code" => exchange(&app, &body, &mut state, &notion.outside)?,
        "refresh_token" => {
            let token = text(&body, "refresh_token")?;
            state.tokens.rotate(token, &app.client_id, &notion.outside)?
        }
        _ => {
            let should = "`\"authorization_code\"` or `\"refresh_token\"`";
            return Err(Refusal::body("body.grant_type", should, body.get("grant_type")));
        }
    };
    Ok(granted(&app, &issued, &state))
}

/// Exchanges a code; whatever comes of it, the code is used up.
fn exchange(
    app: &RegisteredApp,
    body: &Value,
    state: &mut NotionState,
    outside: &Outside,
) -> Result<Issued, Refusal> {
    let code = text(body, "code")?;
    let agreed = state.consents.redeem(code, outside.now());
    let agreed = agreed.filter(|agreed| agreed.asked.client_id == app.client_id);
    let wrong = || Refusal::oauth("invalid_grant", "Invalid code.");
    let agreed = agreed.ok_or_else(wrong)?;
    check_redirect_uri(&agreed, app, body.get("redirect_uri"))?;
    let Agreed { person, shared, .. } = agreed;
    let grant = state.tokens.connect(&app.client_id, &person, shared, outside);
    Ok(state.tokens.issue(grant, app.refresh_tokens, outside))
}

/// Checks the redirect URI: it has to be repeated where it was in the authorize URL or the app has
/// several, and may not stand here otherwise.
fn check_redirect_uri(
    agreed: &Agreed,
    app: &RegisteredApp,
    given: Option<&Value>,
) -> Result<(), Refusal> {
    let wanted = agreed.asked.redirect_uri_sent || app.redirect_uris.len() > 1;
    match given {
        None if wanted => Err(Refusal::oauth("invalid_grant", "Missing redirect_uri.")),
        Some(_) if !wanted => {
            let why = "redirect_uri was not in the authorize URL and may not be here.";
            Err(Refusal::oauth("invalid_grant", why))
        }
        Some(given) if *given != agreed.asked.redirect_uri => {
            Err(Refusal::oauth("invalid_grant", "Mismatched redirect_uri."))
        }
        _ => Ok(()),
    }
}

fn granted(app: &RegisteredApp, issued: &Issued, state: &NotionState) -> Value {
    json!({
        "access_token": issued.access_token,
        "token_type": "bearer",
        "refresh_token": issued.refresh_token,
        "bot_id": issued.grant.bot_id,
        "workspace_id": state.workspace.id,
        "workspace_name": state.workspace.name,
        "workspace_icon": null,
        "owner": users::owner(&issued.grant, app, &state.workspace),
        "duplicated_template_id": null,
    })
}
