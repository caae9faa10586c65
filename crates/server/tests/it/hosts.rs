//! The names by which the server is called.

use astralform_testkit::{Setup, TestServer};

use crate::raw::{address, answer};

async fn get(server: &TestServer, target: &str, host: &str) -> String {
    answer(address(server), &format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await
}

fn is_refused(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 403 ")
        && answer.contains("\"code\":\"host_not_allowed\"")
        && answer.contains("ASTRALFORM_ALLOWED_HOSTS")
}

#[tokio::test]
async fn d4_a_request_for_another_host_is_refused_with_the_setting_that_allows_it() {
    let server = TestServer::start().await;
    let link = "/connect/x";
    for path in ["/v1/tools", "/openapi.json", "/metrics", "/favicon.ico", link, "/nothing"] {
        let refused = get(&server, path, "evil.example.com").await;
        assert!(is_refused(&refused), "{path}: {refused}");
        assert!(refused.contains("127.0.0.1"), "it says which host to use: {refused}");
        assert!(!refused.contains("evil.example.com"), "{refused}");
    }
    for own in ["localhost", "127.0.0.1:1", "[::1]:9", "LOCALHOST:8787"] {
        let answer = get(&server, "/openapi.json", own).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{own}: {answer}");
    }
    let long = format!("{}.example.com", "a".repeat(5_000));
    assert!(
        is_refused(&get(&server, "/v1/tools", &long).await),
        "the setting is named all the same"
    );
}

#[tokio::test]
async fn d4_a_target_with_another_host_than_the_header_is_refused() {
    let server = TestServer::start().await;
    let refused = get(&server, "http://evil.example.com/openapi.json", "localhost").await;
    assert!(is_refused(&refused), "{refused}");
    let refused = get(&server, "http://localhost/openapi.json", "evil.example.com").await;
    assert!(is_refused(&refused), "{refused}");
    let taken = get(&server, "http://localhost/openapi.json", "localhost").await;
    assert!(taken.starts_with("HTTP/1.1 200 "), "{taken}");
}

#[tokio::test]
async fn probes_may_name_any_host() {
    let server = TestServer::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = get(&server, path, "10.1.2.3:8787").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
    }
    for other in ["/healthz/", "/healthz/x", "//healthz"] {
        assert!(is_refused(&get(&server, other, "10.1.2.3").await), "{other}");
    }
}

#[tokio::test]
async fn hosts_that_are_listed_may_be_named() {
    let listed = ["connect.internal", "10.1.0.0/16"].iter();
    let hosts = listed.map(|host| host.parse::<astralform_http::AllowedHost>().unwrap()).collect();
    let server = TestServer::with(Setup { hosts, ..Setup::default() }).await;
    for host in ["connect.internal", "Connect.Internal:8787", "10.1.9.9:8787"] {
        let answer = get(&server, "/openapi.json", host).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{host}: {answer}");
    }
    for host in ["evil.internal", "10.2.0.1"] {
        assert!(is_refused(&get(&server, "/openapi.json", host).await), "{host}");
    }
}
