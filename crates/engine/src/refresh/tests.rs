use astralform_domain::{ScopeSet, Sealed};
use astralform_storage::tokens::Doubts;

use super::*;

fn token(is_refreshable: bool, due: Option<i64>, end: Option<i64>) -> Token {
    let sealed = || Sealed::from_bytes(vec![1]);
    Token {
        kind: "default".to_owned(),
        generation: 5,
        access_token: sealed(),
        refresh_token: is_refreshable.then(sealed),
        expires_at: end.map(Timestamp::from_secs),
        scopes: ScopeSet::default(),
        written_at: Timestamp::from_secs(0),
        refresh_at: due.map(Timestamp::from_secs),
        in_doubt: false,
        doubts: Doubts::default(),
    }
}

#[test]
fn r6_a_token_is_good_until_the_moment_it_ends_and_then_only_as_good_as_its_refresh_token() {
    use Freshness::{Due, Ended, Good, Stale};
    let now = Timestamp::from_secs(100);
    for (due, end, refreshable, bare) in [
        (None, None, Good, Good),
        (Some(101), Some(200), Good, Good),
        (Some(100), Some(101), Due, Good),
        (Some(50), Some(100), Stale, Ended(StatusReason::Expired)),
        (None, Some(99), Stale, Ended(StatusReason::Expired)),
    ] {
        assert_eq!(freshness(&token(true, due, end), now, None), refreshable, "{due:?} {end:?}");
        assert_eq!(freshness(&token(false, None, end), now, None), bare, "{due:?} {end:?}");
    }
}

#[test]
fn r7_a_refusal_counts_for_the_token_that_was_sent_and_for_no_newer_one() {
    let now = Timestamp::from_secs(100);
    for (rejected, refreshable, bare) in [
        (4, Freshness::Good, Freshness::Good),
        (5, Freshness::Stale, Freshness::Ended(StatusReason::TokenRejected)),
    ] {
        let rejected = Some(rejected);
        assert_eq!(freshness(&token(true, None, None), now, rejected), refreshable);
        assert_eq!(freshness(&token(false, None, None), now, rejected), bare);
    }
}
