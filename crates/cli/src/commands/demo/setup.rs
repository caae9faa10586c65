use std::sync::Arc;

use anyhow::Context as _;
use astralform_catalog::{builtin, load};
use astralform_domain::{
    Actor, Clock, ConnectorSlug, Entropy, Environment, ProjectId, Secret, Tenant,
};
use astralform_egress::{Egress, Networks};
use astralform_engine::{
    Credentials, Engine, Outcome, Parts, Patience, Site, ToolCall, authentication::RequestClaims,
    project_connectors::Enable,
};
use astralform_management::Management;
use astralform_operations::prepare_database;
use astralform_simulator::Simulator;
use astralform_storage::{Db, calls::Keep};
use astralform_vault::KeyRing;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle, time::Instant};
use url::Url;

use crate::simulated::Simulated;

/// A demo that is ready to be served.
pub(super) struct Set {
    pub(super) engine: Arc<Engine>,
    pub(super) facts: Facts,
    /// The simulated services, which are being served.
    pub(super) simulator: JoinHandle<()>,
}

/// What a person who tries it has to know.
pub(super) struct Facts {
    pub(super) base_url: Url,
    pub(super) simulator_url: Url,
    pub(super) project: ProjectId,
    pub(super) api_key: Secret,
    pub(super) admin_token: Secret,
    /// The simulated services, by name.
    pub(super) services: Vec<String>,
    /// The service of the tool to begin with.
    pub(super) service: String,
    pub(super) tool: String,
    pub(super) connect_url: String,
    pub(super) keyed: KeyedTool,
    _files: TempDir,
}

/// A tool that works at once, since a key pays for it.
pub(super) struct KeyedTool {
    pub(super) service: String,
    pub(super) tool: String,
    pub(super) arguments: Value,
}

pub(super) const END_USER: &str = "alice";
const PROJECT: &str = "Demo project";
const OWNER: &str = "owner@example.com";

/// Sets up everything of one project: database, simulator, agent, key, connectors.
pub(super) async fn set_up(listener: &TcpListener) -> anyhow::Result<Set> {
    let files = tempfile::tempdir().context("no temporary folder can be made")?;
    let clock = Clock::system();
    let entropy = Entropy::system();
    let simulators = TcpListener::bind("127.0.0.1:0").await?;
    let base_url: Url = format!("http://{}", listener.local_addr()?).parse()?;
    let simulated = Simulated::on(simulators, clock.clone(), entropy.clone())?;
    let simulator = simulated.simulator.clone();
    let simulator_url = simulated.url.clone();
    let db = Db::open_sqlite(&files.path().join("demo.db")).await?;
    let key_ring = KeyRing::generate(&entropy);
    prepare_database(&db, &key_ring).await?;
    let engine = Engine::new(Parts {
        db,
        catalog: load(builtin().iter().copied()).0,
        key_ring,
        egress: Egress::new(Networks::default(), Some(simulated.address)),
        site: Site::new(base_url.clone(), Some(simulator_url.clone())),
        clock,
        entropy,
        node: "demo".to_owned(),
        call_log: Keep::default(),
        spool: None,
    });
    let serving = tokio::spawn(simulated.serve());
    let provisioning = Management::over(&engine).provisioning;
    let made = provisioning.provision("Demo team", PROJECT).await?;
    let tenant = Tenant { project: made.project, environment: Environment::Test };
    let api_key = provisioning.create_api_key(tenant, None).await?;
    let admin_token = provisioning.create_owner(made.team, &OWNER.parse()?).await?;
    let enabled = enable_all(&engine, tenant, &simulator).await?;
    let keyed = enable_keyed(&engine, tenant).await?;
    let (service, tool) = first_tool(&engine, &enabled)?;
    let connect_url = first_link(&engine, &api_key, &tool).await?;
    let enabled = enabled.iter().filter_map(|slug| engine.catalog().connector(slug));
    let services = enabled.map(|connector| connector.name.clone());
    let services = services.chain([keyed.service.clone()]).collect();
    let facts = Facts {
        services,
        base_url,
        simulator_url,
        project: made.project,
        api_key,
        admin_token,
        service,
        tool,
        connect_url,
        keyed,
        _files: files,
    };
    Ok(Set { engine, facts, simulator: serving })
}

/// Enables the connector of each simulated service that asks for consent, in the simulator's order.
async fn enable_all(
    engine: &Engine,
    tenant: Tenant,
    simulator: &Simulator,
) -> anyhow::Result<Vec<ConnectorSlug>> {
    let redirect_uri = engine.site().shared_redirect_uri();
    let mut enabled = Vec::new();
    for app in simulator.register_apps(PROJECT, &redirect_uri)? {
        let client = Credentials::client(&app.client_id, Secret::new(app.client_secret));
        let connector: ConnectorSlug = app.connector.parse()?;
        enabled.push(connector.clone());
        let enable = Enable { credentials: Some(client), ..Enable::sandboxed(connector) };
        engine.project_connectors.enable(Actor::Operator, tenant, enable).await?;
    }
    Ok(enabled)
}

/// Enables the connector of each simulated service that takes keys, each with a key of the
/// simulator's; the first tool of the first one is what to try.
async fn enable_keyed(engine: &Engine, tenant: Tenant) -> anyhow::Result<KeyedTool> {
    let mut keyed = None;
    for slug in Simulator::KEYED_CONNECTORS {
        let slug: ConnectorSlug = slug.parse()?;
        let enable = Enable::sandboxed(slug.clone());
        engine.project_connectors.enable(Actor::Operator, tenant, enable).await?;
        let connector = engine.catalog().connector(&slug);
        let tool = connector.and_then(|found| Some((found.name.clone(), found.tools.first()?)));
        keyed = keyed.or(tool);
    }
    let (service, tool) = keyed.context("no simulated service takes keys")?;
    let arguments = example(tool.input.json());
    Ok(KeyedTool { service, tool: tool.name.as_str().to_owned(), arguments })
}

/// Returns the required arguments of a schema, by its own examples.
fn example(schema: &Value) -> Value {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let properties = &schema["properties"];
    required.map(|name| (name.to_owned(), properties[name]["examples"][0].clone())).collect()
}

/// Returns a tool to begin with: it changes nothing and needs no arguments.
fn first_tool(engine: &Engine, enabled: &[ConnectorSlug]) -> anyhow::Result<(String, String)> {
    let connectors = enabled.iter().filter_map(|slug| engine.catalog().connector(slug));
    let tools = connectors.flat_map(|connector| {
        connector.tools.iter().map(move |tool| (connector.name.clone(), tool))
    });
    let mut easy = tools.filter(|(_, tool)| {
        tool.annotations.read_only && tool.input.faults(&serde_json::json!({})).is_empty()
    });
    let (service, tool) = easy.next().context("the catalogue has no tool to begin with")?;
    Ok((service, tool.name.as_str().to_owned()))
}

/// Returns the link that the first call will answer with.
async fn first_link(engine: &Engine, api_key: &Secret, tool: &str) -> anyhow::Result<String> {
    let end_user = Some(END_USER.parse()?);
    let said = RequestClaims { token: api_key.expose(), agent: None, end_user };
    let caller = engine.authentication.authenticate(said).await?;
    let call = ToolCall {
        id: engine.new_call_id(),
        came: Instant::now(),
        arguments: serde_json::json!({}),
        connection: None,
        wait: Patience::default(),
    };
    match Box::pin(engine.tools.call_tool(&caller, tool, &call)).await? {
        Outcome::AuthRequired(prompt) => Ok(prompt.url),
        _ => anyhow::bail!("a fresh end user should have to connect first"),
    }
}
