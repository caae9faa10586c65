//! Connector folders on disk.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use astralform_catalog::{Catalog, Diagnostic, Folder, builtin, load};

/// The files of one connector folder, read.
pub(crate) struct OwnedFolder {
    name: String,
    files: Vec<(String, Vec<u8>)>,
}

/// Returns the built-in connectors and those of `dirs`. Broken ones are left out and named in the
/// log.
pub(crate) fn load_with_builtin(dirs: &[PathBuf]) -> anyhow::Result<Catalog> {
    let (catalog, faults) = with_builtin(dirs)?;
    for fault in faults {
        tracing::error!(%fault, "a connector was left out");
    }
    Ok(catalog)
}

/// Returns the built-in connectors and those of `dirs`, and what is wrong with those left out.
pub(crate) fn with_builtin(dirs: &[PathBuf]) -> anyhow::Result<(Catalog, Vec<Diagnostic>)> {
    let folders = read(dirs)?;
    Ok(with_borrowed(&folders, |added| load(builtin().iter().copied().chain(added))))
}

/// Returns the connector folders at `paths`: a path is one itself, or holds some.
pub(crate) fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<OwnedFolder>> {
    let mut folders = Vec::new();
    for path in paths {
        let entries = sorted(path)?;
        if entries.iter().any(|entry| entry.ends_with("connector.yaml")) {
            folders.push(read_one(path, &entries)?);
            continue;
        }
        for folder in entries.into_iter().filter(|entry| entry.is_dir()) {
            folders.push(read_one(&folder, &sorted(&folder)?)?);
        }
    }
    Ok(folders)
}

/// Runs `with` on folders that borrow from `folders`.
pub(crate) fn with_borrowed<T>(
    folders: &[OwnedFolder],
    with: impl FnOnce(Vec<Folder<'_>>) -> T,
) -> T {
    let files: Vec<Vec<(&str, &[u8])>> = folders
        .iter()
        .map(|folder| {
            folder.files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect()
        })
        .collect();
    let named = folders.iter().zip(&files);
    with(named.map(|(folder, files)| Folder { name: &folder.name, files }).collect())
}

fn read_one(path: &Path, entries: &[PathBuf]) -> anyhow::Result<OwnedFolder> {
    let files = entries.iter().filter(|entry| entry.is_file()).map(|file| {
        let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        Ok((name(file)?, bytes))
    });
    let absolute = path.canonicalize()?;
    Ok(OwnedFolder { name: name(&absolute)?, files: files.collect::<anyhow::Result<_>>()? })
}

fn sorted(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("{} is not a folder that can be read", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> anyhow::Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    Ok(name.with_context(|| format!("{} is not named in UTF-8", path.display()))?.to_owned())
}
