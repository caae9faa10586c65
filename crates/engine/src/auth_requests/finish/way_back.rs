//! Where a browser goes in the end.

use astralform_domain::{AuthRequest, AuthStatus, ConnectionId};
use astralform_storage::auth_requests;
use url::Url;

use crate::{
    Fault,
    auth_requests::{Consents, link::confirmation_proof},
};

impl Consents {
    /// Returns the developer's page, told which request it is about and, where nothing was
    /// connected, how it ended, as long as that page is still registered, or our own. The browser
    /// that made `connection` gets the proof of it, on the developer's page alone; a member sees it
    /// on ours.
    pub(in crate::auth_requests) async fn way_back(
        &self,
        request: &AuthRequest,
        connection: Option<ConnectionId>,
    ) -> Result<String, Fault> {
        let theirs = self.registered(request).await?;
        let is_members = request.owner.end_user().is_none();
        let ours = self.prompts.address_of_link(request).await?;
        let mut url = match theirs {
            Some(mut url) => {
                let ended = self.ended_without(request).await?;
                let mut query = url.query_pairs_mut();
                query.append_pair("auth_request", &request.id.to_string());
                query.extend_pairs(ended.map(|status| ("status", status.as_str())));
                drop(query);
                url
            }
            None if !is_members => return Ok(ours),
            None => Url::parse(&ours).map_err(|_| Fault::Inconsistent("a link of ours is none"))?,
        };
        if let Some(connection) = connection {
            let key = self.base.keys_of(request.tenant.project).await?;
            let proof = confirmation_proof(request.id, connection, &key);
            url.query_pairs_mut().append_pair("confirmation", &proof);
        }
        Ok(url.into())
    }

    /// Returns how a request ended by now, where that is without a connection.
    async fn ended_without(&self, request: &AuthRequest) -> Result<Option<AuthStatus>, Fault> {
        let found = auth_requests::find_in_any_tenant(&self.base.db, request.id).await?;
        let status = found.map(|found| found.status_at(self.base.now()));
        Ok(status.filter(|status| !status.is_open() && *status != AuthStatus::Completed))
    }

    /// Returns where a request's browser goes, unless that was unregistered meanwhile.
    async fn registered(&self, request: &AuthRequest) -> Result<Option<Url>, Fault> {
        let Some(wished) = &request.return_url else { return Ok(None) };
        let settings = self.row_tags.environment_settings(request.tenant).await?;
        let is_registered = settings.return_urls.contains(wished);
        if !is_registered {
            tracing::warn!(auth_request.id = %request.id, "its return URL was unregistered");
        }
        Ok(Url::parse(wished).ok().filter(|_| is_registered))
    }
}
