//! What the Notion stand-in's API gives and takes.

use astralform_simulator::notion::Capability;
use astralform_simulator::{Fault, Times};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Harness, text};
use crate::notion::*;

fn ids(list: &Value) -> Vec<&str> {
    let results = list["results"].as_array().expect("a list").iter();
    results.map(|item| item["id"].as_str().expect("an id")).collect()
}

async fn search(harness: &Harness, token: &str, body: Value) -> Value {
    let answer = post(harness, token, "search", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

fn titled(title: &str) -> Value {
    json!({ "title": { "title": [{ "text": { "content": title } }] } })
}

#[tokio::test]
async fn a_call_needs_a_token_a_version_and_an_address() {
    let harness = with_app(|_| {});
    let bot = token(&harness, &[HANDBOOK]).await;
    let send = async |token: Option<&str>, version: Option<&str>, path: &str| {
        let mut request = Request::get(format!("/notion/v1/{path}"));
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(version) = version {
            request = request.header("notion-version", version);
        }
        refusal(&harness.send(request.body(Body::empty()).unwrap()).await)
    };
    let page = format!("pages/{HANDBOOK}");
    assert_eq!(send(None, Some(VERSION), &page).await, refused(401, "unauthorized"));
    assert_eq!(send(Some("ntn_x"), Some(VERSION), &page).await, refused(401, "unauthorized"));
    assert_eq!(send(Some(&bot), None, &page).await, refused(400, "missing_version"));
    for wrong in ["2022-06-28", "2026-03-12", "latest"] {
        assert_eq!(send(Some(&bot), Some(wrong), &page).await, refused(400, "validation_error"));
    }
    let old = send(Some(&bot), Some("2025-09-03"), &format!("{page}/markdown")).await;
    assert_eq!(old, refused(400, "validation_error"), "the endpoint needs a newer version");
    assert_eq!(
        send(Some(&bot), Some(VERSION), "nothing").await,
        refused(400, "invalid_request_url")
    );
}

#[tokio::test]
async fn only_what_is_shared_is_found_and_read_with_what_is_below_it() {
    let harness = with_app(|_| {});
    let bot = token(&harness, &[HANDBOOK, PAYROLL]).await;
    let found = search(&harness, &bot, json!({})).await;
    assert_eq!(ids(&found), [SECURITY, HANDBOOK], "Ada cannot share Alan's page");
    assert_eq!(found["request_status"], json!({ "type": "complete" }));
    for (id, expected) in [(HANDBOOK, 200), (SECURITY, 200), (WIKI, 404), (PAYROLL, 404)] {
        for path in
            [format!("pages/{id}"), format!("pages/{id}/markdown"), format!("blocks/{id}/children")]
        {
            assert_eq!(get(&harness, &bot, &path).await.status.as_u16(), expected, "{path}");
        }
    }
    let hidden = get(&harness, &bot, &format!("pages/{WIKI}")).await;
    let missing = get(&harness, &bot, "pages/99999999-0000-4000-8000-000000000001").await;
    assert_eq!(refusal(&hidden), refused(404, "object_not_found"));
    assert_eq!(
        text(&hidden.json()["message"]).replace(WIKI, "ID"),
        text(&missing.json()["message"]).replace("99999999-0000-4000-8000-000000000001", "ID")
    );
    let share = json!({ "client_id": CLIENT, "id": WIKI, "shared": true });
    assert_eq!(harness.control("POST", "notion/share", &share).await.json()["affected"], 1);
    assert_eq!(get(&harness, &bot, &format!("pages/{WIKI}")).await.status, StatusCode::OK);
    let share = json!({ "client_id": CLIENT, "id": WIKI, "shared": false });
    harness.control("POST", "notion/share", &share).await;
    assert_eq!(get(&harness, &bot, &format!("pages/{WIKI}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn search_looks_at_titles_and_filters_sorts_and_pages() {
    let harness = with_app(|_| {});
    let bot = token(&harness, &[HANDBOOK, WIKI, ROADMAP]).await;
    let all = search(&harness, &bot, json!({})).await;
    assert_eq!(ids(&all).len(), 6, "three pages, a data source and its two entries: {all}");
    let by_text = search(&harness, &bot, json!({ "query": "simulated" })).await;
    assert_eq!(ids(&by_text).len(), 0, "the text is not searched");
    let by_title = search(&harness, &bot, json!({ "query": "HANDBOOK" })).await;
    assert_eq!(ids(&by_title), [HANDBOOK]);
    let sources = json!({ "filter": { "property": "object", "value": "data_source" } });
    assert_eq!(ids(&search(&harness, &bot, sources).await), [ROADMAP]);
    let trash = search(&harness, &bot, json!({ "filter": { "in_trash": true } })).await;
    assert_eq!(ids(&trash).len(), 0);
    let sort = |direction: &str| json!({ "sort": { "timestamp": "last_edited_time", "direction": direction } });
    let mut oldest = search(&harness, &bot, sort("ascending")).await;
    oldest["results"].as_array_mut().unwrap().reverse();
    assert_eq!(ids(&oldest), ids(&search(&harness, &bot, sort("descending")).await));

    let mut paged = Vec::new();
    let mut body = json!({ "page_size": 4 });
    for _ in 0..3 {
        let page = search(&harness, &bot, body.clone()).await;
        paged.extend(page["results"].as_array().unwrap().clone());
        assert_eq!(page["has_more"], !page["next_cursor"].is_null());
        if page["next_cursor"].is_null() {
            break;
        }
        body["start_cursor"] = page["next_cursor"].clone();
    }
    assert_eq!(json!(paged), all["results"]);
}

#[tokio::test]
async fn search_refuses_what_notion_refuses() {
    let harness = with_app(|_| {});
    let bot = token(&harness, &[HANDBOOK]).await;
    for body in [
        json!({ "query": 7 }),
        json!({ "page_size": 0 }),
        json!({ "page_size": 101 }),
        json!({ "page_size": "10" }),
        json!({ "start_cursor": "next" }),
        json!({ "start_cursor": WIKI }),
        json!({ "filter": { "property": "object", "value": "database" } }),
        json!({ "filter": { "value": "page" } }),
        json!({ "filter": { "property": "type", "value": "page" } }),
        json!({ "sort": { "timestamp": "created_time", "direction": "ascending" } }),
        json!({ "sort": { "timestamp": "last_edited_time", "direction": "up" } }),
        json!({ "limit": 3 }),
        json!([]),
    ] {
        let answer = post(&harness, &bot, "search", &body).await;
        assert_eq!(refusal(&answer), refused(400, "validation_error"), "{body}");
    }
    let request = Request::post("/notion/v1/search")
        .header(AUTHORIZATION, format!("Bearer {bot}"))
        .header("notion-version", VERSION)
        .header(CONTENT_TYPE, "application/json");
    let broken = harness.send(request.body(Body::from("{")).unwrap()).await;
    assert_eq!(refusal(&broken), refused(400, "invalid_json"));
}

#[tokio::test]
async fn a_page_is_read_by_its_id_with_dashes_or_without() {
    let harness = with_app(|_| {});
    let bot = token(&harness, &[HANDBOOK, ROADMAP]).await;
    let bare = HANDBOOK.replace('-', "");
    for id in [HANDBOOK, &bare] {
        let page = get(&harness, &bot, &format!("pages/{id}")).await.json();
        assert_eq!(page["id"], HANDBOOK);
        assert_eq!(page["properties"]["title"]["title"][0]["plain_text"], "Company handbook");
        assert!(page["url"].as_str().unwrap().ends_with(&format!("Company-handbook-{bare}")));
    }
    let wrong = get(&harness, &bot, "pages/handbook").await;
    assert_eq!(refusal(&wrong), refused(400, "validation_error"));
    let text_of = get(&harness, &bot, &format!("pages/{HANDBOOK}/markdown")).await.json();
    assert_eq!(
        (&text_of["object"], &text_of["truncated"]),
        (&json!("page_markdown"), &json!(false))
    );
    let markdown = text(&text_of["markdown"]);
    assert!(markdown.starts_with("# Welcome\n"), "{markdown}");
    assert!(markdown.ends_with(">Security</page>"), "{markdown}");
    let blocks =
        get(&harness, &bot, &format!("blocks/{HANDBOOK}/children?page_size=2")).await.json();
    assert_eq!(blocks["results"][0]["type"], "heading_1");
    assert_eq!((&blocks["has_more"], ids(&blocks).len()), (&json!(true), 2));

    let entry = search(&harness, &bot, json!({ "query": "billing v2" })).await;
    let id = text(&entry["results"][0]["id"]);
    let some = get(&harness, &bot, &format!("pages/{id}?filter_properties=title")).await.json();
    assert_eq!(some["properties"].as_object().unwrap().keys().collect::<Vec<_>>(), ["Name"]);
}

#[tokio::test]
async fn a_page_that_was_made_is_found_and_read_back() {
    let harness = with_app(|_| {});
    let bot = token(&harness, &[HANDBOOK]).await;
    let markdown = "## Decisions\n- Ship on Friday\n- [ ] Tell everybody";
    let body = json!({ "parent": { "type": "page_id", "page_id": HANDBOOK }, "properties": titled("Meeting"), "markdown": markdown });
    let made = post(&harness, &bot, "pages", &body).await.json();
    let id = text(&made["id"]);
    assert_eq!(made["parent"]["page_id"], HANDBOOK);
    assert_eq!(get(&harness, &bot, &format!("pages/{id}")).await.json()["url"], made["url"]);
    let read = get(&harness, &bot, &format!("pages/{id}/markdown")).await.json();
    assert_eq!(read["markdown"], markdown);
    assert_eq!(ids(&search(&harness, &bot, json!({ "query": "meeting" })).await), [id.as_str()]);

    let shown = harness.get(&format!("/notion/p/{}", id.replace('-', ""))).await;
    assert!(shown.text.contains("Meeting") && shown.text.contains("Ship on Friday"));
    assert_eq!(harness.get("/notion/p/nothing").await.status, StatusCode::NOT_FOUND);
    assert!(harness.get("/notion/").await.text.contains("Meeting"));

    let block = json!({ "object": "block", "type": "to_do", "to_do": { "rich_text": [{ "type": "text", "text": { "content": "Call", "link": { "url": "https://example.com" } } }], "checked": true } });
    let own = json!({ "parent": { "workspace": true }, "properties": titled("Mine"), "children": [block, { "divider": {} }], "icon": { "emoji": "🚀" } });
    let own = post(&harness, &bot, "pages", &own).await.json();
    assert_eq!(own["parent"], json!({ "type": "workspace", "workspace": true }), "{own}");
    let path = format!("pages/{}/markdown", text(&own["id"]));
    assert_eq!(get(&harness, &bot, &path).await.json()["markdown"], "- [x] Call\n---");
    harness.control("POST", "reset", &json!(null)).await;
    let bot = token(&harness, &[HANDBOOK]).await;
    assert_eq!(get(&harness, &bot, &format!("pages/{id}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_entry_of_a_data_source_has_its_properties_and_no_others() {
    let harness = with_app(|_| {});
    let bot = token(&harness, &[ROADMAP]).await;
    let source = get(&harness, &bot, &format!("data_sources/{ROADMAP}")).await.json();
    assert_eq!(source["properties"]["Status"]["type"], "status");
    let by_database = get(&harness, &bot, &format!("data_sources/{ROADMAP_DATABASE}")).await;
    assert_eq!(refusal(&by_database), refused(404, "object_not_found"));
    let create = async |parent: Value, properties: Value| {
        let body = json!({ "parent": parent, "properties": properties });
        post(&harness, &bot, "pages", &body).await
    };
    let of_source = || json!({ "type": "data_source_id", "data_source_id": ROADMAP });
    let full = json!({
        "title": { "title": [{ "text": { "content": "Export" } }] },
        "Status": { "status": { "name": "Done" } },
        "Priority": { "select": { "name": "Medium" } },
        "Tags": { "multi_select": [{ "name": "billing" }, { "name": "new" }] },
        "Due": { "date": { "start": "2026-12-31" } },
        "Owner": { "people": [{ "object": "user", "id": GRACE }] },
        "es%46": { "number": 2 },
        "Reviewed": { "checkbox": true },
        "Link": { "url": null },
        "Notes": { "type": "rich_text", "rich_text": [] },
    });
    let made = create(of_source(), full).await.json();
    assert_eq!(made["properties"]["Name"]["title"][0]["plain_text"], "Export", "{made}");
    assert_eq!(made["properties"]["Estimate"]["number"], 2);
    assert_eq!(made["parent"]["database_id"], ROADMAP_DATABASE);
    let by_database = create(json!({ "database_id": ROADMAP_DATABASE }), json!({})).await.json();
    assert_eq!(by_database["parent"]["data_source_id"], ROADMAP);

    for wrong in [
        json!({ "Colour": { "select": { "name": "red" } } }),
        json!({ "Status": { "select": { "name": "Done" } } }),
        json!({ "Status": { "status": { "name": "Forgotten" } } }),
        json!({ "Priority": { "select": { "name": "a, b" } } }),
        json!({ "Estimate": { "number": "2" } }),
        json!({ "Reviewed": { "checkbox": "yes" } }),
        json!({ "Due": { "date": { "start": "31.12.2026" } } }),
        json!({ "Owner": { "people": [{ "id": "nobody" }] } }),
        json!({ "Link": { "url": "" } }),
        json!({ "Status": "Done" }),
    ] {
        let answer = create(of_source(), wrong.clone()).await;
        assert_eq!(refusal(&answer), refused(400, "validation_error"), "{wrong}");
    }
}

#[tokio::test]
async fn a_page_that_notion_would_not_make_is_not_made() {
    let harness = with_app(|_| {});
    let bot = token(&harness, &[HANDBOOK]).await;
    let parent = || json!({ "page_id": HANDBOOK });
    let long = "x".repeat(2_001);
    let rich =
        |content: &str| json!({ "title": { "title": [{ "text": { "content": content } }] } });
    let paragraph = json!({ "paragraph": { "rich_text": [] } });
    for body in [
        json!({ "properties": titled("a") }),
        json!({ "parent": parent() }),
        json!({ "parent": { "page_id": HANDBOOK, "workspace": true }, "properties": titled("a") }),
        json!({ "parent": { "page_id": "handbook" }, "properties": titled("a") }),
        json!({ "parent": { "type": "data_source_id", "page_id": HANDBOOK }, "properties": titled("a") }),
        json!({ "parent": { "workspace": "true" }, "properties": titled("a") }),
        json!({ "parent": parent(), "properties": { "Status": { "status": { "name": "Done" } } } }),
        json!({ "parent": parent(), "properties": rich(&long) }),
        json!({ "parent": parent(), "properties": { "title": { "title": vec![json!({ "text": { "content": "a" } }); 101] } } }),
        json!({ "parent": parent(), "properties": { "title": { "title": [{ "text": { "content": "a", "link": { "url": long } } }] } } }),
        json!({ "parent": parent(), "properties": { "title": { "title": "a" } } }),
        json!({ "parent": parent(), "properties": titled("a"), "markdown": 7 }),
        json!({ "parent": parent(), "properties": titled("a"), "markdown": "a", "children": [] }),
        json!({ "parent": parent(), "properties": titled("a"), "children": vec![paragraph; 101] }),
        json!({ "parent": parent(), "properties": titled("a"), "children": ["text"] }),
        json!({ "parent": parent(), "properties": titled("a"), "children": [{ "code": { "rich_text": [], "language": "sh" } }] }),
        json!({ "parent": parent(), "properties": titled("a"), "children": [{ "type": "quote", "paragraph": { "rich_text": [] } }] }),
        json!({ "parent": parent(), "properties": titled("a"), "text": "a" }),
        json!({ "parent": parent(), "properties": titled("a"), "markdown": "x".repeat(600_000) }),
    ] {
        let answer = post(&harness, &bot, "pages", &body).await;
        let shown: String = body.to_string().chars().take(200).collect();
        assert_eq!(refusal(&answer), refused(400, "validation_error"), "{shown}");
    }
    let hidden = json!({ "parent": { "page_id": WIKI }, "properties": titled("a") });
    let answer = post(&harness, &bot, "pages", &hidden).await;
    assert_eq!(refusal(&answer), refused(404, "object_not_found"));
    assert_eq!(ids(&search(&harness, &bot, json!({})).await), [SECURITY, HANDBOOK]);
}

#[tokio::test]
async fn what_an_app_may_do_is_its_capabilities() {
    let harness = with_app(|app| app.capabilities = vec![Capability::InsertContent]);
    let bot = token(&harness, &[HANDBOOK]).await;
    for path in [format!("pages/{HANDBOOK}"), format!("blocks/{HANDBOOK}/children")] {
        let answer = get(&harness, &bot, &path).await;
        assert_eq!(refusal(&answer), refused(403, "restricted_resource"));
    }
    let body = json!({ "parent": { "page_id": HANDBOOK }, "properties": titled("a") });
    let made = post(&harness, &bot, "pages", &body).await.json();
    let mut members: Vec<_> = made.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["id", "object", "request_id"], "it may not read what it made");
    register(&harness, |app| app.capabilities = vec![Capability::ReadContent]);
    let refused_now = post(&harness, &bot, "pages", &body).await;
    assert_eq!(refusal(&refused_now), refused(403, "restricted_resource"));
}

#[tokio::test]
async fn faults_are_worded_as_notion_words_them() {
    let harness = with_app(|_| {});
    let bot = token(&harness, &[HANDBOOK]).await;
    let path = format!("pages/{HANDBOOK}");
    let inject = |endpoint: &str, fault| notion(&harness).inject(endpoint, fault, Times::Next(1));
    inject("pages/{id}", Fault::RateLimited { retry_after_s: 7 }).unwrap();
    let throttled = get(&harness, &bot, &path).await;
    assert_eq!(
        (throttled.status.as_u16(), &throttled.headers[RETRY_AFTER]),
        (429, &"7".parse().unwrap())
    );
    assert_eq!(throttled.json()["code"], "rate_limited");
    assert!(throttled.json()["additional_data"]["rate_limit_reason"].is_string());
    inject("pages/{id}", Fault::Refused("service_overload".to_owned())).unwrap();
    assert_eq!(refusal(&get(&harness, &bot, &path).await), refused(529, "service_overload"));
    inject("oauth/token", Fault::Refused("invalid_grant".to_owned())).unwrap();
    assert_eq!(refusal(&exchange(&harness, "code").await), refused(400, "invalid_grant"));
    assert!(inject("pages/{id}", Fault::Refused("ratelimited".to_owned())).is_err());
    assert!(inject("databases", Fault::EmptyBody).is_err());
    assert_eq!(get(&harness, &bot, &path).await.status, StatusCode::OK);
}
