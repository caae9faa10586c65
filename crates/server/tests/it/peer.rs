//! The path of a tool call with an OAuth server that nobody here wrote, and a small API behind it: one more
//! catalogue folder, and no Rust.

use std::time::Duration;

use astralform_domain::{Environment, EnvironmentSettings, VerifyEndUser};
use astralform_testkit::{Peer, Setup, TestServer, free_address};
use serde_json::{Value, json};

pub(crate) const TOOL: &str = "notes_list";
const RETURN: &str = "https://app.example.com/connected";

pub(crate) struct World {
    pub(crate) server: TestServer,
    pub(crate) peer: Peer,
}

async fn world(environment: Environment, settings: Option<EnvironmentSettings>) -> World {
    started(Setup { environment, settings, ..Setup::default() }, 3_600).await
}

/// Returns the peer, whose access tokens live so many seconds, and a server that has it as its
/// connector.
pub(crate) async fn started(setup: Setup, lifetime: u32) -> World {
    // The provider has to know our redirect URI before we start.
    let address = free_address();
    let callback = format!("http://{address}/v1/connectors/oauth/callback");
    let id = "notes-client";
    let secret = "CANARY-notes-secret-0123456789-0123456789";
    let peer = Peer::start(
        "oidc-provider.mjs",
        &[
            ("PORT", "0"),
            ("CLIENT_ID", id),
            ("CLIENT_SECRET", secret),
            ("REDIRECT_URIS", &callback),
            ("ACCESS_TOKEN_TTL", &lifetime.to_string()),
        ],
    );
    let connector = Some((yaml(&peer), id.to_owned(), secret.to_owned()));
    let setup = Setup { connector, ..setup };
    World { server: TestServer::listening_on(address, setup).await, peer }
}

fn yaml(peer: &Peer) -> String {
    let [issuer, authorize, token, revoke, api] =
        ["issuer", "authorize_url", "token_url", "revocation_url", "api_base_url"]
            .map(|name| peer.address(name));
    include_str!("notes.yaml")
        .replace("{issuer}", issuer)
        .replace("{authorize_url}", authorize)
        .replace("{token_url}", token)
        .replace("{revocation_url}", revoke)
        .replace("{api_base_url}", api)
}

pub(crate) async fn log(peer: &Peer) -> Value {
    let url = format!("{}/_log", peer.address("issuer").trim_end_matches('/'));
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

pub(crate) fn count(log: &Value, what: &str) -> usize {
    log[what].as_array().unwrap().len()
}

#[tokio::test]
async fn another_provider_is_a_catalogue_folder_and_no_rust() {
    let World { server, peer } = world(Environment::Test, None).await;
    let agent = server.agent("alice");
    let asked = agent.call(TOOL, json!({})).await;
    assert_eq!(asked.outcome(), "auth_required", "{asked:?}");
    let page = server.browser().connect(asked.link(), "Allow").await;
    assert_eq!(page.outcome(), "completed", "{}", page.html);

    let answered = agent.call(TOOL, json!({"limit": 2})).await;
    assert_eq!(answered.outcome(), "completed", "{answered:?}");
    let notes = answered.body["data"]["notes"].as_array().unwrap();
    assert_eq!(notes.len(), 2);
    assert!(notes[0]["title"].is_string() && notes[0].get("internal_rank").is_none());
    assert_eq!(count(&log(&peer).await, "token_requests"), 2, "that of enabling, and the code's");
}

#[tokio::test]
async fn o2_the_peer_requires_pkce_and_gets_it() {
    let World { server, peer: _peer } = world(Environment::Test, None).await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let browser = server.browser();
    let page = browser.visit(asked.link()).await;
    let leaving = browser.submit(&page, "Connect").await.leads_to().unwrap();
    let query: Vec<_> = leaving.query_pairs().into_owned().collect();
    assert!(query.contains(&("code_challenge_method".to_owned(), "S256".to_owned())));
    let challenge = query.iter().find(|(name, _)| name == "code_challenge").unwrap();
    assert_eq!(challenge.1.len(), 43);
}

#[tokio::test]
async fn a_refusal_at_the_peer_ends_the_request() {
    let World { server, peer } = world(Environment::Test, None).await;
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    assert_eq!(server.browser().connect(asked.link(), "Deny").await.outcome(), "declined");
    assert_eq!(count(&log(&peer).await, "token_requests"), 1, "that of enabling");
}

async fn live() -> World {
    let settings = EnvironmentSettings {
        verify_end_user: VerifyEndUser::Confirm,
        return_urls: vec![RETURN.to_owned()],
        allowed_origins: Vec::new(),
    };
    world(Environment::Live, Some(settings)).await
}

/// Has Alice consent in `live`: the path of her auth request, and the proof her browser brings.
async fn consented(server: &TestServer) -> (String, String) {
    let asked = server.agent("alice").call(TOOL, json!({})).await;
    let browser = server.browser();
    let callback = browser.callback(asked.link(), "Allow").await;
    let back = callback_to_end(&browser, callback).await;
    let (_, proof) = back.split_once("&confirmation=").unwrap_or_else(|| panic!("{back}"));
    (format!("/v1/auth-requests/{}", asked.auth_request()), proof.to_owned())
}

/// Returns the peer redirects among its own pages first.
async fn callback_to_end(browser: &astralform_testkit::Browser, from: url::Url) -> String {
    let mut next = from;
    for _ in 0..10 {
        if next.as_str().starts_with(RETURN) {
            return next.into();
        }
        let page = browser.open(next.as_str()).await;
        next = page.leads_to().unwrap_or_else(|| panic!("stuck at {page:?}"));
    }
    panic!("too many redirects at {next}")
}

#[tokio::test]
async fn o5_in_live_the_connection_works_after_the_right_user_is_confirmed() {
    let World { server, peer } = live().await;
    let (path, proof) = consented(&server).await;
    let call = async || server.agent("alice").call(TOOL, json!({})).await.outcome().to_owned();
    assert_eq!(call().await, "auth_required");
    let confirm = format!("{path}/confirm");
    let confirmed = server
        .backend()
        .post(&confirm, json!({"end_user_id": "alice", "confirmation": proof}))
        .await;
    assert_eq!(confirmed.outcome(), "completed", "{confirmed:?}");
    assert_eq!(call().await, "completed");
    assert_eq!(count(&log(&peer).await, "revocations"), 0);
}

#[tokio::test]
async fn o5_in_live_the_wrong_user_erases_and_revokes() {
    let World { server, peer } = live().await;
    let (path, proof) = consented(&server).await;
    let confirm = format!("{path}/confirm");
    let refused =
        server.backend().post(&confirm, json!({"end_user_id": "bob", "confirmation": proof})).await;
    assert_eq!((refused.status, refused.code()), (403, "end_user_mismatch"));
    assert_eq!(server.agent("alice").call(TOOL, json!({})).await.outcome(), "auth_required");
    assert_eq!(count(&log(&peer).await, "revocations"), 1);
    server.clock.advance(Duration::from_secs(1));
    let late = server
        .backend()
        .post(&confirm, json!({"end_user_id": "alice", "confirmation": proof}))
        .await;
    assert_eq!(late.status, 409);
}
