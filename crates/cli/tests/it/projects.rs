//! Projects from a shell: listed, created, shown, changed and deleted.

use serde_json::{Value, json};

use crate::{
    managed::{Managed, complaint},
    setup::post,
};

/// A PNG of 2 × 2 pixels.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x02\x08\x02\0\0\0\xfd\xd4\x9as\
    \0\0\0\x10IDATx\xdacPH\x58\0D\x0c\x10\x0a\0\x1d\x8e\x04\x81\xa9\xee8\xd1\0\0\0\0IEND\xaeB`\x82";

#[test]
fn projects_are_created_listed_changed_and_deleted_from_a_shell() {
    let managed = Managed::new();
    let listed = managed.ok(&["projects", "list"]);
    assert!(listed.starts_with("ID  ") && listed.lines().count() == 2, "{listed}");
    assert!(listed.contains(managed.project()) && listed.contains("  owner  "), "{listed}");
    assert_eq!(managed.json(&["projects", "list"])["id"], managed.project());

    let team = managed.at.made["team_id"].as_str().unwrap();
    let made = managed.json(&["projects", "create", "Second", "--team", team]);
    let id = made["id"].as_str().unwrap();
    assert_eq!((&made["name"], &made["accent"]), (&json!("Second"), &json!("neutral")));
    let both = managed.ok(&["projects", "list", "--json"]);
    assert_eq!(both.lines().filter_map(|line| line.parse::<Value>().ok()).count(), 2, "{both}");

    let which = managed.refused(&["projects", "show"]);
    assert!(which.contains("say which project is meant with --project:\n  proj_"), "{which}");
    let shown = managed.ok(&["projects", "show", "--project", "Second"]);
    assert!(shown.starts_with(&format!("id           {id}\n")), "{shown}");
    assert!(shown.contains("\nprivacy URL  -\n"), "{shown}");

    let update = ["projects", "update", "--project", id];
    let links =
        ["--accent=blue", "--privacy-url=https://a.example/p", "--support-url=https://a.example"];
    let changed = managed.json(&[&update[..], &links].concat());
    assert_eq!(changed["privacy_url"], "https://a.example/p");
    assert_eq!((&changed["accent"], &changed["version"]), (&json!("blue"), &json!(2)));
    let changed = managed.ok(&[&update[..], &["--name=Third", "--privacy-url="]].concat());
    for line in ["\nname         Third\n", "\nprivacy URL  -\n", "\nsupport URL  https://a.example"]
    {
        assert!(changed.contains(line), "{changed}");
    }

    let delete = ["projects", "delete", "--project", "Third"];
    let asked = managed.refused(&delete);
    assert!(asked.contains(&format!("delete \"Third\" ({id}) for good")), "{asked}");
    let wrong = managed.refused(&[&delete[..], &["--confirm", "third"]].concat());
    assert!(wrong.contains("the server refused (422)"), "{wrong}");
    let deleted = managed.ok(&[&delete[..], &["--confirm", "Third"]].concat());
    assert!(deleted.starts_with("Deleted, with 0 connections"), "{deleted}");
    assert_eq!(managed.ok(&["projects", "list"]).lines().count(), 2);
    assert_eq!(managed.json(&["projects", "show"])["id"], managed.project());
}

#[test]
fn a_logo_is_sent_as_what_it_is_and_removed() {
    let managed = Managed::new();
    let folder = managed.at.path();
    std::fs::write(folder.join("logo"), PNG).unwrap();
    std::fs::write(folder.join("text.png"), "GIF89a").unwrap();
    std::fs::write(folder.join("large.png"), vec![0; 200_001]).unwrap();
    let sent = managed.ok(&["projects", "logo", "logo"]);
    assert!(sent.starts_with("http://127.0.0.1"), "{sent}");
    let shown = managed.json(&["projects", "show"]);
    assert_eq!(shown["logo_url"], sent.trim());
    assert_eq!(managed.json(&["projects", "logo", "logo"])["logo_url"], sent.trim());
    for (arguments, expected) in [
        (&["projects", "logo", "text.png"][..], "neither a PNG nor a WebP"),
        (&["projects", "logo", "large.png"], "has 200001 bytes; a logo has 200000 at most"),
        (&["projects", "logo", "none.png"], "none.png cannot be read"),
        (&["projects", "logo"], "required"),
        (&["projects", "logo", "logo", "--remove"], "cannot be used with"),
    ] {
        let refused = managed.refused(arguments);
        assert!(refused.contains(expected), "{arguments:?}: {refused}");
    }
    let removed = managed.ok(&["projects", "logo", "--remove"]);
    assert!(removed.contains("no logo any more"), "{removed}");
    assert_eq!(managed.json(&["projects", "show"])["logo_url"], Value::Null);
}

#[tokio::test]
async fn what_cannot_be_made_of_a_project_is_refused_with_what_to_do() {
    let managed = Managed::new();
    for (arguments, expected) in [
        (&["projects", "create"][..], "<NAME>"),
        (&["projects", "create", "Second", "--team", "Others"], "no such team, or it is not yours"),
        (&["projects", "create", "a\nb"], "1 to 100 characters"),
        (
            &["projects", "show", "--project", "Another"],
            "no such project, or it is not yours; yours",
        ),
        (&["projects", "show", "--project", "proj_x"], "no id of a project"),
        (&["projects", "update"], "required"),
        (&["projects", "update", "--accent", "pink"], "invalid value"),
        (
            &["projects", "update", "--privacy-url", "http://a.example"],
            "refused (422): `privacy_url`",
        ),
    ] {
        let refused = managed.refused(arguments);
        assert!(refused.contains(expected), "{arguments:?}: {refused}");
    }
    let tokens = format!("{}/v1/me/admin-tokens", managed.base);
    let wanted = json!({"name": "Reader", "access": "read"});
    let (status, made) = post(tokens, &managed.at.made["admin_token"], wanted).await;
    assert_eq!(status, 201, "{made}");
    let reader = made["token"].as_str().unwrap();
    assert!(managed.run_as(reader, &["projects", "show"], &[], "").status.success());
    let update = ["projects", "update", "--name", "Mine"];
    let refused = complaint(&update, &managed.run_as(reader, &update, &[], ""));
    assert!(refused.contains("the server refused (403)"), "{refused}");
}
