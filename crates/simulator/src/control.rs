//! The controls of all stand-ins over HTTP, for tests that do not run in this process.
//!
//! A page in the developer's browser must not be able to use them, so anything that carries an
//! `Origin` is refused: browsers send one with every request that can change something.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::ORIGIN;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::post;

use crate::Simulator;
use crate::problem::Problem;
use crate::slack;

/// `/_control/…` of every stand-in.
pub(crate) fn router(simulator: &Simulator) -> Router {
    Router::new()
        .route("/_control/reset", post(reset))
        .with_state(simulator.clone())
        .merge(slack::control::router(simulator.slack()))
        .fallback(unknown)
        .layer(middleware::from_fn(no_browsers))
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
