//! Keys are replaced while a server serves, and the command that does it is killed again and again.

use std::{
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use astralform_domain::Entropy;
use astralform_storage::Db;
use astralform_testkit::Browser;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{
    program::{Running, astralform, run, said},
    setup::{address, post},
};

/// An installation with two connectors in use, and a server that runs.
struct Installation {
    folder: tempfile::TempDir,
    store: Vec<String>,
    made: Value,
    sandbox: String,
}

impl Installation {
    async fn new(postgres: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = postgres.map(|url| ["--database-url".to_owned(), url]);
        let store = store.into_iter().flatten().collect();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut new = Self { folder, store, made: Value::Null, sandbox: port.to_string() };
        let made = new.run(&["bootstrap", "--email", "ada@example.com", "--json"]);
        new.made = serde_json::from_str(&made).unwrap();
        new
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn with_store<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        arguments.iter().copied().chain(self.store.iter().map(String::as_str)).collect()
    }

    /// Runs a command, which must succeed, and says what it printed.
    fn run(&self, arguments: &[&str]) -> String {
        let output = run(self.path(), &self.with_store(arguments));
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn serve(&self) -> Running {
        let sandbox = ["--sandbox", "--sandbox-listen", self.sandbox.as_str()];
        let serve = [["serve", "--listen", "127.0.0.1:0"], sandbox].concat();
        Running::start(self.path(), &self.with_store(&serve), true)
    }

    async fn enable(&self, base: &str, connector: &str) {
        let project = self.made["project_id"].as_str().unwrap();
        let connectors = format!("{base}/v1/projects/{project}/connectors");
        let wanted = json!({"connector": connector, "environment": "test", "sandbox": true});
        let (status, enabled) = post(connectors, &self.made["admin_token"], wanted).await;
        assert_eq!(status, 201, "{enabled}");
    }

    async fn call(&self, base: &str, tool: &str) -> Value {
        post(format!("{base}/v1/tools/{tool}/call"), &self.made["test_api_key"], json!({})).await.1
    }

    /// The fingerprints of the master keys, the current one last.
    fn masters(&self) -> Vec<String> {
        let status = self.run(&["keys", "status"]);
        let lines = status.lines().skip(1).take_while(|line| !line.starts_with("Data"));
        lines.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
    }
}

/// Calls that go on until they are stopped, each with a key of its own under which its answer is
/// kept, sealed.
struct Load {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    callers: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(base: &str, made: &Value) -> Self {
        let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let key = made["test_api_key"].as_str().unwrap();
        let callers = ["slack_list_channels", "tavily_usage", "slack_list_channels"];
        let callers = callers.into_iter().enumerate().map(|(number, tool)| {
            let (stop, calls) = (Arc::clone(&stop), Arc::clone(&calls));
            let (url, key) = (format!("{base}/v1/tools/{tool}/call"), key.to_owned());
            tokio::spawn(async move {
                let http = reqwest::Client::new();
                while !stop.load(Ordering::SeqCst) {
                    let done = calls.fetch_add(1, Ordering::SeqCst);
                    let request =
                        http.post(&url).bearer_auth(&key).header("x-end-user-id", "alice");
                    let request = request.header("idempotency-key", format!("{number}-{done}"));
                    let answer = request.json(&json!({})).send().await.unwrap();
                    let body: Value = answer.json().await.unwrap();
                    assert_eq!(body["status"], "completed", "call {done} of {tool}: {body}");
                    tokio::time::sleep(Duration::from_millis(4)).await;
                }
            })
        });
        Self { callers: callers.collect(), stop, calls }
    }

    /// Ends it and says how many calls there were; a failed one fails here.
    async fn stop(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        for caller in self.callers {
            caller.await.unwrap();
        }
        self.calls.load(Ordering::SeqCst)
    }
}

/// How often the command is killed: a few times here, more often where the environment says so.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment what to do")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Begins to rotate and is killed at a random moment, or ends before.
async fn rotate_and_kill(at: &Installation) -> bool {
    let arguments = at.with_store(&["keys", "rotate", "--data-keys"]);
    let mut command = astralform(at.path(), &arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
    let wait = u64::from(u16::from_le_bytes(Entropy::system().bytes())) % 2_500;
    let end = Instant::now() + Duration::from_millis(wait);
    while Instant::now() < end {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "the rotation failed");
            return false;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

async fn rotated_under_load(postgres: Option<String>) {
    let kills = told("ASTRALFORM_TEST_KILLS").map_or(3, |kills| kills.parse().unwrap());
    let at = Installation::new(postgres).await;
    let server = at.serve();
    let base = address(&server);
    at.enable(&base, "slack").await;
    at.enable(&base, "tavily").await;
    let asked = at.call(&base, "slack_list_channels").await;
    let link = asked["auth_request"]["url"].as_str().unwrap();
    assert_eq!(Browser::new().connect(link, "Allow").await.outcome(), "completed");
    let url = format!("{base}/v1/auth-requests");
    let wanted = json!({"connector": "slack", "account": "new"});
    let (_, open) = post(url, &at.made["test_api_key"], wanted).await;
    let old = at.masters();

    let load = Load::start(&base, &at.made);
    let mut killed = 0;
    while killed < kills {
        killed += usize::from(rotate_and_kill(&at).await);
    }
    let ended = tokio::task::block_in_place(|| at.run(&["keys", "rotate", "--data-keys"]));
    assert!(ended.contains("Done."), "{ended}");
    let calls = load.stop().await;
    assert!(calls > 20, "{calls} calls are no load");

    let status = at.run(&["keys", "status"]);
    for line in status.lines().filter(|line| line.contains("  older  ")) {
        assert!(line.ends_with("  0 values"), "{status}");
    }
    let mut masters = at.masters();
    let current = masters.pop().unwrap();
    assert!(masters.contains(&old[0]) && old[0] != current);
    for superfluous in masters {
        at.run(&["keys", "retire", &superfluous]);
    }
    assert_eq!(at.masters(), [current]);
    assert_eq!(at.call(&base, "slack_list_channels").await["status"], "completed");
    let link = open["url"].as_str().unwrap();
    assert_eq!(Browser::new().visit(link).await.status, 200, "open links survive");
    assert!(server.terminate().success());
    let again = at.serve();
    let call = at.call(&address(&again), "tavily_usage").await;
    assert_eq!(call["status"], "completed", "{call}");
    assert!(again.terminate().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v3_keys_are_replaced_under_load_by_a_command_that_is_killed_on_sqlite() {
    rotated_under_load(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v3_keys_are_replaced_under_load_by_a_command_that_is_killed_on_postgresql() {
    let Some(url) = told("TEST_DATABASE_URL") else { return };
    rotated_under_load(Some(Db::fresh_schema(&url).await)).await;
}
