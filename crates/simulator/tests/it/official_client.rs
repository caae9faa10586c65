use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use astralform_simulator::slack::SlackApp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{CALLBACK, CLIENT, Harness, SECRET, encoded, text};

/// Slack's official client for Node, unmodified, and the served simulator that it takes for Slack.
///
/// It is waited for on pipes, so the tests need a runtime that serves on a thread of its own.
/// Every call panics at the line of the test that made it.
pub(crate) struct OfficialClient {
    pub(crate) harness: Harness,
    url: String,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// What the client told about a call.
pub(crate) struct Outcome {
    what: String,
    reply: Value,
}

impl OfficialClient {
    /// Serves a simulator in which an app is registered as `CLIENT`, and starts the client.
    pub(crate) async fn with_app(change: impl FnOnce(&mut SlackApp)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let harness = Harness::at(&url);
        harness.register(change);
        tokio::spawn(axum::serve(listener, harness.simulator.router()).into_future());

        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers");
        let node = peers.join("node_modules/node/bin/node");
        assert!(
            node.exists(),
            "the peers are not installed: run `scripts/check` once, or `npm ci` in tests/peers"
        );
        let mut command = Command::new(node);
        command.arg(peers.join("slack-web-api.mjs")).arg(format!("{url}/slack/api/"));
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.expect("the official client starts");
        let stdin = child.stdin.take().expect("a piped stdin");
        let stdout = BufReader::new(child.stdout.take().expect("a piped stdout"));
        Self { harness, url, child, stdin, stdout }
    }

    /// Calls a method through the client's own function for it.
    pub(crate) fn call(&mut self, token: &str, method: &str, arguments: &Value) -> Outcome {
        self.ask(&json!({ "call": method, "token": token, "arguments": arguments }))
    }

    /// Lets the client page through a method.
    pub(crate) fn pages(&mut self, token: &str, method: &str, arguments: &Value) -> Outcome {
        self.ask(&json!({ "pages": method, "token": token, "arguments": arguments }))
    }

    /// Calls the token endpoint with the app's id and secret.
    pub(crate) fn access(&mut self, arguments: Value) -> Outcome {
        let mut all = json!({ "client_id": CLIENT, "client_secret": SECRET });
        let Value::Object(arguments) = arguments else { panic!("not an object: {arguments}") };
        all.as_object_mut().expect("an object").extend(arguments);
        self.public_access(&all)
    }

    /// Calls the token endpoint with these arguments and no others.
    pub(crate) fn public_access(&mut self, arguments: &Value) -> Outcome {
        self.ask(&json!({ "call": "oauth.v2.access", "arguments": arguments }))
    }

    pub(crate) fn refresh(&mut self, token: &Value) -> Outcome {
        self.access(json!({ "grant_type": "refresh_token", "refresh_token": token }))
    }

    /// Consents on the simulator's pages, over HTTP, and returns the code.
    #[track_caller]
    pub(crate) fn consent(&mut self, parameters: &[(&str, &str)], person: &str) -> String {
        let parameters = [&[("client_id", CLIENT), ("state", "a state")], parameters].concat();
        let url = format!("{}/slack/oauth/v2/authorize?{}", self.url, encoded(&parameters));
        let back = self.ask(&json!({ "authorize_url": url, "person": person })).answer();
        assert_eq!(back["state"], "a state");
        text(&back["code"])
    }

    /// Connects a person and returns the token endpoint's answer.
    #[track_caller]
    pub(crate) fn connect(&mut self, bot: &str, user: &str, person: &str) -> Value {
        let asked = [("redirect_uri", CALLBACK), ("scope", bot), ("user_scope", user)];
        let code = self.consent(&asked, person);
        self.access(json!({ "code": code, "redirect_uri": CALLBACK })).answer()
    }

    fn ask(&mut self, line: &Value) -> Outcome {
        let what = line.to_string();
        writeln!(self.stdin, "{what}").expect("the official client listens");
        let mut reply = String::new();
        self.stdout.read_line(&mut reply).expect("a line");
        let reply = serde_json::from_str(&reply);
        Outcome { reply: reply.unwrap_or_else(|_| panic!("no reply to {what}")), what }
    }
}

impl Outcome {
    /// What the client returned.
    #[track_caller]
    pub(crate) fn answer(mut self) -> Value {
        assert!(self.reply.get("answer").is_some(), "{}: {}", self.what, self.reply);
        self.reply["answer"].take()
    }

    /// The error that the client threw for an answer with `ok: false`.
    #[track_caller]
    pub(crate) fn refusal(mut self) -> Value {
        let code = &self.reply["code"];
        assert_eq!(code, "slack_webapi_platform_error", "{}: {}", self.what, self.reply);
        self.reply["refused"].take()
    }

    /// How many seconds the client waited before each retry.
    pub(crate) fn waited(&self) -> Value {
        self.reply["waited"].clone()
    }
}

impl Drop for OfficialClient {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
