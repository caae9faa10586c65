//! Versions of what is changed: `ETag` and `If-Match` (RFC 9110 §8.8.3, §13.1.1).

use aide::{
    OperationInput, OperationOutput,
    generate::GenContext,
    openapi::{Operation, Response as Described, StatusCode as Statuses},
};
use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{App, Problem, Refusal, auth::refers_to};

/// The version that a change is meant for, if the request names one.
pub struct IfMatch(pub Option<i64>);

/// An answer with the version of what it shows.
pub struct Versioned<T>(pub i64, pub T);

impl FromRequestParts<App> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        Ok(Self(expected(&parts.headers)?))
    }
}

/// Reads one version. `*` is any; several, and weak ones, are none that we gave.
fn expected(headers: &HeaderMap) -> Result<Option<i64>, Refusal> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().map_err(|_| Refusal::InvalidIfMatch)?.trim();
    if text == "*" {
        return Ok(None);
    }
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let version = quoted.and_then(|version| version.parse().ok());
    version.map(Some).ok_or(Refusal::InvalidIfMatch)
}

impl OperationInput for IfMatch {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        refers_to(operation, "If-Match");
    }
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let Self(version, view) = self;
        let mut response = Json(view).into_response();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

impl<T: JsonSchema> OperationOutput for Versioned<T> {
    type Inner = T;

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<Statuses>, Described)> {
        Json::<T>::inferred_responses(context, operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_one_that_we_gave() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, HeaderValue::from_static(text));
            expected(&headers).ok()
        };
        assert_eq!(read("\"3\""), Some(Some(3)));
        assert_eq!(read("*"), Some(None));
        for bad in ["3", "W/\"3\"", "\"3\", \"4\"", "\"\"", "\"three\"", ""] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(expected(&HeaderMap::new()).ok(), Some(None));
    }
}
