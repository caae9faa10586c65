use astralform_catalog::{
    Addresses, ClientAuth, Connector, Revocation, RevocationStyle, Variables, jq::Document,
};
use astralform_domain::Secret;
use http::{Method, header};
use url::{Url, form_urlencoded::byte_serialize};

use super::{
    headers, secret_header,
    token::{basic, encoded},
};
use crate::{
    egress::{Answer, Outgoing},
    project_connectors::Client,
};

/// What the provider made of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revoked {
    /// The token is dead.
    Confirmed,
    /// It may be alive.
    Unconfirmed,
}

/// The request that ends a token; `None` when the connector knows of none.
pub(crate) fn revocation_request(
    connector: &Connector,
    addresses: &Addresses,
    client: &Client,
    token: &Secret,
) -> Option<Outgoing> {
    let revocation = connector.revocation.as_ref()?;
    let mut headers = headers();
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
    let url = filled(addresses.revocation.clone()?, client);
    let method = Method::from_bytes(revocation.method.as_str().as_bytes());
    Some(Outgoing { method: method.expect("our methods are HTTP's"), url, headers, body })
}

/// The address with our app's identifier in its path, where it stands there.
fn filled(mut url: Url, client: &Client) -> Url {
    if url.path().contains(Revocation::CLIENT_ID) {
        let id = byte_serialize(client.id.as_bytes()).collect::<String>().replace('+', "%20");
        let path = url.path().replace(Revocation::CLIENT_ID, &id);
        url.set_path(&path);
    }
    url
}

/// Whether the answer confirms it.
pub(crate) fn read_revocation(connector: &Connector, answer: &Answer) -> Revoked {
    let confirmed = connector.revocation.as_ref().and_then(|found| found.confirmed.as_ref());
    let confirmed = match confirmed {
        None => true,
        Some(confirmed) => Document::parse(&answer.body).is_ok_and(|document| {
            let variables = Variables::status(answer.status.as_u16());
            confirmed.read::<bool>(&document, variables).unwrap_or(false)
        }),
    };
    if confirmed && answer.status.is_success() { Revoked::Confirmed } else { Revoked::Unconfirmed }
}

#[cfg(test)]
mod tests;
