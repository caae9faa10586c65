use astralform_catalog::{Connector, OAuth};
use astralform_domain::{Entropy, ScopeSet, Secret};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::request::extend_query;

/// The request that a browser takes to the provider (RFC 6749 §4.1.1).
pub struct AuthorizationRequest<'a> {
    /// The connector.
    pub connector: &'a Connector,
    /// What it says of OAuth.
    pub oauth: &'a OAuth,
    /// The authorization endpoint.
    pub endpoint: &'a Url,
    /// The app's client identifier.
    pub client_id: &'a str,
    /// Where the browser is sent back to.
    pub redirect_uri: &'a str,
    /// What is asked for.
    pub scopes: &'a ScopeSet,
    /// The `state` parameter.
    pub state: &'a str,
    /// The PKCE code verifier (RFC 7636), where the provider takes one.
    pub verifier: Option<&'a CodeVerifier>,
}

/// A PKCE code verifier (RFC 7636 §4.1).
pub struct CodeVerifier(pub Secret);

impl CodeVerifier {
    /// Makes a fresh one.
    pub fn new(entropy: &Entropy) -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(entropy.bytes::<32>())))
    }

    /// Returns its S256 challenge (RFC 7636 §4.2).
    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.expose().as_bytes()))
    }
}

impl AuthorizationRequest<'_> {
    /// Returns the address the browser is sent to.
    pub fn url(&self) -> Url {
        let mut url = self.endpoint.clone();
        let pairs = [
            ("response_type", "code"),
            ("client_id", self.client_id),
            ("redirect_uri", self.redirect_uri),
            ("state", self.state),
        ];
        extend_query(&mut url, pairs);
        for (kind, parameter) in &self.oauth.scope_parameters {
            let scopes = self.scopes_of(kind);
            if !scopes.is_empty() {
                extend_query(&mut url, [(parameter, scopes)]);
            }
        }
        if let Some(verifier) = self.verifier {
            let challenge = verifier.challenge();
            let pairs = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
            extend_query(&mut url, pairs);
        }
        extend_query(&mut url, &self.oauth.authorize_parameters);
        url
    }

    /// Returns the scopes of one kind of token, as the provider wants them.
    fn scopes_of(&self, kind: &str) -> String {
        let all = self.scopes.iter().map(|scope| self.connector.token_of(scope));
        let of_kind: Vec<_> =
            all.filter(|(of, _)| *of == kind).map(|(_, spelled)| spelled).collect();
        of_kind.join(&self.oauth.scope_separator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636, appendix B.
    #[test]
    fn o2_the_challenge_is_the_s256_of_the_verifier() {
        let verifier =
            CodeVerifier(Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned()));
        assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn o2_a_verifier_is_fresh_and_long_enough() {
        let entropy = Entropy::seeded(1);
        let fresh = || CodeVerifier::new(&entropy).0.expose().to_owned();
        let one = fresh();
        let two = fresh();
        assert_ne!(one, two);
        assert_eq!(one.len(), 43);
    }
}
