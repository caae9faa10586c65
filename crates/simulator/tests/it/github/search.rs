use serde_json::Value;

use super::description::assert_described;
use super::setting::Setting;
use crate::harness::{encoded, text};

async fn found(setting: &Setting, token: &str, q: &str) -> Vec<String> {
    let answer = setting.get(token, &format!("search/issues?{}", encoded(&[("q", q)]))).await;
    assert_eq!(answer.status, 200, "{q}: {}", answer.text);
    titles(&answer.json())
}

fn titles(found: &Value) -> Vec<String> {
    found["items"].as_array().expect("items").iter().map(|item| text(&item["title"])).collect()
}

#[tokio::test]
async fn qualifiers_narrow_a_search() {
    let setting = Setting::new();
    let token = setting.access_token("", "ada").await;
    let engine = "repo:ada/analytical-engine";
    let cases: &[(String, &[&str])] = &[
        (format!("is:issue {engine} author:grace"), &["Carry is lost at the 40th column"]),
        (format!("is:issue {engine} assignee:@me"), &["Carry is lost at the 40th column"]),
        (format!("is:pull-request {engine}"), &["Fix the carry"]),
        (format!("is:pr is:draft {engine}"), &["Fix the carry"]),
        ("is:issue is:closed reason:completed".to_owned(), &["Moth in relay 70"]),
        (format!("is:issue {engine} label:documentation"), &["Write down the Bernoulli program"]),
        (
            format!("is:issue {engine} -label:bug -label:question"),
            &["Write down the Bernoulli program"],
        ),
        ("is:pr label:\"good first issue\"".to_owned(), &["Fix the carry"]),
        ("is:pr org:acme-simulated".to_owned(), &["New landing page"]),
        ("is:issue user:grace".to_owned(), &["Moth in relay 70"]),
        (
            format!("is:issue {engine} halt OR Bernoulli"),
            &["Stop when it does not halt", "Write down the Bernoulli program"],
        ),
        (format!("is:issue {engine} in:title numbers"), &[]),
        (format!("is:issue {engine} in:body numbers"), &["Write down the Bernoulli program"]),
        (format!("is:issue {engine} created:<2025-02-28"), &["Carry is lost at the 40th column"]),
        (format!("is:issue {engine} NOT carry NOT halt"), &["Write down the Bernoulli program"]),
    ];
    for (q, expected) in cases {
        assert_eq!(found(&setting, &token, q).await, *expected, "{q}");
    }
}

#[tokio::test]
async fn private_issues_are_found_only_with_the_scope_and_only_by_those_who_see_them() {
    let setting = Setting::new();
    let q = "is:issue secret OR salary OR rotor";
    let public = setting.access_token("", "ada").await;
    assert_eq!(found(&setting, &public, q).await, [""; 0]);
    let ada = setting.access_token("repo", "ada").await;
    assert_eq!(found(&setting, &ada, q).await, ["Rotor order for today", "Burn after reading"]);
    let grace = setting.access_token("repo", "grace").await;
    assert_eq!(found(&setting, &grace, q).await, ["Wrong salary of the engine"]);
    for (token, repository) in [(&public, "ada/diary"), (&grace, "ada/diary"), (&ada, "ada/none")] {
        let path = format!("search/issues?q=is:issue+repo:{repository}");
        let refused = setting.get(token, &path).await;
        assert_eq!(refused.status, 422);
        assert_described("get", "/search/issues", 422, &refused.json());
        assert!(text(&refused.json()["errors"][0]["message"]).contains("do not have permission"));
    }
}

#[tokio::test]
async fn results_are_sorted_paged_and_as_described() {
    let setting = Setting::new();
    let token = setting.access_token("", "ada").await;
    let path = "search/issues?q=is:issue+label:reading&sort=created&order=asc&per_page=50&page=3";
    let answer = setting.get(&token, path).await;
    let page = answer.json();
    assert_described("get", "/search/issues", 200, &page);
    assert_eq!((&page["total_count"], titles(&page).len()), (&120.into(), 20));
    assert!(!answer.headers["link"].to_str().unwrap().contains("rel=\"next\""));
    let created: Vec<_> =
        page["items"].as_array().unwrap().iter().map(|item| text(&item["created_at"])).collect();
    assert!(created.is_sorted());
    let mixed = setting.get(&token, "search/issues?q=is:pr&sort=updated").await.json();
    assert_described("get", "/search/issues", 200, &mixed);
    assert!(
        mixed["items"][0]["pull_request"]["merged_at"].is_string()
            || mixed["items"][1]["draft"] == true
    );
}

#[tokio::test]
async fn searches_that_make_no_sense_are_refused_as_described() {
    let setting = Setting::new();
    let token = setting.access_token("", "ada").await;
    let long = format!("q=is:issue+{}", "x".repeat(256));
    let cases = [
        "",
        "q=+",
        "q=carry",
        "q=is:issue&sort=stars",
        "q=is:issue&order=up",
        "q=is:issue&search_type=magic",
        "q=is:issue&per_page=100&page=11",
        "q=is:issue+user:nobody-at-all",
        "q=is:issue+a+OR+b+OR+c+OR+d+OR+e+OR+f+OR+g",
        &long,
    ];
    for query in cases {
        let refused = setting.get(&token, &format!("search/issues?{query}")).await;
        assert_eq!(refused.status, 422, "{query}");
        assert_described("get", "/search/issues", 422, &refused.json());
    }
    let last = setting.get(&token, "search/issues?q=is:issue&per_page=100&page=10").await;
    assert_eq!(last.status, 200);
}
