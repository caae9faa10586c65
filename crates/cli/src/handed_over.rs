//! Secrets that are shown once: the operator who makes them here sees them, or they are revoked.

use anyhow::Context as _;
use astralform_domain::{AdminTokenId, ApiKeyId};
use astralform_management::{
    admin_tokens::{self, NewAdminToken},
    api_keys::{self, NewApiKey},
};
use astralform_storage::Db;

use crate::{audited, config::Store, out};

/// The keys and tokens that a text shows.
#[derive(Default)]
pub(crate) struct Shown {
    api_keys: Vec<ApiKeyId>,
    admin_tokens: Vec<AdminTokenId>,
}

impl Shown {
    pub(crate) fn of<'a>(
        api_keys: impl IntoIterator<Item = &'a NewApiKey>,
        admin_tokens: impl IntoIterator<Item = &'a NewAdminToken>,
    ) -> Self {
        Self {
            api_keys: api_keys.into_iter().map(|key| key.id).collect(),
            admin_tokens: admin_tokens.into_iter().map(|token| token.id).collect(),
        }
    }

    /// Prints a text that shows these secrets. Where it cannot be printed, they are revoked again.
    ///
    /// # Errors
    /// When the text cannot be printed, with what to do then.
    pub(crate) async fn print(
        self,
        text: &str,
        (db, store): (&Db, &Store),
        instead: &str,
    ) -> anyhow::Result<()> {
        let Err(error) = out::hand_over(text) else { return Ok(()) };
        self.revoke(db, store)
            .await
            .context("what was made cannot be handed over, nor revoked again")?;
        anyhow::bail!(
            "what was made cannot be handed over: {error}; so it is revoked again: {instead}"
        )
    }

    async fn revoke(self, db: &Db, store: &Store) -> anyhow::Result<()> {
        let chain = audited::chain(db, store).await;
        for id in self.api_keys {
            api_keys::revoke_as_operator(db, id, false, chain.as_ref()).await?;
        }
        for id in self.admin_tokens {
            admin_tokens::revoke_as_operator(db, id, chain.as_ref()).await?;
        }
        Ok(())
    }
}

/// How to make other keys and tokens.
pub(crate) const MAKE_OTHERS: &str = "make others with `astralform api-keys create` and `astralform \
     admin-tokens create`";
