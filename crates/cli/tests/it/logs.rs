//! What a server says of its work: one line for each call and each refusal.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpStream,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    program::{Running, astralform},
    setup::{address, bootstrap, post},
};

const SERVE: [&str; 6] =
    ["serve", "--listen", "127.0.0.1:0", "--sandbox", "--sandbox-listen", "127.0.0.1:0"];

/// Returns a server with a connector whose tools work at once, and what `bootstrap` printed.
async fn serving(folder: &std::path::Path, log: &[&str]) -> (Running, String, Value) {
    let made = bootstrap(folder);
    let server = Running::start(folder, &[&SERVE[..], log].concat(), true);
    let base = address(&server);
    let project = made["project_id"].as_str().unwrap();
    let enable = json!({"connector": "tavily", "environment": "test", "sandbox": true});
    let connectors = format!("{base}/v1/projects/{project}/connectors");
    let (status, enabled) = post(connectors, &made["admin_token"], enable).await;
    assert_eq!(status, 201, "{enabled}");
    (server, base, made)
}

async fn search(base: &str, key: &Value, words: &str) -> (u16, Value) {
    let tool = format!("{base}/v1/tools/tavily_search/call");
    post(tool, key, json!({"arguments": {"query": words}})).await
}

#[tokio::test]
async fn a_call_and_a_refusal_have_one_line_each_with_the_request_and_without_content() {
    let folder = tempfile::tempdir().unwrap();
    let (server, base, made) = serving(folder.path(), &[]).await;
    let called = search(&base, &made["test_api_key"], "CANARY-words").await.1;
    assert_eq!(called["status"], "completed", "{called}");
    let refused = post(
        format!("{base}/v1/tools/tavily_search/call"),
        &made["test_api_key"],
        json!({"arguments": {"question": "CANARY-words"}}),
    );
    let refused = refused.await.1;
    let stranger = json!("sk_test_CANARY-stranger");
    let unknown = search(&base, &stranger, "CANARY-words").await.1;

    let line: Value = serde_json::from_str(&server.logged(&["tool called"])).unwrap();
    assert_eq!((&line["level"], &line["target"]), (&json!("INFO"), &json!("calls")));
    let fields = &line["fields"];
    assert_eq!(
        (&fields["tool"], &fields["outcome"]),
        (&json!("tavily_search"), &json!("completed"))
    );
    assert!(fields["ms"].is_u64(), "{line}");
    assert_eq!(fields["call.id"], called["call_id"]);
    assert!(line["request_id"].as_str().unwrap().starts_with("req_"), "{line}");

    for (answer, code) in [(&refused, "invalid_arguments"), (&unknown, "unauthorized")] {
        let id = answer["request_id"].as_str().unwrap();
        let line: Value = serde_json::from_str(&server.logged(&["refused", id])).unwrap();
        assert_eq!(line["fields"]["code"], code, "{line}");
        assert_eq!(line["fields"]["route"], "/v1/tools/{name}/call", "{line}");
        assert_eq!(line["fields"]["status"].as_u64(), answer["status"].as_u64(), "{line}");
        assert!(line["fields"]["ms"].is_u64(), "{line}");
    }
    let log = server.log();
    assert_eq!(log.matches("tool called").count(), 1, "{log}");
    assert_eq!(log.matches("\"refused\"").count(), 2, "{log}");
    assert!(!log.contains("CANARY"), "{log}");
}

#[tokio::test]
async fn statements_of_the_database_are_logged_only_where_they_are_asked_for() {
    for (log, expected) in [("debug", false), ("info,sqlx=debug", true)] {
        let folder = tempfile::tempdir().unwrap();
        let (server, base, made) = serving(folder.path(), &["--log", log]).await;
        search(&base, &made["test_api_key"], "words").await;
        server.logged(&["tool called"]);
        assert_eq!(server.log().contains("sqlx::query"), expected, "{log}");
    }
}

/// Returns a command with a terminal of its own.
fn on_terminal(folder: &std::path::Path, arguments: &[&str]) -> Command {
    let program = astralform(folder, arguments);
    let words = std::iter::once(program.get_program()).chain(program.get_args());
    let line: Vec<_> = words.map(|word| word.to_str().unwrap()).collect();
    let mut command = Command::new("script");
    command.args(["-qfec", &format!("exec {}", line.join(" ")), "/dev/null"]);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

#[test]
fn on_a_terminal_lines_are_words_and_the_server_stops_when_it_hangs_up() {
    let folder = tempfile::tempdir().unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let mut script = on_terminal(folder.path(), &serve).spawn().unwrap();
    let mut lines = BufReader::new(script.stdout.take().unwrap()).lines();
    let line = lines.by_ref().map(Result::unwrap).find(|line| line.contains("serving")).unwrap();
    assert!(line.contains(" INFO serving address=127.0.0.1:"), "{line}");
    assert!(!line.contains('{') && !line.contains('\u{1b}'), "{line}");
    let address = line.split_once("address=").unwrap().1.split_whitespace().next().unwrap();
    assert!(TcpStream::connect(address).is_ok());

    script.kill().unwrap();
    script.wait().unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < end, "it goes on without its terminal");
        std::thread::sleep(Duration::from_millis(50));
    }
}
