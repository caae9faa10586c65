//! A catalogue that is served in the place of another, while requests come.

use astralform_catalog::{Catalog, Folder, builtin, load};
use astralform_testkit::TestServer;
use serde_json::{Value, json};

/// Returns the built-in catalogue with a change of one connector's text.
fn changed(slug: &str, change: impl Fn(&str) -> String) -> Catalog {
    let folder = builtin().iter().find(|folder| folder.name == slug).unwrap();
    let text = |name: &str| folder.files.iter().find(|(file, _)| *file == name).unwrap().1;
    let yaml = change(std::str::from_utf8(text("connector.yaml")).unwrap());
    let files = [
        ("connector.yaml", yaml.as_bytes()),
        ("icon.svg", text("icon.svg")),
        ("setup.md", text("setup.md")),
    ];
    let changed = Folder { name: slug, files: &files };
    let (catalog, faults) = load(builtin().iter().copied().chain([changed]));
    assert!(faults.is_empty(), "{faults:#?}");
    catalog
}

fn without(slug: &str) -> Catalog {
    load(builtin().iter().copied().filter(|folder| folder.name != slug)).0
}

async fn titles(server: &TestServer) -> Vec<String> {
    let listed = server.agent("alice").get("/v1/tools").await.body;
    let title = |tool: &Value| tool["title"].as_str().unwrap().to_owned();
    listed["tools"].as_array().unwrap().iter().map(title).collect()
}

#[tokio::test]
async fn calls_go_by_the_catalogue_that_is_served_now() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    assert_eq!(alice.call("slack_list_channels", json!({})).await.outcome(), "auth_required");

    server.app.serve_catalog(without("slack"));
    let refused = alice.call("slack_list_channels", json!({})).await;
    assert_eq!(refused.code(), "unknown_tool", "{refused:?}");
    assert_eq!(titles(&server).await, Vec::<String>::new());

    server.app.serve_catalog(changed("slack", |yaml| {
        yaml.replace("title: List Slack channels", "title: List all channels")
    }));
    assert_eq!(alice.call("slack_list_channels", json!({})).await.outcome(), "auth_required");
    assert!(titles(&server).await.contains(&"List all channels".to_owned()));
}

#[tokio::test]
async fn what_was_counted_goes_on_being_counted_under_another_catalogue() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    alice.call("slack_list_channels", json!({})).await;
    server.app.serve_catalog(without("github"));
    alice.call("slack_list_channels", json!({})).await;
    let text = server.app.engine().metrics().exposition();
    let line = r#"astralform_tool_calls_total{connector="slack",outcome="auth_required"} 2"#;
    assert!(text.lines().any(|there| there == line), "{text}");
}
