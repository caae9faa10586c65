//! The provider of any temper, as its clients see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use astralform_simulator::SimulatorOptions;
use astralform_simulator::hostile::{
    Chances, Ended, Habit, Hostile, Rotation, Said, Temper, Trouble,
};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use url::form_urlencoded::Serializer;

use crate::harness::{CALLBACK, CHALLENGE, START, VERIFIER};

const CLIENT: (&str, &str) = ("app", "shh");

fn provider(temper: Temper) -> Hostile {
    let counter = AtomicU64::new(0);
    let options = SimulatorOptions {
        clock: Arc::new(|| START),
        random: Arc::new(move |bytes| {
            bytes.fill_with(|| counter.fetch_add(1, Ordering::Relaxed).to_le_bytes()[0]);
        }),
        public_url: "http://127.0.0.1:1".to_owned(),
    };
    Hostile::new(options, CLIENT, temper)
}

/// Returns the status and the JSON of an answer; no JSON where there was none, no answer where it
/// broke.
async fn post(provider: &Hostile, path: &str, fields: &[(&str, &str)]) -> Option<(u16, Value)> {
    let credentials = [("client_id", CLIENT.0), ("client_secret", CLIENT.1)];
    let form =
        Serializer::new(String::new()).extend_pairs(credentials).extend_pairs(fields).finish();
    let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let response = provider
        .router()
        .oneshot(request.body(Body::from(form)).expect("an answer"))
        .await
        .expect("an answer");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.ok()?.to_bytes();
    Some((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

async fn refresh(provider: &Hostile, token: &str) -> Option<(u16, Value)> {
    post(provider, "/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

async fn read(provider: &Hostile, token: &str) -> StatusCode {
    let request = Request::get("/api/items").header(AUTHORIZATION, format!("Bearer {token}"));
    let request = request.body(Body::empty()).expect("an answer");
    provider.router().oneshot(request).await.expect("an answer").status()
}

#[tokio::test]
async fn a_code_buys_a_pair_once_and_with_its_verifier_only() {
    for (verifier, expected) in [(Some(VERIFIER), 200), (Some(&VERIFIER[1..]), 400), (None, 400)] {
        let provider = provider(Temper::default());
        provider.allow_redirect(CALLBACK);
        provider.sign_in("ada");
        let asked = format!(
            "/authorize?client_id=app&redirect_uri={CALLBACK}&state=s&code_challenge={CHALLENGE}"
        );
        let request = Request::get(asked).body(Body::empty()).unwrap();
        let back = provider.router().oneshot(request).await.unwrap();
        let back = back.headers()[LOCATION].to_str().unwrap().to_owned();
        let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap();
        let mut fields =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        let (status, pair) = post(&provider, "/token", &fields).await.unwrap();
        assert_eq!(status, expected);
        if status == 200 {
            let token = pair["access_token"].as_str().unwrap();
            assert_eq!(read(&provider, token).await, StatusCode::OK);
            assert_eq!(post(&provider, "/token", &fields).await.unwrap().0, 400);
        }
    }
}

#[tokio::test]
async fn a_strangers_redirect_uri_gets_nothing() {
    let provider = provider(Temper::default());
    let asked = format!("/authorize?client_id=app&redirect_uri={CALLBACK}&state=s");
    let request = Request::get(asked).body(Body::empty()).unwrap();
    assert_eq!(provider.router().oneshot(request).await.unwrap().status(), 400);
}

#[tokio::test]
async fn troubles_before_a_refresh_leave_its_token_good_and_those_after_it_do_not() {
    for (trouble, status, spent) in [
        (Trouble::ServerError, Some(503), false),
        (Trouble::TooMany, Some(429), false),
        (Trouble::Html, Some(200), false),
        (Trouble::DropBefore, None, false),
        (Trouble::HangBefore, None, false),
        (Trouble::DropAfter, None, true),
        (Trouble::HangAfter, None, true),
    ] {
        let provider = provider(Temper { hang: Duration::from_millis(1), ..Temper::default() });
        let pair = provider.grant("ada");
        provider.trouble(trouble);
        let answer = refresh(&provider, &pair.refresh_token).await;
        assert_eq!(answer.as_ref().map(|answer| answer.0), status, "{trouble:?}");
        assert!(answer.is_none_or(|answer| answer.1.is_null()));
        let again = refresh(&provider, &pair.refresh_token).await.unwrap().0;
        assert_eq!(again, if spent { 400 } else { 200 }, "{trouble:?}");
        assert_eq!(provider.ledger().reused, usize::from(spent));
        assert_eq!(provider.ledger().troubles[trouble.name()], 1);
    }
}

#[tokio::test]
async fn what_an_answer_says_is_what_it_was_told_to_say() {
    let provider =
        provider(Temper { habits: [Habit::OmitsRefreshToken].into(), ..Temper::default() });
    let mut token = provider.grant("ada").refresh_token;
    for (said, expected) in [
        (Said::Lifetime, json!(3600)),
        (Said::Nothing, Value::Null),
        (Said::This(json!(1e20)), json!(1e20)),
        (Said::This(json!("3600")), json!("3600")),
        (Said::This(json!(-1)), json!(-1)),
    ] {
        provider.change(|temper| {
            temper.expires_in = said;
            temper.rotation = Rotation::None;
        });
        let answer = refresh(&provider, &token).await.unwrap().1;
        assert_eq!((&answer["expires_in"], &answer["refresh_token"]), (&expected, &Value::Null));
    }
    provider.change(|temper| {
        temper.habits.remove(&Habit::OmitsRefreshToken);
        temper.habits.insert(Habit::RefusesWithOk);
    });
    token.push('x');
    let (status, refusal) = refresh(&provider, &token).await.unwrap();
    assert_eq!((status, &refusal["error"]), (200, &json!("invalid_grant")));
    provider.change(|temper| temper.habits.extend([Habit::RefusesClient]));
    assert_eq!(refresh(&provider, &token).await.unwrap().1["error"], "invalid_client");
}

#[tokio::test]
async fn chance_troubles_as_many_as_it_was_told_to_and_remembers_whom_it_revoked() {
    let troubles = vec![(Trouble::ServerError, 0.2), (Trouble::Html, 0.1)];
    let chances = Chances { seed: 5, troubles, revoked: 0.05 };
    let provider = provider(Temper { chances, ..Temper::default() });
    for number in 0..1_000 {
        let pair = provider.grant(&number.to_string());
        refresh(&provider, &pair.refresh_token).await.unwrap();
    }
    let ledger = provider.ledger();
    assert!((250..350).contains(&ledger.troubles.values().sum::<u64>()), "{ledger:?}");
    assert!((30..70).contains(&ledger.revoked), "{ledger:?}");
    let revoked =
        |family: &&astralform_simulator::hostile::Family| family.ended == Some(Ended::Revoked);
    assert_eq!(provider.families().iter().filter(revoked).count(), ledger.revoked);
}

#[tokio::test]
async fn a_revocation_ends_the_grant_unless_the_endpoint_is_down() {
    let provider = provider(Temper { habits: [Habit::RevocationDown].into(), ..Temper::default() });
    let pair = provider.grant("ada");
    let token = [("token", pair.refresh_token.as_str())];
    assert_eq!(post(&provider, "/revoke", &token).await.unwrap().0, 503);
    assert_eq!(read(&provider, &pair.access_token).await, StatusCode::OK);
    provider.change(|temper| temper.habits.clear());
    assert_eq!(post(&provider, "/revoke", &token).await.unwrap().0, 200);
    assert_eq!(read(&provider, &pair.access_token).await, StatusCode::UNAUTHORIZED);
    let ledger = provider.ledger();
    assert_eq!((ledger.revocations, ledger.returned), (2, 1));
    assert_eq!((ledger.calls, ledger.dead_calls), (1, 1));
}

#[tokio::test]
async fn good_tokens_are_refused_as_long_as_the_api_refuses_all() {
    let provider = provider(Temper { habits: [Habit::RefusesTokens].into(), ..Temper::default() });
    let pair = provider.grant("ada");
    assert_eq!(read(&provider, &pair.access_token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(refresh(&provider, &pair.refresh_token).await.unwrap().0, 200);
    let pair = provider.grant("bob");
    provider.change(|temper| temper.habits.clear());
    assert_eq!(read(&provider, &pair.access_token).await, StatusCode::OK);
}

#[tokio::test]
async fn a_revocation_that_hangs_ends_nothing_and_is_counted() {
    let habits = [Habit::RevocationHangs].into();
    let provider = provider(Temper { habits, hang: Duration::from_millis(1), ..Temper::default() });
    let pair = provider.grant("ada");
    let token = [("token", pair.refresh_token.as_str())];
    assert!(post(&provider, "/revoke", &token).await.is_none(), "its line is dropped");
    assert_eq!(read(&provider, &pair.access_token).await, StatusCode::OK);
    assert_eq!(provider.ledger().revocations, 1);
}
