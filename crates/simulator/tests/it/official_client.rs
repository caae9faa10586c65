use astralform_simulator::slack::SlackApp;
use serde_json::{Value, json};

use crate::harness::{CALLBACK, CLIENT, Harness, SECRET, encoded, text};
use crate::peer::{Peer, served};

/// Slack's official client for Node, unmodified, and the served simulator that it takes for Slack.
///
/// Every call panics at the line of the test that made it.
pub(crate) struct OfficialClient {
    pub(crate) harness: Harness,
    url: String,
    peer: Peer,
}

/// What the client told about a call.
pub(crate) struct Outcome {
    what: String,
    reply: Value,
}

impl OfficialClient {
    /// Serves a simulator in which an app is registered as `CLIENT`, and starts the client.
    pub(crate) async fn with_app(change: impl FnOnce(&mut SlackApp)) -> Self {
        let (harness, url) = served().await;
        harness.register(change);
        let peer = Peer::start("slack-web-api.mjs", &format!("{url}/slack/api/"));
        Self { harness, url, peer }
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

    #[track_caller]
    fn ask(&mut self, line: &Value) -> Outcome {
        Outcome { reply: self.peer.ask(line), what: line.to_string() }
    }
}

impl Outcome {
    /// Returns what the client returned.
    #[track_caller]
    pub(crate) fn answer(mut self) -> Value {
        assert!(self.reply.get("answer").is_some(), "{}: {}", self.what, self.reply);
        self.reply["answer"].take()
    }

    /// Returns the error that the client threw for an answer with `ok: false`.
    #[track_caller]
    pub(crate) fn refusal(mut self) -> Value {
        let code = &self.reply["code"];
        assert_eq!(code, "slack_webapi_platform_error", "{}: {}", self.what, self.reply);
        self.reply["refused"].take()
    }

    /// Returns how many seconds the client waited before each retry.
    pub(crate) fn waited(&self) -> Value {
        self.reply["waited"].clone()
    }
}
