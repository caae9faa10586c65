use astralform_domain::{Endpoints, HostSet};
use url::Url;

use crate::Connector;

/// The addresses of a connector, after replacements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The authorization endpoint.
    pub authorize: Url,
    /// The token endpoint.
    pub token: Url,
    /// What paths are joined to; its own path has no slash at the end.
    pub api_base: Url,
    /// Where the account is recognised.
    pub identity: Url,
    /// Where tokens are ended.
    pub revocation: Option<Url>,
}

impl Connector {
    /// Where everything is, with the replacements of a project connector.
    ///
    /// # Errors
    /// When a replacement is not an address.
    pub fn addresses(&self, endpoints: &Endpoints) -> Result<Addresses, url::ParseError> {
        let base = endpoints.api_base_url.as_deref().unwrap_or(&self.api.base_url);
        let api_base = Url::parse(base.trim_end_matches('/'))?;
        let revocation = match (&endpoints.revoke_url, &self.revocation) {
            (Some(replaced), _) => Some(Url::parse(replaced)?),
            (None, Some(revocation)) => Some(located(&api_base, &revocation.url)?),
            (None, None) => None,
        };
        Ok(Addresses {
            authorize: Url::parse(
                endpoints.authorize_url.as_ref().unwrap_or(&self.oauth.authorize_url),
            )?,
            token: Url::parse(endpoints.token_url.as_ref().unwrap_or(&self.oauth.token_url))?,
            identity: located(&api_base, &self.identity.url)?,
            revocation,
            api_base,
        })
    }
}

impl Addresses {
    /// The hosts that secrets may be sent to. The authorization endpoint is not among them: only
    /// browsers go there.
    pub fn hosts(&self) -> HostSet {
        let all = [
            Some(&self.token),
            Some(&self.api_base),
            Some(&self.identity),
            self.revocation.as_ref(),
        ];
        all.into_iter().flatten().map(destination).collect()
    }
}

/// Where an address leads, as a [`HostSet`] names it: the host, with its port where that is not
/// the scheme's own, and with the scheme where that is not https.
pub fn destination(url: &Url) -> String {
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    if url.scheme() == "https" { host.to_owned() } else { format!("{}://{host}", url.scheme()) }
}

/// An absolute address as it is, a path below `base`.
fn located(base: &Url, address: &str) -> Result<Url, url::ParseError> {
    if address.starts_with('/') {
        return Url::parse(&format!("{}{address}", base.as_str().trim_end_matches('/')));
    }
    Url::parse(address)
}
