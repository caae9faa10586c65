//! How work in the background ended, in the words it is counted by.

use crate::text_enum::text_enum;

text_enum! {
    /// How an attempt to refresh tokens ended.
    RefreshOutcome("outcome of a refresh") {
        /// New tokens came and are stored.
        Success = "success",
        /// The provider said, and meant, that the grant is over.
        CorrectInvalidGrant = "correct_invalid_grant",
        /// The provider ended a grant that should be alive, or what became of it is unknown.
        CliffUpstream = "cliff_upstream",
        /// The provider refused the developer's app, for the tokens of any end user.
        AppRejected = "app_rejected",
        /// Another refresh of the same tokens held them for too long.
        LockTimeout = "lock_timeout",
        /// New tokens came and could not be stored.
        PersistFailure = "persist_failure",
        /// The provider did not answer, or its answer was unusable: the refresh is tried again.
        Upstream5xx = "upstream_5xx",
    }
}

text_enum! {
    /// How an attempt to deliver a webhook ended.
    DeliveryOutcome("outcome of a delivery") {
        /// The receiver took it.
        Delivered = "delivered",
        /// The receiver answered with something else than a 2xx.
        Refused = "refused",
        /// The receiver could not be reached, or did not answer in time.
        Unanswered = "unanswered",
        /// The receiver said that it wants no more.
        Gone = "gone",
    }
}

text_enum! {
    /// Work that is kept in the database until it is done.
    Outbox("outbox") {
        /// Tokens to be revoked at their providers.
        Revocations = "revocations",
        /// Webhooks to be delivered.
        Webhooks = "webhooks",
    }
}
