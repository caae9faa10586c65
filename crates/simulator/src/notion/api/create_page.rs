use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Map, Value};

use super::{Call, answer, object, properties};
use crate::notion::Notion;
use crate::notion::answer::Refusal;
use crate::notion::app::Capability;
use crate::notion::blocks::{self, Block};
use crate::notion::content::{Page, Parent};
use crate::notion::ids;
use crate::notion::rich_text::{LONGEST_LIST, only, too_long};

const MEMBERS: &[&str] = &["parent", "properties", "icon", "children", "markdown"];
/// What the API takes besides, and is not simulated.
const NOT_SIMULATED: &[&str] = &["cover", "content", "allow_async", "template", "position"];
const KINDS_OF_PARENT: [&str; 4] = ["page_id", "data_source_id", "database_id", "workspace"];

/// Makes a page.
pub(crate) async fn post(
    State(notion): State<Notion>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&notion, &headers, Some(Capability::InsertContent), |call| {
        let body = object(&headers, &body)?;
        if let Some(name) = NOT_SIMULATED.iter().find(|name| body.get(**name).is_some()) {
            return Err(Refusal::invalid(format!("body.{name} is not simulated.")));
        }
        only(&body, "body", MEMBERS)?;
        let page = read(call, &body)?;
        let written = call.written(&page);
        if page.parent == Parent::Workspace {
            call.state.tokens.share_with_bot(&call.grant.bot_id, &page.id);
        }
        call.state.content.pages.push(page);
        Ok(written)
    })
}

fn read(call: &Call<'_>, body: &Value) -> Result<Page, Refusal> {
    let parent = parent(call, body)?;
    let now = call.outside.now();
    Ok(Page {
        id: ids::fresh(call.outside),
        properties: read_properties(call, &parent, body)?,
        blocks: text(call, body)?,
        icon: icon(body)?,
        made_at: now,
        edited_at: now,
        made_by: call.grant.bot_id.clone(),
        in_trash: false,
        private_to: (parent == Parent::Workspace).then(|| call.grant.person.clone()),
        parent,
    })
}

fn parent(call: &Call<'_>, body: &Value) -> Result<Parent, Refusal> {
    let parent = &body["parent"];
    let known = [&KINDS_OF_PARENT[..], &["type"]].concat();
    only(parent, "body.parent", &known)?;
    let mut given = KINDS_OF_PARENT.into_iter().filter(|kind| parent.get(kind).is_some());
    let (Some(kind), None) = (given.next(), given.next()) else {
        let should = "exactly one of page_id, data_source_id, database_id and workspace";
        return Err(Refusal::body("body.parent", should, Some(parent)));
    };
    if parent.get("type").is_some_and(|named| named != kind) {
        let should = format!("`\"{kind}\"`");
        return Err(Refusal::body("body.parent.type", &should, parent.get("type")));
    }
    let at = format!("body.parent.{kind}");
    if kind == "workspace" {
        return match parent[kind] {
            Value::Bool(true) => Ok(Parent::Workspace),
            _ => Err(Refusal::body(&at, "`true`", parent.get(kind))),
        };
    }
    let id = parent[kind].as_str().and_then(ids::read);
    let id = id.ok_or_else(|| Refusal::body(&at, "a valid uuid", parent.get(kind)))?;
    if kind == "page_id" {
        return Ok(Parent::Page(call.page(&id)?.id.clone()));
    }
    let source = call.data_source(&id)?;
    let named = if kind == "database_id" { &source.database_id } else { &source.id };
    if *named != id {
        let what = kind.trim_end_matches("_id").replace('_', " ");
        return Err(Refusal::not_found(&what, &id, &call.app.name));
    }
    Ok(Parent::DataSource(source.id.clone()))
}

fn read_properties(
    call: &Call<'_>,
    parent: &Parent,
    body: &Value,
) -> Result<Map<String, Value>, Refusal> {
    let given = body.get("properties").and_then(Value::as_object);
    let missing = || Refusal::body("body.properties", "an object", body.get("properties"));
    let given = given.ok_or_else(missing)?;
    let people = &call.state.workspace.people;
    match parent {
        Parent::DataSource(id) => {
            properties::of_data_source(given, &call.data_source(id)?.properties, people)
        }
        Parent::Page(_) | Parent::Workspace => properties::of_page(given, people),
    }
}

fn text(call: &Call<'_>, body: &Value) -> Result<Vec<Block>, Refusal> {
    match (body.get("markdown"), body.get("children")) {
        (None, None) => Ok(Vec::new()),
        (Some(markdown), None) => {
            let text = markdown.as_str();
            let text =
                text.ok_or_else(|| Refusal::body("body.markdown", "a string", Some(markdown)))?;
            Ok(blocks::from_markdown(text, || ids::fresh(call.outside)))
        }
        (None, Some(children)) => {
            let wrong = || Refusal::body("body.children", "an array", Some(children));
            let items = children.as_array().ok_or_else(wrong)?;
            if items.len() > LONGEST_LIST {
                return Err(too_long("body.children", items.len(), LONGEST_LIST));
            }
            let items = items.iter().enumerate();
            let block = |(at, item): (usize, &Value)| {
                blocks::read(item, &format!("body.children[{at}]"), ids::fresh(call.outside))
            };
            items.map(block).collect()
        }
        (Some(_), Some(_)) => Err(Refusal::invalid(
            "body failed validation: markdown and children exclude each other.",
        )),
    }
}

fn icon(body: &Value) -> Result<Value, Refusal> {
    let icon = &body["icon"];
    if icon.is_null() {
        return Ok(Value::Null);
    }
    only(icon, "body.icon", &["type", "emoji"])?;
    let emoji = icon["emoji"].as_str().filter(|emoji| !emoji.is_empty());
    let emoji =
        emoji.ok_or_else(|| Refusal::body("body.icon.emoji", "an emoji", icon.get("emoji")))?;
    Ok(serde_json::json!({ "type": "emoji", "emoji": emoji }))
}
