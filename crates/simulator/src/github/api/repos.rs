use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;

use super::link::{Page, argument, word};
use super::{Answer, Call, Method, views};
use crate::github::Github;
use crate::github::limits::Resource;
use crate::github::refusal::Refusal;
use crate::github::world::Repository;

const METHOD: Method = Method { accepted: &["", "repo"], resource: Resource::Core, run: mine };
const AFFILIATIONS: &[&str] = &["owner", "collaborator", "organization_member"];

/// What repositories are sorted by.
type Key = fn(&Repository) -> String;

/// Which repositories are asked for.
struct Filter {
    visibility: &'static str,
    affiliations: Vec<&'static str>,
    since: Option<String>,
    before: Option<String>,
}

/// Returns the repositories of the person a token acts as.
pub(crate) async fn list(
    State(github): State<Github>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    METHOD.run(&github, &headers, query.as_deref())
}

fn mine(call: &Call<'_>) -> Result<Answer, Refusal> {
    let world = &call.state.world;
    let login = call.caller.login.as_str();
    let filter = Filter::read(call.query)?;
    let (sort, descending) = order(call.query)?;
    let mut found: Vec<&Repository> = world
        .repositories
        .iter()
        .filter(|repository| call.sees_private() || !repository.private)
        .filter(|repository| filter.takes(repository, world.affiliation(repository, login)))
        .collect();
    found.sort_by_key(|repository| sort(repository));
    if descending {
        found.reverse();
    }
    let page = Page::read(call.query);
    let on_page = page.of(&found).iter();
    let items: Vec<_> =
        on_page.map(|repository| views::repository(repository, world, login, call.base)).collect();
    let address = format!("{}/user/repos", call.base);
    Ok(Answer { body: Value::Array(items), link: page.link(found.len(), &address, call.query) })
}

/// Returns what to sort by, and whether backwards.
fn order(query: &str) -> Result<(Key, bool), Refusal> {
    let words = &["created", "updated", "pushed", "full_name"];
    let sort = word(query, "sort", words)?.unwrap_or("full_name");
    let direction = word(query, "direction", &["asc", "desc"])?;
    let key: Key = match sort {
        "created" => |repository| repository.created_at.clone(),
        "full_name" => |repository| repository.full_name().to_lowercase(),
        _ => |repository| repository.pushed_at.clone(),
    };
    let usual = if sort == "full_name" { "asc" } else { "desc" };
    Ok((key, direction.unwrap_or(usual) == "desc"))
}

// === impl Filter ===

impl Filter {
    fn read(query: &str) -> Result<Self, Refusal> {
        let kinds = &["all", "owner", "public", "private", "member"];
        let kind = word(query, "type", kinds)?;
        let visibility = word(query, "visibility", &["all", "public", "private"])?;
        let affiliation = argument(query, "affiliation");
        if kind.is_some() && (visibility.is_some() || affiliation.is_some()) {
            let message = "If you specify visibility or affiliation, you cannot specify type.";
            return Err(Refusal::unprocessable(message));
        }
        let named = |text: String| {
            let names = text.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>();
            AFFILIATIONS.iter().copied().filter(|it| names.iter().any(|name| name == it)).collect()
        };
        let (visibility, affiliations) = match kind {
            Some("owner") => ("all", vec!["owner"]),
            Some("member") => ("all", vec!["collaborator", "organization_member"]),
            Some(kind) => (kind, AFFILIATIONS.to_vec()),
            None => (
                visibility.unwrap_or("all"),
                affiliation.map_or_else(|| AFFILIATIONS.to_vec(), named),
            ),
        };
        let since = argument(query, "since");
        let before = argument(query, "before");
        Ok(Self { visibility, affiliations, since, before })
    }

    fn takes(&self, repository: &Repository, affiliation: Option<&str>) -> bool {
        let visible = match self.visibility {
            "public" => !repository.private,
            "private" => repository.private,
            _ => true,
        };
        let updated = repository.pushed_at.as_str();
        visible
            && affiliation.is_some_and(|it| self.affiliations.contains(&it))
            && self.since.as_deref().is_none_or(|since| updated > since)
            && self.before.as_deref().is_none_or(|before| updated < before)
    }
}
