use astralform_domain::{Endpoints, HostSet};
use thiserror::Error;
use url::Url;

use crate::{Connector, Template};

/// The addresses of a connector, after replacements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Where consent is asked for and tokens are issued, where it is by OAuth.
    pub oauth: Option<OauthAddresses>,
    /// What paths are joined to; its own path has no slash at the end.
    pub api_base: Url,
    /// Where the account is recognised.
    pub identity: Url,
    /// Where tokens are ended.
    pub revocation: Option<Url>,
    /// Where whole grants are ended.
    pub grant_revocation: Option<Url>,
}

/// The endpoints of an authorization server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthAddresses {
    /// The authorization endpoint.
    pub authorize: Url,
    /// The token endpoint.
    pub token: Url,
}

/// An address that cannot be put together.
#[derive(Debug, Error)]
pub enum AddressError {
    /// The text is not an address.
    #[error(transparent)]
    Invalid(#[from] url::ParseError),
    /// A value cannot be the part of a host name that it stands for.
    #[error("it needs a `{0}` of letters, digits and hyphens, at most 63 of them")]
    BadPart(String),
}

impl Connector {
    /// Returns the addresses, with the replacements of a project connector. Parts that differ from
    /// account to account are `*`.
    ///
    /// # Errors
    /// When a replacement is not an address.
    pub fn addresses(&self, endpoints: &Endpoints) -> Result<Addresses, AddressError> {
        self.put_together(endpoints, |_| Ok("*"))
    }

    /// Returns the addresses for one account, whose credential has these parts.
    ///
    /// # Errors
    /// When a part is missing, or cannot be one of a host name (RFC 1035 §2.3.4).
    pub fn addresses_of<'a>(
        &self,
        endpoints: &Endpoints,
        part: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Addresses, AddressError> {
        self.put_together(endpoints, |name| {
            let found = part(name).filter(|text| is_label(text));
            found.ok_or_else(|| AddressError::BadPart(name.to_owned()))
        })
    }

    /// Returns whether the address of the API differs from account to account.
    pub fn names_hosts(&self, endpoints: &Endpoints) -> bool {
        endpoints.api_base_url.is_none() && self.api.base_url.contains('{')
    }

    fn put_together<'a>(
        &self,
        endpoints: &Endpoints,
        part: impl Fn(&str) -> Result<&'a str, AddressError>,
    ) -> Result<Addresses, AddressError> {
        let base = match &endpoints.api_base_url {
            Some(replaced) => replaced.clone(),
            None => filled(&self.api.base_url, part)?,
        };
        let api_base = Url::parse(base.trim_end_matches('/'))?;
        let revocation = match (&endpoints.revoke_url, &self.revocation) {
            (Some(replaced), _) => Some(Url::parse(replaced)?),
            (None, Some(revocation)) => Some(located(&api_base, &revocation.url)?),
            (None, None) => None,
        };
        let of_grant = self.revocation.as_ref().and_then(|it| it.grant_url.as_ref());
        let grant_revocation = of_grant.map(|path| located(&api_base, path)).transpose()?;
        let oauth = match &self.oauth {
            Some(oauth) => Some(OauthAddresses {
                authorize: replaced(endpoints.authorize_url.as_ref(), &oauth.authorize_url)?,
                token: replaced(endpoints.token_url.as_ref(), &oauth.token_url)?,
            }),
            None => None,
        };
        let identity = located(&api_base, &self.identity.url)?;
        Ok(Addresses { oauth, api_base, identity, revocation, grant_revocation })
    }
}

impl Addresses {
    /// Returns the hosts that secrets may be sent to. The authorization endpoint is not among them:
    /// only browsers go there.
    pub fn hosts(&self) -> HostSet {
        let all = [
            self.oauth.as_ref().map(|oauth| &oauth.token),
            Some(&self.api_base),
            Some(&self.identity),
            self.revocation.as_ref(),
        ];
        all.into_iter().flatten().map(destination).collect()
    }
}

/// Returns where an address leads, as a [`HostSet`] names it: the host, with its port where that is
/// not the scheme's own, and with the scheme where that is not https.
pub fn destination(url: &Url) -> String {
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    if url.scheme() == "https" { host.to_owned() } else { format!("{}://{host}", url.scheme()) }
}

fn replaced(replacement: Option<&String>, usual: &str) -> Result<Url, url::ParseError> {
    Url::parse(replacement.map_or(usual, String::as_str))
}

fn filled<'a>(
    template: &str,
    part: impl Fn(&str) -> Result<&'a str, AddressError>,
) -> Result<String, AddressError> {
    let parsed = Template::parse(template).ok_or(url::ParseError::InvalidDomainCharacter)?;
    parsed.try_fill(part)
}

/// Returns whether a text is one label of a host name (RFC 1035 §2.3.1, RFC 1123 §2.1).
fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Returns an absolute address as it is, and a path joined to `base`.
fn located(base: &Url, address: &str) -> Result<Url, url::ParseError> {
    if address.starts_with('/') {
        return Url::parse(&format!("{}{address}", base.as_str().trim_end_matches('/')));
    }
    Url::parse(address)
}
