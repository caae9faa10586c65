//! Connections by the million: stored as the engine stores them, without consent pages.

use std::{cell::Cell, ops::Range, time::Duration};

use astralform_domain::{
    Account, Actor, Clock, Connection, ConnectionId, ConnectionState, EndUserId, EndUserKey,
    Entropy, Environment, Owner, ProjectConnector, ProjectId, Secret, Tenant,
};
use astralform_storage::{
    Db, Tx, connection_uses, connections,
    data_keys::{self, KeyRole},
    end_users, project_connectors,
    tokens::{self, Token},
};
use astralform_vault::{Binding, ProjectKeys, read_key_file};

use crate::{Result, note, product::Installation, workload::Workload};

const BATCH: usize = 2_000;

/// Returns the end user of that number, from 0.
pub(crate) fn end_user(number: usize) -> EndUserId {
    format!("end-user-{number:07}").parse().expect("letters, digits and hyphens are an id")
}

/// The connections that are stored.
pub(crate) struct Wanted {
    pub(crate) project: ProjectId,
    /// Whose they are, by their numbers.
    pub(crate) end_users: Range<usize>,
    /// Whether they were used a moment ago and their tokens are to be refreshed at once.
    pub(crate) is_due: bool,
}

/// Stores one connection with a sealed token for each of some end users.
pub(crate) async fn fill(
    installation: &Installation,
    workload: &Workload,
    wanted: Wanted,
) -> Result<()> {
    let db = match installation.database_url() {
        Some(url) => Db::connect_postgres(url).await?,
        None => Db::open_sqlite(&installation.sqlite_file()).await?,
    };
    let tenant = Tenant { project: wanted.project, environment: Environment::Test };
    let settings = project_connectors::by_slug(&db, tenant, &workload.connector).await?;
    let wrapped = data_keys::of(&db, tenant.project).await?;
    let of_role = |role| {
        let found = wrapped.iter().find(|key| key.role == role);
        found.map(|key| &key.envelope).ok_or("a project lacks one of its keys")
    };
    let ring = read_key_file(&installation.key_file())?;
    let filler = Filler {
        workload,
        settings: settings.ok_or("the connector is not enabled")?,
        key: ring.open_keys(
            tenant.project,
            of_role(KeyRole::Current)?,
            [],
            of_role(KeyRole::Tags)?,
        )?,
        clock: Clock::system(),
        entropy: Entropy::system(),
        next: Cell::new(wanted.end_users.start),
        wanted,
    };
    // PostgreSQL takes several writers; on SQLite they wait for one another.
    let write = || Box::pin(filler.write(&db));
    tokio::try_join!(write(), write(), write(), write())?;
    db.close().await;
    Ok(())
}

struct Filler<'a> {
    workload: &'a Workload,
    settings: ProjectConnector,
    key: ProjectKeys,
    clock: Clock,
    entropy: Entropy,
    next: Cell<usize>,
    wanted: Wanted,
}

impl Filler<'_> {
    /// Writes batch after batch, until there is none left.
    async fn write(&self, db: &Db) -> Result<()> {
        let last = self.wanted.end_users.end;
        loop {
            let first = self.next.get();
            let end = (first + BATCH).min(last);
            self.next.set(end);
            if first == end {
                return Ok(());
            }
            let mut tx = db.begin(Actor::Product).await?;
            for number in first..end {
                self.add(&mut tx, number).await?;
            }
            tx.commit().await?;
            if end.is_multiple_of(100_000) {
                note(&format!("{end} of {last} connections are stored"));
            }
        }
    }

    async fn add(&self, tx: &mut Tx, number: usize) -> Result<()> {
        let tenant = self.settings.tenant;
        let now = self.clock.now();
        let owner = Owner::EndUser(end_user(number));
        let fresh = EndUserKey::new(&self.clock, &self.entropy);
        let key = end_users::ensure(tx, tenant, &owner, fresh, now).await?;
        let connection = Connection {
            id: ConnectionId::new(&self.clock, &self.entropy),
            tenant,
            project_connector: self.settings.id,
            owner,
            account: Account { id: format!("T1/U{number}"), label: format!("user {number}") },
            label: None,
            is_default: true,
            state: ConnectionState::ACTIVE,
            scopes: self.workload.scopes.clone(),
            hosts: self.settings.hosts.clone(),
            created_at: now,
        };
        connections::create(tx, &connection, key).await?;
        tokens::put(tx, &connection, &self.token(&connection, number)).await?;
        if self.wanted.is_due {
            connection_uses::note(tx, connection.id, now).await?;
        }
        Ok(())
    }

    /// Returns a token of the usual length, sealed for its one place.
    fn token(&self, connection: &Connection, number: usize) -> Token {
        let generation = 1;
        let kind = self.workload.token.clone();
        let row = Token::row_key(connection.id, &kind);
        let seal = |column, text| {
            let place = Binding {
                tenant: connection.tenant,
                owner: &connection.owner,
                table: tokens::TABLE,
                row: &row,
                column,
                generation,
                hosts: &connection.hosts,
            };
            self.key.seal(place, &Secret::new(text), &self.entropy)
        };
        let access_token = seal("access_token", format!("token-{number:070}"));
        let is_due = self.wanted.is_due;
        let refresh_token = is_due.then(|| seal("refresh_token", format!("again-{number:070}")));
        let now = connection.created_at;
        let scopes = connection.scopes.clone();
        Token {
            kind,
            generation,
            access_token,
            refresh_token,
            expires_at: is_due.then(|| now.after(Duration::from_hours(1))),
            scopes,
            written_at: now,
            refresh_at: is_due.then_some(now),
            in_doubt: false,
            doubts: tokens::Doubts::default(),
        }
    }
}
