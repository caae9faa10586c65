/// What a token with this scope may do, in the words of the consent page.
pub(crate) struct Scope {
    pub(crate) name: &'static str,
    pub(crate) words: &'static str,
    /// What it also allows, without saying so in the list of granted scopes.
    implied: &'static [&'static str],
}

/// The one scope that is a wish about the token, and not a permission.
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";

const fn scope(name: &'static str, words: &'static str, implied: &'static [&'static str]) -> Scope {
    Scope { name, words, implied }
}

const SCOPES: &[Scope] = &[
    scope(
        "repo",
        "Read and write all public and private repositories",
        &["repo:status", "repo_deployment", "public_repo", "repo:invite", "security_events"],
    ),
    scope("repo:status", "Read and write commit statuses", &[]),
    scope("repo_deployment", "Read and write deployment statuses", &[]),
    scope("public_repo", "Read and write public repositories", &[]),
    scope("repo:invite", "Accept and decline invitations to repositories", &[]),
    scope("security_events", "Read and write security events", &[]),
    scope("admin:repo_hook", "Manage webhooks", &["write:repo_hook", "read:repo_hook"]),
    scope("write:repo_hook", "Write webhooks", &["read:repo_hook"]),
    scope("read:repo_hook", "Read webhooks", &[]),
    scope("admin:org", "Manage organizations and teams", &["write:org", "read:org"]),
    scope("write:org", "Write organization membership", &["read:org"]),
    scope("read:org", "Read organization and team membership", &[]),
    scope("admin:public_key", "Manage public keys", &["write:public_key", "read:public_key"]),
    scope("write:public_key", "Write public keys", &["read:public_key"]),
    scope("read:public_key", "Read public keys", &[]),
    scope("admin:org_hook", "Manage webhooks of organizations", &[]),
    scope("gist", "Write gists", &[]),
    scope("notifications", "Read notifications", &[]),
    scope("user", "Read and write the profile", &["read:user", "user:email", "user:follow"]),
    scope("read:user", "Read the profile", &[]),
    scope("user:email", "Read email addresses", &[]),
    scope("user:follow", "Follow and unfollow people", &[]),
    scope("project", "Read and write projects", &["read:project"]),
    scope("read:project", "Read projects", &[]),
    scope("delete_repo", "Delete repositories", &[]),
    scope("write:packages", "Upload packages", &["read:packages"]),
    scope("read:packages", "Download packages", &[]),
    scope("delete:packages", "Delete packages", &[]),
    scope("workflow", "Update workflows", &[]),
    scope(OFFLINE_ACCESS, "Stay connected with tokens that expire and are refreshed", &[]),
];

/// Reads a list separated by spaces or commas; a scope GitHub does not have is an error.
pub(crate) fn parse(list: &str) -> Result<Vec<&'static Scope>, String> {
    let mut scopes: Vec<&'static Scope> = Vec::new();
    for name in list.split([',', ' ']).filter(|name| !name.is_empty()) {
        let scope = find(name).ok_or_else(|| name.to_owned())?;
        if !scopes.iter().any(|known| known.name == scope.name) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

/// Returns the scopes without those that others of them imply, in the order of their names.
pub(crate) fn normalized(scopes: &[&'static Scope]) -> Vec<&'static str> {
    let implied = |name| scopes.iter().any(|other| other.implied.contains(&name));
    let mut names: Vec<_> =
        scopes.iter().map(|scope| scope.name).filter(|name| !implied(name)).collect();
    names.sort_unstable();
    names
}

/// Returns whether one of the granted scopes is this one or implies it.
pub(crate) fn covers(granted: &[&'static str], wanted: &str) -> bool {
    let implies = |name: &str| find(name).is_some_and(|scope| scope.implied.contains(&wanted));
    granted.iter().any(|name| *name == wanted || implies(name))
}

/// Returns the scopes of these names.
pub(crate) fn named(names: &[&str]) -> Vec<&'static Scope> {
    names.iter().filter_map(|name| find(name)).collect()
}

fn find(name: &str) -> Option<&'static Scope> {
    SCOPES.iter().find(|scope| scope.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn implied_scopes_are_not_listed_but_covered() {
        let asked = parse("user:email,repo public_repo user read:user").unwrap();
        let granted = normalized(&asked);
        assert_eq!(granted, ["repo", "user"]);
        assert!(covers(&granted, "public_repo") && covers(&granted, "user:email"));
        assert!(!covers(&granted, "gist"));
        assert_eq!(parse("repo repos").err().unwrap(), "repos");
    }
}
