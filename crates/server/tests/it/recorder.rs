//! A small OAuth server with an API behind it, which takes the apps that a test says and remembers
//! what reached it: the provider of the connector `notes`, or a canary.

use std::sync::{Arc, Mutex, MutexGuard};

use astralform_domain::{Environment, EnvironmentSettings, VerifyEndUser};
use astralform_http::{Limits, serve};
use astralform_testkit::{Setup, TestServer};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse as _, Redirect, Response},
};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};
use url::{Url, form_urlencoded};

pub(crate) const TOOL: &str = "notes_list";
pub(crate) const CLIENT: (&str, &str) = ("notes-client", "CANARY-notes-secret-one");

/// The provider. Dropping it ends it.
pub(crate) struct Provider {
    base: Url,
    mind: Arc<Mutex<Mind>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Mind {
    clients: Vec<(String, String)>,
    tokens: Vec<String>,
    given: usize,
    requests: Vec<Asked>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: String,
    pub(crate) authorization: String,
}

impl Provider {
    /// Returns one that takes our app.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let mind = Arc::new(Mutex::new(Mind::default()));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&mind));
        let limits = Limits::for_tests();
        let task = tokio::spawn(serve(listener, router, limits, std::future::pending()));
        let provider = Self { base, mind, task };
        provider.take_only(CLIENT);
        provider
    }

    /// Returns our server with the connector `notes`, enabled with our app.
    pub(crate) async fn server(&self, environment: Environment) -> TestServer {
        let (id, secret) = CLIENT;
        let connector = Some((self.yaml(), id.to_owned(), secret.to_owned()));
        let off = VerifyEndUser::Off;
        let settings = EnvironmentSettings {
            verify_end_user: off,
            return_urls: Vec::new(),
            allowed_origins: Vec::new(),
        };
        let settings = Some(settings);
        TestServer::with(Setup { environment, settings, connector, ..Setup::default() }).await
    }

    /// Knows no other app from now on.
    pub(crate) fn take_only(&self, (id, secret): (&str, &str)) {
        self.mind().clients = vec![(id.to_owned(), secret.to_owned())];
    }

    /// Returns the address of one of its endpoints.
    pub(crate) fn at(&self, path: &str) -> String {
        self.base.join(path).unwrap().into()
    }

    /// Returns everything that reached it.
    pub(crate) fn requests(&self) -> Vec<Asked> {
        self.mind().requests.clone()
    }

    /// Returns the tokens that calls were made with.
    pub(crate) fn paid_with(&self) -> Vec<String> {
        let calls = self.requests().into_iter().filter(|asked| asked.path == "/api/notes");
        calls.map(|asked| asked.authorization).collect()
    }

    fn mind(&self) -> MutexGuard<'_, Mind> {
        self.mind.lock().unwrap()
    }

    /// Returns the connector.
    pub(crate) fn yaml(&self) -> String {
        include_str!("notes.yaml")
            .replace("issuer: {issuer}", "client_auth: body")
            .replace("{authorize_url}", &self.at("authorize"))
            .replace("{token_url}", &self.at("token"))
            .replace("{revocation_url}", &self.at("revoke"))
            .replace("{api_base_url}", &self.at("api"))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(mind): State<Arc<Mutex<Mind>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let mut mind = mind.lock().unwrap();
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap());
    let authorization = authorization.unwrap_or_default().to_owned();
    let knows = mind.tokens.iter().any(|token| authorization == format!("Bearer {token}"));
    let path = uri.path().to_owned();
    let query = uri.query().unwrap_or_default().to_owned();
    mind.requests.push(Asked { path, query, body: body.clone(), authorization });
    match (method.as_str(), uri.path()) {
        ("GET", "/authorize") => {
            Html("<form method=\"post\"><button>Allow</button></form>").into_response()
        }
        ("POST", "/authorize") => Redirect::to(&back(uri.query().unwrap())).into_response(),
        ("POST", "/token") => token(&mut mind, &body),
        ("GET", "/api/me") if knows => Json(json!({"id": "u1", "name": "Ada"})).into_response(),
        ("GET", "/api/notes") if knows => Json(json!({"notes": []})).into_response(),
        ("GET", "/api/large") if knows => {
            let bytes = uri.query().unwrap().trim_start_matches("bytes=").parse().unwrap();
            Json("x".repeat(bytes)).into_response()
        }
        ("GET", "/api/me" | "/api/notes" | "/api/large") => {
            StatusCode::UNAUTHORIZED.into_response()
        }
        ("POST", "/revoke") => StatusCode::OK.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Returns where a browser that consented goes.
fn back(query: &str) -> String {
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let named = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).unwrap().1.as_str();
    let mut url = Url::parse(named("redirect_uri")).unwrap();
    url.query_pairs_mut().append_pair("code", "code").append_pair("state", named("state"));
    url.into()
}

/// Returns the app first, then the code, as RFC 6749 §5.2 tells the two refusals apart.
fn token(mind: &mut Mind, body: &str) -> Response {
    let pairs: Vec<_> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let says = |name: &str, value: &str| pairs.contains(&(name.to_owned(), value.to_owned()));
    let knows =
        |(id, secret): &(String, String)| says("client_id", id) && says("client_secret", secret);
    if !mind.clients.iter().any(knows) {
        let refusal = Json(json!({"error": "invalid_client"}));
        return (StatusCode::UNAUTHORIZED, refusal).into_response();
    }
    if !says("code", "code") {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    }
    mind.given += 1;
    let token = format!("notes-token-{}", mind.given);
    mind.tokens.push(token.clone());
    Json(json!({"access_token": token, "token_type": "bearer"})).into_response()
}
