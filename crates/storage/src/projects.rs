//! Teams, projects and their two environments.

use astralform_domain::{
    Accent, Environment, EnvironmentSettings, ProjectId, ProjectName, ProjectProfile, TeamId,
    Tenant, Timestamp,
};

use crate::{
    Db, Result, Topic, Tx,
    bind::{binds, json},
    db::{Row, Run},
    row::{Count, Record},
};

/// A project to be created.
pub struct NewProject<'a> {
    /// Its id.
    pub id: ProjectId,
    /// The team that administers it.
    pub team: TeamId,
    /// What people call it.
    pub name: &'a ProjectName,
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
    /// How often they were changed, and once more.
    pub version: i64,
    /// What vouches for them; nothing for those that every environment begins with.
    pub tag: Option<[u8; 32]>,
}

impl Record for StoredSettings {
    fn read(row: &Row) -> Result<Self> {
        let settings = EnvironmentSettings {
            verify_end_user: row.parse("verify_end_user")?,
            return_urls: row.json("return_urls")?,
            allowed_origins: row.json("allowed_origins")?,
        };
        Ok(Self { settings, version: row.int("version")?, tag: row.tag()? })
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
        INSERT INTO projects (id, team_id, name, accent, version, created_at)
        VALUES ($1, $2, $3, $4, 1, $5)";
    let name = new.name.as_str();
    tx.execute(SQL, binds![new.id, new.team, name, Accent::Neutral, now]).await?;
    for environment in [Environment::Live, Environment::Test] {
        let tenant = Tenant { project: new.id, environment };
        let settings = EnvironmentSettings::default_for(environment);
        set_environment(tx, tenant, &StoredSettings { settings, version: 1, tag: None }).await?;
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

struct TeamOf(TeamId);

impl Record for TeamOf {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.parse("team_id")?))
    }
}

/// Returns the team of a project, one that was deleted included.
pub async fn team_of(db: &Db, project: ProjectId) -> Result<Option<TeamId>> {
    const SQL: &str = "SELECT team_id FROM projects WHERE id = $1";
    let found: Option<TeamOf> = db.optional(SQL, binds![project]).await?;
    Ok(found.map(|TeamOf(team)| team))
}

/// What end users see of a project, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredProfile {
    /// What they see.
    pub profile: ProjectProfile,
    /// How often it was changed, and once more.
    pub version: i64,
}

impl Record for StoredProfile {
    fn read(row: &Row) -> Result<Self> {
        let profile = ProjectProfile {
            name: row.parse("name")?,
            accent: row.parse("accent")?,
            privacy_url: row.optional_text("privacy_url")?,
            support_url: row.optional_text("support_url")?,
        };
        Ok(Self { profile, version: row.int("version")? })
    }
}

/// Returns what end users see of a project that is not deleted.
pub async fn profile(db: impl Run, project: ProjectId) -> Result<Option<StoredProfile>> {
    const SQL: &str = "SELECT * FROM projects WHERE id = $1 AND deleted_at IS NULL";
    db.optional(SQL, binds![project]).await
}

/// Returns what end users see of a project and locks it until the transaction ends.
pub async fn lock_profile(tx: &mut Tx, project: ProjectId) -> Result<Option<StoredProfile>> {
    const SQL: &str = "
        UPDATE projects SET version = version WHERE id = $1 AND deleted_at IS NULL RETURNING *";
    tx.returning(SQL, binds![project]).await
}

/// Stores what end users see of a project.
pub async fn set_profile(tx: &mut Tx, project: ProjectId, new: &StoredProfile) -> Result<()> {
    const SQL: &str = "
        UPDATE projects
        SET name = $2, accent = $3, privacy_url = $4, support_url = $5, version = $6
        WHERE id = $1 AND deleted_at IS NULL";
    let ProjectProfile { name, accent, privacy_url, support_url } = &new.profile;
    let binds = binds![project, name.as_str(), *accent, privacy_url, support_url, new.version];
    tx.change(Topic::Project(project), SQL, binds).await?;
    Ok(())
}

/// Locks a team until the transaction ends, so that its projects are counted one after another;
/// returns how many it has.
pub async fn lock_count(tx: &mut Tx, team: TeamId) -> Result<i64> {
    const LOCK: &str = "UPDATE teams SET name = name WHERE id = $1";
    const SQL: &str = "
        SELECT COUNT(*) AS number FROM projects WHERE team_id = $1 AND deleted_at IS NULL";
    tx.execute(LOCK, binds![team]).await?;
    let found: Option<Count> = tx.optional(SQL, binds![team]).await?;
    Ok(found.map_or(0, |Count(number)| number))
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
        SELECT * FROM environments WHERE project_id = $1 AND environment = $2";
    db.optional(SQL, binds![tenant.project, tenant.environment]).await
}

/// Returns the settings of an environment and locks them until the transaction ends, so that
/// changes are made one after another.
pub async fn lock_environment(tx: &mut Tx, tenant: Tenant) -> Result<Option<StoredSettings>> {
    const SQL: &str = "
        UPDATE environments SET version = version
        WHERE project_id = $1 AND environment = $2 RETURNING *";
    tx.returning(SQL, binds![tenant.project, tenant.environment]).await
}

struct ListedOrigins(Vec<String>);

impl Record for ListedOrigins {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.json("allowed_origins")?))
    }
}

/// Returns the origins that any environment of a project that is not deleted allows.
pub async fn all_origins(db: &Db) -> Result<Vec<String>> {
    const SQL: &str = "
        SELECT environments.allowed_origins
        FROM environments JOIN projects ON projects.id = environments.project_id
        WHERE environments.allowed_origins <> '[]' AND projects.deleted_at IS NULL";
    let all: Vec<ListedOrigins> = db.all(SQL, binds![]).await?;
    Ok(all.into_iter().flat_map(|ListedOrigins(origins)| origins).collect())
}

/// Sets the settings of an environment.
pub async fn set_environment(tx: &mut Tx, tenant: Tenant, new: &StoredSettings) -> Result<()> {
    const SQL: &str = "
        INSERT INTO environments
            (project_id, environment, verify_end_user, return_urls, allowed_origins, version, tag)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (project_id, environment)
        DO UPDATE SET verify_end_user = $3, return_urls = $4, allowed_origins = $5, version = $6,
                      tag = $7";
    let StoredSettings { settings, version, tag } = new;
    let Tenant { project, environment } = tenant;
    let binds = binds![
        project,
        environment,
        settings.verify_end_user,
        json(&settings.return_urls),
        json(&settings.allowed_origins),
        *version,
        tag.as_ref(),
    ];
    tx.change(Topic::Project(project), SQL, binds).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use astralform_domain::VerifyEndUser;

    use super::*;
    use crate::testing::{ACTOR, on_both, world};

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
                allowed_origins: vec!["https://app.example.com".to_owned()],
            };
            let settings = StoredSettings { settings, version: 2, tag: Some([7; 32]) };
            assert_eq!(all_origins(&db).await.unwrap(), <[String; 0]>::default());
            let mut tx = db.begin(ACTOR).await.unwrap();
            set_environment(&mut tx, tenant, &settings).await.unwrap();
            tx.commit().await.unwrap();
            let origins = settings.settings.allowed_origins.clone();
            assert_eq!(environment(&db, tenant).await.unwrap(), Some(settings));
            assert_eq!(all_origins(&db).await.unwrap(), origins);
        })
        .await;
    }

    async fn locked(db: Db, tenant: Tenant) -> StoredSettings {
        let mut tx = db.begin(ACTOR).await.unwrap();
        lock_environment(&mut tx, tenant).await.unwrap().unwrap()
    }

    // F29
    #[tokio::test]
    async fn settings_that_are_locked_are_changed_one_after_another() {
        on_both(async |db| {
            let tenant = world(&db).await.tenant;
            let mut first = db.begin(ACTOR).await.unwrap();
            let mut settings = lock_environment(&mut first, tenant).await.unwrap().unwrap();
            let second = tokio::spawn(locked(db.clone(), tenant));
            settings.settings.verify_end_user = VerifyEndUser::Confirm;
            set_environment(&mut first, tenant, &settings).await.unwrap();
            first.commit().await.unwrap();
            assert_eq!(second.await.unwrap(), settings);
            let mut tx = db.begin(ACTOR).await.unwrap();
            let unknown = Tenant { project: crate::testing::id(), ..tenant };
            assert_eq!(lock_environment(&mut tx, unknown).await.unwrap(), None);
        })
        .await;
    }

    #[tokio::test]
    async fn what_end_users_see_of_a_project_is_changed_while_it_is_there() {
        on_both(async |db| {
            let world = world(&db).await;
            let project = world.tenant.project;
            let profile = ProjectProfile {
                name: "Acme Assistant".parse().unwrap(),
                accent: Accent::Moss,
                privacy_url: Some("https://acme.example/privacy".to_owned()),
                support_url: None,
            };
            let new = StoredProfile { profile, version: 2 };
            let mut tx = db.begin(ACTOR).await.unwrap();
            assert_eq!(lock_count(&mut tx, world.team).await.unwrap(), 1);
            let before = lock_profile(&mut tx, project).await.unwrap().unwrap();
            assert_eq!(before.profile, "Project".parse::<ProjectName>().unwrap().into());
            set_profile(&mut tx, project, &new).await.unwrap();
            assert_eq!(self::profile(&mut tx, project).await.unwrap(), Some(new.clone()));
            delete(&mut tx, project, Timestamp::from_secs(9)).await.unwrap();
            assert_eq!(lock_profile(&mut tx, project).await.unwrap(), None, "it is deleted");
            assert_eq!(lock_count(&mut tx, world.team).await.unwrap(), 0);
            tx.commit().await.unwrap();
            let found = name(&db, project).await.unwrap().unwrap().0;
            assert_eq!(found, new.profile.name.as_str());
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
            let mut tx = db.begin(ACTOR).await.unwrap();
            delete(&mut tx, project, Timestamp::from_secs(9)).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(list(&db).await.unwrap(), []);
        })
        .await;
    }
}
