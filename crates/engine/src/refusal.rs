//! What a provider's refusal means, and what it says.

use astralform_catalog::{Connector, ErrorKind, Variables, jq::Document};
use astralform_domain::limits;
use http::StatusCode;
use serde_json::Value;

/// The connector's word for the code, or else what the status says.
pub(crate) fn kind(connector: &Connector, status: StatusCode, code: Option<&str>) -> ErrorKind {
    let kinds = &connector.errors.kinds;
    let named = code
        .and_then(|code| kinds.iter().find(|(_, codes)| codes.iter().any(|known| known == code)));
    named.map_or_else(|| by_status(status), |(kind, _)| *kind)
}

/// Whether the connector has a word for the code.
pub(crate) fn is_named(connector: &Connector, code: Option<&str>) -> bool {
    code.is_some_and(|code| {
        connector.errors.kinds.iter().any(|(_, codes)| codes.iter().any(|c| c == code))
    })
}

/// What the provider says about it, where it says anything.
pub(crate) fn words(
    connector: &Connector,
    document: &Document<'_>,
    variables: Variables<'_>,
) -> Option<String> {
    let said = connector.errors.message.as_ref()?;
    let said = said.read::<Option<String>>(document, variables).ok().flatten()?;
    Some(plain(&said)).filter(|said| !said.is_empty())
}

/// A refusal that is not JSON, as the text that it is.
pub(crate) fn text(body: &[u8]) -> Value {
    const LONGEST: usize = 2_000;
    let text = String::from_utf8_lossy(&body[..body.len().min(LONGEST)]);
    Value::String(text.trim().to_owned())
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

/// Returns a provider's words without control characters, and not too many.
fn plain(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(limits::PROVIDER_WORDS.count()).collect::<String>().trim().to_owned()
}
