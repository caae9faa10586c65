use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    program::{Running, run, said},
    setup::{address, bootstrap},
};

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

fn project(folder: &Path) -> String {
    bootstrap(folder)["project_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_project_is_frozen_and_unfrozen_without_a_server_and_without_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let id = project(folder.path());
    fs::remove_file(folder.path().join("astralform.key")).unwrap();
    for (arguments, outcome) in [
        (&["freeze", "--project", &id][..], "  frozen\n"),
        (&["freeze", "--all"], "  frozen already\n"),
        (&["unfreeze", "--all"], "  unfrozen\n"),
        (&["unfreeze", "--project", &id], "  not frozen\n"),
    ] {
        let output = run(folder.path(), arguments);
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains(&format!("{id}  My project{outcome}")), "{}", said(&output));
    }
    assert!(!folder.path().join("astralform.key").exists());
}

#[test]
fn freezing_says_what_it_lacks_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let refused = run(folder.path(), &["freeze", "--all"]);
    assert!(said(&refused).contains("there is no database at"), "{}", said(&refused));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let id = project(folder.path());
    let (rest, last) = id.split_at(id.len() - 1);
    let other = format!("{rest}{}", if last == "0" { "1" } else { "0" });
    for (arguments, why) in [
        (&["freeze"][..], "--project <ID>|--all"),
        (&["freeze", "--project", "proj_nonsense"], "invalid value"),
        (&["unfreeze", "--project", &other], "there is no project"),
    ] {
        let refused = run(folder.path(), arguments);
        assert!(!refused.status.success());
        assert!(said(&refused).contains(why), "{}", said(&refused));
    }
}

/// Returns what an API key may do at a server.
async fn status(base: &str, made: &Value) -> (u16, String) {
    let request = reqwest::Client::new().get(format!("{base}/v1/tools"));
    let key = made["test_api_key"].as_str().unwrap();
    let answer = request.bearer_auth(key).header("x-end-user-id", "alice").send().await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.json::<Value>().await.unwrap();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_server_that_runs_hears_of_it_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let made = bootstrap(folder.path());
    let running = Running::start(folder.path(), &SERVE, true);
    let base = address(&running);
    for (command, code) in [("freeze", (403, "frozen")), ("unfreeze", (200, ""))] {
        status(&base, &made).await;
        run(folder.path(), &[command, "--all"]);
        let begin = Instant::now();
        while status(&base, &made).await != (code.0, code.1.to_owned()) {
            assert!(begin.elapsed() < Duration::from_secs(20), "{command} is not heard of");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    assert!(running.terminate().success());
}
