//! Projects, and what their end users see of them.

use std::sync::Arc;

use astralform_domain::{Accent, Patch, ProjectId, ProjectName, ProjectProfile, Stale, limits};
use astralform_engine::{Base, Engine, Fault, audit::Event};
use astralform_storage::projects::{self, StoredProfile};
use serde_json::{Value, json};
use thiserror::Error;
use url::Url;

use crate::{
    Forbidden, ProjectActor, TeamActor,
    policy::Right,
    provisioning::{Provisioned, Provisioning},
};

/// What is to change of what end users see; what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// What people call the project.
    pub name: Option<ProjectName>,
    /// The colour of its pages.
    pub accent: Option<Accent>,
    /// Where its privacy policy is.
    pub privacy_url: Patch<String>,
    /// Where its users get help.
    pub support_url: Patch<String>,
}

/// Why a project is not made or changed.
#[derive(Debug, Error)]
pub enum ProjectError {
    /// The team has as many as it may have.
    #[error("the team has {} projects, and a team has no more: delete one first", limits::PROJECTS.value)]
    TooMany,
    /// It is no link for people.
    #[error(
        "`{field}` has to start with https://, with no user name and {most} bytes at most, or be \
         null",
        most = limits::PROJECT_LINK.value
    )]
    BadLink {
        /// The field.
        field: &'static str,
    },
    /// It is deleted already.
    #[error("the project in the address is none of yours: GET /v1/projects lists those that are")]
    Unknown,
    /// It was changed by somebody else.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// The policy forbids it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Makes projects, and changes what their end users see of them.
#[derive(Clone)]
pub struct Projects {
    base: Arc<Base>,
    provisioning: Provisioning,
}

impl Projects {
    pub(crate) fn new(engine: &Engine, provisioning: &Provisioning) -> Self {
        Self { base: Arc::clone(engine.base()), provisioning: provisioning.clone() }
    }

    /// Creates a project of a team, with its default agent.
    ///
    /// # Errors
    /// When the team has too many.
    pub async fn create(
        &self,
        by: &TeamActor,
        name: &ProjectName,
    ) -> Result<Provisioned, ProjectError> {
        let permit = by.may(Right::CreateProject)?;
        let chain = self.base.team_chain(permit.team).await?;
        let mut tx = self.base.begin(permit.actor).await.map_err(Fault::from)?;
        let known = projects::lock_count(&mut tx, permit.team).await.map_err(Fault::from)?;
        if limits::PROJECTS.is_exceeded_by(usize::try_from(known + 1).unwrap_or(usize::MAX)) {
            return Err(ProjectError::TooMany);
        }
        let made = self.provisioning.add_project(&mut tx, permit.team, name).await?;
        let event = Event::new("project.created", made.project).with("name", name.as_str());
        chain.record(&mut tx, &event).await?;
        tx.commit().await.map_err(Fault::from)?;
        tracing::info!(project.id = %made.project, "project made");
        Ok(made)
    }

    /// Changes what end users see of a project, where it has the `expected` version, if one is
    /// named.
    ///
    /// # Errors
    /// When a value cannot be, or the project was changed meanwhile.
    pub async fn change(
        &self,
        by: &ProjectActor,
        change: ProfileChange,
        expected: Option<i64>,
    ) -> Result<(), ProjectError> {
        let permit = by.may(Right::Appearance)?;
        check_link("privacy_url", change.privacy_url.value())?;
        check_link("support_url", change.support_url.value())?;
        let chain = self.base.project_chain(permit.project).await?;
        let mut tx = self.base.begin(permit.actor).await.map_err(Fault::from)?;
        let before = projects::lock_profile(&mut tx, permit.project).await.map_err(Fault::from)?;
        let StoredProfile { profile, version } = before.ok_or(ProjectError::Unknown)?;
        Stale::check(expected, version)?;
        let after = change.applied_to(profile.clone());
        if after == profile {
            return Ok(());
        }
        let event = Event::new("project.changed", permit.project);
        let event = event.changing(&recorded(&profile), &recorded(&after));
        let after = StoredProfile { profile: after, version: version + 1 };
        projects::set_profile(&mut tx, permit.project, &after).await.map_err(Fault::from)?;
        chain.record(&mut tx, &event).await?;
        Ok(tx.commit().await.map_err(Fault::from)?)
    }

    /// Returns the id of the project of a name or id, among all: for the operator.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn named(&self, name_or_id: &str) -> Result<Vec<ProjectId>, Fault> {
        let all = projects::list(self.base.db()).await?;
        let fits = |project: &projects::ListedProject| {
            project.name == name_or_id || project.id.to_string() == name_or_id
        };
        Ok(all.into_iter().filter(fits).map(|project| project.id).collect())
    }
}

/// Returns a profile as the audit log has it.
fn recorded(profile: &ProjectProfile) -> Value {
    json!({
        "name": profile.name.as_str(),
        "accent": profile.accent,
        "privacy_url": profile.privacy_url,
        "support_url": profile.support_url,
    })
}

impl ProfileChange {
    fn applied_to(self, before: ProjectProfile) -> ProjectProfile {
        ProjectProfile {
            name: self.name.unwrap_or(before.name),
            accent: self.accent.unwrap_or(before.accent),
            privacy_url: self.privacy_url.applied_to(before.privacy_url),
            support_url: self.support_url.applied_to(before.support_url),
        }
    }
}

fn check_link(field: &'static str, link: Option<&String>) -> Result<(), ProjectError> {
    let Some(link) = link else { return Ok(()) };
    let is_exact = !link.contains(|c: char| c.is_control() || c.is_whitespace());
    let is_short = !limits::PROJECT_LINK.is_exceeded_by(link.len());
    let url = Url::parse(link).ok().filter(|url| {
        url.scheme() == "https" && url.username().is_empty() && url.password().is_none()
    });
    match url {
        Some(_) if is_exact && is_short => Ok(()),
        _ => Err(ProjectError::BadLink { field }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_for_people_is_encrypted_and_plain() {
        let long = format!("https://acme.example/{}", "x".repeat(2_000));
        for (link, is_good) in [
            ("https://acme.example/privacy", true),
            ("https://acme.example/a?b=c#d", true),
            ("http://acme.example/privacy", false),
            ("javascript:alert(1)", false),
            ("https://user@acme.example/", false),
            ("https://acme.example/ privacy", false),
            (" https://acme.example/", false),
            ("/privacy", false),
            ("", false),
            (long.as_str(), false),
        ] {
            assert_eq!(check_link("x", Some(&link.to_owned())).is_ok(), is_good, "{link}");
        }
    }
}
