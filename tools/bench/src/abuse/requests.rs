//! Requests as bytes.

use std::{fmt::Write as _, rc::Rc};

/// What a request says of who sends it.
#[derive(Clone)]
pub(super) struct Bearer {
    pub(super) token: String,
    pub(super) end_user: Option<String>,
}

/// A request's bearer with an idempotency key besides.
pub(super) struct Keyed<'a> {
    bearer: &'a Bearer,
    key: &'a str,
}

impl Bearer {
    /// Returns the bearer that names an end user.
    pub(super) fn naming(&self, end_user: &str) -> Self {
        Self { end_user: Some(end_user.to_owned()), ..self.clone() }
    }

    pub(super) fn with_key<'a>(&'a self, key: &'a str) -> Keyed<'a> {
        Keyed { bearer: self, key }
    }

    fn headers(&self) -> String {
        let mut text = format!("Authorization: Bearer {}\r\n", self.token);
        if let Some(end_user) = &self.end_user {
            // Writing to a string cannot fail.
            let _ = write!(text, "X-End-User-ID: {end_user}\r\n");
        }
        text
    }
}

impl Keyed<'_> {
    pub(super) fn post(&self, path: &str, body: &str) -> Rc<[u8]> {
        let headers = format!("{}Idempotency-Key: {}\r\n", self.bearer.headers(), self.key);
        written(path, &headers, body)
    }
}

pub(super) fn post(path: &str, bearer: &Bearer, body: &str) -> Rc<[u8]> {
    written(path, &bearer.headers(), body)
}

pub(super) fn get(path: &str) -> Rc<[u8]> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").into_bytes().into()
}

/// Returns a request with a method and a path that lead nowhere.
pub(super) fn delete_nothing() -> Rc<[u8]> {
    b"DELETE /nothing/at/all HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".as_slice().into()
}

fn written(path: &str, headers: &str, body: &str) -> Rc<[u8]> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_its_bearer_and_its_length() {
        let bearer = Bearer { token: "t".to_owned(), end_user: None }.naming("u");
        let request = bearer.with_key("k").post("/x", "{}");
        let text = std::str::from_utf8(&request).unwrap();
        assert!(text.starts_with("POST /x HTTP/1.1\r\n"), "{text}");
        for header in [
            "Authorization: Bearer t",
            "X-End-User-ID: u",
            "Idempotency-Key: k",
            "Content-Length: 2",
        ] {
            assert!(text.contains(&format!("\r\n{header}\r\n")), "{header}");
        }
        assert!(text.ends_with("\r\n\r\n{}"));
    }
}
