//! What is called, as `workload.json` says: the tool of one connector, and the provider's answer.

use std::{collections::BTreeMap, net::SocketAddr};

use astralform_domain::{ConnectorSlug, EndUserId, ScopeSet, Secret};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Result;

/// The tool, and what stands behind it.
#[derive(Deserialize)]
pub(crate) struct Workload {
    pub(crate) connector: ConnectorSlug,
    pub(crate) tool: String,
    pub(crate) arguments: Value,
    /// The kind of token that the tool is called with.
    pub(crate) token: String,
    /// What the stored connections were granted.
    pub(crate) scopes: ScopeSet,
    /// Where the tool's request goes at the provider.
    path: String,
    /// The connector's addresses, below the upstream's.
    endpoints: BTreeMap<String, String>,
    /// What the provider answers.
    pub(crate) answer: Value,
}

impl Workload {
    pub(crate) fn load() -> Result<Self> {
        Ok(serde_json::from_str(include_str!("../workload.json"))?)
    }

    /// Returns the request that enables the connector in front of the upstream.
    pub(crate) fn enabling(&self, project: &str, token: &Secret, upstream: SocketAddr) -> Vec<u8> {
        let below = |path: &String| format!("http://{upstream}{path}");
        let endpoints: BTreeMap<_, _> =
            self.endpoints.iter().map(|(name, path)| (name, below(path))).collect();
        enabling(project, token, &json!({"connector": self.connector, "endpoints": endpoints}))
    }

    /// Returns the tool's call for an end user.
    pub(crate) fn call(&self, key: &Secret, end_user: &EndUserId) -> Vec<u8> {
        let header = format!("X-End-User-ID: {end_user}\r\n");
        let path = format!("/v1/tools/{}/call", self.tool);
        post(&path, key, &header, &json!({"arguments": self.arguments}))
    }

    /// Returns the request that the call leads to, as the provider gets it.
    pub(crate) fn direct(&self) -> Vec<u8> {
        let path = &self.path;
        format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\
             Authorization: Bearer {}\r\n\r\n",
            "x".repeat(76)
        )
        .into_bytes()
    }
}

/// Returns the request that enables a connector as it is wanted, with an app of no use.
pub(crate) fn enabling(project: &str, token: &Secret, wanted: &Value) -> Vec<u8> {
    let mut body = wanted.clone();
    body["environment"] = json!("test");
    body["credentials"] = json!({"client_id": "benchmark", "client_secret": "of-no-use-elsewhere"});
    post(&format!("/v1/projects/{project}/connectors"), token, "", &body)
}

fn post(path: &str, token: &Secret, header: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n{header}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        token.expose(),
        body.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_about_2_kilobytes() {
        let length = Workload::load().unwrap().answer.to_string().len();
        assert!((1_900..2_200).contains(&length), "{length}");
    }

    #[test]
    fn a_call_names_its_end_user_and_its_length() {
        let key = Secret::new("sk_test_1".to_owned());
        let call = Workload::load().unwrap().call(&key, &"u1".parse().unwrap());
        let text = String::from_utf8(call).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("\r\nAuthorization: Bearer sk_test_1\r\nX-End-User-ID: u1\r\n"));
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())));
    }
}
