//! What is changed in rows that come from a copy, since time has passed.

use astralform_domain::Timestamp;

pub use crate::db::copy::{ColumnKind, Snapshot, Table, TableColumn, Value};
use crate::{Result, Run as _, Tx, bind::binds};

/// Marks all refresh tokens: they may have been used up since the copy was made. What was under way
/// then is over.
pub async fn mark_old(tx: &mut Tx) -> Result<u64> {
    const DOUBT: &str = "
        UPDATE tokens SET in_doubt = TRUE, refresh_at = NULL WHERE refresh_token IS NOT NULL";
    // New events must not have the ids that others have had since.
    const EVENTS: &str = "UPDATE connections SET status_changes = status_changes + 1000000";
    const REFRESHES: &str = "DELETE FROM refreshes WHERE answer IS NULL";
    const STATES: &str = "DELETE FROM oauth_states";
    tx.execute(REFRESHES, binds![]).await?;
    tx.execute(STATES, binds![]).await?;
    tx.execute(EVENTS, binds![]).await?;
    tx.execute(DOUBT, binds![]).await
}

/// Ends every API key, admin token and session; returns how many.
pub async fn revoke_keys(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    const API_KEYS: &str = "
        UPDATE api_keys SET revoked_at = $1, tag = NULL WHERE revoked_at IS NULL";
    const ADMIN_TOKENS: &str = "
        UPDATE admin_tokens SET revoked_at = $1, tag = NULL WHERE revoked_at IS NULL";
    const SESSIONS: &str = "DELETE FROM sessions";
    let keys = tx.execute(API_KEYS, binds![now]).await?;
    let tokens = tx.execute(ADMIN_TOKENS, binds![now]).await?;
    Ok(keys + tokens + tx.execute(SESSIONS, binds![]).await?)
}

#[cfg(test)]
mod tests {
    use astralform_domain::{ScopeSet, Sealed};

    use super::*;
    use crate::{
        api_keys, connections,
        testing::{ACTOR, connection, on_both, world},
        tokens::{self, Token},
    };

    fn token(kind: &str, refresh_token: Option<Sealed>) -> Token {
        Token {
            kind: kind.to_owned(),
            generation: 1,
            access_token: Sealed::from_bytes(vec![1]),
            refresh_token,
            expires_at: None,
            scopes: ScopeSet::default(),
            written_at: Timestamp::from_secs(1),
            refresh_at: None,
            in_doubt: false,
            doubts: tokens::Doubts::default(),
        }
    }

    #[tokio::test]
    async fn v5_refresh_tokens_of_a_backup_are_in_doubt() {
        on_both(async |db| {
            let world = world(&db).await;
            let owner = connection(&world, "acc");
            let mut tx = db.begin(ACTOR).await.unwrap();
            connections::create(&mut tx, &owner, Some(world.end_user_key)).await.unwrap();
            let renewable = token("user", Some(Sealed::from_bytes(vec![2])));
            for token in [&renewable, &token("bot", None)] {
                tokens::put(&mut tx, &owner, token).await.unwrap();
            }
            assert_eq!(mark_old(&mut tx).await.unwrap(), 1);
            tx.commit().await.unwrap();
            let marked: Vec<_> = tokens::of(&db, owner.id).await.unwrap();
            let marked: Vec<_> = marked.iter().map(|t| (t.kind.as_str(), t.in_doubt)).collect();
            assert_eq!(marked, [("bot", false), ("user", true)]);
        })
        .await;
    }

    #[tokio::test]
    async fn every_key_can_be_ended() {
        on_both(async |db| {
            let world = world(&db).await;
            let key = crate::testing::api_key(world.tenant);
            let now = Timestamp::from_secs(9);
            let mut tx = db.begin(ACTOR).await.unwrap();
            api_keys::create(&mut tx, &key, now).await.unwrap();
            assert_eq!(revoke_keys(&mut tx, now).await.unwrap(), 1);
            assert_eq!(revoke_keys(&mut tx, now).await.unwrap(), 0);
            tx.commit().await.unwrap();
            assert_eq!(api_keys::find(&db, key.id).await.unwrap().unwrap().revoked_at, Some(now));
        })
        .await;
    }
}
