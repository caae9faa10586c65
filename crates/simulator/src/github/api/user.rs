use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::{Answer, Call, Method, views};
use crate::github::Github;
use crate::github::limits::Resource;
use crate::github::refusal::Refusal;
use crate::github::scopes;

const METHOD: Method = Method { accepted: &[], resource: Resource::Core, run: me };

/// Returns who a token acts as.
pub(crate) async fn get(
    State(github): State<Github>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    METHOD.run(&github, &headers, query.as_deref())
}

fn me(call: &Call<'_>) -> Result<Answer, Refusal> {
    let world = &call.state.world;
    let person = world.person(&call.caller.login).ok_or_else(Refusal::not_found)?;
    let private = scopes::covers(&call.caller.scopes, "read:user");
    Ok(Answer::whole(views::me(person, world, private, call.base)))
}
