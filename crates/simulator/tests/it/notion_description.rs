//! The Notion stand-in's answers, held against Notion's official description.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::Answer;
use crate::notion::*;

/// The OpenAPI description that Notion's own MCP server comes with.
fn description() -> Value {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/node_modules");
    let file = peers.join("@notionhq/notion-mcp-server/scripts/notion-openapi.json");
    let text = std::fs::read_to_string(file).expect("`npm ci` in tests/peers puts it there");
    serde_json::from_str(&text).expect("the description is JSON")
}

/// What the description has against an answer.
fn faults(description: &Value, operation: [&str; 2], answer: &Answer) -> Vec<String> {
    let [method, path] = operation;
    let status = answer.status.as_u16().to_string();
    let responses = &description["paths"][path][method]["responses"];
    let response = responses.get(&status).unwrap_or(&responses["400"]);
    let schema = &response["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "there is no {status} of {method} {path}");
    let schema = json!({ "allOf": [schema], "components": description["components"] });
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
    let validator = options.should_validate_formats(true).build(&schema).expect("a schema");
    let body = answer.json();
    validator.iter_errors(&body).map(|error| format!("{error} in {body}")).collect()
}

#[tokio::test]
async fn answers_and_refusals_are_as_the_official_description_says() {
    let description = description();
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
