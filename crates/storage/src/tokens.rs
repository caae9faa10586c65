//! The sealed tokens of a connection, one row for each kind.

use std::time::Duration;

use astralform_domain::{
    Connection, ConnectionId, ProjectConnectorId, ScopeSet, Sealed, Timestamp,
};

use crate::{
    Db, Result, Run, Tx,
    bind::{binds, json},
    connections::topic,
    db::Row,
    row::{Count, Record},
};

/// The table, for bindings.
pub const TABLE: &str = "tokens";

/// One token of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Which of the connection's tokens it is, as the connector's file calls it.
    pub kind: String,
    /// Counts the writes of this row.
    pub generation: i64,
    /// The access token.
    pub access_token: Sealed,
    /// The refresh token, where the provider gave one.
    pub refresh_token: Option<Sealed>,
    /// When the access token ends, where the provider said so.
    pub expires_at: Option<Timestamp>,
    /// What it was granted.
    pub scopes: ScopeSet,
    /// When it was stored.
    pub written_at: Timestamp,
    /// When it is to be refreshed ahead of its end.
    pub refresh_at: Option<Timestamp>,
    /// Whether its refresh token may have been used up already: it was sent and no answer came, or
    /// it is out of a backup.
    pub in_doubt: bool,
    /// What is known of it since the provider's API refused it.
    pub doubts: Doubts,
}

/// What is known of a token that the provider's API has refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doubts {
    /// When the provider was last asked whether it is dead.
    pub asked_at: Option<Timestamp>,
    /// Since when the provider refuses the token, without a success in between.
    pub refused_since: Option<Timestamp>,
}

impl Doubts {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            asked_at: row.optional_time("asked_at")?,
            refused_since: row.optional_time("refused_since")?,
        })
    }
}

impl Token {
    /// Returns its primary key, for bindings.
    pub fn row_key(connection: ConnectionId, kind: &str) -> String {
        format!("{connection}/{kind}")
    }
}

struct Generation(i64);

impl Record for Generation {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.int("generation")?))
    }
}

impl Record for Token {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            kind: row.text("kind")?,
            generation: row.int("generation")?,
            access_token: row.sealed("access_token")?,
            refresh_token: row.optional_sealed("refresh_token")?,
            expires_at: row.optional_time("expires_at")?,
            scopes: row.json("scopes")?,
            written_at: row.time("written_at")?,
            refresh_at: row.optional_time("refresh_at")?,
            in_doubt: row.flag("in_doubt")?,
            doubts: Doubts::read(row)?,
        })
    }
}

impl Token {
    /// Returns the token in a row of another table that it was joined to, if there was one.
    pub(crate) fn read_joined(row: &Row) -> Result<Option<Self>> {
        let Some(kind) = row.optional_text("token_kind")? else { return Ok(None) };
        Ok(Some(Self {
            kind,
            generation: row.int("token_generation")?,
            access_token: row.sealed("access_token")?,
            refresh_token: row.optional_sealed("refresh_token")?,
            expires_at: row.optional_time("token_expires_at")?,
            scopes: row.json("token_scopes")?,
            written_at: row.time("token_written_at")?,
            refresh_at: row.optional_time("refresh_at")?,
            in_doubt: row.flag("in_doubt")?,
            doubts: Doubts::read(row)?,
        }))
    }
}

/// Stores a token in place of the one of its kind. Nothing is held against it yet.
pub async fn put(tx: &mut Tx, of: &Connection, token: &Token) -> Result<()> {
    const SQL: &str = "
        INSERT INTO tokens
            (connection_id, kind, generation, access_token, refresh_token, expires_at, scopes,
             written_at, refresh_at, in_doubt)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (connection_id, kind) DO UPDATE
        SET generation = $3, access_token = $4, refresh_token = $5, expires_at = $6, scopes = $7,
            written_at = $8, refresh_at = $9, in_doubt = $10, asked_at = NULL,
            refused_since = NULL";
    let binds = binds![
        of.id,
        token.kind.as_str(),
        token.generation,
        &token.access_token,
        token.refresh_token.as_ref(),
        token.expires_at,
        json(&token.scopes),
        token.written_at,
        token.refresh_at,
        token.in_doubt,
    ];
    tx.change(topic(of), SQL, binds).await?;
    Ok(())
}

/// Stores a token in place of the one of its kind and of `generation`, if that is still the one
/// there is; returns whether it was.
pub async fn replace(tx: &mut Tx, of: &Connection, token: &Token, generation: i64) -> Result<bool> {
    const SQL: &str = "
        UPDATE tokens
        SET generation = $3, access_token = $4, refresh_token = $5, expires_at = $6, scopes = $7,
            written_at = $8, refresh_at = $9, in_doubt = $10
        WHERE connection_id = $1 AND kind = $2 AND generation = $11";
    let binds = binds![
        of.id,
        token.kind.as_str(),
        token.generation,
        &token.access_token,
        token.refresh_token.as_ref(),
        token.expires_at,
        json(&token.scopes),
        token.written_at,
        token.refresh_at,
        token.in_doubt,
        generation,
    ];
    Ok(tx.change(topic(of), SQL, binds).await? == 1)
}

/// Notes that the refresh token of that generation may have been used up.
pub async fn doubt(tx: &mut Tx, of: &Connection, kind: &str, generation: i64) -> Result<()> {
    const SQL: &str = "
        UPDATE tokens SET in_doubt = TRUE
        WHERE connection_id = $1 AND kind = $2 AND generation = $3 AND NOT in_doubt";
    tx.execute(SQL, binds![of.id, kind, generation]).await?;
    Ok(())
}

/// Notes at `now` that the provider is asked whether a token is dead, unless it was asked about one
/// of the connection's tokens less than `pause` ago; returns whether it noted it. The connection is
/// to be locked. What a clock that was ahead has noted does not count.
pub async fn begin_asking(
    tx: &mut Tx,
    of: &Connection,
    kind: &str,
    now: Timestamp,
    pause: Duration,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE tokens SET asked_at = $3
        WHERE connection_id = $1 AND kind = $2 AND NOT EXISTS (
            SELECT 1 FROM tokens AS other
            WHERE other.connection_id = $1 AND other.asked_at > $4 AND other.asked_at <= $5)";
    let since = now.before(pause);
    let until = now.after(pause);
    let is_begun = tx.execute(SQL, binds![of.id, kind, now, since, until]).await? == 1;
    if is_begun {
        tx.touch(topic(of));
    }
    Ok(is_begun)
}

/// Notes at `now` that the provider refuses the token of that generation; returns
/// since when it does. None when there is no such token any more.
pub async fn note_refusal(
    tx: &mut Tx,
    of: &Connection,
    (kind, generation): (&str, i64),
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    const SQL: &str = "
        UPDATE tokens
        SET refused_since = CASE WHEN refused_since <= $4 THEN refused_since ELSE $4 END
        WHERE connection_id = $1 AND kind = $2 AND generation = $3
        RETURNING *";
    let noted: Option<Token> = tx.returning(SQL, binds![of.id, kind, generation, now]).await?;
    if noted.is_some() {
        tx.touch(topic(of));
    }
    Ok(noted.and_then(|token| token.doubts.refused_since))
}

/// Forgets that the provider said that a token is dead: the provider has taken it since.
pub async fn forget_refusal(tx: &mut Tx, of: &Connection, kind: &str) -> Result<()> {
    const SQL: &str = "
        UPDATE tokens SET refused_since = NULL
        WHERE connection_id = $1 AND kind = $2 AND refused_since IS NOT NULL";
    if tx.execute(SQL, binds![of.id, kind]).await? == 1 {
        tx.touch(topic(of));
    }
    Ok(())
}

/// Returns the token of that kind.
pub async fn find(tx: &mut Tx, connection: ConnectionId, kind: &str) -> Result<Option<Token>> {
    const SQL: &str = "SELECT * FROM tokens WHERE connection_id = $1 AND kind = $2";
    tx.optional(SQL, binds![connection, kind]).await
}

/// Returns the tokens of a connection.
pub async fn of(db: impl Run, connection: ConnectionId) -> Result<Vec<Token>> {
    const SQL: &str = "SELECT * FROM tokens WHERE connection_id = $1 ORDER BY kind";
    db.all(SQL, binds![connection]).await
}

/// Returns whether a connection in use, of the first thousand of a project connector, has a token
/// that ends and cannot be refreshed.
pub async fn any_without_refresh(db: &Db, at: ProjectConnectorId) -> Result<bool> {
    const SQL: &str = "
        SELECT CAST(1 AS BIGINT) AS number FROM tokens
        WHERE refresh_token IS NULL AND expires_at IS NOT NULL AND connection_id IN
            (SELECT id FROM connections
             WHERE project_connector_id = $1 AND status = 'active' LIMIT 1000)
        LIMIT 1";
    Ok(db.optional::<Count>(SQL, binds![at]).await?.is_some())
}

/// Returns the highest generation among the tokens of a connection; 0 when it has none.
pub async fn last_generation(tx: &mut Tx, connection: ConnectionId) -> Result<i64> {
    const SQL: &str = "
        SELECT COALESCE(MAX(generation), 0) AS generation FROM tokens WHERE connection_id = $1";
    let last: Option<Generation> = tx.optional(SQL, binds![connection]).await?;
    Ok(last.map_or(0, |Generation(last)| last))
}

/// Removes the tokens of a connection and returns them. A refresh of theirs that is under way is of
/// no use any more: the tokens are then in doubt.
pub async fn take(tx: &mut Tx, of: &Connection) -> Result<Vec<Token>> {
    const DOUBT: &str = "
        UPDATE tokens SET in_doubt = TRUE
        WHERE connection_id = $1 AND kind IN
            (SELECT kind FROM refreshes
             WHERE connection_id = $1 AND (is_sent OR answer IS NOT NULL)
               AND refreshes.generation = tokens.generation)";
    const SQL: &str = "DELETE FROM tokens WHERE connection_id = $1 RETURNING *";
    tx.execute(DOUBT, binds![of.id]).await?;
    crate::refreshes::end_all(tx, of).await?;
    let taken: Vec<Token> = tx.returning_all(SQL, binds![of.id]).await?;
    if !taken.is_empty() {
        tx.touch(topic(of));
    }
    Ok(taken)
}

/// Forgets the tokens of a connection.
pub async fn erase(tx: &mut Tx, of: &Connection) -> Result<()> {
    const SQL: &str = "DELETE FROM tokens WHERE connection_id = $1";
    crate::refreshes::end_all(tx, of).await?;
    tx.change(topic(of), SQL, binds![of.id]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACTOR, connection, on_both, world};

    fn token(kind: &str, generation: i64) -> Token {
        Token {
            kind: kind.to_owned(),
            generation,
            access_token: Sealed::from_bytes(vec![1, 2, 3]),
            refresh_token: None,
            expires_at: Some(Timestamp::from_secs(60)),
            scopes: ScopeSet::from_iter(["read"]),
            written_at: Timestamp::from_secs(30),
            refresh_at: Some(Timestamp::from_secs(40)),
            in_doubt: false,
            doubts: Doubts::default(),
        }
    }

    #[tokio::test]
    async fn r4_a_provider_is_asked_about_a_connection_once_a_minute_whichever_token_it_is_about() {
        const MINUTE: Duration = Duration::from_mins(1);
        on_both(async |db| {
            let world = world(&db).await;
            let owner = connection(&world, "acc");
            let mut tx = db.begin(ACTOR).await.unwrap();
            crate::connections::create(&mut tx, &owner, Some(world.end_user_key)).await.unwrap();
            for kind in ["user", "bot"] {
                put(&mut tx, &owner, &token(kind, 1)).await.unwrap();
            }
            let start = Timestamp::from_secs(1_000);
            let [soon, later] = [59, 60].map(|seconds| start.after(Duration::from_secs(seconds)));
            for (kind, now, asked) in [
                ("user", start, true),
                ("bot", start, false),
                ("user", soon, false),
                ("bot", later, true),
                ("user", later, false),
                ("user", start.before(2 * MINUTE), true),
            ] {
                let begun = begin_asking(&mut tx, &owner, kind, now, MINUTE).await.unwrap();
                assert_eq!(begun, asked, "{kind} at {now}");
            }
            assert!(replace(&mut tx, &owner, &token("bot", 2), 1).await.unwrap());
            let kept = find(&mut tx, owner.id, "bot").await.unwrap().unwrap().doubts;
            assert_eq!(kept.asked_at, Some(later), "a refresh was the asking");
            put(&mut tx, &owner, &token("bot", 3)).await.unwrap();
            let fresh = find(&mut tx, owner.id, "bot").await.unwrap().unwrap();
            assert_eq!(fresh.doubts, Doubts::default());
        })
        .await;
    }

    #[tokio::test]
    async fn r4_a_refusal_counts_from_the_first_one_until_a_success_and_for_the_token_it_was_about()
    {
        on_both(async |db| {
            let world = world(&db).await;
            let owner = connection(&world, "acc");
            let mut tx = db.begin(ACTOR).await.unwrap();
            crate::connections::create(&mut tx, &owner, Some(world.end_user_key)).await.unwrap();
            put(&mut tx, &owner, &token("user", 2)).await.unwrap();
            let [first, second] = [100, 200].map(Timestamp::from_secs);
            let mut noted = async |generation, now| {
                note_refusal(&mut tx, &owner, ("user", generation), now).await.unwrap()
            };
            assert_eq!(noted(1, first).await, None, "it is another token by now");
            assert_eq!(noted(2, first).await, Some(first));
            assert_eq!(noted(2, second).await, Some(first));
            assert_eq!(noted(2, Timestamp::from_secs(50)).await, Some(Timestamp::from_secs(50)));
            forget_refusal(&mut tx, &owner, "user").await.unwrap();
            let found = find(&mut tx, owner.id, "user").await.unwrap().unwrap();
            assert_eq!(found.doubts.refused_since, None);
        })
        .await;
    }

    #[tokio::test]
    async fn a_connection_has_one_token_of_each_kind_until_they_are_erased() {
        on_both(async |db| {
            let world = world(&db).await;
            let owner = connection(&world, "acc");
            let mut tx = db.begin(ACTOR).await.unwrap();
            crate::connections::create(&mut tx, &owner, Some(world.end_user_key)).await.unwrap();
            assert_eq!(last_generation(&mut tx, owner.id).await.unwrap(), 0);
            for new in [token("user", 1), token("bot", 1), token("user", 2)] {
                put(&mut tx, &owner, &new).await.unwrap();
            }
            assert_eq!(last_generation(&mut tx, owner.id).await.unwrap(), 2);
            tx.commit().await.unwrap();
            assert_eq!(of(&db, owner.id).await.unwrap(), [token("bot", 1), token("user", 2)]);

            let mut tx = db.begin(ACTOR).await.unwrap();
            erase(&mut tx, &owner).await.unwrap();
            tx.commit().await.unwrap();
            assert!(of(&db, owner.id).await.unwrap().is_empty());
        })
        .await;
    }

    #[tokio::test]
    async fn b6_what_is_taken_away_while_its_refresh_is_out_is_in_doubt() {
        use crate::refreshes::{Claimant, RefreshKey, claim, holder, mark_sent};
        let by = Claimant { node: "node", takes_over: true };
        on_both(async |db| {
            let world = world(&db).await;
            let owner = connection(&world, "acc");
            let mut tx = db.begin(ACTOR).await.unwrap();
            crate::connections::create(&mut tx, &owner, Some(world.end_user_key)).await.unwrap();
            for kind in ["claimed", "sent", "sent before", "still"] {
                put(&mut tx, &owner, &token(kind, 2)).await.unwrap();
            }
            let key = |kind: &str| RefreshKey { connection: owner.id, kind: kind.to_owned() };
            let mut leases = Vec::new();
            for kind in ["claimed", "sent", "sent before"] {
                let length = Duration::from_mins(1);
                leases.push(claim(&mut tx, &key(kind), by, length).await.unwrap().unwrap());
            }
            mark_sent(&mut tx, &leases[1], 2).await.unwrap();
            mark_sent(&mut tx, &leases[2], 1).await.unwrap();
            let mut taken = take(&mut tx, &owner).await.unwrap();
            tx.commit().await.unwrap();
            taken.sort_by(|one, other| one.kind.cmp(&other.kind));
            let taken: Vec<_> =
                taken.iter().map(|token| (token.kind.as_str(), token.in_doubt)).collect();
            let expected =
                [("claimed", false), ("sent", true), ("sent before", false), ("still", false)];
            assert_eq!(taken, expected);
            assert!(of(&db, owner.id).await.unwrap().is_empty());
            assert!(holder(&db, &key("sent"), 2, by).await.unwrap().is_none());
        })
        .await;
    }
}
