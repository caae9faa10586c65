use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Result, postgres::run};

/// A small disk of its own in place of a folder, which can be filled to its last byte. Only root
/// can make one. Dropping it takes it away.
pub(crate) struct SmallDisk(PathBuf);

const SIZE: &str = "size=64m";
const FILLER: &str = "filler";

impl SmallDisk {
    pub(crate) fn at(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        run(Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder))?;
        Ok(Self(folder.to_owned()))
    }

    /// Leaves no room at all.
    pub(crate) fn fill(&self) -> Result<()> {
        let mut filler = File::create(self.0.join(FILLER))?;
        for piece in [64 * 1024, 1024, 1] {
            while filler.write_all(&vec![0; piece]).is_ok() {}
        }
        Ok(())
    }

    /// Gives the room back.
    pub(crate) fn clear(&self) -> Result<()> {
        Ok(fs::remove_file(self.0.join(FILLER))?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
