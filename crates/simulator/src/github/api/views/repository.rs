use serde_json::{Value, json};

use super::{account, below, members, node};
use crate::github::world::{Repository, Role, World};

/// What hangs below a repository, by the beginning of the property that says where.
const BELOW_REPOSITORY: &[(&str, &str)] = &[
    ("archive", "/{archive_format}{/ref}"),
    ("assignees", "/assignees{/user}"),
    ("blobs", "/git/blobs{/sha}"),
    ("branches", "/branches{/branch}"),
    ("collaborators", "/collaborators{/collaborator}"),
    ("comments", "/comments{/number}"),
    ("commits", "/commits{/sha}"),
    ("compare", "/compare/{base}...{head}"),
    ("contents", "/contents/{+path}"),
    ("contributors", "/contributors"),
    ("deployments", "/deployments"),
    ("downloads", "/downloads"),
    ("events", "/events"),
    ("forks", "/forks"),
    ("git_commits", "/git/commits{/sha}"),
    ("git_refs", "/git/refs{/sha}"),
    ("git_tags", "/git/tags{/sha}"),
    ("hooks", "/hooks"),
    ("issue_comment", "/issues/comments{/number}"),
    ("issue_events", "/issues/events{/number}"),
    ("issues", "/issues{/number}"),
    ("keys", "/keys{/key_id}"),
    ("labels", "/labels{/name}"),
    ("languages", "/languages"),
    ("merges", "/merges"),
    ("milestones", "/milestones{/number}"),
    ("notifications", "/notifications{?since,all,participating}"),
    ("pulls", "/pulls{/number}"),
    ("releases", "/releases{/id}"),
    ("stargazers", "/stargazers"),
    ("statuses", "/statuses/{sha}"),
    ("subscribers", "/subscribers"),
    ("subscription", "/subscription"),
    ("tags", "/tags"),
    ("teams", "/teams"),
    ("trees", "/git/trees{/sha}"),
];

/// Returns a repository as a person sees it.
pub(in crate::github::api) fn repository(
    repository: &Repository,
    world: &World,
    login: &str,
    base: &str,
) -> Value {
    let full_name = repository.full_name();
    let url = format!("{base}/repos/{full_name}");
    let role = repository.role(login).unwrap_or(Role::Read);
    let open = world.issues.iter().filter(|it| it.repository == full_name && it.closed.is_none());
    let open = open.count();
    let mut view = members(json!({
        "id": repository.id,
        "node_id": node("Repository", repository.id),
        "name": repository.name,
        "full_name": full_name,
        "owner": world.account(&repository.owner).map(|owner| account(owner, base)),
        "private": repository.private,
        "visibility": if repository.private { "private" } else { "public" },
        "html_url": format!("{base}/{full_name}"),
        "description": repository.description,
        "fork": repository.fork,
        "url": url,
        "created_at": repository.created_at,
        "updated_at": repository.pushed_at,
        "pushed_at": repository.pushed_at,
        "homepage": null,
        "size": 108,
        "stargazers_count": 3,
        "watchers_count": 3,
        "watchers": 3,
        "language": repository.language,
        "forks_count": 1,
        "forks": 1,
        "open_issues_count": open,
        "open_issues": open,
        "default_branch": "main",
        "license": null,
        "mirror_url": null,
        "archived": repository.archived,
        "disabled": false,
        "topics": [],
        "permissions": permissions(role),
        "role_name": role.name(),
    }));
    view.extend(members(settings(&full_name, base)));
    below(&mut view, BELOW_REPOSITORY, &url);
    Value::Object(view)
}

fn settings(full_name: &str, base: &str) -> Value {
    json!({
        "git_url": format!("git://127.0.0.1/{full_name}.git"),
        "ssh_url": format!("git@127.0.0.1:{full_name}.git"),
        "clone_url": format!("{base}/{full_name}.git"),
        "svn_url": format!("{base}/{full_name}"),
        "has_issues": true,
        "has_projects": true,
        "has_wiki": true,
        "has_pages": false,
        "has_downloads": true,
        "has_discussions": false,
        "is_template": false,
        "allow_forking": true,
        "web_commit_signoff_required": false,
    })
}

fn permissions(role: Role) -> Value {
    json!({
        "admin": role >= Role::Admin,
        "maintain": role >= Role::Maintain,
        "push": role >= Role::Write,
        "triage": role >= Role::Triage,
        "pull": true,
    })
}
