//! Every sealed column, in two projects, two environments and of two end users.

use std::time::Duration;

use astralform_domain::{
    Account, Actor, AgentId, AuthReason, AuthRequest, AuthRequestId, AuthRequestState, Connection,
    ConnectionId, ConnectionState, EndUserKey, Endpoints, Environment, HostSet, MemberId,
    OauthClient, Owner, ProjectConnector, ProjectConnectorId, ProjectConnectorState, Retired,
    ScopeSet, Secret, TeamId, Tenant, Webhook, WebhookId,
};
use astralform_engine::{open_project_keys, places, places::digest_row};
use astralform_storage::{
    agents, auth_requests, connections, end_users, idempotent_requests,
    oauth_states::{self, OauthState},
    project_connectors, projects,
    refreshes::{self, RefreshKey},
    sealed_columns::SealedRow,
    tokens::{self, Token},
};
use astralform_vault::{Binding, ProjectKeys};

use super::*;

struct Fixture {
    db: Db,
    ring: KeyRing,
    clock: Clock,
    entropy: Entropy,
    _folder: tempfile::TempDir,
}

/// What is sealed for one end user.
struct At<'a> {
    pcon: &'a ProjectConnector,
    owner: Owner,
    keys: &'a ProjectKeys,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let entropy = Entropy::system();
        let ring = KeyRing::generate(&entropy);
        let db = Db::open_sqlite(&folder.path().join("a.db")).await.unwrap();
        crate::prepare_database(&db, &ring).await.unwrap();
        let new = Self { db, ring, clock, entropy, _folder: folder };
        for _ in 0..2 {
            new.add_project().await;
        }
        new
    }

    async fn add_project(&self) {
        let clock = &self.clock;
        let entropy = &self.entropy;
        let project = astralform_domain::ProjectId::new(clock, entropy);
        let team = TeamId::new(clock, entropy);
        let agent = AgentId::new(clock, entropy);
        let now = clock.now();
        let mut tx = self.db.begin(Actor::Product).await.unwrap();
        projects::create_team(&mut tx, team, "Team", now).await.unwrap();
        let new = projects::NewProject { id: project, team, name: &"Project".parse().unwrap() };
        projects::create(&mut tx, &new, now).await.unwrap();
        for (role, of_use) in [(KeyRole::Current, KeyUse::Data), (KeyRole::Tags, KeyUse::Tags)] {
            let fresh =
                self.ring.new_key(Some(project), of_use, self.ring.current(), entropy).unwrap();
            let id = fresh.id.to_bytes();
            let envelope = fresh.envelope;
            let project = Some(project);
            let role_since = now;
            let is_leaving = false;
            let key = WrappedKey { id, project, role, role_since, is_leaving, envelope };
            data_keys::add(&mut tx, &key).await.unwrap();
        }
        let default = agents::Agent {
            id: agent,
            name: "default".parse().unwrap(),
            is_default: true,
            is_enabled: true,
            connectors: None,
            version: 1,
            created_at: now,
        };
        agents::create(&mut tx, project, &default).await.unwrap();
        tx.commit().await.unwrap();
        let wrapped = data_keys::of(&self.db, project).await.unwrap();
        let keys = open_project_keys(&self.ring, project, &wrapped).unwrap();
        for environment in [Environment::Live, Environment::Test] {
            self.add_environment(Tenant { project, environment }, agent, &keys).await;
        }
    }

    fn seal(&self, keys: &ProjectKeys, place: Binding<'_>) -> astralform_domain::Sealed {
        keys.seal(place, &Secret::new("CANARY-secret".to_owned()), &self.entropy)
    }

    async fn add_environment(&self, tenant: Tenant, agent: AgentId, keys: &ProjectKeys) {
        let now = self.clock.now();
        let hosts = HostSet::from_iter(["chat.example.com".to_owned()]);
        let id = ProjectConnectorId::new(&self.clock, &self.entropy);
        let row = id.to_string();
        let secret = |generation| {
            let place = places::client_secret(tenant, &row, generation, &hosts);
            self.seal(keys, place)
        };
        let client = OauthClient {
            id: "client".to_owned(),
            secret: secret(2),
            hint: "…".to_owned(),
            set_at: now,
            previous: Some(Retired { secret: secret(1), until: now }),
            rejected_at: None,
        };
        let pcon = ProjectConnector {
            id,
            tenant,
            connector: "chat".parse().unwrap(),
            state: ProjectConnectorState::Enabled,
            require_auth: true,
            allow_end_user_auth: true,
            scopes: None,
            tools: None,
            endpoints: Endpoints::default(),
            sandbox: false,
            client: Some(client),
            hosts,
            generation: 2,
            version: 1,
            created_at: now,
        };
        let mut tx = self.db.begin(Actor::Product).await.unwrap();
        project_connectors::create(&mut tx, &pcon).await.unwrap();
        tx.commit().await.unwrap();
        self.add_webhook(tenant, keys).await;
        let member = Owner::Member(MemberId::new(&self.clock, &self.entropy));
        for owner in [Owner::EndUser("alice".parse().unwrap()), member] {
            let at = At { pcon: &pcon, owner, keys };
            self.add_connection(&at).await;
            self.add_flow(&at, agent).await;
            self.add_answer(&at).await;
        }
    }

    async fn add_webhook(&self, tenant: Tenant, keys: &ProjectKeys) {
        let id = WebhookId::new(&self.clock, &self.entropy);
        let now = self.clock.now();
        let hosts = HostSet::from_iter(["hooks.example.com".to_owned()]);
        let row = id.to_string();
        let secret =
            |generation| self.seal(keys, places::webhook_secret(tenant, &row, generation, &hosts));
        let webhook = Webhook {
            id,
            tenant,
            url: "https://hooks.example.com/".to_owned(),
            hosts: hosts.clone(),
            secret: secret(2),
            generation: 2,
            previous: Some(Retired { secret: secret(1), until: now }),
            disabled: None,
            failing_since: None,
            created_at: now,
        };
        let mut tx = self.db.begin(Actor::Product).await.unwrap();
        astralform_storage::webhooks::create(&mut tx, &webhook).await.unwrap();
        astralform_storage::webhooks::update(&mut tx, &webhook).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn owner(&self, at: &At<'_>) -> Option<EndUserKey> {
        let fresh = EndUserKey::new(&self.clock, &self.entropy);
        let mut tx = self.db.begin(Actor::Product).await.unwrap();
        let ensured =
            end_users::ensure(&mut tx, at.pcon.tenant, &at.owner, fresh, self.clock.now());
        let key = ensured.await.unwrap();
        tx.commit().await.unwrap();
        key
    }

    async fn add_connection(&self, at: &At<'_>) {
        let now = self.clock.now();
        let connection = Connection {
            id: ConnectionId::new(&self.clock, &self.entropy),
            tenant: at.pcon.tenant,
            project_connector: at.pcon.id,
            owner: at.owner.clone(),
            account: Account { id: "a".to_owned(), label: "a".to_owned() },
            label: None,
            is_default: true,
            state: ConnectionState::ACTIVE,
            scopes: ScopeSet::default(),
            hosts: at.pcon.hosts.clone(),
            created_at: now,
        };
        let row = Token::row_key(connection.id, "user");
        let seal = |table, column| {
            let place = Binding {
                tenant: connection.tenant,
                owner: &connection.owner,
                table,
                row: &row,
                column,
                generation: 3,
                hosts: &connection.hosts,
            };
            self.seal(at.keys, place)
        };
        let token = Token {
            kind: "user".to_owned(),
            generation: 3,
            access_token: seal(tokens::TABLE, "access_token"),
            refresh_token: Some(seal(tokens::TABLE, "refresh_token")),
            expires_at: None,
            scopes: ScopeSet::default(),
            written_at: now,
            refresh_at: None,
            in_doubt: false,
            doubts: tokens::Doubts::default(),
        };
        let owner = self.owner(at).await;
        let mut tx = self.db.begin(Actor::Product).await.unwrap();
        connections::create(&mut tx, &connection, owner).await.unwrap();
        tokens::put(&mut tx, &connection, &token).await.unwrap();
        let key = RefreshKey { connection: connection.id, kind: "user".to_owned() };
        let by = refreshes::Claimant { node: "node", takes_over: true };
        let lease = refreshes::claim(&mut tx, &key, by, Duration::from_secs(9)).await;
        let lease = lease.unwrap().unwrap();
        refreshes::mark_sent(&mut tx, &lease, 3).await.unwrap();
        tx.commit().await.unwrap();
        let answer = seal(refreshes::TABLE, "answer");
        assert!(refreshes::keep_answer(&self.db, &lease, &answer).await.unwrap());
    }

    async fn add_flow(&self, at: &At<'_>, agent: AgentId) {
        let now = self.clock.now();
        let request = AuthRequest {
            id: AuthRequestId::new(&self.clock, &self.entropy),
            tenant: at.pcon.tenant,
            project_connector: at.pcon.id,
            connector: at.pcon.connector.clone(),
            owner: at.owner.clone(),
            agent,
            reason: AuthReason::NotConnected,
            required_scopes: ScopeSet::default(),
            granted_scopes: ScopeSet::default(),
            renews: None,
            account_hint: None,
            return_url: None,
            state: AuthRequestState::Pending,
            expires_at: now.after(AuthRequest::PHASE),
        };
        let state_hash = self.entropy.bytes::<32>();
        let row = digest_row(&state_hash);
        let place = places::code_verifier(&request, &row, &at.pcon.hosts);
        let state = OauthState {
            state_hash,
            auth_request: request.id,
            browser_hash: [1; 32],
            code_verifier: self.seal(at.keys, place),
            redirect_uri: "https://connect.example.com".to_owned(),
            issuer: None,
            generation: 2,
            expires_at: request.expires_at,
            used_at: None,
            is_settled: false,
            connection: None,
            tag: None,
        };
        let owner = self.owner(at).await;
        let mut tx = self.db.begin(Actor::Product).await.unwrap();
        let opened = auth_requests::open(&mut tx, &request, owner, "new", now).await;
        assert_eq!(opened.unwrap().id, request.id);
        oauth_states::create(&mut tx, &state).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn add_answer(&self, at: &At<'_>) {
        let id = digest_row(&self.entropy.bytes::<32>());
        let tenant = at.pcon.tenant;
        let nowhere = HostSet::default();
        let place = places::idempotent_answer(tenant, &id, &nowhere);
        let sealed = self.seal(at.keys, place);
        let mut tx = self.db.begin(Actor::Product).await.unwrap();
        let digest = [7; 32];
        let new = idempotent_requests::Arriving { id: &id, tenant, request_digest: &digest };
        let now = self.clock.now();
        let claimed = idempotent_requests::claim(&mut tx, new, Timestamp::from_secs(0), now).await;
        assert_eq!(claimed.unwrap(), None);
        tx.commit().await.unwrap();
        idempotent_requests::answer(&self.db, &id, &sealed).await.unwrap();
    }

    /// Returns every sealed value, with the number of its column.
    async fn cells(&self) -> Vec<(usize, SealedRow)> {
        let mut all = Vec::new();
        for (number, column) in SEALED_COLUMNS.iter().enumerate() {
            let rows = column.every(&self.db, None, 999).await.unwrap();
            assert!(rows.len() >= 4, "{}.{} is not in the fixture", column.table, column.column);
            all.extend(rows.into_iter().map(|row| (number, row)));
        }
        all
    }

    async fn opened(&self) -> (usize, usize) {
        let checked = check_sealed(&self.db, &self.ring).await.unwrap();
        let opened = checked.iter().map(|column| column.opened).sum();
        (opened, checked.iter().map(|column| column.refused.len()).sum())
    }

    /// Gives two rows the values of `then`, in place of those of `now`.
    async fn put(
        &self,
        [one, other]: [&(usize, SealedRow); 2],
        now: [&SealedRow; 2],
        then: [&SealedRow; 2],
    ) {
        let mut tx = self.db.begin(Actor::Product).await.unwrap();
        for (at, (now, then)) in [one, other].into_iter().zip(now.into_iter().zip(then)) {
            let mut there = at.1.clone();
            there.sealed = now.sealed.clone();
            let column = &SEALED_COLUMNS[at.0];
            assert!(column.replace(&mut tx, &there, &then.sealed).await.unwrap());
        }
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn v1_no_two_sealed_values_of_the_whole_database_can_change_places() {
    let fixture = Fixture::new().await;
    let cells = fixture.cells().await;
    assert_eq!(fixture.opened().await, (cells.len(), 0));
    let mut pairs = 0;
    for (number, one) in cells.iter().enumerate() {
        for other in &cells[number + 1..] {
            let pair = [one, other];
            let own = [&one.1, &other.1];
            let swapped = [&other.1, &one.1];
            fixture.put(pair, own, swapped).await;
            assert_eq!(
                fixture.opened().await,
                (cells.len() - 2, 2),
                "{} and {}",
                one.1.name(),
                other.1.name()
            );
            fixture.put(pair, swapped, own).await;
            pairs += 1;
        }
    }
    assert_eq!(fixture.opened().await, (cells.len(), 0));
    assert_eq!(pairs, cells.len() * (cells.len() - 1) / 2);
}

#[tokio::test]
async fn v3_every_sealed_column_is_sealed_anew_and_stays_in_its_place() {
    let fixture = Fixture::new().await;
    let before = fixture.cells().await;
    let db = &fixture.db;
    let ring = &fixture.ring;
    let clock = fixture.clock.clone();
    let entropy = fixture.entropy.clone();
    let rotation = Rotation { db, ring, clock, entropy, tell: &|_| () };
    rotation.run(true).await.unwrap();
    assert_eq!(fixture.opened().await, (before.len(), 0));
    let after = fixture.cells().await;
    for ((_, before), (_, after)) in before.iter().zip(&after) {
        assert_ne!(before.sealed, after.sealed);
        assert_ne!(KeyId::of(&before.sealed), KeyId::of(&after.sealed));
    }
    let status = key_status(db, ring).await.unwrap();
    let older: Vec<_> = status.projects.iter().filter(|key| key.role == KeyRole::Older).collect();
    assert!(older.len() == 2 && older.iter().all(|key| key.sealed.is_empty()));
    let current = status.projects.iter().filter(|key| key.role == KeyRole::Current);
    let sealed: i64 = current.flat_map(|key| &key.sealed).map(|(.., number)| number).sum();
    assert_eq!(sealed, i64::try_from(before.len()).unwrap());
    let project = before[0].1.tenant.project;
    let wrapped = data_keys::of(db, project).await.unwrap();
    let another = KeyRing::generate(&fixture.entropy);
    assert!(open_project_keys(&another, project, &wrapped).is_err(), "another ring opens nothing");
}

#[tokio::test]
async fn v4_a_master_key_that_still_wraps_something_cannot_be_done_without() {
    let fixture = Fixture::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let new = astralform_vault::create_key_file(&path, &fixture.entropy).unwrap();
    let mut tx = fixture.db.begin(Actor::Product).await.unwrap();
    meta::move_key_check(&mut tx, &new.current().to_string()).await.unwrap();
    tx.commit().await.unwrap();
    let refused = crate::check_key(&fixture.db, &new).await.unwrap_err().to_string();
    assert!(refused.contains("still wraps 5 keys"), "{refused}");
    let refused = crate::check_key(&fixture.db, &fixture.ring).await.unwrap_err().to_string();
    assert!(refused.contains("was written with master key"), "{refused}");
}
