use astralform_catalog::RevocationStyle;
use astralform_domain::{Actor, ProjectConnector, ProviderError, Secret, chain};
use astralform_provider::{ProviderApp, oauth::Client};
use astralform_storage::{Tx, project_connectors};

use super::{Connectors, Ready, reach};
use crate::Fault;

impl Connectors {
    /// Returns the app that a project connector's requests are sent as.
    pub(crate) async fn app(&self, settings: &ProjectConnector) -> Result<ProviderApp, Fault> {
        let mut clients = vec![self.client(settings).await?];
        match self.previous_client(settings).await {
            Ok(previous) => clients.extend(previous),
            Err(fault) if fault.may_pass() => return Err(fault),
            Err(fault) => log_lost_secret(settings, &fault),
        }
        Ok(ProviderApp::new(clients, reach(settings)))
    }

    /// Returns the app with those of its secrets that still open, to revoke its tokens: a token may
    /// prove itself.
    pub(crate) async fn app_to_revoke(&self, ready: &Ready) -> Result<ProviderApp, Fault> {
        let settings = &ready.settings;
        let mut clients = Vec::new();
        for opened in [self.client(settings).await.map(Some), self.previous_client(settings).await]
        {
            match opened {
                Ok(client) => clients.extend(client),
                Err(fault) if fault.may_pass() => return Err(fault),
                Err(fault) => log_lost_secret(settings, &fault),
            }
        }
        let revocation = ready.connector.revocation.as_ref();
        let proves_app = revocation.is_some_and(|it| it.style == RevocationStyle::Rfc7009);
        if clients.is_empty() && !proves_app {
            let secret = Secret::new(String::new());
            clients.push(Client { id: ready.client_id().to_owned(), secret });
        }
        Ok(ProviderApp::new(clients, reach(settings)))
    }

    /// Notes that the provider refuses the developer's app, so that its connector says so before
    /// the next end user is asked.
    pub(crate) async fn note_refused_app(
        &self,
        ready: &Ready,
        said: &ProviderError,
    ) -> Result<(), Fault> {
        let now = self.base.now();
        let mut tx = self.base.begin(Actor::Product).await?;
        let is_news =
            project_connectors::note_rejection(&mut tx, &ready.settings, Some(now)).await?;
        tx.commit().await?;
        if is_news {
            let id = ready.settings.id;
            tracing::error!(project_connector.id = %id, code = %said, "the provider refuses the app");
        }
        Ok(())
    }

    /// Notes that the provider takes the developer's app: an earlier refusal counts no more.
    pub(crate) async fn absolve_app(&self, tx: &mut Tx, ready: &Ready) -> Result<(), Fault> {
        let client = ready.settings.client.as_ref();
        if client.is_some_and(|client| client.rejected_at.is_some()) {
            project_connectors::note_rejection(tx, &ready.settings, None).await?;
        }
        Ok(())
    }
}

fn log_lost_secret(settings: &ProjectConnector, fault: &Fault) {
    let id = settings.id;
    tracing::error!(project_connector.id = %id, error = chain(fault), "an app's secret is lost");
}
