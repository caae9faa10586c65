use astralform_catalog::{builtin, load};

use super::*;
use crate::answer::CallFailure;

/// Checks a tool of the catalogue that may be repeated, or one that may not.
fn with(repeatable: bool, check: impl Fn(&Tool)) {
    let (catalog, _) = load(builtin().iter().copied());
    let mut tools = catalog.connectors().flat_map(|connector| &connector.tools);
    check(
        tools.find(|tool| tool.annotations.is_repeatable() == repeatable).expect("one of either"),
    );
}

fn failed(kind: FailureKind, status: Option<u16>, retry_after: Option<u64>) -> (Shaped, Sending) {
    let failure = CallFailure {
        retry_after: retry_after.map(Duration::from_secs),
        ..CallFailure::new(kind, "it went wrong")
    };
    let status = status.map(|status| StatusCode::from_u16(status).unwrap());
    (Shaped::Failed(failure), Sending::answered(status))
}

#[test]
fn a_throttle_is_waited_out_whatever_the_request_if_it_is_short_and_says_how_long() {
    for repeatable in [true, false] {
        with(repeatable, |tool| {
            let throttled = |after| {
                let (shaped, sending) = failed(FailureKind::RateLimited, Some(429), after);
                retry_delay(tool, &shaped, sending)
            };
            assert_eq!(throttled(Some(1)), Some(Duration::from_secs(1)));
            assert_eq!(throttled(Some(3)), Some(PATIENCE));
            assert_eq!(throttled(Some(4)), None);
            assert_eq!(throttled(None), None);
        });
    }
}

#[test]
fn what_may_have_happened_is_never_sent_again() {
    with(false, |tool| {
        for status in [None, Some(500), Some(502), Some(503), Some(504)] {
            for kind in [FailureKind::OutcomeUnknown, FailureKind::ProviderUnavailable] {
                let (shaped, sending) = failed(kind, status, None);
                assert_eq!(retry_delay(tool, &shaped, sending), None, "{kind:?} {status:?}");
            }
        }
    });
}

#[test]
fn a_request_that_changes_nothing_is_sent_again_when_the_trouble_may_pass() {
    with(true, |tool| {
        for (kind, status, expected) in [
            (FailureKind::ProviderUnavailable, None, true),
            (FailureKind::ProviderUnavailable, Some(500), true),
            (FailureKind::ProviderUnavailable, Some(503), true),
            (FailureKind::ProviderUnavailable, Some(501), false),
            (FailureKind::ProviderUnavailable, Some(200), false),
            (FailureKind::ProviderRejected, Some(400), false),
            (FailureKind::NotFound, Some(404), false),
            (FailureKind::PermissionDenied, Some(403), false),
            (FailureKind::Timeout, None, false),
        ] {
            let (shaped, sending) = failed(kind, status, None);
            let delay = retry_delay(tool, &shaped, sending);
            assert_eq!(delay.is_some(), expected, "{kind:?} {status:?}");
            let last = Sending { is_final: true, ..sending };
            assert_eq!(retry_delay(tool, &shaped, last), None, "{kind:?} {status:?}");
        }
    });
}

#[test]
fn what_needs_the_end_user_is_not_sent_again() {
    with(true, |tool| {
        for shaped in [
            Shaped::Reconnect { is_named: false },
            Shaped::Completed(serde_json::Value::Null.into()),
        ] {
            let sending = Sending::answered(Some(StatusCode::OK));
            assert_eq!(retry_delay(tool, &shaped, sending), None);
        }
    });
}
