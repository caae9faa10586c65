use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use astralform_simulator::slack::{Slack, SlackApp};
use astralform_simulator::{Simulator, SimulatorOptions};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;
use url::Url;
use url::form_urlencoded::Serializer;

pub(crate) const CALLBACK: &str = "https://app.example/callback";
pub(crate) const CLIENT: &str = "111.222";
pub(crate) const SECRET: &str = "shh";
pub(crate) const ADA: &str = "U0SIMADA01";
pub(crate) const GRACE: &str = "U0SIMGRACE";
/// A verifier and its challenge, from RFC 7636.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const START: i64 = 1_800_000_000_000_000;

/// A simulator with a clock that stands still and identifiers that repeat on every run.
pub(crate) struct Harness {
    pub(crate) simulator: Simulator,
    clock: Arc<AtomicI64>,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Harness {
    pub(crate) fn new() -> Self {
        Self::at("http://127.0.0.1:8788/")
    }

    /// Returns it as it is reached at this address.
    pub(crate) fn at(public_url: &str) -> Self {
        let clock = Arc::new(AtomicI64::new(START));
        let now = Arc::clone(&clock);
        let counter = AtomicU64::new(0);
        let simulator = Simulator::new(SimulatorOptions {
            clock: Arc::new(move || now.load(Ordering::Relaxed)),
            random: Arc::new(move |bytes| fill(&counter, bytes)),
            public_url: public_url.to_owned(),
        });
        Self { simulator, clock }
    }

    /// Starts it with an app registered as `CLIENT`.
    pub(crate) fn with_app(change: impl FnOnce(&mut SlackApp)) -> Self {
        let harness = Self::new();
        harness.register(change);
        harness
    }

    /// Registers an app as `CLIENT`.
    pub(crate) fn register(&self, change: impl FnOnce(&mut SlackApp)) {
        let mut app = SlackApp::new(CLIENT, SECRET, CALLBACK);
        change(&mut app);
        self.slack().register_app(app).expect("a sound app");
    }

    pub(crate) fn slack(&self) -> &Slack {
        self.simulator.slack()
    }

    pub(crate) fn pass_seconds(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.simulator.router().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Answer { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    /// Calls a method with GET, as most clients do.
    pub(crate) async fn call(
        &self,
        token: &str,
        method: &str,
        arguments: &[(&str, &str)],
    ) -> Value {
        let path = format!("/slack/api/{method}?{}", encoded(arguments));
        let request = Request::get(path).header(AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(Body::empty()).expect("a request")).await.json()
    }

    /// Calls a method with a JSON body.
    pub(crate) async fn call_json(&self, token: &str, method: &str, body: &Value) -> Value {
        let request = Request::post(format!("/slack/api/{method}"))
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json; charset=utf-8");
        self.send(request.body(Body::from(body.to_string())).expect("a request")).await.json()
    }

    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(encoded(fields))).expect("a request")).await
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/_control/{path}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()));
        self.send(request.expect("a request")).await
    }

    pub(crate) async fn authorize(&self, parameters: &[(&str, &str)]) -> Answer {
        self.get(&format!("/slack/oauth/v2/authorize?{}", encoded(parameters))).await
    }

    /// Goes through the consent page and returns the code.
    pub(crate) async fn consent(&self, parameters: &[(&str, &str)], person: &str) -> String {
        let consent = self.authorize(parameters).await.consent();
        let fields = [("consent", consent.as_str()), ("person", person), ("decision", "allow")];
        let back = self.form("/slack/oauth/v2/authorize/decision", &fields).await.location();
        parameter(&back, "code").expect("a code")
    }

    /// Exchanges at the token endpoint with the secret in the body.
    pub(crate) async fn access(&self, fields: &[(&str, &str)]) -> Value {
        let mut all = vec![("client_id", CLIENT), ("client_secret", SECRET)];
        all.extend(fields);
        self.form("/slack/api/oauth.v2.access", &all).await.json()
    }

    /// Connects a person and returns the token endpoint's answer.
    pub(crate) async fn connect(&self, bot: &str, user: &str, person: &str) -> Value {
        let parameters = [
            ("client_id", CLIENT),
            ("redirect_uri", CALLBACK),
            ("scope", bot),
            ("user_scope", user),
        ];
        let code = self.consent(&parameters, person).await;
        self.access(&[("code", &code), ("redirect_uri", CALLBACK)]).await
    }

    /// Returns a user token of Ada's with these scopes.
    pub(crate) async fn user_token(&self, scopes: &str) -> String {
        text(&self.connect("", scopes, ADA).await["authed_user"]["access_token"])
    }

    /// Returns a bot token with these scopes.
    pub(crate) async fn bot_token(&self, scopes: &str) -> String {
        text(&self.connect(scopes, "", ADA).await["access_token"])
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    pub(crate) fn location(&self) -> Url {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        let location = self.headers[LOCATION].to_str().expect("an address");
        Url::parse(location).expect("an address")
    }

    /// Returns the consent id in the page's form.
    pub(crate) fn consent(&self) -> String {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        let (_, rest) = self.text.split_once(r#"name="consent" value=""#).expect("a consent page");
        rest.split('"').next().expect("a value").to_owned()
    }
}

pub(crate) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

pub(crate) fn encoded(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn fill(counter: &AtomicU64, bytes: &mut [u8]) {
    for byte in bytes {
        let n = counter.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        *byte = (n >> 56) as u8;
    }
}
