//! A control group that gives the product a share of one core.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::Result;

/// A control group while it is there. Its processes have to have ended before this is dropped.
pub(crate) struct HalfCore {
    folder: PathBuf,
    version: Version,
}

/// Which interface the system has for the processor's share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// How much of each period its processes may run, in microseconds.
const QUOTA: u32 = 50_000;
const PERIOD: u32 = 100_000;

const WHY: &str = "the product has to run on half a core, and no control group of its own could be \
                   made for it: run this as root on a machine whose cpu controller (cgroup v1 or v2) \
                   is mounted writable, or with --whole-core, whose figures compare with nothing";

impl HalfCore {
    /// Makes one below that of this process.
    pub(crate) fn make() -> Result<Self> {
        let mounts = fs::read_to_string("/proc/mounts")?;
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let places = places(&mounts, &own);
        let mut faults = Vec::new();
        for (folder, version) in places {
            match Self::at(&folder, version) {
                Ok(made) => return Ok(made),
                Err(fault) => faults.push(fault.to_string()),
            }
        }
        Err(format!("{WHY} ({})", faults.join("; ")).into())
    }

    fn at(parent: &Path, version: Version) -> Result<Self> {
        let folder = parent.join(format!("astralform-abuse-{}", std::process::id()));
        fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let made = Self { folder, version };
        match version {
            Version::One => {
                made.set("cpu.cfs_period_us", &PERIOD.to_string())?;
                made.set("cpu.cfs_quota_us", &QUOTA.to_string())?;
            }
            Version::Two => made.set("cpu.max", &format!("{QUOTA} {PERIOD}"))?,
        }
        Ok(made)
    }

    fn set(&self, file: &str, value: &str) -> Result<()> {
        let file = self.folder.join(file);
        fs::write(&file, value).map_err(|error| format!("{}: {error}", file.display()).into())
    }

    /// Returns the file that a process writes its id to in order to join.
    pub(crate) fn members(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    /// Returns whether a process has joined.
    pub(crate) fn holds(&self, process: u32) -> bool {
        let members = fs::read_to_string(self.members()).unwrap_or_default();
        members.lines().any(|line| line == process.to_string())
    }

    /// Returns for how many seconds its processes have waited so far because their share was used
    /// up, all threads together.
    pub(crate) fn waited(&self) -> io::Result<f64> {
        let stat = fs::read_to_string(self.folder.join("cpu.stat"))?;
        let (name, per_milli) = match self.version {
            Version::One => ("throttled_time ", 1_000_000),
            Version::Two => ("throttled_usec ", 1_000),
        };
        let found = stat.lines().find_map(|line| line.strip_prefix(name)?.parse::<u64>().ok());
        let millis = u32::try_from(found.unwrap_or(0) / per_milli).unwrap_or(u32::MAX);
        Ok(f64::from(millis) / 1e3)
    }
}

impl Drop for HalfCore {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Returns where a control group for the processor can be made, the likeliest place first.
fn places(mounts: &str, own: &str) -> Vec<(PathBuf, Version)> {
    let mut found = Vec::new();
    for mount in mounts.lines() {
        let mut fields = mount.split(' ').skip(1);
        let (Some(at), Some(kind), Some(options)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let has_cpu = options.split(',').any(|option| option == "cpu");
        match kind {
            "cgroup" if has_cpu => {
                found.push((below(at, own_path(own, Some("cpu"))), Version::One));
            }
            "cgroup2" => {
                // Processes may be in the leaves alone, so it stands beside our own.
                let own = below(at, own_path(own, None));
                let parent = own.parent().filter(|parent| parent.starts_with(at)).unwrap_or(&own);
                found.push((parent.to_owned(), Version::Two));
            }
            _ => {}
        }
    }
    found.sort_by_key(|(_, version)| *version == Version::Two);
    found
}

/// Returns the control group of this process: of a controller, or of the unified hierarchy.
fn own_path<'a>(own: &'a str, controller: Option<&str>) -> &'a str {
    let path = own.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let is_it = match controller {
            Some(wanted) => controllers.split(',').any(|name| name == wanted),
            None => controllers.is_empty(),
        };
        is_it.then_some(path)
    });
    path.unwrap_or("/")
}

fn below(mount: &str, path: &str) -> PathBuf {
    Path::new(mount).join(path.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_version_is_found_by_its_controller() {
        let mounts = "cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0\n\
                      cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n\
                      cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n";
        let own = "3:cpuset:/x\n2:cpu,cpuacct:/jobs/7\n0::/\n";
        let found = places(mounts, own);
        assert_eq!(found[0], ("/sys/fs/cgroup/cpu,cpuacct/jobs/7".into(), Version::One));
        assert_eq!(found[1], ("/sys/fs/cgroup/unified".into(), Version::Two));
    }

    #[test]
    fn of_the_second_version_it_stands_beside_our_own() {
        let mounts = "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n";
        let found = places(mounts, "0::/user.slice/session.scope\n");
        assert_eq!(found, [("/sys/fs/cgroup/user.slice".into(), Version::Two)]);
    }
}
