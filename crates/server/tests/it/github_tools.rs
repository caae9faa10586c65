//! GitHub, all the way: connecting, its tools, what goes wrong, and disconnecting.

use std::time::Duration;

use astralform_simulator::{Fault, Times, github::TokenSelector};
use astralform_testkit::{Agent, Reply, Setup, TestServer};
use serde_json::json;

const LIST: &str = "github_list_repos";
const SEARCH: &str = "github_search_issues";

async fn started(token_rotation: bool) -> TestServer {
    TestServer::with(Setup { sandboxed: "github", token_rotation, ..Setup::default() }).await
}

/// Consents to what was asked as Ada, and says how it ended.
async fn authorize(server: &TestServer, asked: &Reply) {
    let page = server.browser().connect(asked.link(), "Authorize").await;
    assert_eq!(page.outcome(), "completed", "{page:?}");
}

async fn connected(server: &TestServer) -> Agent {
    let agent = server.agent("alice");
    let asked = agent.call(LIST, json!({})).await;
    assert_eq!(asked.body["auth_request"]["required_scopes"], json!([]), "{asked:?}");
    authorize(server, &asked).await;
    agent
}

fn names(listed: &Reply) -> Vec<&str> {
    let repositories = listed.body["data"]["repositories"].as_array();
    let repositories = repositories.unwrap_or_else(|| panic!("no list: {listed:?}"));
    repositories.iter().map(|it| it["full_name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn whoever_connects_has_their_public_repositories_listed_page_by_page() {
    let server = started(false).await;
    let agent = connected(&server).await;
    let mut seen = Vec::new();
    let mut page = json!(1);
    while page.is_number() {
        let listed = agent.call(LIST, json!({"limit": 20, "page": page})).await;
        seen.extend(names(&listed).into_iter().map(str::to_owned));
        page = listed.body["data"]["next_page"].clone();
    }
    assert_eq!(seen.len(), 45);
    assert!(seen.iter().any(|name| name == "ada/analytical-engine"));
    let named = agent.call(LIST, json!({"sort": "full_name", "affiliation": ["owner"]})).await;
    assert_eq!(names(&named), ["ada/analytical-engine", "ada/old-looms"]);
    let old = &named.body["data"]["repositories"][1];
    assert_eq!((&old["archived"], &old["permission"]), (&json!(true), &json!("admin")), "{old}");
    let account = agent.get("/v1/connections").await;
    assert_eq!(account.body["data"][0]["account"]["label"], "ada", "{account:?}");
}

#[tokio::test]
async fn issues_and_pull_requests_are_searched_page_by_page() {
    let server = started(false).await;
    let agent = connected(&server).await;
    let query = "repo:ada/analytical-engine state:open author:grace";
    let found = agent.call(SEARCH, json!({"query": query})).await;
    let items = &found.body["data"]["items"];
    assert_eq!(items[0]["title"], "Carry is lost at the 40th column", "{found:?}");
    assert_eq!((&items[0]["labels"], &items[0]["is_pr"]), (&json!(["bug"]), &json!(false)));
    assert_eq!(items[0]["repo"], "ada/analytical-engine");
    let pulls = agent.call(SEARCH, json!({"query": query, "kind": "pull_request"})).await;
    assert_eq!(pulls.body["data"]["items"][0]["draft"], true, "{pulls:?}");

    let mut seen = 0;
    let mut page = json!(1);
    while page.is_number() {
        let query = json!({"query": "repo:acme-simulated/telemetry", "limit": 50, "page": page});
        let found = agent.call(SEARCH, query).await;
        seen += found.body["data"]["items"].as_array().unwrap().len();
        page = found.body["data"]["next_page"].clone();
    }
    assert_eq!(seen, 120);
}

#[tokio::test]
async fn private_repositories_are_asked_for_and_the_granted_scope_covers_what_it_implies() {
    let server = started(false).await;
    let agent = connected(&server).await;
    let private = json!({"visibility": "private"});
    let asked = agent.call(LIST, private.clone()).await;
    let request = &asked.body["auth_request"];
    assert_eq!(request["reason"], "missing_scopes", "{asked:?}");
    assert_eq!(request["required_scopes"], json!(["repo"]));
    authorize(&server, &asked).await;
    let listed = agent.call(LIST, private).await;
    assert_eq!(names(&listed), ["alan/enigma", "ada/diary"]);

    // What GitHub grants unlisted is not asked for again, nor with the rest.
    let wanted = json!({"connector": "github", "scopes": ["public_repo", "repo"]});
    let granted = agent.post("/v1/auth-requests", wanted).await;
    assert_eq!(granted.outcome(), "completed", "{granted:?}");
    let wanted = json!({"connector": "github", "scopes": ["gist"]});
    let more = agent.post("/v1/auth-requests", wanted).await;
    assert_eq!(more.body["required_scopes"], json!(["gist", "repo"]), "{more:?}");
}

#[tokio::test]
async fn what_cannot_be_seen_is_not_found_and_only_a_thousand_matches_can_be_reached() {
    let server = started(false).await;
    let agent = connected(&server).await;
    let hidden = agent.call(SEARCH, json!({"query": "repo:ada/diary"})).await;
    assert_eq!(hidden.body["error"]["kind"], "not_found", "{hidden:?}");
    assert!(hidden.body["error"]["message"].as_str().unwrap().contains("repo scope"));
    let page = json!({"query": "is:open", "limit": 100, "page": 11});
    let far = agent.call(SEARCH, page).await;
    assert_eq!(far.body["error"]["kind"], "provider_rejected", "{far:?}");
    assert!(far.body["error"]["message"].as_str().unwrap().contains("Narrow"));
}

#[tokio::test]
async fn limits_are_told_apart_from_what_is_forbidden() {
    let server = started(false).await;
    let agent = connected(&server).await;
    let failed = async |fault| {
        // A limit with a short wait is waited for, so that it has to last.
        server.github().inject("user/repos", fault, Times::Always).unwrap();
        let failed = agent.call(LIST, json!({})).await;
        server.github().clear_faults();
        failed.body["error"].clone()
    };
    for (code, kind, words) in [
        ("primary_limit", "rate_limited", "rate limit"),
        ("secondary_limit", "rate_limited", "rate limit"),
        ("sso_required", "permission_denied", "single sign-on"),
        ("org_restricted", "permission_denied", "has not approved"),
        ("blocked", "permission_denied", "blocked"),
        ("not_found", "not_found", "Not Found"),
    ] {
        let error = failed(Fault::Refused(code.to_owned())).await;
        assert_eq!(error["kind"], kind, "{code}: {error}");
        assert!(error["message"].as_str().unwrap().contains(words), "{code}: {error}");
    }
    let error = failed(Fault::Refused("primary_limit".to_owned())).await;
    assert_eq!(error["retry_after_ms"], 3_600_000, "GitHub says when the limit is over: {error}");
    let error = failed(Fault::RateLimited { retry_after_s: 70 }).await;
    assert_eq!(
        (&error["kind"], &error["retry_after_ms"]),
        (&json!("rate_limited"), &json!(70_000))
    );
    let error = failed(Fault::Status(502)).await;
    assert_eq!(error["kind"], "provider_unavailable", "{error}");
}

#[tokio::test]
async fn a_token_that_has_run_out_is_refreshed_and_one_that_was_taken_back_leads_to_a_new_prompt() {
    let server = started(true).await;
    let agent = connected(&server).await;
    server.github().expire(&TokenSelector::default());
    assert_eq!(agent.call(LIST, json!({})).await.outcome(), "completed", "after a refresh");

    server.clock.advance(Duration::from_mins(1)); // a provider is asked once a minute at most
    server.github().revoke(&TokenSelector::default());
    let asked = agent.call(LIST, json!({})).await;
    assert_eq!(asked.body["auth_request"]["reason"], "needs_reauth", "{asked:?}");
    authorize(&server, &asked).await;
    assert_eq!(agent.call(LIST, json!({})).await.outcome(), "completed");
    server.clock.advance(Duration::from_hours(9));
    let before = requests(&server, "user/repos");
    assert_eq!(agent.call(LIST, json!({})).await.outcome(), "completed");
    assert_eq!(requests(&server, "user/repos"), before + 1, "what has run out is not sent");
}

#[tokio::test]
async fn disconnecting_deletes_the_token_at_the_provider() {
    let server = started(false).await;
    let agent = connected(&server).await;
    let alive = || server.github().grants().iter().map(|it| it.live_access_tokens).sum::<usize>();
    assert_eq!(alive(), 1);
    let connections = agent.get("/v1/connections").await;
    let id = connections.body["data"][0]["id"].as_str().unwrap();
    let gone = agent.delete(&format!("/v1/connections/{id}")).await;
    assert!(gone.status < 300, "{gone:?}");
    assert_eq!(alive(), 0, "the provider has taken the token back");
    let requests = server.github().requests();
    let last = requests.iter().rfind(|it| it.endpoint == "applications/token").unwrap();
    assert_eq!((last.method.as_str(), last.status), ("DELETE", Some(204)));
    assert_eq!(agent.call(LIST, json!({})).await.outcome(), "auth_required");
}

#[tokio::test]
async fn the_link_that_makes_a_github_app_carries_the_callback_url() {
    let server = started(false).await;
    let shown = server.admin().get("/v1/connectors/github").await;
    let setup = &shown.body["setup"];
    assert!(setup["guide"].as_str().unwrap().contains("New OAuth App"));
    let link: url::Url = setup["new_app_url"].as_str().unwrap().parse().unwrap();
    let named = |wanted| link.query_pairs().find(|(name, _)| name == wanted).unwrap().1;
    assert_eq!(named("oauth_application[callback_url]"), setup["redirect_uri"].as_str().unwrap());
    assert!(server.base.as_str().starts_with(&*named("oauth_application[url]")));
}

#[tokio::test]
async fn whoever_declines_connects_nothing() {
    let server = started(false).await;
    let agent = server.agent("alice");
    let asked = agent.call(LIST, json!({})).await;
    let page = server.browser().connect(asked.link(), "Cancel").await;
    assert_eq!(page.outcome(), "declined", "{page:?}");
    assert!(server.github().grants().is_empty());
}

#[tokio::test]
async fn refusals_of_the_token_endpoint_come_with_http_200_and_are_understood() {
    let server = started(false).await;
    for (code, failure) in [
        ("bad_verification_code", "code_rejected"),
        ("incorrect_client_credentials", "client_rejected"),
    ] {
        let asked = server.agent(code).call(LIST, json!({})).await;
        let fault = Fault::Refused(code.to_owned());
        server.github().inject("login/oauth/access_token", fault, Times::Next(1)).unwrap();
        server.browser().connect(asked.link(), "Authorize").await;
        let ended = server.ended(&asked).await;
        assert_eq!(ended.body["status"], "failed", "{ended:?}");
        assert_eq!(ended.body["failure"], failure, "{ended:?}");
    }
}

fn requests(server: &TestServer, endpoint: &str) -> usize {
    server.github().requests().iter().filter(|request| request.endpoint == endpoint).count()
}
