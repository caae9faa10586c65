//! What the system lets this process use: open files and processors.

use std::{fs, path::Path, time::Duration};

use astralform_domain::limits;
use astralform_surface::Machine;
use rustix::{
    process::{Resource, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
};

/// Files that are open beside connections: database, log, spool, key file, event loops.
const FILES: u64 = 128;

/// Raises the limit of open files as far as the system allows, and returns it.
pub(crate) fn raise_file_limit() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if setrlimit(Resource::Nofile, limit).is_err() {
            limit = getrlimit(Resource::Nofile);
        }
    }
    limit.current.unwrap_or(u64::MAX)
}

/// Returns how many connections can be served where so many files can be open. Each may need one
/// to a provider beside its own.
pub(crate) fn seats(files: u64) -> usize {
    let left = files.saturating_sub(FILES + limits::IDLE_WAY_OUT.value);
    usize::try_from(left / 2).unwrap_or(usize::MAX).clamp(16, limits::SEATS.count())
}

/// Returns the processors that this process may use.
pub(crate) fn processors() -> Machine {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let all = u64::try_from(cores).unwrap_or(1) * 1_000;
    let millicores = quota().map_or(all, |quota| quota.min(all)).max(100);
    Machine {
        millicores,
        used: || time_of(ClockId::ProcessCPUTime),
        used_by_thread: || time_of(ClockId::ThreadCPUTime),
    }
}

fn time_of(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec);
    let nanos = u32::try_from(time.tv_nsec);
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

/// Returns how much of the processors the control groups of this process leave it, in thousandths
/// of one; nothing where they leave it all.
fn quota() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    quota_in(&groups, Path::new("/sys/fs/cgroup"))
}

fn quota_in(groups: &str, root: &Path) -> Option<u64> {
    let found = groups.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let path = path.trim_start_matches('/');
        if controllers.is_empty() {
            return lowest(root, path, unified);
        }
        let has_cpu = controllers.split(',').any(|controller| controller == "cpu");
        let mounted = has_cpu.then(|| [controllers, "cpu"].map(|name| root.join(name)))?;
        mounted.iter().find_map(|mount| lowest(mount, path, by_period))
    });
    found.min()
}

/// Returns the lowest quota of a group and those that it is in.
fn lowest(mount: &Path, path: &str, read: fn(&Path) -> Option<u64>) -> Option<u64> {
    let group = mount.join(path);
    group.ancestors().take_while(|at| at.starts_with(mount)).filter_map(read).min()
}

/// Reads version 2: `cpu.max` has quota and period, or `max`.
fn unified(group: &Path) -> Option<u64> {
    let text = fs::read_to_string(group.join("cpu.max")).ok()?;
    let (quota, period) = text.trim().split_once(' ')?;
    thousandths(quota, period)
}

/// Reads version 1: two files, and -1 where there is no quota.
fn by_period(group: &Path) -> Option<u64> {
    let quota = fs::read_to_string(group.join("cpu.cfs_quota_us")).ok()?;
    let period = fs::read_to_string(group.join("cpu.cfs_period_us")).ok()?;
    thousandths(&quota, &period)
}

fn thousandths(quota: &str, period: &str) -> Option<u64> {
    let (quota, period): (u64, u64) = (quota.trim().parse().ok()?, period.trim().parse().ok()?);
    (quota * 1_000).checked_div(period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x1_seats_follow_from_the_limit_of_open_files() {
        assert_eq!(seats(1_048_576), limits::SEATS.count());
        assert_eq!(seats(u64::MAX), limits::SEATS.count());
        let few = u64::try_from(seats(1_024)).unwrap();
        assert!(few >= 300 && 2 * few + FILES + limits::IDLE_WAY_OUT.value <= 1_024, "{few}");
        assert_eq!(seats(10), 16);
    }

    #[test]
    fn x1_the_soft_limit_of_open_files_is_raised_to_the_hard_one() {
        let limit = raise_file_limit();
        assert_eq!(getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX), limit);
    }

    fn write(root: &Path, group: &str, name: &str, text: &str) {
        let group = root.join(group);
        fs::create_dir_all(&group).unwrap();
        fs::write(group.join(name), text).unwrap();
    }

    #[test]
    fn x4_the_quota_of_a_control_group_is_known_in_both_versions() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "cpu,cpuacct/a", "cpu.cfs_quota_us", "50000\n");
        write(root.path(), "cpu,cpuacct/a", "cpu.cfs_period_us", "100000\n");
        write(root.path(), "cpu,cpuacct/a/b", "cpu.cfs_quota_us", "-1\n");
        write(root.path(), "cpu,cpuacct/a/b", "cpu.cfs_period_us", "100000\n");
        write(root.path(), "one/two", "cpu.max", "150000 100000\n");
        write(root.path(), "one", "cpu.max", "max 100000\n");
        let quota = |groups| quota_in(groups, root.path());
        assert_eq!(quota("5:memory:/a\n4:cpu,cpuacct:/a/b\n0::/\n"), Some(500));
        assert_eq!(quota("0::/one/two\n"), Some(1_500));
        assert_eq!(quota("0::/one\n"), None);
        assert_eq!(quota("4:cpu,cpuacct:/elsewhere\n"), None);
    }
}
