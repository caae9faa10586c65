//! Files that are there once they are whole, and not before.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// A file while it is written: beside its place, and for its owner alone from the start.
pub(crate) struct Partial {
    place: PathBuf,
    written: PathBuf,
}

impl Partial {
    /// Returns an empty one, in place of what was left of an earlier one.
    pub(crate) fn create(place: &Path) -> io::Result<(Self, File)> {
        let written = beside(place, ".partial");
        match fs::remove_file(&written) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&written)?;
        Ok((Self { place: place.to_owned(), written }, file))
    }

    /// Returns where it is until it is whole.
    pub(crate) fn path(&self) -> &Path {
        &self.written
    }

    /// Finishes a file that is whole: puts it in its place, once all of it is on the disk.
    pub(crate) fn finish(self) -> io::Result<()> {
        File::open(&self.written)?.sync_all()?;
        fs::rename(&self.written, &self.place)?;
        let folder = self.place.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

/// Returns the path with something more at its end.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn v5_a_file_is_its_owners_alone_from_the_start_whatever_was_left_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a.backup");
        let left = folder.path().join("a.backup.partial");
        fs::write(&left, "left by an earlier one that was killed").unwrap();
        fs::set_permissions(&left, fs::Permissions::from_mode(0o666)).unwrap();
        let (partial, mut file) = Partial::create(&place).unwrap();
        assert_eq!((partial.path(), mode(&left)), (left.as_path(), 0o600));
        file.write_all(b"new").unwrap();
        assert!(!place.exists(), "it is not whole yet");
        partial.finish().unwrap();
        assert_eq!(
            (fs::read(&place).unwrap().as_slice(), mode(&place)),
            (b"new".as_slice(), 0o600)
        );
        assert!(!left.exists());
    }
}
