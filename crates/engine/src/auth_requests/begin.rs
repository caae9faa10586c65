use astralform_catalog::Pkce;
use astralform_domain::{Actor, AuthRequest, AuthStatus, Entropy, Secret, chain};
use astralform_provider::oauth::{AuthorizationRequest, CodeVerifier};
use astralform_storage::oauth_states::{self, OauthState};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use url::Url;

use crate::{
    Fault, Unusable, auth_requests::Consents, connectors::Ready, places, places::digest_row,
};

/// A flow under way: where the browser goes, and what it has to bring back.
pub struct Started {
    /// The provider's consent page.
    pub authorize_url: Url,
    /// The browser's cookie, fresh or the one it had.
    pub browser: Secret,
}

/// Why a click starts no flow.
#[derive(Debug, Error)]
pub enum BeginError {
    /// The link is not one of ours.
    #[error("this link is not valid")]
    UnknownLink,
    /// The request is over, or waits for something else.
    #[error("this link has been used or has expired")]
    NotPending,
    /// The link has been tried as often as it can be; its request is over now.
    #[error("this link has been tried too often")]
    TooManyAttempts,
    /// The connector cannot be used at present.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Consents {
    /// Starts a flow when the end user agreed to go to the provider, bound to their browser.
    ///
    /// # Errors
    /// When the link is not that of a pending request.
    pub async fn begin_consent(
        &self,
        link: &str,
        browser: Option<Secret>,
    ) -> Result<Started, BeginError> {
        let request = self.prompts.request_of_link(link).await?.ok_or(BeginError::UnknownLink)?;
        if request.status_at(self.base.now()) != AuthStatus::Pending {
            return Err(BeginError::NotPending);
        }
        self.cache.ensure_not_frozen(request.tenant.project).await?.map_err(Unusable::from)?;
        let ready = self.connectors.load_ready(request.tenant, request.project_connector).await??;
        if let Err(error) = self.sandbox.introduce(&ready).await {
            tracing::error!(error = chain(&error), "the simulator does not know our app");
        }
        let (oauth, at) = ready.oauth()?;
        let flow = Flow::new(self, &ready, browser);
        self.remember(&request, &ready, &flow).await?;
        tracing::info!(auth_request.id = %request.id, "consent started");
        let authorization = AuthorizationRequest {
            connector: &ready.connector,
            oauth,
            endpoint: &at.authorize,
            client_id: ready.client_id(),
            redirect_uri: &flow.redirect_uri,
            scopes: &request.required_scopes,
            state: flow.state.expose(),
            verifier: (oauth.pkce == Pkce::S256).then_some(&flow.verifier),
        };
        Ok(Started { authorize_url: authorization.url(), browser: flow.browser })
    }

    async fn remember(
        &self,
        request: &AuthRequest,
        ready: &Ready,
        flow: &Flow,
    ) -> Result<(), BeginError> {
        let key = self.base.keys_of(request.tenant.project).await?;
        let state_hash = digest(flow.state.expose());
        let row = digest_row(&state_hash);
        let binding = places::code_verifier(request, &row, &ready.settings.hosts);
        let expires_at = self.base.now().after(AuthRequest::PHASE);
        let state = OauthState {
            state_hash,
            auth_request: request.id,
            browser_hash: digest(flow.browser.expose()),
            code_verifier: key.seal(binding, &flow.verifier.0, &self.base.entropy),
            redirect_uri: flow.redirect_uri.clone(),
            issuer: known_issuer(ready),
            generation: ready.settings.generation,
            expires_at,
            used_at: None,
            is_settled: false,
            connection: None,
            tag: None,
        };
        let actor = Actor::EndUser(request.id);
        let mut tx = self.base.begin(actor).await.map_err(Fault::from)?;
        oauth_states::create(&mut tx, &state).await.map_err(Fault::from)?;
        if !self.prompts.count_attempt(&mut tx, request, expires_at).await? {
            drop(tx);
            return Err(self.prompts.without_attempts(request).await?);
        }
        Ok(tx.commit_unrecorded().await.map_err(Fault::from)?)
    }
}

/// What a flow is made of before it is stored.
struct Flow {
    state: Secret,
    browser: Secret,
    verifier: CodeVerifier,
    redirect_uri: String,
}

impl Flow {
    fn new(consents: &Consents, ready: &Ready, browser: Option<Secret>) -> Self {
        let entropy = &consents.base.entropy;
        Self {
            state: generate_secret(entropy),
            browser: browser.unwrap_or_else(|| generate_secret(entropy)),
            verifier: CodeVerifier::new(entropy),
            redirect_uri: consents.connectors.redirect_uri(&ready.settings),
        }
    }
}

fn generate_secret(entropy: &Entropy) -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(entropy.bytes::<32>()))
}

/// Returns the issuer to be compared; that of another installation of the service is not known.
fn known_issuer(ready: &Ready) -> Option<String> {
    let settings = &ready.settings;
    let is_the_known_one = !settings.sandbox && settings.endpoints.authorize_url.is_none();
    ready.connector.oauth.as_ref()?.issuer.clone().filter(|_| is_the_known_one)
}

pub(super) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
