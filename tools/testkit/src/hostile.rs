use std::sync::Arc;

use astralform_domain::{Clock, Entropy};
use astralform_http::{Limits, serve};
use astralform_simulator::{
    SimulatorOptions,
    hostile::{Hostile, Temper},
};
use tokio::task::JoinHandle;
use url::Url;

use crate::{Setup, node::listen};

/// The provider of any temper while it is served, and the connector for it. Dropping it ends it.
pub struct HostileProvider {
    /// Its handle, for making trouble and for looking.
    pub hostile: Hostile,
    /// Where it is.
    pub base: Url,
    serving: JoinHandle<()>,
}

impl HostileProvider {
    /// Its connector's name.
    pub const CONNECTOR: &str = "brittle";
    /// The tool that reads.
    pub const READ: &str = "brittle_read";
    /// The tool that writes, once for each time it gets through.
    pub const WRITE: &str = "brittle_write";
    /// The id and secret of our app.
    pub const CLIENT: (&str, &str) = ("brittle-client", "CANARY-brittle-secret-0123456789");

    /// Serves one on a free port.
    pub async fn start(clock: &Clock, temper: Temper) -> Self {
        let (listener, base) = listen("127.0.0.1:0".parse().expect("an address")).await;
        let clock = clock.clone();
        let entropy = Entropy::system();
        let options = SimulatorOptions {
            clock: Arc::new(move || clock.now().as_micros()),
            random: Arc::new(move |bytes| entropy.fill(bytes)),
            public_url: base.to_string(),
        };
        let hostile = Hostile::new(options, Self::CLIENT, temper);
        let limits = Limits::for_tests();
        let serving = serve(listener, hostile.router(), limits, std::future::pending());
        Self { hostile, base, serving: tokio::spawn(serving) }
    }

    /// Returns its `connector.yaml`.
    pub fn yaml(&self) -> String {
        let base = self.base.as_str().trim_end_matches('/');
        include_str!("hostile.yaml").replace("{base}", base)
    }

    /// Returns its `connector.yaml` under another name, for a second one beside it: the tools are
    /// called by that name too.
    pub fn yaml_as(&self, slug: &str) -> String {
        self.yaml().replace("brittle", slug)
    }

    /// Returns how a server has it as its only connector and goes by the same clock. Its browsers
    /// are sent back once the server's redirect URI is allowed, see [`Hostile::allow_redirect`].
    pub fn setup(&self, clock: &Clock) -> Setup {
        let (id, secret) = Self::CLIENT;
        let connector = Some((self.yaml(), id.to_owned(), secret.to_owned()));
        Setup { connector, clock: Some(clock.clone()), ..Setup::default() }
    }
}

impl Drop for HostileProvider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
