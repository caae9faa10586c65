use astralform_domain::{Actor, Connection, StatusReason};
use astralform_storage::{Tx, connections};

use crate::{Fault, connections::Connections};

impl Connections {
    /// Marks a connection whose token of that kind and generation is dead, unless it was renewed or
    /// ended meanwhile; returns whether it did.
    pub(crate) async fn mark_dead(
        &self,
        connection: &Connection,
        token: (&str, i64),
        why: StatusReason,
    ) -> Result<bool, Fault> {
        let id = connection.id;
        let mut tx = self.base.begin(Actor::Product).await?;
        let marked = connections::mark_dead(&mut tx, connection, token, why).await?;
        tx.commit().await?;
        if marked {
            tracing::info!(connection.id = %id, reason = %why, "connection needs reauth");
        }
        Ok(marked)
    }

    /// Ends a connection, in the caller's transaction; returns whether it still had the status that
    /// was seen. Its tokens are of no use any more; the outbox has them ended at the provider.
    pub(crate) async fn end(
        &self,
        tx: &mut Tx,
        connection: &Connection,
        why: StatusReason,
    ) -> Result<bool, Fault> {
        Ok(connections::revoke(tx, connection, why, self.base.now()).await?)
    }
}
