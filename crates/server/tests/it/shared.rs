//! Accounts that a project shares with all its end users.

use astralform_domain::{EnvironmentSettings, SettingsPatch, VerifyEndUser};
use astralform_simulator::{Fault, Times};
use astralform_testkit::{Page, Reply, Setup, TestServer};
use serde_json::json;

const TOOL: &str = "slack_list_channels";

/// Returns a server whose connector takes what is shared in the way the two settings say.
async fn server(require_auth: bool, allow_end_user_auth: bool) -> TestServer {
    let server = TestServer::start().await;
    set(&server, require_auth, allow_end_user_auth).await;
    server
}

async fn set(server: &TestServer, require_auth: bool, allow_end_user_auth: bool) {
    let require_auth = Some(require_auth);
    let allow_end_user_auth = Some(allow_end_user_auth);
    server
        .change(SettingsPatch { require_auth, allow_end_user_auth, ..SettingsPatch::default() })
        .await;
}

async fn asked(server: &TestServer) -> Reply {
    let reply = server.admin().post(&server.managed("/shared-connection"), json!({})).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
}

/// Sends a member's browser all the way.
async fn share(server: &TestServer) -> Page {
    let asked = asked(server).await;
    let link = asked.body["url"].as_str().unwrap();
    server.browser().connect(link, "Allow").await
}

async fn call(server: &TestServer, end_user: Option<&str>) -> Reply {
    server.backend().naming(end_user).call(TOOL, json!({})).await
}

#[tokio::test]
async fn what_is_shared_pays_for_everybody_where_end_users_may_not_connect() {
    let server = server(true, false).await;
    for end_user in [None, Some("alice")] {
        let refused = call(&server, end_user).await;
        assert_eq!((refused.status, refused.code()), (409, "shared_connection_required"));
    }
    let shown = server.admin().get(&server.managed("")).await;
    assert_eq!(shown.body["status"], "needs_credentials");

    assert_eq!(share(&server).await.outcome(), "completed");
    for end_user in [None, Some("alice"), Some("bob")] {
        assert_eq!(call(&server, end_user).await.outcome(), "completed", "{end_user:?}");
    }
    let shown = server.admin().get(&server.managed("")).await;
    assert_eq!(
        (&shown.body["status"], &shown.body["connections"]["active"]),
        (&json!("ready"), &json!(1))
    );
    let own = server.agent("alice").get("/v1/connections").await;
    assert_eq!(own.body["data"], json!([]), "it is not an end user's");
    let own = json!({"connector": "slack"});
    let refused = server.agent("alice").post("/v1/auth-requests", own).await;
    assert_eq!(refused.code(), "end_user_auth_not_allowed");
}

#[tokio::test]
async fn an_account_of_ones_own_goes_before_what_is_shared() {
    let server = server(true, true).await;
    let own = server.connect("alice", TOOL).await;
    share(&server).await;
    set(&server, false, true).await;
    assert_eq!(call(&server, Some("bob")).await.outcome(), "completed", "bob has none");

    let path = format!("/v1/connections/{own}");
    assert_eq!(server.agent("alice").get(&path).await.outcome(), "active");
    server.agent("alice").delete(&path).await;
    let shared = call(&server, Some("alice")).await;
    assert_ne!(shared.status, 409, "disconnected counts as none: {shared:?}");
}

#[tokio::test]
async fn what_is_shared_never_pays_where_end_users_must_connect() {
    let server = server(true, true).await;
    share(&server).await;
    assert_eq!(call(&server, Some("alice")).await.outcome(), "auth_required");
    let nobody = call(&server, None).await;
    assert_eq!((nobody.status, nobody.code()), (400, "end_user_required"));
}

#[tokio::test]
async fn a_shared_account_that_died_is_a_members_work() {
    let server = server(true, false).await;
    share(&server).await;
    server.slack().revoke_all();
    for _ in 0..2 {
        let refused = call(&server, Some("alice")).await;
        assert_eq!((refused.status, refused.code()), (409, "shared_connection_unusable"));
    }
    let listed = server.agent("alice").get("/v1/tools").await;
    let availability = &listed.body["availability"][TOOL];
    assert_eq!(availability["state"], "unavailable");
    assert!(availability["fix"].as_str().unwrap().contains("/shared-connection"));

    let again = asked(&server).await;
    assert_eq!(again.body["reason"], "needs_reauth");
    assert_eq!(share(&server).await.outcome(), "completed");
    assert_eq!(call(&server, Some("alice")).await.outcome(), "completed");
}

#[tokio::test]
async fn whoever_may_connect_is_asked_when_the_shared_account_died() {
    let server = server(false, true).await;
    share(&server).await;
    server.slack().revoke_all();
    let asked = call(&server, Some("alice")).await;
    assert_eq!(asked.body["auth_request"]["reason"], "not_connected", "{asked:?}");
    assert_eq!(call(&server, None).await.code(), "shared_connection_unusable");
}

#[tokio::test]
async fn what_a_shared_account_may_not_do_is_denied_and_nobody_is_prompted() {
    let server = server(true, false).await;
    share(&server).await;
    let fault = Fault::Refused("missing_scope".to_owned());
    server.slack().inject("conversations.list", fault, Times::Next(1)).ok().unwrap();
    let denied = call(&server, Some("alice")).await;
    assert_eq!(denied.body["error"]["kind"], "permission_denied", "{denied:?}");
    let message = denied.body["error"]["message"].as_str().unwrap();
    assert!(message.contains("a member has to share it again"), "{message}");
}

/// Returns a server on which somebody has to say who finished.
async fn confirming() -> TestServer {
    let settings = EnvironmentSettings {
        verify_end_user: VerifyEndUser::Confirm,
        return_urls: vec!["https://app.example.com/done".to_owned()],
        allowed_origins: Vec::new(),
    };
    let server = TestServer::with(Setup { settings: Some(settings), ..Setup::default() }).await;
    set(&server, true, false).await;
    server
}

fn code_on(page: &Page) -> String {
    let (_, rest) = page.html.split_once("<code data-confirmation>").expect("a code");
    rest.split_once('<').unwrap().0.to_owned()
}

#[tokio::test]
async fn o5_what_is_shared_works_once_the_code_of_the_browser_is_confirmed() {
    let server = confirming().await;
    let asked = asked(&server).await;
    let page = server.browser().connect(asked.body["url"].as_str().unwrap(), "Allow").await;
    assert_eq!(page.outcome(), "awaiting_confirmation");
    assert_eq!(call(&server, None).await.code(), "shared_connection_required");

    let id = asked.body["id"].clone();
    let code = code_on(&page);
    let path = server.managed("/shared-connection/confirm");
    let confirm = async |code: &str| {
        let said = json!({"auth_request_id": id, "confirmation": code});
        server.admin().post(&path, said).await
    };
    let elsewhere = server.browser().open(asked.body["url"].as_str().unwrap()).await;
    assert!(!elsewhere.html.contains(&code), "the link alone does not show it");
    let wrong = confirm(&code.chars().rev().collect::<String>()).await;
    assert_eq!((wrong.status, wrong.code()), (403, "wrong_confirmation"));
    let path = format!("/v1/auth-requests/{}/confirm", id.as_str().unwrap());
    let backend = json!({"end_user_id": "alice", "confirmation": code});
    assert_eq!(server.backend().post(&path, backend).await.status, 404, "not a backend's to say");

    assert_eq!(confirm(&code).await.outcome(), "completed");
    assert_eq!(call(&server, None).await.outcome(), "completed");
    assert_eq!(confirm(&code).await.code(), "not_awaiting_confirmation");
}

#[tokio::test]
async fn the_page_says_that_the_account_will_be_everybodys() {
    let server = server(true, false).await;
    let asked = asked(&server).await;
    assert!(asked.body["message"].as_str().unwrap().contains("all users of the project"));
    let page = server.browser().visit(asked.body["url"].as_str().unwrap()).await;
    assert!(page.html.contains("Share your Slack account"), "{}", page.html);
    assert!(page.html.contains("every user of Test project"));
    assert!(!page.html.contains("Your user there"));
}
