//! Connectors enabled in a project and environment.

use astralform_domain::{ConnectorSlug, ProjectConnector, ProjectConnectorId, Tenant};

use crate::{
    Db, Result, Tx,
    bind::{binds, json},
    db::{Row, Run as _},
    row::Record,
};

/// The table, for bindings.
pub const TABLE: &str = "project_connectors";

impl Record for ProjectConnector {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.parse("id")?,
            tenant: row.tenant()?,
            connector: row.parse("connector")?,
            is_enabled: row.flag("is_enabled")?,
            require_auth: row.flag("require_auth")?,
            allow_end_user_auth: row.flag("allow_end_user_auth")?,
            scopes: row.optional_json("scopes")?,
            tools: row.optional_json("tools")?,
            endpoints: row.json("endpoints")?,
            sandbox: row.flag("sandbox")?,
            client_id: row.optional_text("client_id")?,
            client_secret: row.optional_sealed("client_secret")?,
            hosts: row.json("hosts")?,
            generation: row.int("generation")?,
            created_at: row.time("created_at")?,
        })
    }
}

/// Enables a connector.
///
/// # Errors
/// A conflict when it is enabled already.
pub async fn create(tx: &mut Tx, new: &ProjectConnector) -> Result<()> {
    const SQL: &str = "
        INSERT INTO project_connectors
            (id, project_id, environment, connector, is_enabled, require_auth, allow_end_user_auth,
             scopes, tools, endpoints, sandbox, client_id, client_secret, hosts, generation,
             created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let binds = binds![
        new.id,
        new.tenant.project,
        new.tenant.environment,
        &new.connector,
        new.is_enabled,
        new.require_auth,
        new.allow_end_user_auth,
        new.scopes.as_ref().map(json),
        new.tools.as_ref().map(json),
        json(&new.endpoints),
        new.sandbox,
        &new.client_id,
        new.client_secret.as_ref(),
        json(&new.hosts),
        new.generation,
        new.created_at,
    ];
    tx.execute(SQL, binds).await?;
    Ok(())
}

/// The project connector of that name.
pub async fn by_slug(
    db: &Db,
    tenant: Tenant,
    slug: &ConnectorSlug,
) -> Result<Option<ProjectConnector>> {
    const SQL: &str = "
        SELECT * FROM project_connectors
        WHERE project_id = $1 AND environment = $2 AND connector = $3";
    db.optional(SQL, binds![tenant.project, tenant.environment, slug]).await
}

/// The project connector of that id.
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

/// Every project connector, in the order of their names.
pub async fn list(db: &Db, tenant: Tenant) -> Result<Vec<ProjectConnector>> {
    const SQL: &str = "
        SELECT * FROM project_connectors
        WHERE project_id = $1 AND environment = $2 ORDER BY connector";
    db.all(SQL, binds![tenant.project, tenant.environment]).await
}

/// Pauses or resumes a project connector; says whether there is one.
pub async fn set_enabled(
    tx: &mut Tx,
    tenant: Tenant,
    id: ProjectConnectorId,
    is_enabled: bool,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE project_connectors SET is_enabled = $4
        WHERE project_id = $1 AND environment = $2 AND id = $3";
    let touched = tx.execute(SQL, binds![tenant.project, tenant.environment, id, is_enabled]);
    Ok(touched.await? == 1)
}

#[cfg(test)]
mod tests {
    use astralform_domain::Environment;

    use super::*;
    use crate::testing::{id, on_both, world};

    #[tokio::test]
    async fn a_project_connector_is_found_in_its_own_environment_only() {
        on_both(async |db| {
            let world = world(&db).await;
            let (tenant, pcon) = (world.tenant, &world.project_connector);
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
            let mut tx = db.begin().await.unwrap();
            assert!(create(&mut tx, &again).await.unwrap_err().is_conflict());
        })
        .await;
    }

    #[tokio::test]
    async fn pausing_touches_the_one_that_was_named() {
        on_both(async |db| {
            let world = world(&db).await;
            let (tenant, named) = (world.tenant, world.project_connector.id);
            let mut tx = db.begin().await.unwrap();
            assert!(set_enabled(&mut tx, tenant, named, false).await.unwrap());
            assert!(!set_enabled(&mut tx, tenant, id(), false).await.unwrap());
            tx.commit().await.unwrap();
            assert!(!find(&db, tenant, named).await.unwrap().unwrap().is_enabled);
        })
        .await;
    }
}
