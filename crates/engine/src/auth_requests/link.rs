use astralform_domain::{AuthRequest, AuthRequestId, ConnectionId};
use astralform_storage::auth_requests;
use astralform_vault::{ProjectKeys, Purpose};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;

use crate::{Fault, auth_requests::Prompts};

/// The secret part of a link to `/connect/…`: an auth request's id and a MAC of it, of whose
/// account it asks for and of the connector.
///
/// It is derived, so that the same open request always has the same link and nothing that opens it
/// is stored.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct LinkToken(String);

const ID: usize = 16;
const TAG: usize = 16;

impl LinkToken {
    /// Returns the token as it stands in an address.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn of(request: &AuthRequest, key: &ProjectKeys) -> Self {
        let id = request.id.to_bytes();
        let owner = request.owner.to_stored().unwrap_or_default();
        let environment = request.tenant.environment.as_str().as_bytes();
        let values: [&[u8]; 4] =
            [&id, environment, &request.project_connector.to_bytes(), owner.as_bytes()];
        let tag = key.tag_of(Purpose::ConnectLink, &values);
        Self(URL_SAFE_NO_PAD.encode([&id, &tag[..TAG]].concat()))
    }

    /// Returns the id of the auth request that a text claims to be the link of; nothing is proven
    /// yet.
    fn claimed(text: &str) -> Option<AuthRequestId> {
        let bytes: [u8; ID + TAG] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(AuthRequestId::from_bytes(*bytes.first_chunk()?))
    }
}

/// Returns what only the browser that made a connection learns, on its way back to the developer's
/// application. The caller that asked knows the auth request's id and link, and must not be able to
/// confirm what another person finished.
pub(super) fn confirmation_proof(
    id: AuthRequestId,
    connection: ConnectionId,
    key: &ProjectKeys,
) -> String {
    let message = [id.to_bytes(), connection.to_bytes()].concat();
    URL_SAFE_NO_PAD.encode(&key.tag(Purpose::Confirmation, &message)[..TAG])
}

impl Prompts {
    /// Returns the auth request whose link `text` is.
    pub(super) async fn request_of_link(&self, text: &str) -> Result<Option<AuthRequest>, Fault> {
        let Some(id) = LinkToken::claimed(text) else {
            return Ok(None);
        };
        let Some(request) = auth_requests::find_in_any_tenant(&self.base.db, id).await? else {
            return Ok(None);
        };
        let link = self.link_of(&request).await?;
        let proven = bool::from(link.0.as_bytes().ct_eq(text.as_bytes()));
        Ok(proven.then_some(request))
    }

    pub(super) async fn link_of(&self, request: &AuthRequest) -> Result<LinkToken, Fault> {
        let key = self.base.keys_of(request.tenant.project).await?;
        Ok(LinkToken::of(request, &key))
    }

    /// Returns where the end user answers an auth request.
    pub(crate) async fn address_of_link(&self, request: &AuthRequest) -> Result<String, Fault> {
        let link = self.link_of(request).await?;
        Ok(self.site.address(&format!("/connect/{}", link.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use astralform_domain::{
        AgentId, AuthReason, AuthRequestState, Clock, Entropy, Environment, Owner,
        ProjectConnectorId, ProjectId, ScopeSet, Tenant, Timestamp,
    };
    use astralform_vault::{KeyRing, KeyUse};

    use super::*;

    fn keys(project: ProjectId) -> ProjectKeys {
        let entropy = Entropy::seeded(1);
        let ring = KeyRing::generate(&entropy);
        let wrapped = |of_use| {
            ring.new_key(Some(project), of_use, ring.current(), &entropy).unwrap().envelope
        };
        ring.open_keys(project, &wrapped(KeyUse::Data), [], &wrapped(KeyUse::Tags)).unwrap()
    }

    fn request(owner: &str) -> AuthRequest {
        let clock = Clock::manual(Timestamp::from_secs(1));
        let entropy = Entropy::seeded(2);
        AuthRequest {
            id: AuthRequestId::new(&clock, &entropy),
            tenant: Tenant {
                project: ProjectId::new(&clock, &entropy),
                environment: Environment::Test,
            },
            project_connector: ProjectConnectorId::new(&clock, &entropy),
            connector: "chat".parse().unwrap(),
            owner: Owner::EndUser(owner.parse().unwrap()),
            agent: AgentId::new(&clock, &entropy),
            reason: AuthReason::NotConnected,
            required_scopes: ScopeSet::default(),
            granted_scopes: ScopeSet::default(),
            renews: None,
            account_hint: None,
            return_url: None,
            state: AuthRequestState::Pending,
            expires_at: Timestamp::from_secs(60),
        }
    }

    #[test]
    fn f14_a_link_is_worth_nothing_once_its_request_asks_for_somebody_else() {
        let of_bob = request("bob");
        let keys = keys(of_bob.tenant.project);
        let link = LinkToken::of(&of_bob, &keys);
        assert_eq!(LinkToken::claimed(link.as_str()), Some(of_bob.id));
        let of_alice = request("alice");
        assert_eq!(of_alice.id, of_bob.id);
        let shared = AuthRequest { owner: Owner::Project, ..of_bob.clone() };
        let clock = Clock::manual(Timestamp::from_secs(1));
        let entropy = Entropy::seeded(3);
        let project_connector = ProjectConnectorId::new(&clock, &entropy);
        let elsewhere = AuthRequest { project_connector, ..of_bob.clone() };
        for altered in [of_alice, shared, elsewhere] {
            assert!(LinkToken::of(&altered, &keys) != link, "{altered:?}");
        }
        assert!(LinkToken::of(&of_bob, &keys) == link);
    }
}
