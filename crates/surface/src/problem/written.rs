use aide::{
    OperationOutput,
    generate::GenContext,
    openapi::{Components, Operation, ReferenceOr, Response as Described, StatusCode as Statuses},
};
use astralform_domain::{limits, texts::cut};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::Problem;
use crate::openapi;

/// Why a request was not served (RFC 9457).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
struct ProblemBody<'a> {
    /// Always `about:blank`: `code` says more.
    #[serde(rename = "type")]
    kind: &'a str,
    /// The name of the status.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// The problem's stable name, for programs to decide by, such as `unknown_tool`.
    code: &'a str,
    /// What is wrong and what to do, for people.
    detail: &'a str,
    /// The id under which the server's log tells more; also in the header `X-Request-ID`.
    request_id: &'a str,
    /// Each fault of a tool's arguments, or the one of the body or the query.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ErrorView<'a>>,
}

/// One fault.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ArgumentFault")]
struct ErrorView<'a> {
    /// Where, as a JSON Pointer (RFC 6901).
    pointer: &'a str,
    /// What is expected there.
    detail: &'a str,
}

impl Problem {
    /// Returns the answer to the request of that id.
    pub(super) fn written(&self, request_id: &str) -> Response {
        let errors = self.errors.iter();
        let detail = cut(&self.detail, limits::PROBLEM_DETAIL.count());
        let body = ProblemBody {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code.as_str(),
            detail: &detail,
            request_id,
            errors: errors
                .map(|fault| ErrorView { pointer: &fault.pointer, detail: &fault.message })
                .collect(),
        };
        let mut response = (self.status, Json(body)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.closes {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"astralform\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

impl OperationOutput for Problem {
    type Inner = Self;

    fn inferred_responses(
        _: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<Statuses>, Described)> {
        let responses = operation.responses.get_or_insert_default();
        for (range, name) in [(4, "Refused"), (5, "Failed")] {
            let reference = ReferenceOr::ref_(&format!("#/components/responses/{name}"));
            responses.responses.insert(Statuses::Range(range), reference);
        }
        Vec::new()
    }
}

/// Describes what operations that can end in a problem refer to.
pub(crate) fn describe(context: &mut GenContext, components: &mut Components) {
    for (name, description) in [
        ("Refused", "The request cannot be served as it is; `code` says why, `detail` what to do."),
        (
            "Failed",
            "Something is broken or not available on our side; nothing is wrong with the request.",
        ),
    ] {
        let schema = context.schema.subschema_for::<ProblemBody<'_>>();
        let response = Described {
            description: description.to_owned(),
            content: [openapi::content("application/problem+json", schema)].into_iter().collect(),
            ..Described::default()
        };
        components.responses.insert(name.to_owned(), ReferenceOr::Item(response));
    }
}
