//! The call log from a shell: listed, followed, counted, and whole after the server has stopped.

use serde_json::Value;

use crate::{
    installation::Installation,
    managed::Managed,
    program::{Running, astralform, said},
    setup::address,
};

const LIST: &str = "slack_list_channels";

/// Returns the lines of a command's JSON, once there are so many.
fn listed(managed: &Managed, wanted: usize) -> Vec<Value> {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let printed = managed.ok(&["calls", "--environment=test", "--limit=100", "--json"]);
        let calls: Vec<Value> = serde_json::from_str(&printed).unwrap();
        if calls.len() >= wanted {
            return calls;
        }
        assert!(std::time::Instant::now() < end, "{printed}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[tokio::test]
async fn calls_and_usage_are_shown_and_followed_from_a_shell() {
    let managed = Managed::new();
    let none = managed.ok(&["calls", "--environment=test"]);
    assert!(none.starts_with("There are no such calls."), "{none}");
    let none = managed.ok(&["usage", "--environment=test"]);
    assert!(none.starts_with("There was nothing in these days."), "{none}");
    managed.at.call(&managed.base, LIST).await;
    let calls = listed(&managed, 1);
    assert_eq!((&calls[0]["tool"], &calls[0]["outcome"]), (&LIST.into(), &"refused".into()));
    let table = managed.ok(&["calls", "--environment=test", "--outcome=refused"]);
    assert!(table.starts_with("AT ") && table.contains("not_enabled"), "{table}");
    let id = calls[0]["id"].as_str().unwrap();
    let one = managed.ok(&["calls", id, "--environment=test"]);
    assert!(one.contains("authenticate") && one.contains("not_enabled"), "{one}");
    let usage = managed.ok(&["usage", "--environment=test", "--by=day,tool"]);
    assert!(usage.contains(LIST) && usage.contains("TOOK p50"), "{usage}");

    let arguments = ["calls", "--environment=test", "--follow"];
    let mut command = astralform(managed.at.path(), &arguments);
    command.env("ASTRALFORM_URL", &managed.base);
    command.env("ASTRALFORM_TOKEN", managed.at.made["admin_token"].as_str().unwrap());
    let called = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        managed.at.call(&managed.base, "slack_fly").await;
    };
    let followed = tokio::task::spawn_blocking(move || Running::of(command, false));
    called.await;
    let followed = followed.await.unwrap();
    assert!(followed.first_line.starts_with("AT "), "{}", followed.first_line);
    let wrong = managed.run(&["calls", "--environment=test", "--outcome=well"]);
    assert!(!wrong.status.success(), "{}", said(&wrong));
}

#[tokio::test]
async fn no_line_is_lost_when_the_server_is_asked_to_stop() {
    let at = Installation::new(None);
    let server = at.serve();
    let base = address(&server);
    for _ in 0..40 {
        at.call(&base, LIST).await;
    }
    assert!(server.terminate().success());
    let managed = Managed::over(at);
    assert_eq!(listed(&managed, 40).len(), 40);
}
