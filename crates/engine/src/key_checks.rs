//! Keys that are entered, shown to their provider.

use std::sync::Arc;

use astralform_domain::{Account, Tenant, chain};
use astralform_egress::{Egress, REDACTED};
use astralform_provider::{
    Budget,
    identity::{IdentityError, identity_request, read_account},
    request::CredentialParts,
};
use astralform_vault::Purpose;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use thiserror::Error;

use crate::{
    Fault,
    base::Base,
    connections::{OpenAccount, OpenToken},
    connectors::{Ready, reach},
};

/// Why a key that was entered is not stored.
#[derive(Debug, Error)]
pub(crate) enum VerifyError {
    #[error("{0}")]
    Refused(String),
    /// It is not known whether it is good; the text says why.
    #[error("{0}")]
    Unanswered(String),
    /// It cannot be sent before a setting is changed.
    #[error("{0}")]
    NotSent(String),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Shows API keys to their providers.
#[derive(Clone)]
pub(crate) struct KeyChecks {
    base: Arc<Base>,
    egress: Egress,
}

impl KeyChecks {
    pub(crate) fn new(base: &Arc<Base>, egress: &Egress) -> Self {
        Self { base: Arc::clone(base), egress: egress.clone() }
    }

    /// Shows a key to the provider, by the cheapest call that the connector knows. Returns the
    /// account of a key that it takes, with the key as its one token.
    pub(crate) async fn verify_key(
        &self,
        ready: &Ready,
        parts: CredentialParts,
    ) -> Result<OpenAccount, VerifyError> {
        let Ok(addresses) = ready.addresses_for(&parts) else {
            let why = "a part of its address cannot be one".to_owned();
            return Err(VerifyError::Refused(why));
        };
        let addresses = addresses.into_owned();
        let request = identity_request(&ready.connector, &addresses, &parts);
        let request = request
            .ok_or_else(|| VerifyError::Refused("it cannot stand in a request".to_owned()))?;
        let allowance = Budget::IDENTITY.to(reach(&ready.settings));
        let answer = self.egress.send(request, allowance).await.map_err(|error| {
            tracing::warn!(error = chain(&error), "an API key could not be verified");
            let why = error.explain();
            if error.is_ours() { VerifyError::NotSent(why) } else { VerifyError::Unanswered(why) }
        })?;
        let account = match read_account(&ready.connector, &answer) {
            // A provider that names the account by its key: several keys are not one account.
            Ok(Some(Account { id, label })) if id.contains(REDACTED) => {
                let account = self.account_of_key(ready.settings.tenant, &parts).await?;
                Account { label, ..account }
            }
            Ok(Some(account)) => account,
            Ok(None) => self.account_of_key(ready.settings.tenant, &parts).await?,
            Err(IdentityError::Refused(why)) => return Err(VerifyError::Refused(why)),
            Err(IdentityError::Unclear | IdentityError::NoId) => {
                return Err(VerifyError::Unanswered(answer.explain()));
            }
        };
        let token = OpenToken::entered(&parts, &ready.connector, self.base.now());
        Ok(OpenAccount { account, tokens: vec![token], hosts: addresses.hosts() })
    }

    /// Returns the account of a key whose provider does not name any: the key stands for it.
    async fn account_of_key(
        &self,
        tenant: Tenant,
        parts: &CredentialParts,
    ) -> Result<Account, Fault> {
        let key = self.base.keys_of(tenant.project).await?;
        let tag = key.tag(Purpose::KeyAccount, parts.to_text().expose().as_bytes());
        Ok(Account { id: URL_SAFE_NO_PAD.encode(tag), label: format!("key {}", parts.hint()) })
    }
}
