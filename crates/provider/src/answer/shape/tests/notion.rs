//! What is made of Notion's answers.

use super::*;

const ID: &str = "22222222-0000-4000-8000-00000000000b";

fn notion(tool: &str, answers: &[&Answer]) -> Shaped {
    let catalog = load(builtin().iter().copied().filter(|folder| folder.name == "notion")).0;
    shaped(&catalog, tool, &json!({"query": "", "page_id": ID, "title": "Plan"}), answers)
}

fn body(value: &Value) -> Answer {
    answer(200, value.to_string())
}

fn text(words: &[&str]) -> Value {
    words.iter().map(|word| json!({"type": "text", "plain_text": word})).collect()
}

fn page(properties: &Value) -> Value {
    json!({
        "object": "page", "id": ID, "url": "https://www.notion.so/Plan-b", "properties": properties,
        "parent": {"type": "data_source_id", "data_source_id": "d", "database_id": "e"},
        "last_edited_time": "2026-11-25T10:00:00.000Z", "archived": false,
    })
}

fn title(words: &[&str]) -> Value {
    json!({"id": "title", "type": "title", "title": text(words)})
}

#[test]
fn found_pages_and_data_sources_have_their_titles_and_parents() {
    let source = json!({
        "object": "data_source", "id": "d", "title": text(&["Road", "map"]), "url": "https://n/d",
        "parent": {"type": "database_id", "database_id": "e"},
        "properties": {"Name": {"id": "title", "type": "title"}, "Status": {"type": "status"}},
        "last_edited_time": "2026-11-25T10:00:00.000Z",
    });
    let in_workspace = json!({
        "object": "page", "id": "w", "url": "https://n/w", "properties": {"title": title(&[])},
        "parent": {"type": "workspace", "workspace": true}, "last_edited_time": "t",
    });
    let partial = json!({"object": "page", "id": "p"});
    let found = json!({
        "object": "list", "has_more": true, "next_cursor": "n",
        "results": [page(&json!({"Name": title(&["Pl", "an"])})), source, in_workspace, partial],
        "request_status": {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"},
    });
    let expected = json!({
        "results": [
            {"id": ID, "type": "page", "title": "Plan", "url": "https://www.notion.so/Plan-b",
                "parent": {"type": "data_source", "id": "d"}, "last_edited": "2026-11-25T10:00:00.000Z"},
            {"id": "d", "type": "data_source", "title": "Roadmap", "url": "https://n/d",
                "parent": {"type": "database", "id": "e"}, "last_edited": "2026-11-25T10:00:00.000Z",
                "properties": {"Name": "title", "Status": "status"}},
            {"id": "w", "type": "page", "title": "", "url": "https://n/w",
                "parent": {"type": "workspace"}, "last_edited": "t"},
            {"id": "p", "type": "page", "title": ""},
        ],
        "next_cursor": "n",
        "incomplete": true,
    });
    assert_eq!(notion("notion_search", &[&body(&found)]), Shaped::Completed(expected.into()));
    let last = json!({"object": "list", "results": [], "has_more": false, "next_cursor": null,
        "request_status": {"type": "complete"}});
    let nothing = Shaped::Completed(json!({"results": []}).into());
    assert_eq!(notion("notion_search", &[&body(&last)]), nothing);
}

fn properties_of(properties: &Value) -> Value {
    let content = body(&json!({"object": "page_markdown", "markdown": "", "truncated": false}));
    let shaped = notion("notion_get_page", &[&body(&page(properties)), &content]);
    completed(shaped)["properties"].take()
}

#[test]
fn every_kind_of_property_becomes_a_plain_value() {
    let person = |name: &str| json!({"object": "user", "id": "u1", "name": name});
    let date = |end: Value| json!({"start": "2026-12-01", "end": end, "time_zone": null});
    for (kind, value, plain) in [
        ("rich_text", text(&["a", "b"]), json!("ab")),
        ("rich_text", json!([]), json!("")),
        ("number", json!(3.5), json!(3.5)),
        ("number", json!(null), json!(null)),
        ("select", json!({"id": "1", "name": "High", "color": "red"}), json!("High")),
        ("select", json!(null), json!(null)),
        ("status", json!({"id": "1", "name": "Done"}), json!("Done")),
        ("multi_select", json!([{"name": "a"}, {"name": "b"}]), json!(["a", "b"])),
        ("date", date(json!(null)), json!("2026-12-01")),
        ("date", date(json!("2026-12-24")), json!("2026-12-01/2026-12-24")),
        ("people", json!([person("Ada"), {"object": "user", "id": "u2"}]), json!(["Ada", "u2"])),
        (
            "files",
            json!([{"name": "a.pdf", "type": "file", "file": {"url": "u"}}]),
            json!(["a.pdf"]),
        ),
        ("checkbox", json!(false), json!(false)),
        ("url", json!("https://example.com"), json!("https://example.com")),
        ("email", json!(null), json!(null)),
        ("phone_number", json!("1"), json!("1")),
        ("relation", json!([{"id": "r1"}, {"id": "r2"}]), json!(["r1", "r2"])),
        ("created_time", json!("2026-11-25T10:00:00.000Z"), json!("2026-11-25T10:00:00.000Z")),
        ("created_by", person("Ada"), json!("Ada")),
        ("last_edited_by", json!({"object": "user", "id": "u2"}), json!("u2")),
        ("unique_id", json!({"prefix": "TASK", "number": 7}), json!("TASK-7")),
        ("unique_id", json!({"prefix": null, "number": 7}), json!("7")),
        ("verification", json!({"state": "unverified", "date": null}), json!("unverified")),
        ("formula", json!({"type": "number", "number": 4}), json!(4)),
        ("formula", json!({"type": "boolean", "boolean": true}), json!(true)),
        ("formula", json!({"type": "date", "date": date(json!(null))}), json!("2026-12-01")),
        ("rollup", json!({"type": "number", "number": 2, "function": "sum"}), json!(2)),
        (
            "rollup",
            json!({"type": "array", "function": "show_original", "array": [
            {"type": "number", "number": 1}, {"type": "select", "select": {"name": "x"}}]}),
            json!([1, "x"]),
        ),
        ("button", json!({}), json!(null)),
    ] {
        let mut property = json!({"id": "p", "type": kind});
        property[kind] = value.clone();
        let properties = json!({"Name": title(&["Plan"]), "It": property});
        assert_eq!(properties_of(&properties), json!({"It": plain}), "{kind} {value}");
    }
}

#[test]
fn a_page_comes_with_its_text_of_which_the_end_may_be_left_out() {
    let first = body(&page(&json!({"Name": title(&["Plan"])})));
    let read = |markdown: &str, truncated: bool| {
        let content =
            json!({"object": "page_markdown", "markdown": markdown, "truncated": truncated});
        completed(notion("notion_get_page", &[&first, &body(&content)]))
    };
    let expected = json!({
        "id": ID, "title": "Plan", "url": "https://www.notion.so/Plan-b", "properties": {},
        "last_edited": "2026-11-25T10:00:00.000Z", "content_markdown": "# ä", "truncated": false,
    });
    assert_eq!(read("# ä", false), expected);
    assert_eq!(read("# ä", true)["truncated"], true);
    let long = read(&"ä".repeat(20_001), false);
    assert_eq!(long["truncated"], true);
    assert_eq!(long["content_markdown"].as_str().unwrap().chars().count(), 20_000);
}

#[test]
fn a_page_that_was_made_is_known_by_its_id_even_to_an_app_that_may_not_read() {
    let whole = body(&page(&json!({"Name": title(&["Plan"])})));
    let expected = json!({"id": ID, "title": "Plan", "url": "https://www.notion.so/Plan-b"});
    assert_eq!(notion("notion_create_page", &[&whole]), Shaped::Completed(expected.into()));
    let partial = body(&json!({"object": "page", "id": ID}));
    let expected = Shaped::Completed(json!({"id": ID, "title": "Plan"}).into());
    assert_eq!(notion("notion_create_page", &[&partial]), expected);
}

#[test]
fn each_code_of_notion_means_what_its_connector_says() {
    use FailureKind as Kind;
    let shaped = |status: u16, code: &str| {
        let body = json!({"object": "error", "status": status, "code": code, "message": "Why."});
        notion("notion_search", &[&answer(status, body.to_string())])
    };
    assert_eq!(shaped(401, "unauthorized"), Shaped::Reconnect { is_named: true });
    for (status, code, kind, message) in [
        (404, "object_not_found", Kind::NotFound, "not shared with this connection"),
        (403, "restricted_resource", Kind::PermissionDenied, "lacks the capability"),
        (429, "rate_limited", Kind::RateLimited, "Notion refused the request: Why."),
        (529, "service_overload", Kind::RateLimited, "Notion refused the request: Why."),
        (400, "validation_error", Kind::ProviderRejected, "Notion refused the request: Why."),
        (409, "conflict_error", Kind::ProviderRejected, "Notion refused the request: Why."),
        (400, "missing_version", Kind::Misconfigured, "Notion refused the request: Why."),
        (
            500,
            "internal_server_error",
            Kind::ProviderUnavailable,
            "Notion refused the request: Why.",
        ),
        (503, "service_unavailable", Kind::ProviderUnavailable, "Notion refused the request: Why."),
    ] {
        let failure = failure(shaped(status, code));
        assert_eq!(failure.kind, kind, "{code}");
        assert!(failure.message.contains(message), "{code}: {}", failure.message);
    }
}
