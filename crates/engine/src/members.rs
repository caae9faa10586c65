//! Members, and what they administer.

mod return_urls;

use std::sync::Arc;

use astralform_domain::{
    Administrator, Environment, EnvironmentSettings, ProjectId, ProjectName, Role, Tenant,
    VerifyEndUser, limits,
};

use crate::{authentication::Authentication, base::Base, row_tags::RowTags};
pub use astralform_storage::members::{Membership, ProjectOfMember};
use astralform_storage::{
    members::{self, Member},
    projects,
};
use thiserror::Error;

use crate::{
    Fault,
    row_tags::{settings_vouched, tagged_settings},
};
use return_urls::{check_own_schemes, check_return_urls};

/// What is to change of an environment; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentChange {
    /// Who vouches for the person who finished in the browser.
    pub verify_end_user: Option<VerifyEndUser>,
    /// Where browsers may be sent after a prompt, all of them.
    pub return_urls: Option<Vec<String>>,
}

/// Why the settings of an environment are not taken.
#[derive(Debug, Error)]
pub enum EnvironmentError {
    /// A browser cannot be sent there.
    #[error(
        "`return_urls` has {0:?}, which cannot be one: a return URL starts with https://, with http:// \
         on loopback, or with an application's own scheme, a domain name from right to left as in \
         com.example.app:/done; it has no user name, no fragment, no spaces and {most} bytes at \
         most",
        most = limits::RETURN_URL.value
    )]
    BadReturnUrl(String),
    /// An application's own scheme, where the backend does not confirm who comes back.
    #[error(
        "`return_urls` has {0:?} with an application's own scheme, which other applications on a device can claim as \
         well: it takes `verify_end_user: confirm`; set that first, or leave this return URL out"
    )]
    OwnSchemeUnconfirmed(String),
    /// Too many.
    #[error("`return_urls` takes {} addresses at most: leave some out", limits::RETURN_URLS.value)]
    TooManyReturnUrls,
    /// Only owners decide that.
    #[error(
        "only an owner of the team may switch `verify_end_user` off in `live`, and this admin token \
         is no owner's: ask one"
    )]
    OwnersOnly,
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What members see and change of their projects.
#[derive(Clone)]
pub struct Members {
    base: Arc<Base>,
    authentication: Arc<Authentication>,
    row_tags: Arc<RowTags>,
}

impl Members {
    pub(crate) fn new(
        base: &Arc<Base>,
        authentication: &Arc<Authentication>,
        row_tags: &Arc<RowTags>,
    ) -> Self {
        Self {
            base: Arc::clone(base),
            authentication: Arc::clone(authentication),
            row_tags: Arc::clone(row_tags),
        }
    }

    /// Returns who an administrator is, and the teams they belong to.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn member(&self, of: Administrator) -> Result<(Member, Vec<Membership>), Fault> {
        let member = members::find(&self.base.db, of.member).await?;
        let member = member.ok_or(Fault::Inconsistent("a token's member is gone"))?;
        Ok((member, members::teams(&self.base.db, of.member).await?))
    }

    /// Returns the projects of an administrator's teams, the oldest first, those after `after` and
    /// `limit` at most.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn projects_of(
        &self,
        administrator: Administrator,
        after: Option<ProjectId>,
        limit: i64,
    ) -> Result<Vec<ProjectOfMember>, Fault> {
        Ok(members::projects(&self.base.db, administrator.member, after, limit).await?)
    }

    /// Gives a project another name, where one is given; returns the project as it is then, unless
    /// it is none of the administrator's.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rename_project(
        &self,
        by: Administrator,
        project: ProjectId,
        name: Option<&ProjectName>,
    ) -> Result<Option<ProjectOfMember>, Fault> {
        let mut tx = self.base.begin().await?;
        if let Some(name) = name {
            projects::rename(&mut tx, project, name).await?;
        }
        let found = members::project(&mut tx, by.member, project).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// Changes the settings of an environment and returns them as they are then. What the change
    /// does not name stays as others have set it meanwhile.
    ///
    /// # Errors
    /// When a return URL cannot be one, or the administrator may not decide it.
    pub async fn change_environment(
        &self,
        by: Administrator,
        tenant: Tenant,
        change: EnvironmentChange,
    ) -> Result<EnvironmentSettings, EnvironmentError> {
        check_return_urls(change.return_urls.as_deref().unwrap_or_default())?;
        let role = self.authentication.role_in(by, tenant.project).await?;
        let key = self.row_tags.installation_key().await?;
        let mut tx = self.base.begin().await.map_err(Fault::from)?;
        let before = projects::lock_environment(&mut tx, tenant).await.map_err(Fault::from)?;
        let before = settings_vouched(&key, tenant, before)?;
        let was_on = before.verify_end_user != VerifyEndUser::Off;
        let wanted = EnvironmentSettings {
            verify_end_user: change.verify_end_user.unwrap_or(before.verify_end_user),
            return_urls: change.return_urls.unwrap_or(before.return_urls),
        };
        check_own_schemes(&wanted)?;
        let switched_off = was_on && wanted.verify_end_user == VerifyEndUser::Off;
        if switched_off && tenant.environment == Environment::Live && role != Some(Role::Owner) {
            return Err(EnvironmentError::OwnersOnly);
        }
        let stored = tagged_settings(&key, tenant, wanted);
        projects::set_environment(&mut tx, tenant, &stored).await.map_err(Fault::from)?;
        tx.commit().await.map_err(Fault::from)?;
        if switched_off {
            let environment = tenant.environment;
            tracing::warn!(project.id = %tenant.project, %environment, "end users are not verified");
        }
        Ok(stored.settings)
    }
}
