//! Processes as the kernel sees them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// What a process has used so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// `utime + stime`, in ticks of 10 ms.
    pub ticks: u64,
    /// Time on a processor, all threads together.
    pub cpu: Duration,
    /// Times that each thread gave the processor up by itself, by thread id.
    pub waits: BTreeMap<i32, u64>,
}

impl Used {
    /// What was used since `earlier`: ticks, time, and the threads that ran.
    pub fn since(&self, earlier: &Self) -> (u64, Duration, usize) {
        let ran = self
            .waits
            .iter()
            .filter(|(id, waits)| earlier.waits.get(id) != Some(waits));
        (
            self.ticks - earlier.ticks,
            self.cpu.saturating_sub(earlier.cpu),
            ran.count(),
        )
    }
}

/// The process's use of processors.
pub fn used(pid: i32) -> Result<Used> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat
        .rsplit_once(") ")
        .context("no stat")?
        .1
        .split(' ')
        .collect();
    let number = |at: usize| -> Result<u64> { Ok(fields.get(at).context("short stat")?.parse()?) };
    let mut used = Used {
        ticks: number(11)? + number(12)?,
        cpu: Duration::ZERO,
        waits: BTreeMap::new(),
    };
    for (id, _) in threads(pid)? {
        let folder = format!("/proc/{pid}/task/{id}");
        let schedule = fs::read_to_string(format!("{folder}/schedstat"))?;
        let nanos = schedule
            .split(' ')
            .next()
            .context("no schedstat")?
            .parse()?;
        used.cpu += Duration::from_nanos(nanos);
        let status = fs::read_to_string(format!("{folder}/status"))?;
        let waits = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
            .context("no context switches")?;
        used.waits.insert(id, waits.trim().parse()?);
    }
    Ok(used)
}

/// Its threads, id and name.
pub fn threads(pid: i32) -> Result<Vec<(i32, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        found.push((
            entry.file_name().to_string_lossy().parse()?,
            name.trim().to_owned(),
        ));
    }
    Ok(found)
}

/// How many of its threads are called `name`.
pub fn threads_named(pid: i32, name: &str) -> Result<usize> {
    Ok(threads(pid)?.iter().filter(|(_, its)| its == name).count())
}

/// Sends a signal.
pub fn signal(pid: i32, signal: i32) -> Result<()> {
    // SAFETY: kill has no memory effects; the pid is of a process of the test's.
    let sent = unsafe { libc::kill(pid, signal) } == 0;
    ensure!(
        sent,
        "cannot signal {pid}: {}",
        std::io::Error::last_os_error()
    );
    Ok(())
}

/// Its children, as far as they are there while one looks.
pub fn children(pid: i32) -> Vec<i32> {
    let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let listed = listed.unwrap_or_default();
    listed
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// Whether it is there, and more than a zombie.
pub fn is_alive(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z"))
}

/// Bytes that `host:port` has sent to the process and it has not read.
pub fn unread(pid: i32, host: &str, port: u16) -> Result<u64> {
    let host: std::net::Ipv4Addr = host.parse()?;
    let peer = format!("{:08X}:{port:04X}", u32::from(host).swap_bytes());
    let sockets: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))?
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter_map(|target| inode(&target))
        .collect();
    let mut bytes = 0;
    for line in fs::read_to_string("/proc/net/tcp")?.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, _, remote, _, queues, _, _, _, _, inode, ..] = fields[..] else {
            continue;
        };
        if remote == peer && sockets.iter().any(|its| its == inode) {
            let (_, unread) = queues.split_once(':').context("no queues")?;
            bytes += u64::from_str_radix(unread, 16)?;
        }
    }
    Ok(bytes)
}

fn inode(link: &Path) -> Option<String> {
    let text = link.to_string_lossy();
    let inode = text.strip_prefix("socket:[")?.strip_suffix(']')?;
    Some(inode.to_owned())
}
