//! The limits of everything that comes in or is kept, in one table.
//!
//! `docs/limits.md` shows the same rows; a test compares the two. Code takes a limit from here and
//! nowhere else.

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name in this file.
    pub name: &'static str,
    /// The most that is allowed, in `unit`.
    pub value: u64,
    /// What it counts.
    pub unit: &'static str,
    /// What is limited.
    pub of: &'static str,
    /// What happens beyond it.
    pub beyond: &'static str,
}

impl Limit {
    /// Returns the limit as a number of things in memory.
    #[expect(clippy::cast_possible_truncation, reason = "the product runs on 64 bits")]
    pub const fn count(&self) -> usize {
        self.value as usize
    }

    /// Returns whether so many, or so much, are more than allowed.
    pub const fn is_exceeded_by(&self, how_many: usize) -> bool {
        how_many > self.count()
    }
}

macro_rules! limits {
    ($($name:ident = $value:literal $unit:literal, of $of:literal, beyond $beyond:literal;)+) => {
        $(
            #[doc = concat!("Limits ", $of, ".")]
            pub const $name: Limit = Limit {
                name: stringify!($name),
                value: $value,
                unit: $unit,
                of: $of,
                beyond: $beyond,
            };
        )+
        /// All limits, in the order of the documentation.
        pub const ALL: &[Limit] = &[$($name),+];
    };
}

limits! {
    AUDIT_DETAILS = 16_384 "bytes", of "what an entry of the audit log says of a change", beyond "it is left out, and said to be";
    SEATS = 10_000 "connections", of "the connections of all, or fewer where the limit of open files says so", beyond "the longest idle one makes way; where none is idle, a new one waits";
    SEATS_OF_ADDRESS = 2_000 "connections", of "the connections of one address, three quarters of all at most", beyond "its longest idle one makes way; where none is idle, a new one is closed";
    ARRIVALS = 200 "a second", of "the connections that one address opens", beyond "a new one is closed";
    ARRIVALS_BURST = 2_000 "connections", of "those that it opens at once, after a pause", beyond "a new one is closed";
    VISITOR_REQUESTS = 50 "a second", of "the requests of one address for which no credential answers", beyond "they wait for 2 s, then 429";
    VISITOR_BURST = 200 "requests", of "those that it may send at once, after a pause", beyond "they wait for 2 s, then 429";
    END_USER_REQUESTS = 50 "a second", of "the requests of one end user, unless set otherwise", beyond "they wait for 2 s, then 429";
    END_USER_BURST = 100 "requests", of "those that they may send at once, after a pause", beyond "they wait for 2 s, then 429";
    MEMBER_REQUESTS = 100 "a second", of "the requests of one member who administers", beyond "they wait for 2 s, then 429";
    MEMBER_BURST = 200 "requests", of "those that they may send at once, after a pause", beyond "they wait for 2 s, then 429";
    AT_ONCE = 32 "requests", of "the requests of one end user or member that are under way at the same time", beyond "they wait for 2 s, then 429";
    QUEUE = 4_096 "requests", of "the requests of all that wait for their turn, or for their refusal", beyond "429 at once";
    THROTTLED = 20_000 "callers", of "the callers whose rates are remembered", beyond "those who asked least recently are forgotten";
    BODY = 65_536 "bytes", of "the body of a request", beyond "413";
    TOOL_CALL_BODY = 294_912 "bytes", of "the body of a tool call", beyond "413";
    BODIES = 67_108_864 "bytes", of "the bodies of all requests that are under way", beyond "503 with Retry-After";
    BODIES_OF_CREDENTIAL = 8_388_608 "bytes", of "the bodies of one API key's, session's or member's requests that are under way", beyond "429 with Retry-After";
    BODIES_OF_ADDRESS = 16_777_216 "bytes", of "the bodies of one address's requests that are under way", beyond "429 with Retry-After";
    ANSWER_HEAD = 65_536 "bytes", of "what a provider sends ahead of an answer's body", beyond "the connection is closed, the call fails";
    INTERIM_ANSWERS = 8 "answers", of "the interim answers (1xx) of a provider to one request", beyond "the connection is closed, the call fails";
    IDLE_WAY_OUT = 256 "connections", of "the idle connections to providers", beyond "the least recently used one is closed";
    LOG_LINES = 20 "lines a second", of "the log lines of one kind", beyond "they are counted; a line a second says how many";
    CALL_LINES = 500 "lines a second", of "the log lines about tool calls, and about refusals to callers whose credential is good, each", beyond "the same";
    LOG_WAITING = 1_048_576 "bytes", of "the log lines that wait for their reader", beyond "they are lost and counted";
    WAITERS = 2_000 "requests", of "the requests of all that wait for end users (`wait_seconds`, `?wait=`), on one server", beyond "they are answered without a wait";
    WAITERS_OF_CREDENTIAL = 200 "requests", of "those of one API key or session", beyond "they are answered without a wait";
    ARGUMENTS = 262_144 "bytes", of "the arguments of a tool call", beyond "413";
    ARGUMENT_FAULTS = 20 "faults", of "the faults that one refusal of arguments lists", beyond "the first ones are listed";
    ARGUMENT_FAULT_TEXT = 500 "bytes", of "the place of a fault of arguments, and of what is expected there", beyond "cut";
    PROBLEM_DETAIL = 1_000 "bytes", of "what a refusal says, which may repeat what was sent", beyond "cut";
    SCOPES = 100 "scopes", of "the scopes that a project connector or an auth request asks for, and those that a token is noted to have", beyond "422; of what a provider grants, those that nobody asked for are not noted";
    SCOPES_WEIGHT = 4_096 "bytes", of "the same scopes together", beyond "the same";
    TOOLS = 200 "tools", of "the tools that a project connector or a session is limited to", beyond "422";
    ENDPOINT = 2_000 "bytes", of "an address that replaces one of the catalogue's", beyond "422";
    CREDENTIAL_FIELD = 4_096 "characters", of "each part of the credentials that are entered", beyond "422; on a page, the page says so";
    RETURN_URLS = 20 "addresses", of "the return URLs of an environment", beyond "422";
    RETURN_URL = 2_000 "bytes", of "a return URL", beyond "422";
    WEBHOOKS = 10 "webhooks", of "the webhooks of an environment", beyond "409";
    WEBHOOK_URL = 2_048 "bytes", of "the address of a webhook", beyond "422";
    CONNECTION_LABEL = 100 "characters", of "what an end user calls a connection", beyond "422";
    END_USER = 255 "characters", of "the developer's id of an end user", beyond "400";
    ACCOUNT = 255 "bytes", of "the id that a provider gives an account", beyond "the account is not connected";
    ACCOUNT_LABEL = 255 "characters", of "the name that a provider gives an account", beyond "cut";
    GRANTED_TOKENS = 8 "tokens", of "the tokens that a provider gives at once", beyond "they are not taken";
    TOKEN = 16_384 "bytes", of "a token that a provider gives", beyond "it is not taken";
    TOKEN_KIND = 64 "bytes", of "the kind that a connector gives a token", beyond "it is not taken";
    TOKEN_ANSWER = 262_144 "bytes", of "what a provider answers when it is asked for a token, or whose one is", beyond "it counts as no answer";
    PROVIDER_CODE = 80 "characters", of "the code of a provider's refusal", beyond "cut";
    PROVIDER_WORDS = 500 "characters", of "what is repeated of a provider's refusal", beyond "cut";
    PROJECTS = 100 "projects", of "the projects of a team", beyond "409";
    AGENTS = 100 "agents", of "the agents of a project", beyond "409";
    ASSIGNMENTS = 100 "connectors", of "the connectors that are assigned to an agent, or that an API key is limited to", beyond "422";
    API_KEYS = 100 "API keys", of "the API keys of an environment that are not over", beyond "409";
    ADMIN_TOKENS = 50 "admin tokens", of "the admin tokens of a member that are not over", beyond "409";
    CREDENTIAL_NAME = 100 "characters", of "what an API key or admin token is called", beyond "422";
    ALLOWED_ORIGINS = 20 "origins", of "the allowed origins of an environment", beyond "422";
    ALLOWED_ORIGIN = 300 "bytes", of "an allowed origin", beyond "422";
    LOGO = 200_000 "bytes", of "the picture that is sent as an application's logo", beyond "413";
    LOGO_SIDE = 1_024 "pixels", of "the width and the height of that picture", beyond "422";
    PROJECT_LINK = 2_000 "bytes", of "the address of an application's privacy policy or support", beyond "422";
    PROJECT_NAME = 100 "characters", of "what a project is called", beyond "422; the command refuses it";
    EMAIL = 254 "bytes", of "a member's address", beyond "the command refuses it";
    KEPT_ANSWER = 16_777_216 "bytes", of "an answer that is kept for the same `Idempotency-Key`", beyond "it is given once; the request that comes again is refused with 409";
    LINK_ATTEMPTS = 10 "attempts", of "the clicks on a link, or the keys that are entered there", beyond "the auth request fails with `too_many_attempts`, and a page says so";
    OPEN_PROMPTS_OF_END_USER = 100 "auth requests", of "the open auth requests of an end user", beyond "429";
    OPEN_PROMPTS = 100_000 "auth requests", of "the open auth requests of an environment", beyond "429; webhooks go without a link";
    CONNECTION_EVENTS = 200 "rows", of "the history of a connection", beyond "the oldest are deleted";
    ENDED_PROMPTS = 200 "auth requests", of "the ended auth requests that are kept of an end user", beyond "the oldest are deleted";
    CACHED_API_KEYS = 4_194_304 "bytes", of "the API keys that a node remembers", beyond "the least used are read again";
    CACHED_SESSIONS = 8_388_608 "bytes", of "the sessions that a node remembers", beyond "the least used are read again";
    CACHED_PROJECTS = 2_097_152 "bytes", of "the projects of which a node remembers whether they are frozen", beyond "the least used are read again";
    CACHED_AGENTS = 4_194_304 "bytes", of "the agents that a node remembers, by id and by name", beyond "the least used are read again";
    CACHED_ORIGINS = 2_097_152 "bytes", of "the allowed origins that a node remembers", beyond "the least used are read again";
    CACHED_CONNECTORS = 16_777_216 "bytes", of "the project connectors that a node remembers", beyond "the least used are read again";
    CACHED_CONNECTIONS = 50_331_648 "bytes", of "the connections and sealed tokens that a node remembers", beyond "the least used are read again";
    CACHED_DATA_KEYS = 8_388_608 "bytes", of "the opened keys of projects that a node remembers", beyond "the least used are read and opened again";
    BACKUP_LINE = 33_554_432 "bytes", of "a row in a backup", beyond "no backup is made";
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn x3_the_document_lists_every_limit() {
        let mut table = String::from("| limit | of | beyond it |\n|---|---|---|\n");
        for limit in ALL {
            let value = limit.value;
            let unit = limit.unit;
            let of = limit.of;
            let beyond = limit.beyond;
            writeln!(table, "| {} {unit} | {of} | {beyond} |", grouped(value)).unwrap();
        }
        let document = include_str!("../../../docs/limits.md");
        assert!(document.contains(&table), "docs/limits.md should have this table:\n\n{table}");
    }

    fn grouped(value: u64) -> String {
        let digits = value.to_string();
        let mut text = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        text
    }
}
