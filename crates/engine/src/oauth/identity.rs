use astralform_catalog::{Addresses, Connector, Variables, jq::Document};
use astralform_domain::{Account, Secret};
use http::{Method, header};
use serde::Deserialize;

use super::{headers, secret_header};
use crate::egress::{Answer, Outgoing};

/// The request that asks whose token it is; `None` when the token cannot stand in a header.
pub(crate) fn identity_request(
    connector: &Connector,
    addresses: &Addresses,
    token: &Secret,
) -> Option<Outgoing> {
    let mut headers = headers();
    let bearer = secret_header(&format!("Bearer {}", token.expose()))?;
    headers.insert(header::AUTHORIZATION, bearer);
    let method = connector.identity.method.as_str();
    Some(Outgoing {
        method: Method::from_bytes(method.as_bytes()).expect("our methods are HTTP's"),
        url: addresses.identity.clone(),
        headers,
        body: bytes::Bytes::new(),
    })
}

/// The longest that an account's id, in bytes, and label, in characters, may be.
const LONGEST: usize = 255;

/// The account in the answer; `None` when the answer does not say.
pub(crate) fn read_account(connector: &Connector, answer: &Answer) -> Option<Account> {
    #[derive(Deserialize)]
    struct Read {
        id: serde_json::Value,
        label: Option<String>,
    }
    if !answer.status.is_success() {
        return None;
    }
    let document = Document::parse(&answer.body).ok()?;
    let variables = Variables::status(answer.status.as_u16());
    if !matches!(connector.errors.code_of(&document, variables), Ok(None)) {
        return None;
    }
    let Read { id, label } = connector.identity.account.read(&document, variables).ok()?;
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
