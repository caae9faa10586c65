use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use astralform_domain::ConnectorSlug;
use sha2::{Digest as _, Sha256};

use crate::{Connector, Diagnostic, Tool, check::check};

/// The files of one connector.
#[derive(Clone, Copy)]
pub struct Folder<'a> {
    /// What the folder is called.
    pub name: &'a str,
    /// The files in it, by name.
    pub files: &'a [(&'a str, &'a [u8])],
}

/// The connectors there are.
#[derive(Default)]
pub struct Catalog {
    connectors: BTreeMap<ConnectorSlug, Arc<Connector>>,
    tools: BTreeMap<String, ConnectorSlug>,
    /// What the files of each connector are known by.
    digests: BTreeMap<ConnectorSlug, [u8; 32]>,
}

/// Loads folders, later ones in place of earlier ones of the same name. A broken folder is left
/// out, with every fault in the list; the others load.
pub fn load<'a>(folders: impl IntoIterator<Item = Folder<'a>>) -> (Catalog, Vec<Diagnostic>) {
    let mut catalog = Catalog::default();
    let mut diagnostics = Vec::new();
    for folder in folders {
        match check(folder) {
            Ok(connector) => match catalog.clash(&connector) {
                None => catalog.add(connector, digest(folder)),
                Some(fault) => diagnostics.push(fault),
            },
            Err(faults) => diagnostics.extend(faults),
        }
    }
    diagnostics.sort();
    (catalog, diagnostics)
}

impl Catalog {
    /// Returns the connector of that name.
    pub fn connector(&self, slug: &ConnectorSlug) -> Option<&Arc<Connector>> {
        self.connectors.get(slug)
    }

    /// Returns every connector, by name.
    pub fn connectors(&self) -> impl Iterator<Item = &Arc<Connector>> {
        self.connectors.values()
    }

    /// Returns the tool of that name, and whose it is.
    pub fn tool(&self, name: &str) -> Option<(&Arc<Connector>, &Tool)> {
        let connector = self.connectors.get(self.tools.get(name)?)?;
        Some((connector, connector.tool(name)?))
    }

    /// Returns what tells this catalogue from any other: the same for the same files, wherever they
    /// were read.
    pub fn fingerprint(&self) -> String {
        let mut all = Sha256::new();
        for (slug, digest) in &self.digests {
            add_text(&mut all, slug.as_str().as_bytes());
            all.update(digest);
        }
        let short = &all.finalize()[..8];
        short.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Finds a connector by a tool's name: names of tools are prefixed by their connectors', but
    /// one prefix may begin another.
    fn clash(&self, new: &Connector) -> Option<Diagnostic> {
        let taken = new.tools.iter().find_map(|tool| {
            let owner = self.tools.get(tool.name.as_str()).filter(|owner| **owner != new.slug)?;
            Some((&tool.name, owner))
        });
        taken.map(|(tool, owner)| Diagnostic {
            file: format!("{}/connector.yaml", new.slug),
            line: 1,
            column: 1,
            message: format!("the tool `{tool}` is one of the connector `{owner}` already"),
            fix: "give the tool, or the connector, another name".to_owned(),
        })
    }

    fn add(&mut self, connector: Connector, digest: [u8; 32]) {
        self.digests.insert(connector.slug.clone(), digest);
        self.tools.retain(|_, owner| *owner != connector.slug);
        for tool in &connector.tools {
            self.tools.insert(tool.name.as_str().to_owned(), connector.slug.clone());
        }
        self.connectors.insert(connector.slug.clone(), Arc::new(connector));
    }
}

fn digest(folder: Folder<'_>) -> [u8; 32] {
    let mut files = folder.files.to_vec();
    files.sort_unstable_by_key(|(name, _)| *name);
    let mut all = Sha256::new();
    for (name, bytes) in files {
        add_text(&mut all, name.as_bytes());
        add_text(&mut all, bytes);
    }
    all.finalize().into()
}

/// Adds bytes behind their number, so that no two lists of texts look alike.
fn add_text(to: &mut Sha256, bytes: &[u8]) {
    to.update((bytes.len() as u64).to_be_bytes());
    to.update(bytes);
}

#[cfg(test)]
mod tests;
