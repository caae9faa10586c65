use serde_json::{Value, json};

use super::setting::{APP, Setting};
use crate::harness::SECRET;
use crate::peer::{Peer, served};

/// GitHub's official client for Node, unmodified, and the served simulator it takes for GitHub.
pub(super) struct Octokit {
    pub(super) setting: Setting,
    peer: Peer,
}

impl Octokit {
    pub(super) async fn start() -> Self {
        let (harness, url) = served().await;
        let setting = Setting::of(harness, |_| {});
        Self { setting, peer: Peer::start("github-rest.mjs", &format!("{url}/github")) }
    }

    /// Calls the client's own method of that name.
    pub(super) fn call(&mut self, token: &str, method: &str, arguments: &Value) -> Value {
        self.peer.ask(&json!({ "call": method, "auth": token, "arguments": arguments }))
    }

    /// Lets the client page through a method.
    pub(super) fn pages(&mut self, token: &str, method: &str, arguments: &Value) -> Value {
        self.peer.ask(&json!({ "pages": method, "auth": token, "arguments": arguments }))
    }

    /// Sends a request of the client as the app, with its secret.
    pub(super) fn as_app(&mut self, route: &str, token: &str) -> Value {
        let arguments = json!({ "client_id": APP, "access_token": token });
        self.peer.ask(&json!({ "request": route, "basic": [APP, SECRET], "arguments": arguments }))
    }
}
