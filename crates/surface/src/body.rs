//! What is read of requests: bodies, queries and paths, or a problem that says where they are wrong.

mod expected;
mod whole;

use aide::{
    OperationInput,
    generate::GenContext,
    openapi::{MediaType, Operation, ReferenceOr, RequestBody},
    operation::{ParamLocation, add_parameters},
};
use astralform_domain::limits;
use astralform_http::body::{BodyFault, announced, is_json, read_whole};
use axum::{
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{HeaderMap, header, request::Parts},
};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{App, Given, Problem, Refusal, bodies, openapi};
use expected::Expected;

pub use whole::Whole;

/// A JSON body, or a problem that says where it is wrong.
pub struct Body<T>(pub T);

/// A JSON body of a request that may come again, with its `Idempotency-Key`.
pub struct Keyed<T, const MOST: usize = SMALL> {
    /// What it says.
    pub value: T,
    /// The body as it came.
    pub raw: Bytes,
    /// What makes it safe to send it again.
    pub key: Option<String>,
}

/// A JSON list, or a problem that says where it is wrong.
pub struct ListBody<T>(pub Vec<T>);

/// A picture, as it was sent.
pub struct PictureBody(pub Bytes);

/// Query parameters, or a problem.
pub struct Query<T>(pub T);

/// What the path names, or a problem.
pub struct Path<T>(pub T);

/// How large most bodies may be.
pub const SMALL: usize = limits::BODY.count();

/// How large the body of a tool call may be.
pub const TOOL_CALL: usize = limits::TOOL_CALL_BODY.count();

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

impl<T: DeserializeOwned + JsonSchema> FromRequest<App> for ListBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let bytes = read(request, app, SMALL).await?;
        let kind = match bytes.trim_ascii_start().first() {
            Some(b'[') => return Ok(Self(Expected::of::<Vec<T>>().read_list(&bytes)?)),
            Some(b'{') => "an object",
            Some(_) => "no list",
            None => "empty",
        };
        Err(Refusal::NotAList(kind).into())
    }
}

impl FromRequest<App> for PictureBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let announced = request.headers().get(header::CONTENT_TYPE);
        let is_picture = announced.is_some_and(|kind| kind == "image/png" || kind == "image/webp");
        if !is_picture {
            return Err(Refusal::NotAnnouncedAsPicture.into());
        }
        whole(request, app, limits::LOGO.count()).await.map(Self)
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
pub async fn whole(request: Request, app: &App, at_most: usize) -> Result<Bytes, Problem> {
    let body = request.into_body();
    let expected = announced(&body).unwrap_or(at_most);
    if expected > at_most {
        return Err(too_large(app, at_most).await);
    }
    bodies::reserve(app, expected)?;
    match read_whole(body, at_most).await {
        Ok(read) => Ok(read),
        Err(BodyFault::TooLarge) => Err(too_large(app, at_most).await),
        Err(BodyFault::TooSlow) => Err(Refusal::BodyTooSlow.into()),
        Err(BodyFault::BrokeOff) => Err(Refusal::BodyBrokeOff.into()),
    }
}

async fn too_large(app: &App, at_most: usize) -> Problem {
    app.throttle().slow_down().await;
    Refusal::BodyTooLarge(at_most).into()
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

impl<T: JsonSchema> OperationInput for ListBody<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        Body::<Vec<T>>::operation_input(context, operation);
    }
}

impl OperationInput for PictureBody {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        let kinds = ["image/png", "image/webp"];
        let body = RequestBody {
            content: kinds
                .map(|kind| (kind.to_owned(), MediaType::default()))
                .into_iter()
                .collect(),
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
