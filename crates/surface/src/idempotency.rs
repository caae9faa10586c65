//! Requests that may come again: what `Idempotency-Key` does to a handler.

use aide::{
    OperationOutput,
    generate::GenContext,
    openapi::{Operation, Response as Described, StatusCode as Statuses},
};
use astralform_domain::{Administrator, Caller, Secret, Tenant};
use astralform_engine::idempotency::{IdempotencyTurn, Repeatable, Ticket};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{App, Problem, body::Keyed, run_detached};

/// An answer to a request that may come again.
pub enum IdempotentAnswer<T, const STATUS: u16 = 200> {
    /// Given for the first time.
    Fresh(T),
    /// Given before, and kept.
    Replayed(Secret),
}

/// What a key is scoped to.
pub struct IdempotencyScope {
    tenant: Tenant,
    parts: Vec<String>,
}

/// A request that may come again, and within which scope.
pub struct Scoped<T> {
    value: T,
    /// Where it has a key: that, its scope, and the body as it came.
    known_by: Option<(String, IdempotencyScope, Bytes)>,
}

impl<T, const MOST: usize> Keyed<T, MOST> {
    /// Adds the scope of its key.
    pub fn within(self, scope: impl FnOnce() -> IdempotencyScope) -> Scoped<T> {
        let Self { value, raw, key } = self;
        Scoped { value, known_by: key.map(|key| (key, scope(), raw)) }
    }
}

impl IdempotencyScope {
    /// Returns the scope of a runtime request.
    pub fn of(caller: &Caller, route: &str) -> Self {
        let end_user = caller.end_user.as_ref().map_or_else(String::new, ToString::to_string);
        let parts = vec![end_user, caller.principal.agent.to_string(), route.to_owned()];
        Self { tenant: caller.principal.tenant, parts }
    }

    /// Returns the scope of an administrator's request.
    pub fn of_member(by: Administrator, tenant: Tenant, route: &str) -> Self {
        Self { tenant, parts: vec![by.member.to_string(), route.to_owned()] }
    }
}

/// Carries a request out, unless it came before with the same key: then it gets the same answer.
/// Where `keep` says no, and where it was refused, nothing was done and the request may come again.
/// One with a key goes on even when the client hangs up, so that its answer is there.
pub async fn answer_once<B, T, W, const STATUS: u16>(
    app: &App,
    sent: Scoped<B>,
    keep: fn(&T) -> bool,
    work: impl FnOnce(B) -> W,
) -> Result<IdempotentAnswer<T, STATUS>, Problem>
where
    T: Serialize + Send + Sync + 'static,
    W: Future<Output = Result<T, Problem>> + Send + 'static,
{
    let Scoped { value, known_by } = sent;
    let work = Box::pin(work(value));
    let Some((key, scope, raw)) = known_by else {
        return work.await.map(IdempotentAnswer::Fresh);
    };
    let parts: Vec<_> = scope.parts.iter().map(String::as_str).collect();
    let request = Repeatable { tenant: scope.tenant, scope: &parts, key: &key, body: &raw };
    let ticket = match app.engine().idempotency.take_turn(&request).await? {
        IdempotencyTurn::Before(answer) => return Ok(IdempotentAnswer::Replayed(answer)),
        IdempotencyTurn::First(ticket) => ticket,
    };
    let app = app.clone();
    run_detached(async move {
        let answered = work.await;
        settle(&app, &ticket, &answered, keep).await?;
        answered.map(IdempotentAnswer::Fresh)
    })
    .await
}

/// Carries out an administrator's request that makes something, once for each key in its scope.
pub async fn made_once<B, T, W, const MOST: usize>(
    app: &App,
    sent: Keyed<B, MOST>,
    scope: IdempotencyScope,
    work: impl FnOnce(B) -> W,
) -> Result<IdempotentAnswer<T, 201>, Problem>
where
    T: Serialize + Send + Sync + 'static,
    W: Future<Output = Result<T, Problem>> + Send + 'static,
{
    answer_once(app, sent.within(|| scope), |_| true, work).await
}

async fn settle<T: Serialize>(
    app: &App,
    ticket: &Ticket,
    answered: &Result<T, Problem>,
    keep: fn(&T) -> bool,
) -> Result<(), Problem> {
    match answered {
        Ok(body) if keep(body) => {
            let kept = serde_json::to_string(body).expect("our answers are always JSON");
            app.engine().idempotency.keep_answer(ticket, &Secret::new(kept)).await?;
        }
        Err(problem) if !problem.is_harmless() => {}
        Ok(_) | Err(_) => app.engine().idempotency.forget_request(ticket).await?,
    }
    Ok(())
}

impl<T: Serialize, const STATUS: u16> IntoResponse for IdempotentAnswer<T, STATUS> {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(STATUS).unwrap_or_default();
        let kept = match self {
            Self::Fresh(body) => return (status, Json(body)).into_response(),
            Self::Replayed(kept) => kept,
        };
        let mut response = (status, kept.expose().to_owned()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
        response
    }
}

impl<T: JsonSchema, const STATUS: u16> OperationOutput for IdempotentAnswer<T, STATUS> {
    type Inner = T;

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<Statuses>, Described)> {
        let response = Json::<T>::operation_response(context, operation).unwrap_or_default();
        vec![(Some(Statuses::Code(STATUS)), response)]
    }
}
