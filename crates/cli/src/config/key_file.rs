//! Where the master keys are, and who may read them.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use astralform_vault::Readers;

/// The file of the master keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyFile {
    pub(crate) path: PathBuf,
    /// Who may read it.
    pub(crate) readers: Readers,
}

const NAME: &str = "astralform.key";

impl KeyFile {
    /// Returns the key file that was named, or the default one.
    pub(super) fn new(named: Option<PathBuf>, is_group_readable: bool) -> Self {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self::among(credentials.as_deref(), named, is_group_readable)
    }

    /// Finds the key among what systemd hands over. It lets the service's user read credentials by
    /// an access list, which shows as the rights of the group.
    fn among(credentials: Option<&Path>, named: Option<PathBuf>, is_group_readable: bool) -> Self {
        let credentials = credentials.filter(|folder| folder.is_absolute());
        let handed_over = credentials.map(|folder| folder.join(NAME)).filter(|file| file.exists());
        let path = named.or(handed_over).unwrap_or_else(|| NAME.into());
        let is_credential = credentials.is_some_and(|folder| path.parent() == Some(folder));
        let readers =
            if is_credential || is_group_readable { Readers::Group } else { Readers::Owner };
        Self { path, readers }
    }
}

impl fmt::Display for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_systemd_hands_over_is_found_and_may_show_rights_of_its_group() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = Some(folder.path());
        let default = KeyFile { path: NAME.into(), readers: Readers::Owner };
        assert_eq!(KeyFile::among(credentials, None, false), default, "none is handed over");
        assert_eq!(KeyFile::among(None, None, false), default);
        let path = folder.path().join(NAME);
        std::fs::write(&path, "").unwrap();
        let found = KeyFile::among(credentials, None, false);
        assert_eq!(found, KeyFile { path, readers: Readers::Group });
        let other = KeyFile::among(credentials, Some("/etc/other.key".into()), false);
        assert_eq!(other.readers, Readers::Owner, "what is named wins, and is held to its own");
        let named = KeyFile::among(credentials, Some(folder.path().join("other")), false);
        assert_eq!(named.readers, Readers::Group);
        let relative = KeyFile::among(Some(Path::new("")), None, false);
        assert_eq!(relative, default);
        assert_eq!(KeyFile::among(None, None, true).readers, Readers::Group);
    }
}
