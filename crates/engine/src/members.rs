//! Who administers, and what.

use astralform_domain::{
    Administrator, Environment, EnvironmentSettings, ProjectId, ProjectName, Role, Tenant,
    VerifyEndUser, limits,
};
pub use astralform_storage::members::{Membership, ProjectOfMember};
use astralform_storage::{
    members::{self, Member},
    projects,
};
use thiserror::Error;
use url::Url;

use crate::{
    Engine, Fault,
    row_tags::{settings_vouched, tagged_settings},
};

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
        "`{0}` cannot be a return URL: one starts with https://, or with http:// on loopback, and \
         has no fragment"
    )]
    BadReturnUrl(String),
    /// Too many.
    #[error("an environment has {} return URLs at most", limits::RETURN_URLS.value)]
    TooManyReturnUrls,
    /// Only owners decide that.
    #[error("only an owner of the team may switch `verify_end_user` off in `live`")]
    OwnersOnly,
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Engine {
    /// Who an administrator is, and the teams they belong to.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn member(&self, of: Administrator) -> Result<(Member, Vec<Membership>), Fault> {
        let member = members::find(&self.db, of.member).await?;
        let member = member.ok_or(Fault::Inconsistent("a token's member is gone"))?;
        Ok((member, members::teams(&self.db, of.member).await?))
    }

    /// The projects of an administrator's teams, the oldest first, those after `after` and
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
        Ok(members::projects(&self.db, administrator.member, after, limit).await?)
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
        let mut tx = self.db.begin().await?;
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
        let role = self.role_in(by, tenant.project).await?;
        let key = self.installation_key().await?;
        let mut tx = self.db.begin().await.map_err(Fault::from)?;
        let before = projects::lock_environment(&mut tx, tenant).await.map_err(Fault::from)?;
        let before = settings_vouched(&key, tenant, before)?;
        let was_on = before.verify_end_user != VerifyEndUser::Off;
        let wanted = EnvironmentSettings {
            verify_end_user: change.verify_end_user.unwrap_or(before.verify_end_user),
            return_urls: change.return_urls.unwrap_or(before.return_urls),
        };
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

fn check_return_urls(urls: &[String]) -> Result<(), EnvironmentError> {
    if limits::RETURN_URLS.is_exceeded_by(urls.len()) {
        return Err(EnvironmentError::TooManyReturnUrls);
    }
    match urls.iter().find(|url| !is_return_url(url)) {
        Some(bad) => Err(EnvironmentError::BadReturnUrl(bad.clone())),
        None => Ok(()),
    }
}

/// RFC 8252 §7.3 allows http on loopback, where nobody else listens in.
fn is_return_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let on_loopback = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        let encrypted = url.scheme() == "https" || url.scheme() == "http" && on_loopback;
        encrypted
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && !limits::RETURN_URL.is_exceeded_by(text.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn return_urls_are_encrypted_or_on_loopback() {
        for good in
            ["https://app.example.com/done?x=1", "http://127.0.0.1:3000/", "http://localhost/"]
        {
            assert!(is_return_url(good), "{good}");
        }
        for bad in [
            "http://app.example.com/done",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://user@app.example.com/",
            "https://app.example.com/#done",
            "//app.example.com",
            "/done",
            "",
        ] {
            assert!(!is_return_url(bad), "{bad}");
        }
        let many = vec!["https://app.example.com/".to_owned(); 21];
        assert!(matches!(check_return_urls(&many), Err(EnvironmentError::TooManyReturnUrls)));
    }
}
