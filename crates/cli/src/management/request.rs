use astralform_domain::Secret;
use serde_json::Value;
use url::Url;

/// A request to the management API, as far as it differs from others.
pub(crate) struct Request<'a> {
    pub(super) method: &'static str,
    path: &'a str,
    query: &'a [(&'a str, &'a str)],
    pub(super) content_type: Option<&'static str>,
    pub(super) body: Vec<u8>,
    /// The version that what it changes must have.
    pub(super) version: Option<i64>,
    /// What stands in the body and is not to be shown.
    pub(super) secrets: &'a [Secret],
}

impl<'a> Request<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn post(path: &'a str) -> Self {
        Self::new("POST", path)
    }

    pub(crate) fn put(path: &'a str) -> Self {
        Self::new("PUT", path)
    }

    pub(crate) fn patch(path: &'a str) -> Self {
        Self::new("PATCH", path)
    }

    pub(crate) fn delete(path: &'a str) -> Self {
        Self::new("DELETE", path)
    }

    fn new(method: &'static str, path: &'a str) -> Self {
        let body = Vec::new();
        Self { method, path, query: &[], content_type: None, body, version: None, secrets: &[] }
    }

    pub(crate) fn query(self, query: &'a [(&'a str, &'a str)]) -> Self {
        Self { query, ..self }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.content("application/json", body.to_string().into_bytes())
    }

    pub(crate) fn content(self, kind: &'static str, body: Vec<u8>) -> Self {
        Self { content_type: Some(kind), body, ..self }
    }

    /// Says which secrets stand in the body.
    pub(crate) fn holding(self, secrets: &'a [Secret]) -> Self {
        Self { secrets, ..self }
    }

    /// Has the server refuse the request where what it changes is not what was seen.
    pub(crate) fn if_unchanged(self, seen: &Value) -> Self {
        Self { version: seen["version"].as_i64(), ..self }
    }

    /// Returns where it goes.
    pub(super) fn url(&self, base: &Url) -> Result<Url, url::ParseError> {
        let mut url = base.join(self.path)?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(self.query);
        }
        Ok(url)
    }
}
