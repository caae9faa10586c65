//! What is at `/`.

use astralform_testkit::TestServer;
use reqwest::{Client, header::ACCEPT};
use serde_json::Value;

#[tokio::test]
async fn the_root_says_what_this_is_to_people_and_to_programs() {
    let server = TestServer::start().await;
    let read = async |accept: &str| {
        let answer = Client::new().get(server.base.clone()).header(ACCEPT, accept).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200, "{accept}");
        answer.text().await.unwrap()
    };
    for accept in ["*/*", "application/json"] {
        let told: Value = serde_json::from_str(&read(accept).await).unwrap();
        assert_eq!(told["name"], "Astralform Connectors");
        assert!(told["version"].is_string());
        let api = server.base.join(told["links"]["api"].as_str().unwrap()).unwrap();
        assert_eq!(reqwest::get(api).await.unwrap().status(), 200);
    }
    let page = read("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8").await;
    assert!(page.starts_with("<!") && page.contains("Astralform Connectors"), "{page}");
    assert!(page.contains("href=\"/openapi.json\""), "{page}");
}
