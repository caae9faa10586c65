use astralform_domain::{
    Account, AuthReason, ConnectionState, Environment, HostSet, Owner, ProjectConnectorId,
    ProjectId, ScopeSet, Tenant, Timestamp,
};

use super::*;

mod table;

fn id(number: u8) -> ConnectionId {
    ConnectionId::from_bytes([number; 16])
}

fn scopes(text: &str) -> ScopeSet {
    text.split_whitespace().collect()
}

fn hosts(host: &str) -> HostSet {
    [host.to_owned()].into_iter().collect()
}

/// Returns an active connection to account `number`, granted `granted`, for api.example.
fn active(number: u8, granted: &str) -> Connection {
    Connection {
        id: id(number),
        tenant: Tenant { project: ProjectId::from_bytes([0; 16]), environment: Environment::Test },
        project_connector: ProjectConnectorId::from_bytes([0; 16]),
        owner: Owner::EndUser("alice".parse().unwrap()),
        label: None,
        account: Account { id: number.to_string(), label: format!("account {number}") },
        is_default: number == 1,
        state: ConnectionState::ACTIVE,
        scopes: scopes(granted),
        hosts: hosts("api.example"),
        created_at: Timestamp::from_secs(0),
    }
}

fn in_state(state: ConnectionState, number: u8, granted: &str) -> Connection {
    Connection { state, ..active(number, granted) }
}

fn dead(number: u8, granted: &str) -> Connection {
    in_state(ConnectionState::NeedsReauth(StatusReason::TokenRejected), number, granted)
}

fn for_host(host: &str, connection: Connection) -> Connection {
    Connection { hosts: hosts(host), ..connection }
}

/// Returns the decision in words, for an operation that needs `write` of a connector that asks for
/// `read`.
fn decided(connections: &[Connection], named: Option<u8>) -> String {
    let alice = "alice".parse().unwrap();
    let situation = Situation {
        allow_end_user_auth: true,
        require_auth: true,
        end_user: Some(&alice),
        requested_scopes: &scopes("read"),
        needed: &scopes("write"),
        hosts: &hosts("api.example"),
        connections,
        named: named.map(id),
    };
    let decision = decide(&situation);
    let ask = match decision {
        Err(refusal) => return format!("{refusal:?}"),
        Ok(Decision::Use(connection)) => return format!("use {}", connection.account.label),
        Ok(Decision::Ask(ask)) => ask,
    };
    let required = ask.required.join(" ");
    let granted = ask.granted.join(" ");
    let renews = ask.renews.map(|(renewed, label)| {
        let renewed = connections.iter().find(|connection| connection.id == renewed);
        assert_eq!(renewed.unwrap().account.label, label, "the id and the label are of one");
        format!(", renewing {label}")
    });
    format!("{}: [{required}] beyond [{granted}]{}", ask.reason, renews.unwrap_or_default())
}

/// An operation that needs `write`, of a connector that asks for `read`, at api.example.
#[test]
fn the_first_rule_that_fits_decides() {
    const NAMED: Option<u8> = Some(2);
    for (connections, named, expected) in [
        // Nothing is connected: everything that will be wanted is asked for at once.
        (vec![], None, "not_connected: [read write] beyond []"),
        // A connection that can do it is used, whatever else the connector would ask for.
        (vec![active(1, "read write")], None, "use account 1"),
        (vec![active(1, "write")], None, "use account 1"),
        (vec![active(1, "more read write")], None, "use account 1"),
        // The default one stands first; a named one goes before it.
        (vec![active(1, "write"), active(2, "write")], None, "use account 1"),
        (vec![active(1, "write"), active(2, "write")], NAMED, "use account 2"),
        // A connection that does not work is never passed over for another account.
        (
            vec![dead(1, "write"), active(2, "write")],
            None,
            "needs_reauth: [read write] beyond [write], renewing account 1",
        ),
        (
            vec![active(1, "write"), dead(2, "write")],
            NAMED,
            "needs_reauth: [read write] beyond [write], renewing account 2",
        ),
        (
            vec![active(1, "read"), active(2, "write")],
            None,
            "missing_scopes: [read write] beyond [read], renewing account 1",
        ),
        // Another's connection, or none at all, is not there.
        (vec![active(1, "write")], NAMED, "UnknownConnection"),
        (vec![], NAMED, "UnknownConnection"),
        // What had been granted is asked for again, so that it is not lost.
        (
            vec![active(1, "more read")],
            None,
            "missing_scopes: [more read write] beyond [more read], renewing account 1",
        ),
        (
            vec![dead(1, "more")],
            None,
            "needs_reauth: [more read write] beyond [more], renewing account 1",
        ),
        (vec![active(1, "")], None, "missing_scopes: [read write] beyond [], renewing account 1"),
        // A token does not go to hosts that it was not granted for, whatever else holds.
        (
            vec![for_host("old.example", active(1, "write"))],
            None,
            "needs_reauth: [read write] beyond [write], renewing account 1",
        ),
        (
            vec![for_host("old.example", active(1, "read"))],
            None,
            "needs_reauth: [read write] beyond [read], renewing account 1",
        ),
    ] {
        let situation = format!("{named:?} of {connections:#?}");
        assert_eq!(decided(&connections, named), expected, "{situation}");
    }
}

#[test]
fn only_an_active_connection_is_used() {
    for state in [
        ConnectionState::AwaitingConfirmation,
        ConnectionState::NeedsReauth(StatusReason::TokenRejected),
        ConnectionState::Revoked(StatusReason::UserRevoked),
    ] {
        let decision = decided(&[in_state(state, 1, "write")], None);
        assert!(decision.starts_with("needs_reauth"), "{state:?}: {decision}");
    }
}

#[test]
fn more_hosts_than_before_need_the_end_user_too() {
    let mut connection = active(1, "write");
    connection.hosts = ["api.example", "more.example"].map(str::to_owned).into_iter().collect();
    assert!(decided(&[connection], None).starts_with("needs_reauth"));
}

#[test]
fn only_scopes_that_the_connector_knows_and_nobody_granted_are_worth_asking_for() {
    let set = |text: &str| text.split_whitespace().collect::<ScopeSet>();
    let known = set("channels groups");
    for (missing, granted, asked) in [
        ("groups", "channels", Some("groups")),
        ("channels groups im mpim", "channels", Some("channels groups")),
        ("channels", "channels", None),
        ("im mpim", "channels", None),
        ("", "channels", None),
    ] {
        let found = worth_asking(&set(missing), &known, &set(granted));
        assert_eq!(found, asked.map(set), "{missing:?} beyond {granted:?}");
    }
}
