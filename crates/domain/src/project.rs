use crate::{Accent, ProjectName};

/// What the end users of a project see of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectProfile {
    /// What people call it.
    pub name: ProjectName,
    /// The colour of its pages.
    pub accent: Accent,
    /// Where its privacy policy is.
    pub privacy_url: Option<String>,
    /// Where its users get help.
    pub support_url: Option<String>,
}

impl From<ProjectName> for ProjectProfile {
    fn from(name: ProjectName) -> Self {
        Self { name, accent: Accent::Neutral, privacy_url: None, support_url: None }
    }
}
