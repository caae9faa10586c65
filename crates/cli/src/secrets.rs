//! Secrets of connectors, read from a file, standard input or a variable: what stands on a command
//! line is seen by other users of the machine, and kept in a shell's history.

use std::{
    fs::File,
    io::{Read, stdin},
    path::Path,
};

use anyhow::Context as _;
use astralform_domain::Secret;

/// The client secret of an OAuth app.
pub(crate) const CLIENT_SECRET: &str = "ASTRALFORM_CLIENT_SECRET";

/// An API key for a connector.
pub(crate) const API_KEY: &str = "ASTRALFORM_CONNECTOR_API_KEY";

/// The variables that hold a secret for a command, and are no setting of any.
pub(crate) const VARIABLES: [&str; 2] = [CLIENT_SECRET, API_KEY];

/// Reads a secret from a file, or from standard input where the path is `-`.
pub(crate) fn from_file(path: &Path) -> anyhow::Result<Secret> {
    if path == "-" {
        return read(stdin().lock()).context("standard input");
    }
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("{shown} cannot be read"))?;
    read(file).with_context(|| shown.to_string())
}

/// Reads a secret from a variable, if it is set and not empty.
pub(crate) fn from_variable(name: &str) -> anyhow::Result<Option<Secret>> {
    let Some(value) = std::env::var_os(name) else { return Ok(None) };
    let value = value.into_string().ok().with_context(|| format!("{name} is not UTF-8"))?;
    let secret = value.trim();
    Ok((!secret.is_empty()).then(|| Secret::new(secret.to_owned())))
}

/// Reads a secret whole, without the line break that editors leave behind it.
fn read(from: impl Read) -> anyhow::Result<Secret> {
    const MOST: u64 = 64 * 1024;
    let mut text = String::new();
    let length = from.take(MOST + 1).read_to_string(&mut text).context("it cannot be read")?;
    anyhow::ensure!(length as u64 <= MOST, "it is too long for a secret");
    let secret = text.trim();
    anyhow::ensure!(!secret.is_empty(), "there is no secret in it");
    anyhow::ensure!(!secret.contains('\n'), "it has several lines, and a secret has one");
    Ok(Secret::new(secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line_that_is_not_empty() {
        assert_eq!(read("s3cr et\r\n".as_bytes()).unwrap().expose(), "s3cr et");
        for (text, expected) in [
            ("", "no secret"),
            (" \n", "no secret"),
            ("a\nb", "several lines"),
            (&*"a".repeat(65_537), "too long"),
        ] {
            let refused = read(text.as_bytes()).err().unwrap().to_string();
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
