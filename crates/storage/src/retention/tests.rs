use std::{collections::BTreeSet, fmt::Write as _};

use astralform_domain::{
    AuthFailure, AuthRequest, Connection, ConnectionState, Owner, RevocationStatus, ScopeSet,
    Sealed, StatusReason, Timestamp,
};

use super::*;
use crate::{
    admin_tokens::{self, AdminToken},
    api_keys::{self, ApiKey},
    auth_requests, connection_uses, connections, end_users,
    members::{self, Member},
    project_connectors, projects, revocations,
    testing::{
        ACTOR, World, admin_token, api_key, auth_request, connection, id, on_both, pruned, world,
    },
    tokens::{self, Token},
};

fn at(days: u64) -> Timestamp {
    Timestamp::from_secs(1_000_000).after(DAY * u32::try_from(days).unwrap())
}

fn in_words(rule: &Retention) -> String {
    let minutes = |term: Duration| term.as_secs() / 60;
    match &rule.kept {
        Kept::With(what) => format!("as long as {what}"),
        Kept::For { after, term, .. } => match minutes(*term) {
            0 => format!("until {after}"),
            days if days % 1440 == 0 => match days / 1440 {
                1 => format!("1 day after {after}"),
                days => format!("{days} days after {after}"),
            },
            1 => format!("1 minute after {after}"),
            minutes => format!("{minutes} minutes after {after}"),
        },
    }
}

// F13
#[test]
fn f13_every_table_has_a_retention_and_the_document_shows_it() {
    let schema = include_str!("../../migrations/0001_init.sql");
    let lines = schema.lines().filter_map(|line| line.strip_prefix("CREATE TABLE "));
    let tables: BTreeSet<_> = lines.map(|line| line.trim_end_matches(" (")).collect();
    let known: BTreeSet<_> = ALL.iter().map(|rule| rule.table).collect();
    assert_eq!(known, tables, "a new table says for how long its rows are kept");
    assert_eq!(ALL.len(), known.len());
    let mut table = String::from("| table | its rows are kept |\n|---|---|\n");
    for rule in ALL {
        writeln!(table, "| `{}` | {} |", rule.table, in_words(rule)).unwrap();
    }
    let document = include_str!("../../../../docs/operations.md");
    assert!(document.contains(&table), "docs/operations.md should have this table:\n\n{table}");
}

struct Left {
    number: i64,
}

impl crate::row::Record for Left {
    fn read(row: &crate::db::Row) -> Result<Self> {
        Ok(Self { number: row.int("number")? })
    }
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    db.optional::<Left>(sql, binds![]).await.unwrap().unwrap().number
}

async fn stored(db: &Db, world: &World, account: &str) -> Connection {
    let new = connection(world, account);
    let token = Token {
        kind: "default".to_owned(),
        generation: 1,
        access_token: Sealed::from_bytes(vec![1]),
        refresh_token: None,
        expires_at: None,
        scopes: ScopeSet::default(),
        written_at: at(0),
        refresh_at: None,
        in_doubt: false,
        doubts: tokens::Doubts::default(),
    };
    let mut tx = db.begin(ACTOR).await.unwrap();
    connections::create(&mut tx, &new, Some(world.end_user_key)).await.unwrap();
    tokens::put(&mut tx, &new, &token).await.unwrap();
    connection_uses::note(&mut tx, new.id, at(0)).await.unwrap();
    tx.commit().await.unwrap();
    new
}

async fn revoked(db: &Db, connection: &Connection) {
    let mut tx = db.begin(ACTOR).await.unwrap();
    let why = StatusReason::UserRevoked;
    assert!(connections::revoke(&mut tx, connection, why, at(0)).await.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn f13_an_ended_connection_goes_with_its_receipt_when_both_are_old() {
    const USES: &str = "SELECT COUNT(*) AS number FROM connection_uses";
    on_both(async |db| {
        let world = world(&db).await;
        let ended = stored(&db, &world, "a").await;
        let open = stored(&db, &world, "b").await;
        revoked(&db, &ended).await;
        assert_eq!(pruned(&db, "connections", at(400)).await, 0, "its tokens may be alive");
        let mut tx = db.begin(ACTOR).await.unwrap();
        revocations::erase(&mut tx, ended.id).await.unwrap();
        let to = RevocationStatus::ProviderConfirmed;
        revocations::settle(&mut tx, ended.id, to, None, at(1)).await.unwrap();
        tx.commit().await.unwrap();

        assert_eq!(pruned(&db, "connections", at(89)).await, 0);
        let tenant = world.tenant;
        assert!(revocations::find(&db, tenant, ended.id).await.unwrap().is_some());
        assert_eq!(count(&db, USES).await, 2);
        assert_eq!(pruned(&db, "connections", at(90)).await, 1);
        assert_eq!(revocations::find(&db, tenant, ended.id).await.unwrap(), None);
        assert_eq!(connections::find(&db, tenant, ended.id).await.unwrap(), None);
        assert_eq!(count(&db, USES).await, 1);
        assert_eq!(pruned(&db, "connections", at(400)).await, 0);
        assert!(connections::find(&db, tenant, open.id).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn f13_connections_that_end_together_and_replaced_tokens_have_an_end_too() {
    on_both(async |db| {
        let world = world(&db).await;
        let tenant = world.tenant;
        let pcon = world.project_connector.id;
        let why = StatusReason::ConnectorDisabled;
        let all = connections::ConnectionSelection::default();
        let replaced = Connection {
            state: ConnectionState::Revoked(StatusReason::Replaced),
            created_at: at(0),
            ..connection(&world, "c")
        };
        let waiting =
            Connection { state: ConnectionState::AwaitingConfirmation, ..connection(&world, "b") };
        let mut tx = db.begin(ACTOR).await.unwrap();
        for new in [&connection(&world, "a"), &waiting, &replaced] {
            connections::create(&mut tx, new, Some(world.end_user_key)).await.unwrap();
        }
        let unconfirmed = connections::revoke_unconfirmed(&mut tx, tenant, pcon, why, at(0)).await;
        assert_eq!(unconfirmed.unwrap(), 1);
        let others = connections::revoke_all(&mut tx, tenant, pcon, all, why, at(0)).await;
        assert_eq!(others.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(pruned(&db, "connections", at(89)).await, 0);
        assert_eq!(pruned(&db, "connections", at(90)).await, 3);
    })
    .await;
}

#[tokio::test]
async fn f13_ended_prompts_are_kept_for_a_month_and_open_ones_stay() {
    on_both(async |db| {
        let world = world(&db).await;
        let ended = auth_request(&world);
        let open = auth_request(&world);
        let renewing = AuthRequest { expires_at: at(40), ..open };
        let key = Some(world.end_user_key);
        let mut tx = db.begin(ACTOR).await.unwrap();
        for (new, asks_for) in [(&ended, "x"), (&renewing, "y")] {
            auth_requests::open(&mut tx, new, key, asks_for, at(0)).await.unwrap();
        }
        let failed = ended.state.failed(AuthFailure::CodeRejected, None).unwrap();
        assert!(auth_requests::advance(&mut tx, &ended, &failed, at(0)).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(pruned(&db, "auth_requests", at(29)).await, 0);
        assert_eq!(pruned(&db, "auth_requests", at(30)).await, 1);
        assert_eq!(pruned(&db, "auth_requests", at(400)).await, 0, "it is for the sweep to end it");
        let found = auth_requests::find(&db, world.tenant, renewing.id).await.unwrap();
        assert_eq!(found.unwrap().id, renewing.id);
    })
    .await;
}

#[tokio::test]
async fn f13_an_end_user_goes_when_nothing_of_theirs_is_left() {
    const USERS: &str = "SELECT COUNT(*) AS number FROM end_users";
    on_both(async |db| {
        let world = world(&db).await;
        let ended = stored(&db, &world, "a").await;
        let mut tx = db.begin(ACTOR).await.unwrap();
        for name in ["bob", "carol"] {
            let name = Owner::EndUser(name.parse().unwrap());
            end_users::ensure(&mut tx, world.tenant, &name, id(), at(0)).await.unwrap();
        }
        let asking = auth_request(&world);
        auth_requests::open(&mut tx, &asking, Some(world.end_user_key), "x", at(0)).await.unwrap();
        tx.commit().await.unwrap();
        // A walk, a row at a time, that begins anew after the last one.
        let walk = async |now| {
            let rule = ALL.iter().find(|rule| rule.table == "end_users").unwrap();
            for _ in 0..5 {
                assert_eq!(rule.prune(&db, now, 1).await.unwrap(), 0);
            }
        };
        walk(at(0)).await;
        assert_eq!(count(&db, USERS).await, 3, "they have just come");
        walk(at(1)).await;
        assert_eq!(count(&db, USERS).await, 1, "one of them is connected");

        revoked(&db, &ended).await;
        let mut tx = db.begin(ACTOR).await.unwrap();
        revocations::settle(&mut tx, ended.id, RevocationStatus::GaveUp, None, at(1))
            .await
            .unwrap();
        auth_requests::decline_all(&mut tx, world.end_user_key).await.unwrap();
        tx.commit().await.unwrap();
        for (table, expected) in [("auth_requests", 1), ("connections", 1)] {
            walk(at(200)).await;
            assert_eq!(count(&db, USERS).await, 1);
            assert_eq!(pruned(&db, table, at(200)).await, expected, "{table}");
        }
        walk(at(200)).await;
        assert_eq!(count(&db, USERS).await, 0);
    })
    .await;
}

#[tokio::test]
async fn f13_a_disabled_connector_waits_for_what_refers_to_it() {
    on_both(async |db| {
        let world = world(&db).await;
        let tenant = world.tenant;
        let pcon = world.project_connector.id;
        let ended = stored(&db, &world, "a").await;
        revoked(&db, &ended).await;
        let mut tx = db.begin(ACTOR).await.unwrap();
        project_connectors::disable(&mut tx, tenant, pcon, at(0)).await.unwrap();
        revocations::pause(&mut tx, pcon, 1, at(1), None).await.unwrap();
        revocations::settle(&mut tx, ended.id, RevocationStatus::GaveUp, None, at(1))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(pruned(&db, "project_connectors", at(90)).await, 0);
        assert_eq!(pruned(&db, "connections", at(90)).await, 1);
        assert_eq!(pruned(&db, "project_connectors", at(89)).await, 0);
        assert_eq!(pruned(&db, "project_connectors", at(90)).await, 1);
    })
    .await;
}

#[tokio::test]
async fn f13_a_deleted_project_goes_with_what_it_was_set_up_with() {
    const LEFT: &str = "
        SELECT (SELECT COUNT(*) FROM projects) + (SELECT COUNT(*) FROM environments)
             + (SELECT COUNT(*) FROM agents) + (SELECT COUNT(*) FROM data_keys
                WHERE project_id IS NOT NULL) AS number";
    on_both(async |db| {
        let world = world(&db).await;
        let mut tx = db.begin(ACTOR).await.unwrap();
        let pcon = world.project_connector.id;
        project_connectors::disable(&mut tx, world.tenant, pcon, at(0)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(pruned(&db, "projects", at(400)).await, 0, "it is not deleted");
        let mut tx = db.begin(ACTOR).await.unwrap();
        projects::delete(&mut tx, world.tenant.project, at(1)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(pruned(&db, "projects", at(400)).await, 0, "a connector of it is there");
        assert_eq!(pruned(&db, "project_connectors", at(90)).await, 1);
        assert_eq!(pruned(&db, "projects", at(400)).await, 0, "an end user of it is there");
        for _ in 0..2 {
            pruned(&db, "end_users", at(90)).await;
        }
        assert_eq!(pruned(&db, "projects", at(90)).await, 0);
        assert_eq!(pruned(&db, "projects", at(91)).await, 1);
        assert_eq!(count(&db, LEFT).await, 0);
    })
    .await;
}

#[tokio::test]
async fn f13_keys_and_tokens_that_are_over_are_kept_for_a_term_some_at_a_time() {
    on_both(async |db| {
        let world = world(&db).await;
        let member = Member { id: id(), email: "ada@example.com".parse().unwrap() };
        let mut tx = db.begin(ACTOR).await.unwrap();
        members::create(&mut tx, &member, at(0)).await.unwrap();
        for number in 0..5 {
            let key = api_key(world.tenant);
            let token = admin_token(member.id);
            let expires_at = (number == 1).then(|| at(0));
            let key = ApiKey { expires_at, ..key };
            let token = AdminToken { expires_at, ..token };
            api_keys::create(&mut tx, &key, at(0)).await.unwrap();
            admin_tokens::create(&mut tx, &token, at(0)).await.unwrap();
            if number > 1 {
                api_keys::revoke(&mut tx, key.id, at(0)).await.unwrap();
                admin_tokens::revoke(&mut tx, token.id, at(0)).await.unwrap();
            }
        }
        tx.commit().await.unwrap();
        for rule in ALL.iter().filter(|rule| ["api_keys", "admin_tokens"].contains(&rule.table)) {
            assert_eq!(rule.prune(&db, at(89), 3).await.unwrap(), 0);
            for expected in [3, 1, 0] {
                assert_eq!(rule.prune(&db, at(90), 3).await.unwrap(), expected, "{}", rule.table);
            }
        }
        assert_eq!(api_keys::list(&db, api_keys::KeyFilter::default()).await.unwrap().len(), 1);
        assert_eq!(admin_tokens::list(&db, None).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn one_node_at_a_time_has_the_turn() {
    on_both(async |db| {
        assert!(take_turn(&db, DAY).await.unwrap());
        assert!(!take_turn(&db, DAY).await.unwrap());
        let past = "UPDATE meta SET value = '0' WHERE name = 'retention_turn'";
        db.execute(past, binds![]).await.unwrap();
        assert!(take_turn(&db, Duration::ZERO).await.unwrap());
        assert!(take_turn(&db, DAY).await.unwrap());
    })
    .await;
}
