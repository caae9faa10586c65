//! What commands that work straight on the database write into the audit log.

use std::sync::Arc;

use astralform_domain::Actor;
use astralform_engine::audit::{AuditChain, Event, record_or_go_on};
use astralform_storage::{Db, data_keys};
use astralform_vault::read_key_file_of;

use crate::config::Store;

/// Returns the chain of the installation; `None`, which is told, where the key file cannot be read:
/// what ends or stops something has to work also without it.
pub(crate) async fn chain(db: &Db, store: &Store) -> Option<AuditChain> {
    match open_chain(db, store).await {
        Ok(chain) => Some(chain),
        Err(error) => {
            tracing::warn!(%error, "the audit log will have no entry of this");
            None
        }
    }
}

async fn open_chain(db: &Db, store: &Store) -> anyhow::Result<AuditChain> {
    let ring = read_key_file_of(&store.key_file.path, store.key_file.readers)?;
    let wrapped = data_keys::of_installation(db).await?;
    let wrapped =
        wrapped.ok_or_else(|| anyhow::anyhow!("the installation has no key of its own"))?;
    let key = ring.open_installation_key(&wrapped.envelope)?;
    Ok(AuditChain::of_installation(Arc::new(key)))
}

/// Writes an entry about something that is done already.
pub(crate) async fn note(db: &Db, store: &Store, event: &Event<'_>) -> anyhow::Result<()> {
    let chain = chain(db, store).await;
    let mut tx = db.begin(Actor::Operator).await?;
    record_or_go_on(&mut tx, chain.as_ref(), event).await?;
    Ok(tx.commit().await?)
}
