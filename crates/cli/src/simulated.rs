//! The simulated services, on a listener of their own.

use std::{net::SocketAddr, sync::Arc};

use astralform_domain::{Clock, Entropy};
use astralform_http::{Limits, serve};
use astralform_simulator::{Simulator, SimulatorOptions};
use tokio::net::TcpListener;
use url::Url;

/// Simulated services that are ready to be served.
pub(crate) struct Simulated {
    pub(crate) simulator: Simulator,
    pub(crate) address: SocketAddr,
    pub(crate) url: Url,
    listener: TcpListener,
}

impl Simulated {
    pub(crate) fn on(
        listener: TcpListener,
        clock: Clock,
        entropy: Entropy,
    ) -> anyhow::Result<Self> {
        let address = listener.local_addr()?;
        let url: Url = format!("http://{address}").parse()?;
        let simulator = Simulator::new(SimulatorOptions {
            clock: Arc::new(move || clock.now().as_micros()),
            random: Arc::new(move |bytes| entropy.fill(bytes)),
            public_url: url.to_string(),
        });
        Ok(Self { simulator, address, url, listener })
    }

    /// Serves them for ever.
    pub(crate) async fn serve(self) {
        let never = std::future::pending();
        serve(self.listener, self.simulator.router(), Limits::for_tests(), never).await;
    }
}
