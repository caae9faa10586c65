use std::collections::BTreeMap;

use astralform_catalog::{ClientAuth, Encoding, OAuth, Variables};
use astralform_domain::{ProviderError, ScopeSet, Secret, limits};
use astralform_egress::{Outgoing, REDACTED, Secrets};
use astralform_jq::Document;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use thiserror::Error;
use url::{Url, form_urlencoded::byte_serialize};

use super::answer::{divided, error_in_object, provider_error, read_answer, standard_error};
use crate::{
    AppReply,
    oauth::Client,
    request::{default_headers, form, secret_header},
};

/// What a code is exchanged with.
pub struct Grant<'a> {
    /// The authorization code.
    pub code: &'a Secret,
    /// The redirect URI that the code came to.
    pub redirect_uri: &'a str,
    /// The PKCE code verifier (RFC 7636), where a challenge was sent.
    pub verifier: Option<&'a Secret>,
}

/// One token, as the provider gave it.
#[derive(Clone)]
pub struct Granted {
    /// Its kind, of those that the connector tells apart.
    pub kind: String,
    /// The access token.
    pub access_token: Secret,
    /// The refresh token, where there is one.
    pub refresh_token: Option<Secret>,
    /// How many seconds it lives.
    pub expires_in: Option<u64>,
    /// What was granted, where the provider said so.
    pub scopes: Option<ScopeSet>,
}

/// One token as it is read. An optional member that is malformed counts as missing: a token that is
/// not understood is lost.
#[derive(Deserialize)]
struct ReadToken {
    #[serde(default = "default_kind")]
    kind: String,
    #[serde(deserialize_with = "secret")]
    access_token: Secret,
    #[serde(default, deserialize_with = "optional_secret")]
    refresh_token: Option<Secret>,
    #[serde(default, deserialize_with = "lifetime")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "listed")]
    scopes: Option<Vec<String>>,
}

impl ReadToken {
    fn granted(self, oauth: &OAuth) -> Granted {
        let Self { kind, access_token, refresh_token, expires_in, scopes } = self;
        let scopes = scopes.map(|listed| divided(oauth, &listed));
        Granted { kind, access_token, refresh_token, expires_in, scopes }
    }
}

/// Why there are no tokens.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// The provider refuses the app.
    #[error("the provider refused the app's own credentials ({0})")]
    ClientRejected(ProviderError),
    /// The provider refuses what it was asked with.
    #[error("the provider refused the grant ({0})")]
    Refused(ProviderError),
    /// The provider says neither.
    #[error("the provider's answer could not be read")]
    Unreadable,
}

impl AppReply for Result<Vec<Granted>, TokenError> {
    fn refuses_app(&self) -> bool {
        matches!(self, Err(TokenError::ClientRejected(_)))
    }
}

/// Returns the request that exchanges a code (RFC 6749 §4.1.3); `None` when the app's credentials
/// cannot stand in a request.
pub fn token_request(
    oauth: &OAuth,
    endpoint: &Url,
    client: &Client,
    grant: &Grant<'_>,
) -> Option<Outgoing> {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", grant.code.expose()),
        ("redirect_uri", grant.redirect_uri),
    ];
    let mut secrets = Secrets::none();
    secrets.add(grant.code);
    if let Some(verifier) = grant.verifier {
        fields.push(("code_verifier", verifier.expose()));
        secrets.add(verifier);
    }
    grant_request(oauth, endpoint, client, fields, secrets)
}

/// Returns the request that refreshes a token (RFC 6749 §6); `None` when the app's credentials
/// cannot stand in a request.
pub fn refresh_request(
    oauth: &OAuth,
    endpoint: &Url,
    client: &Client,
    refresh_token: &Secret,
) -> Option<Outgoing> {
    let fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())];
    let mut secrets = Secrets::none();
    secrets.add(refresh_token);
    grant_request(oauth, endpoint, client, fields, secrets)
}

fn grant_request<'a>(
    oauth: &OAuth,
    endpoint: &Url,
    client: &'a Client,
    mut fields: Vec<(&'a str, &'a str)>,
    mut secrets: Secrets,
) -> Option<Outgoing> {
    let mut headers = default_headers();
    match oauth.client_auth {
        ClientAuth::Basic => {
            headers.insert(header::AUTHORIZATION, basic(client)?);
        }
        ClientAuth::Body => {
            fields.push(("client_id", &client.id));
            fields.push(("client_secret", client.secret.expose()));
        }
    }
    let (kind, body) = encoded(oauth.token_request, &fields);
    headers.insert(header::CONTENT_TYPE, kind);
    secrets.add(&client.secret);
    Some(Outgoing { method: Method::POST, url: endpoint.clone(), headers, body, secrets })
}

pub(crate) fn encoded(encoding: Encoding, fields: &[(&str, &str)]) -> (HeaderValue, Bytes) {
    match encoding {
        Encoding::Form => {
            (HeaderValue::from_static("application/x-www-form-urlencoded"), form(fields))
        }
        Encoding::Json => {
            let object: BTreeMap<_, _> = fields.iter().copied().collect();
            let body = serde_json::to_vec(&object).expect("texts are always JSON");
            (HeaderValue::from_static("application/json"), body.into())
        }
    }
}

/// Writes HTTP Basic with both parts form-encoded first (RFC 6749 §2.3.1).
pub(crate) fn basic(client: &Client) -> Option<HeaderValue> {
    let id: String = byte_serialize(client.id.as_bytes()).collect();
    let secret: String = byte_serialize(client.secret.expose().as_bytes()).collect();
    secret_header(&format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))))
}

/// Reads a token response (RFC 6749 §5), or the refusal in it, at any status.
pub fn read_tokens(
    oauth: &OAuth,
    status: StatusCode,
    body: &[u8],
) -> Result<Vec<Granted>, TokenError> {
    let answer = read_answer(body).ok_or(TokenError::Unreadable)?;
    let document = Document::from_value(&answer).map_err(|_| TokenError::Unreadable)?;
    if let Some(code) = refusal(oauth, status, &document, &answer)? {
        return Err(classify(oauth, &code, provider_error(&answer, &code)));
    }
    let read = match &oauth.token_response.tokens {
        Some(tokens) => tokens
            .read::<Vec<ReadToken>>(&document, Variables::status(status.as_u16()))
            .map_err(|_| TokenError::Unreadable)?,
        None => vec![standard(&answer)?],
    };
    let grants: Vec<_> = read.into_iter().map(|token| token.granted(oauth)).collect();
    let usable = !grants.is_empty()
        && !limits::GRANTED_TOKENS.is_exceeded_by(grants.len())
        && grants.iter().all(is_storable);
    if usable { Ok(grants) } else { Err(TokenError::Unreadable) }
}

/// Returns whether a token can be sent, and is no larger than what is stored.
fn is_storable(granted: &Granted) -> bool {
    let access = granted.access_token.expose();
    let refresh = granted.refresh_token.as_ref().map_or("", Secret::expose);
    !limits::TOKEN_KIND.is_exceeded_by(granted.kind.len())
        && !limits::TOKEN.is_exceeded_by(access.len())
        && !limits::TOKEN.is_exceeded_by(refresh.len())
        && secret_header(access).is_some()
}

fn refusal(
    oauth: &OAuth,
    status: StatusCode,
    document: &Document<'_>,
    answer: &Value,
) -> Result<Option<String>, TokenError> {
    let variables = Variables::status(status.as_u16());
    let code = match &oauth.token_response.error {
        Some(error) => error.read(document, variables).map_err(|_| TokenError::Unreadable)?,
        // An object as `error` is no refusal where the server is in trouble.
        None => standard_error(answer)
            .or_else(|| error_in_object(answer).filter(|_| !status.is_server_error())),
    };
    match code {
        Some(code) => Ok(Some(code)),
        None if status.is_success() => Ok(None),
        None => Err(TokenError::Unreadable),
    }
}

fn classify(oauth: &OAuth, code: &str, said: ProviderError) -> TokenError {
    const STANDARD: [&str; 2] = ["invalid_client", "unauthorized_client"];
    let ours = STANDARD.contains(&code)
        || oauth.token_response.client_errors.iter().any(|known| known == code);
    if ours { TokenError::ClientRejected(said) } else { TokenError::Refused(said) }
}

/// Reads the one token of RFC 6749 §5.1. Members that are not those of the standard are ignored.
fn standard(answer: &Value) -> Result<ReadToken, TokenError> {
    let members = [
        ("access_token", "access_token"),
        ("refresh_token", "refresh_token"),
        ("expires_in", "expires_in"),
        ("scope", "scopes"),
    ];
    let given = members
        .into_iter()
        .filter_map(|(theirs, ours)| Some((ours.to_owned(), answer.get(theirs)?.clone())));
    let token = given.collect::<Map<_, _>>().into();
    serde_json::from_value(token).map_err(|_| TokenError::Unreadable)
}

fn default_kind() -> String {
    "default".to_owned()
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Err(serde::de::Error::custom("the token is empty"));
    }
    if text.contains(REDACTED) {
        return Err(serde::de::Error::custom("the token is what was sent"));
    }
    Ok(Secret::new(text))
}

fn optional_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let said = Value::deserialize(deserializer)?;
    // A token that was sent and comes back redacted counts as missing: the stored one stays.
    let text = said.as_str().filter(|text| !text.is_empty() && !text.contains(REDACTED));
    Ok(text.map(|text| Secret::new(text.to_owned())))
}

/// Reads scopes that are listed in one text or in several.
fn listed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) => {
            let texts = items.into_iter().filter_map(|item| match item {
                Value::String(text) => Some(text),
                _ => None,
            });
            Some(texts.collect())
        }
        _ => None,
    })
}

fn lifetime<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    const TEN_YEARS: u64 = 10 * 365 * 24 * 3_600;
    let said = Value::deserialize(deserializer)?;
    let seconds = said.as_f64().or_else(|| said.as_str()?.trim().parse().ok());
    let seconds = seconds.filter(|seconds| *seconds >= 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let whole = seconds.map(|seconds| (seconds as u64).min(TEN_YEARS));
    Ok(whole)
}

#[cfg(test)]
mod tests;
