//! What the kernel tells of processes, read from `/proc`.

use std::fs;

/// A process as the kernel sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// `R` running, `S` sleeping, `T` stopped, `Z` ended but not collected …
    pub state: char,
    /// The parent's process id.
    pub parent: u32,
    /// When it started, in clock ticks since boot: with the id it names one process for good.
    pub start: u64,
}

/// Looks at process `pid`; `None` if there is none.
pub(crate) fn look(pid: u32) -> Option<Seen> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Parses a line of `/proc/PID/stat`; the command in it may hold blanks and parentheses.
fn parse(stat: &str) -> Option<Seen> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(Seen {
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
    })
}

/// Whether the process that had `pid` and began at `start` still runs (or is stopped).
pub(crate) fn runs(pid: u32, start: u64) -> bool {
    look(pid).is_some_and(|seen| seen.start == start && seen.state != 'Z')
}

/// The memory process `pid` holds, in MiB; 0 if there is none.
pub fn memory_mib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// The living descendants of process `pid`, parents before children.
pub(crate) fn descendants(pid: u32) -> Vec<u32> {
    let all: Vec<(u32, Seen)> =
        processes().filter_map(|p| Some((p, look(p)?))).filter(|(_, s)| s.state != 'Z').collect();
    let mut found = vec![pid];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(all.iter().filter(|(_, seen)| seen.parent == parent).map(|(p, _)| *p));
        next += 1;
    }
    found.split_off(1)
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat_is_parsed_whatever_the_command_is_called() {
        let line = "7 (a) b (c)) T 3 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 99 4 5 6";
        assert_eq!(parse(line), Some(Seen { state: 'T', parent: 3, start: 99 }));
        assert_eq!(parse("7 (a) T 3"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn a_process_is_known_by_its_id_and_start() {
        let own = std::process::id();
        let seen = look(own).unwrap();
        assert!(runs(own, seen.start));
        assert!(!runs(own, seen.start + 1), "another process with the same id");
        assert!(memory_mib(own) > 0);
        assert_eq!(look(u32::MAX), None);
    }
}
