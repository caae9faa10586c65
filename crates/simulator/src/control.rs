//! The controls of all stand-ins over HTTP, for tests that do not run in this process.
//!
//! A page in the developer's browser must not be able to use them, so anything that carries an
//! `Origin` is refused: browsers send one with every request that can change something.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::ORIGIN;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::faults::{Fault, InjectedFault, InvalidFault, Times};
use crate::problem::Problem;
use crate::requests::RecordedRequest;
use crate::stand_in::StandIn;
use crate::{InvalidApp, Simulator, github, notion, slack, tavily};

/// A JSON body, or why it is none.
pub(crate) type Body<T> = Result<Json<T>, JsonRejection>;

/// How many tokens a call of the controls changed.
#[derive(Serialize)]
pub(crate) struct AffectedView {
    pub(crate) affected: usize,
}

/// A list that is always whole.
#[derive(Serialize)]
pub(crate) struct ListView<T> {
    pub(crate) data: Vec<T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultRequest {
    endpoint: String,
    fault: Fault,
    #[serde(default = "once")]
    times: Times,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvanceRequest {
    seconds: u32,
}

/// Serves `/_control/…` of every stand-in.
pub(crate) fn router(simulator: &Simulator) -> Router {
    Router::new()
        .route("/_control/reset", post(reset))
        .with_state(simulator.clone())
        .merge(slack::control::router(simulator.slack()))
        .merge(notion::control::router(simulator.notion()))
        .merge(github::control::router(simulator.github()))
        .merge(tavily::control::router(simulator.tavily()))
        .fallback(unknown)
        .layer(middleware::from_fn(no_browsers))
}

/// Returns what every stand-in has below its own `/_control/…`.
pub(crate) fn common<S: Send + 'static>() -> Router<StandIn<S>> {
    Router::new()
        .route("/faults", get(list_faults).post(inject).delete(clear_faults))
        .route("/clock/advance", post(advance))
        .route("/requests", get(list_requests))
}

async fn list_faults<S>(State(service): State<StandIn<S>>) -> Json<ListView<InjectedFault>> {
    Json(ListView { data: service.faults() })
}

async fn inject<S>(
    State(service): State<StandIn<S>>,
    body: Body<FaultRequest>,
) -> Result<StatusCode, Problem> {
    let Json(request) = body?;
    service.inject(&request.endpoint, request.fault, request.times)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_faults<S>(State(service): State<StandIn<S>>) -> StatusCode {
    service.clear_faults();
    StatusCode::NO_CONTENT
}

async fn advance<S>(
    State(service): State<StandIn<S>>,
    body: Body<AdvanceRequest>,
) -> Result<StatusCode, Problem> {
    service.advance_clock(body?.0.seconds);
    Ok(StatusCode::NO_CONTENT)
}

async fn list_requests<S>(State(service): State<StandIn<S>>) -> Json<ListView<RecordedRequest>> {
    Json(ListView { data: service.requests() })
}

fn once() -> Times {
    Times::Next(1)
}

async fn reset(State(simulator): State<Simulator>) -> StatusCode {
    simulator.reset();
    StatusCode::NO_CONTENT
}

async fn unknown(request: Request) -> Problem {
    let detail = format!("the simulator has nothing at {}", request.uri().path());
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

async fn no_browsers(request: Request, next: Next) -> Result<Response, Problem> {
    if request.headers().contains_key(ORIGIN) {
        let detail = "the control API does not take requests from web pages";
        return Err(Problem::new(StatusCode::FORBIDDEN, "browser_refused", detail));
    }
    Ok(next.run(request).await)
}

// === impl Problem ===

impl From<InvalidApp> for Problem {
    fn from(error: InvalidApp) -> Self {
        Self::invalid("invalid_app", error.to_string())
    }
}

impl From<InvalidFault> for Problem {
    fn from(error: InvalidFault) -> Self {
        Self::invalid("invalid_fault", error.to_string())
    }
}
