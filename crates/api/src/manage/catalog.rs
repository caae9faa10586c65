use astralform_catalog::Connector;
use astralform_domain::{ConnectorSlug, Scope};
use astralform_surface::{App, Problem, auth::Managing, body::Path};
use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::Serialize;

use super::connectors::SlugPath;
use crate::page::PageView;
/// A connector of the catalogue.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ConnectorView {
    /// Its name in addresses and settings.
    slug: ConnectorSlug,
    /// Its name for people.
    name: String,
    /// The shelf it stands on.
    category: String,
    /// How accounts are connected.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What it is good for, in one sentence.
    summary: String,
    /// The scopes that can be asked for.
    scopes: Vec<ScopeView>,
    /// What is entered of an API key, where that is how accounts are connected.
    fields: Vec<FieldView>,
    /// What agents can do with it.
    tools: Vec<ToolView>,
    /// What to do at the provider.
    setup: SetupView,
}

/// A scope that can be asked for.
#[derive(Serialize, JsonSchema)]
struct ScopeView {
    /// As the provider spells it, with the kind of token before it where there are several.
    name: Scope,
    /// What it lets an agent do, in plain words.
    label: String,
    /// Whether it is asked for unless the project connector says otherwise.
    default: bool,
}

/// One part of an API key.
#[derive(Serialize, JsonSchema)]
struct FieldView {
    /// Its name among the `credentials`.
    name: String,
    /// Its name for people.
    label: String,
    /// What to enter, and where it is found.
    help: Option<String>,
    /// Whether it is to be hidden.
    secret: bool,
}

/// A tool of a connector.
#[derive(Serialize, JsonSchema)]
struct ToolView {
    /// Its name, as an agent calls it.
    name: String,
    /// Its name for people.
    title: String,
    /// When to use it and what comes back.
    description: String,
}

/// What a developer does at the provider.
#[derive(Serialize, JsonSchema)]
struct SetupView {
    /// Where OAuth apps are made, or keys.
    console_url: String,
    /// Makes an app with everything filled in, where the provider can.
    new_app_url: Option<String>,
    /// What to register, to the letter.
    redirect_uri: String,
    /// The steps, in Markdown.
    guide: String,
}

pub(crate) async fn list(
    State(app): State<App>,
    Managing(_): Managing,
) -> Json<PageView<ConnectorView>> {
    let engine = app.engine();
    let connectors = engine.catalog().connectors();
    Json(PageView::whole(connectors.map(|connector| view(&app, connector)).collect()))
}

pub(crate) async fn show(
    State(app): State<App>,
    Managing(_): Managing,
    Path(SlugPath { slug }): Path<SlugPath>,
) -> Result<Json<ConnectorView>, Problem> {
    let engine = app.engine();
    let connector = engine.catalog().connector(&slug);
    let connector = connector.ok_or_else(|| engine.offers.not_in_catalog(&slug))?;
    Ok(Json(view(&app, connector)))
}

fn view(app: &App, connector: &Connector) -> ConnectorView {
    let redirect_uri = app.engine().site().shared_redirect_uri();
    let scopes = connector.scopes().iter().map(|scope| ScopeView {
        name: scope.name.clone(),
        label: scope.label.clone(),
        default: scope.default,
    });
    let fields = connector.api_key.iter().flat_map(|key| &key.fields).map(|field| FieldView {
        name: field.name.clone(),
        label: field.label.clone(),
        help: field.help.clone(),
        secret: field.secret,
    });
    let tools = connector.tools.iter().map(|tool| ToolView {
        name: tool.name.to_string(),
        title: tool.title.clone(),
        description: tool.description.trim().to_owned(),
    });
    ConnectorView {
        slug: connector.slug.clone(),
        name: connector.name.clone(),
        category: connector.category.clone(),
        kind: connector.kind.as_str(),
        summary: connector.summary.clone(),
        scopes: scopes.collect(),
        fields: fields.collect(),
        tools: tools.collect(),
        setup: SetupView {
            console_url: connector.setup.console_url.clone(),
            new_app_url: connector.new_app_url(&redirect_uri),
            redirect_uri,
            guide: connector.guide.clone(),
        },
    }
}
