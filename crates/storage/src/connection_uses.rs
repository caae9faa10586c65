//! When connections were last used, noted in batches.

use astralform_domain::{ConnectionId, Timestamp};

use crate::{Result, Tx, bind::binds, db::Run as _};

/// Notes that a connection was used; one that is gone is passed over.
pub async fn note(tx: &mut Tx, connection: ConnectionId, at: Timestamp) -> Result<()> {
    const SQL: &str = "
        INSERT INTO connection_uses (connection_id, used_at)
        SELECT id, $2 FROM connections WHERE id = $1
        ON CONFLICT (connection_id) DO UPDATE SET used_at = $2
        WHERE connection_uses.used_at < $2";
    tx.execute(SQL, binds![connection, at]).await?;
    Ok(())
}
