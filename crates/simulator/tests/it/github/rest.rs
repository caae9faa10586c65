//! The simulator as GitHub's own client meets it.

use std::collections::BTreeSet;

use astralform_simulator::{Fault, Times};
use serde_json::json;

use super::octokit::Octokit;
use crate::harness::text;

const LIST: &str = "repos.listForAuthenticatedUser";
const SEARCH: &str = "search.issuesAndPullRequests";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_client_learns_who_it_acts_as_and_pages_through_the_repositories() {
    let mut octokit = Octokit::start().await;
    let token = octokit.setting.access_token("repo", "ada").await;
    let me = octokit.call(&token, "users.getAuthenticated", &json!({}));
    assert_eq!((&me["status"], &me["data"]["login"]), (&200.into(), &"ada".into()), "{me}");
    assert_eq!(me["headers"]["x-oauth-scopes"], "repo");
    let listed = octokit.pages(&token, LIST, &json!({ "per_page": 10 }));
    let names: BTreeSet<_> =
        listed["data"].as_array().unwrap().iter().map(|it| text(&it["full_name"])).collect();
    assert_eq!(names.len(), 47, "{listed}");
    assert!(names.contains("ada/diary"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_client_pages_through_what_a_search_finds() {
    let mut octokit = Octokit::start().await;
    let token = octokit.setting.access_token("", "ada").await;
    let q = "is:issue repo:acme-simulated/telemetry";
    let arguments = json!({ "q": q, "sort": "created", "order": "asc", "per_page": 100 });
    let found = octokit.pages(&token, SEARCH, &arguments);
    assert_eq!(found["data"].as_array().unwrap().len(), 120, "{found}");
    let refused = octokit.call(&token, SEARCH, &json!({ "q": "is:issue repo:ada/diary" }));
    assert_eq!(refused["refused"]["status"], 422, "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_client_checks_and_revokes_as_the_app() {
    let mut octokit = Octokit::start().await;
    let token = octokit.setting.access_token("gist", "grace").await;
    let checked = octokit.as_app("POST /applications/{client_id}/token", &token);
    assert_eq!(checked["data"]["user"]["login"], "grace", "{checked}");
    assert_eq!(octokit.as_app("DELETE /applications/{client_id}/token", &token)["status"], 204);
    let refused = octokit.call(&token, "users.getAuthenticated", &json!({}));
    assert_eq!(refused["refused"]["status"], 401);
    assert_eq!(refused["refused"]["data"]["message"], "Bad credentials");

    let token = octokit.setting.access_token("gist", "grace").await;
    assert_eq!(octokit.as_app("DELETE /applications/{client_id}/grant", &token)["status"], 204);
    assert!(octokit.setting.github().grants().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_client_is_told_of_limits_as_github_tells() {
    let mut octokit = Octokit::start().await;
    let token = octokit.setting.access_token("", "ada").await;
    let limits = [
        (Fault::Refused("primary_limit".to_owned()), 403, "x-ratelimit-remaining", "0"),
        (Fault::RateLimited { retry_after_s: 3 }, 429, "retry-after", "3"),
    ];
    for (fault, status, header, value) in limits {
        octokit.setting.github().inject("user/repos", fault, Times::Next(1)).unwrap();
        let refused = octokit.call(&token, LIST, &json!({}))["refused"].take();
        assert_eq!(refused["status"], status);
        assert_eq!(refused["headers"][header], value);
        assert!(text(&refused["data"]["message"]).contains("rate limit"));
    }
}
