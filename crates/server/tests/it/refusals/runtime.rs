use astralform_domain::{Environment, Tenant};
use astralform_testkit::{Agent, Setup, TestServer};
use serde_json::{Value, json};

use super::Refused;
use crate::{
    freezing::freeze,
    raw::{address, answer},
};

const CALL: &str = "/v1/tools/slack_list_channels/call";
const PROMPTS: &str = "/v1/auth-requests";
const SESSIONS: &str = "/v1/sessions";

pub(super) async fn refused() -> Vec<Refused> {
    let server = TestServer::start().await;
    let mut all = of_addresses_and_headers(&server).await;
    all.extend(of_tokens(&server).await);
    all.extend(of_bodies(&server).await);
    all.extend(of_queries(&server).await);
    all.extend(of_names(&server).await);
    all.extend(of_arguments(&server).await);
    all.extend(of_prompts(&server).await);
    all.extend(of_sessions(&server).await);
    all.extend(of_connections(&server).await);
    all.extend(of_settings(&server).await);
    all.extend(of_metrics().await);
    all
}

/// Returns the refusal of what is sent as bytes: a request line, headers and a body.
pub(super) async fn raw(server: &TestServer, line: &str, headers: &str, body: &str) -> Refused {
    let head = format!("{line} HTTP/1.1\r\n{headers}\r\n");
    let answer = answer(address(server), &(head + body)).await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let about: Vec<_> = headers.lines().filter(|header| *header != "Host: localhost").collect();
    let about = about.join("`, `").replace(server.key(), "sk_test_…");
    let about = if about.is_empty() { String::new() } else { format!(" with `{about}`") };
    Refused::read(&format!("`{line}`{about}"), &serde_json::from_str(body).unwrap())
}

pub(super) async fn get(by: &Agent, path: &str) -> Refused {
    Refused::to(&format!("`GET {path}`"), &by.get(path).await)
}

pub(super) async fn post(by: &Agent, path: &str, body: Value) -> Refused {
    let request = format!("`POST {path}` `{body}`");
    Refused::to(&request, &by.post(path, body).await)
}

pub(super) async fn patch(by: &Agent, path: &str, body: Value) -> Refused {
    let request = format!("`PATCH {path}` `{body}`");
    Refused::to(&request, &by.patch(path, body).await)
}

async fn of_addresses_and_headers(server: &TestServer) -> Vec<Refused> {
    let alice = server.agent("alice");
    let key = format!("Host: localhost\r\nAuthorization: Bearer {}\r\n", server.key());
    let long = "x".repeat(256);
    let long_id = Refused::to(
        "`GET /v1/tools` with an `X-End-User-ID` of 256 characters",
        &server.agent(&long).get("/v1/tools").await,
    );
    let long_key = Refused::to(
        "an `Idempotency-Key` of 256 characters",
        &alice.post_keyed(CALL, json!({}), &long).await,
    );
    let twice = "Host: localhost\r\nX-End-User-ID: alice\r\nX-End-User-ID: bob\r\n";
    let framed = "Host: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n";
    vec![
        get(&alice, "/v1/nothing").await,
        get(&alice, CALL).await,
        get(&alice, "/v1/auth-requests/areq_01").await,
        get(&alice, "/v1/auth-requests/areq_01J00000000000000000000000").await,
        raw(server, "GET /v1/tools", twice, "").await,
        raw(server, "GET /v1/tools", "", "").await,
        raw(server, "GET /v1/tools", "Host: other.example\r\n", "").await,
        raw(server, "POST /v1/tools/slack_list_channels/call", framed, "").await,
        raw(server, "GET /v1/tools", &format!("{key}X-Agent-ID: agént\r\n"), "").await,
        raw(server, "GET /v1/tools", &format!("{key}X-End-User-ID: \r\n"), "").await,
        long_id,
        long_key,
        Refused::to(
            "a call without `X-End-User-ID`",
            &server.backend().post(CALL, json!({})).await,
        ),
    ]
}

async fn of_tokens(server: &TestServer) -> Vec<Refused> {
    let session = session(server, json!({})).await;
    let admin = server.admin();
    let with = |token: &str| server.agent_with_key(token, "alice");
    vec![
        raw(server, "GET /v1/tools", "Host: localhost\r\n", "").await,
        raw(server, "GET /v1/tools", "Host: localhost\r\nAuthorization: Basic c2s6\r\n", "").await,
        Refused::to(
            "`GET /v1/tools` with a revoked API key",
            &with("sk_test_x").get("/v1/tools").await,
        ),
        Refused::to(
            "`GET /v1/tools` with a session that is over",
            &with("ut_x").get("/v1/tools").await,
        ),
        Refused::to("`GET /v1/me` with a revoked admin token", &with("pat_x").get("/v1/me").await),
        Refused::to("`GET /v1/tools` with an admin token", &admin.get("/v1/tools").await),
        Refused::to("`GET /v1/me` with an API key", &server.backend().get("/v1/me").await),
        Refused::to("`GET /v1/me` with a session", &session.get("/v1/me").await),
        Refused::to("`GET /v1/tools` with another's token", &with("xoxp-1").get("/v1/tools").await),
        Refused::to("`GET /v1/me` with another's token", &with("ghp_1").get("/v1/me").await),
        Refused::to("`POST /v1/sessions` with a session", &session.post(SESSIONS, json!({})).await),
        Refused::to(
            "a session of alice's with `X-End-User-ID: bob`",
            &session.naming(Some("bob")).get("/v1/tools").await,
        ),
    ]
}

async fn session(server: &TestServer, wanted: Value) -> Agent {
    let mut body = json!({"end_user_id": "alice"});
    body.as_object_mut().unwrap().extend(wanted.as_object().unwrap().clone());
    let opened = server.backend().post(SESSIONS, body).await;
    server.agent_with_key(opened.body["token"].as_str().unwrap(), "").naming(None)
}

async fn of_bodies(server: &TestServer) -> Vec<Refused> {
    let alice = server.agent("alice");
    let key = format!(
        "Host: localhost\r\nAuthorization: Bearer {}\r\nX-End-User-ID: alice\r\n",
        server.key()
    );
    let json = format!("{key}Content-Type: application/json\r\n");
    let mut all = Vec::new();
    for body in [
        json!({"limit": 1}),
        json!({"arguments": {}, "wait_seconds": "10"}),
        json!({"wait_seconds": 60}),
        json!({"connection_id": "user_1"}),
        json!({"connection_id": 5}),
    ] {
        all.push(post(&alice, CALL, body).await);
    }
    for body in [
        json!({}),
        json!({"connector": "Slack"}),
        json!({"connector": "slack", "account": "other"}),
    ] {
        all.push(post(&alice, PROMPTS, body).await);
    }
    for text in [
        "[]",
        "",
        "\"x\"",
        "{\"arguments\": ",
        "{\"wait_seconds\": \"x\", }",
        "{\"arguments\": {}, \"arguments\": {}}",
    ] {
        let request = format!("`POST {CALL}` `{text}`");
        all.push(Refused::to(&request, &alice.post_text(CALL, text.to_owned()).await));
    }
    let line = format!("POST {CALL}");
    let plain = format!("{key}Content-Type: text/plain\r\nContent-Length: 2\r\n");
    all.push(raw(server, &line, &plain, "{}").await);
    all.push(raw(server, &line, &format!("{json}Content-Length: 300000\r\n"), "").await);
    all
}

async fn of_queries(server: &TestServer) -> Vec<Refused> {
    let alice = server.agent("alice");
    let mut all = Vec::new();
    for path in [
        "/v1/tools?format=gemini",
        "/v1/tools?formt=mcp",
        "/v1/connections?limit=0",
        "/v1/connections?limit=many",
        "/v1/connections?limt=1",
        "/v1/connections?limit=1&limit=2",
        "/v1/connections?cursor=next",
        "/v1/auth-requests/areq_01J00000000000000000000000?wait=60",
    ] {
        all.push(get(&alice, path).await);
    }
    all
}

async fn of_names(server: &TestServer) -> Vec<Refused> {
    let alice = server.agent("alice");
    let live = Tenant { environment: Environment::Live, ..server.tenant };
    let live = server.app.management().provisioning.create_api_key(live, None).await.unwrap();
    let live = server.agent_with_key(live.expose(), "alice");
    let bare = server.add_agent("bare", Some(Vec::new())).await;
    let bound = server
        .app
        .management()
        .provisioning
        .create_api_key(server.tenant, Some(bare))
        .await
        .unwrap();
    let bound = server.agent_with_key(bound.expose(), "alice");
    let session = session(server, json!({"tools": ["slack_list_channels"]})).await;
    let narrowed = "/v1/tools/slack_send_message/call";
    vec![
        post(&alice, "/v1/tools/slack_list_chanels/call", json!({})).await,
        post(&alice, "/v1/tools/notion_search/call", json!({})).await,
        Refused::to("the same tool with a key of `live`", &live.post(CALL, json!({})).await),
        Refused::to("as an agent without it", &alice.acting_as("bare").post(CALL, json!({})).await),
        Refused::to("with a key of an agent without it", &bound.post(CALL, json!({})).await),
        Refused::to(
            "with a session that has one other tool",
            &session.post(narrowed, json!({})).await,
        ),
        Refused::to(
            "with an unknown `X-Agent-ID`",
            &alice.acting_as("nobody").post(CALL, json!({})).await,
        ),
        Refused::to(
            "a key of one agent as another",
            &bound.acting_as("default").post(CALL, json!({})).await,
        ),
        post(&alice, PROMPTS, json!({"connector": "slak"})).await,
        post(&alice, PROMPTS, json!({"connector": "notion"})).await,
        Refused::to(
            "as an agent without it",
            &alice.acting_as("bare").post(PROMPTS, json!({"connector": "slack"})).await,
        ),
    ]
}

async fn of_arguments(server: &TestServer) -> Vec<Refused> {
    let alice = server.agent("alice");
    let body = json!({"arguments": {"limit": "many", "colour": "red"}});
    let send = "/v1/tools/slack_send_message/call";
    let exact = r#"{"arguments": {"limit": 1.00000000000000000001}}"#;
    let large = json!({"arguments": {"cursor": "x".repeat(262_144)}});
    let unknown = json!({"connection_id": "conn_01J00000000000000000000000"});
    vec![
        post(&alice, CALL, body).await,
        post(&alice, CALL, json!({"arguments": "{}"})).await,
        post(&alice, send, json!({"arguments": {"channel": "C1", "text": ""}})).await,
        Refused::to(
            &format!("`POST {CALL}` `{exact}`"),
            &alice.post_text(CALL, exact.to_owned()).await,
        ),
        Refused::to("arguments of 256 KiB", &alice.post(CALL, large).await),
        post(&alice, CALL, unknown).await,
    ]
}

async fn of_prompts(server: &TestServer) -> Vec<Refused> {
    let alice = server.agent("alice");
    let admin = server.admin();
    let settings = server.managed("");
    let slack = |more: Value| {
        let mut body = json!({"connector": "slack"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let mut all = vec![
        post(&alice, PROMPTS, slack(json!({"expires_in": 5}))).await,
        post(&alice, PROMPTS, slack(json!({"return_url": "https://app.example.com/"}))).await,
        post(&alice, PROMPTS, slack(json!({"scopes": ["admin"]}))).await,
        Refused::to(
            "`POST /v1/auth-requests/{id}/confirm` of an unknown id",
            &server
                .backend()
                .post(
                    "/v1/auth-requests/areq_01J00000000000000000000000/confirm",
                    json!({"end_user_id": "alice", "confirmation": "x"}),
                )
                .await,
        ),
    ];
    admin.patch(&settings, json!({"allow_end_user_auth": false})).await;
    let refused = alice.post(PROMPTS, slack(json!({}))).await;
    all.push(Refused::to("where `allow_end_user_auth` is false", &refused));
    let refused = alice.post(CALL, json!({})).await;
    all.push(Refused::to("a call where it is false and nothing is shared", &refused));
    admin.patch(&settings, json!({"allow_end_user_auth": true})).await;
    all
}

async fn of_sessions(server: &TestServer) -> Vec<Refused> {
    let backend = server.backend();
    let with = |more: Value| {
        let mut body = json!({"end_user_id": "alice"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let send = "slack_send_message";
    vec![
        post(&backend, SESSIONS, json!({})).await,
        post(&backend, SESSIONS, with(json!({"expires_in": 5}))).await,
        post(&backend, SESSIONS, with(json!({"tools": [send, send]}))).await,
        post(&backend, SESSIONS, with(json!({"tools": ["slack_post_message"]}))).await,
        post(&backend, SESSIONS, with(json!({"agent": "nobody"}))).await,
    ]
}

async fn of_connections(server: &TestServer) -> Vec<Refused> {
    let alice = server.agent("alice");
    let id = server.connect("alice", "slack_list_channels").await;
    let own = format!("/v1/connections/{id}");
    let other = "/v1/connections/conn_01J00000000000000000000000";
    vec![
        get(&alice, other).await,
        patch(&alice, &own, json!({"label": ""})).await,
        patch(&alice, &own, json!({"is_default": false})).await,
        patch(&alice, &own, json!({"name": "Work"})).await,
    ]
}

/// Returns what a call is refused for by the settings of its connector and project.
async fn of_settings(server: &TestServer) -> Vec<Refused> {
    let alice = server.agent("alice");
    let admin = server.admin();
    let settings = server.managed("");
    let mut all = Vec::new();
    let call = async |what: &str| Refused::to(what, &alice.post(CALL, json!({})).await);
    admin.patch(&settings, json!({"tools": ["slack_send_message"]})).await;
    all.push(call("a tool that the connector's `tools` leave out").await);
    admin.patch(&settings, json!({"tools": null, "is_enabled": false})).await;
    all.push(call("a tool of a paused connector").await);
    let notion = json!({"connector": "notion", "environment": "test"});
    admin.post(&server.project("/connectors"), notion).await;
    let refused = alice.post("/v1/tools/notion_search/call", json!({})).await;
    all.push(Refused::to("a tool of a connector without credentials", &refused));
    admin.patch(&settings, json!({"is_enabled": true})).await;
    let environment = server.project("/environments/test");
    admin.patch(&environment, json!({"verify_end_user": "confirm"})).await;
    let refused = server.agent("bob").post(CALL, json!({})).await;
    all.push(Refused::to("a prompt where nobody could confirm who finished", &refused));
    let key = "the same `Idempotency-Key` with another body";
    admin.patch(&environment, json!({"verify_end_user": "off"})).await;
    alice.post_keyed(CALL, json!({}), "k").await;
    all.push(Refused::to(key, &alice.post_keyed(CALL, json!({"arguments": {}}), "k").await));
    freeze(server, true).await;
    all.push(call("a call in a frozen project").await);
    server.app.drain();
    all.push(get(&alice, "/readyz").await);
    all
}

async fn of_metrics() -> Vec<Refused> {
    let open = TestServer::start().await;
    let setup =
        Setup { metrics_token: Some("CANARY-metrics-token-0123456789"), ..Setup::default() };
    let closed = TestServer::with(setup).await;
    vec![
        raw(&open, "GET /metrics", "Host: localhost\r\nX-Forwarded-For: 203.0.113.7\r\n", "").await,
        raw(&open, "GET /metrics", "Host: localhost\r\nOrigin: https://app.example.com\r\n", "")
            .await,
        raw(&closed, "GET /metrics", "Host: localhost\r\n", "").await,
    ]
}
