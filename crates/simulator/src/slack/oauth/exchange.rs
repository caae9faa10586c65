use serde_json::{Value, json};

use super::client::Client;
use crate::outside::Outside;
use crate::pkce;
use crate::slack::answer::{Members, Refusal, members};
use crate::slack::api::Arguments;
use crate::slack::app::RegisteredApp;
use crate::slack::consents::Agreed;
use crate::slack::state::State;
use crate::slack::tokens::{ACCESS_SECONDS, Grant, Issued, Terms, TokenKind};

/// Exchanges a code; whatever comes of it, the code is used up.
pub(super) fn run(
    client: &Client,
    arguments: &Arguments,
    state: &mut State,
    outside: &Outside,
) -> Result<Members, Refusal> {
    let code = arguments.filled("code")?.unwrap_or_default();
    let agreed = state.consents.redeem(code, outside.now());
    let agreed = agreed.filter(|agreed| agreed.asked.client_id == client.app.client_id);
    let agreed = agreed.ok_or(Refusal::new("invalid_code"))?;
    check_redirect_uri(&agreed, arguments.text("redirect_uri")?)?;
    check_verifier(client, &agreed, arguments.filled("code_verifier")?)?;
    Ok(issue(client, &agreed, state, outside))
}

/// Checks the redirect URI: an app that named the redirect URI at authorize has to repeat it; one
/// that did not may omit it.
fn check_redirect_uri(agreed: &Agreed, given: Option<&str>) -> Result<(), Refusal> {
    let same = match given {
        Some(given) => given == agreed.asked.redirect_uri,
        None => !agreed.asked.redirect_uri_sent,
    };
    if same { Ok(()) } else { Err(Refusal::new("bad_redirect_uri")) }
}

fn check_verifier(client: &Client, agreed: &Agreed, verifier: Option<&str>) -> Result<(), Refusal> {
    let challenge = agreed.asked.code_challenge.as_deref();
    if !client.app.pkce && (challenge.is_some() || verifier.is_some()) {
        return Err(Refusal::new("pkce_not_allowed"));
    }
    match (challenge, verifier) {
        (Some(challenge), Some(verifier)) if pkce::verifies(verifier, challenge) => Ok(()),
        (None, None) if client.proven => Ok(()),
        (None, None) => Err(Refusal::new("bad_client_secret")),
        _ => Err(Refusal::new("invalid_code_verifier")),
    }
}

fn issue(client: &Client, agreed: &Agreed, state: &mut State, outside: &Outside) -> Members {
    let app = &client.app;
    let on_device = app.stays_on_device(&agreed.asked.redirect_uri);
    let terms = Terms { on_device, ..Terms::of(app) };
    let mut grant = |kind, user: &str, scopes: &[&str]| {
        let scopes: Vec<_> = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let client_id = app.client_id.clone();
        let user = user.to_owned();
        let asked = Grant { client_id, kind, user, scopes };
        (!asked.scopes.is_empty()).then(|| state.tokens.issue(asked, terms, outside))
    };
    let bot = grant(TokenKind::Bot, &app.bot_user_id, &agreed.asked.bot_scopes);
    let user = grant(TokenKind::User, &agreed.person, &agreed.asked.user_scopes);
    let mut answer = Members::new();
    let mut team = json!({ "id": state.workspace.id });
    if let Some(bot) = bot {
        answer = token(&bot);
        answer.insert("bot_user_id".to_owned(), json!(app.bot_user_id));
        // Slack's own example of an answer for a user token alone has no team name.
        team["name"] = json!(state.workspace.name);
    }
    answer.extend(installation(app, &team));
    let mut authed_user = members(json!({ "id": agreed.person }));
    authed_user.extend(user.as_ref().map(token).unwrap_or_default());
    answer.insert("authed_user".to_owned(), Value::Object(authed_user));
    answer
}

/// Returns the members that describe one token.
pub(super) fn token(issued: &Issued) -> Members {
    let mut token = members(json!({
        "access_token": issued.access_token,
        "token_type": issued.grant.kind.name(),
        "scope": issued.grant.scopes.join(","),
    }));
    if let Some(refresh_token) = &issued.refresh_token {
        token.insert("expires_in".to_owned(), json!(ACCESS_SECONDS));
        token.insert("refresh_token".to_owned(), json!(refresh_token));
    }
    token
}

/// Returns the members that say which app is installed where.
pub(super) fn installation(app: &RegisteredApp, team: &Value) -> Members {
    members(json!({
        "app_id": app.app_id,
        "team": team,
        "enterprise": null,
        "is_enterprise_install": false,
    }))
}

// === impl Terms ===

impl Terms {
    pub(super) fn of(app: &RegisteredApp) -> Self {
        Self { rotation: app.token_rotation, pkce: app.pkce, on_device: false }
    }
}
