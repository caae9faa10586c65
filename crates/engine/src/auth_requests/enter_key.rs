use std::{collections::BTreeMap, sync::Arc};

use astralform_catalog::Auth;
use astralform_domain::{Actor, AuthRequest, AuthStatus, Secret};
use thiserror::Error;

use super::BeginError;
use crate::{
    Fault, SettingsError, Unusable,
    auth_requests::{Consents, Prompts},
    base::Base,
    cache::Cache,
    connectors::Connectors,
    key_checks::{KeyChecks, VerifyError},
    settings::read_key,
};

/// Why a key that its owner entered is not taken. The prompt stays open, so that they can correct
/// it; nothing was stored.
#[derive(Debug, Error)]
pub enum EnterKeyError {
    /// The link leads nowhere, or the connector cannot be used.
    #[error(transparent)]
    Begin(#[from] BeginError),
    /// The field of that name is empty, or holds what cannot be sent.
    #[error("`{0}` must have 1 to 4096 characters, none of them a control character")]
    Invalid(String),
    /// The provider refuses it, in its own words.
    #[error("the provider refused the key: {0}")]
    Refused(String),
    /// The provider did not answer, so it is not known whether the key is good.
    #[error("the provider did not answer")]
    Unanswered,
    /// This server may not call the provider, before its operator changes a setting.
    #[error("the provider may not be called from here")]
    NotSent,
}

/// Takes the API keys that end users enter.
#[derive(Clone)]
pub struct KeyEntry {
    base: Arc<Base>,
    prompts: Arc<Prompts>,
    cache: Arc<Cache>,
    connectors: Arc<Connectors>,
    key_checks: Arc<KeyChecks>,
    consents: Arc<Consents>,
}

impl KeyEntry {
    pub(crate) fn new(
        prompts: &Arc<Prompts>,
        key_checks: &Arc<KeyChecks>,
        consents: &Arc<Consents>,
    ) -> Self {
        Self {
            base: Arc::clone(&prompts.base),
            prompts: Arc::clone(prompts),
            cache: Arc::clone(&prompts.cache),
            connectors: Arc::clone(&prompts.connectors),
            key_checks: Arc::clone(key_checks),
            consents: Arc::clone(consents),
        }
    }

    /// Takes an API key that an end user entered on our page: shows it to the provider, stores it
    /// when it is good, and returns where the browser goes.
    ///
    /// # Errors
    /// When the link takes no key, or the key is not taken.
    pub async fn enter_key(
        &self,
        link: &str,
        entered: &BTreeMap<String, Secret>,
    ) -> Result<String, EnterKeyError> {
        let request = self.prompts.request_of_link(link).await?.ok_or(BeginError::UnknownLink)?;
        if request.status_at(self.base.now()) != AuthStatus::Pending {
            return Err(BeginError::NotPending.into());
        }
        let thawed = self.cache.ensure_not_frozen(request.tenant.project).await?;
        thawed.map_err(|frozen| BeginError::from(Unusable::from(frozen)))?;
        let ready = self.connectors.load_ready(request.tenant, request.project_connector).await?;
        let ready = ready.map_err(BeginError::from)?;
        let Auth::ApiKey(described) = ready.connector.auth() else {
            return Err(BeginError::from(Unusable::Misconfigured).into());
        };
        let parts = read_key(entered, described).map_err(invalid)?;
        self.count_key(&request).await?;
        let opened = self.key_checks.verify_key(&ready, parts).await?;
        let made = self.consents.receive(&request, &ready, opened).await?;
        Ok(self.consents.way_back(&request, made).await?)
    }

    /// Counts a key that is about to be shown to the provider.
    async fn count_key(&self, request: &AuthRequest) -> Result<(), BeginError> {
        let actor = Actor::EndUser(request.id);
        let mut tx = self.base.begin(actor).await.map_err(Fault::from)?;
        if self.prompts.count_attempt(&mut tx, request, request.expires_at).await? {
            return Ok(tx.commit_unrecorded().await.map_err(Fault::from)?);
        }
        drop(tx);
        Err(self.prompts.without_attempts(request).await?)
    }
}

fn invalid(error: SettingsError) -> EnterKeyError {
    match error {
        SettingsError::BadCredential(field)
        | SettingsError::UnknownCredential { name: field, .. } => EnterKeyError::Invalid(field),
        other => EnterKeyError::Invalid(other.to_string()),
    }
}

impl From<Fault> for EnterKeyError {
    fn from(fault: Fault) -> Self {
        Self::Begin(fault.into())
    }
}

impl From<VerifyError> for EnterKeyError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Refused(why) => Self::Refused(why),
            VerifyError::Unanswered(_) => Self::Unanswered,
            VerifyError::NotSent(_) => Self::NotSent,
            VerifyError::Fault(fault) => fault.into(),
        }
    }
}
