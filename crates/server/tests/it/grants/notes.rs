//! The provider of the connector `notes`, which answers as a test says, and keeps what it was sent.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use astralform_domain::{EnvironmentSettings, VerifyEndUser};
use astralform_testkit::{Browser, CHECK_CODE, Page, Reply, Setup, TestServer};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Redirect, Response},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::{Url, form_urlencoded};

pub(super) const LIST: &str = "notes_list";
pub(super) const SEND: &str = "notes_send";
pub(super) const RETURN: &str = "https://app.example.com/connected";

/// The provider. Dropping it ends it.
pub(super) struct Notes {
    base: Url,
    mind: Arc<Mutex<Mind>>,
    task: JoinHandle<()>,
}

/// An answer of one of its endpoints.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) body: String,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) method: String,
    pub(super) authorization: String,
    pub(super) body: String,
}

#[derive(Default)]
struct Mind {
    once: HashMap<String, VecDeque<Answer>>,
    always: HashMap<String, Answer>,
    /// What the browser brings back besides the state.
    brings: String,
    requests: Vec<Asked>,
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self { status, kind: "application/json", body: body.to_string() }
    }

    pub(super) fn text(status: u16, kind: &'static str, body: &str) -> Self {
        Self { status, kind, body: body.to_owned() }
    }
}

/// Returns the usual answer of the token endpoint, with members put into it or, where they are
/// null, taken out of it.
pub(super) fn token(changes: &Value) -> Answer {
    let mut usual = json!({
        "access_token": "t", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r",
    });
    let members = usual.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    Answer::json(200, &usual)
}

impl Notes {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let mind = Arc::new(Mutex::new(Mind { brings: "code=code".to_owned(), ..Mind::default() }));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&mind));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let notes = Self { base, mind, task };
        notes.says("/token", token(&json!({})));
        notes.says("/me", Answer::json(200, &json!({"id": "u1", "name": "U"})));
        notes.says("/notes", Answer::json(200, &json!({"notes": []})));
        notes.says("/send", Answer::json(200, &json!({})));
        notes.says("/revoke", Answer::json(200, &json!({})));
        notes
    }

    /// Sets how an endpoint answers from now on.
    pub(super) fn says(&self, path: &str, answer: Answer) {
        self.mind().always.insert(path.to_owned(), answer);
    }

    /// Sets how an endpoint answers the next request.
    pub(super) fn says_once(&self, path: &str, answer: Answer) {
        self.mind().once.entry(path.to_owned()).or_default().push_back(answer);
    }

    /// Sets what browsers bring back from now on.
    pub(super) fn sends_back(&self, query: &str) {
        query.clone_into(&mut self.mind().brings);
    }

    /// Returns what reached an endpoint.
    pub(super) fn asked(&self, path: &str) -> Vec<Asked> {
        self.mind().requests.iter().filter(|asked| asked.path == path).cloned().collect()
    }

    fn mind(&self) -> MutexGuard<'_, Mind> {
        self.mind.lock().unwrap()
    }

    /// Returns its connector, with texts replaced.
    pub(super) fn yaml(&self, edits: &[(&str, &str)]) -> String {
        let base = self.base.as_str().trim_end_matches('/');
        let usual = include_str!("notes.yaml").replace("{base}", base);
        edits.iter().fold(usual, |yaml, (from, to)| {
            assert!(yaml.contains(from), "{from:?} is not in the connector");
            yaml.replace(from, to)
        })
    }

    /// Returns our server, which has it as its only connector.
    pub(super) async fn server(&self, edits: &[(&str, &str)]) -> TestServer {
        self.server_that(VerifyEndUser::Off, edits).await
    }

    pub(super) async fn server_that(
        &self,
        verify_end_user: VerifyEndUser,
        edits: &[(&str, &str)],
    ) -> TestServer {
        let connector = (self.yaml(edits), "notes-client".to_owned(), "CANARY-notes".to_owned());
        let confirms = verify_end_user == VerifyEndUser::Confirm;
        let return_urls = if confirms { vec![RETURN.to_owned()] } else { Vec::new() };
        let settings =
            Some(EnvironmentSettings { verify_end_user, return_urls, allowed_origins: Vec::new() });
        TestServer::with(Setup { connector: Some(connector), settings, ..Setup::default() }).await
    }
}

impl Drop for Notes {
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
    if body.contains(CHECK_CODE) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let mut mind = mind.lock().unwrap();
    if uri.path() == "/authorize" {
        return Redirect::to(&back(uri.query().unwrap_or_default(), &mind.brings)).into_response();
    }
    let path = uri.path().to_owned();
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let authorization = authorization.unwrap_or_default().to_owned();
    mind.requests.push(Asked { path, method: method.to_string(), authorization, body });
    let once = mind.once.get_mut(uri.path()).and_then(VecDeque::pop_front);
    let Some(answer) = once.or_else(|| mind.always.get(uri.path()).cloned()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let status = StatusCode::from_u16(answer.status).unwrap();
    (status, [(header::CONTENT_TYPE, answer.kind)], answer.body).into_response()
}

/// Returns where a browser goes that comes with this query.
fn back(query: &str, brings: &str) -> String {
    let pairs: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let state: String = form_urlencoded::byte_serialize(pairs["state"].as_bytes()).collect();
    format!("{}?state={state}&{brings}", pairs["redirect_uri"])
}

/// Returns what alice gets who calls.
pub(super) async fn call(server: &TestServer, tool: &str) -> Reply {
    let arguments = if tool == SEND { json!({"text": "hello"}) } else { json!({}) };
    server.agent("alice").call(tool, arguments).await
}

/// Returns the page at the end of a whole consent.
pub(super) async fn consent(link: &str) -> Page {
    Browser::new().to_provider(link).await
}

/// Connects an end user's account.
pub(super) async fn connect(server: &TestServer, end_user: &str) {
    let asked = server.agent(end_user).call(LIST, json!({})).await;
    let page = consent(asked.link()).await;
    assert_eq!(page.outcome(), "completed", "{}", page.html);
}

/// Returns the address at which the provider hands the browser back to us.
pub(super) async fn callback(browser: &Browser, link: &str) -> Url {
    let provider = browser.authorize_url(link).await;
    browser.open(provider.as_str()).await.leads_to().unwrap()
}

/// Returns the connection of alice.
pub(super) async fn connection(server: &TestServer) -> Value {
    server.agent("alice").get("/v1/connections").await.body["data"][0].clone()
}

/// Returns what is known of an auth request.
pub(super) async fn auth_request(server: &TestServer, id: &str) -> Value {
    server.backend().get(&format!("/v1/auth-requests/{id}")).await.body
}
