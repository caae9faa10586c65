//! The Notion stand-in's answers, held against Notion's official description.

use serde_json::json;

use crate::harness::Answer;
use crate::notion::*;
use crate::official_description::Description;

/// Returns what the description has against an answer. Refusals that it leaves out are like others.
#[track_caller]
fn faults(description: &Description, operation: [&str; 2], answer: &Answer) -> Vec<String> {
    let status = answer.status.as_u16();
    let status = if description.describes(operation, status) { status } else { 400 };
    description.faults(operation, status, &answer.json())
}

#[tokio::test]
async fn answers_and_refusals_are_as_the_official_description_says() {
    // It comes with Notion's own MCP server.
    let file = "@notionhq/notion-mcp-server/scripts/notion-openapi.json";
    let description = Description::of(file);
    let harness = with_app(|_| {});
    let bot = token(&harness, &[HANDBOOK, ROADMAP]).await;
    for (operation, path) in [
        ("/v1/users/me", "users/me".to_owned()),
        ("/v1/pages/{page_id}", format!("pages/{HANDBOOK}")),
        ("/v1/pages/{page_id}/markdown", format!("pages/{HANDBOOK}/markdown")),
        ("/v1/blocks/{block_id}/children", format!("blocks/{HANDBOOK}/children")),
        ("/v1/data_sources/{data_source_id}", format!("data_sources/{ROADMAP}")),
    ] {
        for token in [bot.as_str(), "ntn_nobody"] {
            let answer = get(&harness, token, &path).await;
            assert_eq!(faults(&description, ["get", operation], &answer), [""; 0], "{path}");
        }
    }
    let hidden = get(&harness, &bot, &format!("pages/{WIKI}/markdown")).await;
    let markdown = ["get", "/v1/pages/{page_id}/markdown"];
    assert_eq!(faults(&description, markdown, &hidden), [""; 0]);
    let title = json!({ "title": { "title": [{ "text": { "content": "a" } }] } });
    let page = json!({ "parent": { "page_id": HANDBOOK }, "properties": title });
    for (path, body) in
        [("search", json!({})), ("search", json!({ "page_size": 0 })), ("pages", page)]
    {
        let answer = post(&harness, &bot, path, &body).await;
        let operation = format!("/v1/{path}");
        assert_eq!(faults(&description, ["post", &operation], &answer), [""; 0], "{body}");
    }
    let read = get(&harness, &bot, &format!("pages/{HANDBOOK}/markdown")).await;
    let wrong = Answer { text: json!({ "id": "here", "markdown": 7 }).to_string(), ..read };
    assert_eq!(faults(&description, markdown, &wrong).len(), 2, "two wrong members are found");
}
