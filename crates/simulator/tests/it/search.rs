use serde_json::{Value, json};

use crate::harness::{Harness, text};

const SEARCH: &str = "search.messages";

fn texts(answer: &Value) -> Vec<String> {
    let matches = answer["messages"]["matches"].as_array().expect("matches");
    matches.iter().map(|found| text(&found["text"])).collect()
}

#[tokio::test]
async fn a_person_finds_what_they_can_see_and_what_was_just_posted() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("search:read,chat:write").await;
    let seeded = harness.call(&token, SEARCH, &[("query", "REPORT")]).await;
    assert_eq!(seeded["messages"]["total"], 4);
    assert_eq!(seeded["query"], "REPORT");
    let body = json!({ "channel": "general", "text": "A fresh report, report, report" });
    harness.call_json(&token, "chat.postMessage", &body).await;
    let found = harness.call(&token, SEARCH, &[("query", "report")]).await;
    assert_eq!(found["messages"]["total"], 5);
    let best = &found["messages"]["matches"][0];
    assert_eq!(best["text"], "A fresh report, report, report");
    assert_eq!(best["channel"]["name"], "general");
    assert_eq!(best["username"], "ada");
    let link = "http://127.0.0.1:8788/slack/archives/C0SIMGENRL/p1800000000000000";
    assert_eq!(best["permalink"], link);
}

#[tokio::test]
async fn private_conversations_of_others_stay_unfound() {
    let harness = Harness::with_app(|_| {});
    let alan = harness.connect("", "search:read", "U0SIMALAN1").await;
    let token = text(&alan["authed_user"]["access_token"]);
    let found = harness.call(&token, SEARCH, &[("query", "report")]).await;
    assert_eq!(found["messages"]["total"], 2);
}

#[tokio::test]
async fn modifiers_narrow_the_search() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("search:read").await;
    let cases = [
        ("report in:#general", 1),
        ("report from:@grace", 3),
        ("report -roadmap", 3),
        ("\"due on friday\"", 1),
        ("has:link", 1),
        ("report before:2023-11-16", 1),
        ("report after:2023-11-19", 2),
        ("report on:2023-11-15", 1),
        ("unicorn", 0),
    ];
    for (query, total) in cases {
        let found = harness.call(&token, SEARCH, &[("query", query)]).await;
        assert_eq!(found["messages"]["total"], total, "{query}");
    }
}

#[tokio::test]
async fn results_come_in_pages_by_number_or_by_cursor() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("search:read").await;
    let query = ("query", "report");
    let sort = ("sort", "timestamp");
    let all = harness.call(&token, SEARCH, &[query, sort]).await;
    let page = [query, sort, ("count", "3"), ("page", "2")];
    let second = harness.call(&token, SEARCH, &page).await;
    assert_eq!(texts(&second), texts(&all)[3..]);
    let paging = json!({ "count": 3, "total": 4, "page": 2, "pages": 2 });
    assert_eq!(second["messages"]["paging"], paging);
    assert_eq!(second["messages"]["pagination"]["first"], 4);
    assert_eq!(second["messages"]["pagination"]["last"], 4);

    let first = harness.call(&token, SEARCH, &[query, sort, ("count", "3"), ("cursor", "*")]).await;
    let cursor = text(&first["messages"]["paging"]["next_cursor"]);
    let next = [query, sort, ("count", "3"), ("cursor", &cursor)];
    let next = harness.call(&token, SEARCH, &next).await;
    assert_eq!(texts(&next), texts(&second));
    assert_eq!(next["messages"]["paging"]["next_cursor"], "");
    let ascending = harness.call(&token, SEARCH, &[query, sort, ("sort_dir", "asc")]).await;
    assert_eq!(texts(&ascending).first(), texts(&all).last());
}

#[tokio::test]
async fn highlights_mark_the_words() {
    let harness = Harness::with_app(|_| {});
    let token = harness.user_token("search:read").await;
    let arguments = [("query", "welcome"), ("highlight", "true")];
    let found = harness.call(&token, SEARCH, &arguments).await;
    assert!(texts(&found)[0].starts_with("\u{e000}Welcome\u{e001} to"));
}

#[tokio::test]
async fn search_refuses_bots_missing_scopes_and_wrong_arguments() {
    let harness = Harness::with_app(|_| {});
    let bot = harness.bot_token("channels:read").await;
    let answer = harness.call(&bot, SEARCH, &[("query", "x")]).await;
    assert_eq!(answer["error"], "not_allowed_token_type");
    let token = harness.user_token("channels:read").await;
    let answer = harness.call(&token, SEARCH, &[("query", "x")]).await;
    assert_eq!(answer["needed"], "search:read");

    let token = harness.user_token("search:read").await;
    let cases = [
        (vec![], "no_query"),
        (vec![("query", " ")], "no_query"),
        (vec![("query", "x"), ("count", "101")], "invalid_arguments"),
        (vec![("query", "x"), ("count", "0")], "invalid_arguments"),
        (vec![("query", "x"), ("page", "101")], "invalid_arguments"),
        (vec![("query", "x"), ("sort", "beauty")], "invalid_arguments"),
        (vec![("query", "x"), ("sort_dir", "up")], "invalid_arguments"),
        (vec![("query", "x"), ("cursor", "nope")], "invalid_cursor"),
    ];
    for (arguments, error) in cases {
        assert_eq!(harness.call(&token, SEARCH, &arguments).await["error"], error);
    }
}
