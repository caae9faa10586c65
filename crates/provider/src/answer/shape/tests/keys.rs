//! What the answers of connectors that take API keys amount to.

use super::*;

fn read_by(tool: &str, arguments: &Value, answer: &Answer) -> Shaped {
    let (catalog, faults) = load(builtin().iter().copied());
    assert_eq!(faults, []);
    let (_, described) = catalog.tool(tool).unwrap();
    let shaped = shaped(&catalog, tool, arguments, &[answer]);
    if let Shaped::Completed(result) = &shaped {
        let result = serde_json::from_str(result.clone().into_json().get()).unwrap();
        assert_eq!(described.output.faults(&result), [], "{result} is not what {tool} promises");
    }
    shaped
}

fn completed_by(tool: &str, arguments: &Value, body: &Value) -> Value {
    completed(read_by(tool, arguments, &answer(200, body.to_string())))
}

fn refused(tool: &str, status: u16, body: &str) -> CallFailure {
    failure(read_by(tool, &json!({}), &answer(status, body)))
}

#[test]
fn search_results_are_compact() {
    let page = |title: Value, url: &str| json!({"title": title, "url": url, "content": "ß".repeat(2500), "score": 0.8, "raw_content": null});
    let mut news = page(json!("A"), "https://a.example");
    news["published_date"] = json!("Tue, 03 Nov 2026 10:00:00 GMT");
    let body = json!({"query": "q", "answer": null, "images": [], "results": [news, page(json!(null), "https://b.example")],
        "response_time": 1.2, "request_id": "r"});
    let result = completed_by("tavily_search", &json!({"query": "q"}), &body);
    let cut = "ß".repeat(2000);
    let expected = json!({"results": [
        {"title": "A", "url": "https://a.example", "content": cut, "published": "Tue, 03 Nov 2026 10:00:00 GMT"},
        {"title": "https://b.example", "url": "https://b.example", "content": cut},
    ]});
    assert_eq!(result, expected);
    let answered = json!({"answer": "Yes.", "results": []});
    let result = completed_by("tavily_search", &json!({"query": "q"}), &answered);
    assert_eq!(result, json!({"answer": "Yes.", "results": []}));
}

#[test]
fn pages_that_were_not_read_stand_beside_those_that_were() {
    let body = json!({"results": [{"url": "https://a.example", "raw_content": "x".repeat(20_001)},
            {"url": "https://b.example", "raw_content": null}],
        "failed_results": [{"url": "https://c.example", "error": "Timeout"}], "response_time": 0.1});
    let result = completed_by("tavily_extract", &json!({"urls": []}), &body);
    assert_eq!(result["pages"][0]["text"].as_str().unwrap().len(), 20_000);
    assert_eq!(result["pages"][0]["cut"], true);
    assert_eq!(result["pages"][1], json!({"url": "https://b.example", "text": "", "cut": false}));
    assert_eq!(result["failed"], json!([{"url": "https://c.example", "why": "Timeout"}]));
}

#[test]
fn credits_without_a_limit_say_so_by_silence() {
    let body = json!({"key": {"usage": 150, "limit": null, "search_usage": 100},
        "account": {"current_plan": "Researcher", "plan_usage": 500, "plan_limit": 1000, "paygo_usage": 0}});
    let expected =
        json!({"key": {"used": 150}, "plan": {"name": "Researcher", "used": 500, "limit": 1000}});
    assert_eq!(completed_by("tavily_usage", &json!({}), &body), expected);
    assert_eq!(
        completed_by("tavily_usage", &json!({}), &json!({"key": {"usage": 1, "limit": 9}})),
        json!({"key": {"used": 1, "limit": 9}})
    );
}

#[test]
fn used_up_credits_are_no_throttle() {
    let body = r#"{"detail": {"error": "This request exceeds your plan's set usage limit."}}"#;
    for status in [432, 433] {
        let failure = refused("tavily_search", status, body);
        assert_eq!(failure.kind, FailureKind::PermissionDenied, "{status}");
        assert!(failure.message.contains("owns the"), "{}", failure.message);
    }
    let throttled = refused("tavily_search", 429, r#"{"detail": {"error": "Slow down."}}"#);
    assert_eq!(throttled.kind, FailureKind::RateLimited);
    let invalid = refused("tavily_search", 400, r#"{"detail": {"error": "Invalid topic."}}"#);
    assert_eq!(
        (invalid.kind, invalid.message.as_str()),
        (FailureKind::ProviderRejected, "Tavily refused the request: Invalid topic.")
    );
    let listed = refused("tavily_search", 422, r#"{"detail": [{"msg": "Field required"}]}"#);
    assert_eq!(listed.message, "Tavily refused the request with status 422.");
    let dead = answer(401, r#"{"detail": {"error": "Unauthorized: missing or invalid API key."}}"#);
    assert_eq!(read_by("tavily_search", &json!({}), &dead), Shaped::Reconnect { is_named: true });
    let gateway = answer(401, "<h1>401</h1>");
    assert_eq!(
        read_by("tavily_search", &json!({}), &gateway),
        Shaped::Reconnect { is_named: false }
    );
}

#[test]
fn tickets_are_compact_and_their_numbers_are_words() {
    let ticket = json!({"id": 47, "subject": "Broken", "status": 2, "priority": 4, "type": null, "requester_id": 6_007_738_334_i64,
        "responder_id": null, "created_at": "2016-02-20T09:16:58Z", "custom_fields": {"sector_no": 7}, "spam": false});
    let mut own = ticket.clone();
    own["status"] = json!(9);
    own["responder_id"] = json!(432);
    let body = json!({"total": 61, "results": [ticket, own]});
    let result = completed_by("freshdesk_search_tickets", &json!({"query": "status:2"}), &body);
    let first = json!({"id": 47, "subject": "Broken", "status": "open", "priority": "urgent",
        "requester_id": 6_007_738_334_i64, "created_at": "2016-02-20T09:16:58Z"});
    assert_eq!(result["tickets"][0], first);
    assert_eq!(result["tickets"][1]["status"], "9", "a status of the help desk's own");
    assert_eq!(result["tickets"][1]["agent_id"], 432);
    assert_eq!(result["next_page"], 2);
    for (page, total, next) in [(2, 61, Some(3)), (3, 61, None), (2, 60, None), (10, 900, None)] {
        let body = json!({"total": total, "results": []});
        let result = completed_by("freshdesk_search_tickets", &json!({"page": page}), &body);
        assert_eq!(result.get("next_page").and_then(Value::as_i64), next, "{page} of {total}");
    }
}

#[test]
fn a_ticket_is_read_with_its_conversation() {
    let body = json!({"id": 20, "subject": "Help", "status": 5, "priority": 1, "tags": ["vip"], "responder_id": 2,
        "description": "<div>Not given.</div>", "description_text": "Not given.",
        "requester": {"id": 1, "name": "Ada", "email": null, "mobile": null},
        "conversations": [{"id": 3, "body": "<div>a</div>", "body_text": "a", "private": true, "incoming": false,
            "user_id": 1, "created_at": "2015-08-24T11:59:05Z", "attachments": []}]});
    let expected = json!({"id": 20, "subject": "Help", "status": "closed", "priority": "low", "tags": ["vip"],
        "agent_id": 2, "text": "Not given.", "requester": {"id": 1, "name": "Ada"},
        "conversation": [{"text": "a", "private": true, "incoming": false, "user_id": 1, "time": "2015-08-24T11:59:05Z"}]});
    assert_eq!(completed_by("freshdesk_get_ticket", &json!({"ticket": 20}), &body), expected);
    let note =
        json!({"id": 5, "ticket_id": 3, "private": true, "created_at": "2015-08-24T13:49:37Z"});
    let made = json!({"id": 5, "ticket": 3, "created_at": "2015-08-24T13:49:37Z"});
    assert_eq!(completed_by("freshdesk_add_note", &json!({"ticket": 3}), &note), made);
}

#[test]
fn each_code_of_freshdesk_means_what_its_connector_says() {
    let dead = r#"{"code": "invalid_credentials", "message": "You have to be logged in."}"#;
    let shaped = read_by("freshdesk_get_ticket", &json!({}), &answer(401, dead));
    assert_eq!(shaped, Shaped::Reconnect { is_named: true });
    let denied = refused(
        "freshdesk_get_ticket",
        403,
        r#"{"code": "access_denied", "message": "You are not authorized."}"#,
    );
    assert_eq!(denied.kind, FailureKind::PermissionDenied);
    assert!(denied.message.ends_with("You are not authorized."), "{}", denied.message);
    let invalid = r#"{"description": "Validation failed",
        "errors": [{"field": "query", "message": "Unexpected field", "code": "invalid_field"}]}"#;
    let invalid = refused("freshdesk_search_tickets", 400, invalid);
    assert_eq!(invalid.kind, FailureKind::ProviderRejected);
    assert!(invalid.message.ends_with("query: Unexpected field"), "{}", invalid.message);
    assert_eq!(refused("freshdesk_get_ticket", 404, "").kind, FailureKind::NotFound);
    let throttled = retry_after_is("34", answer(429, "{}"));
    let throttled = failure(read_by("freshdesk_get_ticket", &json!({}), &throttled));
    assert_eq!(throttled.retry_after, Some(Duration::from_secs(34)));
}

#[test]
fn boards_and_cards_are_compact() {
    let boards = json!([{"id": "b1", "name": "Plans", "url": "https://trello.com/b/1", "lists": [{"id": "l1", "name": "Doing", "pos": 1}]}]);
    let expected = json!({"boards": [{"id": "b1", "name": "Plans", "url": "https://trello.com/b/1",
        "lists": [{"id": "l1", "name": "Doing"}]}]});
    assert_eq!(completed_by("trello_list_boards", &json!({}), &boards), expected);

    let cards = json!([
        {"id": "c2", "name": "Printer", "desc": "", "due": null, "dueComplete": false, "labels": [], "shortUrl": "https://trello.com/c/2"},
        {"id": "c1", "name": "Paper", "desc": "A4", "due": "2026-01-31T12:00:00.000Z", "dueComplete": true,
            "labels": [{"name": "office", "color": "red"}, {"name": "", "color": "sky"}], "shortUrl": "https://trello.com/c/1"},
    ]);
    let expected = json!([
        {"id": "c2", "name": "Printer", "url": "https://trello.com/c/2"},
        {"id": "c1", "name": "Paper", "text": "A4", "due": "2026-01-31T12:00:00.000Z", "done": true, "labels": ["office"], "url": "https://trello.com/c/1"},
    ]);
    let whole = completed_by("trello_list_cards", &json!({"limit": 3}), &cards);
    assert_eq!(whole, json!({"cards": expected}));
    let full = completed_by("trello_list_cards", &json!({"limit": 2}), &cards);
    assert_eq!(full["next_before"], "c1");
    assert_eq!(completed_by("trello_list_cards", &json!({}), &json!([])), json!({"cards": []}));
}

#[test]
fn a_refusal_in_plain_text_is_understood() {
    for dead in ["invalid key", "invalid token\n", "expired token"] {
        let shaped = read_by("trello_list_boards", &json!({}), &answer(401, dead));
        assert_eq!(shaped, Shaped::Reconnect { is_named: true }, "{dead}");
    }
    let denied = refused("trello_list_cards", 401, "unauthorized card permission requested");
    assert_eq!(
        denied.kind,
        FailureKind::PermissionDenied,
        "the key is good: it is not thrown away"
    );
    assert!(denied.message.contains("may not see or change"), "{}", denied.message);
    let unknown = refused("trello_list_cards", 404, "The requested resource was not found.");
    let said = "Trello refused the request: The requested resource was not found.";
    assert_eq!((unknown.kind, unknown.message.as_str()), (FailureKind::NotFound, said));
    let invalid = refused("trello_create_card", 400, "invalid value for idList");
    assert_eq!(invalid.kind, FailureKind::ProviderRejected);
    let limit = r#"{"error": "API_TOKEN_LIMIT_EXCEEDED", "message": "Rate limit exceeded"}"#;
    assert_eq!(refused("trello_list_boards", 429, limit).kind, FailureKind::RateLimited);
}
