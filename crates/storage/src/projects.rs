//! Teams, projects and their two environments.

use astralform_domain::{
    Environment, EnvironmentSettings, ProjectId, ProjectName, TeamId, Tenant, Timestamp,
};

use crate::{
    Db, Result, Topic, Tx,
    bind::{binds, json},
    db::{Row, Run as _},
    row::Record,
};

/// A project to be created.
pub struct NewProject<'a> {
    /// Its id.
    pub id: ProjectId,
    /// The team that administers it.
    pub team: TeamId,
    /// What people call it.
    pub name: &'a str,
}

/// What a project is called, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredName(pub String);

impl Record for StoredName {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.text("name")?))
    }
}

/// The settings of an environment as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSettings {
    /// The settings.
    pub settings: EnvironmentSettings,
    /// What vouches for them; nothing for those that every environment begins with.
    pub tag: Option<[u8; 32]>,
}

impl Record for StoredSettings {
    fn read(row: &Row) -> Result<Self> {
        let settings = EnvironmentSettings {
            verify_end_user: row.parse("verify_end_user")?,
            return_urls: row.json("return_urls")?,
        };
        Ok(Self { settings, tag: row.tag()? })
    }
}

/// Creates a team.
pub async fn create_team(tx: &mut Tx, id: TeamId, name: &str, now: Timestamp) -> Result<()> {
    const SQL: &str = "INSERT INTO teams (id, name, created_at) VALUES ($1, $2, $3)";
    tx.execute(SQL, binds![id, name, now]).await?;
    Ok(())
}

/// Creates a project with both of its environments; its keys are for
/// [`data_keys::add`](crate::data_keys::add).
pub async fn create(tx: &mut Tx, new: &NewProject<'_>, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        INSERT INTO projects (id, team_id, name, created_at) VALUES ($1, $2, $3, $4)";
    tx.execute(SQL, binds![new.id, new.team, new.name, now]).await?;
    for environment in [Environment::Live, Environment::Test] {
        let tenant = Tenant { project: new.id, environment };
        let settings = EnvironmentSettings::default_for(environment);
        set_environment(tx, tenant, &StoredSettings { settings, tag: None }).await?;
    }
    Ok(())
}

/// A project as it is listed for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedProject {
    /// Its id.
    pub id: ProjectId,
    /// What people call it.
    pub name: String,
}

impl Record for ListedProject {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { id: row.parse("id")?, name: row.text("name")? })
    }
}

/// Returns the projects that are not deleted, the oldest first.
pub async fn list(db: &Db) -> Result<Vec<ListedProject>> {
    const SQL: &str = "SELECT id, name FROM projects WHERE deleted_at IS NULL ORDER BY id";
    db.all(SQL, binds![]).await
}

/// Returns the name of a project.
pub async fn name(db: &Db, project: ProjectId) -> Result<Option<StoredName>> {
    const SQL: &str = "SELECT name FROM projects WHERE id = $1";
    db.optional(SQL, binds![project]).await
}

/// Gives a project another name; returns whether it is there.
pub async fn rename(tx: &mut Tx, project: ProjectId, name: &ProjectName) -> Result<bool> {
    const SQL: &str = "UPDATE projects SET name = $2 WHERE id = $1 AND deleted_at IS NULL";
    Ok(tx.change(Topic::Project(project), SQL, binds![project, name.as_str()]).await? == 1)
}

/// Deletes a project: no look-up finds it any more, except those for what has yet to be ended at
/// providers. Returns whether it was there to be deleted.
pub async fn delete(tx: &mut Tx, project: ProjectId, now: Timestamp) -> Result<bool> {
    const SQL: &str = "UPDATE projects SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL";
    Ok(tx.change(Topic::Project(project), SQL, binds![project, now]).await? == 1)
}

/// Returns the settings of an environment.
pub async fn environment(db: &Db, tenant: Tenant) -> Result<Option<StoredSettings>> {
    const SQL: &str = "
        SELECT verify_end_user, return_urls, tag FROM environments
        WHERE project_id = $1 AND environment = $2";
    db.optional(SQL, binds![tenant.project, tenant.environment]).await
}

/// Returns the settings of an environment and locks them until the transaction ends, so that
/// changes are made one after another.
pub async fn lock_environment(tx: &mut Tx, tenant: Tenant) -> Result<Option<StoredSettings>> {
    const SQL: &str = "
        UPDATE environments SET verify_end_user = verify_end_user
        WHERE project_id = $1 AND environment = $2
        RETURNING verify_end_user, return_urls, tag";
    tx.returning(SQL, binds![tenant.project, tenant.environment]).await
}

/// Sets the settings of an environment.
pub async fn set_environment(tx: &mut Tx, tenant: Tenant, new: &StoredSettings) -> Result<()> {
    const SQL: &str = "
        INSERT INTO environments (project_id, environment, verify_end_user, return_urls, tag)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (project_id, environment)
        DO UPDATE SET verify_end_user = $3, return_urls = $4, tag = $5";
    let StoredSettings { settings, tag } = new;
    let urls = json(&settings.return_urls);
    let Tenant { project, environment } = tenant;
    let binds = binds![project, environment, settings.verify_end_user, urls, tag.as_ref()];
    tx.execute(SQL, binds).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use astralform_domain::VerifyEndUser;

    use super::*;
    use crate::testing::{on_both, world};

    #[tokio::test]
    async fn a_new_project_confirms_end_users_in_live_and_not_in_test() {
        on_both(async |db| {
            let tenant = world(&db).await.tenant;
            for (environment, expected) in [
                (Environment::Live, VerifyEndUser::Confirm),
                (Environment::Test, VerifyEndUser::Off),
            ] {
                let found =
                    super::environment(&db, Tenant { environment, ..tenant }).await.unwrap();
                assert_eq!(found.unwrap().settings.verify_end_user, expected);
            }
        })
        .await;
    }

    #[tokio::test]
    async fn the_settings_of_an_environment_can_be_replaced() {
        on_both(async |db| {
            let tenant = world(&db).await.tenant;
            let settings = EnvironmentSettings {
                verify_end_user: VerifyEndUser::Confirm,
                return_urls: vec!["https://app.example.com/done".to_owned()],
            };
            let settings = StoredSettings { settings, tag: Some([7; 32]) };
            let mut tx = db.begin().await.unwrap();
            set_environment(&mut tx, tenant, &settings).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(environment(&db, tenant).await.unwrap(), Some(settings));
        })
        .await;
    }

    async fn locked(db: Db, tenant: Tenant) -> StoredSettings {
        let mut tx = db.begin().await.unwrap();
        lock_environment(&mut tx, tenant).await.unwrap().unwrap()
    }

    // F29
    #[tokio::test]
    async fn settings_that_are_locked_are_changed_one_after_another() {
        on_both(async |db| {
            let tenant = world(&db).await.tenant;
            let mut first = db.begin().await.unwrap();
            let mut settings = lock_environment(&mut first, tenant).await.unwrap().unwrap();
            let second = tokio::spawn(locked(db.clone(), tenant));
            settings.settings.verify_end_user = VerifyEndUser::Confirm;
            set_environment(&mut first, tenant, &settings).await.unwrap();
            first.commit().await.unwrap();
            assert_eq!(second.await.unwrap(), settings);
            let mut tx = db.begin().await.unwrap();
            let unknown = Tenant { project: crate::testing::id(), ..tenant };
            assert_eq!(lock_environment(&mut tx, unknown).await.unwrap(), None);
        })
        .await;
    }

    #[tokio::test]
    async fn a_project_that_is_there_gets_another_name() {
        on_both(async |db| {
            let project = world(&db).await.tenant.project;
            let new: ProjectName = "Acme Assistant".parse().unwrap();
            let mut tx = db.begin().await.unwrap();
            assert!(rename(&mut tx, project, &new).await.unwrap());
            assert!(!rename(&mut tx, crate::testing::id(), &new).await.unwrap());
            delete(&mut tx, project, Timestamp::from_secs(9)).await.unwrap();
            assert!(!rename(&mut tx, project, &new).await.unwrap(), "it is deleted");
            tx.commit().await.unwrap();
            assert_eq!(name(&db, project).await.unwrap().unwrap().0, new.as_str());
        })
        .await;
    }

    #[tokio::test]
    async fn the_name_is_kept() {
        on_both(async |db| {
            let project = world(&db).await.tenant.project;
            assert_eq!(name(&db, project).await.unwrap().unwrap().0, "Project");
            let listed = ListedProject { id: project, name: "Project".to_owned() };
            assert_eq!(list(&db).await.unwrap(), [listed]);
            let mut tx = db.begin().await.unwrap();
            delete(&mut tx, project, Timestamp::from_secs(9)).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(list(&db).await.unwrap(), []);
        })
        .await;
    }
}
