use serde_json::{Value, json};

use super::{account, members, node};
use crate::github::world::{Issue, World};

/// Returns an issue or a pull request, as a search finds it.
pub(in crate::github::api) fn issue(issue: &Issue, world: &World, base: &str) -> Value {
    let repository = format!("{base}/repos/{}", issue.repository);
    let url = format!("{repository}/issues/{}", issue.number);
    let kind = if issue.pull_request.is_some() { "pull" } else { "issues" };
    let page = format!("{base}/{}/{kind}/{}", issue.repository, issue.number);
    let person = |login: &str| world.account(login).map(|known| account(known, base));
    let assignees: Vec<_> = issue.assignees.iter().filter_map(|login| person(login)).collect();
    let mut view = members(json!({
        "url": url,
        "repository_url": repository,
        "labels_url": format!("{url}/labels{{/name}}"),
        "comments_url": format!("{url}/comments"),
        "events_url": format!("{url}/events"),
        "timeline_url": format!("{url}/timeline"),
        "html_url": page,
        "id": issue.id,
        "node_id": node("Issue", issue.id),
        "number": issue.number,
        "title": issue.title,
        "user": person(&issue.author),
        "labels": issue.labels.iter().map(|name| label(name, &repository)).collect::<Vec<_>>(),
        "state": if issue.closed.is_some() { "closed" } else { "open" },
        "state_reason": issue.closed.as_ref().and_then(|closed| closed.reason.clone()),
        "locked": false,
        "active_lock_reason": null,
        "assignee": assignees.first(),
        "assignees": assignees,
        "milestone": null,
        "comments": issue.comments,
        "created_at": issue.created_at,
        "updated_at": issue.updated_at,
        "closed_at": issue.closed.as_ref().map(|closed| closed.at.clone()),
        "author_association": association(issue, world),
        "body": issue.body,
        "score": 1.0,
    }));
    if let Some(pull) = &issue.pull_request {
        let links = json!({
            "url": format!("{repository}/pulls/{}", issue.number),
            "html_url": page,
            "diff_url": format!("{page}.diff"),
            "patch_url": format!("{page}.patch"),
            "merged_at": pull.merged_at,
        });
        view.insert("pull_request".to_owned(), links);
        view.insert("draft".to_owned(), pull.draft.into());
    }
    Value::Object(view)
}

fn label(name: &str, repository: &str) -> Value {
    let id = 9000 + i64::try_from(name.len()).unwrap_or_default();
    json!({
        "id": id,
        "node_id": node("Label", id),
        "url": format!("{repository}/labels/{}", name.replace(' ', "%20")),
        "name": name,
        "color": "d73a4a",
        "default": name == "bug",
        "description": null,
    })
}

fn association(issue: &Issue, world: &World) -> &'static str {
    let repository = world.repository(&issue.repository);
    match repository.and_then(|it| world.affiliation(it, &issue.author)) {
        Some("owner") => "OWNER",
        Some("organization_member") => "MEMBER",
        Some(_) => "COLLABORATOR",
        None => "NONE",
    }
}
