//! What every test of this crate stands on: both databases, and one project with one of each.

use astralform_domain::{
    Account, Actor, AdminAccess, AgentId, AuthReason, AuthRequest, AuthRequestState, Clock,
    Connection, ConnectionState, ConnectionStatus, EndUserId, EndUserKey, Endpoints, Entropy,
    Environment, HostSet, MemberId, OauthClient, Owner, ProjectConnector, ProjectConnectorState,
    ScopeSet, Sealed, StatusReason, Tenant, Timestamp, Webhook,
};

use crate::{
    Db,
    admin_tokens::AdminToken,
    agents::{self, Agent},
    api_keys::{Access, ApiKey},
    end_users, project_connectors,
    projects::{self, NewProject},
    retention,
};

/// Who makes the changes of tests that are not about that.
pub(crate) const ACTOR: Actor = Actor::Product;

/// One project with its default agent, one end user and one project connector.
pub(crate) struct World {
    pub(crate) tenant: Tenant,
    pub(crate) team: astralform_domain::TeamId,
    pub(crate) agent: AgentId,
    pub(crate) end_user: EndUserId,
    pub(crate) end_user_key: EndUserKey,
    pub(crate) project_connector: ProjectConnector,
}

impl World {
    /// Returns its end user as an owner.
    pub(crate) fn owner(&self) -> Owner {
        Owner::EndUser(self.end_user.clone())
    }
}

/// Runs a test on a fresh, migrated SQLite file, and on a fresh PostgreSQL schema where
/// `TEST_DATABASE_URL` names a server; `scripts/check` always does.
pub(crate) async fn on_both(test: impl AsyncFn(Db)) {
    on_both_empty(async |db| {
        db.migrate().await.unwrap();
        test(db).await;
    })
    .await;
}

/// Runs it on databases without a schema.
pub(crate) async fn on_both_empty(test: impl AsyncFn(Db)) {
    let folder = tempfile::tempdir().unwrap();
    test(Db::open_sqlite(&folder.path().join("test.db")).await.unwrap()).await;
    if let Some(url) = option_env_at_run_time("TEST_DATABASE_URL") {
        test(Db::connect_to_fresh_schema(&url).await).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where to run")]
pub(crate) fn option_env_at_run_time(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns a fresh id of any kind.
pub(crate) fn id<T: std::str::FromStr + FreshId>() -> T {
    T::fresh()
}

pub(crate) trait FreshId {
    fn fresh() -> Self;
}

macro_rules! fresh_ids {
    ($($name:ty),+ $(,)?) => {$(
        impl FreshId for $name {
            fn fresh() -> Self {
                <$name>::new(&Clock::system(), &Entropy::system())
            }
        }
    )+};
}
fresh_ids!(
    AgentId,
    EndUserKey,
    astralform_domain::AdminTokenId,
    astralform_domain::ApiKeyId,
    astralform_domain::AuthRequestId,
    astralform_domain::ConnectionId,
    MemberId,
    astralform_domain::ProjectConnectorId,
    astralform_domain::ProjectId,
    astralform_domain::SessionId,
    astralform_domain::TeamId,
    astralform_domain::WebhookId,
);

/// Removes the rows of a table whose term is over, and returns how many those were.
pub(crate) async fn pruned(db: &Db, table: &str, now: Timestamp) -> u64 {
    let rule = retention::ALL.iter().find(|rule| rule.table == table).unwrap();
    rule.prune(db, now, 100).await.unwrap()
}

pub(crate) async fn world(db: &Db) -> World {
    let now = Timestamp::from_secs(1);
    let tenant = Tenant { project: id(), environment: Environment::Test };
    let team = id();
    let agent = id();
    let end_user: EndUserId = "alice".parse().unwrap();
    let mut tx = db.begin(ACTOR).await.unwrap();
    projects::create_team(&mut tx, team, "Team", now).await.unwrap();
    let new = NewProject { id: tenant.project, team, name: &"Project".parse().unwrap() };
    projects::create(&mut tx, &new, now).await.unwrap();
    let default = Agent { id: agent, is_default: true, ..self::agent("default") };
    agents::create(&mut tx, tenant.project, &default).await.unwrap();
    let owner = Owner::EndUser(end_user.clone());
    let end_user_key =
        end_users::ensure(&mut tx, tenant, &owner, id(), now).await.unwrap().unwrap();
    let project_connector = project_connector(tenant, now);
    project_connectors::create(&mut tx, &project_connector).await.unwrap();
    tx.commit().await.unwrap();
    World { tenant, team, agent, end_user, end_user_key, project_connector }
}

/// Returns an API key of that environment.
pub(crate) fn api_key(tenant: Tenant) -> ApiKey {
    ApiKey {
        id: id(),
        access: Access { tenant, name: "Backend".to_owned(), agent: None, connectors: None },
        secret_hash: [7; 32],
        tag: Some([8; 32]),
        hint: "…ab12".to_owned(),
        expires_at: None,
        revoked_at: None,
    }
}

/// Returns an admin token of that member.
pub(crate) fn admin_token(member: MemberId) -> AdminToken {
    AdminToken {
        id: id(),
        member,
        name: "CI".to_owned(),
        access: AdminAccess::Write,
        secret_hash: [7; 32],
        tag: Some([8; 32]),
        hint: "…ab12".to_owned(),
        expires_at: None,
        used_at: None,
        revoked_at: None,
    }
}

/// Returns an agent to which all connectors are assigned.
pub(crate) fn agent(name: &str) -> Agent {
    Agent {
        id: id(),
        name: name.parse().unwrap(),
        is_default: false,
        is_enabled: true,
        connectors: None,
        version: 1,
        created_at: Timestamp::from_secs(1),
    }
}

fn project_connector(tenant: Tenant, now: Timestamp) -> ProjectConnector {
    ProjectConnector {
        id: id(),
        tenant,
        connector: "chat".parse().unwrap(),
        state: ProjectConnectorState::Enabled,
        require_auth: true,
        allow_end_user_auth: true,
        scopes: None,
        tools: None,
        endpoints: Endpoints::default(),
        sandbox: false,
        client: Some(OauthClient {
            id: "client".to_owned(),
            secret: Sealed::from_bytes(b"sealed".to_vec()),
            hint: "…ab12".to_owned(),
            set_at: now,
            previous: None,
            rejected_at: None,
        }),
        hosts: HostSet::from_iter(["chat.example.com".to_owned()]),
        generation: 1,
        version: 1,
        created_at: now,
    }
}

pub(crate) fn connection(world: &World, account: &str) -> Connection {
    Connection {
        id: id(),
        tenant: world.tenant,
        project_connector: world.project_connector.id,
        owner: world.owner(),
        account: Account { id: account.to_owned(), label: format!("{account}@example.com") },
        label: None,
        is_default: false,
        state: ConnectionState::ACTIVE,
        scopes: ScopeSet::from_iter(["read"]),
        hosts: world.project_connector.hosts.clone(),
        created_at: Timestamp::from_secs(1),
    }
}

pub(crate) fn auth_request(world: &World) -> AuthRequest {
    AuthRequest {
        id: id(),
        tenant: world.tenant,
        project_connector: world.project_connector.id,
        connector: world.project_connector.connector.clone(),
        owner: world.owner(),
        agent: world.agent,
        reason: AuthReason::NotConnected,
        required_scopes: ScopeSet::from_iter(["read"]),
        granted_scopes: ScopeSet::default(),
        renews: None,
        account_hint: None,
        return_url: None,
        state: AuthRequestState::Pending,
        expires_at: Timestamp::from_secs(1).after(AuthRequest::PHASE),
    }
}

pub(crate) fn webhook(tenant: Tenant) -> Webhook {
    Webhook {
        id: id(),
        tenant,
        url: "https://app.example.com/hook".to_owned(),
        hosts: HostSet::from_iter(["app.example.com".to_owned()]),
        secret: Sealed::from_bytes(b"sealed".to_vec()),
        generation: 1,
        previous: None,
        disabled: None,
        failing_since: None,
        created_at: Timestamp::from_secs(1),
    }
}

/// Returns a state of that status, with a reason where it has to have one.
pub(crate) fn state_of(status: ConnectionStatus) -> ConnectionState {
    let reasons = [None, Some(StatusReason::TokenRejected)];
    let mut found = reasons.into_iter().filter_map(|why| ConnectionState::of(status, why));
    found.next().expect("a state of each status")
}
