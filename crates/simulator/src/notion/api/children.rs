use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;

use super::answer;
use super::pages::parameters;
use super::paging::Wanted;
use crate::notion::Notion;
use crate::notion::app::Capability;

/// Returns the blocks of a page; blocks inside blocks are not simulated.
pub(crate) async fn get(
    State(notion): State<Notion>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&notion, &headers, Some(Capability::ReadContent), |call| {
        let given = parameters(query.as_deref(), &["page_size", "start_cursor"])?;
        let value = |wanted: &str| given.iter().find(|(name, _)| name == wanted).map(|it| &it.1);
        let size = value("page_size");
        let size =
            size.map(|size| size.parse::<u64>().map_or_else(|_| size.as_str().into(), Value::from));
        let cursor = value("start_cursor").map(|cursor| Value::from(cursor.as_str()));
        let wanted = Wanted::read("query", size.as_ref(), cursor.as_ref())?;
        let mut list = wanted.of(call.state.content.blocks(call.page(&id)?))?;
        list["type"] = "block".into();
        list["block"] = serde_json::json!({});
        Ok(list)
    })
}
