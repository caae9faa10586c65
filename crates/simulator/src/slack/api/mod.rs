//! The Web API: one table of methods, and what all of them have in common.

mod arguments;
mod auth;
mod conversations;
mod escaping;
mod permalink;
mod post_message;
mod query;
mod search;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;

pub(crate) use arguments::{Arguments, Bodies};

use super::Slack;
use super::answer::{Members, Refusal, respond};
use super::state;
use super::tokens::{Caller, TokenKind};
use crate::outside::Outside;
use crate::requests::Noted;

/// One method as Slack's reference describes it.
struct Endpoint {
    name: &'static str,
    /// Whether it may also be called with GET.
    get: bool,
    bodies: Bodies,
    /// The scopes of which a token needs at least one.
    scopes: &'static [&'static str],
    callers: Callers,
    run: fn(&mut Call<'_>) -> Result<Members, Refusal>,
}

/// Which tokens may call a method.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Callers {
    /// Access tokens of both kinds.
    All,
    /// Access tokens of both kinds, and refresh tokens.
    AllAndRefresh,
    /// Access tokens of people.
    People,
}

/// An authenticated call.
struct Call<'a> {
    caller: Caller,
    arguments: &'a Arguments,
    state: &'a mut state::State,
    outside: &'a Outside,
}

const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        name: "auth.test",
        get: true,
        bodies: Bodies::FormOrJson,
        scopes: &[],
        callers: Callers::All,
        run: auth::test,
    },
    Endpoint {
        name: "auth.revoke",
        get: true,
        bodies: Bodies::Form,
        scopes: &[],
        callers: Callers::AllAndRefresh,
        run: auth::revoke,
    },
    Endpoint {
        name: "conversations.list",
        get: true,
        bodies: Bodies::Form,
        scopes: &["channels:read", "groups:read", "mpim:read", "im:read"],
        callers: Callers::All,
        run: conversations::list,
    },
    Endpoint {
        name: "chat.postMessage",
        get: false,
        bodies: Bodies::FormOrJson,
        scopes: &["chat:write"],
        callers: Callers::All,
        run: post_message::post,
    },
    Endpoint {
        name: "chat.getPermalink",
        get: true,
        bodies: Bodies::Form,
        scopes: &[],
        callers: Callers::All,
        run: permalink::get,
    },
    Endpoint {
        name: "search.messages",
        get: true,
        bodies: Bodies::Form,
        scopes: &["search:read"],
        callers: Callers::People,
        run: search::messages,
    },
];

/// Returns whether there is such a method.
pub(crate) fn has(name: &str) -> bool {
    ENDPOINTS.iter().any(|endpoint| endpoint.name == name)
}

/// Runs any method of the Web API except the token endpoint.
pub(crate) async fn run(
    State(slack): State<Slack>,
    method: Method,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(endpoint) = ENDPOINTS.iter().find(|endpoint| endpoint.name == name) else {
        return respond(Err(Refusal::new("unknown_method")), &[], Noted::default());
    };
    match endpoint.arguments(&method, query.as_deref(), &headers, &body) {
        Ok(arguments) => endpoint.answer(&slack, &headers, &arguments),
        Err(refusal) => respond(Err(refusal), &[], Noted::default()),
    }
}

// === impl Endpoint ===

impl Endpoint {
    fn arguments(
        &self,
        method: &Method,
        query: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Arguments, Refusal> {
        if *method == Method::POST {
            return Arguments::from_body(headers, body, self.bodies);
        }
        if !self.get {
            return Err(Refusal::invalid_arguments("this method must be called with POST"));
        }
        Arguments::from_query(query.unwrap_or_default())
    }

    fn answer(&self, slack: &Slack, headers: &HeaderMap, arguments: &Arguments) -> Response {
        let mut state = slack.state();
        let token = bearer(headers).or(arguments.token());
        let now = slack.outside.now();
        let caller = match self.callers {
            Callers::AllAndRefresh => state.tokens.owner(token, now),
            Callers::All | Callers::People => state.tokens.caller(token, now),
        };
        let caller = match caller {
            Ok(caller) => caller,
            Err(refusal) => return respond(Err(refusal), &arguments.warnings, Noted::default()),
        };
        let client_id = Some(caller.grant.client_id.clone());
        let granted = caller.scopes();
        let outside = &slack.outside;
        let call = Call { caller, arguments, state: &mut state, outside };
        let outcome = self.dispatch(call);
        let noted = Noted { client_id, ..Noted::default() };
        let mut response = respond(outcome, &arguments.warnings, noted);
        let headers = response.headers_mut();
        set(headers, "x-oauth-scopes", &granted);
        set(headers, "x-accepted-oauth-scopes", &self.scopes.join(","));
        response
    }

    fn dispatch(&self, mut call: Call<'_>) -> Result<Members, Refusal> {
        if self.callers == Callers::People && call.caller.grant.kind != TokenKind::User {
            return Err(Refusal::new("not_allowed_token_type"));
        }
        call.caller.needs(self.scopes)?;
        (self.run)(&mut call)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
