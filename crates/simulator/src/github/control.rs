//! The controls of the GitHub stand-in over HTTP; the README describes each call.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::{Github, GithubApp, GrantSummary, RegisteredApp, TokenSelector};
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
    login: Option<String>,
}

/// Serves `/_control/github/…`.
pub(crate) fn router(github: &Github) -> Router {
    let routes = control::common()
        .route("/apps", get(list_apps).post(register_app))
        .route("/tokens", get(list_grants))
        .route("/tokens/revoke", post(revoke))
        .route("/tokens/expire", post(expire));
    Router::new().nest("/_control/github", routes).with_state(github.clone())
}

async fn list_apps(State(github): State<Github>) -> Json<ListView<RegisteredApp>> {
    Json(ListView { data: github.apps() })
}

async fn register_app(
    State(github): State<Github>,
    body: Body<GithubApp>,
) -> Result<(StatusCode, Json<RegisteredApp>), Problem> {
    Ok((StatusCode::CREATED, Json(github.register_app(body?.0)?)))
}

async fn list_grants(State(github): State<Github>) -> Json<ListView<GrantSummary>> {
    Json(ListView { data: github.grants() })
}

async fn revoke(
    State(github): State<Github>,
    body: Body<SelectionRequest>,
) -> Result<Json<AffectedView>, Problem> {
    let affected = github.revoke(&body?.0.selector()?);
    Ok(Json(AffectedView { affected }))
}

async fn expire(
    State(github): State<Github>,
    body: Body<SelectionRequest>,
) -> Result<Json<AffectedView>, Problem> {
    let affected = github.expire(&body?.0.selector()?);
    Ok(Json(AffectedView { affected }))
}

// === impl SelectionRequest ===

impl SelectionRequest {
    fn selector(self) -> Result<TokenSelector, Problem> {
        let Self { all, token, client_id, login } = self;
        if all == (token.is_some() || client_id.is_some() || login.is_some()) {
            let detail = "give `all: true`, or at least one of token, client_id, login; not both";
            return Err(Problem::invalid("ambiguous_selection", detail));
        }
        Ok(TokenSelector { token, client_id, login })
    }
}
