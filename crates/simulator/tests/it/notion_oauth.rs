//! Consent, tokens, refreshing and revoking at the Notion stand-in.

use astralform_simulator::notion::{Capability, TokenSelector};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::harness::{CALLBACK, parameter, text};
use crate::notion::*;

#[tokio::test]
async fn the_consent_page_says_that_it_is_simulated_and_offers_pages_to_share() {
    let harness = with_app(|_| {});
    let page = authorize(&harness, &ASKED).await;
    assert_eq!(page.status, StatusCode::OK);
    for shown in [
        "Simulated Notion",
        "nothing leaves this machine",
        "Company handbook",
        "Roadmap",
        "Alan Turing only",
        CALLBACK,
    ] {
        assert!(page.text.contains(shown), "{shown}");
    }
    assert!(!page.text.contains("</script>"), "titles are escaped");
}

#[tokio::test]
async fn consent_comes_back_with_a_code_and_the_state_and_cancelling_with_access_denied() {
    let harness = with_app(|_| {});
    let page = authorize(&harness, &ASKED).await;
    let allow = [("person", ADA), ("decision", "allow"), ("page", HANDBOOK)];
    let back = decide(&harness, &page, &allow).await.location();
    assert!(back.as_str().starts_with(CALLBACK));
    assert!(parameter(&back, "code").is_some());
    assert_eq!(parameter(&back, "state").as_deref(), Some("a state"));
    let again = decide(&harness, &page, &allow).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "a page is decided once");

    let page = authorize(&harness, &ASKED).await;
    let back = decide(&harness, &page, &[("person", ADA), ("decision", "cancel")]).await.location();
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&back, "code"), None);
}

#[tokio::test]
async fn a_wrong_authorize_url_goes_nowhere() {
    let harness = with_app(|_| {});
    for (name, value) in [
        ("client_id", "another"),
        ("redirect_uri", "https://app.example/callback/"),
        ("response_type", "token"),
        ("owner", "workspace"),
    ] {
        let wrong = ASKED.map(|(key, usual)| (key, if key == name { value } else { usual }));
        let page = authorize(&harness, &wrong).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name}");
        let left_out: Vec<_> = ASKED.into_iter().filter(|(key, _)| *key != name).collect();
        let status = authorize(&harness, &left_out).await.status;
        let expected =
            if name == "redirect_uri" { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        assert_eq!(status, expected, "{name} left out");
    }
}

#[tokio::test]
async fn the_token_response_has_the_shape_of_notions() {
    let harness = with_app(|_| {});
    let answer = connect(&harness, &[HANDBOOK]).await;
    assert_eq!(answer["token_type"], "bearer");
    assert!(text(&answer["access_token"]).starts_with("ntn_"));
    assert!(text(&answer["refresh_token"]).starts_with("nrt_"));
    assert_eq!(answer["owner"]["user"]["id"], ADA);
    assert_eq!(answer["owner"]["user"]["person"]["email"], "ada@example.com");
    assert!(answer.get("expires_in").is_none() && answer.get("scope").is_none(), "{answer}");

    let again = connect(&harness, &[WIKI]).await;
    assert_eq!(again["bot_id"], answer["bot_id"], "who connects again keeps the bot");
}

#[tokio::test]
async fn a_code_is_exchanged_once_by_its_app_with_its_redirect_uri() {
    let harness = with_app(|_| {});
    let fresh = code(&harness, ADA, &[]).await;
    assert_eq!(exchange(&harness, &fresh).await.status, StatusCode::OK);
    assert_eq!(refusal(&exchange(&harness, &fresh).await), refused(400, "invalid_grant"));

    let grant = |code: &str| json!({ "grant_type": "authorization_code", "code": code });
    let missing = grant(&code(&harness, ADA, &[]).await);
    assert_eq!(refusal(&oauth(&harness, "token", &missing).await), refused(400, "invalid_grant"));
    let mut other = grant(&code(&harness, ADA, &[]).await);
    other["redirect_uri"] = "https://app.example/other".into();
    assert_eq!(refusal(&oauth(&harness, "token", &other).await), refused(400, "invalid_grant"));

    // Exactly one is registered, and the authorize URL named none: then it may not be here.
    let unnamed: Vec<_> = ASKED.into_iter().filter(|(key, _)| *key != "redirect_uri").collect();
    for (sent, status) in [(false, 200), (true, 400)] {
        let page = authorize(&harness, &unnamed).await;
        let back = decide(&harness, &page, &[("person", ADA), ("decision", "allow")]).await;
        let mut body = grant(&parameter(&back.location(), "code").unwrap());
        if sent {
            body["redirect_uri"] = CALLBACK.into();
        }
        assert_eq!(oauth(&harness, "token", &body).await.status.as_u16(), status);
    }

    let late = code(&harness, ADA, &[]).await;
    harness.pass_seconds(601);
    assert_eq!(refusal(&exchange(&harness, &late).await), refused(400, "invalid_grant"));
}

#[tokio::test]
async fn the_token_endpoint_wants_basic_and_json() {
    let harness = with_app(|_| {});
    let code = code(&harness, ADA, &[]).await;
    let body = json!({ "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "client_id": CLIENT, "client_secret": SECRET });
    let send = async |authorization: Option<&str>, kind: &str, body: String| {
        let mut request = Request::post("/notion/v1/oauth/token").header(CONTENT_TYPE, kind);
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        harness.send(request.body(Body::from(body)).unwrap()).await
    };
    let json = "application/json";
    let no_basic = send(None, json, body.to_string()).await;
    assert_eq!(refusal(&no_basic), refused(401, "invalid_client"));
    let wrong = send(Some("Basic d3Jvbmc6d3Jvbmc="), json, body.to_string()).await;
    assert_eq!(refusal(&wrong), refused(401, "invalid_client"));

    let malformed = oauth(&harness, "token", &body).await;
    assert_eq!(refusal(&malformed), refused(400, "validation_error"), "no secret in the body");
    for body in [
        json!({}),
        json!({ "grant_type": "password" }),
        json!({ "grant_type": "authorization_code" }),
        json!({ "grant_type": "refresh_token" }),
    ] {
        let answer = oauth(&harness, "token", &body).await;
        assert_eq!(refusal(&answer), refused(400, "validation_error"), "{body}");
    }
}

#[tokio::test]
async fn refreshing_gives_a_new_pair_and_ends_the_old_one() {
    let harness = with_app(|_| {});
    let first = connect(&harness, &[HANDBOOK]).await;
    let refresh = json!({ "grant_type": "refresh_token", "refresh_token": first["refresh_token"] });
    let second = oauth(&harness, "token", &refresh).await.json();
    assert_ne!(second["access_token"], first["access_token"]);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(second["bot_id"], first["bot_id"]);
    let old = text(&first["access_token"]);
    let new = text(&second["access_token"]);
    assert_eq!(refusal(&get(&harness, &old, "users/me").await), refused(401, "unauthorized"));
    assert_eq!(get(&harness, &new, "users/me").await.status, StatusCode::OK);
    assert_eq!(refusal(&oauth(&harness, "token", &refresh).await), refused(400, "invalid_grant"));
}

#[tokio::test]
async fn an_app_may_have_no_refresh_tokens() {
    let harness = with_app(|app| app.refresh_tokens = false);
    let answer = connect(&harness, &[]).await;
    assert!(answer["refresh_token"].is_null() && answer.get("refresh_token").is_some());
}

#[tokio::test]
async fn a_revoked_token_is_dead_and_the_other_one_lives() {
    let harness = with_app(|_| {});
    let pair = connect(&harness, &[]).await;
    let access = text(&pair["access_token"]);
    let refresh = text(&pair["refresh_token"]);
    let is_active = async |token: &str| {
        let answer = oauth(&harness, "introspect", &json!({ "token": token })).await.json();
        answer["active"].as_bool().unwrap()
    };
    assert!(is_active(&access).await && is_active(&refresh).await);
    let revoked = oauth(&harness, "revoke", &json!({ "token": access })).await;
    assert_eq!(revoked.status, StatusCode::OK);
    assert!(!is_active(&access).await && is_active(&refresh).await);
    assert_eq!(refusal(&get(&harness, &access, "users/me").await), refused(401, "unauthorized"));
    let unknown = oauth(&harness, "revoke", &json!({ "token": "ntn_unknown" })).await;
    assert_eq!(unknown.status, StatusCode::OK);
    let nothing = oauth(&harness, "revoke", &json!({})).await;
    assert_eq!(refusal(&nothing), refused(400, "validation_error"));
}

#[tokio::test]
async fn who_the_bot_is_depends_on_what_the_app_may_know() {
    use Capability::{ReadContent, ReadUsers};
    let harness = with_app(|_| {});
    let bot = token(&harness, &[]).await;
    let me = get(&harness, &bot, "users/me").await.json();
    assert_eq!((&me["type"], &me["object"]), (&json!("bot"), &json!("user")));
    assert_eq!(me["bot"]["workspace_name"], "Acme (simulated)");
    assert_eq!(me["bot"]["owner"]["user"]["name"], "Ada Lovelace");
    register(&harness, |app| app.capabilities = vec![ReadUsers]);
    let me = get(&harness, &bot, "users/me").await.json();
    assert_eq!(me["bot"]["owner"]["user"]["person"], json!({}));
    register(&harness, |app| app.capabilities = vec![ReadContent]);
    let me = get(&harness, &bot, "users/me").await.json();
    assert_eq!(me["bot"]["owner"]["user"], json!({ "object": "user", "id": ADA }));
}

#[tokio::test]
async fn controls_expire_and_revoke_what_they_are_told_to() {
    let harness = with_app(|_| {});
    let ada = connect(&harness, &[HANDBOOK]).await;
    let grace = code(&harness, GRACE, &[]).await;
    let grace = exchange(&harness, &grace).await.json();
    let ada_token = text(&ada["access_token"]);
    let grace_token = text(&grace["access_token"]);
    let by_ada = TokenSelector { user_id: Some(ADA.to_owned()), ..TokenSelector::default() };
    assert_eq!(notion(&harness).expire(&by_ada), 1);
    assert_eq!(refusal(&get(&harness, &ada_token, "users/me").await), refused(401, "unauthorized"));
    assert_eq!(get(&harness, &grace_token, "users/me").await.status, StatusCode::OK);
    let refresh = json!({ "grant_type": "refresh_token", "refresh_token": ada["refresh_token"] });
    assert_eq!(oauth(&harness, "token", &refresh).await.status, StatusCode::OK);

    let grants = harness.control("GET", "notion/tokens", &json!(null)).await.json();
    assert_eq!(grants["data"].as_array().unwrap().len(), 2, "{grants}");
    assert_eq!(grants["data"][0]["shared"], json!([HANDBOOK]));
    let all = harness.control("POST", "notion/tokens/revoke", &json!({ "all": true })).await;
    assert_eq!(all.json()["affected"], 2);
    assert_eq!(
        refusal(&get(&harness, &grace_token, "users/me").await),
        refused(401, "unauthorized")
    );
    let typo = harness.control("POST", "notion/tokens/revoke", &json!({})).await;
    assert_eq!(typo.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_request_log_has_no_secrets() {
    let harness = with_app(|_| {});
    let bot = token(&harness, &[]).await;
    get(&harness, &bot, "users/me?token=x&note=ntn_abc").await;
    let log = serde_json::to_string(&notion(&harness).requests()).unwrap();
    for secret in [bot.as_str(), "ntn_", "nrt_", "code-", SECRET, "a state"] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
    let last = notion(&harness).requests().pop().unwrap();
    assert_eq!((last.endpoint.as_str(), last.client_id.as_deref()), ("users/me", Some(CLIENT)));
}
