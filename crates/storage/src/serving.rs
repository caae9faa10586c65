//! What a call needs to know of its end user, in one read.

use astralform_domain::{Connection, Owner, ProjectConnectorId, Tenant};

use crate::{
    Db, Result,
    bind::binds,
    connections::select_serving,
    db::{Row, Run as _},
    row::Record,
    tokens::Token,
};

/// A connection with its sealed tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionWithTokens {
    /// The connection.
    pub connection: Connection,
    /// Its tokens, by kind.
    pub tokens: Vec<Token>,
}

struct Joined(Connection, Option<Token>);

impl Record for Joined {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(Connection::read(row)?, Token::read_joined(row)?))
    }
}

/// Returns the connections of [`connections::serving`](crate::connections::serving) in their order,
/// with their tokens.
pub async fn with_tokens(
    db: &Db,
    tenant: Tenant,
    project_connector: ProjectConnectorId,
    owner: &Owner,
) -> Result<Vec<ConnectionWithTokens>> {
    const SQL: &str = select_serving!(
        "SELECT serving.*,
                (SELECT external_id FROM end_users WHERE id = serving.end_user_id) AS external_id,
                tokens.kind AS token_kind, tokens.generation AS token_generation,
                tokens.access_token, tokens.refresh_token,
                tokens.expires_at AS token_expires_at, tokens.scopes AS token_scopes,
                tokens.written_at AS token_written_at, tokens.refresh_at, tokens.in_doubt,
                tokens.asked_at, tokens.refused_since
         FROM serving
         LEFT JOIN tokens ON tokens.connection_id = serving.id
         ORDER BY serving.is_default DESC, serving.id, tokens.kind"
    );
    let Tenant { project, environment } = tenant;
    let binds = binds![project, environment, project_connector, owner];
    let mut all: Vec<ConnectionWithTokens> = Vec::new();
    for Joined(connection, token) in db.all(SQL, binds).await? {
        match all.last_mut() {
            Some(last) if last.connection.id == connection.id => last.tokens.extend(token),
            _ => all.push(ConnectionWithTokens { connection, tokens: token.into_iter().collect() }),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use astralform_domain::{Owner, ScopeSet, Sealed, Timestamp};

    use super::*;
    use crate::{
        connections,
        testing::{ACTOR, connection, on_both, world},
        tokens,
    };

    fn token(kind: &str) -> Token {
        Token {
            kind: kind.to_owned(),
            generation: 3,
            access_token: Sealed::from_bytes(vec![1, 2, 3]),
            refresh_token: Some(Sealed::from_bytes(vec![4])),
            expires_at: Some(Timestamp::from_secs(60)),
            scopes: ScopeSet::from_iter(["write"]),
            written_at: Timestamp::from_secs(30),
            refresh_at: None,
            in_doubt: true,
            doubts: tokens::Doubts::default(),
        }
    }

    #[tokio::test]
    async fn connections_come_with_their_tokens_in_the_order_of_serving() {
        on_both(async |db| {
            let world = world(&db).await;
            let bare = connection(&world, "bare");
            let full = Connection { is_default: true, ..connection(&world, "full") };
            let shared = Connection { owner: Owner::Project, ..connection(&world, "shared") };
            let mut tx = db.begin(ACTOR).await.unwrap();
            for own in [&bare, &full] {
                connections::create(&mut tx, own, Some(world.end_user_key)).await.unwrap();
            }
            connections::create(&mut tx, &shared, None).await.unwrap();
            for kind in ["user", "bot"] {
                tokens::put(&mut tx, &full, &token(kind)).await.unwrap();
            }
            tokens::put(&mut tx, &shared, &token("user")).await.unwrap();
            tx.commit().await.unwrap();

            let at = world.project_connector.id;
            for (owner, total) in [(Owner::Project, 1), (world.owner(), 3)] {
                let all = with_tokens(&db, world.tenant, at, &owner).await.unwrap();
                let serving = connections::serving(&db, world.tenant, at, &owner).await.unwrap();
                let connections: Vec<_> = all.iter().map(|held| held.connection.clone()).collect();
                assert_eq!(connections, serving);
                let first = tokens::of(&db, all[0].connection.id).await.unwrap();
                assert_eq!(all[0].tokens, first);
                assert_eq!(all.iter().map(|held| held.tokens.len()).sum::<usize>(), total);
            }
        })
        .await;
    }
}
