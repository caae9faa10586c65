//! The controls of the Tavily stand-in over HTTP; the README describes each call.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::{InvalidKey, NewKey, Tavily};
use crate::control::{self, AffectedView, Body, ListView};
use crate::problem::Problem;

/// A key, by the name of its field in forms.
#[derive(Serialize)]
struct KeyView {
    api_key: String,
}

/// One key, or all of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokeRequest {
    api_key: Option<String>,
    #[serde(default)]
    all: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanRequest {
    limit: u64,
}

/// Serves `/_control/tavily/…`.
pub(crate) fn router(tavily: &Tavily) -> Router {
    let routes = control::common()
        .route("/keys", get(list_keys).post(create_key))
        .route("/keys/revoke", post(revoke))
        .route("/plan", post(set_plan));
    Router::new().nest("/_control/tavily", routes).with_state(tavily.clone())
}

async fn list_keys(State(tavily): State<Tavily>) -> Json<ListView<KeyView>> {
    let keys = tavily.keys().into_iter();
    Json(ListView { data: keys.map(|api_key| KeyView { api_key }).collect() })
}

async fn create_key(
    State(tavily): State<Tavily>,
    body: Body<NewKey>,
) -> Result<(StatusCode, Json<KeyView>), Problem> {
    let api_key = tavily.create_key(body?.0)?;
    Ok((StatusCode::CREATED, Json(KeyView { api_key })))
}

async fn revoke(
    State(tavily): State<Tavily>,
    body: Body<RevokeRequest>,
) -> Result<Json<AffectedView>, Problem> {
    let selected = match body?.0 {
        RevokeRequest { api_key: Some(api_key), all: false } => vec![api_key],
        RevokeRequest { api_key: None, all: true } => tavily.keys(),
        _ => {
            let detail = "give `all: true` or an api_key; not both";
            return Err(Problem::invalid("ambiguous_selection", detail));
        }
    };
    let affected = selected.iter().filter(|key| tavily.revoke_key(key)).count();
    Ok(Json(AffectedView { affected }))
}

async fn set_plan(
    State(tavily): State<Tavily>,
    body: Body<PlanRequest>,
) -> Result<StatusCode, Problem> {
    tavily.set_plan_limit(body?.0.limit);
    Ok(StatusCode::NO_CONTENT)
}

// === impl Problem ===

impl From<InvalidKey> for Problem {
    fn from(error: InvalidKey) -> Self {
        Self::invalid("invalid_key", error.to_string())
    }
}
