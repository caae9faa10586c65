use astralform_domain::{AuthRequest, AuthRequestId, ConnectionId, ProjectId};
use astralform_storage::auth_requests;
use astralform_vault::{ProjectKeys, Purpose};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;

use crate::{Engine, Fault};

/// The secret part of a link to `/connect/…`: an auth request's id and a MAC of it.
///
/// It is derived, so that the same open request always has the same link and nothing that opens it
/// is stored.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct LinkToken(String);

const ID: usize = 16;
const TAG: usize = 16;

impl LinkToken {
    /// The token as it stands in an address.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn of(id: AuthRequestId, key: &ProjectKeys) -> Self {
        let id = id.to_bytes();
        let tag = key.tag(Purpose::ConnectLink, &id);
        Self(URL_SAFE_NO_PAD.encode([&id, &tag[..TAG]].concat()))
    }

    /// The id that a text claims to be the link of; nothing is proven yet.
    fn claimed(text: &str) -> Option<AuthRequestId> {
        let bytes: [u8; ID + TAG] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(AuthRequestId::from_bytes(*bytes.first_chunk()?))
    }
}

/// What only the browser that made a connection learns, on its way back to the developer's
/// application. Whoever asked knows the auth request's id and link, and must not be able to
/// confirm what somebody else finished.
pub(super) fn confirmation(
    id: AuthRequestId,
    connection: ConnectionId,
    key: &ProjectKeys,
) -> String {
    let message = [id.to_bytes(), connection.to_bytes()].concat();
    URL_SAFE_NO_PAD.encode(&key.tag(Purpose::Confirmation, &message)[..TAG])
}

impl Engine {
    /// The auth request whose link `text` is.
    pub(super) async fn request_of_link(&self, text: &str) -> Result<Option<AuthRequest>, Fault> {
        let Some(id) = LinkToken::claimed(text) else {
            return Ok(None);
        };
        let Some(request) = auth_requests::find_by_link(&self.db, id).await? else {
            return Ok(None);
        };
        let link = self.link_of(&request).await?;
        let proven = bool::from(link.0.as_bytes().ct_eq(text.as_bytes()));
        Ok(proven.then_some(request))
    }

    pub(super) async fn link_of(&self, request: &AuthRequest) -> Result<LinkToken, Fault> {
        let key = self.keys.of(&self.db, request.tenant.project).await?;
        Ok(LinkToken::of(request.id, &key))
    }

    pub(super) async fn link_address(&self, request: &AuthRequest) -> Result<String, Fault> {
        self.address_of_link(request.tenant.project, request.id).await
    }

    /// Where the end user answers an auth request.
    pub(crate) async fn address_of_link(
        &self,
        project: ProjectId,
        request: AuthRequestId,
    ) -> Result<String, Fault> {
        let key = self.keys.of(&self.db, project).await?;
        let link = LinkToken::of(request, &key);
        Ok(self.site.address(&format!("/connect/{}", link.as_str())))
    }
}
