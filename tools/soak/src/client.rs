use std::{net::SocketAddr, time::Duration};

use astralform_testkit::HostileProvider;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::Result;

/// Somebody who calls the product's API, with a key or token.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    key: String,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Completed,
    /// The end user has to do something.
    Asked,
    /// The call failed with that kind of error.
    Failed(String),
    /// The request was refused with that status.
    Refused(u16),
    /// There was no answer, for that reason.
    Unanswered(String),
    /// There was nobody to ask.
    Unreachable,
}

/// How a connection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) status: String,
    pub(crate) reason: String,
}

/// Longer than any call may take.
const PATIENCE: Duration = Duration::from_secs(65);
/// Shorter than the product keeps a connection that nobody uses.
const IDLE: Duration = Duration::from_secs(15);

impl Client {
    pub(crate) fn new(key: &str) -> Self {
        Self::with_patience(key, PATIENCE)
    }

    /// Returns one that waits so long for each answer.
    pub(crate) fn with_patience(key: &str, patience: Duration) -> Self {
        let http = reqwest::Client::builder().timeout(patience).pool_idle_timeout(IDLE).build();
        Self { http: http.expect("a client without settings of its own"), key: key.to_owned() }
    }

    /// Calls the tool that reads.
    pub(crate) async fn read(&self, at: SocketAddr, end_user: &str) -> Outcome {
        self.call(at, HostileProvider::READ, end_user).await
    }

    /// Calls a tool that takes no arguments.
    pub(crate) async fn call(&self, at: SocketAddr, tool: &str, end_user: &str) -> Outcome {
        let path = format!("/v1/tools/{tool}/call");
        let request = self.to(at, &path).header("x-end-user-id", end_user).json(&json!({}));
        outcome(request).await
    }

    /// Calls the tool that writes, under an idempotency key that is the marker as well.
    pub(crate) async fn write(&self, at: SocketAddr, end_user: &str, marker: &str) -> Outcome {
        let path = format!("/v1/tools/{}/call", HostileProvider::WRITE);
        let request = self.to(at, &path).header("x-end-user-id", end_user);
        let request = request.header("idempotency-key", marker);
        outcome(request.json(&json!({"arguments": {"marker": marker}}))).await
    }

    /// Opens a session: its token, if that was acknowledged.
    pub(crate) async fn open_session(&self, at: SocketAddr, end_user: &str) -> Option<String> {
        let wanted = json!({"end_user_id": end_user, "expires_in": 43_200});
        let (status, body) = self.post(at, "/v1/sessions", &wanted).await.ok()?;
        body["token"].as_str().filter(|_| status == 201).map(ToOwned::to_owned)
    }

    /// Returns whether a session is known.
    pub(crate) async fn knows_session(&self, at: SocketAddr, token: &str) -> Result<bool> {
        let request = self.http.get(format!("http://{at}/v1/connections")).bearer_auth(token);
        Ok(request.send().await?.status().is_success())
    }

    /// Returns how the only connection of an end user stands.
    pub(crate) async fn standing(&self, at: SocketAddr, end_user: &str) -> Result<Standing> {
        let request = self.http.get(format!("http://{at}/v1/connections"));
        let request = request.bearer_auth(&self.key).header("x-end-user-id", end_user);
        let listed: Value = request.send().await?.json().await?;
        let text = |name: &str| listed["data"][0][name].as_str().unwrap_or("none").to_owned();
        Ok(Standing { status: text("status"), reason: text("reason") })
    }

    pub(crate) async fn is_ready(&self, at: SocketAddr) -> bool {
        let asked = self.http.get(format!("http://{at}/readyz")).send().await;
        asked.is_ok_and(|answer| answer.status().is_success())
    }

    /// Asks whether requests are wanted, and returns the status; none where no answer came.
    pub(crate) async fn readiness(&self, at: SocketAddr) -> Option<u16> {
        let asked = self.http.get(format!("http://{at}/readyz")).send().await;
        asked.ok().map(|answer| answer.status().as_u16())
    }

    pub(crate) async fn post(
        &self,
        at: SocketAddr,
        path: &str,
        body: &Value,
    ) -> Result<(u16, Value)> {
        answered(self.to(at, path).json(body)).await
    }

    pub(crate) async fn get(&self, at: SocketAddr, path: &str) -> Result<(u16, Value)> {
        answered(self.http.get(format!("http://{at}{path}")).bearer_auth(&self.key)).await
    }

    pub(crate) async fn delete(&self, at: SocketAddr, path: &str) -> Result<(u16, Value)> {
        answered(self.http.delete(format!("http://{at}{path}")).bearer_auth(&self.key)).await
    }

    fn to(&self, at: SocketAddr, path: &str) -> RequestBuilder {
        self.http.post(format!("http://{at}{path}")).bearer_auth(&self.key)
    }
}

async fn answered(request: RequestBuilder) -> Result<(u16, Value)> {
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    Ok((status, answer.json().await.unwrap_or_default()))
}

async fn outcome(request: RequestBuilder) -> Outcome {
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) if error.is_connect() => return Outcome::Unreachable,
        Err(error) => return Outcome::Unanswered(root_cause(&error)),
    };
    let status = answer.status().as_u16();
    let body = match answer.json::<Value>().await {
        Ok(body) => body,
        Err(error) => return Outcome::Unanswered(root_cause(&error)),
    };
    match body["status"].as_str() {
        Some("completed") => Outcome::Completed,
        Some("auth_required") => Outcome::Asked,
        Some("failed") => {
            Outcome::Failed(body["error"]["kind"].as_str().unwrap_or_default().to_owned())
        }
        _ => Outcome::Refused(status),
    }
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
