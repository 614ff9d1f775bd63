//! The folder that holds everything of one run: data, sockets, logs, pid files.
//!
//! It is removed with its last handle. What a killed rig left behind is found
//! by the next one: the owner holds a lock on `owner.lock` for as long as it
//! lives, and every process started has its pid and start time in `pids/`.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};

use crate::{interrupt, process};

const PREFIX: &str = "amm-rig-";
const OWNER: &str = "owner.lock";
/// Set in the rig's own environment: folders of finished runs stay.
const KEEP: &str = "AMM_RIG_KEEP";
/// Set in the environment of everything that is started, so that children of
/// children are found as well.
pub(crate) const MARK: &str = "AMM_RIG_RUN";

static LIVE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// One run's folder.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    kept: AtomicBool,
    _owner: File,
}

impl RunDir {
    /// Makes a new folder, after clearing away what dead runs left.
    pub fn create() -> Result<Arc<Self>> {
        if !rustix::process::geteuid().is_root() {
            bail!("the rig starts servers under their own users and so has to be run as root");
        }
        interrupt::install()?;
        clear_dead_runs();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("{PREFIX}{}-{number}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        fs::create_dir(path.join("pids"))?;
        let owner = File::create(path.join("owner.new"))?;
        flock(&owner, FlockOperation::NonBlockingLockExclusive)
            .context("cannot lock the run folder")?;
        fs::rename(path.join("owner.new"), path.join(OWNER))?;
        live().push(path.clone());
        let kept = AtomicBool::new(std::env::var_os(KEEP).is_some());
        Ok(Arc::new(Self {
            path,
            kept,
            _owner: owner,
        }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A subfolder owned by `user`, created if it is not there.
    pub fn folder(&self, name: &str, user: &process::User) -> Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        std::os::unix::fs::chown(&path, Some(user.uid), Some(user.gid))?;
        Ok(path)
    }

    /// Leaves the folder where it is when this is dropped (its processes end
    /// all the same), so that the logs of a failure can be read.
    pub fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        // The thread that was interrupted does it, and then ends the process.
        while interrupt::ending() {
            std::thread::park();
        }
        live().retain(|path| *path != self.path);
        if self.kept.load(Ordering::Relaxed) {
            kill_all(&self.path);
            let _ = fs::remove_file(self.path.join(OWNER));
        } else {
            clear(&self.path);
        }
    }
}

fn live() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends all runs of this process: for the way out of an interrupted rig.
pub(crate) fn clear_live_runs() {
    for path in std::mem::take(&mut *live()) {
        clear(&path);
    }
}

fn clear_dead_runs() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(owner) = File::open(entry.path().join(OWNER)) else {
            continue;
        };
        if flock(&owner, FlockOperation::NonBlockingLockExclusive).is_ok() {
            eprintln!("clearing {} of a run that is gone", entry.path().display());
            clear(&entry.path());
        }
    }
}

fn clear(path: &Path) {
    kill_all(path);
    if let Err(error) = fs::remove_dir_all(path) {
        // A server that was just killed may still have been writing.
        std::thread::sleep(std::time::Duration::from_millis(200));
        if fs::remove_dir_all(path).is_err() && path.exists() {
            eprintln!("cannot remove {}: {error}", path.display());
        }
    }
}

fn kill_all(path: &Path) {
    let recorded = fs::read_dir(path.join("pids"))
        .into_iter()
        .flatten()
        .flatten();
    for entry in recorded {
        let pid = entry.file_name().to_string_lossy().parse::<i32>();
        let started = fs::read_to_string(entry.path());
        if let (Ok(pid), Ok(started)) = (pid, started) {
            process::kill_group(pid, started.trim());
        }
    }
    process::kill_marked(path);
}
