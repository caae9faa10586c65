//! The key file: one master key a line, `astralform-key-1:` and 32 bytes in base64, oldest first.
//! Empty lines and lines that start with `#` are passed over.

mod change;

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use astralform_domain::{Entropy, SecretKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{KeyId, KeyRing};

pub use change::KeyFileLock;

const PREFIX: &str = "astralform-key-1:";

/// Why a key file cannot be used.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// There is none.
    #[error("there is no key file at {}", .0.display())]
    Absent(PathBuf),
    /// It cannot be read or written.
    #[error("the key file {} cannot be used", .0.display())]
    Io(PathBuf, #[source] io::Error),
    /// Users may read it who are not meant to.
    #[error(
        "the key file {} can be read or changed by others (mode {mode:04o}): run `chmod 600 {}`; \
         where its group has to read it, as a Kubernetes secret with fsGroup, give it mode 0440 or \
         0640 and set `key_file_group_readable`",
        path.display(), path.display()
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A line is not a key.
    #[error(
        "line {line} of the key file {} is not a key: `{PREFIX}` and 32 bytes in base64 are expected",
        path.display()
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Which line, the first being 1.
        line: usize,
    },
    /// A line is a key that could be guessed.
    #[error(
        "line {line} of the key file {} is an example key, known to everybody: replace it by `{PREFIX}$(head -c 32 /dev/urandom | base64)`",
        path.display()
    )]
    Example {
        /// Which file.
        path: PathBuf,
        /// Which line, the first being 1.
        line: usize,
    },
    /// Another program changes it.
    #[error("the key file {} is being changed by another command: try again when that has ended", .0.display())]
    Busy(PathBuf),
    /// It does not hold the key in question.
    #[error("the key file {} does not hold master key {id}", path.display())]
    NotThere {
        /// Which file.
        path: PathBuf,
        /// Which key.
        id: KeyId,
    },
    /// It holds no key.
    #[error("the key file {} holds no key", .0.display())]
    Empty(PathBuf),
}

/// Who is meant to read a key file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone.
    #[default]
    Owner,
    /// Its owner and its group, who may not change it.
    Group,
}

impl Readers {
    /// Returns the permission bits that must not be set.
    const fn forbidden(self) -> u32 {
        match self {
            Self::Owner => 0o077,
            Self::Group => 0o037,
        }
    }
}

/// Reads a key file that only its owner may read.
///
/// # Errors
/// Says which line is wrong and what to do; never creates a file.
pub fn read_key_file(path: &Path) -> Result<KeyRing, KeyFileError> {
    read_key_file_of(path, Readers::Owner)
}

/// Reads a key file that only `readers` may read.
///
/// # Errors
/// Says which line is wrong and what to do; never creates a file.
pub fn read_key_file_of(path: &Path, readers: Readers) -> Result<KeyRing, KeyFileError> {
    let text = read_private(path, readers)?;
    let lines = text.lines().map(str::trim).enumerate();
    let keys = lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(at, line)| parse(line, path, at + 1))
        .collect::<Result<Vec<_>, _>>()?;
    let ring = KeyRing::from_keys(keys).ok_or_else(|| KeyFileError::Empty(path.to_owned()))?;
    Ok(ring.read_from(path, readers))
}

/// Creates a key file of mode 0600 with one fresh key. An existing file is left as it is.
///
/// # Errors
/// When the file exists or cannot be written.
pub fn create_key_file(path: &Path, entropy: &Entropy) -> Result<KeyRing, KeyFileError> {
    let key = SecretKey::new(entropy.bytes());
    let text = Zeroizing::new(format!(
        "# Master key of Astralform. Whoever has it and the database has every credential;\n\
         # without it the database is lost. Keep a copy away from the backups.\n\
         {PREFIX}{}\n",
        STANDARD.encode(key.expose())
    ));
    write_new(path, &text).map_err(|error| KeyFileError::Io(path.to_owned(), error))?;
    read_key_file(path)
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    sync_folder(path)
}

/// Puts a file's folder on disk too: only then does a new file survive a power failure.
fn sync_folder(path: &Path) -> io::Result<()> {
    fs::File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn read_private(path: &Path, readers: Readers) -> Result<Zeroizing<String>, KeyFileError> {
    let metadata = fs::metadata(path).map_err(|error| explain_unreadable(path, error))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & readers.forbidden() != 0 {
        return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
    }
    let text = fs::read_to_string(path).map_err(|error| explain_unreadable(path, error))?;
    Ok(Zeroizing::new(text))
}

fn explain_unreadable(path: &Path, error: io::Error) -> KeyFileError {
    match error.kind() {
        io::ErrorKind::NotFound => KeyFileError::Absent(path.to_owned()),
        _ => KeyFileError::Io(path.to_owned(), error),
    }
}

fn parse(text: &str, path: &Path, line: usize) -> Result<SecretKey, KeyFileError> {
    let Some(key) = decode(text) else {
        return Err(KeyFileError::Malformed { path: path.to_owned(), line });
    };
    if is_example(key.expose()) {
        return Err(KeyFileError::Example { path: path.to_owned(), line });
    }
    Ok(key)
}

fn decode(text: &str) -> Option<SecretKey> {
    let encoded = text.strip_prefix(PREFIX)?;
    let bytes = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    Some(SecretKey::new(bytes.as_slice().try_into().ok()?))
}

/// Returns whether a key is an example. Random bytes are neither text (a password, or the key that
/// our documents show) nor in equal steps (one byte over and over among them).
fn is_example(bytes: &[u8; 32]) -> bool {
    let step = bytes[1].wrapping_sub(bytes[0]);
    let in_steps = bytes.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step);
    let is_text = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    in_steps || is_text
}

#[cfg(test)]
mod tests;
