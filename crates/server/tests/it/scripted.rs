//! A provider that answers as a test says, byte for byte: that of the connector `notes`, with a tool
//! that reads and one that sends.

use std::sync::{Arc, Mutex, MutexGuard};

use astralform_domain::{Environment, EnvironmentSettings, VerifyEndUser};
use astralform_testkit::{CHECK_CODE, Reply, Setup, TestServer};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::{Url, form_urlencoded};

/// A tool that reads, whose result is the answer.
pub(crate) const LIST: &str = "notes_list";
/// A tool that reads, with a mapping that does some work for each note.
pub(crate) const TITLES: &str = "notes_titles";
/// A tool that must not be called twice.
pub(crate) const SEND: &str = "notes_send";
/// A tool that sends no body with a `POST`.
pub(crate) const PING: &str = "notes_ping";
pub(crate) const CLIENT: (&str, &str) = ("notes-client", "CANARY-notes-secret-one");

/// The provider. Dropping it ends it.
pub(crate) struct Scripted {
    pub(crate) base: Url,
    mind: Arc<Mutex<Mind>>,
    task: JoinHandle<()>,
}

type Script = Box<dyn Fn(&Asked) -> Option<Response> + Send>;

#[derive(Default)]
struct Mind {
    script: Option<Script>,
    asked: Vec<Asked>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
}

impl Scripted {
    /// Returns a provider that answers as the connector expects, where no script says otherwise.
    pub(crate) async fn start() -> Self {
        Self::at("127.0.0.1:0").await
    }

    /// Starts it at an address of this machine.
    pub(crate) async fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let mind = Arc::<Mutex<Mind>>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&mind));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, mind, task }
    }

    /// Asks `script` first from now on.
    pub(crate) fn script(&self, script: impl Fn(&Asked) -> Option<Response> + Send + 'static) {
        self.mind().script = Some(Box::new(script));
    }

    /// Answers `path` so from now on.
    pub(crate) fn answer(
        &self,
        path: &'static str,
        (status, headers, body): (u16, &[(&'static str, &str)], impl Into<Bytes>),
    ) {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let body: Bytes = body.into();
        self.script(move |asked| (asked.path == path).then(|| written(status, &headers, &body)));
    }

    /// Returns what reached a path.
    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        self.mind().asked.iter().filter(|asked| asked.path == path).cloned().collect()
    }

    /// Returns the text of the connector's file.
    pub(crate) fn yaml(&self) -> String {
        include_str!("scripted.yaml").replace("{base}", self.base.as_str().trim_end_matches('/'))
    }

    /// Returns how a test wants its server to have the connector.
    pub(crate) fn setup(&self) -> Setup {
        let connector = Some((self.yaml(), CLIENT.0.to_owned(), CLIENT.1.to_owned()));
        let verify_end_user = VerifyEndUser::Off;
        let settings = Some(EnvironmentSettings {
            verify_end_user,
            return_urls: Vec::new(),
            allowed_origins: Vec::new(),
        });
        Setup { environment: Environment::Test, settings, connector, ..Setup::default() }
    }

    fn mind(&self) -> MutexGuard<'_, Mind> {
        self.mind.lock().unwrap()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns the provider, and a server at which Alice has connected her notes.
pub(crate) async fn connected() -> (Scripted, TestServer) {
    let provider = Scripted::start().await;
    let server = TestServer::with(provider.setup()).await;
    let asked = call(&server, LIST, json!({})).await;
    server.browser().to_provider(asked.link()).await;
    (provider, server)
}

/// Calls a tool as Alice.
pub(crate) async fn call(server: &TestServer, tool: &str, arguments: Value) -> Reply {
    server.agent("alice").call(tool, arguments).await
}

async fn answer(
    State(mind): State<Arc<Mutex<Mind>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let is_check = body.windows(CHECK_CODE.len()).any(|part| part == CHECK_CODE.as_bytes());
    let path = uri.path().to_owned();
    let query = uri.query().unwrap_or_default().to_owned();
    let asked = Asked { path, query, headers };
    let mut mind = mind.lock().unwrap();
    if !is_check {
        mind.asked.push(asked.clone());
    }
    if let Some(answer) = mind.script.as_ref().and_then(|script| script(&asked)) {
        return answer;
    }
    if is_check {
        return StatusCode::BAD_REQUEST.into_response();
    }
    match (method.as_str(), asked.path.as_str()) {
        ("GET", "/authorize") => Redirect::to(&back(&asked.query)).into_response(),
        ("POST", "/token") => Json(json!({
            "access_token": "t", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r",
        }))
        .into_response(),
        ("GET", "/me") => Json(json!({"id": "u1", "name": "U"})).into_response(),
        ("GET", "/notes") => Json(json!({"notes": []})).into_response(),
        ("POST", "/send") => Json(json!({"id": 7})).into_response(),
        ("POST", "/revoke") => StatusCode::OK.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Returns where a browser goes whose person has consented.
fn back(query: &str) -> String {
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let named = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).unwrap().1.as_str();
    let mut url = Url::parse(named("redirect_uri")).unwrap();
    url.query_pairs_mut().append_pair("code", "code").append_pair("state", named("state"));
    url.into()
}

fn written(status: u16, headers: &[(&'static str, String)], body: &Bytes) -> Response {
    let mut response = (StatusCode::from_u16(status).unwrap(), body.clone()).into_response();
    response.headers_mut().remove("content-type");
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}
