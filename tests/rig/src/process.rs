//! Child processes that cannot outlive the rig.
//!
//! Each is the leader of a process group of its own (a Ctrl-C in the terminal
//! reaches the rig alone, which then ends them in order), is recorded in the
//! run folder, is killed when its handle is dropped, and gets a signal from the
//! kernel when the rig dies. That last signal is bound to the *thread* that
//! started the child, so all children are started by one thread that never ends.

use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::interrupt;
use crate::run_dir::{MARK, RunDir};

/// A system user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Main group's id.
    pub gid: u32,
}

impl User {
    /// Looks a user up in the system's password file.
    pub fn named(name: &str) -> Result<Self> {
        let users = fs::read_to_string("/etc/passwd").context("cannot read the user list")?;
        for line in users.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if let [login, _, uid, gid, ..] = fields[..]
                && login == name
            {
                return Ok(Self {
                    name: name.into(),
                    uid: uid.parse()?,
                    gid: gid.parse()?,
                });
            }
        }
        bail!("there is no user {name}: run tests/install.sh first")
    }
}

/// A running child.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: i32,
    child: Mutex<Child>,
    record: PathBuf,
}

impl Process {
    /// Starts `command` in `run`, with its output appended to `log`.
    /// `on_orphaned` is the signal it gets if the rig dies.
    pub fn spawn(
        run: &RunDir,
        name: &str,
        mut command: Command,
        on_orphaned: i32,
        log: &Path,
    ) -> Result<Self> {
        let output = fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        Self::spawn_piped(run, name, command, on_orphaned)
    }

    /// The same with the command's own standard streams.
    pub fn spawn_piped(
        run: &RunDir,
        name: &str,
        mut command: Command,
        on_orphaned: i32,
    ) -> Result<Self> {
        command.env(MARK, run.path()).process_group(0);
        bind_to_rig(&mut command, on_orphaned);
        let child = spawn(command).with_context(|| format!("cannot start {name}"))?;
        let pid = child.id() as i32;
        let record = run.path().join("pids").join(pid.to_string());
        fs::write(&record, start_time(pid).unwrap_or_default())?;
        Ok(Self {
            name: name.into(),
            pid,
            child: Mutex::new(child),
            record,
        })
    }

    /// Its process id, also its group's.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Takes the pipes to its standard input and output, if it has any.
    pub fn pipes(
        &self,
    ) -> (
        Option<std::process::ChildStdin>,
        Option<std::process::ChildStdout>,
    ) {
        let mut child = self.child();
        (child.stdin.take(), child.stdout.take())
    }

    /// Sends `signal` to the process itself, not to its group.
    pub fn signal(&self, signal: i32) -> Result<()> {
        let mut child = self.child();
        if let Some(status) = child.try_wait()? {
            bail!("{} has ended ({status})", self.name);
        }
        // SAFETY: kill has no memory effects; the pid is our unreaped child's.
        if unsafe { libc::kill(self.pid, signal) } != 0 {
            return Err(std::io::Error::last_os_error())
                .with_context(|| format!("cannot signal {}", self.name));
        }
        Ok(())
    }

    /// Its exit status, if it has ended.
    pub fn ended(&self) -> Result<Option<ExitStatus>> {
        Ok(self.child().try_wait()?)
    }

    /// Waits for its end.
    pub fn wait(&self, timeout: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!("{} has not ended within {timeout:?}", self.name);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SAFETY: as above; a negative pid names the group, which is ours alone.
        unsafe {
            libc::kill(-self.pid, libc::SIGTERM);
            libc::kill(-self.pid, libc::SIGKILL);
        }
        let _ = self.child().wait();
        let _ = fs::remove_file(&self.record);
    }
}

/// How a status reads in a message.
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no status".into(),
    }
}

/// Runs `command` to its end in `run`'s name and returns its output; an error
/// that quotes the output if it fails.
pub fn output(run: &RunDir, what: &str, command: Command) -> Result<Output> {
    let output = finished(run, what, command)?;
    if !output.status.success() {
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        bail!(
            "{what} failed with {}\n{}\n{}",
            describe(output.status),
            said(&output.stdout),
            said(&output.stderr)
        );
    }
    Ok(output)
}

/// The same, whatever its exit code.
pub fn finished(run: &RunDir, what: &str, mut command: Command) -> Result<Output> {
    command.env(MARK, run.path()).stdin(Stdio::null());
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    bind_to_rig(&mut command, libc::SIGKILL);
    let child = spawn(command).with_context(|| format!("cannot start {what}"))?;
    Ok(child.wait_with_output()?)
}

/// The processes whose parent is `pid`.
pub fn children(pid: i32) -> Result<Vec<i32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Ok(child) = entry.file_name().to_string_lossy().parse::<i32>() else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let parent = stat
            .rsplit_once(") ")
            .and_then(|(_, rest)| rest.split(' ').nth(1));
        if parent.and_then(|parent| parent.parse().ok()) == Some(pid) {
            found.push(child);
        }
    }
    Ok(found)
}

/// Runs a child as another user, without that user's environment.
pub fn as_user(program: &str, user: &User) -> Command {
    let mut command = Command::new(program);
    command.uid(user.uid).gid(user.gid);
    command
}

/// Finds an installed program, also where only root's path leads.
pub fn program(name: &str) -> Result<PathBuf> {
    [
        "/usr/sbin",
        "/usr/bin",
        "/usr/local/sbin",
        "/usr/local/bin",
        "/sbin",
        "/bin",
    ]
    .iter()
    .map(|folder| Path::new(folder).join(name))
    .find(|path| path.exists())
    .with_context(|| format!("{name} is not installed: run tests/install.sh first"))
}

fn bind_to_rig(command: &mut Command, signal: i32) {
    // SAFETY: prctl is async-signal-safe and takes no pointers here. It runs
    // after the change of user, which would clear what it sets.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, signal as libc::c_ulong) != 0 {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        });
    }
}

type Order = (Command, Sender<std::io::Result<Child>>);

fn spawn(command: Command) -> Result<Child> {
    static SPAWNER: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();
    if interrupt::ending() {
        bail!("the rig is ending");
    }
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in inbox {
                let _ = reply.send(command.spawn());
            }
        });
        Mutex::new(orders)
    });
    let (reply, answer) = channel();
    spawner
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .send((command, reply))
        .map_err(|_| anyhow!("the thread that starts processes is gone"))?;
    Ok(answer.recv()??)
}

/// When a process was started, in the kernel's ticks: with the pid, its identity.
pub fn start_time(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    after_name.split_whitespace().nth(19).map(str::to_owned)
}

/// Kills the group led by `pid` if that is still the process started then.
pub(crate) fn kill_group(pid: i32, started: &str) {
    if started.is_empty() || start_time(pid).as_deref() != Some(started) {
        return;
    }
    // SAFETY: kill has no memory effects; the group is one a rig made.
    unsafe { libc::kill(-pid, libc::SIGKILL) };
    wait_gone(pid);
}

/// Kills every process that carries the mark of the run in `folder`.
pub(crate) fn kill_marked(folder: &Path) {
    let mark = format!("{MARK}={}", folder.display());
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else {
            continue;
        };
        let Ok(environment) = fs::read(entry.path().join("environ")) else {
            continue;
        };
        let marked = environment
            .split(|byte| *byte == 0)
            .any(|var| var == mark.as_bytes());
        if marked && pid != std::process::id() as i32 {
            // SAFETY: as above; the mark says a rig started it.
            unsafe { libc::kill(pid, libc::SIGKILL) };
            wait_gone(pid);
        }
    }
}

fn wait_gone(pid: i32) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        // A zombie holds nothing any more; its parent reaps it.
        match fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat)
                if !stat
                    .rsplit_once(") ")
                    .is_some_and(|(_, rest)| rest.starts_with('Z')) => {}
            _ => return,
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
