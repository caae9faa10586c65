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
        let (url, key) = (address(&server), at.made["test_api_key"].clone());
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
    let said = other.run(&["restore", &file, "--revoke-keys"]);
    let token = said.split_once("not shown again: ").unwrap().1.trim().to_owned();
    let server = other.serve();
    let base = address(&server);
    assert_eq!(other.call(&base, TOOL).await["status"], 401);
    let me = |token: Value| {
        let request = reqwest::Client::new().get(format!("{base}/v1/me"));
        async move { request.bearer_auth(token.as_str().unwrap()).send().await.unwrap().status() }
    };
    assert_eq!(me(other.made["admin_token"].clone()).await, 401);
    assert_eq!(me(token.into()).await, 200);
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
