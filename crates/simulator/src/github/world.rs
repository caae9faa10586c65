use serde::Serialize;

/// The people, organizations, repositories and issues there are.
#[derive(Debug, Clone, Serialize)]
pub struct World {
    /// People and organizations; the consent page offers the first person by default.
    pub accounts: Vec<Account>,
    /// All repositories, private ones included.
    pub repositories: Vec<Repository>,
    /// Issues and pull requests of all repositories.
    pub issues: Vec<Issue>,
}

/// A person or an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// GitHub's number of the account.
    pub id: i64,
    /// The name in addresses.
    pub login: String,
    /// The name people see.
    pub name: String,
    /// Who belongs to it; a person has no members.
    pub members: Vec<String>,
    /// Whether it is an organization.
    pub organization: bool,
}

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repository {
    /// GitHub's number of the repository.
    pub id: i64,
    /// The login of its owner.
    pub owner: String,
    /// The name below its owner.
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// The language most of it is written in.
    pub language: Option<String>,
    /// Whether only those with access can see it.
    pub private: bool,
    /// Whether it is read-only for everybody.
    pub archived: bool,
    /// Whether it was copied from another.
    pub fork: bool,
    /// People with access of their own, beside the owner.
    pub collaborators: Vec<Collaborator>,
    /// When it was created.
    pub created_at: String,
    /// When something was pushed last.
    pub pushed_at: String,
}

/// Somebody's access to a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Collaborator {
    /// The person.
    pub login: String,
    /// How far the access goes.
    pub role: Role,
}

/// How far access to a repository goes, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reading.
    Read,
    /// Reading, and handling issues.
    Triage,
    /// Pushing, too.
    Write,
    /// Settings without danger, too.
    Maintain,
    /// Everything.
    Admin,
}

/// An issue or a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// GitHub's number of it among all issues.
    pub id: i64,
    /// The repository as `owner/name`.
    pub repository: String,
    /// Its number within the repository.
    pub number: i64,
    /// What it is about, in a line.
    pub title: String,
    /// What it is about.
    pub body: String,
    /// The login of who opened it.
    pub author: String,
    /// The logins of who should see to it.
    pub assignees: Vec<String>,
    /// What it is filed under.
    pub labels: Vec<String>,
    /// How many comments it has.
    pub comments: i64,
    /// Why it was closed; none while it is open.
    pub closed: Option<Closed>,
    /// What makes it a pull request.
    pub pull_request: Option<PullRequest>,
    /// When it was opened.
    pub created_at: String,
    /// When it was changed last.
    pub updated_at: String,
}

/// How an issue was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Closed {
    /// When.
    pub at: String,
    /// `completed` or `not_planned`; none for a pull request.
    pub reason: Option<String>,
}

/// What a pull request has beside an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PullRequest {
    /// Whether it is not ready to be looked at.
    pub draft: bool,
    /// When it was merged.
    pub merged_at: Option<String>,
}

// === impl World ===

impl World {
    pub(crate) fn account(&self, login: &str) -> Option<&Account> {
        self.accounts.iter().find(|known| known.login.eq_ignore_ascii_case(login))
    }

    pub(crate) fn person(&self, login: &str) -> Option<&Account> {
        self.account(login).filter(|account| !account.organization)
    }

    pub(crate) fn people(&self) -> Vec<&Account> {
        self.accounts.iter().filter(|account| !account.organization).collect()
    }

    pub(crate) fn repository(&self, full_name: &str) -> Option<&Repository> {
        self.repositories.iter().find(|known| known.full_name().eq_ignore_ascii_case(full_name))
    }

    /// Returns how a repository belongs to a person, if it does: as GitHub's `affiliation` calls
    /// it.
    pub(crate) fn affiliation(&self, repository: &Repository, login: &str) -> Option<&'static str> {
        if repository.owner == login {
            return Some("owner");
        }
        let is_member = |owner: &Account| owner.members.iter().any(|member| member == login);
        let collaborates = repository.collaborators.iter().any(|known| known.login == login);
        match self.account(&repository.owner).filter(|owner| is_member(owner)) {
            Some(_) if !repository.private || collaborates => Some("organization_member"),
            _ => collaborates.then_some("collaborator"),
        }
    }
}

impl Repository {
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// Returns how far a person's access goes; none where the repository is not even seen.
    pub(crate) fn role(&self, login: &str) -> Option<Role> {
        if self.owner == login {
            return Some(Role::Admin);
        }
        let given = self.collaborators.iter().find(|known| known.login == login);
        let public = (!self.private).then_some(Role::Read);
        given.map(|known| known.role).or(public)
    }
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Triage => "triage",
            Self::Write => "write",
            Self::Maintain => "maintain",
            Self::Admin => "admin",
        }
    }
}
