use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::{answer, path_id};
use crate::notion::Notion;
use crate::notion::answer::Refusal;
use crate::notion::app::Capability;

/// Returns a data source with what its pages have.
pub(crate) async fn get(
    State(notion): State<Notion>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(&notion, &headers, Some(Capability::ReadContent), |call| {
        let id = path_id("data_source_id", &id)?;
        let found = call.data_source(&id)?;
        if found.id != id {
            return Err(Refusal::not_found("data source", &id, &call.app.name));
        }
        Ok(found.written(call.outside.public_url()))
    })
}
