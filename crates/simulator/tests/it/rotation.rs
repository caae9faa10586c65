use serde_json::{Value, json};

use crate::harness::{ADA, CALLBACK, CHALLENGE, CLIENT, Harness, SECRET, VERIFIER, text};

const TWELVE_HOURS: i64 = 43_200;

fn rotating() -> Harness {
    Harness::with_app(|app| app.token_rotation = true)
}

async fn refresh(harness: &Harness, token: &Value) -> Value {
    let token = text(token);
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    harness.access(&fields).await
}

#[tokio::test]
async fn rotated_tokens_come_in_pairs_and_carry_their_prefixes() {
    let answer = rotating().connect("chat:write", "search:read", ADA).await;
    for (token, prefix) in [(&answer, "xoxe.xoxb-1-"), (&answer["authed_user"], "xoxe.xoxp-1-")] {
        assert!(text(&token["access_token"]).starts_with(prefix));
        assert!(text(&token["refresh_token"]).starts_with("xoxe-1-"));
        assert_eq!(token["expires_in"], TWELVE_HOURS);
    }
}

#[tokio::test]
async fn a_user_token_is_refreshed_at_the_top_level_and_works() {
    let harness = rotating();
    let connected = harness.connect("", "channels:read", ADA).await;
    let answer = refresh(&harness, &connected["authed_user"]["refresh_token"]).await;
    assert_eq!(answer["token_type"], "user");
    assert_eq!(answer["scope"], "channels:read");
    assert_eq!(answer["expires_in"], TWELVE_HOURS);
    assert!(answer.get("bot_user_id").is_none());
    let who = harness.call(&text(&answer["access_token"]), "auth.test", &[]).await;
    assert_eq!(who["user_id"], ADA);
}

#[tokio::test]
async fn bot_and_user_tokens_are_refreshed_apart() {
    let harness = rotating();
    let connected = harness.connect("chat:write", "search:read", ADA).await;
    assert_eq!(refresh(&harness, &connected["refresh_token"]).await["token_type"], "bot");
    let user = refresh(&harness, &connected["authed_user"]["refresh_token"]).await;
    assert_eq!(user["token_type"], "user");
}

#[tokio::test]
async fn a_refresh_token_works_once() {
    let harness = rotating();
    let first = harness.connect("chat:write", "", ADA).await;
    let second = refresh(&harness, &first["refresh_token"]).await;
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let again = refresh(&harness, &first["refresh_token"]).await;
    assert_eq!(again, json!({ "ok": false, "error": "invalid_refresh_token" }));
    assert_eq!(refresh(&harness, &second["refresh_token"]).await["ok"], true);
}

#[tokio::test]
async fn an_access_token_expires_after_twelve_hours_and_its_refresh_token_does_not() {
    let harness = rotating();
    let connected = harness.connect("chat:write", "", ADA).await;
    let token = text(&connected["access_token"]);
    harness.pass_seconds(TWELVE_HOURS - 1);
    assert_eq!(harness.call(&token, "auth.test", &[]).await["expires_in"], 1);
    harness.pass_seconds(1);
    assert_eq!(harness.call(&token, "auth.test", &[]).await["error"], "token_expired");
    harness.pass_seconds(365 * 86_400);
    assert_eq!(refresh(&harness, &connected["refresh_token"]).await["ok"], true);
}

#[tokio::test]
async fn refreshing_keeps_the_previous_access_token_but_not_the_one_before() {
    let harness = rotating();
    let first = harness.connect("chat:write", "", ADA).await;
    let second = refresh(&harness, &first["refresh_token"]).await;
    assert_eq!(harness.call(&text(&first["access_token"]), "auth.test", &[]).await["ok"], true);
    refresh(&harness, &second["refresh_token"]).await;
    let oldest = harness.call(&text(&first["access_token"]), "auth.test", &[]).await;
    assert_eq!(oldest["error"], "token_revoked");
    assert_eq!(harness.call(&text(&second["access_token"]), "auth.test", &[]).await["ok"], true);
}

#[tokio::test]
async fn refresh_tokens_of_an_app_with_pkce_expire_after_thirty_days() {
    let harness = Harness::with_app(|app| (app.token_rotation, app.pkce) = (true, true));
    let connected = harness.connect("chat:write", "", ADA).await;
    harness.pass_seconds(30 * 86_400);
    let answer = refresh(&harness, &connected["refresh_token"]).await;
    assert_eq!(answer["error"], "invalid_refresh_token");
}

#[tokio::test]
async fn an_app_with_pkce_refreshes_without_its_secret_only_what_it_holds_on_a_device() {
    let local = "http://127.0.0.1:9/callback";
    let harness = Harness::with_app(|app| {
        (app.token_rotation, app.pkce) = (true, true);
        app.redirect_uris.push(local.to_owned());
    });
    for (redirect_uri, error) in [(local, None), (CALLBACK, Some("bad_client_secret"))] {
        let asked = [
            ("client_id", CLIENT),
            ("redirect_uri", redirect_uri),
            ("user_scope", "channels:read"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let code = harness.consent(&asked, ADA).await;
        let fields =
            [("code", &*code), ("redirect_uri", redirect_uri), ("code_verifier", VERIFIER)];
        let mut token = harness.access(&fields).await["authed_user"].take();
        // What a refresh gives is held where the first token was.
        for _ in 0..2 {
            let refresh_token = text(&token["refresh_token"]);
            let fields = [
                ("client_id", CLIENT),
                ("grant_type", "refresh_token"),
                ("refresh_token", &refresh_token),
            ];
            let answer = harness.form("/slack/api/oauth.v2.access", &fields).await.json();
            assert_eq!(answer["error"].as_str(), error, "{redirect_uri}");
            token = if error.is_none() { answer } else { token };
        }
    }
}

#[tokio::test]
async fn an_app_without_rotation_and_another_app_cannot_refresh() {
    let harness = rotating();
    let connected = harness.connect("chat:write", "", ADA).await;
    let mut other = astralform_simulator::slack::SlackApp::new("3.4", SECRET, "https://o.example/");
    other.token_rotation = true;
    harness.slack().register_app(other).unwrap();
    let token = text(&connected["refresh_token"]);
    let fields = [
        ("client_id", "3.4"),
        ("client_secret", SECRET),
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str()),
    ];
    let answer = harness.form("/slack/api/oauth.v2.access", &fields).await.json();
    assert_eq!(answer["error"], "invalid_refresh_token");

    let fixed = astralform_simulator::slack::SlackApp::new(CLIENT, SECRET, "https://o.example/");
    harness.slack().register_app(fixed).unwrap();
    let answer = refresh(&harness, &connected["refresh_token"]).await;
    assert_eq!(answer["error"], "invalid_refresh_token");
}
