use std::collections::BTreeMap;

use astralform_catalog::{ApiKeyAuth, Auth, Connector, Placement};
use astralform_domain::Secret;
use astralform_egress::Outgoing;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue, header};

use crate::request::{extend_query, secret_header};

/// A credential taken apart, as the connector's file names its parts: an access token, or the
/// fields that were entered.
#[derive(Clone)]
pub struct CredentialParts {
    fields: BTreeMap<String, Secret>,
    /// The names of the parts that may be shown.
    shown: Vec<String>,
}

impl CredentialParts {
    /// Returns an access token.
    pub fn token(token: Secret) -> Self {
        let fields = BTreeMap::from([(Placement::TOKEN.to_owned(), token)]);
        Self { fields, shown: Vec::new() }
    }

    /// Returns what was entered, field by field.
    pub fn entered(fields: BTreeMap<String, Secret>, auth: Auth<'_>) -> Self {
        let shown = match auth {
            Auth::OAuth(_) => Vec::new(),
            Auth::ApiKey(key) => {
                let shown = key.fields.iter().filter(|field| !field.secret);
                shown.map(|field| field.name.clone()).collect()
            }
        };
        Self { fields, shown }
    }

    /// Returns what was sealed for a connection of a connector.
    pub fn opened(connector: &Connector, text: Secret) -> Option<Self> {
        match connector.auth() {
            Auth::OAuth(_) => Some(Self::token(text)),
            Auth::ApiKey(_) => {
                let fields: BTreeMap<String, String> = serde_json::from_str(text.expose()).ok()?;
                let fields = fields.into_iter().map(|(name, text)| (name, Secret::new(text)));
                Some(Self::entered(fields.collect(), connector.auth()))
            }
        }
    }

    /// Returns what was entered, as it is sealed.
    pub fn to_text(&self) -> Secret {
        let fields: BTreeMap<_, _> =
            self.fields.iter().map(|(name, secret)| (name, secret.expose())).collect();
        Secret::new(serde_json::to_string(&fields).unwrap_or_default())
    }

    /// Returns one part.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(Secret::expose)
    }

    /// Returns what is shown of the key.
    pub fn hint(&self) -> String {
        self.fields.get(ApiKeyAuth::KEY).map(Secret::hint).unwrap_or_default()
    }

    /// Puts the credential where a request carries it; returns `None` when it cannot stand there.
    /// The answer will not show its secret parts.
    pub fn placed(&self, mut request: Outgoing, at: &Placement) -> Option<Outgoing> {
        for (name, value) in &at.headers {
            let value: HeaderValue = secret_header(&value.fill(|part| self.get(part))?)?;
            request.headers.insert(name.parse::<HeaderName>().ok()?, value);
        }
        for (name, value) in &at.query {
            let value = value.fill(|part| self.get(part))?;
            extend_query(&mut request.url, [(name, value)]);
        }
        if let Some(at) = &at.basic {
            let username = at.username.fill(|part| self.get(part))?;
            let password = at.password.fill(|part| self.get(part))?;
            request.headers.insert(header::AUTHORIZATION, basic(&username, &password)?);
        }
        for (name, secret) in &self.fields {
            if !self.shown.contains(name) {
                request.secrets.add(secret);
            }
        }
        Some(request)
    }
}

/// Writes HTTP Basic; a user name has no colon (RFC 7617 §2).
fn basic(username: &str, password: &str) -> Option<HeaderValue> {
    if username.contains(':') {
        return None;
    }
    secret_header(&format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))))
}
