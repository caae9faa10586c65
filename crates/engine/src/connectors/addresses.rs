//! Whether this server may call the addresses of a connector, told before a call relies on it.

use astralform_catalog::Addresses;
use astralform_domain::{Endpoints, ProjectConnector};
use astralform_egress::Forbidden;
use thiserror::Error;
use url::{Host, Url};

use crate::connectors::Connectors;

/// An address of a connector that this server may not call.
#[derive(Debug, Error)]
#[error("{place}: {why}")]
pub struct ForbiddenAddress {
    /// The setting that it stands in.
    pub place: String,
    /// Why it may not.
    pub why: Forbidden,
}

impl Connectors {
    /// Checks that this server may call the addresses of a project connector, all but those of a
    /// sandboxed one, and those that differ from account to account. Only browsers go to the
    /// authorization endpoint, but a code that came over plain http could be read by others.
    pub(crate) async fn check_addresses(
        &self,
        settings: &ProjectConnector,
        addresses: &Addresses,
    ) -> Result<(), ForbiddenAddress> {
        if settings.sandbox {
            return Ok(());
        }
        let oauth = addresses.oauth.as_ref();
        let authorize = oauth.map(|at| &at.authorize).filter(|url| url.scheme() == "http");
        let checked = tokio::join!(
            self.check_address(authorize),
            self.check_address(oauth.map(|at| &at.token)),
            self.check_address(Some(&addresses.api_base)),
            self.check_address(Some(&addresses.identity)),
            self.check_address(addresses.revocation.as_ref()),
        );
        let Endpoints { authorize_url, token_url, revoke_url, api_base_url } = &settings.endpoints;
        let named = [
            ("authorize_url", checked.0, authorize_url.is_some()),
            ("token_url", checked.1, token_url.is_some()),
            ("api_base_url", checked.2, api_base_url.is_some()),
            ("identity", checked.3, false),
            ("revoke_url", checked.4, revoke_url.is_some()),
        ];
        for (name, checked, is_theirs) in named {
            let place = if is_theirs { "`endpoints" } else { "the catalogue's `connector" };
            let place = format!("{place}.{name}`");
            checked.map_err(|why| ForbiddenAddress { place, why })?;
        }
        Ok(())
    }

    async fn check_address(&self, url: Option<&Url>) -> Result<(), Forbidden> {
        match url.filter(|url| !differs(url)) {
            Some(url) => self.egress.check(url).await,
            None => Ok(()),
        }
    }
}

/// Returns whether a part of the host is another for each account.
fn differs(url: &Url) -> bool {
    matches!(url.host(), Some(Host::Domain(name)) if name.contains('*'))
}
