//! Short-lived sessions: one end user, one agent.

use astralform_domain::{
    AgentId, ConnectorSlug, EndUserId, ProjectId, SessionId, Tenant, Timestamp, ToolName,
};

use crate::{
    Db, Result, Topic, Tx,
    bind::{binds, json},
    db::{Row, Run as _},
    row::{Id, Record},
};

/// A session, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id, which is part of the token's text.
    pub id: SessionId,
    /// The project and environment it belongs to.
    pub tenant: Tenant,
    /// The agent it acts as.
    pub agent: AgentId,
    /// The end user it acts for.
    pub end_user: EndUserId,
    /// The only connectors it may use, where not all of its agent's.
    pub connectors: Option<Vec<ConnectorSlug>>,
    /// The only tools it may use, where not all of its agent's.
    pub tools: Option<Vec<ToolName>>,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// What vouches for the rest of the row.
    pub tag: Option<[u8; 32]>,
    /// The end of its life.
    pub expires_at: Timestamp,
}

impl Record for Session {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parse("id")?,
            tenant: row.tenant()?,
            agent: row.parse("agent_id")?,
            end_user: row.parse("end_user")?,
            connectors: row.optional_json("connectors")?,
            tools: row.optional_json("tools")?,
            secret_hash: row.digest("secret_hash")?,
            tag: row.tag()?,
            expires_at: row.time("expires_at")?,
        })
    }
}

/// Stores a new session.
pub async fn create(tx: &mut Tx, new: &Session, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        INSERT INTO sessions
            (id, project_id, environment, agent_id, end_user, tools, secret_hash, expires_at,
             created_at, tag, connectors)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let binds = binds![
        new.id,
        new.tenant.project,
        new.tenant.environment,
        new.agent,
        &new.end_user,
        new.tools.as_ref().map(json),
        &new.secret_hash,
        new.expires_at,
        now,
        new.tag.as_ref(),
        new.connectors.as_ref().map(json),
    ];
    tx.change(Topic::Session(new.id), SQL, binds).await?;
    Ok(())
}

/// Returns the session of that id, one that is over included: authentication looks at the rest.
pub async fn find(db: &Db, id: SessionId) -> Result<Option<Session>> {
    const SQL: &str = "SELECT * FROM sessions WHERE id = $1";
    db.optional(SQL, binds![id]).await
}

/// Ends the sessions of an end user; returns how many.
pub async fn end_of(tx: &mut Tx, tenant: Tenant, end_user: &EndUserId) -> Result<usize> {
    const SQL: &str = "
        DELETE FROM sessions
        WHERE project_id = $1 AND environment = $2 AND end_user = $3 RETURNING id";
    let binds = binds![tenant.project, tenant.environment, end_user];
    let ended = tx.returning_all(SQL, binds).await?;
    Ok(forgotten(tx, &ended))
}

/// Ends the sessions of an agent; returns how many.
pub async fn end_of_agent(tx: &mut Tx, agent: AgentId) -> Result<usize> {
    const SQL: &str = "DELETE FROM sessions WHERE agent_id = $1 RETURNING id";
    let ended = tx.returning_all(SQL, binds![agent]).await?;
    Ok(forgotten(tx, &ended))
}

/// Ends the sessions of a project in one of its environments; returns how many.
pub async fn end_environment(tx: &mut Tx, tenant: Tenant) -> Result<usize> {
    const SQL: &str = "
        DELETE FROM sessions WHERE project_id = $1 AND environment = $2 RETURNING id";
    let ended = tx.returning_all(SQL, binds![tenant.project, tenant.environment]).await?;
    Ok(forgotten(tx, &ended))
}

/// Ends the sessions of a project; returns how many.
pub async fn end_all(tx: &mut Tx, project: ProjectId) -> Result<usize> {
    const SQL: &str = "DELETE FROM sessions WHERE project_id = $1 RETURNING id";
    let ended = tx.returning_all(SQL, binds![project]).await?;
    Ok(forgotten(tx, &ended))
}

fn forgotten(tx: &mut Tx, ended: &[Id<SessionId>]) -> usize {
    for Id(id) in ended {
        tx.touch(Topic::Session(*id));
    }
    ended.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACTOR, World, id, on_both, pruned, world};

    #[tokio::test]
    async fn a_session_is_kept_until_its_time_has_passed() {
        on_both(async |db| {
            let world = world(&db).await;
            let session = Session {
                id: id(),
                tenant: world.tenant,
                agent: world.agent,
                end_user: world.end_user,
                connectors: Some(vec!["chat".parse().unwrap()]),
                tools: Some(vec!["chat_send".parse().unwrap()]),
                secret_hash: [7; 32],
                tag: Some([8; 32]),
                expires_at: Timestamp::from_secs(60),
            };
            let mut tx = db.begin(ACTOR).await.unwrap();
            create(&mut tx, &session, Timestamp::from_secs(1)).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(pruned(&db, "sessions", Timestamp::from_secs(59)).await, 0);
            assert_eq!(find(&db, session.id).await.unwrap(), Some(session.clone()));
            assert_eq!(pruned(&db, "sessions", Timestamp::from_secs(60)).await, 1);
            assert_eq!(find(&db, session.id).await.unwrap(), None);
        })
        .await;
    }
    fn session(world: &World, end_user: &str) -> Session {
        Session {
            id: id(),
            tenant: world.tenant,
            agent: world.agent,
            end_user: end_user.parse().unwrap(),
            connectors: None,
            tools: None,
            secret_hash: [7; 32],
            tag: Some([8; 32]),
            expires_at: Timestamp::from_secs(60),
        }
    }

    #[tokio::test]
    async fn sessions_end_with_their_end_user_or_project_and_nobody_remembers_them() {
        on_both(async |db| {
            let world = world(&db).await;
            db.follow().await.unwrap();
            let tenant = world.tenant;
            let both = [session(&world, "alice"), session(&world, "bob")];
            let mut tx = db.begin(ACTOR).await.unwrap();
            for session in &both {
                create(&mut tx, session, Timestamp::from_secs(1)).await.unwrap();
            }
            tx.commit().await.unwrap();
            let kept = both.each_ref().map(|session| db.stamp(&[Topic::Session(session.id)]));
            let mut tx = db.begin(ACTOR).await.unwrap();
            assert_eq!(end_of(&mut tx, tenant, &both[0].end_user).await.unwrap(), 1);
            tx.commit().await.unwrap();
            assert_eq!(
                kept.each_ref().map(|stamp| db.holds(stamp.as_ref().unwrap())),
                [false, true]
            );
            let mut tx = db.begin(ACTOR).await.unwrap();
            assert_eq!(end_all(&mut tx, id()).await.unwrap(), 0);
            let live = Tenant { environment: astralform_domain::Environment::Live, ..tenant };
            assert_eq!(end_environment(&mut tx, live).await.unwrap(), 0);
            assert_eq!(end_environment(&mut tx, tenant).await.unwrap(), 1);
            create(&mut tx, &both[1], Timestamp::from_secs(1)).await.unwrap();
            assert_eq!(end_all(&mut tx, tenant.project).await.unwrap(), 1);
            tx.commit().await.unwrap();
            assert!(!db.holds(kept[1].as_ref().unwrap()));
            assert_eq!(find(&db, both[1].id).await.unwrap(), None);
        })
        .await;
    }
}
