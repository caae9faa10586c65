use std::sync::Arc;

use astralform_engine::Engine;

use crate::{
    admin_tokens::AdminTokens, agents::Agents, api_keys::ApiKeys, audit_log::AuditLog,
    calls::Calls, connections::ManagedConnections, connectors::Connectors, copies::Copies,
    environments::Environments, explanations::Explanations, logos::Logos, members::Members,
    projects::Projects, provisioning::Provisioning, webhooks::Webhooks,
};

/// The parts of management, put together over an engine.
#[expect(missing_docs, reason = "each part says what it is")]
pub struct Management {
    pub admin_tokens: AdminTokens,
    pub agents: Agents,
    pub api_keys: ApiKeys,
    pub audit_log: AuditLog,
    pub calls: Calls,
    pub connections: ManagedConnections,
    pub connectors: Connectors,
    pub copies: Copies,
    pub environments: Environments,
    pub explanations: Explanations,
    pub logos: Logos,
    pub members: Members,
    pub projects: Projects,
    pub provisioning: Provisioning,
    pub webhooks: Webhooks,
}

impl Management {
    /// Puts the parts together.
    pub fn over(engine: &Arc<Engine>) -> Self {
        let api_keys = ApiKeys::new(engine);
        let admin_tokens = AdminTokens::new(engine);
        let provisioning = Provisioning::new(engine, &api_keys, &admin_tokens);
        let connectors = Connectors::new(engine);
        let environments = Environments::new(engine);
        Self {
            agents: Agents::new(engine),
            audit_log: AuditLog::new(engine),
            calls: Calls::new(engine),
            connections: ManagedConnections::new(engine),
            copies: Copies::new(engine, &environments),
            explanations: Explanations::new(engine),
            logos: Logos::new(engine),
            members: Members::new(engine),
            projects: Projects::new(engine, &provisioning),
            webhooks: Webhooks::new(engine),
            admin_tokens,
            api_keys,
            connectors,
            environments,
            provisioning,
        }
    }
}
