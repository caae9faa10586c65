use astralform_simulator::{Fault, Times};
use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use serde_json::Value;

use super::description::assert_described;
use super::setting::Setting;
use crate::harness::{SECRET, START, text};

/// Returns the full names of repositories.
fn names(repositories: &Value) -> Vec<String> {
    let repositories = repositories.as_array().expect("repositories");
    repositories.iter().map(|repository| text(&repository["full_name"])).collect()
}

#[tokio::test]
async fn a_program_says_what_it_is_and_knows_the_version() {
    let setting = Setting::new();
    let token = setting.access_token("", "ada").await;
    let asked = async |headers: &[(&str, &str)]| {
        let mut request = Request::get("/github/user");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        setting.harness.send(request.body(Body::empty()).unwrap()).await
    };
    let bearer = format!("Bearer {token}");
    let word = format!("token {token}");
    assert_eq!(asked(&[("authorization", &bearer)]).await.status, 403);
    let agent = ("user-agent", "a test");
    assert_eq!(asked(&[agent, ("authorization", &word)]).await.status, 200);
    assert_eq!(asked(&[agent]).await.json()["message"], "Requires authentication");
    let refused = asked(&[agent, ("authorization", "Bearer gho_wrong")]).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["message"]),
        (401, &"Bad credentials".into())
    );
    assert_described("get", "/user", 401, &refused.json());
    for (version, status) in [("2022-11-28", 200), ("2026-03-10", 200), ("2020-01-01", 400)] {
        let headers = [agent, ("authorization", &bearer), ("x-github-api-version", version)];
        assert_eq!(asked(&headers).await.status, status, "{version}");
    }
}

#[tokio::test]
async fn the_person_is_shown_as_described_with_and_without_their_private_side() {
    let setting = Setting::new();
    for (scope, view) in [("", "public"), ("user", "private")] {
        let token = setting.access_token(scope, "grace").await;
        let answer = setting.get(&token, "user").await;
        assert_eq!(answer.headers["x-oauth-scopes"], scope);
        let me = answer.json();
        assert_eq!((&me["login"], &me["user_view_type"]), (&"grace".into(), &view.into()));
        // The two shapes overlap, so that `oneOf` takes neither where both fit.
        assert_described("get", "/user", 200, &me);
    }
}

#[tokio::test]
async fn repositories_are_listed_as_described_and_private_ones_only_with_the_scope() {
    let setting = Setting::new();
    let public = setting.access_token("", "ada").await;
    let answer = setting.get(&public, "user/repos?sort=pushed&per_page=100").await;
    assert_described("get", "/user/repos", 200, &answer.json());
    assert_eq!(answer.headers["x-accepted-oauth-scopes"], ", repo");
    let seen = names(&answer.json());
    assert!(seen.contains(&"ada/analytical-engine".to_owned()));
    assert!(seen.iter().all(|name| name != "ada/diary" && name != "alan/enigma"), "{seen:?}");
    let private = "user/repos?visibility=private";
    assert_eq!(names(&setting.get(&public, private).await.json()), [""; 0]);

    let all = setting.access_token("repo", "ada").await;
    assert_eq!(names(&setting.get(&all, private).await.json()), ["ada/diary", "alan/enigma"]);
    let own = setting.get(&all, "user/repos?affiliation=owner&sort=full_name&direction=desc").await;
    assert_eq!(names(&own.json()), ["ada/old-looms", "ada/diary", "ada/analytical-engine"]);
    let shared = setting.get(&all, "user/repos?affiliation=collaborator").await;
    assert_eq!(names(&shared.json()), ["alan/enigma", "grace/moths"]);
    assert_eq!(shared.json()[1]["role_name"], "triage");
}

#[tokio::test]
async fn lists_lead_from_page_to_page() {
    let setting = Setting::new();
    let token = setting.access_token("repo", "ada").await;
    let mut path = "user/repos?per_page=20".to_owned();
    let mut seen = Vec::new();
    loop {
        let answer = setting.get(&token, &path).await;
        seen.extend(names(&answer.json()));
        let link = answer.headers.get("link").map_or("", |link| link.to_str().unwrap());
        let next = link.split(", ").find(|link| link.ends_with("rel=\"next\""));
        let Some(next) = next else { break };
        let address = next.trim_start_matches('<').split('>').next().unwrap();
        path = address.split_once("/github/").unwrap().1.to_owned();
    }
    assert_eq!(seen.len(), 47);
    let unique: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(unique.len(), seen.len());
    assert_eq!(setting.get(&token, "user/repos?page=9").await.json(), Value::Array(vec![]));
}

#[tokio::test]
async fn wrong_arguments_of_lists_are_refused_as_described() {
    let setting = Setting::new();
    let token = setting.access_token("repo", "ada").await;
    for query in ["type=owner&visibility=public", "sort=stars", "visibility=secret"] {
        let refused = setting.get(&token, &format!("user/repos?{query}")).await;
        assert_eq!(refused.status, 422, "{query}");
        assert_described("get", "/user/repos", 422, &refused.json());
    }
}

#[tokio::test]
async fn an_app_checks_and_ends_its_tokens_and_nobody_elses() {
    let setting = Setting::new();
    let one = setting.access_token("repo", "ada").await;
    let two = setting.access_token("gist", "ada").await;
    let checked = setting.app("POST", "token", SECRET, &one).await;
    assert_described("post", "/applications/{client_id}/token", 200, &checked.json());
    assert_eq!(checked.json()["scopes"], serde_json::json!(["repo"]));
    assert_eq!(setting.app("DELETE", "token", "wrong", &one).await.status, 401);
    assert_eq!(setting.app("DELETE", "token", SECRET, &one).await.status, 204);
    assert_eq!(setting.get(&one, "user").await.status, 401);
    assert_eq!(setting.get(&two, "user").await.status, 200);
    let gone = setting.app("DELETE", "token", SECRET, &one).await;
    assert_described("delete", "/applications/{client_id}/token", 422, &gone.json());
    let gone = setting.app("POST", "token", SECRET, &one).await;
    assert_described("post", "/applications/{client_id}/token", 404, &gone.json());

    let three = setting.access_token("repo", "ada").await;
    assert_eq!(setting.app("DELETE", "grant", SECRET, &three).await.status, 204);
    for token in [&two, &three] {
        assert_eq!(setting.get(token, "user").await.status, 401);
    }
    assert!(setting.github().grants().is_empty());
}

#[tokio::test]
async fn searches_beyond_the_limit_are_refused_until_it_is_reset() {
    let setting = Setting::new();
    let token = setting.access_token("", "ada").await;
    for left in (0..30).rev() {
        let answer = setting.get(&token, "search/issues?q=is:issue").await;
        assert_eq!(answer.headers["x-ratelimit-remaining"], left.to_string());
        assert_eq!(answer.headers["x-ratelimit-resource"], "search");
    }
    let refused = setting.get(&token, "search/issues?q=is:issue").await;
    assert_eq!(
        (refused.status.as_u16(), &refused.headers["x-ratelimit-remaining"]),
        (403, &"0".parse().unwrap())
    );
    let reset = (START / 1_000_000 + 60).to_string();
    assert_eq!(refused.headers["x-ratelimit-reset"], reset);
    assert_eq!(setting.get(&token, "user").await.status, 200);
    setting.harness.pass_seconds(60);
    assert_eq!(setting.get(&token, "search/issues?q=is:issue").await.status, 200);
}

#[tokio::test]
async fn refusals_that_seldom_happen_can_be_brought_about() {
    let setting = Setting::new();
    let token = setting.access_token("", "ada").await;
    let cases = [
        ("primary_limit", 403, Some(("x-ratelimit-remaining", "0"))),
        ("secondary_limit", 403, Some(("retry-after", "60"))),
        (
            "sso_required",
            403,
            Some(("x-github-sso", "required; url=https://github.com/orgs/acme-simulated/sso")),
        ),
        ("org_restricted", 403, None),
        ("bad_credentials", 401, None),
        ("not_found", 404, None),
        ("blocked", 451, None),
    ];
    for (code, status, header) in cases {
        let fault = Fault::Refused(code.to_owned());
        setting.github().inject("user/repos", fault, Times::Next(1)).unwrap();
        let refused = setting.get(&token, "user/repos").await;
        assert_eq!(refused.status, status, "{code}");
        if let Some((name, value)) = header {
            assert_eq!(refused.headers[name], value, "{code}");
        }
        assert!(refused.json()["message"].is_string());
    }
    let fault = Fault::RateLimited { retry_after_s: 7 };
    setting.github().inject("user/repos", fault, Times::Next(1)).unwrap();
    let throttled = setting.get(&token, "user/repos").await;
    assert_eq!(
        (throttled.status.as_u16(), &throttled.headers["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    let unknown = Fault::Refused("no_such_error".to_owned());
    assert!(setting.github().inject("user/repos", unknown, Times::Next(1)).is_err());
}

#[tokio::test]
async fn pages_of_repositories_and_issues_are_where_the_api_says() {
    let setting = Setting::new();
    let token = setting.access_token("", "ada").await;
    let found = setting.get(&token, "search/issues?q=is:pr+carry").await.json();
    let page = text(&found["items"][0]["html_url"]);
    let path = page.strip_prefix("http://127.0.0.1:8788").unwrap();
    let request = Request::get(path).header(USER_AGENT, "a browser").header(AUTHORIZATION, "x");
    let answer = setting.harness.send(request.body(Body::empty()).unwrap()).await;
    assert!(answer.text.contains("Fix the carry") && answer.text.contains("Simulated GitHub"));
    assert!(setting.harness.get("/github/").await.text.contains("acme-simulated/website"));
    assert!(setting.harness.get("/github/ada/analytical-engine").await.text.contains("Bernoulli"));
    assert_eq!(setting.harness.get("/github/ada/nothing").await.status, 404);
}

#[tokio::test]
#[should_panic(expected = "is a required property")]
async fn an_answer_that_lacks_a_property_would_be_noticed() {
    let setting = Setting::new();
    let token = setting.access_token("", "ada").await;
    let mut listed = setting.get(&token, "user/repos").await.json();
    listed[3].as_object_mut().unwrap().remove("open_issues");
    assert_described("get", "/user/repos", 200, &listed);
}
