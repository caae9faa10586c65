//! Every fault of a connector folder, each with its place and its fix.
//!
//! Three passes, each only when the one before found nothing: the YAML, the format's JSON Schema
//! (its custom formats compile the jq), and what a schema cannot say.

mod auth;
mod format;
mod mappings;
mod meaning;

use crate::{
    Connector, Diagnostic, Folder,
    yaml::{SourcePosition, YamlDocument, step},
};

const FILE: &str = "connector.yaml";
const LONGEST: usize = 256 * 1024;

/// A fault at a part of the document.
struct DocumentFault {
    pointer: String,
    message: String,
    fix: String,
}

impl DocumentFault {
    fn new(pointer: impl Into<String>, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into(), fix: fix.into() }
    }
}

/// Returns the connector of a folder, or all that is wrong with it.
pub(crate) fn check(folder: Folder<'_>) -> Result<Connector, Vec<Diagnostic>> {
    let text = text(folder).map_err(|fault| vec![fault])?;
    let document = YamlDocument::parse(text).map_err(|error| {
        let fix = "correct the YAML; editors with a YAML mode show the place";
        vec![diagnostic(folder, FILE, error.place, error.message, fix)]
    })?;
    let faults = format::faults(&document.value);
    if !faults.is_empty() {
        return Err(locate(faults, folder, &document));
    }
    let mut connector = Connector::deserialize_checked(&document.value)
        .map_err(|fault| locate(vec![fault], folder, &document))?;
    connector.guide = guide(folder);
    let mut faults = meaning::faults(&connector, folder.name);
    faults.extend(mappings::faults(&connector));
    let mut diagnostics = locate(faults, folder, &document);
    diagnostics.extend(missing_files(folder));
    if diagnostics.is_empty() { Ok(connector) } else { Err(diagnostics) }
}

/// Returns faults with the lines and columns at which they stand.
fn locate(
    faults: Vec<DocumentFault>,
    folder: Folder<'_>,
    document: &YamlDocument,
) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for DocumentFault { pointer, message, fix } in faults {
        diagnostics.push(diagnostic(folder, FILE, document.place(&pointer), message, fix));
    }
    diagnostics
}

impl Connector {
    fn deserialize_checked(value: &serde_json::Value) -> Result<Self, DocumentFault> {
        serde_path_to_error::deserialize(value).map_err(|error| {
            let fix = "correct it; docs/connector-format.md describes the format";
            DocumentFault::new(pointer(error.path()), error.inner().to_string(), fix)
        })
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => step(&pointer, key),
        Segment::Enum { .. } | Segment::Unknown => pointer,
    })
}

fn text(folder: Folder<'_>) -> Result<&str, Diagnostic> {
    let found = folder.files.iter().find(|(name, _)| *name == FILE);
    let (message, fix) = match found {
        None => ("the file is missing", "write it; the built-in ones are examples"),
        Some((_, bytes)) if bytes.len() > LONGEST => {
            ("the file is over 256 KiB", "split the connector")
        }
        Some((_, bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) => return Ok(text),
            Err(_) => ("the file is not UTF-8", "save it as UTF-8"),
        },
    };
    Err(diagnostic(folder, FILE, SourcePosition::START, message, fix))
}

fn guide(folder: Folder<'_>) -> String {
    let found = folder.files.iter().find(|(name, _)| *name == "setup.md");
    found.map_or_else(String::new, |(_, bytes)| String::from_utf8_lossy(bytes).into_owned())
}

fn missing_files(folder: Folder<'_>) -> Vec<Diagnostic> {
    const WANTED: [(&str, &str); 2] = [
        ("icon.svg", "draw a square icon of your own"),
        ("setup.md", "write down what a developer does at the provider"),
    ];
    let missing = WANTED.iter().filter(|(wanted, _)| {
        !folder.files.iter().any(|(name, bytes)| name == wanted && !bytes.is_empty())
    });
    let message = "the file is missing or empty";
    missing
        .map(|(file, fix)| diagnostic(folder, file, SourcePosition::START, message, *fix))
        .collect()
}

fn diagnostic(
    folder: Folder<'_>,
    file: &str,
    place: SourcePosition,
    message: impl Into<String>,
    fix: impl Into<String>,
) -> Diagnostic {
    Diagnostic {
        file: format!("{}/{file}", folder.name),
        line: place.line,
        column: place.column,
        message: message.into(),
        fix: fix.into(),
    }
}
