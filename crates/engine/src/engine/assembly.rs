use std::sync::Arc;

use super::{Engine, lower_parts::LowerParts, state::State};
use crate::{
    auth_requests::{AuthRequests, Confirmations, Consents, KeyEntry},
    base::Base,
    idempotency::Idempotency,
    janitor::Janitor,
    origins::Origins,
    own_connections::OwnConnections,
    project_connectors::{AppChecks, ProjectConnectors, ProjectKey},
    refresh::{Presence, Upkeep},
    tools::Tools,
    uses::RecentUses,
    webhooks::{Deliveries, Webhooks},
};

impl Engine {
    /// Puts the parts together, each over those below it.
    pub(super) fn over(base: &Arc<Base>, state: State) -> Self {
        let lower = LowerParts::over(base, &state);
        let LowerParts { connectors, connections, prompts, offers, .. } = &lower;
        let LowerParts { cache, revocations, key_checks, .. } = &lower;
        let State { egress, site, process, .. } = &state;
        let own = Arc::new(OwnConnections::new(base, offers, revocations, connections));
        let consents = Arc::new(Consents::new(egress, prompts, &lower.discards, &lower.sandbox));
        let deliveries =
            Arc::new(Deliveries::new(base, egress, &state.streams, prompts, connectors));
        let met = &state.has_met_another_catalog;
        let presence = Arc::new(Presence::new(base, &state.node, process, met));
        let sandbox = &lower.sandbox;
        let key = &Arc::new(ProjectKey::new(base, connections, connectors));
        let app_checks =
            Arc::new(AppChecks::new(egress, offers, connectors, sandbox, key, key_checks));
        let State { in_flight, uses, .. } = &state;
        let credentials = &lower.credentials;
        Self {
            auth_requests: Arc::new(AuthRequests::new(prompts, credentials, offers)),
            confirmations: Arc::new(Confirmations::new(prompts, revocations)),
            idempotency: Arc::new(Idempotency::new(base)),
            janitor: Arc::new(Janitor::new(base, cache, prompts)),
            key_entry: Arc::new(KeyEntry::new(prompts, key_checks, &consents)),
            project_connectors: Arc::new(ProjectConnectors::new(site, &app_checks, prompts)),
            recent_uses: Arc::new(RecentUses::new(base, uses)),
            tools: Arc::new(Tools::new(egress, in_flight, uses, credentials, prompts, offers)),
            upkeep: Arc::new(Upkeep::new(&presence, &lower.refresh)),
            webhooks: Arc::new(Webhooks::new(base, egress, &deliveries)),
            origins: Arc::new(Origins::new(base, cache)),
            own_connections: own,
            app_checks,
            consents,
            deliveries,
            presence,
            authentication: lower.authentication,
            cache: lower.cache,
            explain: lower.explain,
            offers: lower.offers,
            prompts: lower.prompts,
            revocations: lower.revocations,
            row_tags: lower.row_tags,
            sessions: lower.sessions,
            base: Arc::clone(base),
            state,
        }
    }
}
