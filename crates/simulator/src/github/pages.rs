//! The HTML pages.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::app::RegisteredApp;
use super::scopes::Scope;
use super::world::{Account, Issue, Repository, World};
use super::{Github, SERVICE};
use crate::pages::{ErrorPage, page};

/// The page on which a person decides.
#[derive(Template)]
#[template(path = "github/consent.html")]
pub(crate) struct ConsentPage<'a> {
    service: &'static str,
    app_name: &'a str,
    consent: &'a str,
    people: Vec<&'a Account>,
    chosen: &'a str,
    returns_to: &'a str,
    scopes: Vec<&'static Scope>,
}

#[derive(Template)]
#[template(path = "github/home.html")]
struct HomePage<'a> {
    service: &'static str,
    world: &'a World,
}

#[derive(Template)]
#[template(path = "github/repository.html")]
struct RepositoryPage<'a> {
    service: &'static str,
    repository: &'a Repository,
    issues: Vec<&'a Issue>,
}

#[derive(Template)]
#[template(path = "github/issue.html")]
struct IssuePage<'a> {
    service: &'static str,
    issue: &'a Issue,
}

/// Shows who and what there is.
pub(crate) async fn home(State(github): State<Github>) -> Response {
    page(StatusCode::OK, &HomePage { service: SERVICE, world: &github.state().world })
}

/// Shows a repository; everybody at this machine may look.
pub(crate) async fn repository(
    State(github): State<Github>,
    Path((owner, name)): Path<(String, String)>,
) -> Response {
    let world = &github.state().world;
    let full_name = format!("{owner}/{name}");
    let Some(repository) = world.repository(&full_name) else { return nothing() };
    let issues = world.issues.iter().filter(|issue| issue.repository == repository.full_name());
    page(StatusCode::OK, &RepositoryPage { service: SERVICE, repository, issues: issues.collect() })
}

/// Shows an issue or a pull request.
pub(crate) async fn issue(
    State(github): State<Github>,
    Path((owner, name, kind, number)): Path<(String, String, String, String)>,
) -> Response {
    let world = &github.state().world;
    let full_name = format!("{owner}/{name}");
    let mut issues = world.issues.iter().filter(|_| matches!(&*kind, "issues" | "pull"));
    let found = issues.find(|issue| {
        issue.repository.eq_ignore_ascii_case(&full_name) && issue.number.to_string() == number
    });
    let Some(issue) = found else { return nothing() };
    page(StatusCode::OK, &IssuePage { service: SERVICE, issue })
}

fn nothing() -> Response {
    let why = "there is no such page";
    ErrorPage::new(SERVICE, StatusCode::NOT_FOUND, "not_found", why).into_response()
}

// === impl ConsentPage ===

impl<'a> ConsentPage<'a> {
    pub(crate) fn new(
        app: &'a RegisteredApp,
        people: Vec<&'a Account>,
        chosen: &'a str,
        consent: &'a str,
        (returns_to, scopes): (&'a str, Vec<&'static Scope>),
    ) -> Self {
        let first = people.first().map_or("", |person| &person.login);
        let known = people.iter().any(|person| person.login == chosen);
        Self {
            service: SERVICE,
            app_name: &app.name,
            consent,
            chosen: if known { chosen } else { first },
            people,
            returns_to,
            scopes,
        }
    }
}

impl IntoResponse for ConsentPage<'_> {
    fn into_response(self) -> Response {
        page(StatusCode::OK, &self)
    }
}
