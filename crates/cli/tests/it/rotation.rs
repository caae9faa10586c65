//! Keys are replaced while a server serves, and the command that does it is killed again and again.

use std::{
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
    installation::{Installation, told},
    program::astralform,
    setup::{address, post},
};

/// Calls that go on until they are stopped, each with a key of its own under which its answer is
/// kept, sealed.
struct Load {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    callers: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(base: &str, made: &Value) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let calls = Arc::new(AtomicUsize::new(0));
        let key = made["test_api_key"].as_str().unwrap();
        let callers = ["slack_list_channels", "tavily_usage", "slack_list_channels"];
        let callers = callers.into_iter().enumerate().map(|(number, tool)| {
            let stop = Arc::clone(&stop);
            let calls = Arc::clone(&calls);
            let url = format!("{base}/v1/tools/{tool}/call");
            let key = key.to_owned();
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

/// Begins to rotate and is killed at a random moment, or ends before.
async fn rotate_and_kill(at: &Installation) -> bool {
    let arguments = at.with_store(&["keys", "rotate", "--data-keys", "--add"]);
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
    // A few times here, more often in the long tests.
    let kills = told("ASTRALFORM_TEST_KILLS").map_or(3, |kills| kills.parse().unwrap());
    let at = Installation::new(postgres);
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
    let ended = tokio::task::block_in_place(|| at.run(&["keys", "rotate", "--data-keys", "--add"]));
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
