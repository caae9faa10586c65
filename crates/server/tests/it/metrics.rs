use astralform_http::AllowedHost;
use astralform_testkit::{Setup, TestServer};
use reqwest::{Response, StatusCode, header::HOST};
use serde_json::json;

const TOKEN: &str = "CANARY-metrics-token-0123456789";

async fn read(server: &TestServer, headers: &[(&str, &str)]) -> Response {
    let url = server.base.join("/metrics").unwrap();
    let mut request = reqwest::Client::new().get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn this_machine_reads_what_was_counted() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    alice.call("slack_list_channels", json!({})).await;
    let answer = read(&server, &[]).await;
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    let text = answer.text().await.unwrap();
    for line in [
        r#"astralform_tool_calls_total{connector="slack",outcome="auth_required"} 1"#,
        r#"astralform_auth_requests_total{status="pending"} 1"#,
        "astralform_database_up 1",
    ] {
        assert!(text.lines().any(|there| there == line), "{line}\n{text}");
    }
    assert!(!text.contains("alice") && !text.contains("proj_"), "{text}");
}

#[tokio::test]
async fn m1_no_page_and_nobody_behind_a_proxy_reads_the_metrics() {
    let server = TestServer::start().await;
    let port = server.base.port().unwrap();
    let localhost = format!("localhost:{port}");
    assert_eq!(read(&server, &[(HOST.as_str(), &localhost)]).await.status(), StatusCode::OK);
    assert_eq!(read(&server, &[("sec-fetch-site", "none")]).await.status(), StatusCode::OK);
    let rebound = format!("rebound.example:{port}");
    for headers in [
        [(HOST.as_str(), rebound.as_str())],
        [("origin", "https://evil.example")],
        [("origin", "null")],
        [("sec-fetch-site", "same-origin")],
        [("sec-fetch-site", "cross-site")],
        [("x-forwarded-for", "203.0.113.7")],
        [("forwarded", "for=203.0.113.7")],
        [("via", "1.1 proxy")],
    ] {
        let answer = read(&server, &headers).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{headers:?}");
    }
}

#[tokio::test]
async fn whoever_knows_the_token_reads_the_metrics_and_nobody_else() {
    let hosts = ["metrics.internal".parse::<AllowedHost>().unwrap()].into_iter().collect();
    let setup = Setup { metrics_token: Some(TOKEN), hosts, ..Setup::default() };
    let server = TestServer::with(setup).await;
    let bearer = format!("Bearer {TOKEN}");
    let host = (HOST.as_str(), "metrics.internal");
    let answer = read(&server, &[("authorization", &bearer), host]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let other = format!("Bearer {}", TOKEN.replace('9', "8"));
    let key = format!("Bearer {}", server.foreign_key().await);
    let others =
        [vec![], vec![("authorization", other.as_str())], vec![("authorization", key.as_str())]];
    for headers in others {
        let answer = read(&server, &headers).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{headers:?}");
        assert!(!answer.text().await.unwrap().contains(TOKEN));
    }
    let page = [("authorization", bearer.as_str()), ("origin", "https://evil.example")];
    assert_eq!(read(&server, &page).await.status(), StatusCode::FORBIDDEN);
}
