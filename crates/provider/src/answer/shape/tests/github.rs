//! What answers of GitHub amount to.

use super::*;

const PUBLIC: &str = "gist, public_repo";
const PRIVATE: &str = "gist, repo";

fn github(tool: &str, arguments: &Value, answer: &Answer) -> Shaped {
    let catalog = load(builtin().iter().copied().filter(|folder| folder.name == "github")).0;
    shaped(&catalog, tool, arguments, &[answer])
}

/// Returns an answer to a token with these scopes.
fn told(scopes: &'static str, mut answer: Answer) -> Answer {
    answer.headers.insert("x-oauth-scopes", HeaderValue::from_static(scopes));
    answer
}

fn repository(name: &str) -> Value {
    json!({
        "id": 1, "full_name": name, "private": false, "description": "d".repeat(200),
        "default_branch": "main", "language": null, "pushed_at": "2026-01-02T03:04:05Z",
        "open_issues_count": 3, "archived": false, "fork": true, "role_name": "write",
        "permissions": {"admin": false, "push": true, "pull": true},
        "html_url": format!("https://github.com/{name}"), "forks_url": "https://api.github.com/x",
    })
}

#[test]
fn repositories_are_told_in_short_with_the_next_page_that_the_header_names() {
    let mut answer = answer(200, json!([repository("o/r")]).to_string());
    let link = "<https://api.github.com/user/repos?page=1>; rel=\"prev\", \
                <https://api.github.com/user/repos?page=3>; rel=\"next\"";
    answer.headers.insert("link", HeaderValue::from_static(link));
    let compact = json!({
        "repositories": [{
            "full_name": "o/r", "private": false, "description": "d".repeat(140),
            "default_branch": "main", "pushed_at": "2026-01-02T03:04:05Z", "open_issues": 3,
            "fork": true, "permission": "write", "url": "https://github.com/o/r",
        }],
        "next_page": 3,
    });
    let tool = "github_list_repos";
    assert_eq!(github(tool, &json!({"page": 2}), &answer), Shaped::Completed(compact.into()));

    answer.headers.insert("link", HeaderValue::from_static("<https://x/?page=1>; rel=\"first\""));
    let last = completed(github(tool, &json!({}), &answer));
    assert_eq!(last.get("next_page"), None);
}

#[test]
fn the_permission_is_read_from_the_flags_where_no_role_is_named() {
    let permission = |flags: Value| {
        let mut repository = repository("o/r");
        repository["role_name"].take();
        repository["permissions"] = flags;
        let answer = answer(200, json!([repository]).to_string());
        let list = completed(github("github_list_repos", &json!({}), &answer));
        list["repositories"][0].get("permission").cloned()
    };
    for (flags, expected) in [
        (json!({"admin": true, "push": true, "pull": true}), Some(json!("admin"))),
        (json!({"admin": false, "maintain": true, "push": true}), Some(json!("maintain"))),
        (json!({"admin": false, "push": false, "pull": true}), Some(json!("read"))),
        (json!(null), None),
    ] {
        assert_eq!(permission(flags.clone()), expected, "{flags}");
    }
}

#[test]
fn private_repositories_need_a_token_that_shows_them() {
    let empty = || answer(200, "[]");
    let private = json!({"visibility": "private"});
    let list = |arguments, scopes| github("github_list_repos", arguments, &told(scopes, empty()));
    assert_eq!(list(&private, PUBLIC), missing(&["repo"]));
    assert_eq!(list(&private, ""), missing(&["repo"]));
    assert_eq!(list(&private, "repo:status"), missing(&["repo"]));
    let nothing = Shaped::Completed(json!({"repositories": []}).into());
    assert_eq!(list(&private, PRIVATE), nothing);
    assert_eq!(list(&json!({}), PUBLIC), nothing);
}

#[test]
fn what_a_search_finds_is_told_in_short() {
    let issue = json!({
        "repository_url": "https://api.github.com/repos/o/r", "number": 7, "title": "Crash",
        "state": "closed", "state_reason": "completed", "user": {"login": "ada"},
        "labels": [{"name": "bug"}, "old"], "assignees": [{"login": "grace"}], "comments": 2,
        "updated_at": "2026-01-02T03:04:05Z", "html_url": "https://github.com/o/r/issues/7",
        "body": "é".repeat(400), "score": 1.0,
    });
    let pull = json!({
        "repository_url": "https://ghe.example/api/v3/repos/o/r", "number": 8, "title": "Fix",
        "state": "open", "user": null, "labels": [], "comments": 0, "draft": false, "body": null,
        "pull_request": {"url": "x"}, "html_url": "https://github.com/o/r/pull/8",
        "updated_at": "2026-01-02T03:04:05Z",
    });
    let found = json!({"total_count": 41, "incomplete_results": true, "items": [issue, pull]});
    let arguments = json!({"query": "x", "limit": 20, "page": 2});
    let compact = json!({
        "total": 41, "incomplete": true, "next_page": 3,
        "items": [
            {
                "repo": "o/r", "number": 7, "title": "Crash", "state": "closed", "is_pr": false,
                "state_reason": "completed", "author": "ada", "labels": ["bug", "old"],
                "assignees": ["grace"], "comments": 2, "updated_at": "2026-01-02T03:04:05Z",
                "url": "https://github.com/o/r/issues/7", "body": "é".repeat(300),
            },
            {
                "repo": "o/r", "number": 8, "title": "Fix", "state": "open", "is_pr": true,
                "draft": false, "labels": [], "assignees": [], "comments": 0,
                "updated_at": "2026-01-02T03:04:05Z", "url": "https://github.com/o/r/pull/8",
            },
        ],
    });
    let answer = answer(200, found.to_string());
    assert_eq!(
        github("github_search_issues", &arguments, &answer),
        Shaped::Completed(compact.into())
    );
}

#[test]
fn pages_end_with_the_last_match_or_the_thousandth() {
    let next = |total: u64, arguments: Value| {
        let found = json!({"total_count": total, "incomplete_results": false, "items": []});
        let answer = answer(200, found.to_string());
        let found = completed(github("github_search_issues", &arguments, &answer));
        found.get("next_page").cloned()
    };
    assert_eq!(next(20, json!({"query": "x"})), None);
    assert_eq!(next(21, json!({"query": "x"})), Some(json!(2)));
    assert_eq!(next(5_000, json!({"query": "x", "limit": 100, "page": 9})), Some(json!(10)));
    assert_eq!(next(5_000, json!({"query": "x", "limit": 100, "page": 10})), None);
}

#[test]
fn each_refusal_of_github_means_what_its_connector_says() {
    use FailureKind as Kind;
    let refused = |status: u16, message: &str, errors: Value| {
        let body = json!({"message": message, "documentation_url": "x", "errors": errors});
        github("github_search_issues", &json!({"query": "x"}), &answer(status, body.to_string()))
    };
    assert_eq!(refused(401, "Bad credentials", json!(null)), Shaped::Reconnect { is_named: true });
    assert_eq!(refused(401, "Unauthorized", json!(null)), Shaped::Reconnect { is_named: false });
    let unseen =
        json!([{"code": "invalid", "message": "… you do not have permission to view them."}]);
    for (status, message, errors, kind) in [
        (403, "API rate limit exceeded for user ID 1.", json!(null), Kind::RateLimited),
        (429, "You have exceeded a secondary rate limit.", json!(null), Kind::RateLimited),
        (429, "Too many", json!(null), Kind::RateLimited),
        (
            403,
            "Resource protected by organization SAML enforcement.",
            json!(null),
            Kind::PermissionDenied,
        ),
        (403, "… has enabled OAuth App access restrictions …", json!(null), Kind::PermissionDenied),
        (403, "Resource not accessible by integration", json!(null), Kind::PermissionDenied),
        (403, "Request forbidden by administrative rules.", json!(null), Kind::Misconfigured),
        (404, "Not Found", json!(null), Kind::NotFound),
        (410, "Gone", json!(null), Kind::Misconfigured),
        (422, "Validation Failed", unseen, Kind::NotFound),
        (422, "Validation Failed", json!(["odd", {"code": "invalid"}]), Kind::ProviderRejected),
        (
            422,
            "Only the first 1000 search results are available",
            json!(null),
            Kind::ProviderRejected,
        ),
        (451, "Repository access blocked", json!(null), Kind::PermissionDenied),
        (503, "Service unavailable", json!(null), Kind::ProviderUnavailable),
    ] {
        assert_eq!(failure(refused(status, message, errors)).kind, kind, "{status} {message}");
    }
    let html = answer(502, "<html>Unicorn</html>");
    let failed = failure(github("github_list_repos", &json!({}), &html));
    assert_eq!(failed.kind, Kind::ProviderUnavailable);
}

#[test]
fn a_limit_that_is_used_up_says_when_it_is_over() {
    let waits = |remaining: &'static str, reset: &'static str| {
        let body = json!({"message": "API rate limit exceeded for this user."});
        let mut answer = answer(403, body.to_string());
        answer.headers.insert("x-ratelimit-remaining", HeaderValue::from_static(remaining));
        answer.headers.insert("x-ratelimit-reset", HeaderValue::from_static(reset));
        let failure = failure(github("github_list_repos", &json!({}), &answer));
        assert_eq!(failure.kind, FailureKind::RateLimited);
        failure.retry_after.map(|wait| wait.as_secs())
    };
    assert_eq!(waits("0", "1800000090"), Some(90));
    assert_eq!(waits("0", "1700000000"), Some(0), "it is over already");
    assert_eq!(waits("0", "9800000000"), Some(86_400), "a day at most");
    assert_eq!(waits("0", "soon"), None);
    assert_eq!(waits("17", "1800000090"), None, "another limit is meant");

    let mut throttled = answer(403, json!({"message": "secondary rate limit"}).to_string());
    for (name, value) in
        [("retry-after", "7"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1800000090")]
    {
        throttled.headers.insert(name, HeaderValue::from_static(value));
    }
    let failure = failure(github("github_list_repos", &json!({}), &throttled));
    assert_eq!(failure.retry_after, Some(Duration::from_secs(7)));
}
