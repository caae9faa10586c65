use std::fs;

use astralform_storage::Db;
use serde_json::{Value, json};

use crate::{
    installation::{Installation, told},
    program::{run, said},
    setup::{address, post},
};

const TOOL: &str = "tavily_usage";

async fn in_use() -> (Installation, crate::program::Running) {
    let at = Installation::new(None);
    let server = at.serve();
    at.enable(&address(&server), "tavily").await;
    assert_eq!(at.call(&address(&server), TOOL).await["status"], "completed");
    (at, server)
}

fn backed_up(at: &Installation) -> String {
    let file = at.path().join("backup").display().to_string();
    at.run(&["backup", &file]);
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v5_a_backup_made_while_serving_is_a_working_installation_elsewhere_on_both_databases() {
    let (at, server) = in_use().await;
    let calls = tokio::spawn({
        let url = address(&server);
        let key = at.made["test_api_key"].clone();
        async move {
            for number in 0..40 {
                let url = format!("{url}/v1/tools/{TOOL}/call");
                let (status, _) = post(url, &key, json!({})).await;
                assert_eq!(status, 200, "call {number}");
            }
        }
    });
    let file = tokio::task::block_in_place(|| backed_up(&at));
    calls.await.unwrap();
    assert!(server.terminate().success());

    let postgres = match told("TEST_DATABASE_URL") {
        Some(url) => Some(Db::fresh_schema(&url).await),
        None => None,
    };
    for database in [None, postgres] {
        let other = at.elsewhere(database);
        let said = other.run(&["restore", &file]);
        assert!(said.contains("ARE VALID AGAIN"), "{said}");
        let server = other.serve();
        assert_eq!(other.call(&address(&server), TOOL).await["status"], "completed");
        assert!(server.terminate().success());
        let again = run(other.path(), &other.with_store(&["restore", &file]));
        assert!(crate::program::said(&again).contains("is not empty"));
    }
}

#[tokio::test]
async fn v5_a_backup_holds_no_master_key_and_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (at, server) = in_use().await;
    let file = backed_up(&at);
    assert!(server.terminate().success());
    let text = fs::read_to_string(&file).unwrap();
    let keys = fs::read_to_string(at.path().join("astralform.key")).unwrap();
    let key = keys.lines().last().unwrap().split_once(':').unwrap().1;
    assert!(!text.contains(key));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    let again = run(at.path(), &["backup", &file]);
    assert!(said(&again).contains("is there already"));

    let stranger = Installation::empty(None);
    let refused = run(stranger.path(), &["restore", &file]);
    assert!(said(&refused).contains("has to be there first"), "{}", said(&refused));
    let other = Installation::new(None);
    let refused = run(other.path(), &["restore", &file]);
    assert!(said(&refused).contains("which the key file does not hold"), "{}", said(&refused));
}

#[tokio::test]
async fn v5_keys_of_a_backup_can_be_revoked_while_it_is_restored() {
    let (at, server) = in_use().await;
    let file = backed_up(&at);
    assert!(server.terminate().success());
    let other = at.elsewhere(None);
    let said = other.run(&["restore", &file, "--revoke-keys", "--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let server = other.serve();
    let base = address(&server);
    assert_eq!(other.call(&base, TOOL).await["status"], 401);
    let me = |token: &Value| {
        let request = reqwest::Client::new().get(format!("{base}/v1/me"));
        let request = request.bearer_auth(token.as_str().unwrap());
        async move { request.send().await.unwrap().status() }
    };
    assert_eq!(me(&other.made["admin_token"]).await, 401);
    assert_eq!(me(&said["admin_tokens"][0]["admin_token"]).await, 200);
    let keys = said["api_keys"].as_array().unwrap();
    let opened: Vec<_> = keys.iter().map(|key| key["environment"].as_str().unwrap()).collect();
    assert_eq!(opened, ["live", "test"], "one for each environment that had one: {said}");
    assert_eq!(keys[0]["project_id"], other.made["project_id"]);
    let url = format!("{base}/v1/tools/{TOOL}/call");
    let (status, answered) = post(url, &keys[1]["api_key"], json!({})).await;
    assert_eq!((status, &answered["status"]), (200, &json!("completed")), "{answered}");
    assert!(server.terminate().success());
}

// F6
#[tokio::test]
async fn v5_the_day_of_a_breach_can_be_followed_to_its_end() {
    let (at, server) = in_use().await;
    let base = address(&server);
    at.run(&["api-keys", "create", "--environment", "test", "--agent", "default"]);
    at.run(&["freeze", "--all"]);
    let file = backed_up(&at);
    assert!(server.terminate().success());

    let other = at.elsewhere(None);
    let said = other.run(&["restore", &file, "--revoke-keys"]);
    let rows = said.lines().filter(|line| line.contains("sk_test_") || line.contains("sk_live_"));
    assert_eq!(rows.count(), 3, "one of them for an agent alone: {said}");
    let last = |start: &str| {
        let word = said.split_whitespace().find(|word| word.starts_with(start)).unwrap();
        Value::from(word)
    };
    let key = last("sk_test_");
    let token = last("pat_");
    let server = other.serve();
    assert_ne!(address(&server), base);
    let url = format!("{}/v1/tools/{TOOL}/call", address(&server));
    assert_eq!(post(url.clone(), &key, json!({})).await.1["code"], "frozen");
    other.run(&["unfreeze", "--all"]);
    let begin = std::time::Instant::now();
    while post(url.clone(), &key, json!({})).await.0 != 200 {
        assert!(begin.elapsed().as_secs() < 20, "it stays frozen");
    }
    let connectors = format!(
        "{}/v1/projects/{}/connectors",
        address(&server),
        other.made["project_id"].as_str().unwrap()
    );
    let wanted = json!({"connector": "slack", "environment": "test", "sandbox": true});
    assert_eq!(post(connectors, &token, wanted).await.0, 201, "it can be administered");
    assert!(server.terminate().success());
}

#[test]
fn b3_a_second_server_on_the_same_file_is_refused_with_one_line() {
    let at = Installation::new(None);
    let first = at.serve();
    let second = run(at.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert!(!second.status.success());
    let said = said(&second);
    let lines: Vec<_> = said.lines().filter(|line| line.starts_with("astralform: ")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].contains("another server runs on"), "{said}");
    at.run(&["freeze", "--all"]);
    first.kill();
    assert!(at.serve().terminate().success(), "a killed server leaves no lock behind");
}
