//! Whose account a credential opens, and whether it opens any.

use astralform_catalog::{Addresses, Connector, ErrorKind, Variables, jq::Document};
use astralform_domain::Account;
use http::Method;
use serde::Deserialize;
use thiserror::Error;

use crate::{
    credentials::CredentialParts,
    egress::{Answer, Outgoing, Secrets},
    oauth::headers,
    refusal::{kind, text, words},
};

/// Why an answer names no account.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum IdentityError {
    #[error("the provider refuses the credential: {0}")]
    Refused(String),
    #[error("the provider did not say")]
    Unclear,
}

/// The request that asks whose credential it is; `None` when the credential cannot be sent.
pub(crate) fn identity_request(
    connector: &Connector,
    addresses: &Addresses,
    parts: &CredentialParts,
) -> Option<Outgoing> {
    let mut headers = headers();
    for (name, value) in &connector.api.headers {
        headers.insert(name.parse::<http::HeaderName>().ok()?, value.parse().ok()?);
    }
    let method = connector.identity.method.as_str();
    let request = Outgoing {
        method: Method::from_bytes(method.as_bytes()).expect("our methods are HTTP's"),
        url: addresses.identity.clone(),
        headers,
        body: bytes::Bytes::new(),
        secrets: Secrets::none(),
    };
    parts.placed(request, &connector.api.credential)
}

/// The longest that an account's id, in bytes, and label, in characters, may be.
const LONGEST: usize = 255;

/// The account in the answer; nothing where the connector recognises none, and the answer is a
/// success.
pub(crate) fn read_account(
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
    let read = expression.read(&document, variables).map_err(|_| IdentityError::Unclear)?;
    account(read).map(Some).ok_or(IdentityError::Unclear)
}

/// What an account expression gives.
#[derive(Deserialize)]
struct Read {
    id: serde_json::Value,
    label: Option<String>,
}

fn account(Read { id, label }: Read) -> Option<Account> {
    let id = match id {
        serde_json::Value::String(id) => id,
        serde_json::Value::Number(id) => id.to_string(),
        _ => return None,
    };
    let is_sound = (1..=LONGEST).contains(&id.len()) && !id.chars().any(char::is_control);
    let label: String =
        label.unwrap_or_default().chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    let label = if label.trim().is_empty() { id.clone() } else { label };
    is_sound.then_some(Account { id, label })
}

fn refused(
    connector: &Connector,
    answer: &Answer,
    code: Option<&str>,
    document: Option<&Document<'_>>,
) -> IdentityError {
    let status = answer.status;
    match kind(connector, status, code) {
        ErrorKind::RateLimited | ErrorKind::ProviderUnavailable => IdentityError::Unclear,
        _ => {
            let variables = Variables::status(status.as_u16());
            let said = document.and_then(|document| words(connector, document, variables));
            let silent = || format!("it answered with status {}", status.as_u16());
            IdentityError::Refused(said.unwrap_or_else(silent))
        }
    }
}
