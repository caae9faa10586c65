//! API keys and admin tokens, made and revoked beside a server.

use std::{
    fs::{self, File},
    process::Stdio,
    time::{Duration, Instant},
};

use astralform_storage::Db;
use serde_json::{Value, json};

use crate::{
    installation::{Installation, told},
    program::{astralform, run, said},
    setup::{address, post},
};

const TOOL: &str = "tavily_usage";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(json).collect()
}

async fn call(base: &str, key: &Value) -> u16 {
    post(format!("{base}/v1/tools/{TOOL}/call"), key, json!({})).await.0
}

async fn me(base: &str, token: &Value) -> u16 {
    let request = reqwest::Client::new().get(format!("{base}/v1/me"));
    request.bearer_auth(token.as_str().unwrap()).send().await.unwrap().status().as_u16()
}

/// Waits until a server answers a call with that key with that status.
async fn until(base: &str, key: &Value, status: u16) {
    let begin = Instant::now();
    while call(base, key).await != status {
        assert!(begin.elapsed() < Duration::from_secs(20), "the server does not hear of it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

// F6
#[tokio::test]
async fn f6_keys_and_tokens_are_made_and_revoked_beside_a_server_on_both_databases() {
    let postgres = match told("TEST_DATABASE_URL") {
        Some(url) => Some(Db::fresh_schema(&url).await),
        None => None,
    };
    for database in std::iter::once(None).chain(postgres.map(Some)) {
        let at = Installation::new(database);
        let server = at.serve();
        let base = address(&server);
        at.enable(&base, "tavily").await;
        let made = json(&at.run(&["api-keys", "create", "--environment", "test", "--json"]));
        assert_eq!(call(&base, &made["api_key"]).await, 200);
        let bound = ["api-keys", "create", "--environment=test", "--agent=default", "--json"];
        let bound = json(&at.run(&bound));
        assert_eq!(
            (&bound["agent"], call(&base, &bound["api_key"]).await),
            (&json!("default"), 200)
        );
        let session = json!({"end_user_id": "alice", "expires_in": 600});
        let opened = post(format!("{base}/v1/sessions"), &made["api_key"], session).await.1;
        until(&base, &opened["token"], 200).await;

        // The server remembers the key by now, and the master key is not needed to end it.
        fs::rename(at.path().join("astralform.key"), at.path().join("away")).unwrap();
        let revoked = at.run(&["api-keys", "revoke", made["id"].as_str().unwrap(), "--sessions"]);
        assert!(revoked.contains("revoked, 1 sessions ended"), "{revoked}");
        until(&base, &made["api_key"], 401).await;
        until(&base, &opened["token"], 401).await;
        assert_eq!(call(&base, &bound["api_key"]).await, 200);
        let again = at.run(&["api-keys", "revoke", made["id"].as_str().unwrap()]);
        assert!(again.contains("was revoked before"), "{again}");

        let token = lines(&at.run(&["admin-tokens", "list", "--json"])).remove(0);
        fs::rename(at.path().join("away"), at.path().join("astralform.key")).unwrap();
        let fresh = json(&at.run(&["admin-tokens", "create", "--email=Ada@example.com", "--json"]));
        assert_eq!(me(&base, &fresh["admin_token"]).await, 200);
        at.run(&["admin-tokens", "revoke", token["id"].as_str().unwrap()]);
        assert_eq!(me(&base, &at.made["admin_token"]).await, 401);
        assert_eq!(me(&base, &fresh["admin_token"]).await, 200);
        assert!(server.terminate().success());
    }
}

#[test]
fn f6_lists_show_what_is_there_and_no_secret() {
    let at = Installation::new(None);
    let made = json(&at.run(&["api-keys", "create", "--environment", "live", "--json"]));
    let key = made["api_key"].as_str().unwrap();
    let all = ["api-keys", "list", "--environment", "live", "--json"];
    let listed = lines(&at.run(&all));
    let shown = listed.iter().find(|listed| listed["id"] == made["id"]).unwrap();
    assert_eq!((&shown["project"], &shown["agent"]), (&json!("My project"), &Value::Null));
    let hint = shown["hint"].as_str().unwrap().trim_start_matches('…').to_owned();
    assert!(key.ends_with(&hint) && hint.len() == 4, "{shown}");
    assert_eq!(listed.len(), 2, "the other one is from bootstrap");
    let table = at.run(&["api-keys", "list", "--project", "My project"]);
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.starts_with("ID  "), "{table}");
    at.run(&["api-keys", "revoke", made["id"].as_str().unwrap()]);
    assert_eq!(lines(&at.run(&all)).len(), 1);
    assert_eq!(lines(&at.run(&[&all[..], &["--all"]].concat())).len(), 2);
    let tokens = at.run(&["admin-tokens", "list"]);
    assert!(tokens.contains("ada@example.com"), "{tokens}");
    let secrets = [key, at.made["admin_token"].as_str().unwrap()].map(|it| &it[40..]);
    for said in [table, tokens, at.run(&["admin-tokens", "list", "--all", "--json"])] {
        assert!(secrets.iter().all(|secret| !said.contains(secret)), "{said}");
    }
}

#[test]
fn f6_what_cannot_be_made_or_revoked_is_refused_with_what_there_is() {
    let at = Installation::new(None);
    let id = at.made["test_api_key"].as_str().unwrap().split('_').nth(2).unwrap().to_uppercase();
    let (rest, last) = id.split_at(id.len() - 1);
    let other = format!("{rest}{}", if last == "0" { "1" } else { "0" });
    let key = format!("key_{other}");
    let token = format!("admt_{other}");
    for (arguments, why) in [
        (&["api-keys", "create"][..], "--environment"),
        (&["api-keys", "create", "--environment=prod"], "invalid value"),
        (
            &["api-keys", "create", "--environment=test", "--project=Other"],
            "no project `Other`; there are:\n  proj_",
        ),
        (
            &["api-keys", "create", "--environment=test", "--agent=nobody"],
            "no agent `nobody`; it has:\n  agent_",
        ),
        (&["api-keys", "list", "--project=Other"], "there are:"),
        (&["api-keys", "revoke"], "<ID>"),
        (&["api-keys", "revoke", "key_x"], "invalid value"),
        (&["api-keys", "revoke", &key], "is not in this database"),
        (&["admin-tokens", "create", "--email=eve@example.com"], "there are:\n  ada@example.com"),
        (&["admin-tokens", "revoke", &token], "is not in this database"),
    ] {
        let refused = run(at.path(), arguments);
        assert!(!refused.status.success(), "{arguments:?}: {}", said(&refused));
        assert!(said(&refused).contains(why), "{arguments:?}: {}", said(&refused));
    }
    fs::remove_file(at.path().join("astralform.key")).unwrap();
    for arguments in
        [&["api-keys", "create", "--environment=test"][..], &["admin-tokens", "create"]]
    {
        let refused = run(at.path(), arguments);
        assert!(!refused.status.success(), "{}", said(&refused));
    }
    assert_eq!(lines(&at.run(&["api-keys", "list", "--json"])).len(), 2);
}

#[test]
fn f6_what_cannot_be_printed_is_not_left_behind() {
    let at = Installation::new(None);
    let into_full = |arguments: &[&str]| {
        let mut command = astralform(at.path(), arguments);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let failed = into_full(&["api-keys", "create", "--environment", "test"]);
    assert!(failed.contains("so it is revoked again: run the command again"), "{failed}");
    let failed = into_full(&["admin-tokens", "create"]);
    assert!(failed.contains("so it is revoked again"), "{failed}");
    for command in ["api-keys", "admin-tokens"] {
        let left = lines(&at.run(&[command, "list", "--json"]));
        assert_eq!(left.len(), if command == "api-keys" { 2 } else { 1 }, "those of bootstrap");
    }
    let ended = lines(&at.run(&["api-keys", "list", "--all", "--json"]));
    assert_eq!(ended.len(), 3, "{ended:?}");
}
