//! The people who administer, and the teams they belong to.

use astralform_domain::{Email, MemberId, ProjectId, ProjectProfile, Role, TeamId, Timestamp};

use crate::{
    Db, Result, Tx,
    bind::binds,
    db::{Row, Run},
    projects::StoredProfile,
    row::Record,
};

/// A person who administers projects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Their id.
    pub id: MemberId,
    /// Their address.
    pub email: Email,
}

/// A team that a member belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The team.
    pub team: TeamId,
    /// Its name.
    pub team_name: String,
    /// What they may do in it.
    pub role: Role,
}

/// A project that a member may administer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectOfMember {
    /// The project.
    pub id: ProjectId,
    /// What its end users see of it.
    pub profile: ProjectProfile,
    /// How often that was changed, and once more.
    pub version: i64,
    /// The digest of its logo, where it has one.
    pub logo: Option<String>,
    /// The team it belongs to.
    pub team: TeamId,
    /// What the member may do in it.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is frozen.
    pub frozen_at: Option<Timestamp>,
}

impl Record for Member {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { id: row.parse("id")?, email: row.parse("email")? })
    }
}

impl Record for Membership {
    fn read(row: &Row) -> Result<Self> {
        let team = row.parse("team_id")?;
        let team_name = row.text("name")?;
        Ok(Self { team, team_name, role: row.parse("role")? })
    }
}

impl Record for ProjectOfMember {
    fn read(row: &Row) -> Result<Self> {
        let stored = StoredProfile::read(row)?;
        Ok(Self {
            id: row.parse("id")?,
            profile: stored.profile,
            version: stored.version,
            logo: row.optional_text("logo")?,
            team: row.parse("team_id")?,
            role: row.parse("role")?,
            created_at: row.time("created_at")?,
            frozen_at: row.optional_time("frozen_at")?,
        })
    }
}

struct RoleOf(Role);

impl Record for RoleOf {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.parse("role")?))
    }
}

/// Creates a member.
///
/// # Errors
/// A conflict when the address is taken.
pub async fn create(tx: &mut Tx, new: &Member, now: Timestamp) -> Result<()> {
    const SQL: &str = "INSERT INTO members (id, email, created_at) VALUES ($1, $2, $3)";
    tx.execute(SQL, binds![new.id, new.email.as_str(), now]).await?;
    Ok(())
}

/// Adds a member to a team.
pub async fn join(
    tx: &mut Tx,
    team: TeamId,
    member: MemberId,
    role: Role,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO memberships (team_id, member_id, role, created_at) VALUES ($1, $2, $3, $4)";
    tx.execute(SQL, binds![team, member, role, now]).await?;
    Ok(())
}

/// Returns the member of that id.
pub async fn find(db: &Db, id: MemberId) -> Result<Option<Member>> {
    const SQL: &str = "SELECT id, email FROM members WHERE id = $1";
    db.optional(SQL, binds![id]).await
}

/// Returns the members, the oldest first.
pub async fn list(db: &Db) -> Result<Vec<Member>> {
    const SQL: &str = "SELECT id, email FROM members ORDER BY id";
    db.all(SQL, binds![]).await
}

/// Returns one owner of each team that has a project: its first.
pub async fn owners(tx: &mut Tx) -> Result<Vec<Member>> {
    const SQL: &str = "
        SELECT id, email FROM members WHERE id IN
            (SELECT MIN(memberships.member_id) FROM memberships
             WHERE memberships.role = 'owner' AND EXISTS
                 (SELECT 1 FROM projects
                  WHERE projects.team_id = memberships.team_id AND projects.deleted_at IS NULL)
             GROUP BY memberships.team_id)
        ORDER BY id";
    tx.all(SQL, binds![]).await
}

/// Returns one of the members, where there is any.
pub async fn any(db: impl Run) -> Result<Option<Member>> {
    const SQL: &str = "SELECT id, email FROM members ORDER BY id LIMIT 1";
    db.optional(SQL, binds![]).await
}

/// Returns the teams of a member, by name.
pub async fn teams(db: &Db, member: MemberId) -> Result<Vec<Membership>> {
    const SQL: &str = "
        SELECT memberships.team_id, memberships.role, teams.name
        FROM memberships JOIN teams ON teams.id = memberships.team_id
        WHERE memberships.member_id = $1 ORDER BY teams.name, teams.id";
    db.all(SQL, binds![member]).await
}

/// Returns the projects of a member's teams, the oldest first, those after `after` and `limit` at
/// most.
pub async fn projects(
    db: &Db,
    member: MemberId,
    after: Option<ProjectId>,
    limit: i64,
) -> Result<Vec<ProjectOfMember>> {
    const SQL: &str = "
        SELECT projects.*, memberships.role, project_logos.digest AS logo
        FROM projects JOIN memberships ON memberships.team_id = projects.team_id
        LEFT JOIN project_logos ON project_logos.project_id = projects.id
        WHERE memberships.member_id = $1 AND projects.id > $2 AND projects.deleted_at IS NULL
        ORDER BY projects.id LIMIT $3";
    let after = after.map_or_else(String::new, |id| id.to_string());
    db.all(SQL, binds![member, after, limit]).await
}

/// Returns a project of one of a member's teams.
pub async fn project(
    db: impl Run,
    member: MemberId,
    project: ProjectId,
) -> Result<Option<ProjectOfMember>> {
    const SQL: &str = "
        SELECT projects.*, memberships.role, project_logos.digest AS logo
        FROM projects JOIN memberships ON memberships.team_id = projects.team_id
        LEFT JOIN project_logos ON project_logos.project_id = projects.id
        WHERE memberships.member_id = $1 AND projects.id = $2 AND projects.deleted_at IS NULL";
    db.optional(SQL, binds![member, project]).await
}

/// Returns what a member may do in a team; nothing where they do not belong to it.
pub async fn role_in_team(db: &Db, member: MemberId, team: TeamId) -> Result<Option<Role>> {
    const SQL: &str = "SELECT role FROM memberships WHERE member_id = $1 AND team_id = $2";
    let found: Option<RoleOf> = db.optional(SQL, binds![member, team]).await?;
    Ok(found.map(|RoleOf(role)| role))
}

/// Returns what a member may do in a project's team; nothing where they do not belong to it, or the
/// project is deleted.
pub async fn role_in(db: &Db, member: MemberId, project: ProjectId) -> Result<Option<Role>> {
    const SQL: &str = "
        SELECT memberships.role
        FROM memberships JOIN projects ON projects.team_id = memberships.team_id
        WHERE memberships.member_id = $1 AND projects.id = $2 AND projects.deleted_at IS NULL";
    let found: Option<RoleOf> = db.optional(SQL, binds![member, project]).await?;
    Ok(found.map(|RoleOf(role)| role))
}

/// Returns the role even in a deleted project: for looking at what became of it.
pub async fn role_in_past(db: &Db, member: MemberId, project: ProjectId) -> Result<Option<Role>> {
    const SQL: &str = "
        SELECT memberships.role
        FROM memberships JOIN projects ON projects.team_id = memberships.team_id
        WHERE memberships.member_id = $1 AND projects.id = $2";
    let found: Option<RoleOf> = db.optional(SQL, binds![member, project]).await?;
    Ok(found.map(|RoleOf(role)| role))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        projects::create_team,
        testing::{ACTOR, id, on_both, world},
    };

    #[tokio::test]
    async fn members_reach_the_projects_of_their_own_teams_only() {
        on_both(async |db| {
            let world = world(&db).await;
            let now = Timestamp::from_secs(1);
            assert_eq!(any(&db).await.unwrap(), None);
            let ada = Member { id: id(), email: "ada@example.com".parse().unwrap() };
            let eve = Member { id: id(), email: "eve@example.com".parse().unwrap() };
            let other: TeamId = id();
            let mut tx = db.begin(ACTOR).await.unwrap();
            for member in [&ada, &eve] {
                create(&mut tx, member, now).await.unwrap();
            }
            create_team(&mut tx, other, "Other", now).await.unwrap();
            join(&mut tx, world.team, ada.id, Role::Owner, now).await.unwrap();
            join(&mut tx, other, eve.id, Role::Owner, now).await.unwrap();
            tx.commit().await.unwrap();

            let project = world.tenant.project;
            assert_eq!(role_in(&db, ada.id, project).await.unwrap(), Some(Role::Owner));
            assert_eq!(role_in(&db, eve.id, project).await.unwrap(), None);
            assert_eq!(projects(&db, ada.id, None, 9).await.unwrap()[0].id, project);
            assert!(projects(&db, ada.id, Some(project), 9).await.unwrap().is_empty());
            assert!(projects(&db, eve.id, None, 9).await.unwrap().is_empty());
            assert_eq!(teams(&db, eve.id).await.unwrap()[0].team_name, "Other");
            assert_eq!(role_in_team(&db, eve.id, other).await.unwrap(), Some(Role::Owner));
            assert_eq!(role_in_team(&db, eve.id, world.team).await.unwrap(), None);
            assert_eq!(find(&db, ada.id).await.unwrap(), Some(ada.clone()));
            assert!(any(&db).await.unwrap().is_some());
            let mut listed = list(&db).await.unwrap();
            listed.sort_by_key(|member| member.email.as_str().to_owned());
            assert_eq!(listed, [ada.clone(), eve.clone()]);
            let mut tx = db.begin(ACTOR).await.unwrap();
            assert_eq!(owners(&mut tx).await.unwrap(), std::slice::from_ref(&ada));
            drop(tx);

            for expected in [true, false] {
                let mut tx = db.begin(ACTOR).await.unwrap();
                assert_eq!(crate::projects::delete(&mut tx, project, now).await.unwrap(), expected);
                tx.commit().await.unwrap();
            }
            assert_eq!(role_in(&db, ada.id, project).await.unwrap(), None);
            assert_eq!(role_in_past(&db, ada.id, project).await.unwrap(), Some(Role::Owner));
            assert_eq!(role_in_past(&db, eve.id, project).await.unwrap(), None);
            assert!(projects(&db, ada.id, None, 9).await.unwrap().is_empty());
        })
        .await;
    }

    #[tokio::test]
    async fn an_address_belongs_to_one_member() {
        on_both(async |db| {
            let email: Email = "ada@example.com".parse().unwrap();
            let mut tx = db.begin(ACTOR).await.unwrap();
            let now = Timestamp::from_secs(1);
            create(&mut tx, &Member { id: id(), email: email.clone() }, now).await.unwrap();
            let again = create(&mut tx, &Member { id: id(), email }, now).await;
            assert!(again.unwrap_err().is_conflict());
        })
        .await;
    }
}
