//! Connectors enabled in a project and environment.

use astralform_domain::{
    ConnectorSlug, OauthClient, ProjectConnector, ProjectConnectorId, ProjectConnectorState,
    Retired, Tenant, Timestamp,
};

use crate::{
    Db, Result, Topic, Tx,
    bind::{binds, json},
    db::{Row, Run as _},
    row::{Record, corrupt},
};

/// The table, for bindings.
pub const TABLE: &str = "project_connectors";

impl Record for ProjectConnector {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parse("id")?,
            tenant: row.tenant()?,
            connector: row.parse("connector")?,
            state: ProjectConnectorState::of(
                row.flag("is_enabled")?,
                row.optional_time("disabled_at")?,
            ),
            require_auth: row.flag("require_auth")?,
            allow_end_user_auth: row.flag("allow_end_user_auth")?,
            scopes: row.optional_json("scopes")?,
            tools: row.optional_json("tools")?,
            endpoints: row.json("endpoints")?,
            sandbox: row.flag("sandbox")?,
            client: client(row)?,
            hosts: row.json("hosts")?,
            generation: row.int("generation")?,
            version: row.int("version")?,
            created_at: row.time("created_at")?,
        })
    }
}

fn client(row: &Row) -> Result<Option<OauthClient>> {
    let id = row.optional_text("client_id")?;
    let secret = row.optional_sealed("client_secret")?;
    let set_at = row.optional_time("client_secret_set_at")?;
    let (id, secret, set_at) = match (id, secret, set_at) {
        (Some(id), Some(secret), Some(set_at)) => (id, secret, set_at),
        (None, None, None) => return Ok(None),
        _ => return Err(corrupt("client_id", "an app has an id, a secret and when it was set")),
    };
    let hint = row.optional_text("client_secret_hint")?.unwrap_or_default();
    let rejected_at = row.optional_time("client_rejected_at")?;
    Ok(Some(OauthClient { id, secret, hint, set_at, previous: retired(row)?, rejected_at }))
}

fn retired(row: &Row) -> Result<Option<Retired>> {
    let secret = row.optional_sealed("previous_client_secret")?;
    let until = row.optional_time("previous_client_secret_until")?;
    match (secret, until) {
        (Some(secret), Some(until)) => Ok(Some(Retired { secret, until })),
        (None, None) => Ok(None),
        _ => Err(corrupt("previous_client_secret", "it is tried until a time")),
    }
}

/// Enables a connector.
///
/// # Errors
/// A conflict when it is enabled already.
pub async fn create(tx: &mut Tx, new: &ProjectConnector) -> Result<()> {
    const SQL: &str = "
        INSERT INTO project_connectors
            (id, project_id, environment, connector, created_at, is_enabled, require_auth,
             allow_end_user_auth, scopes, tools, endpoints, sandbox, hosts, generation,
             version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    let binds = binds![
        new.id,
        new.tenant.project,
        new.tenant.environment,
        &new.connector,
        new.created_at,
        new.state.is_enabled(),
        new.require_auth,
        new.allow_end_user_auth,
        new.scopes.as_ref().map(json),
        new.tools.as_ref().map(json),
        json(&new.endpoints),
        new.sandbox,
        json(&new.hosts),
        new.generation,
        new.version,
    ];
    tx.change(Topic::Project(new.tenant.project), SQL, binds).await?;
    set_client(tx, new).await
}

/// Returns the project connector of that name, locked until the transaction ends: what is changed
/// of it is changed one after another.
pub async fn lock(
    tx: &mut Tx,
    tenant: Tenant,
    slug: &ConnectorSlug,
) -> Result<Option<ProjectConnector>> {
    const SQL: &str = "
        UPDATE project_connectors SET generation = generation
        WHERE project_id = $1 AND environment = $2 AND connector = $3 AND disabled_at IS NULL
        RETURNING *";
    tx.returning(SQL, binds![tenant.project, tenant.environment, slug]).await
}

/// Locks it by its id, also when it is disabled. A transaction that changes several of its
/// connections takes this lock first: two that changed them in different orders would wait for each
/// other.
pub async fn lock_by_id(tx: &mut Tx, tenant: Tenant, id: ProjectConnectorId) -> Result<()> {
    const SQL: &str = "
        UPDATE project_connectors SET generation = generation
        WHERE project_id = $1 AND environment = $2 AND id = $3";
    tx.execute(SQL, binds![tenant.project, tenant.environment, id]).await?;
    Ok(())
}

/// Returns whether a project connector's app and addresses are still those of `like`, and will be
/// until the transaction ends.
pub async fn holds(tx: &mut Tx, like: &ProjectConnector) -> Result<bool> {
    const SQL: &str = "
        UPDATE project_connectors SET generation = generation
        WHERE project_id = $1 AND environment = $2 AND id = $3 AND generation = $4
          AND disabled_at IS NULL";
    let Tenant { project, environment } = like.tenant;
    Ok(tx.execute(SQL, binds![project, environment, like.id, like.generation]).await? == 1)
}

/// Replaces the settings of a project connector.
pub async fn update(tx: &mut Tx, changed: &ProjectConnector) -> Result<()> {
    const SQL: &str = "
        UPDATE project_connectors
        SET is_enabled = $4, require_auth = $5, allow_end_user_auth = $6, scopes = $7, tools = $8,
            endpoints = $9, sandbox = $10, hosts = $11, generation = $12, version = $13
        WHERE project_id = $1 AND environment = $2 AND id = $3";
    let binds = binds![
        changed.tenant.project,
        changed.tenant.environment,
        changed.id,
        changed.state.is_enabled(),
        changed.require_auth,
        changed.allow_end_user_auth,
        changed.scopes.as_ref().map(json),
        changed.tools.as_ref().map(json),
        json(&changed.endpoints),
        changed.sandbox,
        json(&changed.hosts),
        changed.generation,
        changed.version,
    ];
    tx.change(Topic::Project(changed.tenant.project), SQL, binds).await?;
    set_client(tx, changed).await
}

async fn set_client(tx: &mut Tx, of: &ProjectConnector) -> Result<()> {
    const SQL: &str = "
        UPDATE project_connectors
        SET client_id = $4, client_secret = $5, client_secret_hint = $6, client_secret_set_at = $7,
            previous_client_secret = $8, previous_client_secret_until = $9,
            client_rejected_at = $10
        WHERE project_id = $1 AND environment = $2 AND id = $3";
    let client = of.client.as_ref();
    let previous = client.and_then(|client| client.previous.as_ref());
    let binds = binds![
        of.tenant.project,
        of.tenant.environment,
        of.id,
        client.map(|client| client.id.as_str()),
        client.map(|client| &client.secret),
        client.map(|client| client.hint.as_str()),
        client.map(|client| client.set_at),
        previous.map(|previous| &previous.secret),
        previous.map(|previous| previous.until),
        client.and_then(|client| client.rejected_at),
    ];
    tx.execute(SQL, binds).await?;
    Ok(())
}

/// Notes that the provider refuses the app as it was entered then, or does not any more; returns
/// whether that is new.
pub async fn note_rejection(
    tx: &mut Tx,
    of: &ProjectConnector,
    at: Option<Timestamp>,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE project_connectors SET client_rejected_at = $5
        WHERE project_id = $1 AND environment = $2 AND id = $3 AND generation = $4
          AND (client_rejected_at IS NULL) <> $6";
    let Tenant { project, environment } = of.tenant;
    let binds = binds![project, environment, of.id, of.generation, at, at.is_none()];
    Ok(tx.change(Topic::Project(project), SQL, binds).await? == 1)
}

/// Disables a project connector for good; returns whether it was there to be disabled.
pub async fn disable(
    tx: &mut Tx,
    tenant: Tenant,
    id: ProjectConnectorId,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE project_connectors SET disabled_at = $4
        WHERE project_id = $1 AND environment = $2 AND id = $3 AND disabled_at IS NULL";
    let binds = binds![tenant.project, tenant.environment, id, now];
    Ok(tx.change(Topic::Project(tenant.project), SQL, binds).await? == 1)
}

/// Returns the project connector of that name.
pub async fn by_slug(
    db: &Db,
    tenant: Tenant,
    slug: &ConnectorSlug,
) -> Result<Option<ProjectConnector>> {
    const SQL: &str = "
        SELECT * FROM project_connectors
        WHERE project_id = $1 AND environment = $2 AND connector = $3
          AND disabled_at IS NULL";
    db.optional(SQL, binds![tenant.project, tenant.environment, slug]).await
}

/// Returns the project connector of that id, a disabled one included.
pub async fn find(
    db: &Db,
    tenant: Tenant,
    id: ProjectConnectorId,
) -> Result<Option<ProjectConnector>> {
    const SQL: &str = "
        SELECT * FROM project_connectors
        WHERE project_id = $1 AND environment = $2 AND id = $3";
    db.optional(SQL, binds![tenant.project, tenant.environment, id]).await
}

/// Returns every project connector that is enabled, locked as by [`lock_by_id`], one after the
/// other.
pub async fn lock_all(tx: &mut Tx, tenant: Tenant) -> Result<Vec<ProjectConnector>> {
    const SQL: &str = "
        SELECT * FROM project_connectors
        WHERE project_id = $1 AND environment = $2 AND disabled_at IS NULL ORDER BY id";
    let mut locked = Vec::new();
    let found: Vec<ProjectConnector> =
        tx.all(SQL, binds![tenant.project, tenant.environment]).await?;
    for found in found {
        locked.extend(lock(tx, tenant, &found.connector).await?);
    }
    Ok(locked)
}

/// Returns every project connector, in the order of their names.
pub async fn list(db: &Db, tenant: Tenant) -> Result<Vec<ProjectConnector>> {
    const SQL: &str = "
        SELECT * FROM project_connectors
        WHERE project_id = $1 AND environment = $2 AND disabled_at IS NULL ORDER BY connector";
    db.all(SQL, binds![tenant.project, tenant.environment]).await
}

#[cfg(test)]
mod tests {
    use astralform_domain::Environment;

    use super::*;
    use crate::testing::{ACTOR, id, on_both, world};

    #[tokio::test]
    async fn a_project_connector_is_found_in_its_own_environment_only() {
        on_both(async |db| {
            let world = world(&db).await;
            let tenant = world.tenant;
            let pcon = &world.project_connector;
            let live = Tenant { environment: Environment::Live, ..tenant };
            let found = by_slug(&db, tenant, &pcon.connector).await.unwrap().unwrap();
            assert_eq!((found.id, found.hosts), (pcon.id, pcon.hosts.clone()));
            assert_eq!(find(&db, tenant, pcon.id).await.unwrap().unwrap().id, pcon.id);
            assert_eq!(list(&db, tenant).await.unwrap().len(), 1);
            assert!(by_slug(&db, live, &pcon.connector).await.unwrap().is_none());
            assert!(find(&db, live, pcon.id).await.unwrap().is_none());
            assert!(list(&db, live).await.unwrap().is_empty());
        })
        .await;
    }

    #[tokio::test]
    async fn a_connector_is_enabled_once_in_an_environment() {
        on_both(async |db| {
            let world = world(&db).await;
            let again = ProjectConnector { id: id(), ..world.project_connector };
            let mut tx = db.begin(ACTOR).await.unwrap();
            assert!(create(&mut tx, &again).await.unwrap_err().is_conflict());
        })
        .await;
    }

    #[tokio::test]
    async fn what_is_replaced_is_what_is_read_afterwards() {
        on_both(async |db| {
            let world = world(&db).await;
            let tenant = world.tenant;
            let slug = world.project_connector.connector.clone();
            let mut tx = db.begin(ACTOR).await.unwrap();
            let before = lock(&mut tx, tenant, &slug).await.unwrap().unwrap();
            let client = before.client.clone().unwrap();
            let previous = Retired { secret: client.secret.clone(), until: client.set_at };
            let secret = astralform_domain::Sealed::from_bytes(vec![9]);
            let client = OauthClient { secret, previous: Some(previous), ..client };
            let changed = ProjectConnector {
                state: ProjectConnectorState::Paused,
                require_auth: false,
                client: Some(client),
                generation: 2,
                version: 2,
                ..before.clone()
            };
            update(&mut tx, &changed).await.unwrap();
            assert!(!holds(&mut tx, &before).await.unwrap());
            assert!(holds(&mut tx, &changed).await.unwrap());
            tx.commit().await.unwrap();
            let after = by_slug(&db, tenant, &slug).await.unwrap().unwrap();
            assert_eq!(after, changed);
        })
        .await;
    }

    #[tokio::test]
    async fn what_the_provider_says_of_an_app_is_no_new_version() {
        on_both(async |db| {
            let world = world(&db).await;
            let tenant = world.tenant;
            let before = world.project_connector;
            let refused_at = Some(Timestamp::from_secs(9));
            let mut tx = db.begin(ACTOR).await.unwrap();
            assert!(note_rejection(&mut tx, &before, refused_at).await.unwrap());
            tx.commit().await.unwrap();
            let after = by_slug(&db, tenant, &before.connector).await.unwrap().unwrap();
            assert_eq!(after.client.unwrap().rejected_at, refused_at);
            assert_eq!((before.version, after.version), (1, 1));
        })
        .await;
    }

    #[tokio::test]
    async fn a_disabled_connector_is_found_by_its_id_alone_and_makes_room() {
        on_both(async |db| {
            let world = world(&db).await;
            let tenant = world.tenant;
            let old = world.project_connector;
            let now = Timestamp::from_secs(9);
            let mut tx = db.begin(ACTOR).await.unwrap();
            assert!(disable(&mut tx, tenant, old.id, now).await.unwrap());
            assert!(!disable(&mut tx, tenant, old.id, now).await.unwrap());
            assert!(lock(&mut tx, tenant, &old.connector).await.unwrap().is_none());
            assert!(!holds(&mut tx, &old).await.unwrap());
            lock_by_id(&mut tx, tenant, old.id).await.unwrap();
            let new = ProjectConnector { id: id(), ..old.clone() };
            create(&mut tx, &new).await.unwrap();
            tx.commit().await.unwrap();
            let found = find(&db, tenant, old.id).await.unwrap().unwrap();
            assert_eq!(found.state, ProjectConnectorState::Disabled { at: now });
            let named = by_slug(&db, tenant, &old.connector).await.unwrap().unwrap();
            assert_eq!(named.id, new.id);
            assert_eq!(list(&db, tenant).await.unwrap().len(), 1);
        })
        .await;
    }

    #[tokio::test]
    async fn a_row_with_a_part_of_an_app_is_refused() {
        on_both(async |db| {
            let world = world(&db).await;
            for sql in [
                "UPDATE project_connectors SET previous_client_secret_until = 9",
                "UPDATE project_connectors SET client_secret = NULL",
                "UPDATE project_connectors SET client_id = NULL",
            ] {
                let mut tx = db.begin(ACTOR).await.unwrap();
                tx.execute(sql, binds![]).await.unwrap();
                tx.commit().await.unwrap();
                let refused = find(&db, world.tenant, world.project_connector.id).await;
                assert!(matches!(refused.unwrap_err(), crate::Error::Corrupt { .. }), "{sql}");
            }
        })
        .await;
    }
}
