use std::time::Duration;

use astralform_domain::{Entropy, Secret};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use serde_json::{Value, json};
use thiserror::Error;
use url::Url;

use super::{NewClient, Ready};
use crate::{
    Engine, Fault,
    egress::{Allowance, EgressError, Outgoing, Reach},
    oauth::headers,
};

/// Why the simulator does not take our app.
#[derive(Debug, Error)]
pub(crate) enum SandboxError {
    #[error("the simulator did not answer")]
    Unreachable(#[from] EgressError),
    #[error("the simulator answered with status {0}")]
    Refused(u16),
    #[error(transparent)]
    Fault(#[from] Fault),
}

const ALLOWANCE: Allowance =
    Allowance { reach: Reach::Simulator, within: Duration::from_secs(5), at_most: 1024 * 1024 };

/// An app for a sandboxed connector whose developer has none.
pub(super) fn made_up_client(entropy: &Entropy) -> NewClient {
    let random = || URL_SAFE_NO_PAD.encode(entropy.bytes::<18>());
    NewClient { id: format!("sandbox-{}", random()), secret: Secret::new(random()) }
}

impl Engine {
    /// Makes sure that the simulator knows a sandboxed connector's app: it forgets when it starts
    /// anew.
    pub(crate) async fn introduce(&self, ready: &Ready<'_>) -> Result<(), SandboxError> {
        let Some(simulator) = self.site.simulator().filter(|_| ready.settings.sandbox) else {
            return Ok(());
        };
        let slug = &ready.settings.connector;
        let apps = simulator.join(&format!("/_control/{slug}/apps"));
        let apps = apps.map_err(|_| Fault::Inconsistent("the simulator's address is none"))?;
        if self.is_known(&apps, ready.client_id()).await? {
            return Ok(());
        }
        let client = self.client(&ready.settings).await?;
        let app = json!({
            "client_id": client.id,
            "client_secret": client.secret.expose(),
            "redirect_uris": [self.redirect_uri(&ready.settings)],
        });
        let answer = self.egress.send(control(Method::POST, apps, Some(&app)), ALLOWANCE).await?;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(SandboxError::Refused(answer.status.as_u16()))
        }
    }

    async fn is_known(&self, apps: &Url, client_id: &str) -> Result<bool, SandboxError> {
        let answer = self.egress.send(control(Method::GET, apps.clone(), None), ALLOWANCE).await?;
        let listed: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let apps = listed["data"].as_array().map_or(&[][..], Vec::as_slice);
        Ok(apps.iter().any(|app| app["client_id"] == client_id))
    }
}

fn control(method: Method, url: Url, body: Option<&Value>) -> Outgoing {
    let mut headers = headers();
    let kind = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, kind);
    let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
    Outgoing { method, url, headers, body }
}
