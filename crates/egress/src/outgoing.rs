use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header, uri::PathAndQuery};
use http_body_util::Full;
use url::{Position, Url};

use crate::{EgressError, Forbidden, Secrets};

/// A request to be sent.
#[derive(Clone)]
pub struct Outgoing {
    /// Its method.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// Its headers, `Host` and `Content-Length` aside.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// The secrets that stand in it, or that it proves itself with.
    pub secrets: Secrets,
}

impl Outgoing {
    /// Returns where the request goes, and how it is written on a connection to there.
    pub(crate) fn written(self) -> Result<(Url, Request<Full<Bytes>>), EgressError> {
        let Self { method, url, mut headers, body, secrets: _ } = self;
        let target = &url[Position::BeforePath..Position::AfterQuery];
        let target: PathAndQuery = target.parse().map_err(|_| Forbidden::no_address(&url))?;
        let host = &url[Position::BeforeHost..Position::AfterPort];
        let host = HeaderValue::from_str(host).map_err(|_| Forbidden::no_address(&url))?;
        headers.entry(header::HOST).or_insert(host);
        let plainly = HeaderValue::from_static("identity");
        headers.entry(header::ACCEPT_ENCODING).or_insert(plainly);
        // Some servers refuse a request with 411 that does not say so (RFC 9110 §8.6).
        let has_meaning = matches!(method, Method::POST | Method::PUT | Method::PATCH);
        if has_meaning && body.is_empty() {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = target.into();
        *request.headers_mut() = headers;
        Ok((url, request))
    }
}

/// Without query and body, which may hold secrets.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, url, headers, body, secrets: _ } = self;
        let place = &url[..Position::AfterPath];
        write!(f, "{method} {place} {headers:?} ({} bytes)", body.len())
    }
}
