use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;

use super::link::{Page, argument, word};
use super::matching::Searched;
use super::query::{Query, invalid};
use super::{Answer, Call, Method, views};
use crate::github::Github;
use crate::github::limits::Resource;
use crate::github::refusal::Refusal;
use crate::github::world::{Issue, Repository};

const METHOD: Method = Method { accepted: &["", "repo"], resource: Resource::Search, run: search };
/// How many results can be reached.
const REACHABLE: usize = 1_000;
const SORTS: &[&str] = &[
    "comments",
    "reactions",
    "reactions-+1",
    "reactions--1",
    "reactions-smile",
    "reactions-thinking_face",
    "reactions-heart",
    "reactions-tada",
    "interactions",
    "created",
    "updated",
];
const UNSEEN: &str = "The listed users and repositories cannot be searched either because the \
    resources do not exist or you do not have permission to view them.";

/// Searches issues and pull requests.
pub(crate) async fn issues(
    State(github): State<Github>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    METHOD.run(&github, &headers, query.as_deref())
}

fn search(call: &Call<'_>) -> Result<Answer, Refusal> {
    let world = &call.state.world;
    let login = call.caller.login.as_str();
    let q = argument(call.query, "q").filter(|q| !q.trim().is_empty());
    let missing = json!({ "resource": "Search", "field": "q", "code": "missing" });
    let query = Query::parse(&q.ok_or_else(|| Refusal::validation(missing))?)?;
    word(call.query, "search_type", &["semantic", "hybrid"])?;
    let sort = word(call.query, "sort", SORTS)?;
    let ascending = word(call.query, "order", &["desc", "asc"])? == Some("asc");
    let page = Page::read(call.query);
    if page.number.saturating_mul(page.size) > REACHABLE {
        return Err(Refusal::unprocessable("Only the first 1000 search results are available"));
    }
    check_places(call, &query)?;

    let searched = Searched { login, query: &query };
    let mut found: Vec<&Issue> = world
        .issues
        .iter()
        .filter(|issue| {
            let repository = world.repository(&issue.repository);
            let repository = repository.filter(|repository| sees(call, repository));
            repository.is_some_and(|repository| searched.matches(issue, repository))
        })
        .collect();
    order(&mut found, sort, ascending);
    let items: Vec<_> =
        page.of(&found).iter().map(|issue| views::issue(issue, world, call.base)).collect();
    let body = json!({
        "total_count": found.len(),
        "incomplete_results": false,
        "items": items,
        "search_type": "lexical",
    });
    let address = format!("{}/search/issues", call.base);
    let link = page.link(found.len().min(REACHABLE), &address, call.query);
    Ok(Answer { body, link })
}

/// Refuses a search in what does not exist, or cannot be seen.
fn check_places(call: &Call<'_>, query: &Query) -> Result<(), Refusal> {
    let world = &call.state.world;
    let known = |name: &str| world.repository(name).is_some_and(|it| sees(call, it));
    let repositories = query.values("repo").all(known);
    let owners = ["org", "user"].iter().flat_map(|name| query.values(name));
    let owners = owners.chain(query.values("author")).chain(query.values("assignee"));
    let mut owners = owners.filter(|login| *login != "@me");
    if repositories && owners.all(|login| world.account(login).is_some()) {
        return Ok(());
    }
    Err(invalid(UNSEEN))
}

/// Returns whether a repository is there for this token.
fn sees(call: &Call<'_>, repository: &Repository) -> bool {
    let role = repository.role(&call.caller.login);
    role.is_some() && (call.sees_private() || !repository.private)
}

/// Returns the order: best match is newest first here; without a sort, `order` counts for nothing.
fn order(found: &mut [&Issue], sort: Option<&str>, ascending: bool) {
    match sort {
        Some("comments" | "interactions") => found.sort_by_key(|issue| issue.comments),
        Some("updated") => found.sort_by(|a, b| a.updated_at.cmp(&b.updated_at)),
        _ => found.sort_by(|a, b| (&a.created_at, a.id).cmp(&(&b.created_at, b.id))),
    }
    if sort.is_none() || !ascending {
        found.reverse();
    }
}
