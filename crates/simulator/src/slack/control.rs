//! The controls of the Slack stand-in over HTTP; the README describes each call.

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::{
    GrantSummary, InjectedFault, InvalidApp, InvalidFault, InviteError, RegisteredApp, Slack,
    SlackApp, TokenKind, TokenSelector,
};
use crate::faults::{Fault, Times};
use crate::problem::Problem;
use crate::requests::RecordedRequest;

type Body<T> = Result<Json<T>, JsonRejection>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultRequest {
    endpoint: String,
    fault: Fault,
    #[serde(default = "once")]
    times: Times,
}

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvanceRequest {
    seconds: u32,
}

#[derive(Serialize)]
struct AffectedView {
    affected: usize,
}

#[derive(Serialize)]
struct ListView<T> {
    data: Vec<T>,
}

/// `/_control/slack/…`.
pub(crate) fn router(slack: &Slack) -> Router {
    let slack_routes = Router::new()
        .route("/apps", get(list_apps).post(register_app))
        .route("/apps/invite", post(invite))
        .route("/faults", get(list_faults).post(inject).delete(clear_faults))
        .route("/tokens", get(list_grants))
        .route("/tokens/revoke", post(revoke))
        .route("/tokens/expire", post(expire))
        .route("/clock/advance", post(advance))
        .route("/requests", get(list_requests));
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

async fn list_faults(State(slack): State<Slack>) -> Json<ListView<InjectedFault>> {
    Json(ListView { data: slack.faults() })
}

async fn inject(
    State(slack): State<Slack>,
    body: Body<FaultRequest>,
) -> Result<StatusCode, Problem> {
    let Json(request) = body?;
    slack.inject(&request.endpoint, request.fault, request.times)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_faults(State(slack): State<Slack>) -> StatusCode {
    slack.clear_faults();
    StatusCode::NO_CONTENT
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

async fn advance(
    State(slack): State<Slack>,
    body: Body<AdvanceRequest>,
) -> Result<StatusCode, Problem> {
    slack.advance_clock(body?.0.seconds);
    Ok(StatusCode::NO_CONTENT)
}

async fn list_requests(State(slack): State<Slack>) -> Json<ListView<RecordedRequest>> {
    Json(ListView { data: slack.requests() })
}

fn once() -> Times {
    Times::Next(1)
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

impl From<InvalidApp> for Problem {
    fn from(error: InvalidApp) -> Self {
        Self::invalid("invalid_app", error.to_string())
    }
}

impl From<InvalidFault> for Problem {
    fn from(error: InvalidFault) -> Self {
        Self::invalid("invalid_fault", error.to_string())
    }
}

impl From<InviteError> for Problem {
    fn from(error: InviteError) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", error.to_string())
    }
}
