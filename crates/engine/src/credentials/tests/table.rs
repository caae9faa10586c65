//! What pays for a call, for every combination: written by hand, then compared.

use super::*;

/// The states that a connection can be in, in the order of rows and columns below.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    None,
    Good,
    Expired,
    RevokedElsewhere,
    ShortOfScopes,
}
use State::{Expired, Good, None as Absent, RevokedElsewhere, ShortOfScopes};

const STATES: [State; 5] = [Absent, Good, Expired, RevokedElsewhere, ShortOfScopes];

fn connection(owner: Owner, state: State) -> Option<Connection> {
    let number = if owner == Owner::Project { 9 } else { 1 };
    let connection = Connection { owner, ..active(number, "write") };
    let dead =
        |reason| Connection { state: ConnectionState::NeedsReauth(reason), ..connection.clone() };
    match state {
        Absent => None,
        Good => Some(connection),
        Expired => Some(dead(StatusReason::Expired)),
        RevokedElsewhere => Some(dead(StatusReason::TokenRejected)),
        ShortOfScopes => Some(Connection { scopes: scopes("read"), ..connection }),
    }
}

/// Returns one word for what becomes of a call.
fn word(
    (require_auth, allow_end_user_auth): (bool, bool),
    end_user: Option<&EndUserId>,
    own: State,
    shared: State,
) -> &'static str {
    let alice = Owner::EndUser("alice".parse().unwrap());
    let connections: Vec<_> = [connection(alice, own), connection(Owner::Project, shared)]
        .into_iter()
        .flatten()
        .collect();
    let situation = Situation {
        allow_end_user_auth,
        require_auth,
        requested_scopes: &scopes("read"),
        needed: &scopes("write"),
        hosts: &hosts("api.example"),
        end_user,
        connections: &connections,
        named: None,
    };
    match decide(&situation) {
        Ok(Decision::Use(used)) if used.owner == Owner::Project => "shared",
        Ok(Decision::Use(_)) => "own",
        Ok(Decision::Ask(ask)) => match ask.reason {
            AuthReason::NotConnected => "connect",
            AuthReason::NeedsReauth => "renew",
            AuthReason::MissingScopes => "widen",
        },
        Err(CredentialRefusal::NothingShared) => "nothing",
        Err(CredentialRefusal::SharedUnusable) => "unusable",
        Err(CredentialRefusal::EndUserRequired) => "who?",
        Err(CredentialRefusal::UnknownConnection) => "unknown",
        Err(CredentialRefusal::AwaitingConfirmation) => "waiting",
    }
}

/// Down: the end user's own connection. Across: the project's shared one. Both in the order
/// none, good, expired, revoked elsewhere, short of scopes.
type Grid = [[&'static str; 5]; 5];

/// End users must connect: what is shared never pays.
const MUST_CONNECT: Grid = [
    ["connect", "connect", "connect", "connect", "connect"],
    ["own", "own", "own", "own", "own"],
    ["renew", "renew", "renew", "renew", "renew"],
    ["renew", "renew", "renew", "renew", "renew"],
    ["widen", "widen", "widen", "widen", "widen"],
];

/// End users may connect: what is shared pays for those who have not, and never for those whose
/// own connection has to be renewed.
const MAY_CONNECT: Grid = [
    ["connect", "shared", "connect", "connect", "connect"],
    ["own", "own", "own", "own", "own"],
    ["renew", "renew", "renew", "renew", "renew"],
    ["renew", "renew", "renew", "renew", "renew"],
    ["widen", "widen", "widen", "widen", "widen"],
];

/// End users may not connect: what is shared pays for all, whatever they connected before.
const SHARED_ONLY: Grid = [["nothing", "shared", "unusable", "unusable", "unusable"]; 5];

/// `(require_auth, allow_end_user_auth)`, then what becomes of a call for an end user.
const FOR_AN_END_USER: [((bool, bool), Grid); 4] = [
    ((true, true), MUST_CONNECT),
    ((false, true), MAY_CONNECT),
    ((true, false), SHARED_ONLY),
    ((false, false), SHARED_ONLY),
];

/// What a request that names nobody leads to, in each of them.
const FOR_NOBODY: [((bool, bool), [&str; 5]); 4] = [
    ((true, true), ["who?", "who?", "who?", "who?", "who?"]),
    ((false, true), ["who?", "shared", "unusable", "unusable", "unusable"]),
    ((true, false), ["nothing", "shared", "unusable", "unusable", "unusable"]),
    ((false, false), ["nothing", "shared", "unusable", "unusable", "unusable"]),
];

/// The type of a connector plays no part beyond the states it allows: a project's API key is what
/// it shares and no key is short of scopes, so of the same grids the last row and column are left
/// out; a remote MCP server with OAuth has all of them.
#[test]
fn what_pays_for_a_call_of_an_end_user() {
    let alice: EndUserId = "alice".parse().unwrap();
    for (settings, grid) in FOR_AN_END_USER {
        for (own, row) in STATES.into_iter().zip(grid) {
            for (shared, expected) in STATES.into_iter().zip(row) {
                let found = word(settings, Some(&alice), own, shared);
                let place =
                    format!("(require, allow) = {settings:?}, own {own:?}, shared {shared:?}");
                assert_eq!(found, expected, "{place}");
            }
        }
    }
}

#[test]
fn what_pays_for_a_call_that_names_nobody() {
    for (settings, row) in FOR_NOBODY {
        for (shared, expected) in STATES.into_iter().zip(row) {
            for own in STATES {
                assert_eq!(word(settings, None, own, shared), expected, "{settings:?} {shared:?}");
            }
        }
    }
}

/// A key that serves all requests is what an API-key connector starts with; keys of end users are
/// added to it.
#[test]
fn what_pays_where_nothing_has_scopes() {
    let alice: EndUserId = "alice".parse().unwrap();
    for (settings, own, shared, expected) in [
        ((true, false), Absent, Good, "shared"),
        ((true, false), Absent, Absent, "nothing"),
        ((false, true), Absent, Good, "shared"),
        ((false, true), Good, Good, "own"),
        ((false, true), Expired, Good, "renew"),
        ((true, true), Absent, Good, "connect"),
        ((true, true), Good, Absent, "own"),
    ] {
        assert_eq!(word(settings, Some(&alice), own, shared), expected, "{settings:?} {own:?}");
    }
}
