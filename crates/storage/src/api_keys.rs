//! The keys of developers' backends.

use astralform_domain::{
    AgentId, ApiKeyId, ConnectorSlug, Email, Environment, ProjectId, Tenant, Timestamp,
};

use crate::{
    Db, Result, Topic, Tx,
    bind::{binds, json},
    db::{Row, Run},
    row::{Count, Id, Record},
};

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, which is part of the key's text.
    pub id: ApiKeyId,
    /// What it opens.
    pub access: Access,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// What is shown of it.
    pub hint: String,
    /// What vouches for the rest of the row; nothing once it is revoked.
    pub tag: Option<[u8; 32]>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

/// What a key opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The project and environment.
    pub tenant: Tenant,
    /// What people call the key.
    pub name: String,
    /// The only agent it may act as.
    pub agent: Option<AgentId>,
    /// The only connectors it may use, where not all of its agent's.
    pub connectors: Option<Vec<ConnectorSlug>>,
}

impl ApiKey {
    /// Returns whether it opens anything at a moment.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }
}

impl Record for Access {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            tenant: row.tenant()?,
            name: row.text("name")?,
            agent: row.optional_parse("agent_id")?,
            connectors: row.optional_json("connectors")?,
        })
    }
}

impl Record for ApiKey {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parse("id")?,
            access: Access::read(row)?,
            secret_hash: row.digest("secret_hash")?,
            hint: row.text("hint")?,
            tag: row.tag()?,
            expires_at: row.optional_time("expires_at")?,
            revoked_at: row.optional_time("revoked_at")?,
        })
    }
}

/// Stores a new key, as made by the actor of the transaction.
pub async fn create(tx: &mut Tx, key: &ApiKey, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        INSERT INTO api_keys
            (id, project_id, environment, name, agent_id, connectors, secret_hash, hint, tag,
             created_at, created_by, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let Access { tenant, name, agent, connectors } = &key.access;
    let binds = binds![
        key.id,
        tenant.project,
        tenant.environment,
        name.as_str(),
        *agent,
        connectors.as_ref().map(json),
        &key.secret_hash,
        key.hint.as_str(),
        key.tag.as_ref(),
        now,
        tx.actor().to_string(),
        key.expires_at,
    ];
    tx.change(Topic::ApiKey(key.id), SQL, binds).await?;
    Ok(())
}

/// Returns the key of that id, one that is over included: authentication looks at the rest.
pub async fn find(db: &Db, id: ApiKeyId) -> Result<Option<ApiKey>> {
    const SQL: &str = "SELECT * FROM api_keys WHERE id = $1";
    db.optional(SQL, binds![id]).await
}

/// Returns a key and locks it until the transaction ends.
pub async fn lock(tx: &mut Tx, id: ApiKeyId) -> Result<Option<ApiKey>> {
    const SQL: &str = "UPDATE api_keys SET hint = hint WHERE id = $1 RETURNING *";
    tx.returning(SQL, binds![id]).await
}

/// A key as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What it opens.
    pub access: Access,
    /// What the project is called.
    pub project_name: String,
    /// The name of the only agent it may act as.
    pub agent_name: Option<String>,
    /// What is shown of it.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it: an id that says of what, or `operator`.
    pub created_by: String,
    /// The address of the member who made it.
    pub created_by_email: Option<Email>,
    /// When it was last used; known a minute later.
    pub used_at: Option<Timestamp>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

impl ListedKey {
    /// Returns whether it opens anything at a moment.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }
}

impl Record for ListedKey {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parse("id")?,
            access: Access::read(row)?,
            project_name: row.text("project_name")?,
            agent_name: row.optional_text("agent_name")?,
            hint: row.text("hint")?,
            created_at: row.time("created_at")?,
            created_by: row.text("created_by")?,
            created_by_email: row.optional_parse("created_by_email")?,
            used_at: row.optional_time("used_at")?,
            expires_at: row.optional_time("expires_at")?,
            revoked_at: row.optional_time("revoked_at")?,
        })
    }
}

/// Which keys are looked for, of projects that are not deleted: those that match every field that is
/// set.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyFilter {
    /// Of that project.
    pub project: Option<ProjectId>,
    /// Of that environment.
    pub environment: Option<Environment>,
    /// Of that id.
    pub id: Option<ApiKeyId>,
    /// Those after that one.
    pub after: Option<ApiKeyId>,
    /// So many at most.
    pub limit: Option<i64>,
}

/// Returns the keys that fit, the oldest first.
pub async fn list(db: impl Run, filter: KeyFilter) -> Result<Vec<ListedKey>> {
    const SQL: &str = "
        SELECT api_keys.*, projects.name AS project_name, agents.name AS agent_name,
               members.email AS created_by_email
        FROM api_keys
        JOIN projects ON projects.id = api_keys.project_id
        LEFT JOIN agents ON agents.id = api_keys.agent_id
        LEFT JOIN members ON members.id = api_keys.created_by
        WHERE projects.deleted_at IS NULL AND api_keys.project_id = COALESCE($1, projects.id)
          AND api_keys.environment = COALESCE($2, api_keys.environment)
          AND api_keys.id = COALESCE($3, api_keys.id) AND api_keys.id > $4
        ORDER BY api_keys.id LIMIT $5";
    let KeyFilter { project, environment, id, after, limit } = filter;
    let after = after.map_or_else(String::new, |id| id.to_string());
    db.all(SQL, binds![project, environment, id, after, limit.unwrap_or(i64::MAX)]).await
}

/// Returns how many keys of an environment are not over.
pub async fn count_live(tx: &mut Tx, tenant: Tenant, now: Timestamp) -> Result<i64> {
    const SQL: &str = "
        SELECT COUNT(*) AS number FROM api_keys
        WHERE project_id = $1 AND environment = $2 AND revoked_at IS NULL
          AND (expires_at IS NULL OR expires_at > $3)";
    let found: Option<Count> =
        tx.optional(SQL, binds![tenant.project, tenant.environment, now]).await?;
    Ok(found.map_or(0, |Count(number)| number))
}

/// Stores when a key ends by itself, with the tag that vouches for it.
pub async fn set_expiry(tx: &mut Tx, key: &ApiKey) -> Result<()> {
    const SQL: &str = "
        UPDATE api_keys SET expires_at = $2, tag = $3 WHERE id = $1 AND revoked_at IS NULL";
    let binds = binds![key.id, key.expires_at, key.tag.as_ref()];
    tx.change(Topic::ApiKey(key.id), SQL, binds).await?;
    Ok(())
}

/// Notes when a key was last used. What is remembered of it stays as it is.
pub async fn note_use(tx: &mut Tx, id: ApiKeyId, at: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE api_keys SET used_at = $2 WHERE id = $1 AND (used_at IS NULL OR used_at < $2)";
    tx.execute(SQL, binds![id, at]).await?;
    Ok(())
}

/// Ends a key; returns it as it was before, where there is one.
pub async fn revoke(tx: &mut Tx, id: ApiKeyId, now: Timestamp) -> Result<Option<ApiKey>> {
    const FIND: &str = "SELECT * FROM api_keys WHERE id = $1";
    const SQL: &str = "
        UPDATE api_keys SET revoked_at = $2, tag = NULL WHERE id = $1 AND revoked_at IS NULL";
    let found = tx.optional(FIND, binds![id]).await?;
    if tx.execute(SQL, binds![id, now]).await? > 0 {
        tx.touch(Topic::ApiKey(id));
    }
    Ok(found)
}

/// What a key opened until it was ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedAccess {
    /// What it opened.
    pub access: Access,
    /// When it would have ended by itself.
    pub expires_at: Option<Timestamp>,
}

impl Record for EndedAccess {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { access: Access::read(row)?, expires_at: row.optional_time("expires_at")? })
    }
}

/// Returns what the keys opened that were ended at a moment, `limit` at most. Those that had ended
/// by themselves before, and those of deleted projects and agents, are left out.
pub async fn ended_at(tx: &mut Tx, moment: Timestamp, limit: i64) -> Result<Vec<EndedAccess>> {
    const SQL: &str = "
        SELECT DISTINCT api_keys.project_id, api_keys.environment, api_keys.agent_id,
               api_keys.name, api_keys.connectors, api_keys.expires_at
        FROM api_keys
        JOIN projects ON projects.id = api_keys.project_id
        LEFT JOIN agents ON agents.id = api_keys.agent_id
        WHERE api_keys.revoked_at = $1 AND projects.deleted_at IS NULL
          AND agents.deleted_at IS NULL
          AND (api_keys.expires_at IS NULL OR api_keys.expires_at > $1)
        ORDER BY api_keys.project_id, api_keys.environment, api_keys.agent_id, api_keys.name,
                 api_keys.connectors, api_keys.expires_at LIMIT $2";
    tx.all(SQL, binds![moment, limit]).await
}

/// Ends the keys that are bound to an agent and not ended yet; returns how many.
pub async fn revoke_of_agent(tx: &mut Tx, agent: AgentId, now: Timestamp) -> Result<usize> {
    const SQL: &str = "
        UPDATE api_keys SET revoked_at = $2, tag = NULL
        WHERE agent_id = $1 AND revoked_at IS NULL RETURNING id";
    let ended = tx.returning_all(SQL, binds![agent, now]).await?;
    Ok(forgotten(tx, &ended))
}

/// Ends every key of a project that is not ended yet; returns how many.
pub async fn revoke_all(tx: &mut Tx, project: ProjectId, now: Timestamp) -> Result<usize> {
    const SQL: &str = "
        UPDATE api_keys SET revoked_at = $2
        WHERE project_id = $1 AND revoked_at IS NULL RETURNING id";
    let ended = tx.returning_all(SQL, binds![project, now]).await?;
    Ok(forgotten(tx, &ended))
}

fn forgotten(tx: &mut Tx, ended: &[Id<ApiKeyId>]) -> usize {
    for Id(id) in ended {
        tx.touch(Topic::ApiKey(*id));
    }
    ended.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACTOR, api_key, id, on_both, world};

    const ALL: KeyFilter =
        KeyFilter { project: None, environment: None, id: None, after: None, limit: None };

    fn key(tenant: Tenant, agent: Option<AgentId>) -> ApiKey {
        let key = api_key(tenant);
        let connectors = agent.map(|_| vec!["chat".parse().unwrap()]);
        ApiKey { access: Access { agent, connectors, ..key.access }, ..key }
    }

    async fn stored(db: &Db, keys: &[&ApiKey]) {
        let mut tx = db.begin(ACTOR).await.unwrap();
        for key in keys {
            create(&mut tx, key, Timestamp::from_secs(1)).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_key_is_found_by_its_id() {
        on_both(async |db| {
            let world = world(&db).await;
            for agent in [None, Some(world.agent)] {
                let key = key(world.tenant, agent);
                stored(&db, &[&key]).await;
                assert_eq!(find(&db, key.id).await.unwrap(), Some(key.clone()));
                let mut tx = db.begin(ACTOR).await.unwrap();
                assert_eq!(lock(&mut tx, key.id).await.unwrap(), Some(key));
            }
            assert_eq!(find(&db, id()).await.unwrap(), None);
        })
        .await;
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
            stored(&db, &[&first, &second]).await;
            let project = Some(tenant.project);
            let environment = Some(tenant.environment);
            let filter = KeyFilter { project, environment, ..ALL };
            let listed = list(&db, filter).await.unwrap();
            let shown = |key: &ListedKey| (key.id, key.agent_name.clone());
            let mut shown: Vec<_> = listed.iter().map(shown).collect();
            shown.sort();
            let mut expected = [(first.id, None), (second.id, Some("default".to_owned()))];
            expected.sort();
            assert_eq!(shown, expected);
            assert_eq!(listed[0].project_name, "Project");
            assert_eq!(listed[0].created_by, "product");
            assert_eq!(list(&db, ALL).await.unwrap().len(), 2);
            let other = KeyFilter { environment: Some(Environment::Live), ..ALL };
            assert!(list(&db, other).await.unwrap().is_empty());
            let other = KeyFilter { project: Some(id()), ..ALL };
            assert!(list(&db, other).await.unwrap().is_empty());
            let page = KeyFilter { after: Some(listed[0].id), limit: Some(1), ..ALL };
            assert_eq!(list(&db, page).await.unwrap(), listed[1..]);
            let one = KeyFilter { id: Some(first.id), ..ALL };
            assert_eq!(list(&db, one).await.unwrap()[0].id, first.id);

            let kept = db.stamp(&[Topic::ApiKey(first.id)]).unwrap();
            let now = Timestamp::from_secs(9);
            let mut tx = db.begin(ACTOR).await.unwrap();
            assert_eq!(count_live(&mut tx, tenant, now).await.unwrap(), 2);
            assert_eq!(revoke(&mut tx, first.id, now).await.unwrap(), Some(first.clone()));
            assert_eq!(count_live(&mut tx, tenant, now).await.unwrap(), 1);
            let again = revoke(&mut tx, first.id, Timestamp::from_secs(10)).await.unwrap();
            assert_eq!(again.unwrap().revoked_at, Some(now));
            assert_eq!(revoke(&mut tx, id(), now).await.unwrap(), None);
            let [over, ending] = [9, 10].map(|end| {
                let expires_at = Some(Timestamp::from_secs(end));
                ApiKey { expires_at, ..key(tenant, None) }
            });
            for key in [&over, &ending] {
                create(&mut tx, key, now).await.unwrap();
                revoke(&mut tx, key.id, now).await.unwrap();
            }
            let mut ended = ended_at(&mut tx, now, 9).await.unwrap();
            ended.sort_by_key(|one| one.expires_at);
            let expected = [(first.access, None), (ending.access, ending.expires_at)]
                .map(|(access, expires_at)| EndedAccess { access, expires_at });
            assert_eq!(ended, expected, "one of them was over already");
            assert!(ended_at(&mut tx, Timestamp::from_secs(10), 9).await.unwrap().is_empty());
            tx.commit().await.unwrap();
            assert!(!db.holds(&kept), "nodes forget what they remember of it");
            assert_eq!(find(&db, second.id).await.unwrap(), Some(second));
        })
        .await;
    }

    #[tokio::test]
    async fn a_key_ends_by_itself_and_its_use_is_noted() {
        on_both(async |db| {
            let tenant = world(&db).await.tenant;
            let [early, late] = [5, 9].map(Timestamp::from_secs);
            let key = key(tenant, None);
            stored(&db, &[&key]).await;
            let mut tx = db.begin(ACTOR).await.unwrap();
            let ending = ApiKey { expires_at: Some(late), tag: Some([9; 32]), ..key };
            set_expiry(&mut tx, &ending).await.unwrap();
            for used in [late, early] {
                note_use(&mut tx, ending.id, used).await.unwrap();
            }
            assert_eq!(count_live(&mut tx, tenant, early).await.unwrap(), 1);
            assert_eq!(count_live(&mut tx, tenant, late).await.unwrap(), 0);
            tx.commit().await.unwrap();
            let found = find(&db, ending.id).await.unwrap().unwrap();
            assert_eq!(found, ending);
            assert_eq!([early, late].map(|now| found.is_live(now)), [true, false]);
            assert_eq!(list(&db, ALL).await.unwrap()[0].used_at, Some(late));
        })
        .await;
    }

    #[tokio::test]
    async fn the_keys_of_an_agent_or_project_are_revoked_at_once_and_once() {
        on_both(async |db| {
            let world = world(&db).await;
            let project = world.tenant.project;
            db.follow().await.unwrap();
            let [bound, free] = [Some(world.agent), None].map(|agent| key(world.tenant, agent));
            stored(&db, &[&bound, &free]).await;
            let kept = [&bound, &free].map(|key| db.stamp(&[Topic::ApiKey(key.id)]).unwrap());
            let now = Timestamp::from_secs(9);
            let mut tx = db.begin(ACTOR).await.unwrap();
            for (agent, expected) in [(id(), 0), (world.agent, 1), (world.agent, 0)] {
                assert_eq!(revoke_of_agent(&mut tx, agent, now).await.unwrap(), expected);
            }
            for (project, expected) in [(id(), 0), (project, 1), (project, 0)] {
                assert_eq!(revoke_all(&mut tx, project, now).await.unwrap(), expected);
            }
            tx.commit().await.unwrap();
            assert!(kept.iter().all(|kept| !db.holds(kept)));
            let found = find(&db, free.id).await.unwrap().unwrap();
            assert_eq!(found.revoked_at, Some(now));
        })
        .await;
    }
}
