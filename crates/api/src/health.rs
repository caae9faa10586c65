use astralform_domain::chain;
use astralform_surface::{App, Problem, Refusal};
use axum::extract::State;

pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

pub(crate) async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    if app.is_draining() {
        return Err(Refusal::ShuttingDown.into());
    }
    if let Err(fault) = app.engine().check_database().await {
        tracing::warn!(error = chain(&fault), "not ready");
        return Err(Refusal::DatabaseAway.into());
    }
    Ok("ready\n")
}
