//! The catalogue of a server that runs: loaded anew when its folders change, or when it is told to.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    program::Running,
    setup::{address, bootstrap},
};

/// Writes a connector, whose text is a built-in one's under another name and title.
fn write(catalog: &Path, title: &str, change: impl Fn(&str) -> String) {
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog/slack");
    let folder = catalog.join("acme");
    fs::create_dir_all(&folder).unwrap();
    for name in ["icon.svg", "setup.md"] {
        fs::copy(built_in.join(name), folder.join(name)).unwrap();
    }
    let yaml = fs::read_to_string(built_in.join("connector.yaml")).unwrap();
    let yaml = yaml.replace("slug: slack", "slug: acme").replace("- name: slack_", "- name: acme_");
    let yaml = yaml.replace("name: Slack\n", &format!("name: {title}\n"));
    fs::write(folder.join("connector.yaml"), change(&yaml)).unwrap();
}

async fn name(base: &str, made: &Value) -> String {
    let request = reqwest::Client::new().get(format!("{base}/v1/connectors/acme"));
    let request = request.bearer_auth(made["admin_token"].as_str().unwrap());
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    answer["name"].as_str().unwrap_or("none").to_owned()
}

#[tokio::test]
async fn connectors_are_loaded_anew_all_or_nothing_when_they_change_and_when_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let made = bootstrap(folder.path());
    let catalog = folder.path().join("catalog");
    write(&catalog, "First", str::to_owned);
    let serve = ["serve", "--listen", "127.0.0.1:0", "--catalog", "catalog"];
    let server = Running::start(folder.path(), &serve, true);
    let base = address(&server);
    assert_eq!(name(&base, &made).await, "First");

    write(&catalog, "Second", str::to_owned);
    server.logged(&["the catalogue is loaded anew", "\"is_same\":false"]);
    assert_eq!(name(&base, &made).await, "Second");

    write(&catalog, "Third", |yaml| yaml.replace("summary:", "sumary:"));
    let told = server.logged(&["a connector is not in order", "sumary"]);
    assert!(told.contains("acme/connector.yaml:"), "{told}");
    server.logged(&["the one before goes on being served", "\"why\":\"changed\""]);
    assert_eq!(name(&base, &made).await, "Second");

    server.signal("-HUP");
    server.logged(&["the one before goes on being served", "\"why\":\"asked for\""]);
    assert_eq!(name(&base, &made).await, "Second");

    fs::remove_dir_all(&catalog).unwrap();
    server.logged(&["the one before goes on being served", "is not a folder that can be read"]);
    assert_eq!(name(&base, &made).await, "Second");

    write(&catalog, "Fourth", str::to_owned);
    server.signal("-HUP");
    server.logged(&["the catalogue is loaded anew", "asked for", "\"is_same\":false"]);
    assert_eq!(name(&base, &made).await, "Fourth");
    server.signal("-HUP");
    server.logged(&["the catalogue is loaded anew", "\"is_same\":true"]);
    assert!(server.terminate().success());
}
