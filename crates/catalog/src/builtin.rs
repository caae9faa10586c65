use crate::Folder;

/// Returns the folders of the catalogue that the program carries.
pub fn builtin() -> &'static [Folder<'static>] {
    const FOLDERS: &[Folder<'static>] = include!(concat!(env!("OUT_DIR"), "/builtin.rs"));
    FOLDERS
}
