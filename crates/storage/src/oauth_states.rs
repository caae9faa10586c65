//! The `state` values of authorization requests under way (RFC 6749 §4.1.1), as hashes.

use astralform_domain::{AuthRequestId, Sealed, Timestamp};

use crate::{
    Db, Result, Tx,
    bind::binds,
    db::{Row, Run as _},
    row::Record,
};

/// The table, for bindings.
pub const TABLE: &str = "oauth_states";

/// One authorization request that was sent to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthState {
    /// SHA-256 of the `state` parameter.
    pub state_hash: [u8; 32],
    /// The auth request it serves.
    pub auth_request: AuthRequestId,
    /// SHA-256 of the cookie of the browser it was started in.
    pub browser_hash: [u8; 32],
    /// The PKCE code verifier (RFC 7636 §4.1), where PKCE is used.
    pub code_verifier: Sealed,
    /// The redirect URI that was sent.
    pub redirect_uri: String,
    /// The issuer that was asked, where it is known.
    pub issuer: Option<String>,
    /// The project connector's generation when it was sent.
    pub generation: i64,
    /// The end of its life.
    pub expires_at: Timestamp,
}

impl Record for OauthState {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            state_hash: row.digest("state_hash")?,
            auth_request: row.parse("auth_request_id")?,
            browser_hash: row.digest("browser_hash")?,
            code_verifier: row.sealed("code_verifier")?,
            redirect_uri: row.text("redirect_uri")?,
            issuer: row.optional_text("issuer")?,
            generation: row.int("generation")?,
            expires_at: row.time("expires_at")?,
        })
    }
}

/// Remembers an authorization request.
pub async fn create(tx: &mut Tx, new: &OauthState) -> Result<()> {
    const SQL: &str = "
        INSERT INTO oauth_states
            (state_hash, auth_request_id, browser_hash, code_verifier, redirect_uri, issuer,
             generation, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let binds = binds![
        &new.state_hash,
        new.auth_request,
        &new.browser_hash,
        &new.code_verifier,
        new.redirect_uri.as_str(),
        &new.issuer,
        new.generation,
        new.expires_at,
    ];
    tx.execute(SQL, binds).await?;
    Ok(())
}

/// Takes the state with that hash away: whoever gets it is the only one who ever will.
///
/// Looks first: callbacks with made-up states, which anybody can send, write nothing.
pub async fn consume(db: &Db, state_hash: &[u8; 32]) -> Result<Option<OauthState>> {
    const LOOK: &str = "SELECT * FROM oauth_states WHERE state_hash = $1";
    const SQL: &str = "DELETE FROM oauth_states WHERE state_hash = $1 RETURNING *";
    if db.optional::<OauthState>(LOOK, binds![state_hash]).await?.is_none() {
        return Ok(None);
    }
    db.returning(SQL, binds![state_hash]).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::{auth_request, on_both, pruned, world};

    async fn state(db: &Db) -> OauthState {
        let world = world(db).await;
        let mut tx = db.begin().await.unwrap();
        let request = auth_request(&world);
        let now = Timestamp::from_secs(1);
        let asked =
            crate::auth_requests::open(&mut tx, &request, Some(world.end_user_key), "x", now);
        let state = OauthState {
            state_hash: [1; 32],
            auth_request: asked.await.unwrap().id,
            browser_hash: [2; 32],
            code_verifier: Sealed::from_bytes(vec![3]),
            redirect_uri: "https://connect.example.com/callback".to_owned(),
            issuer: None,
            generation: 1,
            expires_at: Timestamp::from_secs(600),
        };
        create(&mut tx, &state).await.unwrap();
        tx.commit().await.unwrap();
        state
    }

    async fn asks(db: Db) -> Option<OauthState> {
        consume(&db, &[1; 32]).await.unwrap()
    }

    #[tokio::test]
    async fn o1_a_state_is_consumed_once_however_many_ask() {
        on_both(async |db| {
            let stored = state(&db).await;
            let asking: Vec<_> = (0..20).map(|_| tokio::spawn(asks(db.clone()))).collect();
            let mut winners = Vec::new();
            for asked in asking {
                winners.extend(asked.await.unwrap());
            }
            assert_eq!(winners, [stored]);
        })
        .await;
    }

    /// F22: anybody can call back with a made-up state.
    #[tokio::test]
    async fn f22_an_unknown_state_waits_for_no_writer() {
        on_both(async |db| {
            state(&db).await;
            let writing = db.begin().await.unwrap();
            let found = tokio::time::timeout(Duration::from_secs(5), consume(&db, &[9; 32])).await;
            assert_eq!(found.expect("the writer is not needed").unwrap(), None);
            drop(writing);
            assert!(asks(db).await.is_some());
        })
        .await;
    }

    #[tokio::test]
    async fn states_are_forgotten_when_their_time_has_passed() {
        on_both(async |db| {
            state(&db).await;
            assert_eq!(pruned(&db, "oauth_states", Timestamp::from_secs(599)).await, 0);
            assert_eq!(pruned(&db, "oauth_states", Timestamp::from_secs(600)).await, 1);
        })
        .await;
    }
}
