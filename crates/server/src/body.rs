use std::{borrow::Cow, time::Duration};

use aide::{
    OperationInput,
    generate::GenContext,
    openapi::{Operation, ReferenceOr, RequestBody},
    operation::{ParamLocation, add_parameters},
};
use astralform_domain::limits;
use axum::{
    body::HttpBody as _,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{App, Problem, bodies, openapi};

/// A JSON body, or a problem that says where it is wrong.
pub(crate) struct Body<T>(pub(crate) T);

/// A JSON body of a request that may come again, with its `Idempotency-Key`.
pub(crate) struct Keyed<T, const MOST: usize = SMALL> {
    pub(crate) value: T,
    pub(crate) raw: Bytes,
    pub(crate) key: Option<String>,
}

/// Query parameters, or a problem.
pub(crate) struct Query<T>(pub(crate) T);

/// What the path names, or a problem.
pub(crate) struct Path<T>(pub(crate) T);

/// How long a client may take to send a body.
const PATIENCE: Duration = Duration::from_secs(30);

/// How large most bodies may be.
pub(crate) const SMALL: usize = limits::BODY.count();

/// How large the body of a tool call may be.
pub(crate) const TOOL_CALL: usize = limits::TOOL_CALL_BODY.count();

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        parse(&read(request, app, SMALL).await?).map(Self)
    }
}

impl<T: DeserializeOwned, const MOST: usize> FromRequest<App> for Keyed<T, MOST> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let key = idempotency_key(request.headers())?;
        let raw = read(request, app, MOST).await?;
        Ok(Self { value: parse(&raw)?, raw, key })
    }
}

async fn read(request: Request, app: &App, at_most: usize) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        let detail = "send JSON with the header Content-Type: application/json";
        return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    whole(request, app, at_most).await
}

/// Reads a body of any kind, if it is not too large, has room beside the others that are under way,
/// and arrives in time.
pub(crate) async fn whole(request: Request, app: &App, at_most: usize) -> Result<Bytes, Problem> {
    let body = request.into_body();
    let announced = body.size_hint().exact();
    let expected =
        announced.map_or(at_most, |length| usize::try_from(length).unwrap_or(usize::MAX));
    if expected > at_most {
        return Err(too_large(at_most));
    }
    bodies::reserve(app, expected)?;
    let read = tokio::time::timeout(PATIENCE, Limited::new(body, at_most).collect()).await;
    let late = |_| refused(StatusCode::REQUEST_TIMEOUT, "the body did not arrive within 30 s");
    match read.map_err(late)? {
        Ok(read) => Ok(read.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(at_most)),
        Err(_) => Err(refused(StatusCode::BAD_REQUEST, "the body broke off")),
    }
}

fn too_large(at_most: usize) -> Problem {
    let detail = format!("the body may have {at_most} bytes at most");
    refused(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=255).contains(&key.len()));
    let detail = "Idempotency-Key must have 1 to 255 printable ASCII characters";
    let key = key.ok_or_else(|| Problem::bad_request("invalid_header", detail))?;
    Ok(Some(key.to_owned()))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// The place of a fault is told, the text around it is not: it may hold a secret.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(refused(StatusCode::BAD_REQUEST, "the body must be a JSON object"));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let what = if error.is_data() { "is not as expected" } else { "is not JSON" };
        let (line, column) = (error.line(), error.column());
        let detail = format!("the body {what}, at line {line} column {column}");
        refused(StatusCode::BAD_REQUEST, detail)
    })
}

fn refused(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(status, "invalid_body", detail)
}

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let read = axum::extract::Query::from_request_parts(parts, app).await;
        let refused =
            |_| Problem::bad_request("invalid_query", "a query parameter is not as expected");
        read.map(|axum::extract::Query(query)| Self(query)).map_err(refused)
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let read = axum::extract::Path::from_request_parts(parts, app).await;
        let refused = |_| Problem::not_found("there is nothing of that id");
        read.map(|axum::extract::Path(path)| Self(path)).map_err(refused)
    }
}

impl<T: JsonSchema> OperationInput for Body<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let schema = openapi::received::<T>(context);
        let body = RequestBody {
            content: [openapi::content("application/json", schema)].into_iter().collect(),
            required: true,
            ..RequestBody::default()
        };
        operation.request_body = Some(ReferenceOr::Item(body));
    }
}

impl<T: JsonSchema, const MOST: usize> OperationInput for Keyed<T, MOST> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        Body::<T>::operation_input(context, operation);
        let reference = ReferenceOr::ref_("#/components/parameters/Idempotency-Key");
        operation.parameters.push(reference);
    }
}

impl<T: JsonSchema> OperationInput for Query<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let parameters = openapi::parameters::<T>(context, ParamLocation::Query);
        add_parameters(context, operation, parameters);
    }
}

impl<T: JsonSchema> OperationInput for Path<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let parameters = openapi::parameters::<T>(context, ParamLocation::Path);
        add_parameters(context, operation, parameters);
    }
}
