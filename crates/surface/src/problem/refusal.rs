//! What HTTP itself is refused for: addresses, headers, bodies, queries, rates.

use astralform_domain::texts::cut;
use axum::http::{Method, StatusCode, Uri};
use thiserror::Error;

use super::{Code, FieldFault, Problem};

/// Why the server refuses a request before the engine is asked, or in its place.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each says itself what it is about")]
pub enum Refusal {
    #[error("there is nothing at `{0}`: GET /openapi.json lists every address")]
    NoSuchAddress(String),
    #[error("`{0}` cannot be done at this address: the header Allow lists what can")]
    MethodNotAllowed(Method),
    #[error("the address: {0}")]
    BadPath(FieldFault),
    #[error("the project in the address is none of yours: GET /v1/projects lists those that are")]
    UnknownProject,
    #[error("there is no auth request of that id here: send the `id` that the prompt had")]
    UnknownAuthRequest,
    #[error(
        "the request carries no token: send `Authorization: Bearer …` with an API key (sk_…), a \
         session (ut_…) or, to manage, an admin token (pat_…)"
    )]
    NoToken,
    #[error(
        "the header Authorization does not start with `Bearer `: send `Authorization: Bearer …` \
         with the token after it"
    )]
    NoBearer,
    #[error(
        "this is not the metrics token: send the value of ASTRALFORM_METRICS_TOKEN as \
         `Authorization: Bearer …`"
    )]
    NotTheMetricsToken,
    #[error(
        "only this machine may read the metrics, at its loopback address and without a proxy \
         between: to read them from elsewhere, set ASTRALFORM_METRICS_TOKEN"
    )]
    MetricsElsewhere,
    #[error(
        "web pages may not read the metrics: open them by their address, or with a program that \
         sends no Origin"
    )]
    MetricsForPages,
    #[error("the team in the body is none of yours: GET /v1/teams lists those that are")]
    UnknownTeam,
    #[error(
        "you belong to several teams, and the body does not say which is meant: add `team_id`; GET \
         /v1/teams lists them"
    )]
    TeamRequired,
    #[error(
        "the call log of this environment has no call of that id, or it was kept for its time: the \
         `call_id` of a call's answer is its id"
    )]
    UnknownCall,
    #[error("the project has no logo: PUT /v1/projects/{{project}}/logo sends one")]
    NoLogo,
    #[error(
        "the header If-Match is no version: send the value of the header ETag that came with what \
         you have seen, as in \"3\", quotes included, or leave it out"
    )]
    InvalidIfMatch,
    #[error(
        "the body is not announced as a picture: send the header Content-Type: image/png or \
         image/webp"
    )]
    NotAnnouncedAsPicture,
    #[error(
        "only the developer's backend may do this, and a session (ut_…) was sent: send an API key \
         (sk_…)"
    )]
    BackendOnly,
    #[error(
        "the header X-End-User-ID has {0}: it must have 1 to 255 printable characters, without \
         spaces around them, and not begin with `member:`"
    )]
    InvalidEndUser(Given),
    #[error("the header {0} has other characters than printable ASCII: send only those")]
    InvalidHeader(&'static str),
    #[error("the header Idempotency-Key has {0}: it must have 1 to 255 printable ASCII characters")]
    InvalidIdempotencyKey(Given),
    #[error("the header {0} was sent more than once: send one")]
    DuplicateHeader(&'static str),
    #[error("the header Host is missing: send one")]
    HostRequired,
    #[error(
        "the request's Host is none of this server's: use {0}, the host of its public_url, or \
         localhost; to be called by other names, list them in ASTRALFORM_ALLOWED_HOSTS \
         (allowed_hosts)"
    )]
    HostNotAllowed(String),
    #[error(
        "the page's origin is not allowed here: list it, as the header Origin spells it, in the \
         `allowed_origins` of the environment, and use a session (ut_…) of that environment"
    )]
    OriginNotAllowed,
    #[error(
        "the length of the body can be understood in two ways: say it once, by Content-Length or by \
         Transfer-Encoding, and send the next request after the answer to this one"
    )]
    AmbiguousLength,
    #[error("the query does not say which environment: add ?environment=live or ?environment=test")]
    EnvironmentRequired,
    #[error("the query: {0}")]
    InvalidQuery(FieldFault),
    #[error("the body: {0}")]
    InvalidBody(FieldFault),
    #[error("the body is {0}: it must be a JSON object, as in {{\"name\": \"value\"}}")]
    NotAnObject(&'static str),
    #[error("the body is {0}: it must be a JSON list, as in [{{\"name\": \"value\"}}]")]
    NotAList(&'static str),
    #[error(
        "the body is not JSON, at line {line} column {column}: {why}; correct it there, and send it \
         again"
    )]
    NotJson { line: usize, column: usize, why: String },
    #[error("the body is not announced as JSON: send the header Content-Type: application/json")]
    NotAnnouncedAsJson,
    #[error("the body did not arrive within 30 s: send it again, faster")]
    BodyTooSlow,
    #[error("the body broke off: send it again, whole")]
    BodyBrokeOff,
    #[error("the body is too large: it may have {0} bytes at most, so send less")]
    BodyTooLarge(usize),
    #[error(
        "`arguments` has {given} bytes, and a tool takes {most}; nothing was sent: send less, or in \
         several calls"
    )]
    ArgumentsTooLarge { given: usize, most: u64 },
    #[error(
        "requests come faster than they are served for this caller: wait as long as Retry-After \
         says, and send fewer at a time"
    )]
    RateLimited,
    #[error(
        "too many of this caller's requests are under way at the same time: wait for some of them to \
         end"
    )]
    TooManyAtOnce,
    #[error(
        "this caller sends too many bodies at the same time: send fewer at once, and this one again"
    )]
    TooManyBodies,
    #[error("the server receives too many bodies at the same time: send this one again")]
    NoRoom,
    #[error("the server is shutting down: send the request again, to another one or in a moment")]
    ShuttingDown,
    #[error("the database does not answer, and nothing is known to have changed: try again")]
    DatabaseAway,
    #[error(
        "something is broken on our side: tell whoever operates this server the `request_id`, under which the log has the cause"
    )]
    Internal,
}

/// What a header has that it must not have, without repeating it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// So many characters.
    Characters(usize),
    /// Characters that cannot be printed, or are not ASCII where they have to be.
    Unprintable,
}

impl Given {
    /// Returns what is wrong with a header of so many characters at most.
    pub(crate) fn of(bytes: &[u8], most: usize) -> Self {
        match std::str::from_utf8(bytes).map(|text| text.chars().count()) {
            Ok(length) if length == 0 || length > most => Self::Characters(length),
            _ => Self::Unprintable,
        }
    }
}

impl std::fmt::Display for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Characters(0) => f.write_str("no value"),
            Self::Characters(length) => write!(f, "{length} characters"),
            Self::Unprintable => f.write_str("characters that it cannot have"),
        }
    }
}

impl Refusal {
    /// Returns the refusal of a request for an address at which there is nothing.
    pub fn no_such_address(uri: &Uri) -> Self {
        const LONGEST: usize = 100;
        Self::NoSuchAddress(cut(uri.path(), LONGEST).into_owned())
    }

    fn kind(&self) -> (StatusCode, Code) {
        use StatusCode as Status;
        match self {
            Self::NoSuchAddress(_)
            | Self::BadPath(_)
            | Self::UnknownProject
            | Self::UnknownTeam
            | Self::UnknownCall
            | Self::NoLogo
            | Self::UnknownAuthRequest => (Status::NOT_FOUND, Code::NotFound),
            Self::MethodNotAllowed(_) => (Status::METHOD_NOT_ALLOWED, Code::MethodNotAllowed),
            Self::NoToken | Self::NoBearer | Self::NotTheMetricsToken => {
                (Status::UNAUTHORIZED, Code::Unauthorized)
            }
            Self::MetricsElsewhere | Self::MetricsForPages => {
                (Status::FORBIDDEN, Code::MetricsForbidden)
            }
            Self::TeamRequired => (Status::UNPROCESSABLE_ENTITY, Code::TeamRequired),
            Self::BackendOnly => (Status::FORBIDDEN, Code::BackendOnly),
            Self::InvalidEndUser(_) => (Status::BAD_REQUEST, Code::InvalidEndUser),
            Self::InvalidHeader(_) | Self::InvalidIdempotencyKey(_) | Self::InvalidIfMatch => {
                (Status::BAD_REQUEST, Code::InvalidHeader)
            }
            Self::DuplicateHeader(_) => (Status::BAD_REQUEST, Code::DuplicateHeader),
            Self::HostRequired => (Status::BAD_REQUEST, Code::HostRequired),
            Self::HostNotAllowed(_) => (Status::FORBIDDEN, Code::HostNotAllowed),
            Self::OriginNotAllowed => (Status::FORBIDDEN, Code::OriginNotAllowed),
            Self::AmbiguousLength => (Status::BAD_REQUEST, Code::AmbiguousLength),
            Self::EnvironmentRequired => (Status::BAD_REQUEST, Code::EnvironmentRequired),
            Self::InvalidQuery(_) => (Status::BAD_REQUEST, Code::InvalidQuery),
            Self::InvalidBody(_)
            | Self::NotAnObject(_)
            | Self::NotAList(_)
            | Self::NotJson { .. }
            | Self::BodyBrokeOff => (Status::BAD_REQUEST, Code::InvalidBody),
            Self::NotAnnouncedAsJson | Self::NotAnnouncedAsPicture => {
                (Status::UNSUPPORTED_MEDIA_TYPE, Code::InvalidBody)
            }
            Self::BodyTooSlow => (Status::REQUEST_TIMEOUT, Code::InvalidBody),
            Self::BodyTooLarge(_) => (Status::PAYLOAD_TOO_LARGE, Code::InvalidBody),
            Self::ArgumentsTooLarge { .. } => (Status::PAYLOAD_TOO_LARGE, Code::ArgumentsTooLarge),
            Self::RateLimited => (Status::TOO_MANY_REQUESTS, Code::RateLimited),
            Self::TooManyAtOnce => (Status::TOO_MANY_REQUESTS, Code::TooManyAtOnce),
            Self::TooManyBodies => (Status::TOO_MANY_REQUESTS, Code::TooManyBodies),
            Self::NoRoom | Self::ShuttingDown | Self::DatabaseAway => {
                (Status::SERVICE_UNAVAILABLE, Code::Unavailable)
            }
            Self::Internal => (Status::INTERNAL_SERVER_ERROR, Code::InternalError),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = refusal.kind();
        let problem = Self::new(status, code, refusal.to_string());
        match refusal {
            Refusal::InvalidBody(fault) | Refusal::InvalidQuery(fault) => {
                Self { errors: vec![fault.into()], ..problem }
            }
            _ => problem,
        }
    }
}
