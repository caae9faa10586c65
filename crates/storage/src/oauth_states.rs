//! The `state` values of authorization requests under way (RFC 6749 §4.1.1), as hashes.

use astralform_domain::{AuthRequestId, ConnectionId, Sealed, Timestamp};

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
    /// When the browser came back with it, if it has.
    pub used_at: Option<Timestamp>,
    /// Whether what the browser brought has taken effect.
    pub is_settled: bool,
    /// The connection that it led to, where that awaits confirmation, or did.
    pub connection: Option<ConnectionId>,
    /// The tag of that, as the caller made it.
    pub tag: Option<[u8; 32]>,
}

/// A state that a browser has brought back.
#[derive(Debug, PartialEq, Eq)]
pub enum ReturnedState {
    /// For the first time: the flow goes on with this request.
    First(OauthState),
    /// Once more.
    Again(OauthState),
}

impl ReturnedState {
    /// Returns the state.
    pub const fn state(&self) -> &OauthState {
        let (Self::First(state) | Self::Again(state)) = self;
        state
    }
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
            used_at: row.optional_time("used_at")?,
            is_settled: row.flag("is_settled")?,
            connection: row.optional_parse("connection_id")?,
            tag: row.tag()?,
        })
    }
}

/// Remembers an authorization request.
pub async fn create(tx: &mut Tx, new: &OauthState) -> Result<()> {
    const SQL: &str = "
        INSERT INTO oauth_states
            (state_hash, auth_request_id, browser_hash, code_verifier, redirect_uri, issuer,
             generation, expires_at, is_settled)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, FALSE)";
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

/// Returns the state with that hash.
pub async fn find(db: &Db, state_hash: &[u8; 32]) -> Result<Option<OauthState>> {
    const SQL: &str = "SELECT * FROM oauth_states WHERE state_hash = $1";
    db.optional(SQL, binds![state_hash]).await
}

/// Marks the state with that hash as used: one request, and no other ever, gets it as
/// [`ReturnedState::First`].
///
/// Looks first: callbacks with made-up states, which any client can send, write nothing.
pub async fn consume(
    db: &Db,
    state_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<ReturnedState>> {
    const SQL: &str = "
        UPDATE oauth_states SET used_at = $2
        WHERE state_hash = $1 AND used_at IS NULL";
    let Some(found) = find(db, state_hash).await? else { return Ok(None) };
    if found.used_at.is_some() || db.execute(SQL, binds![state_hash, now]).await? != 1 {
        return Ok(Some(ReturnedState::Again(found)));
    }
    Ok(Some(ReturnedState::First(found)))
}

/// Forgets a state that came back in a way that its flow was not begun for: the flow does not go
/// on.
pub async fn forget(db: &Db, state_hash: &[u8; 32]) -> Result<()> {
    const SQL: &str = "DELETE FROM oauth_states WHERE state_hash = $1";
    db.execute(SQL, binds![state_hash]).await?;
    Ok(())
}

/// Notes that what a browser brought with a state has taken effect, and the connection that has to be
/// confirmed where it led to one, with a tag of that.
pub async fn settle(
    db: &Db,
    state_hash: &[u8; 32],
    led_to: Option<(ConnectionId, [u8; 32])>,
) -> Result<()> {
    const SQL: &str = "
        UPDATE oauth_states SET is_settled = TRUE, connection_id = $2, tag = $3
        WHERE state_hash = $1";
    let (connection, tag) = led_to.unzip();
    db.execute(SQL, binds![state_hash, connection, tag.as_ref()]).await?;
    Ok(())
}

/// Returns the connection that an auth request led to in a browser, in any of its flows, with the tag
/// of that.
pub async fn connection_in(
    db: &Db,
    auth_request: AuthRequestId,
    browser_hash: &[u8; 32],
) -> Result<Option<(ConnectionId, [u8; 32])>> {
    const SQL: &str = "
        SELECT * FROM oauth_states
        WHERE auth_request_id = $1 AND browser_hash = $2 AND connection_id IS NOT NULL LIMIT 1";
    let found: Option<OauthState> = db.optional(SQL, binds![auth_request, browser_hash]).await?;
    Ok(found.and_then(|state| state.connection.zip(state.tag)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::{ACTOR, auth_request, on_both, pruned, world};

    async fn state(db: &Db) -> OauthState {
        let world = world(db).await;
        let mut tx = db.begin(ACTOR).await.unwrap();
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
            used_at: None,
            is_settled: false,
            connection: None,
            tag: None,
        };
        create(&mut tx, &state).await.unwrap();
        tx.commit().await.unwrap();
        state
    }

    const NOW: Timestamp = Timestamp::from_secs(9);

    async fn asks(db: Db) -> ReturnedState {
        consume(&db, &[1; 32], NOW).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn o1_a_state_is_consumed_once_however_many_ask() {
        on_both(async |db| {
            let stored = state(&db).await;
            let asking: Vec<_> = (0..20).map(|_| tokio::spawn(asks(db.clone()))).collect();
            let mut winners = Vec::new();
            for asked in asking {
                let brought = asked.await.unwrap();
                winners.extend(matches!(brought, ReturnedState::First(_)).then_some(brought));
            }
            assert_eq!(winners, [ReturnedState::First(stored)]);
            let kept = find(&db, &[1; 32]).await.unwrap().unwrap();
            assert_eq!(kept.used_at, Some(NOW));
        })
        .await;
    }

    #[tokio::test]
    async fn what_a_state_led_to_is_known_to_all_flows_of_its_browser_and_to_no_other() {
        on_both(async |db| {
            let stored = state(&db).await;
            assert!(matches!(asks(db.clone()).await, ReturnedState::First(_)));
            assert!(!find(&db, &[1; 32]).await.unwrap().unwrap().is_settled);
            let led_to = (crate::testing::id(), [7; 32]);
            settle(&db, &[1; 32], Some(led_to)).await.unwrap();
            let ReturnedState::Again(again) = asks(db.clone()).await else { panic!("it is used") };
            assert!(again.is_settled);
            let known = connection_in(&db, stored.auth_request, &[2; 32]).await.unwrap();
            assert_eq!(known, Some(led_to));
            let elsewhere = connection_in(&db, stored.auth_request, &[3; 32]).await.unwrap();
            assert_eq!(elsewhere, None);
        })
        .await;
    }

    /// F22: any client can call back with a made-up state.
    #[tokio::test]
    async fn f22_an_unknown_state_waits_for_no_writer() {
        on_both(async |db| {
            state(&db).await;
            let writing = db.begin(ACTOR).await.unwrap();
            let found =
                tokio::time::timeout(Duration::from_secs(5), consume(&db, &[9; 32], NOW)).await;
            assert_eq!(found.expect("the writer is not needed").unwrap(), None);
            drop(writing);
            assert!(matches!(asks(db).await, ReturnedState::First(_)));
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
