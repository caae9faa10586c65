use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// What connector folders look like from outside: their files, how large each is, and when it was
/// changed. Of a link, what it leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FolderSnapshot(Vec<(PathBuf, Option<FileState>)>);

type FileState = (u64, u64, i64, i64);

/// Notices changes once they are over: what an editor has half written is not looked at yet.
pub(super) struct FolderWatch {
    known: FolderSnapshot,
    /// What differs from it since the last look.
    changing: Option<FolderSnapshot>,
}

/// How far below a named path a connector's files are.
const DEPTH: usize = 2;

impl FolderSnapshot {
    pub(super) fn of(dirs: &[PathBuf]) -> Self {
        let mut all = Vec::new();
        for dir in dirs {
            look(dir, DEPTH, &mut all);
        }
        all.sort_unstable();
        Self(all)
    }
}

fn look(path: &Path, depth: usize, all: &mut Vec<(PathBuf, Option<FileState>)>) {
    let state = fs::metadata(path).ok();
    let is_folder = state.as_ref().is_some_and(fs::Metadata::is_dir);
    // A folder's own times change with files that are none of a connector's.
    let state = state.map(|state| {
        if is_folder {
            (0, 0, 0, 0)
        } else {
            (state.ino(), state.len(), state.mtime(), state.mtime_nsec())
        }
    });
    all.push((path.to_owned(), state));
    if is_folder && depth > 0 {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            look(&entry.path(), depth - 1, all);
        }
    }
}

impl FolderWatch {
    pub(super) fn new(known: FolderSnapshot) -> Self {
        Self { known, changing: None }
    }

    /// Returns whether something has changed, and has stayed so since the last look.
    pub(super) fn notices(&mut self, now: FolderSnapshot) -> bool {
        if now == self.known {
            self.changing = None;
            return false;
        }
        if self.changing.as_ref() == Some(&now) {
            self.known = now;
            self.changing = None;
            return true;
        }
        self.changing = Some(now);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_noticed_once_and_only_when_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let dirs = [folder.path().to_owned()];
        let file = folder.path().join("acme/connector.yaml");
        fs::create_dir(folder.path().join("acme")).unwrap();
        fs::write(&file, "slug: a").unwrap();
        let mut watch = FolderWatch::new(FolderSnapshot::of(&dirs));
        let mut notices = || watch.notices(FolderSnapshot::of(&dirs));
        assert!(!notices() && !notices());
        fs::write(&file, "slug: ac").unwrap();
        assert!(!notices(), "it may not be over");
        fs::write(&file, "slug: acme").unwrap();
        assert!(!notices(), "it was not");
        assert!(notices());
        assert!(!notices(), "once");
        fs::remove_dir_all(folder.path().join("acme")).unwrap();
        assert!(!notices());
        assert!(notices(), "what is gone has changed");
    }

    #[test]
    fn a_link_that_leads_elsewhere_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two, link] = ["one", "two", "link"].map(|name| folder.path().join(name));
        for each in [&one, &two] {
            fs::create_dir(each).unwrap();
            fs::write(each.join("connector.yaml"), "slug: acme").unwrap();
        }
        let dirs = [link.clone()];
        std::os::unix::fs::symlink(&one, &link).unwrap();
        let before = FolderSnapshot::of(&dirs);
        fs::remove_file(&link).unwrap();
        assert_ne!(FolderSnapshot::of(&dirs), before, "it leads nowhere");
        std::os::unix::fs::symlink(&two, &link).unwrap();
        assert_ne!(FolderSnapshot::of(&dirs), before);
    }
}
