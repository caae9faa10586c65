use std::{borrow::Cow, fmt::Write as _};

use astralform_catalog::{
    Connector, Encoding, ExpressionError, Placement, Tool, ToolRequest, Variables, destination,
};
use astralform_domain::HostSet;
use astralform_egress::{Outgoing, Secrets};
use astralform_jq::Document;
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use serde_json::{Map, Number, Value};
use thiserror::Error;
use url::Url;

use crate::request::{CredentialParts, extend_query, form, headers_of};

/// Why no request can be made of some arguments.
#[derive(Debug, Error)]
pub enum PlanError {
    /// An expression does not run on them.
    #[error("a mapping of the connector does not fit these arguments")]
    Mapping(#[from] ExpressionError),
    /// They are larger than an expression may read.
    #[error("the arguments are too large")]
    TooLarge,
    /// One of them would leave its place in the path.
    #[error("the argument {0} cannot stand in the address")]
    Address(String),
    /// A header cannot be written.
    #[error("the connector's own headers or the credential cannot be sent")]
    Unsendable,
    /// The credential is bound to other hosts.
    #[error("the request would go to a host that the credential is not meant for")]
    ForeignHost,
}

/// Returns the requests of a tool in the order in which they are sent, without their credential:
/// arguments in, requests out, nothing else.
pub fn plan(
    connector: &Connector,
    tool: &Tool,
    api_base: &Url,
    arguments: &Value,
) -> Result<Vec<Outgoing>, PlanError> {
    let mut input = Document::from_value(arguments).map_err(|_| PlanError::TooLarge)?;
    let variables = Variables::arguments(arguments);
    let mut prepared = Cow::Borrowed(arguments);
    if let Some(prepare) = &tool.prepare {
        let object: Map<String, Value> = prepare.read(&input, variables)?;
        prepared = Cow::Owned(object.into());
        input = Document::from_value(&prepared).map_err(|_| PlanError::TooLarge)?;
    }
    let made_of = Made { prepared: &prepared, input: &input, variables };
    tool.requests().map(|request| made_of.planned(connector, request, api_base)).collect()
}

/// What the requests of a call are made of.
struct Made<'a> {
    prepared: &'a Value,
    input: &'a Document<'a>,
    variables: Variables<'a>,
}

impl Made<'_> {
    fn planned(
        &self,
        connector: &Connector,
        request: &ToolRequest,
        api_base: &Url,
    ) -> Result<Outgoing, PlanError> {
        let mut url = address(api_base, &request.path, self.prepared)?;
        if let Some(query) = &request.query {
            let query: Map<String, Value> = query.read(self.input, self.variables)?;
            extend_query(&mut url, parameters(&query));
        }
        let mut headers = headers_of(connector).ok_or(PlanError::Unsendable)?;
        let mut body = Bytes::new();
        if let Some(expression) = &request.body {
            let value = expression.read::<Value>(self.input, self.variables)?;
            let (kind, encoded) = encode(request.encoding, &value);
            headers.insert(header::CONTENT_TYPE, kind);
            body = encoded;
        }
        let method = Method::from_bytes(request.method.as_str().as_bytes())
            .expect("the catalogue's methods are HTTP's");
        Ok(Outgoing { method, url, headers, body, secrets: Secrets::none() })
    }
}

/// Adds the credential to a request, if it goes to a host that the credential is meant for.
pub fn authorize(
    request: Outgoing,
    parts: &CredentialParts,
    at: &Placement,
    hosts: &HostSet,
) -> Result<Outgoing, PlanError> {
    if !hosts.contains(&destination(&request.url)) {
        return Err(PlanError::ForeignHost);
    }
    parts.placed(request, at).ok_or(PlanError::Unsendable)
}

/// Returns the path below `base`, each `{name}` filled with one argument as one segment.
fn address(base: &Url, path: &str, arguments: &Value) -> Result<Url, PlanError> {
    let mut filled = base.path().trim_end_matches('/').to_owned();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(before);
        let argument = arguments.get(name).and_then(scalar);
        let segment = argument.and_then(|text| segment(&text));
        filled.push_str(&segment.ok_or_else(|| PlanError::Address(format!("/{name}")))?);
        rest = after;
    }
    filled.push_str(rest);
    let (path, query) = filled.split_once('?').map_or((&*filled, None), |(a, b)| (a, Some(b)));
    // Only path and query change; the origin is the base's.
    let mut url = base.clone();
    url.set_path(path);
    url.set_query(query);
    Ok(url)
}

/// Returns one path segment; none where it would climb out of the path, encoded or not.
fn segment(text: &str) -> Option<String> {
    if text.is_empty() || text == "." || text == ".." {
        return None;
    }
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes every write");
        }
    }
    Some(encoded)
}

/// Returns the parameters of an object: null leaves one out, a list repeats it.
fn parameters(object: &Map<String, Value>) -> Vec<(&str, String)> {
    let mut pairs = Vec::new();
    for (name, value) in object {
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        pairs.extend(items.iter().filter_map(scalar).map(|text| (name.as_str(), text)));
    }
    pairs
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(digits(number)),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Writes a number out: a whole one as an integer, none with an exponent.
fn digits(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float.to_string(),
        _ => number.to_string(),
    }
}

/// Returns a body and its content type.
pub(crate) fn encode(encoding: Encoding, value: &Value) -> (HeaderValue, Bytes) {
    match encoding {
        Encoding::Json => {
            let kind = HeaderValue::from_static("application/json; charset=utf-8");
            (kind, serde_json::to_vec(value).expect("a value is JSON").into())
        }
        Encoding::Form => {
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            let fields = value.as_object().map(parameters).unwrap_or_default();
            let fields: Vec<_> = fields.iter().map(|(name, text)| (*name, text.as_str())).collect();
            (kind, form(&fields))
        }
    }
}

#[cfg(test)]
mod tests;
