//! Connectors that take API keys: one key for all of a project, or one of each end user.

mod provider;

use astralform_domain::VerifyEndUser;
use astralform_testkit::{Browser, Page, Reply, hunt::Prey};
use serde_json::json;

use crate::freezing::freeze;
use provider::{Stocks, TOOL};

/// Returns a browser in which somebody enters a key on our page.
async fn enter(link: &str, key: &str, desk: &str) -> Page {
    let browser = Browser::new();
    let page = browser.open(link).await;
    let filled = page.fill("api_key", key).fill("desk", desk);
    browser.submit(&filled, "Connect").await
}

fn key(key: &str) -> serde_json::Value {
    json!({"api_key": key, "desk": "london"})
}

async fn ask(stocks: &Stocks, end_user: &str) -> Reply {
    let asked = stocks.call(Some(end_user)).await;
    assert_eq!(asked.outcome(), "auth_required", "{asked:?}");
    asked
}

#[tokio::test]
async fn with_default_settings_one_key_serves_all_requests() {
    let stocks = Stocks::start().await;
    stocks.take(&["one"]);
    let enabled = stocks.enable(json!({"credentials": key("one")})).await;
    assert_eq!((enabled.status, &enabled.body["status"]), (201, &json!("ready")), "{enabled:?}");
    assert_eq!(enabled.body["allow_end_user_auth"], false);
    assert_eq!(enabled.body["require_auth"], true);
    for end_user in [None, Some("alice"), Some("bob")] {
        assert_eq!(stocks.call(end_user).await.outcome(), "completed", "{end_user:?}");
    }
    assert_eq!(stocks.paid(), ["key one", "key one", "key one"]);
}

#[tokio::test]
async fn the_key_goes_in_and_only_its_end_comes_out() {
    let stocks = Stocks::start().await;
    stocks.take(&["CANARY-stocks-key-ab12"]);
    let enabled = stocks.enable(json!({"credentials": key("CANARY-stocks-key-ab12")})).await;
    assert_eq!(enabled.body["credentials"]["api_key_hint"], "…ab12", "{enabled:?}");
    assert!(enabled.body["credentials"]["api_key_set_at"].is_string());
    assert!(!format!("{enabled:?}").contains("CANARY"));
    let called = stocks.call(None).await;
    assert_eq!(called.outcome(), "completed");
    assert!(!format!("{called:?}").contains("CANARY"), "the service's echo is taken out");
    if let Some(bytes) = stocks.server.database_bytes() {
        let secret = b"stocks-key-ab12";
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}

#[tokio::test]
async fn o14_a_key_that_the_provider_repeats_in_any_form_comes_out_nowhere() {
    const KEY: &str = "CANARY-stocks/key+ab12";
    let stocks = Stocks::start().await;
    stocks.repeat_keys();
    let seen = |what: &str, said: String| {
        let prey = Prey { name: "key", secret: KEY.to_owned() };
        assert_eq!(prey.found_in(said.as_bytes()), [""; 0], "{what}: {said}");
        assert!(said.contains("[redacted]"), "{what}: {said}");
    };
    let refused = stocks.enable(json!({"credentials": key(KEY)})).await;
    assert_eq!((refused.status, refused.code()), (422, "credentials_rejected"), "{refused:?}");
    seen("enabling", refused.body.to_string());

    stocks.take(&[KEY]);
    assert_eq!(stocks.enable(json!({"credentials": key(KEY)})).await.status, 201);
    seen("a call", stocks.call(None).await.body.to_string());
    let opened = stocks.change(json!({"allow_end_user_auth": true})).await;
    assert_eq!(opened.status, 200, "{opened:?}");
    let asked = ask(&stocks, "alice").await;
    enter(asked.link(), KEY, "london").await;
    let own = stocks.server.agent("alice").get("/v1/connections").await;
    seen("an account's label", own.body.to_string());

    stocks.take(&[]);
    let checked = stocks.server.admin().post(&stocks.managed("/check"), json!({})).await;
    assert_eq!(checked.body["credentials"], "rejected", "{checked:?}");
    seen("a check", checked.body.to_string());
    let asked = ask(&stocks, "bob").await;
    seen("our page", enter(asked.link(), KEY, "london").await.html);
}

#[tokio::test]
async fn a_key_that_the_provider_refuses_is_not_stored_and_its_words_are_passed_on() {
    let stocks = Stocks::start().await;
    stocks.take(&["good"]);
    let refused = stocks.enable(json!({"credentials": key("bad")})).await;
    assert_eq!((refused.status, refused.code()), (422, "credentials_rejected"), "{refused:?}");
    assert!(refused.body["detail"].as_str().unwrap().contains("this key is <unknown>"));
    let listed = stocks.server.admin().get(&stocks.managed("")).await;
    assert_eq!(listed.status, 404, "nothing was enabled");

    stocks.set_down(true);
    let unverified = stocks.enable(json!({"credentials": key("good")})).await;
    assert_eq!((unverified.status, unverified.code()), (502, "credentials_unverified"));
    stocks.set_down(false);
    assert_eq!(stocks.enable(json!({"credentials": key("good")})).await.status, 201);
}

#[tokio::test]
async fn settings_that_leave_no_possible_credential_are_refused_by_name() {
    let stocks = Stocks::start().await;
    stocks.take(&["one"]);
    for settings in [json!({}), json!({"require_auth": false})] {
        let refused = stocks.enable(settings).await;
        assert_eq!((refused.status, refused.code()), (422, "no_possible_credential"));
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(
            detail.contains("`credentials.api_key`") && detail.contains("`allow_end_user_auth`")
        );
    }
    assert_eq!(stocks.enable(json!({"allow_end_user_auth": true})).await.status, 201);
    let refused = stocks.change(json!({"allow_end_user_auth": false})).await;
    assert_eq!((refused.status, refused.code()), (422, "no_possible_credential"));
    assert_eq!(stocks.shown().await["allow_end_user_auth"], true, "nothing has changed");
    let both = json!({"allow_end_user_auth": false, "credentials": key("one")});
    assert_eq!(stocks.change(both).await.status, 200);
}

#[tokio::test]
async fn credentials_that_do_not_fit_are_refused_by_name() {
    let stocks = Stocks::start().await;
    stocks.take(&["one"]);
    for (credentials, named) in [
        (json!({"api_key": "one"}), "desk"),
        (json!({"api_key": "", "desk": "london"}), "api_key"),
        (json!({"api_key": "o\nne", "desk": "london"}), "api_key"),
        (json!({"api_key": "one", "desk": "london", "extra": "x"}), "extra"),
        (json!({"client_id": "one", "client_secret": "x"}), "client_id"),
    ] {
        let refused = stocks.enable(json!({"credentials": credentials})).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_credentials"), "{named}");
        assert!(refused.body["detail"].as_str().unwrap().contains(named), "{refused:?}");
    }
    let refused = stocks.enable(json!({"credentials": key("one"), "scopes": ["read"]})).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_scopes"));
}

#[tokio::test]
async fn end_users_enter_keys_of_their_own_where_that_is_turned_on() {
    let stocks = Stocks::start().await;
    stocks.take(&["alices", "bobs"]);
    stocks.enable(json!({"allow_end_user_auth": true})).await;
    for (end_user, secret) in [("alice", "alices"), ("bob", "bobs")] {
        let asked = ask(&stocks, end_user).await;
        let page = Browser::new().open(asked.link()).await;
        assert!(page.html.contains("Find your key at Stocks"), "{}", page.html);
        assert!(page.html.contains("type=\"password\""));
        let entered = enter(asked.link(), secret, "london").await;
        let end = entered.leads_to().unwrap();
        assert_eq!(end.host_str(), Some("app.example"), "{entered:?}");
        assert_eq!(stocks.call(Some(end_user)).await.outcome(), "completed");
    }
    assert_eq!(stocks.paid(), ["key alices", "key bobs"]);
    let listed = stocks.server.agent("alice").get("/v1/connections").await;
    assert_eq!(listed.body["data"][0]["account"]["label"], "A desk", "{listed:?}");
}

#[tokio::test]
async fn the_projects_key_pays_for_those_without_one_where_none_is_required() {
    let stocks = Stocks::start().await;
    stocks.take(&["project", "alices"]);
    let settings = json!({"allow_end_user_auth": true, "require_auth": false});
    stocks.enable(json!({"credentials": key("project")})).await;
    assert_eq!(stocks.change(settings).await.status, 200);
    assert_eq!(stocks.call(Some("alice")).await.outcome(), "completed");
    let body = json!({"connector": "stocks"});
    let asked = stocks.server.agent("alice").post("/v1/auth-requests", body).await;
    enter(asked.link(), "alices", "london").await;
    assert_eq!(stocks.call(Some("alice")).await.outcome(), "completed");
    assert_eq!(stocks.call(Some("bob")).await.outcome(), "completed");
    assert_eq!(stocks.paid(), ["key project", "key alices", "key project"]);

    stocks.change(json!({"require_auth": true})).await;
    ask(&stocks, "bob").await;
    let nobody = stocks.call(None).await;
    assert_eq!((nobody.status, nobody.code()), (400, "end_user_required"));
}

#[tokio::test]
async fn a_refused_key_of_an_end_user_can_be_corrected_on_the_page() {
    let stocks = Stocks::start().await;
    stocks.take(&["good"]);
    stocks.enable(json!({"allow_end_user_auth": true})).await;
    let asked = ask(&stocks, "alice").await;
    let refused = enter(asked.link(), "CANARY-bad", "paris").await;
    assert_eq!(refused.status, 422);
    assert!(refused.html.contains("Stocks does not accept this key"), "{}", refused.html);
    assert!(refused.html.contains("&#60;unknown&#62;"), "words of the service are escaped");
    assert!(refused.html.contains("value=\"paris\""), "what is not secret is not lost");
    assert!(!refused.html.contains("CANARY"), "what is secret is not sent back");
    let listed = stocks.server.agent("alice").get("/v1/connections").await;
    assert_eq!(listed.body["data"], json!([]));

    let empty = enter(asked.link(), "  ", "london").await;
    assert!(empty.html.contains("Please fill in “API key”"), "{}", empty.html);
    stocks.set_down(true);
    let unanswered = enter(asked.link(), "good", "london").await;
    assert!(unanswered.html.contains("did not answer"), "{}", unanswered.html);
    stocks.set_down(false);
    let entered = enter(asked.link(), " good ", "london").await;
    assert!(entered.leads_to().is_some(), "{entered:?}");
    assert_eq!(stocks.call(Some("alice")).await.outcome(), "completed");
}

#[tokio::test]
async fn o4_a_key_cannot_be_entered_from_another_site() {
    let stocks = Stocks::start().await;
    stocks.take(&["evil"]);
    stocks.enable(json!({"allow_end_user_auth": true})).await;
    let asked = ask(&stocks, "alice").await;
    let client = reqwest::Client::new();
    let sent = client.post(asked.link()).form(&[("api_key", "evil"), ("desk", "london")]);
    let refused = sent.header("sec-fetch-site", "cross-site").send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert_eq!(stocks.call(Some("alice")).await.outcome(), "auth_required");
}

#[tokio::test]
async fn o5_an_entered_key_is_unusable_until_the_right_user_is_confirmed() {
    let stocks = Stocks::with(", account: '{id, label: .name}'", VerifyEndUser::Confirm).await;
    stocks.take(&["alices"]);
    stocks.enable(json!({"allow_end_user_auth": true})).await;
    let asked = ask(&stocks, "alice").await;
    let back = enter(asked.link(), "alices", "london").await.leads_to().unwrap();
    assert_eq!(stocks.call(Some("alice")).await.outcome(), "auth_required");
    let proof = back.query_pairs().find(|(name, _)| name == "confirmation").unwrap().1;
    let path = format!("/v1/auth-requests/{}/confirm", asked.auth_request());
    let body = json!({"end_user_id": "alice", "confirmation": proof});
    let confirmed = stocks.server.backend().post(&path, body).await;
    assert_eq!(confirmed.outcome(), "completed", "{confirmed:?}");
    assert_eq!(stocks.call(Some("alice")).await.outcome(), "completed");
}

#[tokio::test]
async fn a_key_that_stopped_working_is_asked_for_again_and_keeps_its_connection() {
    for account in [", account: '{id, label: .name}'", ""] {
        let stocks = Stocks::with(account, VerifyEndUser::Off).await;
        stocks.take(&["alice-1"]);
        stocks.enable(json!({"allow_end_user_auth": true})).await;
        let asked = ask(&stocks, "alice").await;
        enter(asked.link(), "alice-1", "london").await;
        assert_eq!(stocks.call(Some("alice")).await.outcome(), "completed");
        let before = stocks.server.agent("alice").get("/v1/connections").await;

        stocks.take(&["alice-2"]);
        stocks.refused_for_ten_minutes(Some("alice")).await;
        let asked = ask(&stocks, "alice").await;
        assert_eq!(asked.body["auth_request"]["reason"], "needs_reauth");
        enter(asked.link(), "alice-2", "london").await;
        assert_eq!(stocks.call(Some("alice")).await.outcome(), "completed");
        let after = stocks.server.agent("alice").get("/v1/connections").await;
        assert_eq!(after.body["data"].as_array().unwrap().len(), 1, "{account:?} {after:?}");
        assert_eq!(after.body["data"][0]["id"], before.body["data"][0]["id"]);
    }
}

#[tokio::test]
async fn a_projects_key_is_replaced_after_the_provider_has_seen_the_new_one() {
    let stocks = Stocks::start().await;
    stocks.take(&["one", "two"]);
    stocks.enable(json!({"credentials": key("one")})).await;
    assert_eq!(stocks.call(None).await.outcome(), "completed");
    let refused = stocks.change(json!({"credentials": key("three")})).await;
    assert_eq!((refused.status, refused.code()), (422, "credentials_rejected"));
    assert_eq!(stocks.call(None).await.outcome(), "completed");
    assert_eq!(stocks.change(json!({"credentials": key("two")})).await.status, 200);
    assert_eq!(stocks.call(None).await.outcome(), "completed");
    assert_eq!(stocks.paid(), ["key one", "key one", "key two"]);
    assert_eq!(stocks.shown().await["connections"]["active"], 1);
}

#[tokio::test]
async fn a_key_entered_again_heals_a_connector_whose_hosts_changed() {
    let stocks = Stocks::start().await;
    stocks.take(&["one"]);
    stocks.enable(json!({"credentials": key("one")})).await;
    stocks.was_entered_for("https://stocks.before.example").await;
    assert_eq!(stocks.shown().await["status"], "misconfigured");
    let healed = stocks.change(json!({"credentials": key("one")})).await;
    assert_eq!((healed.status, &healed.body["status"]), (200, &json!("ready")), "{healed:?}");
    assert_eq!(stocks.call(None).await.outcome(), "completed");
}

#[tokio::test]
async fn v2_a_key_that_one_address_has_seen_is_not_stored_for_another() {
    let stocks = Stocks::start().await;
    stocks.take(&["one", "two"]);
    stocks.enable(json!({"credentials": key("one")})).await;
    let elsewhere = Stocks::start().await;
    elsewhere.take(&["three"]);
    let seen = stocks.looked_at();
    let held = stocks.hold().await;
    let (moved, changed) = {
        let changing = stocks.change(json!({"credentials": key("two")}));
        let moving = async {
            stocks.asked(seen + 1).await;
            let endpoints = json!({"api_base_url": elsewhere.at("")});
            let moved =
                stocks.change(json!({"endpoints": endpoints, "credentials": key("three")})).await;
            drop(held);
            moved
        };
        tokio::join!(moving, changing)
    };
    assert_eq!(moved.status, 200, "{moved:?}");
    assert_eq!((changed.status, changed.code()), (409, "connector_changed"), "{changed:?}");
    assert_eq!(stocks.call(None).await.outcome(), "completed");
    assert_eq!(elsewhere.paid(), ["key three"]);
}

#[tokio::test]
async fn a_projects_key_that_stopped_working_is_the_developers_to_replace() {
    let stocks = Stocks::start().await;
    stocks.take(&["one"]);
    stocks.enable(json!({"credentials": key("one")})).await;
    let check = |verdict: &'static str| {
        let (stocks, path) = (&stocks, stocks.managed("/check"));
        async move {
            let checked = stocks.server.admin().post(&path, json!({})).await;
            assert_eq!(checked.body["credentials"], verdict, "{checked:?}");
        }
    };
    check("accepted").await;
    stocks.take(&["two"]);
    check("rejected").await;
    stocks.refused_for_ten_minutes(Some("alice")).await;
    let refused = stocks.call(Some("alice")).await;
    assert_eq!((refused.status, refused.code()), (409, "shared_connection_unusable"));
    let shown = stocks.shown().await;
    assert_eq!(shown["status"], "needs_credentials", "{shown}");
    assert!(shown["status_reason"].as_str().unwrap().contains("enter a new one"));
    stocks.change(json!({"credentials": key("two")})).await;
    assert_eq!(stocks.shown().await["status"], "ready");
    assert_eq!(stocks.call(Some("alice")).await.outcome(), "completed");
}

#[tokio::test]
async fn a_dead_projects_key_is_told_where_end_users_may_enter_keys_of_their_own_too() {
    let stocks = Stocks::start().await;
    stocks.take(&["one"]);
    let open = json!({"allow_end_user_auth": true, "require_auth": false});
    stocks.enable(json!({"credentials": key("one")})).await;
    assert_eq!(stocks.change(open).await.status, 200);
    stocks.take(&["two"]);
    stocks.refused_for_ten_minutes(None).await;
    let refused = stocks.call(None).await;
    assert_eq!((refused.status, refused.code()), (409, "shared_connection_unusable"));
    let shown = stocks.shown().await;
    assert_eq!(shown["status"], "needs_credentials", "{shown}");
    assert!(shown["status_reason"].as_str().unwrap().contains("enter a new one"), "{shown}");

    stocks.change(json!({"require_auth": true})).await;
    assert_eq!(stocks.shown().await["status"], "ready", "nobody is to pay with it");
    stocks.change(json!({"require_auth": false, "credentials": key("two")})).await;
    assert_eq!(stocks.shown().await["status"], "ready");
}

/// F18.
#[tokio::test]
async fn a_key_that_is_being_looked_at_when_its_project_is_frozen_connects_nothing() {
    let stocks = Stocks::start().await;
    stocks.take(&["alices"]);
    stocks.enable(json!({"allow_end_user_auth": true})).await;
    let asked = ask(&stocks, "alice").await;
    let link = asked.link().to_owned();
    let held = stocks.hold().await;
    let entering = tokio::spawn(async move { enter(&link, "alices", "london").await });
    stocks.asked(1).await;
    freeze(&stocks.server, true).await;
    drop(held);
    assert!(entering.await.unwrap().leads_to().is_some());
    freeze(&stocks.server, false).await;
    let path = format!("/v1/auth-requests/{}", asked.auth_request());
    let ended = stocks.server.backend().get(&path).await;
    assert_eq!((ended.outcome(), &ended.body["failure"]), ("failed", &json!("frozen")));
    assert_eq!(stocks.call(Some("alice")).await.outcome(), "auth_required");
}

#[tokio::test]
async fn v2_keys_do_not_follow_their_connector_to_another_address() {
    let stocks = Stocks::start().await;
    stocks.take(&["one", "alices"]);
    stocks.enable(json!({"credentials": key("one")})).await;
    stocks.change(json!({"allow_end_user_auth": true})).await;
    let asked = ask(&stocks, "alice").await;
    enter(asked.link(), "alices", "london").await;
    let elsewhere = Stocks::start().await;
    elsewhere.take(&["one"]);
    let evil = elsewhere.server.base.as_str();
    let endpoints = json!({"api_base_url": evil});
    let refused = stocks.change(json!({"endpoints": endpoints})).await;
    assert_eq!((refused.status, refused.code()), (422, "credentials_required"));
    assert_eq!(stocks.call(Some("alice")).await.outcome(), "completed");
    assert!(elsewhere.paid().is_empty());
}

#[tokio::test]
async fn a_project_shares_a_key_by_entering_it() {
    let stocks = Stocks::start().await;
    stocks.take(&["one"]);
    stocks.enable(json!({"credentials": key("one")})).await;
    let path = stocks.managed("/shared-connection");
    let refused = stocks.server.admin().post(&path, json!({})).await;
    assert_eq!((refused.status, refused.code()), (409, "takes_api_keys"));
}

#[tokio::test]
async fn the_catalogue_says_what_is_entered() {
    let stocks = Stocks::start().await;
    let shown = stocks.server.admin().get("/v1/connectors/stocks").await;
    assert_eq!(shown.body["type"], "api_key");
    let desk =
        json!({"name": "desk", "label": "Desk", "help": "The desk that pays", "secret": false});
    assert_eq!(shown.body["fields"][1], desk, "{shown:?}");
    assert_eq!(shown.body["scopes"], json!([]));
    let tools = stocks.server.admin().get("/v1/connectors/slack").await;
    assert_eq!(tools.body["fields"], json!([]));
    assert_eq!(TOOL, shown.body["tools"][0]["name"]);
}

#[tokio::test]
async fn f15_ten_keys_can_be_tried_on_a_link_and_no_more_reach_the_provider() {
    let stocks = Stocks::start().await;
    stocks.take(&["good"]);
    stocks.enable(json!({"allow_end_user_auth": true})).await;
    let asked = ask(&stocks, "alice").await;
    for number in 0..10 {
        let refused = enter(asked.link(), &format!("guess-{number}"), "london").await;
        assert_eq!(refused.status, 422, "{refused:?}");
    }
    let page = Browser::new().open(asked.link()).await;
    let filled = page.fill("api_key", "good").fill("desk", "london");
    let ended = Browser::new().submit(&filled, "Connect").await;
    assert_eq!(ended.status, 429, "{ended:?}");
    assert!(ended.html.contains("ask for a new one"), "{}", ended.html);
    assert_eq!(stocks.looked_at(), 10, "the good one was not shown to the provider");
    let fresh = ask(&stocks, "alice").await;
    assert!(enter(fresh.link(), "good", "london").await.leads_to().is_some());
}
