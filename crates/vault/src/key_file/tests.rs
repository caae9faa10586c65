use super::*;
use crate::KeyCheck;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn line(bytes: &[u8]) -> String {
    format!("{PREFIX}{}\n", STANDARD.encode(bytes))
}

fn random_line(seed: u64) -> String {
    line(&Entropy::seeded(seed).bytes::<32>())
}

fn refusal(text: &str) -> String {
    let folder = folder();
    let path = folder.path().join("key");
    write(&path, text, 0o600);
    read_key_file(&path).err().unwrap().to_string().replace(&path.display().to_string(), "KEY")
}

#[test]
fn v4_a_created_key_file_is_private_and_reads_back() {
    let folder = folder();
    let path = folder.path().join("key");
    let made = create_key_file(&path, &Entropy::system()).ok().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(read_key_file(&path).ok().unwrap().current(), made.current());
    assert!(create_key_file(&path, &Entropy::system()).is_err(), "an existing file is kept");
}

#[test]
fn v4_a_missing_key_file_is_named_and_not_created() {
    let folder = folder();
    let path = folder.path().join("key");
    assert!(matches!(read_key_file(&path), Err(KeyFileError::Absent(_))));
    assert!(!path.exists());
}

#[test]
fn v4_a_key_file_that_others_can_read_is_refused() {
    let folder = folder();
    let path = folder.path().join("key");
    for mode in [0o644, 0o640, 0o604, 0o660] {
        write(&path, &random_line(1), mode);
        assert!(matches!(read_key_file(&path), Err(KeyFileError::Exposed { .. })), "{mode:o}");
    }
}

#[test]
fn v4_what_is_not_a_key_is_refused_with_its_line() {
    let malformed = "line 2 of the key file KEY is not a key";
    for bad in [line(&[7; 31]), line(&[7; 33]), "secret\n".to_owned(), format!("{PREFIX}!!!\n")] {
        assert!(refusal(&format!("# comment\n{bad}")).starts_with(malformed), "{bad}");
    }
    assert_eq!(refusal("# only a comment\n\n"), "the key file KEY holds no key");
}

#[test]
fn v4_a_key_that_anybody_could_guess_is_refused() {
    let counting: Vec<u8> = (0..32).collect();
    let documented = line(b"example-key-from-the-docs-012345");
    let password = line(b"correct horse battery staple 123");
    for bad in [line(&[0; 32]), line(&[0xff; 32]), line(&counting), password, documented] {
        assert!(refusal(&bad).contains("is an example key"), "{bad}");
    }
}

#[test]
fn the_last_key_of_the_file_is_the_current_one() {
    let folder = folder();
    let path = folder.path().join("key");
    write(&path, &random_line(1), 0o600);
    let old = read_key_file(&path).ok().unwrap().current();
    write(&path, &format!("{}{}", random_line(1), random_line(2)), 0o600);
    let ring = read_key_file(&path).ok().unwrap();
    assert_ne!(ring.current(), old);
    assert_eq!(ring.check(old), KeyCheck::Held);
}

#[test]
fn v3_a_key_that_is_added_is_the_current_one_and_the_others_stay() {
    let folder = folder();
    let path = folder.path().join("key");
    let old = create_key_file(&path, &Entropy::system()).ok().unwrap().current();
    let lock = KeyFileLock::take(&path, Readers::Owner).ok().unwrap();
    let ring = lock.add_key(&Entropy::system()).ok().unwrap();
    assert_eq!(ring.ids().collect::<Vec<_>>(), [old, ring.current()]);
    assert_ne!(ring.current(), old);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert!(fs::read_to_string(&path).unwrap().starts_with("# Master key"), "comments stay");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn v3_a_key_is_removed_but_never_the_last_one() {
    let folder = folder();
    let path = folder.path().join("key");
    let old = create_key_file(&path, &Entropy::system()).ok().unwrap().current();
    let lock = KeyFileLock::take(&path, Readers::Owner).ok().unwrap();
    assert!(matches!(lock.remove_key(old), Err(KeyFileError::Empty(_))));
    let new = lock.add_key(&Entropy::system()).ok().unwrap().current();
    let ring = lock.remove_key(old).ok().unwrap();
    assert_eq!(ring.ids().collect::<Vec<_>>(), [new]);
    assert!(matches!(lock.remove_key(old), Err(KeyFileError::NotThere { .. })));
}

#[test]
fn v3_one_program_at_a_time_changes_a_key_file() {
    let folder = folder();
    let path = folder.path().join("key");
    create_key_file(&path, &Entropy::system()).ok().unwrap();
    let lock = KeyFileLock::take(&path, Readers::Owner).ok().unwrap();
    assert!(matches!(KeyFileLock::take(&path, Readers::Owner), Err(KeyFileError::Busy(_))));
    drop(lock);
    assert!(KeyFileLock::take(&path, Readers::Owner).is_ok());
}

#[test]
fn a_ring_reads_its_file_again() {
    let folder = folder();
    let path = folder.path().join("key");
    let before = create_key_file(&path, &Entropy::system()).ok().unwrap();
    let added = KeyFileLock::take(&path, Readers::Owner)
        .ok()
        .unwrap()
        .add_key(&Entropy::system())
        .ok()
        .unwrap();
    let again = before.read_again().ok().unwrap().unwrap();
    assert_eq!(again.current(), added.current());
    assert!(KeyRing::generate(&Entropy::system()).read_again().ok().unwrap().is_none());
}

#[test]
fn a_group_reads_a_key_file_only_where_that_is_meant_and_changes_it_never() {
    let folder = folder();
    let path = folder.path().join("keys");
    for mode in [0o400, 0o440, 0o600, 0o640] {
        write(&path, &random_line(1), mode);
        let read = read_key_file_of(&path, Readers::Group).unwrap();
        let again = read.read_again().unwrap().unwrap();
        assert_eq!(again.current(), read.current(), "{mode:o}");
        assert_eq!(read_key_file(&path).is_ok(), [0o400, 0o600].contains(&mode), "{mode:o}");
    }
    for mode in [0o444, 0o644, 0o660, 0o650, 0o642, 0o777] {
        write(&path, &random_line(1), mode);
        let refused = read_key_file_of(&path, Readers::Group).err().unwrap().to_string();
        assert!(refused.contains("key_file_group_readable"), "{mode:o}: {refused}");
    }
}

#[test]
fn a_key_file_that_is_changed_stays_readable_for_its_group() {
    let folder = folder();
    let path = folder.path().join("keys");
    write(&path, &random_line(1), 0o640);
    let lock = KeyFileLock::take(&path, Readers::Group).unwrap();
    lock.add_key(&Entropy::seeded(7)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
}
