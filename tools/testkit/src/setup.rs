//! How a test wants its server, and what that is made of.

use std::sync::Arc;

use astralform_domain::{Clock, Entropy, Environment, EnvironmentSettings, Secret};
use astralform_engine::{Credentials, Engine, project_connectors::Enable};
use astralform_http::AllowedHosts;
use astralform_simulator::{Simulator, SimulatorOptions, github::GithubApp, slack::SlackApp};
use astralform_surface::Rates;
use url::Url;

use crate::node::slug;

/// How a test wants its server.
pub struct Setup {
    /// The environment that the key and the connector are in.
    pub environment: Environment,
    /// The environment's settings, where they are not the default ones.
    pub settings: Option<EnvironmentSettings>,
    /// The text of a `connector.yaml` to be enabled in place of the sandboxed Slack, with the app's
    /// client id and secret.
    pub connector: Option<(String, String, String)>,
    /// The texts of more `connector.yaml`s for the catalogue; nobody has enabled them yet.
    pub catalogue: Vec<String>,
    /// The PostgreSQL server to run on, where that is not for the environment to say.
    pub postgres: Option<String>,
    /// Whether the simulated services give tokens that end.
    pub token_rotation: bool,
    /// What whoever reads the metrics has to know.
    pub metrics_token: Option<&'static str>,
    /// The simulated service whose connector is enabled, where `connector` names none.
    pub sandboxed: &'static str,
    /// What callers may ask for in a time.
    pub rates: Rates,
    /// The names that the server is called by besides its own.
    pub hosts: AllowedHosts,
    /// The clock to go by, where it is not one of the server's own.
    pub clock: Option<Clock>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            environment: Environment::Test,
            settings: None,
            connector: None,
            catalogue: Vec::new(),
            postgres: None,
            token_rotation: false,
            metrics_token: None,
            sandboxed: "slack",
            rates: Rates::default(),
            hosts: AllowedHosts::default(),
            clock: None,
        }
    }
}

/// The name and secret of our app at the simulated provider.
const CLIENT: (&str, &str) = ("test-client-id", "CANARY-client-secret-0123456789");

/// Returns the simulated services, with our app registered.
pub(crate) fn simulator(
    engine: &Engine,
    clock: &Clock,
    url: &Url,
    token_rotation: bool,
) -> Simulator {
    let clock = clock.clone();
    let entropy = Entropy::system();
    let simulator = Simulator::new(SimulatorOptions {
        clock: Arc::new(move || clock.now().as_micros()),
        random: Arc::new(move |bytes| entropy.fill(bytes)),
        public_url: url.to_string(),
    });
    let redirect_uri = engine.site().shared_redirect_uri();
    let mut app = SlackApp::new(CLIENT.0, CLIENT.1, &redirect_uri);
    app.token_rotation = token_rotation;
    assert!(simulator.slack().register_app(app).is_ok(), "the simulator takes our app");
    let mut app = GithubApp::new(CLIENT.0, CLIENT.1, &redirect_uri);
    app.expiring_tokens = token_rotation;
    assert!(simulator.github().register_app(app).is_ok(), "the simulator takes our app");
    simulator
}

/// Returns the connector to be enabled: an added one, or a sandboxed one of the catalogue.
pub(crate) fn enable(added: Option<(String, String, String)>, sandboxed: &str) -> Enable {
    let is_sandboxed = added.is_none();
    let (connector, client_id, client_secret) = match added {
        Some((yaml, id, secret)) => (slug(&yaml), id, secret),
        None => (sandboxed.parse().expect("a slug"), CLIENT.0.to_owned(), CLIENT.1.to_owned()),
    };
    let client = Credentials::client(&client_id, Secret::new(client_secret));
    let enable = if is_sandboxed { Enable::sandboxed(connector) } else { Enable::new(connector) };
    Enable { credentials: Some(client), ..enable }
}
