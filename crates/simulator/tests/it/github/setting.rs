use astralform_simulator::github::{Github, GithubApp};
use axum::body::Body;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, SET_COOKIE, USER_AGENT};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::harness::{Answer, CALLBACK, Harness, SECRET, encoded, parameter, text};

pub(super) const APP: &str = "Ov23simulated";
pub(super) const AUTHORIZE: &str = "/github/login/oauth/authorize";

/// A simulator whose GitHub knows an app, and what browsers and programs do there.
pub(super) struct Setting {
    pub(super) harness: Harness,
}

impl Setting {
    pub(super) fn new() -> Self {
        Self::with_app(|_| {})
    }

    pub(super) fn with_app(change: impl FnOnce(&mut GithubApp)) -> Self {
        Self::of(Harness::new(), change)
    }

    pub(super) fn of(harness: Harness, change: impl FnOnce(&mut GithubApp)) -> Self {
        let mut app = GithubApp::new(APP, SECRET, CALLBACK);
        change(&mut app);
        harness.simulator.github().register_app(app).expect("a sound app");
        Self { harness }
    }

    pub(super) fn github(&self) -> &Github {
        self.harness.simulator.github()
    }

    /// Opens the authorize page, with a browser that may be signed in.
    pub(super) async fn authorize(
        &self,
        parameters: &[(&str, &str)],
        cookie: Option<&str>,
    ) -> Answer {
        let parameters = [&[("client_id", APP), ("state", "a state")], parameters].concat();
        let path = format!("{AUTHORIZE}?{}", encoded(&parameters));
        let request = Request::get(path).header(COOKIE, cookie.unwrap_or_default());
        self.harness.send(request.body(Body::empty()).expect("a request")).await
    }

    /// Answers the form of a consent page.
    pub(super) async fn decide(&self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let consent = page.consent();
        let fields = [&[("consent", consent.as_str())], fields].concat();
        self.harness.form(&format!("{AUTHORIZE}/decision"), &fields).await
    }

    /// Consents as somebody; the code, and the cookie that keeps them signed in.
    pub(super) async fn consent(
        &self,
        parameters: &[(&str, &str)],
        login: &str,
    ) -> (String, String) {
        let page = self.authorize(parameters, None).await;
        let decided = self.decide(&page, &[("person", login), ("decision", "allow")]).await;
        let cookie = decided.headers[SET_COOKIE].to_str().expect("a cookie");
        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        (code_of(&decided.location()), cookie)
    }

    /// Returns the token endpoint, with the app's credentials in the form and JSON asked for.
    pub(super) async fn token(&self, fields: &[(&str, &str)]) -> Value {
        let fields = [&[("client_id", APP), ("client_secret", SECRET)], fields].concat();
        let request = Request::post("/github/login/oauth/access_token")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        let request = request.body(Body::from(encoded(&fields))).expect("a request");
        let answer = self.harness.send(request).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.json()
    }

    /// Connects somebody and returns the token endpoint's answer.
    pub(super) async fn connect(&self, scope: &str, login: &str) -> Value {
        let (code, _) = self.consent(&[("scope", scope)], login).await;
        self.token(&[("code", &code)]).await
    }

    /// Returns an access token of somebody's with these scopes.
    pub(super) async fn access_token(&self, scope: &str, login: &str) -> String {
        text(&self.connect(scope, login).await["access_token"])
    }

    /// Calls the API as a program would.
    pub(super) async fn get(&self, token: &str, path: &str) -> Answer {
        let request = Request::get(format!("/github/{path}"))
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(USER_AGENT, "a test");
        self.harness.send(request.body(Body::empty()).expect("a request")).await
    }

    /// Calls the API as an app would that proves itself.
    pub(super) async fn app(&self, method: &str, what: &str, secret: &str, token: &str) -> Answer {
        use base64::Engine as _;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{APP}:{secret}"));
        let request = Request::builder()
            .method(method)
            .uri(format!("/github/applications/{APP}/{what}"))
            .header(AUTHORIZATION, format!("Basic {pair}"))
            .header(USER_AGENT, "a test")
            .header(CONTENT_TYPE, "application/json");
        let body = json!({ "access_token": token }).to_string();
        self.harness.send(request.body(Body::from(body)).expect("a request")).await
    }
}

pub(super) fn code_of(back: &Url) -> String {
    assert_eq!(parameter(back, "state").as_deref(), Some("a state"), "{back}");
    parameter(back, "code").unwrap_or_else(|| panic!("no code: {back}"))
}
