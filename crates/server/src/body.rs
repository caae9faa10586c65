mod expected;
mod whole;

use std::time::Duration;

use aide::{
    OperationInput,
    generate::GenContext,
    openapi::{Operation, ReferenceOr, RequestBody},
    operation::{ParamLocation, add_parameters},
};
use astralform_domain::limits;
use axum::{
    body::HttpBody as _,
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{HeaderMap, header, request::Parts},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{App, Given, Problem, Refusal, bodies, openapi};
use expected::Expected;

pub(crate) use whole::Whole;

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

impl<T: DeserializeOwned + JsonSchema> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        parse(&read(request, app, SMALL).await?).map(Self)
    }
}

impl<T: DeserializeOwned + JsonSchema, const MOST: usize> FromRequest<App> for Keyed<T, MOST> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let key = idempotency_key(request.headers())?;
        let raw = read(request, app, MOST).await?;
        Ok(Self { value: parse(&raw)?, raw, key })
    }
}

async fn read(request: Request, app: &App, at_most: usize) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        return Err(Refusal::NotAnnouncedAsJson.into());
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
        app.throttle().slow_down().await;
        return Err(Refusal::BodyTooLarge(at_most).into());
    }
    bodies::reserve(app, expected)?;
    let read = tokio::time::timeout(PATIENCE, Limited::new(body, at_most).collect()).await;
    match read.map_err(|_| Refusal::BodyTooSlow)? {
        Ok(read) => Ok(read.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            app.throttle().slow_down().await;
            Err(Refusal::BodyTooLarge(at_most).into())
        }
        Err(_) => Err(Refusal::BodyBrokeOff.into()),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    const LONGEST: usize = 255;
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=LONGEST).contains(&key.len()));
    let Some(key) = key else {
        let given = Given::of(value.as_bytes(), LONGEST);
        return Err(Refusal::InvalidIdempotencyKey(given).into());
    };
    Ok(Some(key.to_owned()))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

fn parse<T: DeserializeOwned + JsonSchema>(bytes: &[u8]) -> Result<T, Problem> {
    let kind = match bytes.trim_ascii_start().first() {
        Some(b'{') => {
            // What fits is read at once; what does not is read again, to say why.
            let read = serde_json::from_slice(bytes);
            return read.or_else(|_| Ok(Expected::of::<T>().read(bytes)?));
        }
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(_) => "no object",
        None => "empty",
    };
    Err(Refusal::NotAnObject(kind).into())
}

impl<T: DeserializeOwned + JsonSchema> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if let Ok(axum::extract::Query(query)) =
            axum::extract::Query::from_request_parts(parts, app).await
        {
            return Ok(Self(query));
        }
        let query = parts.uri.query().unwrap_or_default();
        let read = Expected::of::<T>().read_query(query);
        read.map(Self).map_err(|fault| Refusal::InvalidQuery(fault).into())
    }
}

impl<T: DeserializeOwned + JsonSchema + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if let Ok(axum::extract::Path(path)) =
            axum::extract::Path::from_request_parts(parts, app).await
        {
            return Ok(Self(path));
        }
        let raw = RawPathParams::from_request_parts(parts, app).await;
        let raw = raw.map_err(|_| Refusal::no_such_address(&parts.uri))?;
        let read = Expected::of::<T>().read_path(&raw);
        read.map(Self).map_err(|fault| Refusal::BadPath(fault).into())
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
