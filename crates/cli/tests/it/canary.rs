//! O14: every kind of secret is marked, arrives where it belongs, and is found nowhere else.

use std::{
    fs,
    io::{BufRead as _, BufReader, ErrorKind, Read as _},
    net::TcpListener,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use astralform_testkit::{
    Browser,
    hunt::Prey,
    marked::{ACCESS_TOKEN, CODE, MarkedProvider, REFRESH_TOKEN},
};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{astralform, run};

const CLIENT_SECRET: &str = "CANARY-client-secret-0123456789abcdef";

const METRICS_TOKEN: &str = "CANARY-metrics-token-0123456789abcdef";

const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The product with its log at its loudest, and everything that it ever said.
struct Watched {
    folder: TempDir,
    base: String,
    made: Value,
    log: Arc<Mutex<Vec<u8>>>,
    answers: Mutex<Vec<u8>>,
    /// Where the environment says a proxy is.
    proxy: TcpListener,
    child: std::process::Child,
}

impl Watched {
    fn start(provider: &MarkedProvider) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_connector(folder.path(), provider);
        let made = run(folder.path(), &["bootstrap", "--email", "ada@example.com", "--json"]);
        let made = serde_json::from_slice(&made.stdout).unwrap();
        let arguments = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--catalog",
            "catalog",
            "--allow-private-networks",
            "127.0.0.0/8",
            "--log",
            "trace,sqlx=trace",
        ];
        let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
        proxy.set_nonblocking(true).unwrap();
        let address = format!("http://{}", proxy.local_addr().unwrap());
        let mut command = astralform(folder.path(), &arguments);
        command.envs(PROXIES.map(|name| (name, &address)));
        command.env("ASTRALFORM_METRICS_TOKEN", METRICS_TOKEN);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let base = follow(child.stderr.take().unwrap(), Arc::clone(&log));
        Self { folder, base, made, log, answers: Mutex::default(), proxy, child }
    }

    async fn send(&self, method: Method, path: &str, token: &str, body: Value) -> Value {
        let request = reqwest::Client::new().request(method, format!("{}{path}", self.base));
        let request = request.bearer_auth(token).header("x-end-user-id", "alice").json(&body);
        let answer = request.send().await.unwrap();
        let head = format!("{:?}", answer.headers());
        let body = answer.bytes().await.unwrap();
        self.keep(&[head.as_bytes(), &body].concat());
        serde_json::from_slice(&body).unwrap_or_default()
    }

    fn keep(&self, said: &[u8]) {
        self.answers.lock().unwrap().extend_from_slice(said);
    }

    fn text(&self, name: &str) -> String {
        self.made[name].as_str().unwrap().to_owned()
    }

    fn connectors(&self) -> String {
        format!("/v1/projects/{}/connectors", self.text("project_id"))
    }

    fn database(&self) -> Vec<u8> {
        let read = |name: &str| fs::read(self.folder.path().join(name)).unwrap_or_default();
        [read("data/astralform.db"), read("data/astralform.db-wal")].concat()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps what a process says, and gives the address it is reached at.
fn follow(stderr: std::process::ChildStderr, log: Arc<Mutex<Vec<u8>>>) -> String {
    let mut lines = BufReader::new(stderr);
    let mut base = None;
    while base.is_none() {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "it ended");
        log.lock().unwrap().extend_from_slice(line.as_bytes());
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        base = said.pointer("/fields/public_url").and_then(Value::as_str).map(ToOwned::to_owned);
    }
    std::thread::spawn(move || {
        let mut bytes = [0; 8192];
        while let Ok(length @ 1..) = lines.read(&mut bytes) {
            log.lock().unwrap().extend_from_slice(&bytes[..length]);
        }
    });
    base.unwrap().trim_end_matches('/').to_owned()
}

pub(crate) fn write_connector(folder: &Path, provider: &MarkedProvider) {
    let folder = folder.join("catalog/marked");
    fs::create_dir_all(&folder).unwrap();
    let base = provider.base.as_str().trim_end_matches('/');
    let yaml = include_str!("marked.yaml").replace("{base}", base);
    fs::write(folder.join("connector.yaml"), yaml).unwrap();
    fs::write(folder.join("icon.svg"), "<svg xmlns='http://www.w3.org/2000/svg'/>").unwrap();
    fs::write(folder.join("setup.md"), "Register an app.").unwrap();
}

/// What is handed out once, by design; everything after that is watched.
struct HandedOut {
    session: String,
    webhook: String,
}

/// Returns a webhook at the provider, which answers 404, and its secret.
async fn open_webhook(product: &Watched, provider: &MarkedProvider) -> String {
    let path = format!("/v1/projects/{}/webhooks", product.text("project_id"));
    let url = format!("{}{path}?environment=test", product.base);
    let request = reqwest::Client::new().post(url).bearer_auth(product.text("admin_token"));
    let hook = json!({"url": provider.base.join("/hook").unwrap().as_str()});
    let made: Value = request.json(&hook).send().await.unwrap().json().await.unwrap();
    let test = format!("{path}/{}/test?environment=test", made["webhook"]["id"].as_str().unwrap());
    let admin = product.text("admin_token");
    let tried = product.send(Method::POST, &test, &admin, json!({})).await;
    assert_eq!(tried["last_answer"], 404, "it was sent, and signed: {tried}");
    made["secret"].as_str().unwrap().trim_start_matches("whsec_").to_owned()
}

/// Returns the whole life of a connection.
async fn live(product: &Watched, provider: &MarkedProvider) -> HandedOut {
    let webhook = open_webhook(product, provider).await;
    product.send(Method::GET, "/metrics", METRICS_TOKEN, Value::Null).await;
    let admin = product.text("admin_token");
    let key = product.text("test_api_key");
    let credentials = json!({"client_id": "marked-app", "client_secret": CLIENT_SECRET});
    let enable = json!({"connector": "marked", "environment": "test", "credentials": credentials});
    product.send(Method::POST, &product.connectors(), &admin, enable).await;
    let call = "/v1/tools/marked_notes/call";
    let asked = product.send(Method::POST, call, &key, json!({})).await;
    let page = Browser::new().to_provider(asked["auth_request"]["url"].as_str().unwrap()).await;
    assert_eq!(page.outcome(), "completed", "{page:?}");
    product.keep(format!("{:?}{}", page.headers, page.html).as_bytes());

    let answered = product.send(Method::POST, call, &key, json!({})).await;
    assert_eq!(answered["data"]["notes"][0]["title"], "you sent [redacted]", "{answered}");
    let refused = json!({"arguments": {"limit": 2}});
    let refused = product.send(Method::POST, call, &key, refused).await;
    assert_eq!(refused["status"], "failed", "{refused}");
    for path in ["/v1/tools", "/v1/connections", "/openapi.json", "/nothing"] {
        product.send(Method::GET, path, &key, Value::Null).await;
    }
    for path in [product.connectors(), "/v1/me".to_owned(), "/v1/connectors/marked".to_owned()] {
        product.send(Method::GET, &path, &admin, Value::Null).await;
    }
    product.send(Method::POST, call, "sk_test_wrong", json!({})).await;
    HandedOut { session: open_session(product, &key).await, webhook }
}

async fn open_session(product: &Watched, key: &str) -> String {
    let request = reqwest::Client::new().post(format!("{}/v1/sessions", product.base));
    let request = request.bearer_auth(key).header("idempotency-key", "canary");
    let opened = request.json(&json!({"end_user_id": "alice"})).send().await.unwrap();
    let opened: Value = opened.json().await.unwrap();
    let token = opened["token"].as_str().unwrap().to_owned();
    product.send(Method::GET, "/v1/connections", &token, Value::Null).await;
    token
}

async fn disconnect(product: &Watched, key: &str) {
    let listed = product.send(Method::GET, "/v1/connections", key, Value::Null).await;
    let id = listed["data"][0]["id"].as_str().unwrap();
    product.send(Method::DELETE, &format!("/v1/connections/{id}"), key, Value::Null).await;
}

fn secret_part(token: &str) -> String {
    token.rsplit('_').nth(1).unwrap().to_owned()
}

fn prey(product: &Watched, provider: &MarkedProvider, given: &HandedOut) -> Vec<Prey> {
    let verifier = provider.shown("code_verifier").remove(0);
    let state = provider.shown("state").remove(0);
    let key = fs::read_to_string(product.folder.path().join("astralform.key")).unwrap();
    let master = key.lines().find_map(|line| line.strip_prefix("astralform-key-1:")).unwrap();
    [
        ("client secret", CLIENT_SECRET.to_owned()),
        ("authorization code", CODE.to_owned()),
        ("access token", ACCESS_TOKEN.to_owned()),
        ("refresh token", REFRESH_TOKEN.to_owned()),
        ("code verifier", verifier),
        ("state", state),
        ("API key", secret_part(&product.text("test_api_key"))),
        ("admin token", secret_part(&product.text("admin_token"))),
        ("session token", secret_part(&given.session)),
        ("webhook secret", given.webhook.clone()),
        ("metrics token", METRICS_TOKEN.to_owned()),
        ("master key", master.trim().to_owned()),
    ]
    .map(|(name, secret)| Prey { name, secret })
    .into()
}

/// Returns what is found of `prey` in the log, the database and the answers.
fn hunt(product: &Watched, prey: &[Prey]) -> Vec<String> {
    let places = [
        ("log", product.log.lock().unwrap().clone()),
        ("database", product.database()),
        ("answers", product.answers.lock().unwrap().clone()),
    ];
    let mut found = Vec::new();
    for (place, bytes) in &places {
        assert!(bytes.len() > 1_000, "the {place} is what is looked at");
        found.extend(
            prey.iter()
                .flat_map(|prey| prey.found_in(bytes))
                .map(|what| format!("{what} in the {place}")),
        );
    }
    found
}

#[tokio::test]
async fn o14_secrets_arrive_where_they_belong_and_are_found_nowhere_else() {
    let provider = MarkedProvider::start().await;
    let product = Watched::start(&provider);
    let key = product.text("test_api_key");
    let given = live(&product, &provider).await;
    disconnect(&product, &key).await;

    let sent = provider.shown("authorization");
    assert!(sent.contains(&format!("Bearer {ACCESS_TOKEN}")), "the access token arrives");
    assert_eq!(
        provider.shown("client_secret"),
        [CLIENT_SECRET; 3],
        "when enabled, exchanged and revoked"
    );
    assert_eq!(provider.shown("code"), ["astralform-check", CODE]);
    assert_eq!(provider.shown("token"), [REFRESH_TOKEN], "it is withdrawn");
    let log = product.log.lock().unwrap().clone();
    let log = String::from_utf8_lossy(&log);
    assert!(log.contains("\"level\":\"DEBUG\""), "the log is at its loudest");

    let prey = prey(&product, &provider, &given);
    assert_eq!(hunt(&product, &prey), [""; 0]);
}

#[tokio::test]
async fn o14_a_leak_is_found() {
    let provider = MarkedProvider::start().await;
    let product = Watched::start(&provider);
    let key = product.text("test_api_key");
    let given = live(&product, &provider).await;
    let listed = product.send(Method::GET, "/v1/connections", &key, Value::Null).await;
    let path = format!("/v1/connections/{}", listed["data"][0]["id"].as_str().unwrap());
    product.send(Method::PATCH, &path, &key, json!({"label": ACCESS_TOKEN})).await;
    let found = hunt(&product, &prey(&product, &provider, &given));
    for place in ["database", "answers"] {
        assert!(found.contains(&format!("access token (raw) in the {place}")), "{found:?}");
    }
}

#[tokio::test]
async fn s2_a_proxy_that_the_environment_names_is_not_used() {
    let provider = MarkedProvider::start().await;
    let product = Watched::start(&provider);
    live(&product, &provider).await;
    assert!(!provider.shown("authorization").is_empty(), "the provider was reached");
    assert_eq!(product.proxy.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_line_of_the_log_names_the_request_that_caused_it() {
    let provider = MarkedProvider::start().await;
    let product = Watched::start(&provider);
    live(&product, &provider).await;
    let ids = called(&product).await;
    let answers = String::from_utf8(product.answers.lock().unwrap().clone()).unwrap();
    assert!(ids.iter().all(|id| answers.contains(&format!("{id:?}"))), "{ids:?}");
}

/// Returns the requests that called tools, by the log, once it has been read as far.
async fn called(product: &Watched) -> Vec<String> {
    for _ in 0..200 {
        let log = String::from_utf8_lossy(&product.log.lock().unwrap().clone()).into_owned();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let called = lines.filter(|line| line["fields"]["message"] == "tool called");
        let ids: Vec<_> =
            called.map(|line| line["request_id"].as_str().unwrap().to_owned()).collect();
        if !ids.is_empty() {
            return ids;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the log tells of no call");
}
