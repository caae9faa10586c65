//! What a provider's refusal means, and what it says.

use astralform_catalog::{Connector, ErrorKind, Variables};
use astralform_domain::limits;
use astralform_egress::Answer;
use astralform_jq::Document;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;

/// Returns the connector's word for the code, or else what status and headers say.
pub(crate) fn kind(connector: &Connector, answer: &Answer, code: Option<&str>) -> ErrorKind {
    let kinds = &connector.errors.kinds;
    let named = code
        .and_then(|code| kinds.iter().find(|(_, codes)| codes.iter().any(|known| known == code)));
    named.map_or_else(|| by_head(answer), |(kind, _)| *kind)
}

/// Returns whether the connector has a word for the code.
pub(crate) fn is_named(connector: &Connector, code: Option<&str>) -> bool {
    code.is_some_and(|code| {
        connector.errors.kinds.iter().any(|(_, codes)| codes.iter().any(|c| c == code))
    })
}

/// Returns the provider's own words about it, where it has any.
pub(crate) fn words(
    connector: &Connector,
    document: &Document<'_>,
    variables: Variables<'_>,
) -> Option<String> {
    let said = connector.errors.message.as_ref()?;
    let said = said.read::<Option<String>>(document, variables).ok().flatten()?;
    Some(plain(&said)).filter(|said| !said.is_empty())
}

/// Returns the text of a refusal that is not JSON.
pub(crate) fn text(body: &[u8]) -> Value {
    const LONGEST: usize = 2_000;
    let text = String::from_utf8_lossy(&body[..body.len().min(LONGEST)]);
    Value::String(text.trim().to_owned())
}

/// Returns what status and headers say. A 403 may be for now, and say when it is over, or be for
/// the scopes (RFC 6750 §3.1).
fn by_head(answer: &Answer) -> ErrorKind {
    match answer.status {
        StatusCode::FORBIDDEN if answer.says_when() => ErrorKind::RateLimited,
        StatusCode::FORBIDDEN if lacking_scopes(&answer.headers).is_some() => {
            ErrorKind::MissingScope
        }
        status => by_status(status),
    }
}

/// Returns the scopes that a refusal for insufficient scopes names (RFC 6750 §3), which may be
/// none; `None` where the refusal is another one.
pub(crate) fn lacking_scopes(headers: &HeaderMap) -> Option<Vec<String>> {
    let mut challenges = headers.get_all(header::WWW_AUTHENTICATE).iter();
    challenges.find_map(lacking)
}

fn lacking(challenge: &HeaderValue) -> Option<Vec<String>> {
    let (scheme, parameters) = challenge.to_str().ok()?.trim().split_once(' ')?;
    let parameters = parameters_of(parameters)?;
    let is_lacking = scheme.eq_ignore_ascii_case("bearer")
        && find_parameter(&parameters, "error") == Some("insufficient_scope");
    let scopes = find_parameter(&parameters, "scope").unwrap_or_default();
    is_lacking.then(|| scopes.split_whitespace().map(str::to_owned).collect())
}

fn find_parameter<'a>(parameters: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    let found = parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| *value)
}

/// Reads the parameters of a challenge (RFC 9110 §11.2); `None` where they are malformed.
fn parameters_of(mut text: &str) -> Option<Vec<(&str, &str)>> {
    let mut parameters = Vec::new();
    while let Some((name, rest)) = text.trim_start_matches([' ', ',']).split_once('=') {
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_at(rest.find([',', ' ']).unwrap_or(rest.len())),
        };
        parameters.push((name.trim(), value));
        text = rest;
    }
    Some(parameters)
}

fn by_status(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        401 => ErrorKind::ReconnectNeeded,
        403 => ErrorKind::PermissionDenied,
        404 | 410 => ErrorKind::NotFound,
        429 => ErrorKind::RateLimited,
        500.. => ErrorKind::ProviderUnavailable,
        _ => ErrorKind::ProviderRejected,
    }
}

/// Returns a provider's words without control characters, up to a limit.
fn plain(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(limits::PROVIDER_WORDS.count()).collect::<String>().trim().to_owned()
}
