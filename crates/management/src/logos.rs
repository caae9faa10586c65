//! The logos of applications: pictures that are sent, and what is served of them.

use std::{io::Cursor, sync::Arc};

use astralform_domain::{ProjectId, limits};
use astralform_engine::{Base, Engine, Fault, audit::Event};
use astralform_storage::project_logos;
pub use astralform_storage::project_logos::Logo;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use image::{DynamicImage, ImageFormat, ImageReader, Limits};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::{Forbidden, ProjectActor, policy::Right};

/// The longer side of a logo as it is served, in pixels.
const SERVED_SIDE: u32 = 256;

/// How many pictures are read at the same time.
const AT_ONCE: usize = 1;

/// Why a logo is not taken.
#[derive(Debug, Error)]
pub enum LogoError {
    /// It is neither of the formats.
    #[error("the picture is neither a PNG nor a WebP that can be read: send one of these")]
    Unreadable,
    /// It is too large.
    #[error(
        "the picture has {width} × {height} pixels; it may have {most} × {most} at most: make it \
         smaller",
        most = limits::LOGO_SIDE.value
    )]
    TooLarge {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// The policy forbids it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Takes and gives the logos of projects.
#[derive(Clone)]
pub struct Logos {
    base: Arc<Base>,
    turns: Arc<Semaphore>,
}

impl Logos {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { base: Arc::clone(engine.base()), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Returns the logo of a project, for anybody who sees its pages.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find(&self, project: ProjectId) -> Result<Option<Logo>, Fault> {
        Ok(project_logos::find(self.base.db(), project).await?)
    }

    /// Makes a picture the logo of a project. It is drawn anew: nothing that is sent is served.
    ///
    /// # Errors
    /// When it is no picture, or too large.
    pub async fn set(&self, by: &ProjectActor, picture: Vec<u8>) -> Result<Logo, LogoError> {
        let permit = by.may(Right::Appearance)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let drawn = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            redrawn(&picture)
        });
        let png = drawn.await.map_err(|_| Fault::Inconsistent("a picture was not read"))??;
        let digest = URL_SAFE_NO_PAD.encode(&Sha256::digest(&png)[..16]);
        let logo = Logo { png, digest };
        let chain = self.base.project_chain(permit.project).await?;
        let mut tx = self.base.begin(permit.actor).await.map_err(Fault::from)?;
        project_logos::set(&mut tx, permit.project, &logo).await.map_err(Fault::from)?;
        let event = Event::new("project.logo_set", permit.project);
        chain.record(&mut tx, &event.with("digest", logo.digest.as_str())).await?;
        tx.commit().await.map_err(Fault::from)?;
        Ok(logo)
    }

    /// Removes the logo of a project.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove(&self, by: &ProjectActor) -> Result<(), LogoError> {
        let permit = by.may(Right::Appearance)?;
        let chain = self.base.project_chain(permit.project).await?;
        let mut tx = self.base.begin(permit.actor).await.map_err(Fault::from)?;
        project_logos::remove(&mut tx, permit.project).await.map_err(Fault::from)?;
        chain.record(&mut tx, &Event::new("project.logo_removed", permit.project)).await?;
        Ok(tx.commit().await.map_err(Fault::from)?)
    }
}

/// Returns a picture as it is served: a PNG of no more than its pixels.
fn redrawn(picture: &[u8]) -> Result<Vec<u8>, LogoError> {
    let drawn = read(picture)?;
    let is_small = drawn.width().max(drawn.height()) <= SERVED_SIDE;
    let fitted = if is_small { drawn } else { drawn.thumbnail(SERVED_SIDE, SERVED_SIDE) };
    let mut png = Vec::new();
    let written = fitted.into_rgba8().write_to(&mut Cursor::new(&mut png), ImageFormat::Png);
    written.map_err(|_| LogoError::Unreadable)?;
    Ok(png)
}

fn read(picture: &[u8]) -> Result<DynamicImage, LogoError> {
    let format = image::guess_format(picture).map_err(|_| LogoError::Unreadable)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::WebP) {
        return Err(LogoError::Unreadable);
    }
    let open = || ImageReader::with_format(Cursor::new(picture), format);
    let (width, height) = open().into_dimensions().map_err(|_| LogoError::Unreadable)?;
    let most = u32::try_from(limits::LOGO_SIDE.value).unwrap_or(u32::MAX);
    if width > most || height > most {
        return Err(LogoError::TooLarge { width, height });
    }
    let mut reader = open();
    let mut bounds = Limits::default();
    (bounds.max_image_width, bounds.max_image_height) = (Some(most), Some(most));
    // Four bytes a pixel, and the decoder's own tables.
    bounds.max_alloc = Some(16 * u64::from(most) * u64::from(most));
    reader.limits(bounds);
    reader.decode().map_err(|_| LogoError::Unreadable)
}

#[cfg(test)]
mod tests {
    use image::RgbaImage;

    use super::*;

    fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        let pixels = RgbaImage::from_pixel(width, height, image::Rgba([10, 98, 117, 255]));
        pixels.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    fn size(png: &[u8]) -> (u32, u32) {
        assert_eq!(image::guess_format(png).unwrap(), ImageFormat::Png);
        let drawn = image::load_from_memory(png).unwrap();
        (drawn.width(), drawn.height())
    }

    #[test]
    fn a_logo_is_drawn_anew_and_not_larger_than_it_is_served() {
        for (width, height, expected) in
            [(1_024, 512, (256, 128)), (64, 64, (64, 64)), (1, 1_024, (1, 256))]
        {
            for format in [ImageFormat::Png, ImageFormat::WebP] {
                let png = redrawn(&picture(width, height, format)).unwrap();
                assert_eq!(size(&png), expected, "{width} × {height} {format:?}");
            }
        }
    }

    #[test]
    fn what_stands_beside_the_pixels_is_not_served() {
        let mut sent = picture(8, 8, ImageFormat::Png);
        sent.extend(b"<script>alert(1)</script>");
        let png = redrawn(&sent).unwrap();
        assert!(!png.windows(8).any(|part| part == b"<script>"));
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_refused() {
        let large = picture(1_025, 8, ImageFormat::Png);
        assert!(matches!(redrawn(&large), Err(LogoError::TooLarge { width: 1_025, height: 8 })));
        let whole = picture(64, 64, ImageFormat::Png);
        for bad in [
            &b""[..],
            b"GIF89a",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            &whole[..whole.len() / 2],
            b"\x89PNG\r\n\x1a\n",
        ] {
            assert!(matches!(redrawn(bad), Err(LogoError::Unreadable)), "{bad:?}");
        }
    }

    #[test]
    fn a_picture_that_says_it_is_huge_is_refused_before_it_is_unpacked() {
        let mut sent = picture(8, 8, ImageFormat::Png);
        sent[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
        assert!(redrawn(&sent).is_err());
    }
}
