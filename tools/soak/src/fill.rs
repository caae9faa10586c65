use std::time::Duration;

use astralform_domain::{
    Account, Actor, AgentId, AuthReason, AuthRequest, AuthRequestId, AuthRequestState, Clock,
    Connection, ConnectionId, ConnectionState, EndUserKey, Entropy, Environment, Owner,
    ProjectConnector, ScopeSet, Secret, Tenant,
};
use astralform_simulator::hostile::{Hostile, Pair};
use astralform_storage::{
    Db, Tx, agents, auth_requests, connection_uses, connections, end_users, project_connectors,
    tokens::{self, Token},
};
use astralform_testkit::project_keys;
use astralform_vault::{Binding, ProjectKeys};

use crate::{Result, installation::Installation};

/// How long the access tokens that are stored have to live.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Life {
    /// They have ended a moment ago, at the provider too as soon as it is told so.
    Over,
    /// So long.
    Left(Duration),
    /// So long, and their refresh is due at once: they were used a moment ago.
    Due(Duration),
}

/// The connections that are stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    life: Life,
    has_refresh_token: bool,
    /// Whether the end user has finished in the browser and nobody confirmed it in time.
    is_unconfirmed: bool,
}

impl Stored {
    /// Returns connections whose access tokens cannot be refreshed.
    pub(crate) const fn without_refresh_token(life: Life) -> Self {
        Self { life, has_refresh_token: false, is_unconfirmed: false }
    }

    /// Returns connections that nobody confirmed in time.
    pub(crate) const fn unconfirmed(life: Life) -> Self {
        Self { life, has_refresh_token: true, is_unconfirmed: true }
    }
}

impl From<Life> for Stored {
    fn from(life: Life) -> Self {
        Self { life, has_refresh_token: true, is_unconfirmed: false }
    }
}

/// Stores connections as the engine stores them, without consent pages, and their grants at the
/// provider.
pub(crate) struct Filler {
    db: Db,
    hostile: Hostile,
    settings: ProjectConnector,
    agent: AgentId,
    key: ProjectKeys,
    clock: Clock,
    entropy: Entropy,
}

/// Returns the end user of that number, whose account is called the same.
pub(crate) fn end_user(number: usize) -> String {
    format!("user-{number:06}")
}

impl Filler {
    /// Opens the database of an installation, for the connector of that name and its provider.
    pub(crate) async fn open(
        installation: &Installation,
        connector: &str,
        hostile: &Hostile,
    ) -> Result<Self> {
        let db = match installation.database_url() {
            Some(url) => Db::connect_postgres(url).await?,
            None => Db::open_sqlite(&installation.sqlite_file()).await?,
        };
        let tenant = Tenant { project: installation.project, environment: Environment::Test };
        let slug = connector.parse().map_err(|_| "no slug")?;
        let settings = project_connectors::by_slug(&db, tenant, &slug).await?;
        let agent = agents::default_of(&db, tenant.project).await?;
        Ok(Self {
            agent: agent.ok_or("the project has no default agent")?.id,
            settings: settings.ok_or("the connector is not enabled")?,
            key: project_keys(&db, &installation.key_file(), tenant.project).await,
            clock: Clock::system(),
            entropy: Entropy::system(),
            hostile: hostile.clone(),
            db,
        })
    }

    /// Stores one connection for each of these end users.
    pub(crate) async fn fill(&self, numbers: std::ops::Range<usize>, stored: Stored) -> Result<()> {
        const BATCH: usize = 1_000;
        for first in numbers.clone().step_by(BATCH) {
            let mut tx = self.db.begin(Actor::Product).await?;
            for number in first..(first + BATCH).min(numbers.end) {
                self.add(&mut tx, number, stored).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    pub(crate) async fn close(self) {
        self.db.close().await;
    }

    async fn add(&self, tx: &mut Tx, number: usize, stored: Stored) -> Result<()> {
        let tenant = self.settings.tenant;
        let now = self.clock.now();
        let name = end_user(number);
        let owner = Owner::EndUser(name.parse()?);
        let fresh = EndUserKey::new(&self.clock, &self.entropy);
        let key = end_users::ensure(tx, tenant, &owner, fresh, now).await?;
        let connection = Connection {
            id: ConnectionId::new(&self.clock, &self.entropy),
            tenant,
            project_connector: self.settings.id,
            owner,
            account: Account { id: name.clone(), label: name.clone() },
            label: None,
            is_default: true,
            state: if stored.is_unconfirmed {
                ConnectionState::AwaitingConfirmation
            } else {
                ConnectionState::ACTIVE
            },
            scopes: ScopeSet::from_iter(["items"]),
            hosts: self.settings.hosts.clone(),
            created_at: now,
        };
        connections::create(tx, &connection, key).await?;
        let pair = self.hostile.grant(&name);
        tokens::put(tx, &connection, &self.token(&connection, pair, stored)).await?;
        if matches!(stored.life, Life::Due(_)) {
            connection_uses::note(tx, connection.id, now).await?;
        }
        if stored.is_unconfirmed {
            self.add_request(tx, &connection, key).await?;
        }
        Ok(())
    }

    /// Stores the auth request that led to a connection, as one whose time is over.
    async fn add_request(
        &self,
        tx: &mut Tx,
        led_to: &Connection,
        key: Option<EndUserKey>,
    ) -> Result<()> {
        let now = self.clock.now();
        let request = AuthRequest {
            id: AuthRequestId::new(&self.clock, &self.entropy),
            tenant: led_to.tenant,
            project_connector: led_to.project_connector,
            connector: self.settings.connector.clone(),
            owner: led_to.owner.clone(),
            agent: self.agent,
            reason: AuthReason::NotConnected,
            required_scopes: led_to.scopes.clone(),
            granted_scopes: ScopeSet::default(),
            renews: None,
            account_hint: None,
            return_url: None,
            state: AuthRequestState::AwaitingConfirmation { connection: led_to.id },
            expires_at: now.before(Duration::from_secs(1)),
        };
        auth_requests::insert(tx, &request, key, "a new account", now).await?;
        Ok(())
    }

    fn token(&self, connection: &Connection, pair: Pair, stored: Stored) -> Token {
        const KIND: &str = "default";
        let generation = 1;
        let row = Token::row_key(connection.id, KIND);
        let seal = |column, secret| {
            let place = Binding {
                tenant: connection.tenant,
                owner: &connection.owner,
                table: tokens::TABLE,
                row: &row,
                column,
                generation,
                hosts: &connection.hosts,
            };
            self.key.seal(place, &Secret::new(secret), &self.entropy)
        };
        let now = connection.created_at;
        Token {
            kind: KIND.to_owned(),
            generation,
            access_token: seal("access_token", pair.access_token),
            refresh_token: stored
                .has_refresh_token
                .then(|| seal("refresh_token", pair.refresh_token)),
            expires_at: Some(match stored.life {
                Life::Over => now.before(Duration::from_secs(1)),
                Life::Left(left) | Life::Due(left) => now.after(left),
            }),
            scopes: connection.scopes.clone(),
            written_at: now,
            refresh_at: matches!(stored.life, Life::Due(_)).then_some(now),
            in_doubt: false,
            doubts: tokens::Doubts::default(),
        }
    }
}
