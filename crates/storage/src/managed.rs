//! Connections and receipts, as administrators look for them.

use astralform_domain::{
    Connection, ConnectionId, ConnectionStatus, ConnectorSlug, EndUserId, Owner, Revocation,
    RevocationStatus, Tenant, Timestamp,
};

use crate::{
    Db, Result,
    bind::binds,
    connections::owner,
    db::{Row, Run as _},
    row::Record,
};

/// A connection with what there is to know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managed {
    /// The connection.
    pub connection: Connection,
    /// The connector's name in the catalogue.
    pub connector: ConnectorSlug,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
    /// What became of its tokens at the provider, where it has ended.
    pub revocation: Option<RevocationStatus>,
}

/// A receipt, with whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The receipt.
    pub revocation: Revocation,
    /// Whose connection it was.
    pub owner: Owner,
}

/// Which connections are looked for: those that match every field that is set.
#[derive(Clone, Copy, Default)]
pub struct ConnectionFilter<'a> {
    /// What they are connected to.
    pub connector: Option<&'a ConnectorSlug>,
    /// Their status.
    pub status: Option<ConnectionStatus>,
    /// Whose they are.
    pub end_user: Option<&'a EndUserId>,
    /// Used since then.
    pub used_since: Option<Timestamp>,
}

/// Which receipts are looked for: those that match every field that is set.
#[derive(Clone, Copy, Default)]
pub struct ReceiptFilter<'a> {
    /// Of which connector.
    pub connector: Option<&'a ConnectorSlug>,
    /// Their status.
    pub status: Option<RevocationStatus>,
    /// Requested since then.
    pub requested_since: Option<Timestamp>,
}

/// Where a page begins, and how long it is.
#[derive(Clone, Copy)]
pub struct Page {
    /// The last one of the page before.
    pub after: Option<ConnectionId>,
    /// How many at most.
    pub limit: i64,
}

impl Page {
    fn after(self) -> String {
        self.after.map_or_else(String::new, |id| id.to_string())
    }
}

impl Record for Managed {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            connection: Connection::read(row)?,
            connector: row.parse("connector")?,
            used_at: row.optional_time("used_at")?,
            revocation: row.optional_parse("revocation_status")?,
        })
    }
}

impl Record for Receipt {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self { revocation: Revocation::read(row)?, owner: owner(row)? })
    }
}

struct ReceiptStatusCount(RevocationStatus, i64);

impl Record for ReceiptStatusCount {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.parse("status")?, row.int("number")?))
    }
}

/// Returns the connections that fit, the oldest first.
pub async fn connections(
    db: &Db,
    tenant: Tenant,
    filter: ConnectionFilter<'_>,
    page: Page,
) -> Result<Vec<Managed>> {
    const SQL: &str = "
        SELECT connections.*, end_users.external_id, project_connectors.connector,
               connection_uses.used_at, revocations.status AS revocation_status
        FROM connections
        JOIN project_connectors ON project_connectors.id = connections.project_connector_id
        LEFT JOIN end_users ON end_users.id = connections.end_user_id
        LEFT JOIN connection_uses ON connection_uses.connection_id = connections.id
        LEFT JOIN revocations ON revocations.connection_id = connections.id
        WHERE connections.project_id = $1 AND connections.environment = $2
          AND connections.id > $3
          AND ($5 IS NULL OR project_connectors.connector = $5)
          AND ($6 IS NULL OR connections.status = $6)
          AND ($7 IS NULL OR connections.end_user_id =
              (SELECT id FROM end_users
               WHERE project_id = $1 AND environment = $2 AND external_id = $7))
          AND ($8 IS NULL OR connection_uses.used_at >= $8)
        ORDER BY connections.id LIMIT $4";
    let ConnectionFilter { connector, status, end_user, used_since } = filter;
    let Tenant { project, environment } = tenant;
    let after = page.after();
    let limit = page.limit;
    let binds = binds![project, environment, after, limit, connector, status, end_user, used_since];
    db.all(SQL, binds).await
}

/// Returns the connection of that id.
pub async fn connection(db: &Db, tenant: Tenant, id: ConnectionId) -> Result<Option<Managed>> {
    const SQL: &str = "
        SELECT connections.*, end_users.external_id, project_connectors.connector,
               connection_uses.used_at, revocations.status AS revocation_status
        FROM connections
        JOIN project_connectors ON project_connectors.id = connections.project_connector_id
        LEFT JOIN end_users ON end_users.id = connections.end_user_id
        LEFT JOIN connection_uses ON connection_uses.connection_id = connections.id
        LEFT JOIN revocations ON revocations.connection_id = connections.id
        WHERE connections.project_id = $1 AND connections.environment = $2
          AND connections.id = $3";
    db.optional(SQL, binds![tenant.project, tenant.environment, id]).await
}

/// Returns the receipts that fit, in the order of their connections.
pub async fn receipts(
    db: &Db,
    tenant: Tenant,
    filter: ReceiptFilter<'_>,
    page: Page,
) -> Result<Vec<Receipt>> {
    const SQL: &str = "
        SELECT revocations.*, end_users.external_id
        FROM revocations
        JOIN connections ON connections.id = revocations.connection_id
        LEFT JOIN end_users ON end_users.id = connections.end_user_id
        WHERE revocations.project_id = $1 AND revocations.environment = $2
          AND revocations.connection_id > $3
          AND ($5 IS NULL OR revocations.connector = $5)
          AND ($6 IS NULL OR revocations.status = $6)
          AND ($7 IS NULL OR revocations.requested_at >= $7)
        ORDER BY revocations.connection_id LIMIT $4";
    let ReceiptFilter { connector, status, requested_since } = filter;
    let Tenant { project, environment } = tenant;
    let after = page.after();
    let limit = page.limit;
    let binds = binds![project, environment, after, limit, connector, status, requested_since];
    db.all(SQL, binds).await
}

/// Returns how many receipts fit, by status; a status that the filter names is passed over.
pub async fn receipt_counts(
    db: &Db,
    tenant: Tenant,
    filter: ReceiptFilter<'_>,
) -> Result<Vec<(RevocationStatus, i64)>> {
    const SQL: &str = "
        SELECT status, COUNT(*) AS number FROM revocations
        WHERE project_id = $1 AND environment = $2
          AND ($3 IS NULL OR connector = $3)
          AND ($4 IS NULL OR requested_at >= $4)
        GROUP BY status";
    let ReceiptFilter { connector, requested_since, .. } = filter;
    let binds = binds![tenant.project, tenant.environment, connector, requested_since];
    let counts = db.all::<ReceiptStatusCount>(SQL, binds).await?;
    Ok(counts.into_iter().map(|ReceiptStatusCount(status, number)| (status, number)).collect())
}

#[cfg(test)]
mod tests {
    use astralform_domain::{Environment, ScopeSet, Sealed, StatusReason};

    use super::{connection as connection_of, *};
    use crate::{
        connection_uses,
        connections::{self, ConnectionSelection},
        testing::{ACTOR, World, connection, on_both, world},
        tokens::{self, Token},
    };

    const ALL: Page = Page { after: None, limit: 99 };

    /// Returns one that was used then, one that was revoked then, and a shared one.
    async fn three(db: &Db, world: &World, then: Timestamp) -> Vec<Connection> {
        let mut made: Vec<_> = ["a", "b", "c"].map(|at| connection(world, at)).into();
        made.sort_by_key(|made| made.id.to_string());
        let shared = Connection { owner: Owner::Project, ..made[2].clone() };
        let mut tx = db.begin(ACTOR).await.unwrap();
        for new in &made[..2] {
            connections::create(&mut tx, new, Some(world.end_user_key)).await.unwrap();
        }
        connections::create(&mut tx, &shared, None).await.unwrap();
        connection_uses::note(&mut tx, made[0].id, then).await.unwrap();
        let why = StatusReason::AdminRevoked;
        connections::revoke(&mut tx, &made[1], why, then).await.unwrap();
        tx.commit().await.unwrap();
        made
    }

    #[tokio::test]
    async fn connections_are_found_by_connector_status_end_user_and_use() {
        on_both(async |db| {
            let world = world(&db).await;
            let tenant = world.tenant;
            let pcon = world.project_connector.id;
            let used = Timestamp::from_secs(50);
            let made = three(&db, &world, used).await;

            let found = async |tenant, filter| {
                let found = connections(&db, tenant, filter, ALL).await.unwrap();
                found.into_iter().map(|found| found.connection.id).collect::<Vec<_>>()
            };
            let filter = ConnectionFilter::default();
            let ids: Vec<_> = made.iter().map(|made| made.id).collect();
            assert_eq!(found(tenant, filter).await, ids);
            let live = Tenant { environment: Environment::Live, ..tenant };
            assert_eq!(found(live, filter).await, []);
            let chat = "chat".parse().unwrap();
            let other = "other".parse().unwrap();
            let bob = "bob".parse().unwrap();
            for (filter, expected) in [
                (ConnectionFilter { connector: Some(&chat), ..filter }, &ids[..]),
                (ConnectionFilter { connector: Some(&other), ..filter }, &[]),
                (ConnectionFilter { end_user: Some(&world.end_user), ..filter }, &ids[..2]),
                (ConnectionFilter { end_user: Some(&bob), ..filter }, &[]),
                (
                    ConnectionFilter { status: Some(ConnectionStatus::Revoked), ..filter },
                    &ids[1..2],
                ),
                (ConnectionFilter { used_since: Some(used), ..filter }, &ids[..1]),
                (ConnectionFilter { used_since: Some(Timestamp::from_secs(51)), ..filter }, &[]),
            ] {
                assert_eq!(found(tenant, filter).await, expected);
            }
            let page = Page { after: Some(ids[0]), limit: 1 };
            let next = connections(&db, tenant, filter, page).await.unwrap();
            assert_eq!((next.len(), next[0].connection.id), (1, ids[1]));
            let one = connection_of(&db, tenant, ids[0]).await.unwrap().unwrap();
            assert_eq!((one.used_at, one.revocation, one.connector), (Some(used), None, chat));
            assert_eq!(connection_of(&db, live, ids[0]).await.unwrap(), None);

            let all = ConnectionSelection::default();
            for (which, expected) in [
                (all, 2),
                (ConnectionSelection { end_user: Some(&world.end_user), ..all }, 1),
                (ConnectionSelection { end_user: Some(&bob), ..all }, 0),
                (ConnectionSelection { used_since: Some(used), ..all }, 1),
            ] {
                let counted = connections::count(&db, tenant, pcon, which).await.unwrap();
                assert_eq!(counted, expected);
                let mut tx = db.begin(ACTOR).await.unwrap();
                let revoked = connections::revoke_all(
                    &mut tx,
                    tenant,
                    pcon,
                    which,
                    StatusReason::AdminRevoked,
                    used,
                );
                assert_eq!(i64::try_from(revoked.await.unwrap()).unwrap(), expected);
            }
        })
        .await;
    }

    #[tokio::test]
    async fn receipts_are_found_and_counted_by_status() {
        on_both(async |db| {
            let world = world(&db).await;
            let tenant = world.tenant;
            let pcon = world.project_connector.id;
            let mut made: Vec<_> = ["a", "b"].map(|at| connection(&world, at)).into();
            made.sort_by_key(|made| made.id.to_string());
            let token = Token {
                kind: "user".to_owned(),
                generation: 1,
                access_token: Sealed::from_bytes(vec![1]),
                refresh_token: None,
                expires_at: None,
                scopes: ScopeSet::default(),
                written_at: Timestamp::from_secs(0),
                refresh_at: None,
                in_doubt: false,
                doubts: tokens::Doubts::default(),
            };
            let mut tx = db.begin(ACTOR).await.unwrap();
            for new in &made {
                connections::create(&mut tx, new, Some(world.end_user_key)).await.unwrap();
                tokens::put(&mut tx, new, &token).await.unwrap();
            }
            let why = StatusReason::AdminRevoked;
            let now = Timestamp::from_secs(10);
            let all = ConnectionSelection::default();
            connections::revoke_all(&mut tx, tenant, pcon, all, why, now).await.unwrap();
            let confirmed = RevocationStatus::ProviderConfirmed;
            crate::revocations::settle(&mut tx, made[0].id, confirmed, None, now).await.unwrap();
            tx.commit().await.unwrap();

            let filter = ReceiptFilter::default();
            let found = receipts(&db, tenant, filter, ALL).await.unwrap();
            assert_eq!(found.len(), 2);
            assert_eq!(found[0].owner, Owner::EndUser(world.end_user.clone()));
            let page = Page { after: Some(made[0].id), limit: 9 };
            let next = receipts(&db, tenant, filter, page).await.unwrap();
            assert_eq!((next.len(), next[0].revocation.connection), (1, made[1].id));
            let pending = ReceiptFilter { status: Some(RevocationStatus::Pending), ..filter };
            assert_eq!(receipts(&db, tenant, pending, ALL).await.unwrap(), next);
            let mut counts = receipt_counts(&db, tenant, pending).await.unwrap();
            counts.sort_unstable();
            assert_eq!(counts, [(RevocationStatus::Pending, 1), (confirmed, 1)]);
            let other = "other".parse().unwrap();
            for none in [
                ReceiptFilter { connector: Some(&other), ..filter },
                ReceiptFilter { requested_since: Some(Timestamp::from_secs(11)), ..filter },
            ] {
                assert_eq!(receipts(&db, tenant, none, ALL).await.unwrap(), []);
                assert_eq!(receipt_counts(&db, tenant, none).await.unwrap(), []);
            }
        })
        .await;
    }
}
