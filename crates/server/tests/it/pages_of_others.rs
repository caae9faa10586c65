//! What pages of other origins may send and read (DESIGN: allowed origins).

use astralform_testkit::TestServer;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::json;

const APP: &str = "https://app.example.com";

struct Pages {
    server: TestServer,
    http: reqwest::Client,
    session: String,
}

impl Pages {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let path = server.project("/environments/test");
        let changed = server.admin().patch(&path, json!({"allowed_origins": [APP]})).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        let opened = server.backend().post("/v1/sessions", json!({"end_user_id": "alice"})).await;
        let session = opened.body["token"].as_str().unwrap().to_owned();
        Self { server, http: reqwest::Client::new(), session }
    }

    fn request(&self, method: Method, origin: &str) -> RequestBuilder {
        let url = self.server.base.join("/v1/connections").unwrap();
        self.http.request(method, url).header("origin", origin)
    }

    async fn preflight(&self, origin: &str) -> Response {
        let asked = self.request(Method::OPTIONS, origin);
        asked.header("access-control-request-method", "GET").send().await.unwrap()
    }

    async fn get(&self, origin: &str, token: &str) -> Response {
        self.request(Method::GET, origin).bearer_auth(token).send().await.unwrap()
    }
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

const READER: &str = "access-control-allow-origin";

#[tokio::test]
async fn a_preflight_is_answered_for_an_origin_that_an_environment_lists() {
    let pages = Pages::new().await;
    let answered = pages.preflight(APP).await;
    assert_eq!((answered.status().as_u16(), header(&answered, READER)), (204, Some(APP)));
    let headers = header(&answered, "access-control-allow-headers").unwrap();
    assert!(headers.contains("Authorization") && headers.contains("Idempotency-Key"), "{headers}");
    assert_eq!(header(&answered, "vary"), Some("Origin"));
    assert_eq!(header(&answered, "access-control-allow-credentials"), None);
    for other in ["https://evil.example.com", "https://app.example.com:8443", "null", "*", ""] {
        let refused = pages.preflight(other).await;
        assert_eq!((refused.status().as_u16(), header(&refused, READER)), (403, None), "{other}");
    }
}

#[tokio::test]
async fn a_page_reads_answers_to_a_session_of_an_environment_that_lists_it() {
    let pages = Pages::new().await;
    let read = pages.get(APP, &pages.session).await;
    assert_eq!((read.status().as_u16(), header(&read, READER)), (200, Some(APP)));
    assert_eq!(header(&read, "access-control-allow-credentials"), None);
    assert!(header(&read, "access-control-expose-headers").unwrap().contains("Retry-After"));
    let refused = pages.get("https://evil.example.com", &pages.session).await;
    assert_eq!((refused.status().as_u16(), header(&refused, READER)), (403, None));
    let own = pages.server.base.origin().ascii_serialization();
    assert_eq!(pages.get(&own, &pages.session).await.status(), 200);
}

#[tokio::test]
async fn an_origin_that_is_taken_from_the_list_reads_nothing_any_more() {
    let pages = Pages::new().await;
    assert_eq!(pages.get(APP, &pages.session).await.status(), 200);
    let path = pages.server.project("/environments/test");
    pages.server.admin().patch(&path, json!({"allowed_origins": []})).await;
    assert_eq!(pages.get(APP, &pages.session).await.status(), 403);
}

#[tokio::test]
async fn a_page_gets_no_answer_to_a_key_that_belongs_to_a_backend() {
    let pages = Pages::new().await;
    let key = pages.server.key().to_owned();
    let read = pages.get(APP, &key).await;
    assert_eq!(header(&read, READER), None, "the browser gives it to no page");
    let wrong = pages.get(APP, "sk_test_wrong").await;
    assert_eq!((wrong.status().as_u16(), header(&wrong, READER)), (401, None));
}

#[tokio::test]
async fn a_page_whose_origin_is_listed_reads_why_it_is_refused() {
    let pages = Pages::new().await;
    for token in ["ut_over", ""] {
        let refused = pages.get(APP, token).await;
        assert_eq!((refused.status().as_u16(), header(&refused, READER)), (401, Some(APP)));
        let refused = pages.get("https://evil.example.com", token).await;
        assert_eq!((refused.status().as_u16(), header(&refused, READER)), (401, None));
    }
}
