//! The controls of the Notion stand-in over HTTP; the README describes each call.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::{GrantSummary, Notion, NotionApp, RegisteredApp, TokenSelector, ids};
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
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShareRequest {
    client_id: String,
    id: String,
    shared: bool,
}

/// Serves `/_control/notion/…`.
pub(crate) fn router(notion: &Notion) -> Router {
    let notion_routes = control::common()
        .route("/apps", get(list_apps).post(register_app))
        .route("/share", post(share))
        .route("/tokens", get(list_grants))
        .route("/tokens/revoke", post(revoke))
        .route("/tokens/expire", post(expire));
    Router::new().nest("/_control/notion", notion_routes).with_state(notion.clone())
}

async fn list_apps(State(notion): State<Notion>) -> Json<ListView<RegisteredApp>> {
    Json(ListView { data: notion.apps() })
}

async fn register_app(
    State(notion): State<Notion>,
    body: Body<NotionApp>,
) -> Result<(StatusCode, Json<RegisteredApp>), Problem> {
    Ok((StatusCode::CREATED, Json(notion.register_app(body?.0)?)))
}

async fn share(
    State(notion): State<Notion>,
    body: Body<ShareRequest>,
) -> Result<Json<AffectedView>, Problem> {
    let Json(ShareRequest { client_id, id, shared }) = body?;
    let no_id = || Problem::invalid("invalid_id", "the id of a page or data source is a UUID");
    let id = ids::read(&id).ok_or_else(no_id)?;
    Ok(Json(AffectedView { affected: notion.share(&client_id, &id, shared) }))
}

async fn list_grants(State(notion): State<Notion>) -> Json<ListView<GrantSummary>> {
    Json(ListView { data: notion.grants() })
}

async fn revoke(
    State(notion): State<Notion>,
    body: Body<SelectionRequest>,
) -> Result<Json<AffectedView>, Problem> {
    let affected = notion.revoke(&body?.0.selector()?);
    Ok(Json(AffectedView { affected }))
}

async fn expire(
    State(notion): State<Notion>,
    body: Body<SelectionRequest>,
) -> Result<Json<AffectedView>, Problem> {
    let affected = notion.expire(&body?.0.selector()?);
    Ok(Json(AffectedView { affected }))
}

// === impl SelectionRequest ===

impl SelectionRequest {
    fn selector(self) -> Result<TokenSelector, Problem> {
        let Self { all, token, client_id, user_id } = self;
        let narrowed = token.is_some() || client_id.is_some() || user_id.is_some();
        if all == narrowed {
            let detail = "give `all: true`, or at least one of token, client_id, user_id; not both";
            return Err(Problem::invalid("ambiguous_selection", detail));
        }
        Ok(TokenSelector { token, client_id, user_id })
    }
}
