//! The HTML pages.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::app::RegisteredApp;
use super::state::{Person, State as NotionState};
use super::{Notion, SERVICE, blocks, ids};
use crate::pages::{ErrorPage, page};

/// The page on which a person decides, and chooses what is shared.
#[derive(Template)]
#[template(path = "notion/consent.html")]
pub(crate) struct ConsentPage<'a> {
    service: &'static str,
    app_name: &'a str,
    workspace: &'a str,
    consent: &'a str,
    people: &'a [Person],
    shareable: Vec<Shareable>,
    can: Vec<&'static str>,
    returns_to: &'a str,
}

/// Something that can be shared.
struct Shareable {
    id: String,
    title: String,
    /// Who alone can, where not everybody.
    only: String,
}

#[derive(Template)]
#[template(path = "notion/home.html")]
struct HomePage {
    service: &'static str,
    workspace: String,
    pages: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "notion/page.html")]
struct ContentPage {
    service: &'static str,
    title: String,
    text: String,
}

/// Shows what there is.
pub(crate) async fn home(State(notion): State<Notion>) -> Response {
    let state = notion.state();
    let base = notion.outside.public_url();
    let pages = state.content.pages.iter().filter(|page| !page.in_trash);
    let pages = pages.map(|page| (titled(page.title()), page.url(base))).collect();
    let workspace = state.workspace.name.clone();
    page(StatusCode::OK, &HomePage { service: SERVICE, workspace, pages })
}

/// Shows the page that its address leads to.
pub(crate) async fn content(State(notion): State<Notion>, Path(slug): Path<String>) -> Response {
    let state = notion.state();
    let id = slug.rsplit('-').next().and_then(ids::read);
    let Some(found) = id.and_then(|id| state.content.page(&id)) else {
        let why = "there is no such page";
        return ErrorPage::new(SERVICE, StatusCode::NOT_FOUND, "object_not_found", why)
            .into_response();
    };
    let text = blocks::to_markdown(&found.blocks);
    page(StatusCode::OK, &ContentPage { service: SERVICE, title: titled(found.title()), text })
}

fn titled(title: String) -> String {
    if title.is_empty() { "Untitled".to_owned() } else { title }
}

// === impl ConsentPage ===

impl<'a> ConsentPage<'a> {
    pub(crate) fn new(
        app: &'a RegisteredApp,
        state: &'a NotionState,
        consent: &'a str,
        returns_to: &'a str,
    ) -> Self {
        use super::app::Capability::{InsertContent, ReadContent, ReadUserEmails, ReadUsers};
        let words = [
            (ReadContent, "View the pages that you choose"),
            (InsertContent, "Add pages to those that you choose"),
            (ReadUsers, "See who is in the workspace"),
            (ReadUserEmails, "See their e-mail addresses"),
        ];
        let can = words.into_iter().filter(|(it, _)| app.can(*it)).map(|(_, words)| words);
        Self {
            service: SERVICE,
            app_name: &app.name,
            workspace: &state.workspace.name,
            consent,
            people: &state.workspace.people,
            shareable: shareable(state),
            can: can.collect(),
            returns_to,
        }
    }
}

/// Returns what anybody could share; of it, who decides shares only what they see.
fn shareable(state: &NotionState) -> Vec<Shareable> {
    let top = state.content.to_share(None).into_iter();
    top.map(|(id, title)| {
        let owner = state.content.page(id).and_then(|page| page.private_to.as_deref());
        let owner = owner.and_then(|id| state.workspace.person(id));
        let only = owner.map(|person| person.name.clone()).unwrap_or_default();
        Shareable { id: id.to_owned(), title: titled(title), only }
    })
    .collect()
}

impl IntoResponse for ConsentPage<'_> {
    fn into_response(self) -> Response {
        page(StatusCode::OK, &self)
    }
}
