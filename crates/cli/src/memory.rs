//! Opened secrets lie in memory; the system writes none of them to disk and shows them to no other
//! process. Files of this process are its user's alone.

use anyhow::Context as _;
use rustix::{
    fs::Mode,
    process::{Resource, Rlimit, setrlimit, umask},
};

/// Makes what this process creates readable by its user alone: the database and its log, kept
/// answers, and the folders that they are in.
pub(crate) fn keep_files_private() {
    umask(Mode::RWXG | Mode::RWXO);
}

/// Keeps the system from making core dumps of this process. On Linux, only root can read its memory
/// or trace it from then on (`prctl(2)`, `PR_SET_DUMPABLE`).
pub(crate) fn keep_private() -> anyhow::Result<()> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).context("core dumps cannot be limited")?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .context("the process's memory cannot be kept from others")?;
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior, getrlimit};

    use super::*;

    #[test]
    fn v6_memory_is_neither_dumped_nor_read_by_others() {
        keep_private().unwrap();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
