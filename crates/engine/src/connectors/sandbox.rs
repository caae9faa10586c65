use std::{collections::BTreeMap, sync::Arc, time::Duration};

use astralform_catalog::Connector;
use astralform_domain::{Entropy, Secret};
use astralform_egress::{Allowance, Egress, EgressError, Outgoing, Reach, Secrets};
use astralform_provider::{
    oauth::Client,
    request::{CredentialParts, default_headers},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use url::Url;

use super::Ready;
use crate::{Fault, Site, connectors::Connectors};

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

/// The simulator's keys, each by the names of its fields.
#[derive(Deserialize)]
struct SandboxKeys {
    data: Vec<BTreeMap<String, String>>,
}

const ALLOWANCE: Allowance =
    Allowance { reach: Reach::Simulator, within: Duration::from_secs(5), at_most: 1024 * 1024 };

/// Returns an app for a sandboxed connector whose developer has none.
pub(crate) fn made_up_client(entropy: &Entropy) -> Client {
    let id = URL_SAFE_NO_PAD.encode(entropy.bytes::<18>());
    let secret = URL_SAFE_NO_PAD.encode(entropy.bytes::<18>());
    Client { id: format!("sandbox-{id}"), secret: Secret::new(secret) }
}

/// The simulator, as connectors in the sandbox use it.
#[derive(Clone)]
pub(crate) struct Sandbox {
    egress: Egress,
    site: Arc<Site>,
    connectors: Arc<Connectors>,
}

impl Sandbox {
    pub(crate) fn new(egress: &Egress, site: &Arc<Site>, connectors: &Arc<Connectors>) -> Self {
        Self { egress: egress.clone(), site: Arc::clone(site), connectors: Arc::clone(connectors) }
    }

    /// Makes sure that the simulator knows a sandboxed connector's app: a restart makes it forget.
    pub(crate) async fn introduce(&self, ready: &Ready) -> Result<(), SandboxError> {
        let is_ours = ready.settings.sandbox && ready.settings.client.is_some();
        let Some(simulator) = self.site.simulator().filter(|_| is_ours) else {
            return Ok(());
        };
        let slug = &ready.settings.connector;
        let apps = simulator.join(&format!("/_control/{slug}/apps"));
        let apps = apps.map_err(|_| Fault::Inconsistent("the simulator's address is none"))?;
        if self.is_known(&apps, ready.client_id()).await? {
            return Ok(());
        }
        let client = self.connectors.client(&ready.settings).await?;
        let app = json!({
            "client_id": client.id,
            "client_secret": client.secret.expose(),
            "redirect_uris": [self.connectors.redirect_uri(&ready.settings)],
        });
        let answer = self.egress.send(control(Method::POST, apps, Some(&app)), ALLOWANCE).await?;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(SandboxError::Refused(answer.status.as_u16()))
        }
    }

    /// Returns a key that the simulator takes, for a sandboxed connector whose developer has none.
    pub(crate) async fn sandbox_key(
        &self,
        connector: &Connector,
    ) -> Result<CredentialParts, SandboxError> {
        let simulator = self.site.simulator();
        let slug = &connector.slug;
        let keys = simulator.and_then(|url| url.join(&format!("/_control/{slug}/keys")).ok());
        let keys = keys.ok_or(Fault::Inconsistent("the simulator's address is none"))?;
        let answer = self.egress.send(control(Method::GET, keys, None), ALLOWANCE).await?;
        let listed: SandboxKeys = serde_json::from_slice(&answer.body)
            .map_err(|_| SandboxError::Refused(answer.status.as_u16()))?;
        let first = listed.data.into_iter().next();
        let first = first.ok_or(SandboxError::Refused(answer.status.as_u16()))?;
        let fields = first.into_iter().map(|(name, text)| (name, Secret::new(text)));
        Ok(CredentialParts::entered(fields.collect(), connector.auth()))
    }

    async fn is_known(&self, apps: &Url, client_id: &str) -> Result<bool, SandboxError> {
        let answer = self.egress.send(control(Method::GET, apps.clone(), None), ALLOWANCE).await?;
        let listed: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let apps = listed["data"].as_array().map_or(&[][..], Vec::as_slice);
        Ok(apps.iter().any(|app| app["client_id"] == client_id))
    }
}

fn control(method: Method, url: Url, body: Option<&Value>) -> Outgoing {
    let mut headers = default_headers();
    let kind = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, kind);
    let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
    // Made-up apps and keys, which the simulator is there to give.
    Outgoing { method, url, headers, body, secrets: Secrets::none() }
}
