//! What is known of a tool call once it has ended, without its content.

use std::{borrow::Cow, time::Duration};

use crate::{
    Actor, AgentId, CallId, ConnectionId, ConnectorSlug, EndUserId, RequestId, Tenant, Timestamp,
    text_enum::text_enum,
};

text_enum! {
    /// How a tool call ended.
    CallOutcome("outcome of a call") {
        /// It is done.
        Completed = "completed",
        /// The end user had to be asked first.
        AuthRequired = "auth_required",
        /// It went wrong at the provider, or on the way there.
        Failed = "failed",
        /// It was not in order; nothing was sent.
        Refused = "refused",
        /// The caller hung up before it had ended; it may be done.
        Abandoned = "abandoned",
        /// Something of this server is broken.
        Broken = "broken",
    }
}

text_enum! {
    /// What usage is told apart by.
    UsageBy("way to tell usage apart") {
        /// Each day stands by itself.
        Day = "day",
        /// Each connector does.
        Connector = "connector",
        /// Each tool does.
        Tool = "tool",
        /// Each agent does.
        Agent = "agent",
    }
}

/// How long the parts of a call took, in the order of the way of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallTimes {
    /// Until it was known who calls, and that they may.
    pub authenticate: Duration,
    /// Until there was a credential to send; a refresh on the way included.
    pub credential: Duration,
    /// To check the arguments and make the requests of them.
    pub plan: Duration,
    /// Until the provider had answered; requests that were sent once more included.
    pub provider: Duration,
    /// Until the head of the provider's last answer was here, where there was one.
    pub first_byte: Option<Duration>,
    /// To make the result of the answers.
    pub shape: Duration,
}

/// A line of the call log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallLine {
    /// The call.
    pub id: CallId,
    /// Where it belongs.
    pub tenant: Tenant,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took, with all that it waited for.
    pub took: Duration,
    /// The HTTP request that it came by.
    pub request: Option<RequestId>,
    /// Whose tool it is; none where there is no such tool.
    pub connector: Option<ConnectorSlug>,
    /// The name that was called.
    pub tool: String,
    /// The agent that called.
    pub agent: AgentId,
    /// The end user that it acted for.
    pub end_user: Option<EndUserId>,
    /// What the request was authenticated with.
    pub by: Actor,
    /// The connection that paid.
    pub connection: Option<ConnectionId>,
    /// How it ended.
    pub outcome: CallOutcome,
    /// Why, in a word, where it is not done.
    pub reason: Option<Cow<'static, str>>,
    /// The HTTP status of the provider's last answer.
    pub status: Option<u16>,
    /// How many requests were sent to the provider.
    pub attempts: u16,
    /// How long its parts took.
    pub times: CallTimes,
    /// What the catalogue has the log say of it: ids and lengths.
    pub summary: Option<String>,
}

impl CallTimes {}

impl CallLine {
    /// Returns how long it took here: without the provider.
    pub fn added(&self) -> Duration {
        let Self { times, .. } = self;
        times.authenticate + times.credential + times.plan + times.shape
    }
}
