use serde_json::json;

use super::setup::{END_USER, Facts, KeyedTool};

/// Returns one line for programs.
pub(super) fn json(facts: &Facts) -> String {
    json!({
        "base_url": address(&facts.base_url),
        "dashboard_url": null,
        "simulator_url": address(&facts.simulator_url),
        "project_id": facts.project,
        "agent": "default",
        "api_key": facts.api_key.expose(),
        "admin_token": facts.admin_token.expose(),
        "connect_url": facts.connect_url,
        "keyed_tool": facts.keyed.tool,
        "keyed_arguments": facts.keyed.arguments,
    })
    .to_string()
}

/// Returns what to do, for people.
pub(super) fn instructions(facts: &Facts) -> String {
    let base = address(&facts.base_url);
    let key = facts.api_key.expose();
    let admin_token = facts.admin_token.expose();
    let project = facts.project;
    let Facts { service, tool, connect_url: link, .. } = facts;
    let services = facts.services.join(", ");
    let KeyedTool { service: other, tool: keyed, arguments } = &facts.keyed;
    format!(
        "
Astralform is running at {base}
with simulated services ({services}), a throw-away database and one project.
Ctrl-C ends it and forgets it all.

1. An agent calls a tool for the user {END_USER}, who has not connected {service} yet:

   curl -s {base}/v1/tools/{tool}/call \\
     -H 'Authorization: Bearer {key}' \\
     -H 'X-End-User-ID: {END_USER}' \\
     -H 'Content-Type: application/json' -d '{{}}'

   The answer says auth_required and carries a link.

2. {END_USER} opens that link in a browser, clicks Connect, then Allow:

   {link}

3. The same curl line again: the answer has the data. The other services are connected the same way;
   GET {base}/v1/tools lists their tools.

4. {other} takes an API key, and the project has one, so this works at once and for everybody:

   curl -s {base}/v1/tools/{keyed}/call \\
     -H 'Authorization: Bearer {key}' \\
     -H 'Content-Type: application/json' -d '{{\"arguments\": {arguments}}}'

5. What administers the project is asked with its admin token; this lists its connectors:

   curl -s '{base}/v1/projects/{project}/connectors?environment=test' \\
     -H 'Authorization: Bearer {admin_token}'

   Project       {project}
   Test API key  {key}
   Admin token   {admin_token}

The link is good for ten minutes; the curl line always has a fresh one.
"
    )
}

fn address(url: &url::Url) -> &str {
    url.as_str().trim_end_matches('/')
}
