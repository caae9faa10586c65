use astralform_catalog::{
    Addresses, ClientAuth, Connector, RevocationStyle, Variables, jq::Document,
};
use astralform_domain::Secret;
use http::{Method, header};

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
            fields.push(("token", token.expose()));
            match connector.oauth.as_ref()?.client_auth {
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
    let (kind, body) = encoded(astralform_catalog::Encoding::Form, &fields);
    headers.insert(header::CONTENT_TYPE, kind);
    let url = addresses.revocation.clone()?;
    Some(Outgoing { method: Method::POST, url, headers, body })
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
