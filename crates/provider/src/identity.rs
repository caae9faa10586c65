//! Whose account a credential opens, and whether it opens any.

use astralform_catalog::{Addresses, Connector, ErrorKind, Variables};
use astralform_domain::{Account, limits};
use astralform_egress::{Answer, Outgoing, Secrets};
use astralform_jq::{Document, NULL_MARK};
use http::{Method, header};
use serde::Deserialize;
use thiserror::Error;

use crate::{
    answer::{is_named, kind, text, words},
    request::{CredentialParts, encode, headers_of},
};

/// Why an answer names no account.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// It refuses it, in these words.
    #[error("the provider refuses the credential: {0}")]
    Refused(String),
    /// It says nothing for certain.
    #[error("the provider did not say")]
    Unclear,
    /// It gives an account, but not the whole of its id.
    #[error("the connector makes an id of parts that the provider did not give")]
    NoId,
}

/// Returns the request that asks whose credential it is; `None` when the credential cannot be sent.
pub fn identity_request(
    connector: &Connector,
    addresses: &Addresses,
    parts: &CredentialParts,
) -> Option<Outgoing> {
    let mut headers = headers_of(connector)?;
    let mut body = bytes::Bytes::new();
    if let Some(expression) = &connector.identity.body {
        let nothing = Variables::arguments(&serde_json::Value::Null);
        let value = expression.run(&Document::null(), nothing).ok()?;
        let (kind, encoded) = encode(connector.identity.encoding, &value);
        headers.insert(header::CONTENT_TYPE, kind);
        body = encoded;
    }
    let method = connector.identity.method.as_str();
    let request = Outgoing {
        method: Method::from_bytes(method.as_bytes()).expect("our methods are HTTP's"),
        url: addresses.identity.clone(),
        headers,
        body,
        secrets: Secrets::none(),
    };
    parts.placed(request, &connector.api.credential)
}

/// What the answer says of a credential that an API has refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialState {
    /// It opens the account.
    Good,
    /// It is refused, as the API did: it may be dead, or the provider be in trouble.
    Refused,
    /// It is dead: the connector has a word for the error.
    Dead,
    /// Nothing for certain.
    Unclear,
}

/// Returns what the answer says of a credential that an API has refused.
pub fn read_credential_state(connector: &Connector, answer: &Answer) -> CredentialState {
    let variables = Variables::status(answer.status.as_u16());
    let said = text(&answer.body);
    let document = Document::parse(&answer.body).or_else(|_| Document::from_value(&said));
    let Ok(document) = document else { return CredentialState::Unclear };
    let code = match connector.errors.code_of(&document, variables) {
        Err(_) if answer.status.is_success() => return CredentialState::Unclear,
        code => code.ok().flatten(),
    };
    let code = code.as_deref();
    if answer.status.is_success() && code.is_none() {
        return CredentialState::Good;
    }
    match kind(connector, answer, code) {
        ErrorKind::ReconnectNeeded if is_named(connector, code) => CredentialState::Dead,
        ErrorKind::ReconnectNeeded => CredentialState::Refused,
        _ => CredentialState::Unclear,
    }
}

/// Returns the account in the answer; `None` where the connector recognises none, and the answer is
/// a success.
pub fn read_account(
    connector: &Connector,
    answer: &Answer,
) -> Result<Option<Account>, IdentityError> {
    let variables = Variables::status(answer.status.as_u16());
    let said;
    let document = match Document::parse(&answer.body) {
        Err(_) if answer.status.is_client_error() => {
            said = text(&answer.body);
            Document::from_value(&said)
        }
        parsed => parsed,
    };
    let code = match &document {
        Ok(document) => connector.errors.code_of(document, variables),
        Err(_) => Ok(None),
    };
    let code = match code {
        Err(_) if answer.status.is_success() => return Err(IdentityError::Unclear),
        code => code.ok().flatten(),
    };
    if !answer.status.is_success() || code.is_some() {
        return Err(refused(connector, answer, code.as_deref(), document.ok().as_ref()));
    }
    let Some(expression) = &connector.identity.account else { return Ok(None) };
    let document = document.map_err(|_| IdentityError::Unclear)?;
    let read = expression.read_marking_null(&document, variables);
    account(read.map_err(|_| IdentityError::Unclear)?).map(Some)
}

/// What an account expression gives.
#[derive(Deserialize)]
struct Read {
    id: serde_json::Value,
    #[serde(default)]
    label: serde_json::Value,
}

/// Makes an account of what the provider gave. An id of which a part is missing would be the id of
/// every account that lacks that part.
fn account(Read { id, label }: Read) -> Result<Account, IdentityError> {
    let id = match id {
        serde_json::Value::String(id) if id.contains(NULL_MARK) => return Err(IdentityError::NoId),
        serde_json::Value::String(id) => id,
        serde_json::Value::Number(id) => exact(&id).ok_or(IdentityError::Unclear)?,
        serde_json::Value::Null => return Err(IdentityError::NoId),
        _ => return Err(IdentityError::Unclear),
    };
    let fits = !id.is_empty() && !limits::ACCOUNT.is_exceeded_by(id.len());
    let is_sound = fits && !id.chars().any(char::is_control);
    let label = match label {
        serde_json::Value::String(label) => label,
        serde_json::Value::Number(label) => label.to_string(),
        _ => String::new(),
    };
    let shown = label.chars().filter(|c| !c.is_control() && *c != NULL_MARK);
    let label: String = shown.take(limits::ACCOUNT_LABEL.count()).collect();
    let label = if label.trim().is_empty() { id.clone() } else { label };
    if is_sound { Ok(Account { id, label }) } else { Err(IdentityError::Unclear) }
}

/// Returns a whole number as it was given; `None` where another one could have become it.
fn exact(id: &serde_json::Number) -> Option<String> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if !id.is_f64() {
        return Some(id.to_string());
    }
    let float = id.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < EXACT)?;
    Some(format!("{float:.0}"))
}

fn refused(
    connector: &Connector,
    answer: &Answer,
    code: Option<&str>,
    document: Option<&Document<'_>>,
) -> IdentityError {
    let status = answer.status;
    match kind(connector, answer, code) {
        ErrorKind::RateLimited | ErrorKind::ProviderUnavailable => IdentityError::Unclear,
        _ => {
            let variables = Variables::status(status.as_u16());
            let said = document.and_then(|document| words(connector, document, variables));
            IdentityError::Refused(
                said.unwrap_or_else(|| format!("it answered with status {}", status.as_u16())),
            )
        }
    }
}
