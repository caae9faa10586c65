//! The keys of developers' backends.

use astralform_domain::{AgentId, ApiKeyId, Environment, ProjectId, Tenant, Timestamp};

use crate::{
    Db, Result, Topic, Tx,
    bind::binds,
    db::{Row, Run as _},
    row::{Id, Record},
};

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, which is part of the key's text.
    pub id: ApiKeyId,
    /// The project and environment it opens.
    pub tenant: Tenant,
    /// The only agent it may act as.
    pub agent: Option<AgentId>,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// What is shown of it.
    pub hint: String,
    /// What vouches for the rest of the row; nothing once it is revoked.
    pub tag: Option<[u8; 32]>,
    /// When it ended.
    pub revoked_at: Option<Timestamp>,
}

impl Record for ApiKey {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parse("id")?,
            tenant: row.tenant()?,
            agent: row.optional_parse("agent_id")?,
            secret_hash: row.digest("secret_hash")?,
            hint: row.text("hint")?,
            tag: row.tag()?,
            revoked_at: row.optional_time("revoked_at")?,
        })
    }
}

/// Stores a new key.
pub async fn create(tx: &mut Tx, key: &ApiKey, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        INSERT INTO api_keys
            (id, project_id, environment, agent_id, secret_hash, hint, created_at, tag)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let Tenant { project, environment } = key.tenant;
    let hint = key.hint.as_str();
    let hash = &key.secret_hash;
    let tag = key.tag.as_ref();
    let binds = binds![key.id, project, environment, key.agent, hash, hint, now, tag];
    tx.change(Topic::ApiKey(key.id), SQL, binds).await?;
    Ok(())
}

/// Returns the key of that id, revoked ones included: authentication looks at the rest.
pub async fn find(db: &Db, id: ApiKeyId) -> Result<Option<ApiKey>> {
    const SQL: &str = "
        SELECT id, project_id, environment, agent_id, secret_hash, hint, tag, revoked_at
        FROM api_keys WHERE id = $1";
    db.optional(SQL, binds![id]).await
}

/// A key as it is listed for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The project and environment it opens.
    pub tenant: Tenant,
    /// What the project is called.
    pub project_name: String,
    /// The name of the only agent it may act as.
    pub agent: Option<String>,
    /// What is shown of it.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ended.
    pub revoked_at: Option<Timestamp>,
}

impl Record for ListedKey {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parse("id")?,
            tenant: row.tenant()?,
            project_name: row.text("project_name")?,
            agent: row.optional_text("agent_name")?,
            hint: row.text("hint")?,
            created_at: row.time("created_at")?,
            revoked_at: row.optional_time("revoked_at")?,
        })
    }
}

/// Returns the keys of a project, or of all that are not deleted, the oldest first.
pub async fn list(
    db: &Db,
    project: Option<ProjectId>,
    environment: Option<Environment>,
) -> Result<Vec<ListedKey>> {
    const SQL: &str = "
        SELECT api_keys.id, api_keys.project_id, api_keys.environment, api_keys.hint,
               api_keys.created_at, api_keys.revoked_at, projects.name AS project_name,
               agents.name AS agent_name
        FROM api_keys
        JOIN projects ON projects.id = api_keys.project_id
        LEFT JOIN agents ON agents.id = api_keys.agent_id
        WHERE projects.deleted_at IS NULL AND api_keys.project_id = COALESCE($1, projects.id)
          AND api_keys.environment = COALESCE($2, api_keys.environment)
        ORDER BY api_keys.id";
    db.all(SQL, binds![project, environment]).await
}

/// Ends a key; returns it as it was before, where there is one.
pub async fn revoke(tx: &mut Tx, id: ApiKeyId, now: Timestamp) -> Result<Option<ApiKey>> {
    const FIND: &str = "
        SELECT id, project_id, environment, agent_id, secret_hash, hint, tag, revoked_at
        FROM api_keys WHERE id = $1";
    const SQL: &str = "
        UPDATE api_keys SET revoked_at = $2, tag = NULL WHERE id = $1 AND revoked_at IS NULL";
    let found = tx.optional(FIND, binds![id]).await?;
    if tx.execute(SQL, binds![id, now]).await? > 0 {
        tx.touch(Topic::ApiKey(id));
    }
    Ok(found)
}

/// What a key opens, and the only agent it may act as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The project and environment.
    pub tenant: Tenant,
    /// The agent.
    pub agent: Option<AgentId>,
}

impl Record for Access {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { tenant: row.tenant()?, agent: row.optional_parse("agent_id")? })
    }
}

/// Returns what the keys opened that ended at a moment, each once, `limit` at most. Those of deleted
/// projects are left out.
pub async fn ended_at(tx: &mut Tx, moment: Timestamp, limit: i64) -> Result<Vec<Access>> {
    const SQL: &str = "
        SELECT DISTINCT api_keys.project_id, api_keys.environment, api_keys.agent_id
        FROM api_keys JOIN projects ON projects.id = api_keys.project_id
        WHERE api_keys.revoked_at = $1 AND projects.deleted_at IS NULL
        ORDER BY api_keys.project_id, api_keys.environment, api_keys.agent_id LIMIT $2";
    tx.all(SQL, binds![moment, limit]).await
}

/// Revokes every key of a project that is not revoked yet; returns how many.
pub async fn revoke_all(tx: &mut Tx, project: ProjectId, now: Timestamp) -> Result<usize> {
    const SQL: &str = "
        UPDATE api_keys SET revoked_at = $2
        WHERE project_id = $1 AND revoked_at IS NULL RETURNING id";
    let ended: Vec<Id<ApiKeyId>> = tx.returning_all(SQL, binds![project, now]).await?;
    for Id(id) in &ended {
        tx.touch(Topic::ApiKey(*id));
    }
    Ok(ended.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{id, on_both, world};

    #[tokio::test]
    async fn a_key_is_found_by_its_id() {
        on_both(async |db| {
            let tenant = world(&db).await.tenant;
            let key = ApiKey {
                id: id(),
                tenant,
                agent: None,
                secret_hash: [7; 32],
                tag: Some([8; 32]),
                hint: "…ab12".to_owned(),
                revoked_at: None,
            };
            let mut tx = db.begin().await.unwrap();
            create(&mut tx, &key, Timestamp::from_secs(1)).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(find(&db, key.id).await.unwrap(), Some(key));
            assert_eq!(find(&db, id()).await.unwrap(), None);
        })
        .await;
    }

    fn key(tenant: Tenant, agent: Option<AgentId>) -> ApiKey {
        ApiKey {
            id: id(),
            tenant,
            agent,
            secret_hash: [7; 32],
            tag: Some([8; 32]),
            hint: "…ab12".to_owned(),
            revoked_at: None,
        }
    }

    // F6
    #[tokio::test]
    async fn keys_are_listed_with_names_and_end_one_by_one() {
        on_both(async |db| {
            let world = world(&db).await;
            let tenant = world.tenant;
            db.follow().await.unwrap();
            let first = key(tenant, None);
            let second = key(tenant, Some(world.agent));
            let mut tx = db.begin().await.unwrap();
            for key in [&first, &second] {
                create(&mut tx, key, Timestamp::from_secs(1)).await.unwrap();
            }
            tx.commit().await.unwrap();
            let listed = list(&db, Some(tenant.project), Some(tenant.environment)).await.unwrap();
            let mut shown: Vec<_> = listed.iter().map(|key| (key.id, key.agent.clone())).collect();
            shown.sort();
            let mut expected = [(first.id, None), (second.id, Some("default".to_owned()))];
            expected.sort();
            assert_eq!(shown, expected);
            assert_eq!(listed[0].project_name, "Project");
            assert_eq!(list(&db, None, None).await.unwrap().len(), 2);
            assert!(list(&db, None, Some(Environment::Live)).await.unwrap().is_empty());
            assert!(list(&db, Some(id()), None).await.unwrap().is_empty());

            let kept = db.stamp(&[Topic::ApiKey(first.id)]).unwrap();
            let now = Timestamp::from_secs(9);
            let mut tx = db.begin().await.unwrap();
            assert_eq!(revoke(&mut tx, first.id, now).await.unwrap(), Some(first.clone()));
            let again = revoke(&mut tx, first.id, Timestamp::from_secs(10)).await.unwrap();
            assert_eq!(again.unwrap().revoked_at, Some(now));
            assert_eq!(revoke(&mut tx, id(), now).await.unwrap(), None);
            assert_eq!(ended_at(&mut tx, now, 9).await.unwrap(), [Access { tenant, agent: None }]);
            assert!(ended_at(&mut tx, Timestamp::from_secs(10), 9).await.unwrap().is_empty());
            tx.commit().await.unwrap();
            assert!(!db.holds(&kept), "nodes forget what they remember of it");
            assert_eq!(find(&db, second.id).await.unwrap(), Some(second));
        })
        .await;
    }

    #[tokio::test]
    async fn the_keys_of_a_project_are_revoked_at_once_and_once() {
        on_both(async |db| {
            let tenant = world(&db).await.tenant;
            db.follow().await.unwrap();
            let key = ApiKey {
                id: id(),
                tenant,
                agent: None,
                secret_hash: [7; 32],
                tag: Some([8; 32]),
                hint: "…ab12".to_owned(),
                revoked_at: None,
            };
            let mut tx = db.begin().await.unwrap();
            create(&mut tx, &key, Timestamp::from_secs(1)).await.unwrap();
            tx.commit().await.unwrap();
            let kept = db.stamp(&[Topic::ApiKey(key.id)]).unwrap();
            let mut tx = db.begin().await.unwrap();
            for (project, expected) in [(id(), 0), (tenant.project, 1), (tenant.project, 0)] {
                let now = Timestamp::from_secs(9);
                assert_eq!(revoke_all(&mut tx, project, now).await.unwrap(), expected);
            }
            tx.commit().await.unwrap();
            assert!(!db.holds(&kept));
            let found = find(&db, key.id).await.unwrap().unwrap();
            assert_eq!(found.revoked_at, Some(Timestamp::from_secs(9)));
        })
        .await;
    }
}
