use axum::extract;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::key_of;
use crate::tavily::Tavily;
use crate::tavily::answer::{Refusal, respond};

/// Serves `GET /usage`.
pub(crate) async fn get(
    extract::State(tavily): extract::State<Tavily>,
    headers: HeaderMap,
) -> Response {
    respond(usage(&tavily, &headers))
}

fn usage(tavily: &Tavily, headers: &HeaderMap) -> Result<Value, Refusal> {
    let state = tavily.state();
    let key = key_of(headers, &state)?;
    let key = state.key(&key).ok_or_else(Refusal::unauthorized)?;
    let plan = state.plan_usage();
    Ok(json!({
        "key": {
            "usage": key.usage.total(),
            "limit": key.limit,
            "search_usage": key.usage.search,
            "extract_usage": key.usage.extract,
            "crawl_usage": 0,
            "map_usage": 0,
            "research_usage": 0,
        },
        "account": {
            "current_plan": "Researcher",
            "plan_usage": plan.total(),
            "plan_limit": state.plan_limit,
            "paygo_usage": 0,
            "paygo_limit": null,
            "search_usage": plan.search,
            "extract_usage": plan.extract,
            "crawl_usage": 0,
            "map_usage": 0,
            "research_usage": 0,
        },
    }))
}
