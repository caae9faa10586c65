use base64::Engine as _;
use serde_json::{Value, json};
use url::Url;

use crate::document;

/// A client of the runtime API, which holds every answer against the API's document.
#[derive(Clone)]
pub struct Agent {
    http: reqwest::Client,
    base: Url,
    key: String,
    end_user: Option<String>,
    acting_as: Option<String>,
}

/// What stands for a small picture in [`Agent::send_text`].
pub const PNG: &str = "a PNG of one pixel";

/// Returns a PNG of one pixel.
pub fn picture() -> Vec<u8> {
    const ONE_PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    base64::engine::general_purpose::STANDARD.decode(ONE_PIXEL).expect("base64")
}

/// An answer of the runtime API.
#[derive(Debug)]
pub struct Reply {
    /// Its HTTP status.
    pub status: u16,
    /// Whether it was given before, and kept.
    pub is_replayed: bool,
    /// The version of what it shows, as its `ETag` has it.
    pub etag: Option<String>,
    /// Its body.
    pub body: Value,
}

impl Agent {
    pub(crate) fn new(base: Url, key: &str, end_user: Option<&str>) -> Self {
        let end_user = end_user.map(ToOwned::to_owned);
        let http = reqwest::Client::new();
        let key = key.to_owned();
        Self { http, base, key, end_user, acting_as: None }
    }

    /// Calls a tool.
    pub async fn call(&self, tool: &str, arguments: Value) -> Reply {
        let body = json!({"arguments": arguments});
        let reply = self.post(&format!("/v1/tools/{tool}/call"), body).await;
        if reply.outcome() == "completed" {
            document::check_result(tool, &reply.body["data"]);
        }
        reply
    }

    /// Sends a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.post_text(path, body.to_string()).await
    }

    /// Sends a body that may be no JSON.
    pub async fn post_text(&self, path: &str, body: String) -> Reply {
        let request = self.http.post(self.at(path)).header("content-type", "application/json");
        self.send(request.body(body)).await
    }

    /// Sends a JSON body that may come again.
    pub async fn post_keyed(&self, path: &str, body: Value, key: &str) -> Reply {
        let request = self.http.post(self.at(path)).header("content-type", "application/json");
        self.send(request.header("idempotency-key", key).body(body.to_string())).await
    }

    /// Changes something.
    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        let request = self.http.patch(self.at(path)).header("content-type", "application/json");
        self.send(request.body(body.to_string())).await
    }

    /// Changes something, if it has that version.
    pub async fn patch_if(&self, path: &str, version: i64, body: Value) -> Reply {
        let request = self.http.patch(self.at(path)).header("content-type", "application/json");
        let request = request.header("if-match", format!("\"{version}\""));
        self.send(request.body(body.to_string())).await
    }

    /// Puts something in place of what was there.
    pub async fn put(&self, path: &str, body: Value) -> Reply {
        let request = self.http.put(self.at(path)).header("content-type", "application/json");
        self.send(request.body(body.to_string())).await
    }

    /// Sends a picture.
    pub async fn put_picture(&self, path: &str, kind: &str, picture: Vec<u8>) -> Reply {
        let request = self.http.put(self.at(path)).header("content-type", kind);
        self.send(request.body(picture)).await
    }

    /// Ends something.
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.http.delete(self.at(path))).await
    }

    /// Sends a request of any kind, with a body of JSON, a PNG or none.
    pub async fn send_text(&self, method: &str, path: &str, body: &str) -> Reply {
        let method = method.to_uppercase().parse().expect("a method");
        let request = self.http.request(method, self.at(path));
        let request = match body {
            "" => request,
            PNG => request.header("content-type", "image/png").body(picture()),
            json => request.header("content-type", "application/json").body(json.to_owned()),
        };
        self.send(request).await
    }

    /// Ends something, with a word to confirm it.
    pub async fn delete_with(&self, path: &str, body: Value) -> Reply {
        let request = self.http.delete(self.at(path)).header("content-type", "application/json");
        self.send(request.body(body.to_string())).await
    }

    /// Returns the client with another end user, or none.
    #[must_use]
    pub fn naming(&self, end_user: Option<&str>) -> Self {
        Self { end_user: end_user.map(ToOwned::to_owned), ..self.clone() }
    }

    /// Returns the client with the name or id of an agent.
    #[must_use]
    pub fn acting_as(&self, agent: &str) -> Self {
        Self { acting_as: Some(agent.to_owned()), ..self.clone() }
    }

    /// Asks for something.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.http.get(self.at(path))).await
    }

    fn at(&self, path: &str) -> Url {
        self.base.join(path).expect("a path")
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let mut request = request.bearer_auth(&self.key);
        if let Some(end_user) = &self.end_user {
            request = request.header("x-end-user-id", end_user);
        }
        if let Some(agent) = &self.acting_as {
            request = request.header("x-agent-id", agent);
        }
        let request = request.build().expect("a request");
        let method = request.method().clone();
        let path = request.url().path().to_owned();
        let response = self.http.execute(request).await.expect("an answer");
        let status = response.status().as_u16();
        let is_replayed = response.headers().contains_key("idempotency-replayed");
        let etag = response.headers().get("etag").and_then(|tag| tag.to_str().ok());
        let etag = etag.map(ToOwned::to_owned);
        let text = response.text().await.expect("a whole answer");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        document::check(method.as_str(), &path, status, &body);
        Reply { status, is_replayed, etag, body }
    }
}

impl Reply {
    /// Returns the link of the auth request.
    pub fn link(&self) -> &str {
        self.asked("url")
    }

    /// Returns the id of the auth request.
    pub fn auth_request(&self) -> &str {
        self.asked("id")
    }

    /// Returns the connection that the auth request led to.
    pub fn connection(&self) -> &str {
        self.asked("connection_id")
    }

    /// Returns what it says of the auth request that it carries, or is.
    fn asked(&self, name: &str) -> &str {
        let request = self.body.get("auth_request").unwrap_or(&self.body);
        request[name].as_str().unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    /// Returns the word in `status`.
    pub fn outcome(&self) -> &str {
        self.body["status"].as_str().unwrap_or("none")
    }

    /// Returns the word in `code` of a problem.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("none")
    }
}
