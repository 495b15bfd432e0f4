//! How much of its memory limit does the control group use? Linux, versions 1 and 2.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::health::message::Message;

/// Reports a warning if the process's control group uses `percent` of its memory limit or more: the
/// kernel ends a process at 100 %. The data have `used_bytes` and `limit_bytes`. For a check that
/// is a plain `fn`.
///
/// The use is the working set, as Kubernetes counts it: without pages of files that the kernel can
/// drop at any time. Of several limits (a container in a pod, a service in a slice) the one that is
/// closest to being reached counts. Without a limit, and on other systems than Linux, the check is
/// well and has no data.
///
/// ```
/// use dockerflow::{Message, health::checks, health_check};
///
/// #[health_check]
/// fn memory() -> Message {
///     checks::memory::control_group(90)
/// }
/// ```
pub fn control_group(percent: u8) -> Message {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    of(Path::new("/sys/fs/cgroup"), &groups, percent)
}

/// `groups` is the content of `/proc/self/cgroup`.
fn of(root: &Path, groups: &str, percent: u8) -> Message {
    let Some(used) = closest(root, groups) else {
        return Message::ok();
    };
    let share = used.bytes * 100 / used.limit.max(1);
    let message = if share >= u64::from(percent) {
        let text = format!(
            "{} of {} MiB of memory are in use: {share} %, the limit of the check is {percent} %",
            used.bytes >> 20,
            used.limit >> 20
        );
        Message::warning("dockerflow.health.memory", text)
    } else {
        Message::ok()
    };
    message
        .with("used_bytes", used.bytes)
        .with("limit_bytes", used.limit)
}

struct Used {
    bytes: u64,
    limit: u64,
}

/// The names of the files of one version.
struct Names {
    limit: &'static str,
    usage: &'static str,
    /// The line of `memory.stat` that counts pages of files that have not been used lately.
    inactive: &'static str,
}

const VERSION_1: Names = Names {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    inactive: "total_inactive_file",
};
const VERSION_2: Names = Names {
    limit: "memory.max",
    usage: "memory.current",
    inactive: "inactive_file",
};

/// Returns the use of the group, or of the one above it, that is closest to its limit.
fn closest(root: &Path, groups: &str) -> Option<Used> {
    let mut all = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let (root, names) = if controllers.is_empty() {
            (root.to_owned(), VERSION_2)
        } else if controllers.split(',').any(|one| one == "memory") {
            (root.join("memory"), VERSION_1)
        } else {
            continue;
        };
        // In a container the path may be the host's, which is not there: then the root is the group.
        let mut group: PathBuf = root.join(path.trim_start_matches('/'));
        loop {
            all.extend(used(&group, &names).ok().flatten());
            if group == root || !group.pop() {
                break;
            }
        }
    }
    all.into_iter()
        .max_by_key(|used| used.bytes * 1000 / used.limit.max(1))
}

/// Returns the use of one group; `None` if it has no limit.
fn used(group: &Path, names: &Names) -> io::Result<Option<Used>> {
    /// Version 1 expresses "no limit" as a number larger than any machine's memory.
    const NONE: u64 = 1 << 60;
    let number = |name| fs::read_to_string(group.join(name)).map(|text| text.trim().parse::<u64>());
    let Some(limit) = number(names.limit)?.ok().filter(|limit| *limit < NONE) else {
        return Ok(None); // "max"
    };
    let usage = number(names.usage)?.map_err(io::Error::other)?;
    let stat = fs::read_to_string(group.join("memory.stat"))?;
    let inactive = stat.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        (name == names.inactive).then(|| value.trim().parse::<u64>().ok())?
    });
    Ok(Some(Used {
        bytes: usage.saturating_sub(inactive.unwrap_or_default()),
        limit,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::level::Level;

    const MIB: u64 = 1 << 20;

    fn write(group: &Path, names: &Names, limit: &str, usage: u64, inactive: u64) {
        fs::create_dir_all(group).expect("a directory");
        let stat = format!("anon 1\n{} {inactive}\nslab 2\n", names.inactive);
        for (name, text) in [
            (names.limit, limit.to_owned()),
            (names.usage, format!("{usage}\n")),
            ("memory.stat", stat),
        ] {
            fs::write(group.join(name), text).expect("a file");
        }
    }

    fn mib(count: u64) -> String {
        format!("{}\n", count * MIB)
    }

    #[test]
    fn the_working_set_of_both_versions_is_compared_with_the_limit() {
        for (groups, folder, names) in [
            ("0::/\n", "", &VERSION_2),
            ("0::/app.slice/web\n", "app.slice/web", &VERSION_2),
            (
                "12:cpu,cpuacct:/x\n4:memory:/docker/1\n0::/\n",
                "memory/docker/1",
                &VERSION_1,
            ),
            // The host's path, in a container.
            ("4:memory:/docker/1\n", "memory", &VERSION_1),
        ] {
            let root = tempfile::tempdir().expect("a directory");
            let group = root.path().join(folder);
            write(&group, names, &mib(100), 95 * MIB, 20 * MIB);
            assert_eq!(of(root.path(), groups, 90).level(), Level::Ok, "{groups}");
            write(&group, names, &mib(100), 95 * MIB, 4 * MIB);
            let message = of(root.path(), groups, 90);
            assert_eq!(message.level(), Level::Warning, "{groups}");
            assert!(
                message
                    .text()
                    .starts_with("91 of 100 MiB of memory are in use: 91 %"),
                "{message:?}"
            );
        }
    }

    #[test]
    fn a_limit_further_up_counts_if_it_is_closer_and_no_limit_is_well() {
        let root = tempfile::tempdir().expect("a directory");
        let slice = root.path().join("app.slice");
        write(&slice.join("web"), &VERSION_2, "max\n", 50 * MIB, 0);
        assert_eq!(of(root.path(), "0::/app.slice/web\n", 1).level(), Level::Ok);
        write(&slice, &VERSION_2, &mib(100), 99 * MIB, 0);
        assert_eq!(
            of(root.path(), "0::/app.slice/web\n", 90).level(),
            Level::Warning
        );
        write(
            &root.path().join("memory"),
            &VERSION_1,
            "9223372036854771712\n",
            50 * MIB,
            0,
        );
        assert_eq!(of(root.path(), "4:memory:/\n", 1).level(), Level::Ok);
        assert_eq!(of(root.path(), "nonsense\n", 1).level(), Level::Ok);
    }
}
