//! The connectors of a project from a shell: enabled, changed, checked and disabled, with secrets
//! from files, standard input and variables.

use std::fs;

use astralform_testkit::Browser;
use serde_json::json;

use crate::managed::{Managed, complaint, printed};

const TEST: &str = "--environment=test";
const ENABLE: [&str; 3] = ["project-connectors", "enable", TEST];
const UPDATE: [&str; 3] = ["project-connectors", "update", TEST];

#[test]
fn connectors_are_enabled_changed_checked_and_disabled_from_a_shell() {
    let managed = Managed::new();
    let none = managed.ok(&["project-connectors", "list"]);
    assert!(none.starts_with("No connector is enabled"), "{none}");
    assert_eq!(managed.ok(&["project-connectors", "list", "--json"]), "");

    let tools = ["--tool=tavily_search", "--tool=tavily_usage"];
    let enabled = managed.ok(&[&ENABLE[..], &["tavily", "--sandbox"], &tools].concat());
    assert!(enabled.contains("\nstatus                   ready\n"), "{enabled}");
    let listed = managed.ok(&["project-connectors", "list"]);
    assert!(listed.starts_with("CONNECTOR  ") && listed.contains("tavily     test"), "{listed}");
    let listed = managed.json(&["project-connectors", "list", TEST]);
    assert_eq!(listed["tools"], json!(["tavily_search", "tavily_usage"]));
    assert_eq!(managed.ok(&["project-connectors", "list", "--environment=live", "--json"]), "");

    let settings = ["tavily", "--tool=", "--allow-end-user-auth=true", "--enabled=false"];
    let changed = managed.json(&[&UPDATE[..], &settings].concat());
    assert_eq!((&changed["status"], &changed["is_enabled"]), (&json!("paused"), &json!(false)));
    assert_eq!(changed["allow_end_user_auth"], true);
    assert_eq!(changed["tools"].as_array().unwrap().len(), 3, "{changed}");
    managed.ok(&[&UPDATE[..], &["tavily", "--enabled=true"]].concat());
    let checked = managed.ok(&["project-connectors", "check", "tavily", TEST]);
    assert!(checked.starts_with("accepted: "), "{checked}");

    let disable = ["project-connectors", "disable", "tavily", TEST];
    let asked = managed.refused(&disable);
    assert!(asked.contains("and revoke 1 connection: say --yes"), "{asked}");
    let disabled = managed.ok(&[&disable[..], &["--yes"]].concat());
    assert!(disabled.starts_with("Disabled, with 1 connection."), "{disabled}");
    let gone = managed.refused(&["project-connectors", "show", "tavily", TEST]);
    assert!(gone.contains("the server refused (404)"), "{gone}");
}

#[test]
fn the_secret_of_an_app_comes_from_a_file_standard_input_or_a_variable() {
    let managed = Managed::new();
    let token = managed.at.made["admin_token"].as_str().unwrap();
    fs::write(managed.at.path().join("secret"), "first-s3cret-aaaa\n").unwrap();
    let app = ["slack", "--sandbox", "--client-id=1.2", "--client-secret-file=secret"];
    let made = managed.json(&[&ENABLE[..], &app].concat());
    assert_eq!(made["credentials"]["client_id"], "1.2");
    assert!(made["credentials"]["client_secret_hint"].as_str().unwrap().ends_with("aaaa"));

    let update = [&UPDATE[..], &["slack", "--client-secret-file=-"]].concat();
    let shown = printed(&update, &managed.run_as(token, &update, &[], "second-s3cret-bbbb\n"));
    assert!(shown.contains("bbbb") && !shown.contains("s3cret"), "{shown}");
    let update = [&UPDATE[..], &["slack", "--client-id=1.2"]].concat();
    let variable = [("ASTRALFORM_CLIENT_SECRET", "third-s3cret-cccc")];
    let shown = printed(&update, &managed.run_as(token, &update, &variable, ""));
    assert!(shown.contains("app 1.2, secret ") && shown.contains("cccc"), "{shown}");
    let missing = managed.refused(&update);
    assert!(missing.contains("put it in ASTRALFORM_CLIENT_SECRET"), "{missing}");
}

#[tokio::test]
async fn another_app_is_entered_once_the_number_of_reconnects_is_confirmed() {
    let managed = Managed::new();
    fs::write(managed.at.path().join("secret"), "an-app's-s3cret").unwrap();
    let app = ["slack", "--client-secret-file=secret"];
    managed.ok(&[&ENABLE[..], &app, &["--sandbox", "--client-id=1.2"]].concat());
    let asked = managed.at.call(&managed.base, "slack_list_channels").await;
    let link = asked["auth_request"]["url"].as_str().unwrap();
    assert_eq!(Browser::new().connect(link, "Allow").await.outcome(), "completed");

    let other = [&UPDATE[..], &app, &["--client-id=3.4"]].concat();
    let refused = managed.refused(&other);
    assert!(refused.contains("the server refused (409)"), "{refused}");
    assert!(refused.contains("`confirm_reconnects`: 1"), "{refused}");
    assert!(refused.contains("On this command line that is --confirm-reconnects"), "{refused}");
    let changed = managed.json(&[&other[..], &["--confirm-reconnects=1"]].concat());
    assert_eq!(changed["credentials"]["client_id"], "3.4");
    assert_eq!(changed["connections"]["needs_reauth"], 1, "{changed}");
}

#[test]
fn a_variable_that_is_left_from_another_connector_changes_nothing() {
    let managed = Managed::new();
    let token = managed.at.made["admin_token"].as_str().unwrap();
    managed.ok(&[&ENABLE[..], &["tavily", "--sandbox"]].concat());
    let key = [("ASTRALFORM_CONNECTOR_API_KEY", "tvly-of-another-service")];
    let update = [&UPDATE[..], &["tavily", "--allow-end-user-auth=true"]].concat();
    printed(&update, &managed.run_as(token, &update, &key, ""));
    let wanted = [&UPDATE[..], &["tavily", "--new-api-key"]].concat();
    let refused = complaint(&wanted, &managed.run_as(token, &wanted, &key, ""));
    assert!(refused.contains("the server refused (422)"), "{refused}");
    assert!(!refused.contains("another-service"), "{refused}");
    let nothing = managed.refused(&wanted);
    assert!(nothing.contains("ASTRALFORM_CONNECTOR_API_KEY"), "{nothing}");
}

#[test]
fn what_cannot_be_made_of_a_connector_is_refused() {
    let managed = Managed::new();
    fs::write(managed.at.path().join("empty"), "\n").unwrap();
    for (arguments, expected) in [
        (&["enable", "slack"][..], "--environment"),
        (&["enable", "unheard-of", TEST], "the server refused (404)"),
        (&["enable", "slack", TEST, "--client-id=1.2"], "the app's secret is missing"),
        (&["enable", "slack", TEST, "--client-secret", "x"], "unexpected argument"),
        (&["enable", "slack", TEST, "--client-secret-file=empty"], "there is no secret in it"),
        (&["enable", "tavily", TEST, "--api-key-file=none"], "none cannot be read"),
        (&["enable", "tavily", TEST, "--api-key-file=-", "--client-id=1"], "cannot be used with"),
        (&["enable", "tavily", TEST, "--api-key-file=-", "--field-file=a=-"], "one secret"),
        (&["enable", "tavily", TEST, "--field=api_key=x"], "api_key is a secret"),
        (&["enable", "tavily", TEST, "--field=x"], "takes a name and what it is"),
        (&["enable", "slack", TEST, "--endpoint=https://a"], "is no NAME=URL"),
        (&["enable", "slack", "--environment=live", "--sandbox"], "the server refused (422)"),
        (&["update", "slack", TEST], "say what is to change"),
        (&["update", "slack", TEST, "--enabled=false"], "the server refused (404)"),
        (&["show", "slack", TEST], "the server refused (404)"),
        (&["check", "slack", TEST], "the server refused (404)"),
        (&["disable", "slack", TEST, "--yes"], "the server refused (404)"),
    ] {
        let all = [&["project-connectors"], arguments].concat();
        let refused = managed.refused(&all);
        assert!(refused.contains(expected), "{arguments:?}: {refused}");
    }
}
