use std::{fs, path::PathBuf};

use anyhow::Context as _;
use astralform_domain::limits;
use clap::Args;

use crate::management::{ProjectAccess, Request, text};

#[derive(Args)]
pub(crate) struct Logo {
    /// A PNG or WebP of 200,000 bytes and 1,024 × 1,024 pixels at most
    #[arg(required_unless_present = "remove", conflicts_with = "remove")]
    path: Option<PathBuf>,
    /// Remove the logo
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    access: ProjectAccess,
}

impl Logo {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let picture = self.path.as_ref().map(read).transpose()?;
        let project = self.access.open().await?;
        let path = project.path("/logo");
        if let Some((kind, bytes)) = picture {
            let request = Request::put(&path).content(kind, bytes);
            let sent = project.at.server.send(request).await?;
            project.at.show(&sent, |sent| text(sent, "/logo_url"))?;
        } else {
            project.at.server.send(Request::delete(&path)).await?;
            project.at.tell("The project has no logo any more.")?;
        }
        Ok(())
    }
}

/// Returns a picture and its media type.
fn read(path: &PathBuf) -> anyhow::Result<(&'static str, Vec<u8>)> {
    let shown = path.display();
    let size = fs::metadata(path).with_context(|| format!("{shown} cannot be read"))?.len();
    let most = limits::LOGO.value;
    anyhow::ensure!(size <= most, "{shown} has {size} bytes; a logo has {most} at most");
    let bytes = fs::read(path).with_context(|| format!("{shown} cannot be read"))?;
    let kind = media_type(&bytes);
    Ok((kind.with_context(|| format!("{shown} is neither a PNG nor a WebP"))?, bytes))
}

/// Returns what a file is by its first bytes, as the formats define them.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some("image/png");
    }
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    is_webp.then_some("image/webp")
}
