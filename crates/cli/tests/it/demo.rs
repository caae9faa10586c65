use astralform_testkit::Browser;
use serde_json::{Value, json};

use crate::program::Running;

pub(crate) fn start() -> (Running, Value) {
    let folder = std::env::temp_dir();
    let demo = Running::start(&folder, &["demo", "--port", "0", "--json"], false);
    let facts = demo.json();
    (demo, facts)
}

/// Returns what the curl line of the instructions does.
pub(crate) async fn call(facts: &Value) -> Value {
    let text = |name: &str| facts[name].as_str().unwrap().to_owned();
    let url = format!("{}/v1/tools/slack_list_channels/call", text("base_url"));
    let request = reqwest::Client::new().post(url).bearer_auth(text("api_key"));
    let request = request.header("x-end-user-id", "alice").json(&json!({}));
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn the_demo_goes_from_auth_required_to_channels() {
    let (demo, facts) = start();
    let asked = call(&facts).await;
    assert_eq!(asked["status"], "auth_required");
    assert_eq!(asked["auth_request"]["url"], facts["connect_url"], "the link it printed");

    let link = asked["auth_request"]["url"].as_str().unwrap();
    assert_eq!(Browser::new().connect(link, "Allow").await.outcome(), "completed");
    let answered = call(&facts).await;
    assert_eq!(answered["status"], "completed");
    assert!(answered["data"]["channels"].as_array().unwrap().len() > 3);
    assert!(demo.terminate().success());
}

#[tokio::test]
async fn what_a_key_pays_for_works_at_once_and_for_everybody() {
    let (_demo, facts) = start();
    let text = |name: &str| facts[name].as_str().unwrap().to_owned();
    let url = format!("{}/v1/tools/{}/call", text("base_url"), text("keyed_tool"));
    let body = json!({"arguments": facts["keyed_arguments"]});
    let request = reqwest::Client::new().post(url).bearer_auth(text("api_key")).json(&body);
    let answered: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answered["status"], "completed", "{answered}");
    assert!(!answered["data"]["results"].as_array().unwrap().is_empty(), "{answered}");
}

#[test]
fn the_demo_says_all_that_programs_need_in_one_line() {
    let (_demo, facts) = start();
    for name in [
        "base_url",
        "simulator_url",
        "project_id",
        "agent",
        "api_key",
        "admin_token",
        "connect_url",
        "keyed_tool",
    ] {
        assert!(facts[name].is_string(), "{name} in {facts}");
    }
    assert!(facts.get("dashboard_url").is_some_and(Value::is_null), "there is none yet");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let (_demo, facts) = start();
    let port = facts["base_url"].as_str().unwrap().rsplit(':').next().unwrap();
    let refused = crate::program::run(&std::env::temp_dir(), &["demo", "--port", port]);
    assert!(!refused.status.success());
    let said = crate::program::said(&refused);
    assert!(said.contains(&format!("port {port} cannot be listened on")), "{said}");
}
