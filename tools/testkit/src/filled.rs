use std::path::Path;

use astralform_domain::{
    Account, Actor, Connection, ConnectionId, ConnectionState, ConnectorSlug, EndUserKey, Entropy,
    Owner, ProjectConnector, ProjectId, ScopeSet, Sealed, Secret, Timestamp,
};
use astralform_engine::open_project_keys;
use astralform_storage::{
    Db, Tx, connection_uses, connections, data_keys, end_users, project_connectors,
    refreshes::{self, RefreshKey},
    tokens::{self, Token},
};
use astralform_vault::{Binding, ProjectKeys, read_key_file};

use crate::{TestServer, node::KEYS};

/// A token as it is stored without consent pages.
pub struct Filled<'a> {
    /// The access token.
    pub access_token: &'a str,
    /// The refresh token, where there is one.
    pub refresh_token: Option<&'a str>,
    /// When the access token ends.
    pub expires_at: Option<Timestamp>,
    /// When it is to be refreshed ahead of that.
    pub refresh_at: Option<Timestamp>,
}

impl<'a> Filled<'a> {
    const fn endless(access_token: &'a str) -> Self {
        Self { access_token, refresh_token: None, expires_at: None, refresh_at: None }
    }
}

struct Filler<'a> {
    server: &'a TestServer,
    settings: ProjectConnector,
    key: ProjectKeys,
    kind: &'a str,
    scopes: ScopeSet,
}

/// Returns the keys of a project, out of a key file and a database.
pub async fn project_keys(db: &Db, key_file: &Path, project: ProjectId) -> ProjectKeys {
    let wrapped = data_keys::of(db, project).await.expect("the database answers");
    let ring = read_key_file(key_file).expect("the key file");
    open_project_keys(&ring, project, &wrapped).expect("keys that open")
}

impl TestServer {
    async fn keys(&self) -> ProjectKeys {
        project_keys(&self.db, &self.files.path().join(KEYS), self.tenant.project).await
    }

    /// Returns what a provider answered to a refresh of a connection's first token, as it is kept
    /// until it is read.
    pub async fn kept_answer(&self, of: &Connection, key: &RefreshKey, answer: &str) -> Sealed {
        let place = Binding {
            tenant: of.tenant,
            owner: &of.owner,
            table: refreshes::TABLE,
            row: &key.row(),
            column: "answer",
            generation: 1,
            hosts: &of.hosts,
        };
        let answer = Secret::new(answer.to_owned());
        self.keys().await.seal(place, &answer, &Entropy::system())
    }

    /// Stores a connection with a sealed token of that kind for each of these texts, as the engine
    /// stores them and without consent pages: of `user-0`, `user-1` and so on.
    pub async fn fill(&self, kind: &str, texts: &[String]) -> Vec<ConnectionId> {
        let tokens: Vec<_> = texts.iter().map(|text| Filled::endless(text)).collect();
        self.fill_with(&self.slug, kind, &[], &tokens).await
    }

    /// Stores a connection with those scopes and a sealed token of that kind for each of these at a
    /// connector, all of them used just now.
    pub async fn fill_with(
        &self,
        slug: &ConnectorSlug,
        kind: &str,
        scopes: &[&str],
        tokens: &[Filled<'_>],
    ) -> Vec<ConnectionId> {
        let found = project_connectors::by_slug(&self.db, self.tenant, slug).await;
        let settings = found.expect("the database answers").expect("the connector is enabled");
        let key = self.keys().await;
        let filler =
            Filler { server: self, settings, key, kind, scopes: scopes.iter().copied().collect() };
        let mut tx = self.db.begin(Actor::Product).await.expect("a transaction");
        let mut ids = Vec::with_capacity(tokens.len());
        for (number, token) in tokens.iter().enumerate() {
            ids.push(filler.add(&mut tx, number, token).await);
        }
        tx.commit().await.expect("a commit");
        ids
    }
}

impl Filler<'_> {
    async fn add(&self, tx: &mut Tx, number: usize, filled: &Filled<'_>) -> ConnectionId {
        let clock = &self.server.clock;
        let entropy = Entropy::system();
        let tenant = self.settings.tenant;
        let now = clock.now();
        let owner = Owner::EndUser(format!("user-{number}").parse().expect("an id"));
        let fresh = EndUserKey::new(clock, &entropy);
        let key = end_users::ensure(tx, tenant, &owner, fresh, now).await.expect("a user");
        let connection = Connection {
            id: ConnectionId::new(clock, &entropy),
            tenant,
            project_connector: self.settings.id,
            owner,
            account: Account { id: format!("account-{number}"), label: format!("user {number}") },
            label: None,
            is_default: true,
            state: ConnectionState::ACTIVE,
            scopes: self.scopes.clone(),
            hosts: self.settings.hosts.clone(),
            created_at: now,
        };
        connections::create(tx, &connection, key).await.expect("a connection");
        tokens::put(tx, &connection, &self.token(&connection, filled, now)).await.expect("a token");
        connection_uses::note(tx, connection.id, now).await.expect("a use");
        connection.id
    }

    fn token(&self, connection: &Connection, of: &Filled<'_>, written_at: Timestamp) -> Token {
        let generation = 1;
        let row = Token::row_key(connection.id, self.kind);
        let seal = |column, text: &str| {
            let place = Binding {
                tenant: connection.tenant,
                owner: &connection.owner,
                table: tokens::TABLE,
                row: &row,
                column,
                generation,
                hosts: &connection.hosts,
            };
            self.key.seal(place, &Secret::new(text.to_owned()), &Entropy::system())
        };
        Token {
            kind: self.kind.to_owned(),
            generation,
            access_token: seal("access_token", of.access_token),
            refresh_token: of.refresh_token.map(|text| seal("refresh_token", text)),
            expires_at: of.expires_at,
            scopes: self.scopes.clone(),
            written_at,
            refresh_at: of.refresh_at,
            in_doubt: false,
            doubts: tokens::Doubts::default(),
        }
    }
}
