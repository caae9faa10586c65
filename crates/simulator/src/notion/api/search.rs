use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::paging::Wanted;
use super::{Call, answer, object};
use crate::notion::Notion;
use crate::notion::answer::Refusal;
use crate::notion::app::Capability;
use crate::notion::rich_text::only;

/// One that could be found.
struct Candidate {
    title: String,
    edited_at: i64,
    written: Value,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Newest,
    Oldest,
    Relevance,
}

/// Searches titles, and titles only.
pub(crate) async fn post(
    State(notion): State<Notion>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&notion, &headers, Some(Capability::ReadContent), |call| {
        // Everything may be left out, the body too.
        let body = if body.is_empty() { json!({}) } else { object(&headers, &body)? };
        run(call, &body)
    })
}

fn run(call: &Call<'_>, body: &Value) -> Result<Value, Refusal> {
    only(body, "body", &["query", "sort", "filter", "start_cursor", "page_size"])?;
    let query = match &body["query"] {
        Value::Null => String::new(),
        Value::String(query) => query.to_lowercase(),
        other => return Err(Refusal::body("body.query", "a string or `undefined`", Some(other))),
    };
    let (kind, in_trash) = filter(body)?;
    let order = order(body)?;
    let wanted = Wanted::read("body", body.get("page_size"), body.get("start_cursor"))?;
    let mut found = candidates(call, in_trash);
    found.retain(|it| {
        it.title.to_lowercase().contains(&query)
            && kind.is_none_or(|kind| it.written["object"] == kind)
    });
    found.sort_by_key(|it| match order {
        Order::Newest => (false, -it.edited_at),
        Order::Oldest => (false, it.edited_at),
        Order::Relevance => (it.title.to_lowercase() != query, -it.edited_at),
    });
    let mut list = wanted.of(found.into_iter().map(|it| it.written).collect())?;
    list["type"] = "page_or_data_source".into();
    list["page_or_data_source"] = json!({});
    list["request_status"] = json!({ "type": "complete" });
    Ok(list)
}

fn candidates(call: &Call<'_>, in_trash: bool) -> Vec<Candidate> {
    let content = &call.state.content;
    let base = call.outside.public_url();
    let pages = content.pages.iter().filter(|page| page.in_trash == in_trash);
    let pages = pages.filter(|page| call.sees(&page.id)).map(|page| Candidate {
        title: page.title(),
        edited_at: page.edited_at,
        written: content.written_page(page, base),
    });
    let sources = content.data_sources.iter().filter(|it| !in_trash && call.sees(&it.id));
    let sources = sources.map(|source| Candidate {
        title: source.title.clone(),
        edited_at: source.edited_at,
        written: source.written(base),
    });
    pages.chain(sources).collect()
}

fn filter(body: &Value) -> Result<(Option<&'static str>, bool), Refusal> {
    let filter = &body["filter"];
    if filter.is_null() {
        return Ok((None, false));
    }
    only(filter, "body.filter", &["property", "value", "in_trash"])?;
    let in_trash = match &filter["in_trash"] {
        Value::Null => None,
        Value::Bool(flag) => Some(*flag),
        other => return Err(Refusal::body("body.filter.in_trash", "a boolean", Some(other))),
    };
    if filter.get("property").is_none() && filter.get("value").is_none() && in_trash.is_some() {
        return Ok((None, in_trash == Some(true)));
    }
    if filter["property"] != "object" {
        let given = filter.get("property");
        return Err(Refusal::body("body.filter.property", "`\"object\"`", given));
    }
    let kinds = ["page", "data_source"];
    let kind = kinds.into_iter().find(|kind| filter["value"] == *kind).ok_or_else(|| {
        let should = "`\"page\"` or `\"data_source\"`";
        Refusal::body("body.filter.value", should, filter.get("value"))
    })?;
    Ok((Some(kind), in_trash == Some(true)))
}

fn order(body: &Value) -> Result<Order, Refusal> {
    let sort = &body["sort"];
    if sort.is_null() {
        return Ok(Order::Newest);
    }
    only(sort, "body.sort", &["timestamp", "direction", "property"])?;
    if let Some(property) = sort.get("property") {
        return if property == "relevance" && sort.get("timestamp").is_none() {
            Ok(Order::Relevance)
        } else {
            Err(Refusal::body("body.sort.property", "`\"relevance\"`", Some(property)))
        };
    }
    if sort["timestamp"] != "last_edited_time" {
        let should = "`\"last_edited_time\"`";
        return Err(Refusal::body("body.sort.timestamp", should, sort.get("timestamp")));
    }
    match sort["direction"].as_str() {
        Some("descending") => Ok(Order::Newest),
        Some("ascending") => Ok(Order::Oldest),
        _ => {
            let should = "`\"ascending\"` or `\"descending\"`";
            Err(Refusal::body("body.sort.direction", should, sort.get("direction")))
        }
    }
}
