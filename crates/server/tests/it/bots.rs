//! Slack apps that act as themselves, beside or in place of the person who consents.

use astralform_domain::Patch;
use astralform_engine::project_connectors::ConnectorChange;
use astralform_storage::tokens;
use astralform_testkit::{Agent, Reply, TestServer};
use serde_json::json;
use url::Url;

const BOT: &[&str] = &["bot:channels:read", "bot:chat:write"];
const BOTH: &[&str] = &["bot:channels:read", "bot:chat:write", "channels:read", "chat:write"];
const GENERAL: &str = "C0SIMGENRL";

async fn asking_for(scopes: &[&str]) -> TestServer {
    let server = TestServer::start().await;
    let scopes = Patch::Set(scopes.iter().copied().collect());
    server.change(ConnectorChange { scopes, ..ConnectorChange::default() }).await;
    let app = server.slack().apps().remove(0);
    server.slack().invite_bot(&app.client_id, GENERAL).unwrap();
    server
}

async fn send(server: &TestServer) -> Reply {
    let message = json!({"channel": GENERAL, "text": "Hello."});
    server.agent("alice").call("slack_send_message", message).await
}

async fn search(server: &TestServer) -> Reply {
    server.agent("alice").call("slack_search_messages", json!({"query": "report"})).await
}

fn parameter(url: &Url, wanted: &str) -> Option<String> {
    url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
}

/// Returns who wrote a message, as its page at the provider says.
async fn author(provider: &Url, sent: &Reply) -> String {
    let ts = sent.body["data"]["ts"].as_str().unwrap_or_else(|| panic!("{sent:?}"));
    let page = format!("/slack/archives/{GENERAL}/p{}", ts.replace('.', ""));
    let page = reqwest::get(provider.join(&page).unwrap()).await.unwrap().text().await.unwrap();
    let (before, _) = page.split_once(" wrote:").unwrap();
    before.rsplit_once("<p>").unwrap().1.to_owned()
}

async fn kinds(server: &TestServer, connection: &str) -> Vec<String> {
    let stored = tokens::of(&server.db, connection.parse().unwrap()).await.unwrap();
    let mut kinds: Vec<_> = stored.into_iter().map(|token| token.kind).collect();
    kinds.sort();
    kinds
}

#[tokio::test]
async fn a_project_that_asks_for_bot_scopes_alone_acts_as_the_app() {
    let server = asking_for(BOT).await;
    let asked = send(&server).await;
    let authorize = server.browser().authorize_url(asked.link()).await;
    assert_eq!(parameter(&authorize, "scope").as_deref(), Some("channels:read,chat:write"));
    assert_eq!(parameter(&authorize, "user_scope"), None);

    let ended = server.consent_as("Ada Lovelace", &asked).await;
    assert_eq!(author(&authorize, &send(&server).await).await, "An app");
    assert_eq!(kinds(&server, ended.connection()).await, ["bot"]);
    let listed = server.agent("alice").call("slack_list_channels", json!({})).await;
    assert_eq!(listed.outcome(), "completed", "{listed:?}");
}

#[tokio::test]
async fn with_both_kinds_of_scopes_both_tokens_are_kept_and_the_person_acts() {
    let server = asking_for(BOTH).await;
    let asked = send(&server).await;
    let authorize = server.browser().authorize_url(asked.link()).await;
    for parameter_of_kind in ["scope", "user_scope"] {
        let sent = parameter(&authorize, parameter_of_kind);
        assert_eq!(sent.as_deref(), Some("channels:read,chat:write"), "{parameter_of_kind}");
    }
    let ended = server.consent_as("Ada Lovelace", &asked).await;
    assert_eq!(kinds(&server, ended.connection()).await, ["bot", "user"]);
    assert_eq!(author(&authorize, &send(&server).await).await, "Ada Lovelace");
}

#[tokio::test]
async fn searching_asks_for_the_scope_of_the_person() {
    for scopes in [BOT, BOTH] {
        let server = asking_for(scopes).await;
        let asked = send(&server).await;
        server.consent_as("Ada Lovelace", &asked).await;
        let asked = search(&server).await;
        let request = &asked.body["auth_request"];
        assert_eq!(request["reason"], "missing_scopes", "{asked:?}");
        assert_eq!(request["missing_scopes"], json!(["search:read"]));
        let authorize = server.browser().authorize_url(asked.link()).await;
        assert!(parameter(&authorize, "user_scope").unwrap().ends_with("search:read"));
    }
}

#[tokio::test]
async fn a_person_who_grants_searching_searches_with_the_same_connection() {
    let server = asking_for(BOTH).await;
    let asked = send(&server).await;
    let first = server.consent_as("Ada Lovelace", &asked).await.connection().to_owned();
    let asked = search(&server).await;
    assert_eq!(server.consent_as("Ada Lovelace", &asked).await.connection(), first);
    assert_eq!(search(&server).await.outcome(), "completed");
    assert_eq!(kinds(&server, &first).await, ["bot", "user"]);
}

#[tokio::test]
async fn o12_another_person_at_the_same_app_does_not_take_the_apps_token_away() {
    let server = asking_for(BOTH).await;
    let asked = send(&server).await;
    server.consent_as("Ada Lovelace", &asked).await;
    let private = json!({"include_private": true});
    let asked = server.agent("alice").call("slack_list_channels", private).await;
    let ended = server.consent_as("Grace Hopper", &asked).await;
    assert_eq!(ended.body["failure"], "other_account");
    let left: Vec<_> = server.slack().grants().into_iter().map(|grant| grant.user_id).collect();
    let bot = server.slack().apps().remove(0).bot_user_id;
    assert_eq!(left, [bot.as_str(), "U0SIMADA01"]);
}

#[tokio::test]
async fn the_apps_token_ends_with_the_last_connection() {
    let server = asking_for(BOT).await;
    let alice = server.consent_as("Ada Lovelace", &send(&server).await).await;
    let bob = server.agent("bob");
    let asked = bob.call("slack_list_channels", json!({})).await;
    let bobs = server.consent_as("Grace Hopper", &asked).await;
    let disconnect = async |agent: &Agent, ended: &Reply| {
        let path = format!("/v1/connections/{}", ended.connection());
        assert_eq!(agent.delete(&path).await.status, 204);
    };
    disconnect(&server.agent("alice"), &alice).await;
    let listed = bob.call("slack_list_channels", json!({})).await;
    assert_eq!(listed.outcome(), "completed", "{listed:?}");
    disconnect(&bob, &bobs).await;
    assert!(server.slack().grants().is_empty());
}
