//! Projects, logos, copies of environments, and admin tokens.

use std::time::Duration;

use astralform_testkit::{Reply, TestServer, picture};
use serde_json::{Value, json};

fn refusal(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.code())
}

#[tokio::test]
async fn a_project_is_made_with_environments_and_an_agent_and_its_profile_is_changed() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let made = admin.post("/v1/projects", json!({"name": "Second"})).await;
    assert_eq!((made.status, &made.body["role"]), (201, &json!("owner")));
    let path = format!("/v1/projects/{}", made.body["id"].as_str().unwrap());
    let agents = admin.get(&format!("{path}/agents")).await;
    assert_eq!(agents.body["data"][0]["name"], "default");
    let live = admin.get(&format!("{path}/environments/live")).await;
    assert_eq!(live.body["verify_end_user"], "confirm");
    let change = json!({"accent": "moss", "privacy_url": "https://acme.example/privacy"});
    let changed = admin.patch_if(&path, 1, change).await;
    assert_eq!((&changed.body["accent"], &changed.body["version"]), (&json!("moss"), &json!(2)));
    let stale = admin.patch_if(&path, 1, json!({"name": "Other"})).await;
    assert_eq!(refusal(&stale), (412, "version_changed"));
    let cleared = admin.patch(&path, json!({"privacy_url": null})).await;
    assert_eq!(cleared.body["privacy_url"], Value::Null);
    let bad = admin.patch(&path, json!({"support_url": "http://acme.example"})).await;
    assert_eq!(refusal(&bad), (422, "invalid_link"));
    assert_eq!(admin.patch(&path, json!({"accent": "pink"})).await.status, 400);
}

#[tokio::test]
async fn a_logo_is_served_by_us_as_a_picture_and_nothing_else() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let path = server.project("/logo");
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec();
    let refused = admin.put_picture(&path, "image/png", svg).await;
    assert_eq!(refusal(&refused), (422, "invalid_logo"));
    assert_eq!(admin.put_picture(&path, "image/svg+xml", picture()).await.status, 415);
    let large = admin.put_picture(&path, "image/png", vec![0; 200_001]).await;
    assert_eq!(large.status, 413);
    let set = admin.put_picture(&path, "image/png", picture()).await;
    assert_eq!(set.status, 200, "{set:?}");
    let url = set.body["logo_url"].as_str().unwrap();
    let picture = reqwest::get(url).await.unwrap();
    assert_eq!(picture.headers()["content-type"], "image/png");
    assert_eq!(picture.headers()["x-content-type-options"], "nosniff");
    assert!(picture.bytes().await.unwrap().starts_with(b"\x89PNG"));
    assert_eq!(admin.get(&server.project("")).await.body["logo_url"], url);
    assert_eq!(reqwest::get(url.replace(".png", "x.png")).await.unwrap().status(), 404);
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_eq!(reqwest::get(url).await.unwrap().status(), 404);
}

#[tokio::test]
async fn settings_are_copied_as_they_were_shown_and_no_secret_is() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let settings = json!({
        "return_urls": ["https://app.example.com/done", "http://localhost:3000/done"],
        "allowed_origins": ["https://app.example.com", "http://localhost:3000"],
    });
    admin.patch(&server.project("/environments/test"), settings).await;
    admin.patch(&server.managed(""), json!({"tools": ["slack_list_channels"]})).await;
    let path = server.project("/environments/live/copy");
    let plan = admin.get(&format!("{path}?from=test")).await;
    assert_eq!(plan.status, 200, "{plan:?}");
    assert_eq!(plan.body["return_urls"], json!(["https://app.example.com/done"]));
    assert_eq!(plan.body["allowed_origins"], json!(["https://app.example.com"]));
    assert_eq!(plan.body["connectors"][0]["action"], "enable");
    let wrong = admin.post(&path, json!({"from": "test", "digest": "other"})).await;
    assert_eq!(refusal(&wrong), (409, "copy_changed"));
    let send = json!({"from": "test", "digest": plan.body["digest"]});
    let copied = admin.post(&path, send.clone()).await;
    assert_eq!((copied.status, &copied.body["refused"]), (200, &json!([])), "{copied:?}");
    let live = admin.get(&server.project("/environments/live")).await.body;
    assert_eq!(live["return_urls"], json!(["https://app.example.com/done"]));
    assert_eq!(live["verify_end_user"], "confirm");
    let slack = admin.get(&server.project("/connectors/slack?environment=live")).await.body;
    assert_eq!(slack["tools"], json!(["slack_list_channels"]));
    assert_eq!((&slack["sandbox"], &slack["status"]), (&json!(false), &json!("needs_credentials")));
    assert_eq!(refusal(&admin.post(&path, send).await), (409, "copy_changed"));
    let nothing = admin.get(&format!("{path}?from=test")).await.body;
    assert_eq!((&nothing["connectors"], &nothing["return_urls"]), (&json!([]), &json!([])));
    assert_eq!(refusal(&admin.get(&format!("{path}?from=live")).await), (422, "invalid_copy"));
}

#[tokio::test]
async fn k1_an_admin_token_reads_or_writes_ends_and_makes_none_that_outlives_it() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let tokens = "/v1/me/admin-tokens";
    let end = server.clock.now().after(Duration::from_hours(1));
    let made = admin.post(tokens, json!({"name": "CI", "expires_at": end})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let ci = server.agent_with_key(made.body["token"].as_str().unwrap(), "x").naming(None);
    let refused = ci.post(tokens, json!({"name": "Longer"})).await;
    assert_eq!(refusal(&refused), (422, "invalid_expires_at"));
    let read = json!({"name": "Read", "access": "read", "expires_at": end});
    let read = ci.post(tokens, read).await;
    let reader = server.agent_with_key(read.body["token"].as_str().unwrap(), "x").naming(None);
    assert_eq!(reader.get(&server.project("")).await.status, 200);
    let refused = reader.patch(&server.project(""), json!({"name": "Mine"})).await;
    assert_eq!(refusal(&refused), (403, "read_only_token"));
    let refused = reader.post(tokens, json!({"name": "More", "expires_at": end})).await;
    assert_eq!(refusal(&refused), (403, "read_only_token"));
    let id = read.body["id"].as_str().unwrap();
    assert_eq!(admin.delete(&format!("{tokens}/{id}")).await.status, 204);
    assert_eq!(reader.get("/v1/me").await.status, 401);
    server.clock.advance(Duration::from_hours(1));
    assert_eq!(ci.get("/v1/me").await.status, 401);
}

#[tokio::test]
async fn an_end_user_whose_id_reads_like_a_member_is_refused() {
    let server = TestServer::start().await;
    for id in ["member:memb_1", "Member:1", "MEMBER:"] {
        let refused = server.agent(id).get("/v1/tools").await;
        assert_eq!(refusal(&refused), (400, "invalid_end_user"), "{id}");
        let opened = server.backend().post("/v1/sessions", json!({"end_user_id": id})).await;
        assert_eq!(opened.status, 400, "{id}");
        let confirm = json!({"end_user_id": id, "confirmation": "x"});
        let path = "/v1/auth-requests/areq_01JAAAAAAAAAAAAAAAAAAAAAAA/confirm";
        assert_eq!(server.backend().post(path, confirm).await.status, 400, "{id}");
    }
    assert_eq!(server.agent("membership:1").get("/v1/tools").await.status, 200);
}
