use astralform_domain::{Clock, ConnectionId, Entropy, ScopeSet, Sealed};
use astralform_storage::refreshes::RefreshKey;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(100);

fn sealed() -> Sealed {
    Sealed::from_bytes(vec![1])
}

fn token(generation: i64) -> Token {
    Token {
        kind: "default".to_owned(),
        generation,
        access_token: sealed(),
        refresh_token: Some(sealed()),
        expires_at: None,
        scopes: ScopeSet::default(),
        written_at: Timestamp::from_secs(0),
        refresh_at: None,
        in_doubt: false,
        doubts: tokens::Doubts::default(),
    }
}

fn lease() -> Lease {
    let connection = ConnectionId::new(&Clock::system(), &Entropy::system());
    Lease {
        key: RefreshKey { connection, kind: "default".to_owned() },
        generation: 5,
        fence: 1,
        was_sent: false,
        answer: None,
        failures: 0,
        not_before: Timestamp::from_secs(0),
        refused_since: None,
    }
}

fn next_of(token: Option<&Token>, lease: &Lease) -> Next {
    next(ConnectionStatus::Active, token, lease, 5, (NOW, NOW))
}

#[test]
fn a_refresh_token_is_sent_once_and_in_doubt_if_nobody_knows_what_became_of_it() {
    assert_eq!(next_of(Some(&token(5)), &lease()), Next::Send { in_doubt: false });
    let sent = Lease { was_sent: true, ..lease() };
    assert_eq!(next_of(Some(&token(5)), &sent), Next::Send { in_doubt: true });
    let doubtful = Token { in_doubt: true, ..token(5) };
    assert_eq!(next_of(Some(&doubtful), &lease()), Next::Send { in_doubt: true });
}

#[test]
fn r2_an_answer_that_is_there_is_read_before_anything_is_sent() {
    let answered = Lease { was_sent: true, answer: Some(sealed()), ..lease() };
    let read = Next::Read { in_doubt: false };
    assert_eq!(next_of(Some(&token(5)), &answered), read);
    let ended = next(ConnectionStatus::Revoked, Some(&token(5)), &answered, 5, (NOW, NOW));
    assert_eq!(ended, read, "so that it can be withdrawn");
    let doubtful = Token { in_doubt: true, ..token(5) };
    let refused = Next::Read { in_doubt: true };
    assert_eq!(next_of(Some(&doubtful), &answered), refused, "it may be a refusal of the second");
}

#[test]
fn what_was_left_of_an_older_token_does_not_count() {
    let old = Lease { generation: 4, was_sent: true, answer: Some(sealed()), ..lease() };
    assert_eq!(next_of(Some(&token(5)), &old), Next::Send { in_doubt: false });
}

#[test]
fn r1_a_token_that_is_newer_already_is_not_refreshed() {
    assert_eq!(next_of(Some(&token(6)), &lease()), Next::Newer);
    let over = Token { expires_at: Some(NOW), ..token(6) };
    assert_eq!(next_of(Some(&over), &lease()), Next::Send { in_doubt: false }, "it has ended too");
}

#[test]
fn nothing_is_refreshed_that_ended_or_cannot_be() {
    assert_eq!(next_of(None, &lease()), Next::Over);
    let bare = Token { refresh_token: None, ..token(5) };
    assert_eq!(next_of(Some(&bare), &lease()), Next::Over);
    for status in [
        ConnectionStatus::NeedsReauth,
        ConnectionStatus::Revoked,
        ConnectionStatus::AwaitingConfirmation,
    ] {
        assert_eq!(next(status, Some(&token(5)), &lease(), 5, (NOW, NOW)), Next::Over, "{status}");
    }
}

#[test]
fn r4_after_a_failure_it_waits() {
    let failed = |not_before| Lease { failures: 1, not_before, ..lease() };
    let later = failed(Timestamp::from_secs(103));
    assert_eq!(next_of(Some(&token(5)), &later), Next::Pause(Duration::from_secs(3)));
    assert_eq!(next_of(Some(&token(5)), &failed(NOW)), Next::Send { in_doubt: false });
}
