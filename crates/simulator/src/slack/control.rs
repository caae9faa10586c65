//! The controls of the Slack stand-in over HTTP; the README describes each call.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::{GrantSummary, InviteError, RegisteredApp, Slack, SlackApp, TokenKind, TokenSelector};
use crate::control::{self, AffectedView, Body, ListView};
use crate::problem::Problem;

/// A selector of which at least one criterion is given, so that nobody revokes all by a typo.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SelectionRequest {
    #[serde(default)]
    all: bool,
    token: Option<String>,
    client_id: Option<String>,
    user_id: Option<String>,
    token_type: Option<TokenKind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InviteRequest {
    client_id: String,
    channel: String,
}

/// Serves `/_control/slack/…`.
pub(crate) fn router(slack: &Slack) -> Router {
    let slack_routes = control::common()
        .route("/apps", get(list_apps).post(register_app))
        .route("/apps/invite", post(invite))
        .route("/tokens", get(list_grants))
        .route("/tokens/revoke", post(revoke))
        .route("/tokens/expire", post(expire));
    Router::new().nest("/_control/slack", slack_routes).with_state(slack.clone())
}

async fn list_apps(State(slack): State<Slack>) -> Json<ListView<RegisteredApp>> {
    Json(ListView { data: slack.apps() })
}

async fn register_app(
    State(slack): State<Slack>,
    body: Body<SlackApp>,
) -> Result<(StatusCode, Json<RegisteredApp>), Problem> {
    Ok((StatusCode::CREATED, Json(slack.register_app(body?.0)?)))
}

async fn invite(
    State(slack): State<Slack>,
    body: Body<InviteRequest>,
) -> Result<StatusCode, Problem> {
    let Json(request) = body?;
    slack.invite_bot(&request.client_id, &request.channel)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_grants(State(slack): State<Slack>) -> Json<ListView<GrantSummary>> {
    Json(ListView { data: slack.grants() })
}

async fn revoke(
    State(slack): State<Slack>,
    body: Body<SelectionRequest>,
) -> Result<Json<AffectedView>, Problem> {
    let affected = slack.revoke(&body?.0.selector()?);
    Ok(Json(AffectedView { affected }))
}

async fn expire(
    State(slack): State<Slack>,
    body: Body<SelectionRequest>,
) -> Result<Json<AffectedView>, Problem> {
    let affected = slack.expire(&body?.0.selector()?);
    Ok(Json(AffectedView { affected }))
}

// === impl SelectionRequest ===

impl SelectionRequest {
    fn selector(self) -> Result<TokenSelector, Problem> {
        let Self { all, token, client_id, user_id, token_type } = self;
        let narrowed =
            token.is_some() || client_id.is_some() || user_id.is_some() || token_type.is_some();
        if all == narrowed {
            let detail = "give `all: true`, or at least one of token, client_id, user_id, \
                          token_type; not both";
            return Err(Problem::invalid("ambiguous_selection", detail));
        }
        Ok(TokenSelector { token, client_id, user_id, token_type })
    }
}

// === impl Problem ===

impl From<InviteError> for Problem {
    fn from(error: InviteError) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", error.to_string())
    }
}
