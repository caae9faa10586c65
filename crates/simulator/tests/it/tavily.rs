//! Tavily, whose API is paid with keys.

use astralform_simulator::tavily::NewKey;
use astralform_simulator::{Fault, Times};
use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, text};

impl Harness {
    fn first_key(&self) -> String {
        self.simulator.tavily().keys().remove(0)
    }

    async fn ask(&self, key: &str, endpoint: &str, body: &Value) -> Answer {
        let request = Request::post(format!("/tavily/{endpoint}"))
            .header(AUTHORIZATION, format!("Bearer {key}"))
            .header(CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    async fn usage(&self, key: &str) -> Answer {
        let request = Request::get("/tavily/usage").header(AUTHORIZATION, format!("Bearer {key}"));
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    /// Searches with the key that is there from the beginning.
    async fn search(&self, body: Value) -> Value {
        let answer = self.ask(&self.first_key(), "search", &body).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text);
        answer.json()
    }
}

fn urls(found: &Value) -> Vec<String> {
    found["results"].as_array().expect("results").iter().map(|hit| text(&hit["url"])).collect()
}

#[tokio::test]
async fn every_query_finds_the_same_pages_each_time() {
    let harness = Harness::new();
    let found = harness.search(json!({ "query": "Red pandas" })).await;
    assert_eq!(found["query"], "Red pandas");
    assert_eq!(found["answer"], Value::Null);
    assert_eq!(found["images"], json!([]));
    let first = &found["results"][0];
    assert_eq!(first["url"], "https://encyclopedia.example/red-pandas");
    assert!(text(&first["content"]).starts_with("Red pandas is a subject"));
    assert!(text(&first["content"]).contains(" [...] "));
    assert_eq!(first["raw_content"], Value::Null);
    let again = harness.search(json!({ "query": "Red pandas" })).await;
    assert_eq!(again["results"], found["results"]);
    let scores: Vec<_> =
        found["results"].as_array().unwrap().iter().map(|hit| hit["score"].as_f64()).collect();
    assert!(scores.is_sorted_by(|one, next| one >= next), "{scores:?}");
    assert_eq!(
        urls(&harness.search(json!({ "query": "東京" })).await)[1],
        "https://docs.example/page"
    );
}

#[tokio::test]
async fn a_search_is_narrowed_by_topic_time_domains_and_number() {
    let harness = Harness::new();
    for (more, domains) in [
        (json!({ "max_results": 2 }), vec!["encyclopedia", "docs"]),
        (json!({ "max_results": 0 }), vec![]),
        (json!({ "topic": "news" }), vec!["herald", "courier", "chronicle"]),
        (json!({ "topic": "news", "time_range": "week" }), vec!["herald", "courier"]),
        (json!({ "topic": "finance", "time_range": "d" }), vec!["markets"]),
        (json!({ "include_domains": ["docs.example", "blog.example"] }), vec!["docs", "blog"]),
        (json!({ "exclude_domains": ["example"] }), vec![]),
        (json!({ "include_domains": ["ocs.example"] }), vec![]),
        (
            json!({ "exclude_domains": ["forum.example"], "time_range": "month" }),
            vec!["docs", "shop"],
        ),
    ] {
        let mut body = json!({ "query": "tea" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let expected: Vec<_> =
            domains.iter().map(|domain| format!("https://{domain}.example/tea")).collect();
        assert_eq!(urls(&harness.search(body).await), expected, "{more}");
    }
    let news = harness.search(json!({ "query": "tea", "topic": "news" })).await;
    assert_eq!(news["results"][1]["published_date"], "Sat, 09 Jan 2027 12:00:00 GMT");
}

#[tokio::test]
async fn answers_whole_pages_and_credits_come_where_they_are_asked_for() {
    let harness = Harness::new();
    let asked = json!({ "query": "tea", "include_answer": "basic", "include_raw_content": true, "include_usage": true, "search_depth": "advanced" });
    let found = harness.search(asked).await;
    assert!(text(&found["answer"]).contains("tea"));
    assert!(text(&found["results"][1]["raw_content"]).starts_with("# tea: a guide\n\n"));
    assert_eq!(found["usage"], json!({ "credits": 2 }));
}

#[tokio::test]
async fn pages_are_read_and_those_off_the_made_up_web_are_not() {
    let harness = Harness::new();
    let key = harness.first_key();
    let page = "https://docs.example/green-tea";
    let urls = json!([page, "https://www.rust-lang.org/", "https://docs.example/", "nonsense"]);
    let read = harness.ask(&key, "extract", &json!({ "urls": urls })).await.json();
    assert_eq!(read["results"].as_array().unwrap().len(), 1);
    assert!(text(&read["results"][0]["raw_content"]).starts_with("# green tea: a guide"));
    assert_eq!(read["failed_results"].as_array().unwrap().len(), 3);
    let asked = json!({ "urls": page, "query": "start", "chunks_per_source": 1 });
    let passages = harness.ask(&key, "extract", &asked).await.json();
    let expected = "This guide to green tea begins with what you need.";
    assert_eq!(passages["results"][0]["raw_content"], expected);
    let plain = harness.ask(&key, "extract", &json!({ "urls": [page], "format": "text" })).await;
    assert!(text(&plain.json()["results"][0]["raw_content"]).starts_with("This guide"));
}

#[tokio::test]
async fn searches_and_pages_cost_credits_of_the_key_and_of_the_plan() {
    let harness = Harness::new();
    let tavily = harness.simulator.tavily();
    let other = tavily.create_key(NewKey { limit: Some(3), ..NewKey::default() }).unwrap();
    harness.search(json!({ "query": "tea" })).await;
    let advanced = json!({ "query": "tea", "search_depth": "advanced" });
    assert_eq!(harness.ask(&other, "search", &advanced).await.status, 200);
    let page = json!({ "urls": ["https://docs.example/tea"] });
    for _ in 0..5 {
        assert_eq!(harness.ask(&other, "extract", &page).await.status, 200);
    }
    let usage = harness.usage(&other).await.json();
    assert_eq!(usage["key"]["usage"], 3, "two for the search, one for five pages");
    assert_eq!((&usage["key"]["extract_usage"], &usage["key"]["limit"]), (&json!(1), &json!(3)));
    assert_eq!(
        (&usage["account"]["plan_usage"], &usage["account"]["plan_limit"]),
        (&json!(4), &json!(1000))
    );
    let spent = harness.ask(&other, "search", &json!({ "query": "tea" })).await;
    assert_eq!(spent.status, 432);
    assert!(text(&spent.json()["detail"]["error"]).contains("set usage limit"));
    assert_eq!(harness.usage(&other).await.json()["key"]["usage"], 3, "a refusal costs nothing");
    harness.search(json!({ "query": "tea" })).await;
    tavily.set_plan_limit(5);
    let key = harness.first_key();
    assert_eq!(harness.ask(&key, "search", &json!({ "query": "tea" })).await.status, 432);
    assert!(tavily.revoke_key(&other));
    let usage = harness.usage(&key).await.json();
    assert_eq!(usage["account"]["plan_usage"], 5, "what an ended key used stays used");
}

#[tokio::test]
async fn only_a_good_key_in_the_right_place_is_let_in() {
    let harness = Harness::new();
    let key = harness.first_key();
    let body = json!({ "query": "tea", "api_key": key });
    let post = |path: String, authorization: Option<String>| {
        let request = Request::post(path).header(CONTENT_TYPE, "application/json");
        let request = match authorization {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        };
        request.body(Body::from(body.to_string())).unwrap()
    };
    for request in [
        post("/tavily/search".to_owned(), None),
        post(format!("/tavily/search?api_key={key}"), None),
        post("/tavily/search".to_owned(), Some(key.clone())),
        post("/tavily/search".to_owned(), Some(format!("Token {key}"))),
        post("/tavily/search".to_owned(), Some(format!("Bearer {key}x"))),
    ] {
        let answer = harness.send(request).await;
        assert_eq!(answer.status, 401);
        let words = "Unauthorized: missing or invalid API key.";
        assert_eq!(answer.json(), json!({ "detail": { "error": words } }));
    }
    assert!(harness.simulator.tavily().revoke_key(&key));
    assert_eq!(harness.usage(&key).await.status, 401);
    let log = harness.get("/_control/tavily/requests").await.text;
    assert!(!log.contains(&key), "keys stay out of the log: {log}");
}

#[tokio::test]
async fn requests_that_tavily_would_not_take_are_refused() {
    let harness = Harness::new();
    let key = harness.first_key();
    for (endpoint, body, words) in [
        ("search", json!({}), "Query is missing"),
        ("search", json!({ "query": " " }), "Query is missing"),
        ("search", json!({ "query": "x".repeat(401) }), "too long"),
        ("search", json!({ "query": 7 }), "query must be a string"),
        ("search", json!({ "query": "x", "topic": "sports" }), "Invalid topic"),
        ("search", json!({ "query": "x", "search_depth": "deep" }), "Invalid search_depth"),
        ("search", json!({ "query": "x", "time_range": "" }), "Invalid time_range"),
        ("search", json!({ "query": "x", "max_results": 21 }), "between 0 and 20"),
        ("search", json!({ "query": "x", "max_results": "5" }), "max_results must be"),
        ("search", json!({ "query": "x", "include_answer": "long" }), "include_answer must be"),
        ("search", json!({ "query": "x", "include_domains": "a.example" }), "list of strings"),
        ("search", json!({ "query": "x", "exclude_domains": vec!["a"; 151] }), "Max 150"),
        ("search", json!({ "query": "x", "limit": 5 }), "knows no parameter limit"),
        ("search", json!([]), "JSON object"),
        ("extract", json!({}), "urls is missing"),
        ("extract", json!({ "urls": vec!["https://docs.example/x"; 21] }), "Max 20"),
        ("extract", json!({ "urls": [7] }), "list of strings"),
        ("extract", json!({ "urls": ["x"], "chunks_per_source": 2 }), "only when query"),
        ("extract", json!({ "urls": ["x"], "format": "html" }), "Invalid format"),
    ] {
        let answer = harness.ask(&key, endpoint, &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
        let said = text(&answer.json()["detail"]["error"]);
        assert!(said.contains(words), "{body}: {said}");
    }
    let request = Request::post("/tavily/search").header(AUTHORIZATION, format!("Bearer {key}"));
    let untyped = request.body(Body::from(r#"{"query": "x"}"#)).unwrap();
    assert_eq!(harness.send(untyped).await.status, 400);
    assert_eq!(harness.usage(&key).await.json()["key"]["usage"], 0, "none of it costs anything");
}

#[tokio::test]
async fn keys_are_made_listed_limited_and_revoked_over_http() {
    let harness = Harness::new();
    let made = harness.control("POST", "tavily/keys", &json!({ "limit": 1 })).await;
    assert_eq!(made.status, 201);
    let key = text(&made.json()["api_key"]);
    let named = json!({ "api_key": "tvly-mine-1" });
    assert_eq!(harness.control("POST", "tavily/keys", &named).await.status, 201);
    for bad in [json!({ "api_key": "mine" }), json!({ "api_key": "tvly-" }), named] {
        let refused = harness.control("POST", "tavily/keys", &bad).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["code"]),
            (422, &json!("invalid_key"))
        );
    }
    let listed = harness.get("/_control/tavily/keys").await.json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 3);
    assert_eq!(listed["data"][1], json!({ "api_key": key }), "nothing but the field of the form");

    let one = json!({ "api_key": key });
    let revoked = harness.control("POST", "tavily/keys/revoke", &one).await;
    assert_eq!(revoked.json(), json!({ "affected": 1 }));
    assert_eq!(harness.control("POST", "tavily/keys/revoke", &one).await.json()["affected"], 0);
    assert_eq!(harness.control("POST", "tavily/keys/revoke", &json!({})).await.status, 422);
    assert_eq!(harness.control("POST", "tavily/plan", &json!({ "limit": 0 })).await.status, 204);
    let mine = "tvly-mine-1";
    assert_eq!(harness.ask(mine, "search", &json!({ "query": "x" })).await.status, 432);

    assert_eq!(harness.control("POST", "reset", &Value::Null).await.status, 204);
    assert_eq!(harness.ask(mine, "search", &json!({ "query": "x" })).await.status, 200);
    assert_eq!(harness.usage(&key).await.status, 401, "what was revoked stays so");
    let all = harness.control("POST", "tavily/keys/revoke", &json!({ "all": true })).await;
    assert_eq!(all.json(), json!({ "affected": 2 }));
    assert_eq!(harness.get("/_control/tavily/keys").await.json(), json!({ "data": [] }));
}

#[tokio::test]
async fn faults_are_worded_as_tavily_words_them() {
    let harness = Harness::new();
    let key = harness.first_key();
    let tavily = harness.simulator.tavily();
    tavily.inject("search", Fault::RateLimited { retry_after_s: 9 }, Times::Next(1)).unwrap();
    let answer = harness.ask(&key, "search", &json!({ "query": "x" })).await;
    assert_eq!(
        (answer.status.as_u16(), answer.headers["retry-after"].to_str().unwrap()),
        (429, "9")
    );
    assert!(text(&answer.json()["detail"]["error"]).contains("excessive requests"));
    for (code, status) in [("paygo_limit", 433), ("internal_error", 500), ("unauthorized", 401)] {
        tavily.inject("usage", Fault::Refused(code.to_owned()), Times::Next(1)).unwrap();
        let answer = harness.usage(&key).await;
        assert_eq!(answer.status, status);
        assert!(answer.json()["detail"]["error"].is_string());
    }
    assert!(tavily.inject("usage", Fault::Refused("fire".to_owned()), Times::Next(1)).is_err());
    assert!(tavily.inject("crawl", Fault::Html, Times::Next(1)).is_err());
    let last = tavily.requests().pop().unwrap();
    assert_eq!((last.endpoint.as_str(), last.error.as_deref()), ("usage", Some("unauthorized")));
}
