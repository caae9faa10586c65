use std::time::Duration;

use astralform_catalog::{
    ClientAuth, Connector, Expression, RevocationEndpoint, RevocationStyle, Variables,
};
use astralform_domain::{Secret, Timestamp};
use astralform_egress::{Answer, Outgoing, Secrets};
use astralform_jq::Document;
use http::{Method, header};
use url::Url;

use super::{
    answer::{read_answer, standard_error},
    token::{basic, encoded},
};
use crate::{
    oauth::Client,
    request,
    request::{default_headers, secret_header},
};

/// What the provider made of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The token is dead, by this request.
    Confirmed,
    /// The token was dead before.
    WasDead,
    /// It may be alive.
    Unconfirmed,
    /// It may be alive: the provider does not take our app's secret.
    AppRefused,
    /// It is alive (RFC 7009 §2.2.1): the provider is in trouble, or wants no request for so long.
    NotNow(Option<Duration>),
}

/// Makes the request that ends a token at an address of the connector's provider; `None` when the
/// connector knows of none.
pub fn revocation_request(
    connector: &Connector,
    at: &Url,
    client: &Client,
    token: &Secret,
) -> Option<Outgoing> {
    let revocation = connector.revocation.as_ref()?;
    let mut headers = default_headers();
    let mut fields = Vec::new();
    match revocation.style {
        RevocationStyle::Bearer => {
            let bearer = secret_header(&format!("Bearer {}", token.expose()))?;
            headers.insert(header::AUTHORIZATION, bearer);
        }
        RevocationStyle::Rfc7009 => {
            fields.push((revocation.parameter.as_str(), token.expose()));
            match revocation
                .client_auth
                .or(connector.oauth.as_ref().map(|oauth| oauth.client_auth))?
            {
                ClientAuth::Basic => {
                    headers.insert(header::AUTHORIZATION, basic(client)?);
                }
                ClientAuth::Body => {
                    fields.push(("client_id", &client.id));
                    fields.push(("client_secret", client.secret.expose()));
                }
            }
        }
    }
    let (kind, body) = encoded(revocation.encoding, &fields);
    headers.insert(header::CONTENT_TYPE, kind);
    let url = filled(at.clone(), client);
    let method = Method::from_bytes(revocation.method.as_str().as_bytes());
    let mut secrets = Secrets::none();
    secrets.add(token);
    secrets.add(&client.secret);
    Some(Outgoing { method: method.expect("our methods are HTTP's"), url, headers, body, secrets })
}

/// Returns the address with our app's identifier in its path, where it stands there.
fn filled(mut url: Url, client: &Client) -> Url {
    if url.path().contains(RevocationEndpoint::CLIENT_ID) {
        let path = url.path().replace(RevocationEndpoint::CLIENT_ID, &request::encoded(&client.id));
        url.set_path(&path);
    }
    url
}

/// Returns what the answer says.
pub fn read_revocation(connector: &Connector, answer: &Answer, now: Timestamp) -> Revoked {
    let Some(revocation) = &connector.revocation else { return Revoked::Unconfirmed };
    let status = answer.status.as_u16();
    let document = Document::parse(&answer.body).ok();
    let document = document.as_ref();
    let already_dead = revocation.already_dead.as_ref();
    if already_dead.is_some_and(|already_dead| is_true(already_dead, document, status)) {
        return Revoked::WasDead;
    }
    match status {
        200..300 if is_confirmed(revocation, answer, document) => Revoked::Confirmed,
        408 | 429 | 500.. => Revoked::NotNow(answer.retry_after(now)),
        403 if answer.retry_after(now).is_some() => Revoked::NotNow(answer.retry_after(now)),
        400 | 401 if revocation.style == RevocationStyle::Rfc7009 => {
            let code = read_answer(&answer.body).as_ref().and_then(standard_error);
            let is_ours = status == 401 || code.as_deref() == Some("invalid_client");
            if is_ours { Revoked::AppRefused } else { Revoked::Unconfirmed }
        }
        _ => Revoked::Unconfirmed,
    }
}

/// Returns whether a success confirms that the token is dead.
fn is_confirmed(
    revocation: &RevocationEndpoint,
    answer: &Answer,
    document: Option<&Document<'_>>,
) -> bool {
    match &revocation.confirmed {
        Some(confirmed) => is_true(confirmed, document, answer.status.as_u16()),
        None => !is_page(answer),
    }
}

/// Returns whether an expression of the connector is true of an answer.
fn is_true(expression: &Expression, document: Option<&Document<'_>>, status: u16) -> bool {
    let Some(document) = document else { return false };
    expression.read(document, Variables::status(status)).unwrap_or(false)
}

/// Returns whether an answer is a page for people: a service that is out of order may answer with
/// one, and it confirms nothing.
fn is_page(answer: &Answer) -> bool {
    let kind = answer.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

#[cfg(test)]
mod tests;
