//! The stable names of problems, by which programs decide. `docs/api.md` has a row for each.

macro_rules! codes {
    ($($name:ident = $word:literal,)+) => {
        /// The stable name of a problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "docs/api.md explains each")]
        pub enum Code { $($name,)+ }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the code as it is in an answer.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

codes! {
    EndUserRequired = "end_user_required",
    InvalidEndUser = "invalid_end_user",
    InvalidHeader = "invalid_header",
    InvalidQuery = "invalid_query",
    InvalidBody = "invalid_body",
    DuplicateHeader = "duplicate_header",
    HostRequired = "host_required",
    AmbiguousLength = "ambiguous_length",
    EnvironmentRequired = "environment_required",
    Unauthorized = "unauthorized",
    Frozen = "frozen",
    OtherAgent = "other_agent",
    OtherEndUser = "other_end_user",
    AgentDisabled = "agent_disabled",
    BackendOnly = "backend_only",
    HostNotAllowed = "host_not_allowed",
    OwnersOnly = "owners_only",
    AdminsOnly = "admins_only",
    MetricsForbidden = "metrics_forbidden",
    WrongConfirmation = "wrong_confirmation",
    EndUserMismatch = "end_user_mismatch",
    NotFound = "not_found",
    UnknownTool = "unknown_tool",
    ToolNotOffered = "tool_not_offered",
    NotAssigned = "not_assigned",
    UnknownAgent = "unknown_agent",
    UnknownConnection = "unknown_connection",
    UnknownConnector = "unknown_connector",
    UnknownEndUser = "unknown_end_user",
    UnknownWebhook = "unknown_webhook",
    NotEnabled = "not_enabled",
    MethodNotAllowed = "method_not_allowed",
    ArgumentsTooLarge = "arguments_too_large",
    AwaitingConfirmation = "awaiting_confirmation",
    ConnectorPaused = "connector_paused",
    ConnectorNeedsCredentials = "connector_needs_credentials",
    ConnectorMisconfigured = "connector_misconfigured",
    ConnectorDisabled = "connector_disabled",
    ReturnUrlRequired = "return_url_required",
    SharedConnectionRequired = "shared_connection_required",
    SharedConnectionUnusable = "shared_connection_unusable",
    EndUserAuthNotAllowed = "end_user_auth_not_allowed",
    TakesApiKeys = "takes_api_keys",
    ConnectionNotUsable = "connection_not_usable",
    AlreadyEnabled = "already_enabled",
    ConfirmationRequired = "confirmation_required",
    ConnectorChanged = "connector_changed",
    TooManyWebhooks = "too_many_webhooks",
    WebhookDisabled = "webhook_disabled",
    SecretRotatedLately = "secret_rotated_lately",
    IdempotencyKeyInUse = "idempotency_key_in_use",
    IdempotentRequestInterrupted = "idempotent_request_interrupted",
    NotAwaitingConfirmation = "not_awaiting_confirmation",
    InvalidArguments = "invalid_arguments",
    IdempotencyKeyReused = "idempotency_key_reused",
    InvalidCredentials = "invalid_credentials",
    CredentialsRejected = "credentials_rejected",
    CredentialsRequired = "credentials_required",
    EndpointsRequired = "endpoints_required",
    NoPossibleCredential = "no_possible_credential",
    InvalidSelection = "invalid_selection",
    NotConfirmed = "not_confirmed",
    InvalidScopes = "invalid_scopes",
    InvalidTools = "invalid_tools",
    InvalidEndpoints = "invalid_endpoints",
    SandboxUnavailable = "sandbox_unavailable",
    InvalidReturnUrls = "invalid_return_urls",
    ReturnUrlNotRegistered = "return_url_not_registered",
    InvalidExpiresIn = "invalid_expires_in",
    InvalidLabel = "invalid_label",
    InvalidIsDefault = "invalid_is_default",
    InvalidUrl = "invalid_url",
    RateLimited = "rate_limited",
    TooManyAtOnce = "too_many_at_once",
    TooManyBodies = "too_many_bodies",
    TooManyAuthRequests = "too_many_auth_requests",
    InternalError = "internal_error",
    CredentialsUnverified = "credentials_unverified",
    Unavailable = "unavailable",
}
