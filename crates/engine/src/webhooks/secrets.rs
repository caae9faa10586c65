//! The secrets of webhooks: sealed, and bound to the host that they are used at.

use astralform_catalog::destination;
use astralform_domain::{HostSet, Retired, Sealed, Secret, Tenant, Webhook, WebhookId};
use astralform_vault::ProjectKeys;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::Url;

use super::SECRET;
use crate::{Fault, places, webhooks::Webhooks};

impl Webhooks {
    /// Seals a secret anew for where it is used from now on.
    pub(super) fn move_to(
        &self,
        webhook: &mut Webhook,
        url: &Url,
        key: &ProjectKeys,
    ) -> Result<(), Fault> {
        let place = (webhook.tenant, webhook.id);
        let generation = webhook.generation;
        let hosts = hosts_of(url);
        let secret = open_secret(webhook, &webhook.secret, generation, key)?;
        let previous = match &webhook.previous {
            Some(previous) => {
                let opened = open_secret(webhook, &previous.secret, generation - 1, key)?;
                let secret = self.seal_secret(place, (generation, &hosts), &opened, key);
                Some(Retired { secret, until: previous.until })
            }
            None => None,
        };
        webhook.generation += 1;
        webhook.secret = self.seal_secret(place, (webhook.generation, &hosts), &secret, key);
        webhook.previous = previous;
        webhook.url = url.to_string();
        webhook.hosts = hosts;
        Ok(())
    }

    pub(super) fn fresh_secret(&self) -> Secret {
        Secret::new(format!("{SECRET}{}", STANDARD.encode(self.base.entropy.bytes::<32>())))
    }

    pub(super) fn seal_secret(
        &self,
        (tenant, id): (Tenant, WebhookId),
        (generation, hosts): (i64, &HostSet),
        secret: &Secret,
        key: &ProjectKeys,
    ) -> Sealed {
        let row = id.to_string();
        key.seal(
            places::webhook_secret(tenant, &row, generation, hosts),
            secret,
            &self.base.entropy,
        )
    }
}

/// Opens a secret of a webhook, sealed for that generation of it.
pub(super) fn open_secret(
    webhook: &Webhook,
    sealed: &Sealed,
    generation: i64,
    key: &ProjectKeys,
) -> Result<Secret, Fault> {
    let row = webhook.id.to_string();
    Ok(key.open(places::webhook_secret(webhook.tenant, &row, generation, &webhook.hosts), sealed)?)
}

pub(super) fn hosts_of(url: &Url) -> HostSet {
    HostSet::from_iter([destination(url)])
}
