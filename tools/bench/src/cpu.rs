//! What processes have used, as Linux counts it.

use std::{fs, io, time::Duration};

/// Linux counts the CPU time of processes in hundredths of a second, whatever the machine.
const TICK: Duration = Duration::from_millis(10);

/// Returns the CPU time that processes have used until now, all their threads together.
pub(crate) fn used(processes: &[u32]) -> io::Result<Duration> {
    processes.iter().map(|id| stat(*id).map(|stat| stat.used)).sum()
}

/// Returns the processes that a process has started and that still run.
pub(crate) fn children(parent: u32) -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // One that has just ended is nobody's child.
        if stat(id).is_ok_and(|stat| stat.parent == parent) {
            found.push(id);
        }
    }
    Ok(found)
}

/// Returns the memory that a process holds, in bytes.
pub(crate) fn resident(process: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    bytes_in(&status, "VmRSS:").ok_or_else(|| io::Error::other("no VmRSS in its status"))
}

/// Returns the most memory that a process has held since it started, or since [`forget_peak`], in
/// bytes.
pub(crate) fn peak(process: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    bytes_in(&status, "VmHWM:").ok_or_else(|| io::Error::other("no VmHWM in its status"))
}

/// Has the most memory that a process has held counted anew.
pub(crate) fn forget_peak(process: u32) -> io::Result<()> {
    fs::write(format!("/proc/{process}/clear_refs"), "5")
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    used: Duration,
}

fn stat(process: u32) -> io::Result<Stat> {
    let line = fs::read_to_string(format!("/proc/{process}/stat"))?;
    parse(&line).ok_or_else(|| io::Error::other("its stat is not as expected"))
}

/// Reads `pid (name) state ppid …`, `utime` and `stime` as fields 14 and 15; the name may hold
/// anything.
fn parse(line: &str) -> Option<Stat> {
    let (_, rest) = line.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u32>().ok();
    Some(Stat { parent: number(4)?, used: TICK * (number(14)? + number(15)?) })
}

fn bytes_in(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_whatever_the_process_is_called() {
        let line = "42 (a ) b) S 7 42 42 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 4 0 9999 1 2 3";
        assert_eq!(parse(line), Some(Stat { parent: 7, used: Duration::from_secs(2) }));
        assert_eq!(parse("42 (a"), None);
        assert_eq!(parse("42 (a) S 7"), None);
    }

    #[test]
    fn resident_memory_is_read_in_bytes() {
        let status = "VmHWM:\t  9 kB\nVmRSS:\t  20480 kB\n";
        assert_eq!(bytes_in(status, "VmRSS:"), Some(20 * 1024 * 1024));
        assert_eq!(bytes_in("VmHWM:\t  9 kB\n", "VmRSS:"), None);
    }

    #[test]
    fn this_process_is_counted() {
        let id = std::process::id();
        assert!(used(&[id]).is_ok());
        assert!(resident(id).unwrap() > 0);
        forget_peak(id).unwrap();
        assert!(peak(id).unwrap() > 0);
    }
}
