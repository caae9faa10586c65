use astralform_catalog::{Catalog, Connector, Tool};
use astralform_domain::ProjectName;
use astralform_management::provisioning::Bootstrapped;
use astralform_simulator::Simulator;
use serde_json::json;

/// What to try first: a connector whose service is simulated, so that it takes no app, and a tool
/// of it that needs no arguments.
pub(super) struct Example {
    connector: String,
    service: String,
    tool: String,
}

impl Example {
    pub(super) fn of(catalog: &Catalog) -> Option<Self> {
        let simulated = Simulator::CONSENTING_CONNECTORS.iter().filter_map(|slug| {
            let connector = catalog.connector(&slug.parse().ok()?)?;
            Some((connector, first_tool(connector)?))
        });
        simulated.into_iter().next().map(|(connector, tool)| Self {
            connector: connector.slug.to_string(),
            service: connector.name.clone(),
            tool: tool.name.to_string(),
        })
    }
}

/// Returns a tool to begin with: it changes nothing and needs no arguments.
fn first_tool(connector: &Connector) -> Option<&Tool> {
    connector
        .tools
        .iter()
        .find(|tool| tool.annotations.read_only && tool.input.faults(&json!({})).is_empty())
}

pub(super) fn in_words(
    done: &Bootstrapped,
    name: &ProjectName,
    address: &str,
    example: &Example,
) -> String {
    let project = done.made.project;
    let token = done.admin_token.secret.expose();
    let test = done.test_api_key.secret.expose();
    let live = done.live_api_key.secret.expose();
    let Example { connector, service, tool } = example;
    format!(
        "
Set up. None of the secrets below is shown again; keep them where secrets are kept.

  Project       {project}  {name}
  Test API key  {test}
  Live API key  {live}
  Admin token   {token}

1. Start the server with the same settings, and with the simulated services to try it:

   astralform serve --sandbox

2. Enable a connector; {service} is simulated here, so it needs no app of yours:

   curl -s {address}/v1/projects/{project}/connectors \\
     -H 'Authorization: Bearer {token}' \\
     -H 'Content-Type: application/json' \\
     -d '{{\"connector\": \"{connector}\", \"environment\": \"test\", \"sandbox\": true}}'

3. Call one of its tools for an end user. The answer has a link to show them; when they have
   connected their account there, the same call answers with the data:

   curl -s {address}/v1/tools/{tool}/call \\
     -H 'Authorization: Bearer {test}' \\
     -H 'X-End-User-ID: alice' \\
     -H 'Content-Type: application/json' -d '{{}}'

With an app of your own, send step 2 with another connector, without `sandbox` and with the app's
\"credentials\": {{\"client_id\": \"…\", \"client_secret\": \"…\"}}. The answer says which redirect URI to
register at the provider. GET {address}/v1/connectors lists the connectors
there are; POST …/connectors/SLUG/check?environment=test asks the provider whether it knows the app.
"
    )
}
