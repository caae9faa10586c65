//! The keys of developers' backends.

use astralform_domain::{AgentId, ApiKeyId, ProjectId, Tenant, Timestamp};

use crate::{
    Db, Result, Topic, Tx,
    bind::binds,
    db::{Row, Run as _},
    row::Record,
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
            revoked_at: row.optional_time("revoked_at")?,
        })
    }
}

/// Stores a new key.
pub async fn create(tx: &mut Tx, key: &ApiKey, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        INSERT INTO api_keys (id, project_id, environment, agent_id, secret_hash, hint, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let Tenant { project, environment } = key.tenant;
    let hint = key.hint.as_str();
    let binds = binds![key.id, project, environment, key.agent, &key.secret_hash, hint, now];
    tx.change(Topic::ApiKey(key.id), SQL, binds).await?;
    Ok(())
}

/// The key of that id, revoked ones included: authentication looks at the rest.
pub async fn find(db: &Db, id: ApiKeyId) -> Result<Option<ApiKey>> {
    const SQL: &str = "
        SELECT id, project_id, environment, agent_id, secret_hash, hint, revoked_at
        FROM api_keys WHERE id = $1";
    db.optional(SQL, binds![id]).await
}

struct Ended(ApiKeyId);

impl Record for Ended {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.parse("id")?))
    }
}

/// Revokes every key of a project that is not revoked yet; says how many.
pub async fn revoke_all(tx: &mut Tx, project: ProjectId, now: Timestamp) -> Result<usize> {
    const SQL: &str = "
        UPDATE api_keys SET revoked_at = $2
        WHERE project_id = $1 AND revoked_at IS NULL RETURNING id";
    let ended: Vec<Ended> = tx.returning_all(SQL, binds![project, now]).await?;
    for Ended(id) in &ended {
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
