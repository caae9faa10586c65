//! The simulator as Slack's own client meets it.

use std::time::{Duration, Instant};

use astralform_simulator::{Fault, Times};
use serde_json::{Value, json};

use crate::harness::{ADA, CALLBACK, CHALLENGE, CLIENT, GRACE, VERIFIER, text};
use crate::official_client::OfficialClient;

const LIST: &str = "conversations.list";
const POST: &str = "chat.postMessage";
const SEARCH: &str = "search.messages";
const BOT_SCOPES: &str = "channels:read,chat:write";
const USER_SCOPES: &str = "channels:read,chat:write,search:read";

/// Returns the names of the conversations on each page.
fn names(pages: &Value) -> Vec<Vec<String>> {
    let of_page = |page: &Value| {
        let channels = page["channels"].as_array().expect("channels");
        channels.iter().map(|channel| text(&channel["name"])).collect()
    };
    pages.as_array().expect("pages").iter().map(of_page).collect()
}

/// Returns the texts of what was found.
fn texts(answer: &Value) -> Vec<String> {
    let matches = answer["messages"]["matches"].as_array().expect("matches");
    matches.iter().map(|found| text(&found["text"])).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn one_consent_gives_the_app_and_the_person_a_token_each() {
    let mut slack = OfficialClient::with_app(|_| {}).await;
    let both = slack.connect("chat:write", "search:read,chat:write", GRACE);
    assert_eq!(both["token_type"], "bot");
    assert_eq!(both["scope"], "chat:write");
    assert_eq!(both["authed_user"]["id"], GRACE);
    assert_eq!(both["authed_user"]["token_type"], "user");
    assert_eq!(both["authed_user"]["scope"], "search:read,chat:write");
    let app = slack.call(&text(&both["access_token"]), "auth.test", &json!({})).answer();
    assert_eq!(app["user_id"], both["bot_user_id"]);
    let person = text(&both["authed_user"]["access_token"]);
    assert_eq!(slack.call(&person, "auth.test", &json!({})).answer()["user_id"], GRACE);

    let person = slack.connect("", "channels:read", ADA);
    assert_eq!(person.get("access_token"), None);
    let person = text(&person["authed_user"]["access_token"]);
    assert_eq!(slack.call(&person, "auth.test", &json!({})).answer()["user"], "ada");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_code_is_exchanged_once_and_only_with_the_secret_and_the_same_redirect_uri() {
    let mut slack = OfficialClient::with_app(|_| {}).await;
    let asked = [("redirect_uri", CALLBACK), ("user_scope", "channels:read")];
    let code = slack.consent(&asked, ADA);
    let exchange = json!({ "code": code, "redirect_uri": CALLBACK });
    let without_secret = json!({ "client_id": CLIENT, "code": code, "redirect_uri": CALLBACK });
    let refusal = slack.public_access(&without_secret).refusal();
    assert_eq!(refusal["error"], "bad_client_secret");
    slack.access(exchange.clone()).answer();
    assert_eq!(slack.access(exchange).refusal()["error"], "invalid_code");

    let elsewhere =
        json!({ "code": slack.consent(&asked, ADA), "redirect_uri": "https://x.example" });
    assert_eq!(slack.access(elsewhere).refusal()["error"], "bad_redirect_uri");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn conversations_are_paged_through_to_the_end_with_either_token() {
    let mut slack = OfficialClient::with_app(|_| {}).await;
    let connected = slack.connect("channels:read,groups:read", "channels:read,groups:read", ADA);
    slack.harness.slack().invite_bot(CLIENT, "#payroll").unwrap();
    let arguments = json!({ "types": "public_channel,private_channel", "limit": 4 });
    // Ada is in two private channels, the app was invited to a third.
    for (token, own, sizes) in [
        (&connected["authed_user"]["access_token"], "leads", vec![4, 4, 3]),
        (&connected["access_token"], "payroll", vec![4, 4, 2]),
    ] {
        let pages = names(&slack.pages(&text(token), LIST, &arguments).answer());
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
        assert_eq!(pages[0][0], "general");
        assert!(pages.concat().contains(&own.to_owned()));
        let mut once = pages.concat();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), sizes.iter().sum::<usize>(), "every conversation comes once");
    }
    let listed = slack.harness.slack().requests();
    let listed: Vec<_> = listed.iter().filter(|request| request.endpoint == LIST).collect();
    assert_eq!(listed.len(), 6);
    assert!(listed.iter().all(|request| request.method == "POST"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_message_is_posted_as_the_person_or_as_the_app() {
    let mut slack = OfficialClient::with_app(|_| {}).await;
    let connected = slack.connect(BOT_SCOPES, USER_SCOPES, ADA);
    let person = text(&connected["authed_user"]["access_token"]);
    let app = text(&connected["access_token"]);
    let arguments = json!({ "channel": "C0SIMGENRL", "text": "Tea & biscuits?" });

    let posted = slack.call(&person, POST, &arguments).answer();
    assert_eq!(posted["channel"], "C0SIMGENRL");
    assert_eq!(posted["message"]["user"], ADA);
    let blocks = json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "*Yes*" } }]);
    let thread = json!({
        "channel": "C0SIMGENRL",
        "text": "Yes",
        "blocks": blocks,
        "thread_ts": posted["ts"],
        "unfurl_links": false,
    });
    let reply = slack.call(&person, POST, &thread).answer();
    assert_eq!(reply["message"]["thread_ts"], posted["ts"]);

    let refusal = slack.call(&app, POST, &arguments).refusal();
    assert_eq!(refusal["error"], "not_in_channel");
    slack.harness.slack().invite_bot(CLIENT, "#general").unwrap();
    let posted = slack.call(&app, POST, &arguments).answer();
    assert_eq!(posted["message"]["user"], connected["bot_user_id"]);
    assert_eq!(posted["message"]["text"], "Tea &amp; biscuits?");
    let nothing = json!({ "channel": "C0SIMGENRL" });
    assert_eq!(slack.call(&person, POST, &nothing).refusal()["error"], "no_text");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn messages_are_searched_page_by_page_by_the_person_and_never_by_the_app() {
    let mut slack = OfficialClient::with_app(|_| {}).await;
    let connected = slack.connect(BOT_SCOPES, USER_SCOPES, ADA);
    let person = text(&connected["authed_user"]["access_token"]);
    let message = json!({ "channel": "general", "text": "A fresh report" });
    slack.call(&person, POST, &message).answer();
    let mut found = Vec::new();
    for page in 1..=3 {
        let arguments = json!({
            "query": "report", "count": 2, "page": page, "sort": "timestamp", "sort_dir": "desc",
        });
        let answer = slack.call(&person, SEARCH, &arguments).answer();
        let paging = json!({ "count": 2, "total": 5, "page": page, "pages": 3 });
        assert_eq!(answer["messages"]["paging"], paging);
        found.extend(texts(&answer));
    }
    assert_eq!(found.len(), 5);
    assert_eq!(found[0], "A fresh report");
    assert_eq!(found[4], "The quarterly report is due on Friday.");

    let app = text(&connected["access_token"]);
    let refusal = slack.call(&app, SEARCH, &json!({ "query": "report" })).refusal();
    assert_eq!(refusal["error"], "not_allowed_token_type");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn each_token_is_refreshed_by_itself_and_its_refresh_token_works_once() {
    let mut slack = OfficialClient::with_app(|app| app.token_rotation = true).await;
    let first = slack.connect(BOT_SCOPES, USER_SCOPES, ADA);
    let tokens = [("bot", &first), ("user", &first["authed_user"])];
    slack.harness.pass_seconds(43_200);
    for (kind, token) in tokens {
        let expired = slack.call(&text(&token["access_token"]), LIST, &json!({})).refusal();
        assert_eq!(expired["error"], "token_expired", "{kind}");

        assert_eq!(token["expires_in"], 43_200);
        let second = slack.refresh(&token["refresh_token"]).answer();
        assert_eq!(second["token_type"], kind);
        assert_eq!(second["scope"], token["scope"]);
        assert_eq!(second["expires_in"], 43_200);
        assert_eq!(second.get("authed_user"), None);
        slack.call(&text(&second["access_token"]), LIST, &json!({})).answer();

        let again = slack.refresh(&token["refresh_token"]).refusal();
        assert_eq!(again["error"], "invalid_refresh_token", "{kind}");
        let third = slack.refresh(&second["refresh_token"]).answer();
        slack.call(&text(&third["access_token"]), LIST, &json!({})).answer();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_throttled_call_is_tried_again_by_the_client_itself_after_the_time_it_was_told() {
    let mut slack = OfficialClient::with_app(|_| {}).await;
    let connected = slack.connect(BOT_SCOPES, USER_SCOPES, ADA);
    let fault = Fault::RateLimited { retry_after_s: 1 };
    for (token, method, arguments) in [
        (&connected["access_token"], LIST, json!({})),
        (
            &connected["authed_user"]["access_token"],
            POST,
            json!({ "channel": "general", "text": "hi" }),
        ),
    ] {
        slack.harness.slack().inject(method, fault.clone(), Times::Next(1)).unwrap();
        let started = Instant::now();
        let outcome = slack.call(&text(token), method, &arguments);
        assert!(started.elapsed() >= Duration::from_secs(1));
        assert_eq!(outcome.waited(), json!([1]));
        outcome.answer();
        let requests = slack.harness.slack().requests();
        let requests = requests.iter().filter(|request| request.endpoint == method);
        let statuses: Vec<_> = requests.map(|request| request.status).collect();
        assert_eq!(statuses, [Some(429), Some(200)], "{method}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_missing_scope_is_named_beside_those_that_were_granted() {
    let mut slack = OfficialClient::with_app(|_| {}).await;
    let connected = slack.connect("chat:write", "channels:read", ADA);
    let app = text(&connected["access_token"]);
    let person = text(&connected["authed_user"]["access_token"]);
    let message = json!({ "channel": "general", "text": "hi" });
    let every = "channels:read,groups:read,mpim:read,im:read";
    let cases = [
        (&app, LIST, json!({}), every, "chat:write"),
        (&person, LIST, json!({ "types": "im" }), "im:read", "identify,channels:read"),
        (&person, POST, message, "chat:write", "identify,channels:read"),
        (&person, SEARCH, json!({ "query": "x" }), "search:read", "identify,channels:read"),
    ];
    for (token, method, arguments, needed, provided) in cases {
        let refusal = slack.call(token, method, &arguments).refusal();
        assert_eq!(refusal["error"], "missing_scope", "{method}");
        assert_eq!(refusal["needed"], needed, "{method}");
        assert_eq!(refusal["provided"], provided, "{method}");
        let scopes = provided.split(',').collect::<Vec<_>>();
        assert_eq!(refusal["response_metadata"]["scopes"], json!(scopes), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_revoked_token_is_dead() {
    let mut slack = OfficialClient::with_app(|_| {}).await;
    let connected = slack.connect(BOT_SCOPES, USER_SCOPES, ADA);
    for token in [&connected["access_token"], &connected["authed_user"]["access_token"]] {
        let token = text(token);
        let dry = slack.call(&token, "auth.revoke", &json!({ "test": true })).answer();
        assert_eq!(dry["revoked"], false);
        slack.call(&token, LIST, &json!({})).answer();
        assert_eq!(slack.call(&token, "auth.revoke", &json!({})).answer()["revoked"], true);
        assert_eq!(slack.call(&token, LIST, &json!({})).refusal()["error"], "token_revoked");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_rotation_every_token_is_revoked_by_itself() {
    let mut slack = OfficialClient::with_app(|app| app.token_rotation = true).await;
    let connected = slack.connect(BOT_SCOPES, USER_SCOPES, ADA);
    for token in [&connected, &connected["authed_user"]] {
        let access = text(&token["access_token"]);
        assert_eq!(slack.call(&access, "auth.revoke", &json!({})).answer()["revoked"], true);
        assert_eq!(slack.call(&access, LIST, &json!({})).refusal()["error"], "token_revoked");
        let renewed = slack.refresh(&token["refresh_token"]).answer();
        slack.call(&text(&renewed["access_token"]), LIST, &json!({})).answer();

        let refresh = text(&renewed["refresh_token"]);
        assert_eq!(slack.call(&refresh, "auth.revoke", &json!({})).answer()["revoked"], true);
        let refusal = slack.refresh(&renewed["refresh_token"]).refusal();
        assert_eq!(refusal["error"], "invalid_refresh_token");
        slack.call(&text(&renewed["access_token"]), LIST, &json!({})).answer();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_app_without_a_secret_proves_itself_with_pkce_and_refreshes_only_on_the_device() {
    let on_device = "http://localhost:9/callback";
    let mut slack = OfficialClient::with_app(|app| {
        (app.token_rotation, app.pkce) = (true, true);
        app.redirect_uris.push(on_device.to_owned());
    })
    .await;
    let mut exchanged = |redirect_uri: &str, verifier: &str| {
        let asked = [
            ("redirect_uri", redirect_uri),
            ("user_scope", "channels:read"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let code = slack.consent(&asked, ADA);
        slack.public_access(&json!({
            "client_id": CLIENT,
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }))
    };
    let wrong = VERIFIER.replace('d', "e");
    assert_eq!(exchanged(on_device, &wrong).refusal()["error"], "invalid_code_verifier");
    let desktop = exchanged(on_device, VERIFIER).answer();
    let web = exchanged(CALLBACK, VERIFIER).answer();

    let refresh_without_secret = |token: &Value| {
        let refresh_token = &token["authed_user"]["refresh_token"];
        json!({ "client_id": CLIENT, "grant_type": "refresh_token", "refresh_token": refresh_token })
    };
    let renewed = slack.public_access(&refresh_without_secret(&desktop)).answer();
    slack.call(&text(&renewed["access_token"]), LIST, &json!({})).answer();
    let refusal = slack.public_access(&refresh_without_secret(&web)).refusal();
    assert_eq!(refusal["error"], "bad_client_secret");
    slack.refresh(&web["authed_user"]["refresh_token"]).answer();
}
