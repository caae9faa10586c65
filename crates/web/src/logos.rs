use astralform_domain::ProjectId;
use astralform_surface::{App, Problem, Refusal, body::Path};
use axum::{
    extract::State,
    http::{HeaderName, header},
};
use serde::Deserialize;

/// What names a logo in a path.
#[derive(Deserialize, schemars::JsonSchema)]
pub(crate) struct LogoPath {
    /// Whose it is.
    project: ProjectId,
    /// The digest of the picture, with its ending.
    file: String,
}

/// A picture never changes at its address: another one has another.
const FOR_EVER: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=31536000, immutable");

const PNG: (HeaderName, &str) = (header::CONTENT_TYPE, "image/png");

pub(crate) async fn show(
    State(app): State<App>,
    Path(LogoPath { project, file }): Path<LogoPath>,
) -> Result<([(HeaderName, &'static str); 2], Vec<u8>), Problem> {
    let found = app.management().logos.find(project).await?;
    let logo = found.filter(|logo| file.strip_suffix(".png") == Some(logo.digest.as_str()));
    Ok(([PNG, FOR_EVER], logo.ok_or(Refusal::NoLogo)?.png))
}
