use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
};

use astralform_domain::{Entropy, SecretKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{
    KeyFileError, PREFIX, Readers, folder_of, parse, read_key_file_of, read_private, sync_folder,
    write_new,
};
use crate::{KeyId, KeyRing};

/// The right to change a key file, which one program has at a time. It ends with the program.
pub struct KeyFileLock {
    path: PathBuf,
    readers: Readers,
    _folder: fs::File,
}

impl KeyFileLock {
    /// Takes the right to change the key file at `path`.
    ///
    /// # Errors
    /// When there is none, or another program changes it.
    pub fn take(path: &Path, readers: Readers) -> Result<Self, KeyFileError> {
        read_key_file_of(path, readers)?;
        // What a link points to is replaced, not the link.
        let target = fs::canonicalize(path).map_err(io_error(path))?;
        let folder = fs::File::open(folder_of(&target)).map_err(io_error(path))?;
        match folder.try_lock() {
            Ok(()) => Ok(Self { path: target, readers, _folder: folder }),
            Err(fs::TryLockError::WouldBlock) => Err(KeyFileError::Busy(target)),
            Err(fs::TryLockError::Error(error)) => Err(KeyFileError::Io(target, error)),
        }
    }

    /// Adds a fresh key to the file, as its current one.
    ///
    /// # Errors
    /// When the file cannot be written; it then stays as it was.
    pub fn add_key(&self, entropy: &Entropy) -> Result<KeyRing, KeyFileError> {
        let before = read_private(&self.path, self.readers)?;
        let key = SecretKey::new(entropy.bytes());
        let end = if before.ends_with('\n') { "" } else { "\n" };
        let line = Zeroizing::new(STANDARD.encode(key.expose()));
        self.replace(&Zeroizing::new(format!("{}{end}{PREFIX}{}\n", *before, *line)))
    }

    /// Takes a key out of the file.
    ///
    /// # Errors
    /// When the file does not hold it, holds no other, or cannot be written; it then stays as it
    /// was.
    pub fn remove_key(&self, id: KeyId) -> Result<KeyRing, KeyFileError> {
        let before = read_private(&self.path, self.readers)?;
        let mut text = Zeroizing::new(String::with_capacity(before.len() + 1));
        for (at, line) in before.lines().enumerate() {
            let key = parse(line.trim(), &self.path, at + 1);
            if !key.is_ok_and(|key| KeyRing::id_of(&key) == id) {
                text.push_str(line);
                text.push('\n');
            }
        }
        if text.lines().count() == before.lines().count() {
            return Err(KeyFileError::NotThere { path: self.path.clone(), id });
        }
        if !text.lines().any(|line| line.trim().starts_with(PREFIX)) {
            return Err(KeyFileError::Empty(self.path.clone()));
        }
        self.replace(&text)
    }

    /// Replaces the file's text, all of it or nothing, even if the power fails.
    fn replace(&self, text: &str) -> Result<KeyRing, KeyFileError> {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = self.path.with_file_name(name);
        // What an earlier try left behind when it was killed.
        let _ = fs::remove_file(&new);
        write_new(&new, text).map_err(io_error(&self.path))?;
        self.let_group_read(&new).map_err(io_error(&self.path))?;
        fs::rename(&new, &self.path).map_err(io_error(&self.path))?;
        sync_folder(&self.path).map_err(io_error(&self.path))?;
        read_key_file_of(&self.path, self.readers)
    }

    /// Gives the new file the group and the mode of the one before, so that a server of that group
    /// can still read it.
    fn let_group_read(&self, new: &Path) -> io::Result<()> {
        if self.readers == Readers::Owner {
            return Ok(());
        }
        let before = fs::metadata(&self.path)?;
        if before.gid() != fs::metadata(new)?.gid() {
            chown(new, None, Some(before.gid()))?;
        }
        fs::set_permissions(new, before.permissions())
    }
}

/// Adds to an I/O error which key file it is about.
fn io_error(path: &Path) -> impl FnOnce(io::Error) -> KeyFileError {
    move |error| KeyFileError::Io(path.to_owned(), error)
}
