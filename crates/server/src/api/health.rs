use astralform_domain::chain;
use axum::extract::State;

use crate::{App, Problem, Refusal};

pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

pub(crate) async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    if app.is_draining() {
        return Err(Refusal::ShuttingDown.into());
    }
    let unready = |fault| {
        tracing::warn!(error = chain(&fault), "not ready");
        Problem::from(Refusal::DatabaseAway)
    };
    app.engine().check_database().await.map_err(unready)?;
    Ok("ready\n")
}
