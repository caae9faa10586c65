//! What may be asked of end users, what their page offers, and how those who asked learn of the end.

use astralform_domain::{EnvironmentSettings, Patch, ScopeSet, SettingsPatch, VerifyEndUser};
use astralform_testkit::{Reply, Setup, TestServer};
use serde_json::{Value, json};
use url::Url;

use crate::freezing::freeze;

const TOOL: &str = "slack_list_channels";
const NEW: &str = "/v1/auth-requests";
const RETURN: &str = "https://app.example.com/connected?tab=2";
const OWN: &str = "com.example.app:/connected";

async fn returning(verify_end_user: VerifyEndUser, to: &str) -> TestServer {
    let settings = EnvironmentSettings {
        verify_end_user,
        return_urls: vec![to.to_owned()],
        allowed_origins: Vec::new(),
    };
    TestServer::with(Setup { settings: Some(settings), ..Setup::default() }).await
}

async fn ask(server: &TestServer, wanted: Value) -> Reply {
    let mut body = json!({"connector": "slack"});
    body.as_object_mut().unwrap().extend(wanted.as_object().unwrap().clone());
    server.agent("alice").post(NEW, body).await
}

/// Returns where a browser is sent in the end that decides so at the provider.
async fn way_back(server: &TestServer, asked: &Reply, decision: &str) -> Url {
    let browser = server.browser();
    let callback = browser.callback(asked.link(), decision).await;
    browser.open(callback.as_str()).await.leads_to().unwrap()
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn whoever_waits_for_a_request_hears_of_its_final_status_and_of_none_before() {
    let server = returning(VerifyEndUser::Confirm, RETURN).await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let path = format!("{NEW}/{}", asked.auth_request());
    let poller = server.backend();
    let watched = format!("{path}?wait=50");
    let polling = tokio::spawn(async move { poller.get(&watched).await });
    let back = way_back(&server, &asked, "Allow").await;
    assert_eq!(server.backend().get(&path).await.outcome(), "awaiting_confirmation");
    let body = json!({"end_user_id": "alice", "confirmation": parameter(&back, "confirmation")});
    assert_eq!(server.backend().post(&format!("{path}/confirm"), body).await.status, 200);
    assert_eq!(polling.await.unwrap().outcome(), "completed");
}

#[tokio::test]
async fn a_wait_that_ends_first_shows_the_request_as_it_is() {
    let server = returning(VerifyEndUser::Confirm, RETURN).await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    way_back(&server, &asked, "Allow").await;
    let waited = format!("{NEW}/{}?wait=1", asked.auth_request());
    assert_eq!(server.backend().get(&waited).await.outcome(), "awaiting_confirmation");
}

#[tokio::test]
async fn a_browser_that_brings_no_connection_tells_the_return_url_how_it_ended() {
    for verify_end_user in [VerifyEndUser::Confirm, VerifyEndUser::Off] {
        let server = returning(verify_end_user, RETURN).await;
        let asked = ask(&server, json!({})).await;
        let back = way_back(&server, &asked, "Cancel").await;
        let declined = format!("{RETURN}&auth_request={}&status=declined", asked.auth_request());
        assert_eq!(back.as_str(), declined);
    }
    let server = returning(VerifyEndUser::Off, RETURN).await;
    let asked = ask(&server, json!({})).await;
    let late = server.browser();
    let browser = server.browser();
    let callback = late.callback(asked.link(), "Allow").await;
    let other = browser.callback(asked.link(), "Cancel").await;
    browser.open(other.as_str()).await;
    let back = late.open(callback.as_str()).await.leads_to().unwrap();
    assert_eq!(parameter(&back, "status").as_deref(), Some("declined"), "{back}");

    let asked = ask(&server, json!({})).await;
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    server.set_enabled(false).await;
    let back = browser.open(callback.as_str()).await.leads_to().unwrap();
    assert_eq!(parameter(&back, "status").as_deref(), Some("failed"), "{back}");
}

#[tokio::test]
async fn a_browser_that_brings_a_connection_brings_no_status() {
    let server = returning(VerifyEndUser::Confirm, RETURN).await;
    let asked = ask(&server, json!({})).await;
    let back = way_back(&server, &asked, "Allow").await;
    assert_eq!(parameter(&back, "status"), None, "{back}");
    assert!(parameter(&back, "confirmation").is_some(), "{back}");
}

#[tokio::test]
async fn only_scopes_that_the_connector_declares_can_be_asked_for() {
    let server = TestServer::start().await;
    let session = json!({"end_user_id": "alice"});
    let opened = server.backend().post("/v1/sessions", session).await;
    let in_session = server.agent_with_key(opened.body["token"].as_str().unwrap(), "alice");
    for caller in [server.agent("alice"), in_session] {
        for undeclared in ["admin", "CHAT:WRITE", "chat:write:bot"] {
            let wanted = json!({"connector": "slack", "scopes": ["groups:read", undeclared]});
            let refused = caller.post(NEW, wanted).await;
            assert_eq!((refused.status, refused.code()), (422, "invalid_scopes"), "{undeclared}");
            let detail = refused.body["detail"].as_str().unwrap();
            assert!(detail.contains(undeclared) && detail.contains("groups:read,"), "{detail}");
        }
        let wanted = json!({"connector": "slack", "scopes": ["groups:read"]});
        assert_eq!(caller.post(NEW, wanted).await.outcome(), "pending");
    }
}

#[tokio::test]
async fn where_the_project_lists_scopes_no_others_can_be_asked_for() {
    let server = TestServer::start().await;
    let listed = ScopeSet::from_iter(["channels:read", "custom:scope"]);
    server.change(SettingsPatch { scopes: Patch::Set(listed), ..SettingsPatch::default() }).await;
    for unlisted in ["chat:write", "groups:read", "admin"] {
        let refused = ask(&server, json!({"scopes": [unlisted]})).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_scopes"), "{unlisted}");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains("channels:read, custom:scope"), "{detail}");
    }
    let asked = ask(&server, json!({"scopes": ["custom:scope"]})).await;
    assert_eq!(asked.body["required_scopes"], json!(["channels:read", "custom:scope"]));

    server
        .change(SettingsPatch {
            scopes: Patch::Set(ScopeSet::default()),
            ..SettingsPatch::default()
        })
        .await;
    let refused = ask(&server, json!({"scopes": ["channels:read"]})).await;
    assert_eq!(refused.code(), "invalid_scopes", "an empty list allows none");
}

#[tokio::test]
async fn o8_an_application_gets_its_browser_back_by_its_own_scheme() {
    let server = returning(VerifyEndUser::Confirm, OWN).await;
    let asked = ask(&server, json!({"return_url": OWN})).await;
    let back = way_back(&server, &asked, "Allow").await;
    let begin = format!("{OWN}?auth_request={}&confirmation=", asked.auth_request());
    assert!(back.as_str().starts_with(&begin), "{back}");
    let body = json!({"end_user_id": "alice", "confirmation": parameter(&back, "confirmation")});
    let path = format!("{NEW}/{}/confirm", asked.auth_request());
    assert_eq!(server.backend().post(&path, body).await.outcome(), "completed");

    let asked = ask(&server, json!({"account": "new"})).await;
    let back = way_back(&server, &asked, "Cancel").await;
    assert_eq!(
        back.as_str(),
        format!("{OWN}?auth_request={}&status=declined", asked.auth_request())
    );
    for other in ["com.example.app:/Connected", "com.example.app:/connected/", "com.example.app:/"]
    {
        let refused = ask(&server, json!({"return_url": other})).await;
        assert_eq!((refused.status, refused.code()), (422, "return_url_not_registered"), "{other}");
    }
}

#[tokio::test]
async fn o8_an_own_scheme_is_registered_only_where_the_backend_confirms() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let path = server.project("/environments/test");
    let refused = admin.patch(&path, json!({"return_urls": [RETURN, OWN]})).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_return_urls"), "{refused:?}");
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains(OWN) && detail.contains("`verify_end_user: confirm`"), "{detail}");
    let both = json!({"verify_end_user": "confirm", "return_urls": [RETURN, OWN]});
    assert_eq!(admin.patch(&path, both).await.status, 200);
    let refused = admin.patch(&path, json!({"verify_end_user": "off"})).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_return_urls"), "{refused:?}");
    assert_eq!(admin.get(&path).await.body["verify_end_user"], "confirm", "nothing has changed");
    let off = json!({"verify_end_user": "off", "return_urls": [RETURN]});
    assert_eq!(admin.patch(&path, off).await.status, 200);
}

#[tokio::test]
async fn one_more_account_that_is_connected_already_is_said_to_be() {
    let server = TestServer::start().await;
    let connection = server.connect("alice", TOOL).await;
    let asked = ask(&server, json!({"account": "new"})).await;
    assert_eq!(asked.body["account_hint"], Value::Null);
    let page = server.browser().connect(asked.link(), "Allow").await;
    assert!(page.html.contains("is already connected"), "{}", page.html);
    assert!(page.html.contains("ada in Acme (simulated)"), "{}", page.html);
    let ended = server.ended(&asked).await;
    assert_eq!((ended.outcome(), ended.connection()), ("completed", &*connection));
    assert_eq!(ended.body["account_hint"], "ada in Acme (simulated)");
    let message = ended.body["message"].as_str().unwrap();
    assert!(message.contains("already connected") && message.contains("no account was added"));

    let asked = ask(&server, json!({"account": "new"})).await;
    let ended = server.consent_as("Grace Hopper", &asked).await;
    assert_eq!(ended.body["account_hint"], Value::Null, "{ended:?}");
    assert!(!ended.body["message"].as_str().unwrap().contains("already"), "{ended:?}");
}

#[tokio::test]
async fn one_more_account_that_is_connected_already_is_said_to_be_after_a_confirmation_too() {
    let server = returning(VerifyEndUser::Confirm, RETURN).await;
    for is_known in [false, true] {
        let asked = ask(&server, json!({"account": "new"})).await;
        let back = way_back(&server, &asked, "Allow").await;
        let proof = parameter(&back, "confirmation");
        let body = json!({"end_user_id": "alice", "confirmation": proof});
        let path = format!("{NEW}/{}", asked.auth_request());
        let confirmed = server.backend().post(&format!("{path}/confirm"), body).await;
        let message = confirmed.body["message"].as_str().unwrap();
        assert_eq!(message.contains("already connected"), is_known, "{message}");
        let page = server.browser().visit(asked.link()).await;
        assert_eq!(page.html.contains("is already connected"), is_known, "{}", page.html);
    }
    let listed = server.agent("alice").get("/v1/connections").await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 1, "{listed:?}");
}

#[tokio::test]
async fn renewing_an_account_does_not_say_that_it_was_connected_already() {
    let server = TestServer::start().await;
    server.connect("alice", TOOL).await;
    let asked = ask(&server, json!({"scopes": ["groups:read"]})).await;
    let ended = server.consent_as("Ada Lovelace", &asked).await;
    assert!(!ended.body["message"].as_str().unwrap().contains("already"), "{ended:?}");
}

#[tokio::test]
async fn the_page_of_a_connector_that_cannot_be_used_offers_nothing() {
    let server = TestServer::start().await;
    let asked = ask(&server, json!({})).await;
    let browser = server.browser();
    let offers = async || {
        let page = browser.visit(asked.link()).await;
        (page.status, page.html.contains("<form"), page.html.contains("It will be able to"))
    };
    assert_eq!(offers().await, (200, true, true));
    server.set_enabled(false).await;
    assert_eq!(offers().await, (200, false, false));
    server.set_enabled(true).await;
    assert_eq!(offers().await, (200, true, true));
    freeze(&server, true).await;
    server.catch_up().await;
    assert_eq!(offers().await, (200, false, false));
    freeze(&server, false).await;
    server.catch_up().await;
    assert_eq!(offers().await, (200, true, true));
    let gone = server.admin().delete(&server.managed("")).await;
    assert_eq!(gone.status, 200, "{gone:?}");
    assert_eq!(offers().await, (200, false, false), "how it ended");
}
