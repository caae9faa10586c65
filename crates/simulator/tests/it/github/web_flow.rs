use astralform_simulator::{Fault, Times};
use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use serde_json::json;

use super::setting::{APP, AUTHORIZE, Setting, code_of};
use crate::harness::{CALLBACK, CHALLENGE, SECRET, VERIFIER, parameter, text};

#[tokio::test]
async fn the_consent_page_says_that_it_is_simulated_and_what_is_asked_for() {
    let setting = Setting::new();
    let page = setting.authorize(&[("scope", "repo read:org")], None).await;
    for part in ["Simulated GitHub", "Ada Lovelace", "private repositories", "read:org", CALLBACK] {
        assert!(page.text.contains(part), "{part}");
    }
    let back = setting.decide(&page, &[("person", "ada"), ("decision", "cancel")]).await.location();
    assert_eq!(parameter(&back, "error").unwrap(), "access_denied");
    assert_eq!(parameter(&back, "state").unwrap(), "a state");
}

#[tokio::test]
async fn a_code_becomes_a_token_once_and_only_with_the_secret() {
    let setting = Setting::new();
    let (code, _) = setting.consent(&[("redirect_uri", CALLBACK), ("scope", "repo")], "ada").await;
    let fields = [("code", code.as_str()), ("client_secret", "wrong")];
    assert_eq!(setting.token(&fields).await["error"], "incorrect_client_credentials");
    let fields = [("code", code.as_str()), ("redirect_uri", CALLBACK)];
    let granted = setting.token(&fields).await;
    assert_eq!((&granted["scope"], &granted["token_type"]), (&json!("repo"), &json!("bearer")));
    assert!(text(&granted["access_token"]).starts_with("gho_"));
    assert_eq!(granted.get("expires_in"), None);
    assert_eq!(setting.token(&fields).await["error"], "bad_verification_code");

    let (code, _) = setting.consent(&[("scope", "repo")], "ada").await;
    let fields = [("code", code.as_str()), ("redirect_uri", "https://app.example/other")];
    assert_eq!(setting.token(&fields).await["error"], "redirect_uri_mismatch");
    let (code, _) = setting.consent(&[("scope", "repo")], "ada").await;
    setting.harness.pass_seconds(600);
    assert_eq!(setting.token(&[("code", &code)]).await["error"], "bad_verification_code");
}

#[tokio::test]
async fn the_token_endpoint_answers_with_a_form_unless_json_is_asked_for() {
    let setting = Setting::new();
    let (code, _) = setting.consent(&[("scope", "read:user,gist")], "ada").await;
    let fields = [("client_id", APP), ("client_secret", SECRET), ("code", code.as_str())];
    let answer = setting.harness.form("/github/login/oauth/access_token", &fields).await;
    assert!(answer.headers["content-type"].to_str().unwrap().contains("form-urlencoded"));
    assert!(answer.text.contains("&scope=gist%2Cread%3Auser"), "{}", answer.text);
    let again = setting.harness.form("/github/login/oauth/access_token", &fields).await;
    assert_eq!(again.status, 200);
    assert!(again.text.starts_with("error=bad_verification_code"), "{}", again.text);
}

#[tokio::test]
async fn implied_scopes_are_not_listed_and_withheld_ones_not_granted() {
    let setting = Setting::new();
    let wide = setting.connect("repo,public_repo,user:email,user", "ada").await;
    assert_eq!(wide["scope"], "repo,user");
    let page = setting.authorize(&[("scope", "repo gist")], None).await;
    let fields = [("person", "grace"), ("withhold", "repo"), ("decision", "allow")];
    let code = code_of(&setting.decide(&page, &fields).await.location());
    assert_eq!(setting.token(&[("code", &code)]).await["scope"], "gist");
}

#[tokio::test]
async fn the_page_is_skipped_where_the_same_was_granted_before() {
    let setting = Setting::new();
    let (code, cookie) = setting.consent(&[("scope", "repo")], "ada").await;
    setting.token(&[("code", &code)]).await;
    let skipped = |scope| [("scope", scope)];
    let back = setting.authorize(&skipped("public_repo"), Some(&cookie)).await.location();
    assert_eq!(setting.token(&[("code", &code_of(&back))]).await["scope"], "public_repo");
    // Without scopes, the token has all that was granted.
    let back = setting.authorize(&[], Some(&cookie)).await.location();
    assert_eq!(setting.token(&[("code", &code_of(&back))]).await["scope"], "repo");

    setting.authorize(&skipped("gist"), Some(&cookie)).await.consent();
    setting.authorize(&skipped("repo"), None).await.consent();
    let other = [("scope", "repo"), ("prompt", "select_account")];
    setting.authorize(&other, Some(&cookie)).await.consent();
}

#[tokio::test]
async fn requests_that_cannot_be_shown_go_back_to_the_apps_first_address() {
    let setting = Setting::with_app(|app| {
        app.redirect_uris.push("https://app.example/second".to_owned());
    });
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("redirect_uri", "https://evil.example/")], "redirect_uri_mismatch"),
        (&[("redirect_uri", "https://app.example/callback/below")], "redirect_uri_mismatch"),
        (&[("scope", "repo repository")], "invalid_scope"),
        (&[("code_challenge", VERIFIER), ("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge", CHALLENGE)], "invalid_request"),
    ];
    for (parameters, error) in cases {
        let back = setting.authorize(parameters, None).await.location();
        assert!(back.as_str().starts_with(CALLBACK), "{back}");
        assert_eq!(parameter(&back, "error").unwrap(), *error);
    }
    let unknown = format!("{AUTHORIZE}?client_id=nobody");
    assert_eq!(setting.harness.get(&unknown).await.status, 404);
    let second = [("redirect_uri", "https://app.example/second")];
    setting.authorize(&second, None).await.consent();
}

#[tokio::test]
async fn a_challenge_binds_the_code_to_its_verifier() {
    let setting = Setting::new();
    let challenge = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let wrong = VERIFIER.replace('d', "e");
    for (verifier, expected) in
        [(None, false), (Some(wrong.as_str()), false), (Some(VERIFIER), true)]
    {
        let (code, _) = setting.consent(&challenge, "ada").await;
        let verifier = verifier.map(|verifier| ("code_verifier", verifier));
        let fields: Vec<_> = std::iter::once(("code", code.as_str())).chain(verifier).collect();
        let answer = setting.token(&fields).await;
        assert_eq!(answer.get("access_token").is_some(), expected, "{answer}");
    }
}

#[tokio::test]
async fn a_refresh_token_works_once_and_takes_the_old_access_token_with_it() {
    let setting = Setting::with_app(|app| app.expiring_tokens = true);
    let first = setting.connect("repo", "ada").await;
    assert_eq!(first["expires_in"], 28_800);
    let old = text(&first["access_token"]);
    let refresh = text(&first["refresh_token"]);
    assert!(refresh.starts_with("ghr_"));
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let second = setting.token(&fields).await;
    assert_eq!(second["scope"], "repo");
    assert_eq!(setting.get(&old, "user").await.status, 401);
    assert_eq!(setting.token(&fields).await["error"], "bad_refresh_token");
    let new = text(&second["access_token"]);
    assert_eq!(setting.get(&new, "user").await.status, 200);
    setting.harness.pass_seconds(28_800);
    assert_eq!(setting.get(&new, "user").await.json()["message"], "Bad credentials");
    let refresh = text(&second["refresh_token"]);
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    assert_eq!(setting.token(&fields).await["token_type"], "bearer");
}

#[tokio::test]
async fn an_app_can_ask_for_tokens_that_expire() {
    let setting = Setting::new();
    let granted = setting.connect("repo offline_access", "ada").await;
    assert_eq!(granted["expires_in"], 28_800);
    assert!(text(&granted["refresh_token"]).starts_with("ghr_"));
}

#[tokio::test]
async fn the_eleventh_token_with_the_same_scopes_ends_the_first() {
    let setting = Setting::new();
    let first = setting.access_token("repo", "ada").await;
    for _ in 0..9 {
        setting.access_token("repo", "ada").await;
    }
    assert_eq!(setting.get(&first, "user").await.status, 200);
    setting.access_token("repo", "ada").await;
    assert_eq!(setting.get(&first, "user").await.status, 401);
}

#[tokio::test]
async fn the_token_endpoint_takes_json_and_basic_and_can_be_made_to_refuse() {
    let setting = Setting::new();
    let (code, _) = setting.consent(&[("scope", "gist")], "ada").await;
    let body = json!({ "client_id": APP, "client_secret": SECRET, "code": code }).to_string();
    let request = Request::post("/github/login/oauth/access_token")
        .header(CONTENT_TYPE, "application/json")
        .header("accept", "application/json")
        .body(Body::from(body));
    assert_eq!(setting.harness.send(request.unwrap()).await.json()["scope"], "gist");

    let fault = Fault::Refused("unverified_user_email".to_owned());
    setting.github().inject("login/oauth/access_token", fault, Times::Next(1)).unwrap();
    let refused = setting.token(&[("code", "x")]).await;
    assert_eq!(refused["error"], "unverified_user_email");
    let log = format!("{:?}", setting.github().requests());
    assert!(!log.contains(SECRET) && !log.contains(&code));
}
