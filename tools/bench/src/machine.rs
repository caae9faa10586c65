//! What was measured on: the machine and the code.

use std::{fs, process::Command};

use astralform_domain::Clock;

use crate::Result;

/// Where and of what figures are.
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) kernel: String,
    pub(crate) commit: String,
    pub(crate) date: String,
}

impl Machine {
    pub(crate) fn look() -> Result<Self> {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Ok(Self {
            processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: gib(&read("/proc/meminfo")).unwrap_or_default(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            commit: commit()?,
            date: Clock::system().now().to_string().chars().take(10).collect(),
        })
    }
}

/// Returns the commit, and whether anything was changed since.
fn commit() -> Result<String> {
    let git = |arguments: &[&str]| -> Result<String> {
        Ok(String::from_utf8(Command::new("git").args(arguments).output()?.stdout)?)
    };
    let commit = git(&["rev-parse", "--short=10", "HEAD"])?.trim().to_owned();
    let is_clean = git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Ok(if is_clean { commit } else { format!("{commit} with changes") })
}

/// Returns the first field of that name in a file of `/proc`.
fn field(text: &str, name: &str) -> Option<String> {
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    fields
        .filter(|(found, _)| found.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
        .next()
}

fn gib(meminfo: &str) -> Option<f64> {
    let kib: u32 = field(meminfo, "MemTotal")?.strip_suffix(" kB")?.parse().ok()?;
    Some(f64::from(kib) / 1024.0 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_name() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 3:1\nmodel name\t: Another\n";
        assert_eq!(field(text, "model name").as_deref(), Some("Some CPU @ 3:1"));
        assert_eq!(field(text, "model"), None);
    }

    #[test]
    fn memory_is_read_in_gib() {
        assert_eq!(gib("MemTotal:        3145728 kB\nMemFree: 1 kB\n"), Some(3.0));
    }
}
