use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{LATEST, answer};
use crate::notion::Notion;
use crate::notion::answer::Refusal;
use crate::notion::app::Capability;

/// Returns a page with its properties.
pub(crate) async fn get(
    State(notion): State<Notion>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&notion, &headers, Some(Capability::ReadContent), |call| {
        let mut written = call.written(call.page(&id)?);
        let wanted = parameters(query.as_deref(), &["filter_properties"])?;
        if !wanted.is_empty() {
            keep(&mut written["properties"], &wanted);
        }
        Ok(written)
    })
}

/// Returns a page's text.
pub(crate) async fn markdown(
    State(notion): State<Notion>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&notion, &headers, Some(Capability::ReadContent), |call| {
        if !call.is_latest {
            let message = format!("This endpoint needs Notion-Version {LATEST} or later.");
            return Err(Refusal::invalid(message));
        }
        let wanted = parameters(query.as_deref(), &["include_transcript"])?;
        if let Some((_, value)) =
            wanted.iter().find(|(_, value)| !["true", "false"].contains(&value.as_str()))
        {
            let message = format!(
                "query failed validation: query.include_transcript should be a boolean, instead \
                 was `\"{value}\"`."
            );
            return Err(Refusal::invalid(message));
        }
        let page = call.page(&id)?;
        Ok(json!({
            "object": "page_markdown",
            "id": page.id,
            "markdown": call.state.content.markdown(page, call.outside.public_url()),
            "truncated": false,
            "unknown_block_ids": [],
        }))
    })
}

/// Returns the parameters of a query, of which only these are known.
pub(super) fn parameters(
    query: Option<&str>,
    known: &[&str],
) -> Result<Vec<(String, String)>, Refusal> {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned();
    let pairs: Vec<_> = pairs.collect();
    match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        None => Ok(pairs),
        Some((name, value)) => Err(Refusal::invalid(format!(
            "query failed validation: query.{name} should be not present, instead was \
             `\"{value}\"`."
        ))),
    }
}

fn keep(properties: &mut Value, wanted: &[(String, String)]) {
    if let Some(properties) = properties.as_object_mut() {
        properties.retain(|_, property| wanted.iter().any(|(_, id)| property["id"] == *id));
    }
}
