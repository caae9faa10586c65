use crate::text_enum::text_enum;

text_enum! {
    /// Why a tool call failed, by what can be done about it.
    FailureKind("kind of failure") {
        /// It is not there, or the account cannot see it.
        NotFound = "not_found",
        /// The account may not do it.
        PermissionDenied = "permission_denied",
        /// Too often: try again later.
        RateLimited = "rate_limited",
        /// The provider is down, or its answer cannot be read.
        ProviderUnavailable = "provider_unavailable",
        /// The provider does not accept the request.
        ProviderRejected = "provider_rejected",
        /// Our app's own credentials or settings are wrong; the end user can do nothing.
        Misconfigured = "misconfigured",
        /// No answer came in time, and nothing was changed.
        Timeout = "timeout",
        /// A change was sent and no answer came: it may have happened.
        OutcomeUnknown = "outcome_unknown",
        /// The answer is larger than we read.
        ResponseTooLarge = "response_too_large",
    }
}

impl FailureKind {
    /// Returns whether the same call may succeed later, and cannot happen twice by it.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::ProviderUnavailable | Self::Timeout)
    }
}
