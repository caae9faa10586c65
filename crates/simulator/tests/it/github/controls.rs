use serde_json::json;

use super::setting::{APP, Setting};
use crate::harness::{CALLBACK, Harness, SECRET, text};

#[tokio::test]
async fn an_app_is_registered_over_http_without_its_secret_coming_back() {
    let harness = Harness::new();
    let app = json!({ "client_id": APP, "client_secret": SECRET, "redirect_uris": [CALLBACK] });
    let created = harness.control("POST", "github/apps", &app).await;
    assert_eq!(created.status, 201);
    let listed = harness.get("/_control/github/apps").await;
    assert_eq!(listed.json()["data"][0]["client_id"], APP);
    assert!(!listed.text.contains(SECRET) && !created.text.contains(SECRET));
    let bad = json!({ "client_id": "a:b", "client_secret": SECRET, "redirect_uris": [CALLBACK] });
    assert_eq!(harness.control("POST", "github/apps", &bad).await.json()["code"], "invalid_app");
}

#[tokio::test]
async fn tokens_expire_and_are_revoked_by_whose_they_are() {
    let setting = Setting::with_app(|app| app.expiring_tokens = true);
    let ada = setting.access_token("repo", "ada").await;
    let granted = setting.connect("gist", "grace").await;
    let grace = text(&granted["access_token"]);
    let harness = &setting.harness;
    let expired = json!({ "login": "ada" });
    let expired = harness.control("POST", "github/tokens/expire", &expired).await;
    assert_eq!(expired.json(), json!({ "affected": 1 }));
    assert_eq!(setting.get(&ada, "user").await.status, 401);
    assert_eq!(setting.get(&grace, "user").await.status, 200);
    let listed = harness.get("/_control/github/tokens").await.json();
    assert_eq!(listed["data"][0]["live_access_tokens"], 0);
    assert_eq!(listed["data"][0]["live_refresh_tokens"], 1);
    let by_token = json!({ "token": granted["refresh_token"] });
    let revoked = harness.control("POST", "github/tokens/revoke", &by_token).await;
    assert_eq!(revoked.json(), json!({ "affected": 1 }));
    assert_eq!(setting.get(&grace, "user").await.status, 401);
    let nothing = harness.control("POST", "github/tokens/revoke", &json!({})).await;
    assert_eq!(nothing.json()["code"], "ambiguous_selection");
}

#[tokio::test]
async fn requests_are_listed_by_endpoint_and_forgotten_at_a_reset() {
    let setting = Setting::new();
    let token = setting.access_token("repo", "ada").await;
    setting.app("POST", "token", SECRET, &token).await;
    setting.get(&token, &format!("user/repos?x={token}")).await;
    let listed = setting.harness.get("/_control/github/requests").await;
    let endpoints: Vec<_> = setting.github().requests().into_iter().map(|it| it.endpoint).collect();
    let expected = [
        "login/oauth/authorize",
        "login/oauth/authorize/decision",
        "login/oauth/access_token",
        "applications/token",
        "user/repos",
    ];
    assert_eq!(endpoints, expected);
    assert!(!listed.text.contains(&token) && !listed.text.contains(SECRET));
    let fault = json!({ "endpoint": "search/issues", "fault": { "kind": "html" } });
    assert_eq!(setting.harness.control("POST", "github/faults", &fault).await.status, 204);
    let seconds = json!({ "seconds": 60 });
    setting.harness.control("POST", "github/clock/advance", &seconds).await;
    assert_eq!(setting.harness.control("POST", "reset", &json!(null)).await.status, 204);
    assert!(setting.github().requests().is_empty() && setting.github().faults().is_empty());
    assert_eq!(setting.get(&token, "user").await.status, 401);
    assert_eq!(setting.github().apps().len(), 1);
}
