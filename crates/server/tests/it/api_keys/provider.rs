//! A service that takes API keys, and remembers what each request was paid with.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use astralform_domain::{Actor, Environment, EnvironmentSettings, VerifyEndUser};
use astralform_storage::project_connectors;
use astralform_testkit::{Reply, Setup, TestServer, hunt::forms};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::get,
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{OwnedRwLockWriteGuard, RwLock, watch},
};

const YAML: &str = r#"
slug: stocks
name: Stocks
category: Tests
type: api_key
summary: A service that takes API keys, for tests.
api_key:
  key_url: https://stocks.example/keys
  fields:
    - {name: api_key, label: API key}
    - {name: desk, label: Desk, help: The desk that pays, secret: false}
api:
  base_url: {base}
  credential:
    headers: {X-Key: "key {api_key}", X-Desk: "{desk}"}
errors: {message: .message}
identity: {url: /me{account}}
setup: {console_url: https://stocks.example/keys}
tools:
  - name: stocks_list
    title: List stocks
    description: Lists the stocks that the desk holds, for tests of API keys.
    input: {type: object, additionalProperties: false, properties: {}}
    output: {type: object, properties: {stocks: {type: array}}}
    annotations: {read_only: true, idempotent: true}
    request: {method: GET, path: /stocks}
    result: '{stocks}'
"#;

pub(super) const TOOL: &str = "stocks_list";

#[derive(Clone, Default)]
struct Mind {
    keys: Arc<Mutex<Vec<String>>>,
    is_down: Arc<Mutex<bool>>,
    repeats: Arc<Mutex<bool>>,
    paid: Arc<Mutex<Vec<String>>>,
    /// How often it was asked whose a key is.
    asked: watch::Sender<usize>,
    /// Held by a test that keeps the answers to that back.
    gate: Arc<RwLock<()>>,
}

/// The service, and our server with its connector in the catalogue.
pub(super) struct Stocks {
    mind: Mind,
    base: String,
    pub(super) server: TestServer,
}

impl Stocks {
    /// Returns a service that says whose a key is, in an environment where nobody is confirmed.
    pub(super) async fn start() -> Self {
        Self::with(", account: '{id, label: .name}'", VerifyEndUser::Off).await
    }

    pub(super) async fn with(account: &str, verify_end_user: VerifyEndUser) -> Self {
        let mind = Mind::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/me", get(me))
            .route("/stocks", get(stocks))
            .with_state(mind.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let yaml = YAML.replace("{base}", &base).replace("{account}", account);
        let return_urls = vec!["https://app.example/back".to_owned()];
        let settings =
            Some(EnvironmentSettings { verify_end_user, return_urls, allowed_origins: Vec::new() });
        let catalogue = vec![yaml.trim_start().to_owned()];
        let environment = Environment::Test;
        let setup = Setup { environment, settings, catalogue, ..Setup::default() };
        Self { mind, base, server: TestServer::with(setup).await }
    }

    /// Returns an address of the service.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    /// Has the connector be enabled when its catalogue entry had another address.
    pub(super) async fn was_entered_for(&self, host: &str) {
        let server = &self.server;
        let slug = "stocks".parse().unwrap();
        let found = project_connectors::by_slug(&server.db, server.tenant, &slug).await;
        let mut row = found.unwrap().unwrap();
        row.hosts = std::iter::once(host.to_owned()).collect();
        let mut tx = server.db.begin(Actor::Product).await.unwrap();
        project_connectors::update(&mut tx, &row).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Takes these keys from here on, and no others.
    pub(super) fn take(&self, keys: &[&str]) {
        *self.mind.keys.lock().unwrap() = keys.iter().map(|&key| format!("key {key}")).collect();
    }

    pub(super) fn set_down(&self, is_down: bool) {
        *self.mind.is_down.lock().unwrap() = is_down;
    }

    /// Returns how often somebody wanted to know whose a key is.
    pub(super) fn looked_at(&self) -> usize {
        *self.mind.asked.borrow()
    }

    /// Keeps back whose a key is, until the guard is dropped.
    pub(super) async fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.mind.gate).write_owned().await
    }

    /// Waits until it was asked so often whose a key is.
    pub(super) async fn asked(&self, times: usize) {
        self.mind.asked.subscribe().wait_for(|asked| *asked >= times).await.unwrap();
    }

    /// Repeats, from here on, the key that it was shown in whatever it says, in every form.
    pub(super) fn repeat_keys(&self) {
        *self.mind.repeats.lock().unwrap() = true;
    }

    /// Returns the keys that calls of the tool were paid with, in the order of coming.
    pub(super) fn paid(&self) -> Vec<String> {
        self.mind.paid.lock().unwrap().clone()
    }

    pub(super) async fn enable(&self, more: Value) -> Reply {
        let mut wanted = json!({"connector": "stocks", "environment": "test"});
        wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.server.admin().post(&self.server.project("/connectors"), wanted).await
    }

    pub(super) async fn change(&self, change: Value) -> Reply {
        self.server.admin().patch(&self.managed(""), change).await
    }

    pub(super) async fn shown(&self) -> Value {
        self.server.admin().get(&self.managed("")).await.body
    }

    pub(super) fn managed(&self, rest: &str) -> String {
        self.server.project(&format!("/connectors/stocks{rest}?environment=test"))
    }

    /// Refuses the key for the first time: the provider may be in trouble, and is asked again ten
    /// minutes later.
    pub(super) async fn refused_for_ten_minutes(&self, end_user: Option<&str>) {
        let refused = self.call(end_user).await;
        let kind = &refused.body["error"]["kind"];
        assert_eq!((refused.outcome(), kind), ("failed", &json!("provider_unavailable")));
        self.server.clock.advance(Duration::from_mins(10));
    }

    pub(super) async fn call(&self, end_user: Option<&str>) -> Reply {
        self.server.backend().naming(end_user).call(TOOL, json!({})).await
    }
}

type Answered = (StatusCode, Json<Value>);

fn account(mind: &Mind, headers: &HeaderMap) -> Result<String, Answered> {
    if *mind.is_down.lock().unwrap() {
        return Err((StatusCode::SERVICE_UNAVAILABLE, Json(json!({"message": "closed"}))));
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = text("x-key").to_owned();
    if mind.keys.lock().unwrap().contains(&key) && text("x-desk") == "london" {
        return Ok(key);
    }
    let words = format!("this key is <unknown>{}", repeated(mind, headers));
    Err((StatusCode::UNAUTHORIZED, Json(json!({"message": words}))))
}

/// Returns the key that it was shown in every form, where it repeats it.
fn repeated(mind: &Mind, headers: &HeaderMap) -> String {
    if !*mind.repeats.lock().unwrap() {
        return String::new();
    }
    let key = headers["x-key"].to_str().unwrap().trim_start_matches("key ");
    forms(key).into_iter().fold(String::new(), |all, (_, form)| format!("{all}: {form}"))
}

async fn me(State(mind): State<Mind>, headers: HeaderMap) -> Result<Json<Value>, Answered> {
    mind.asked.send_modify(|asked| *asked += 1);
    let _gate = mind.gate.read().await;
    let key = account(&mind, &headers)?;
    let id = key.split_once('-').map_or(key.as_str(), |(account, _)| account);
    let name = format!("A desk{}", repeated(&mind, &headers));
    Ok(Json(json!({"id": id, "name": name})))
}

async fn stocks(State(mind): State<Mind>, headers: HeaderMap) -> Result<Json<Value>, Answered> {
    let key = account(&mind, &headers)?;
    mind.paid.lock().unwrap().push(key.clone());
    let bought = format!("bought with {key}{}", repeated(&mind, &headers));
    Ok(Json(json!({"stocks": [bought]})))
}
