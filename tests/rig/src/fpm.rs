//! php-fpm: the master as root, a static pool of workers as the pool's user,
//! as Debian sets it up.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::php::{POOL_USER, Php};
use crate::process::{self, Process};
use crate::run_dir::RunDir;

/// What a pool is like.
#[derive(Clone, Debug)]
pub struct FpmOptions {
    /// Workers, all of which are started at once.
    pub workers: usize,
    /// The user they run as.
    pub user: String,
    /// Folder and name, unlike between those of one run.
    pub name: String,
    /// Further lines of the `[global]` section.
    pub global: Vec<String>,
    /// Further lines of the pool's section.
    pub pool: Vec<String>,
}

impl FpmOptions {
    /// A pool of the usual user.
    pub fn new(workers: usize) -> Self {
        Self {
            workers,
            user: POOL_USER.into(),
            name: "fpm".into(),
            global: Vec::new(),
            pool: Vec::new(),
        }
    }
}

/// A running php-fpm. Dropping it kills master and workers.
#[derive(Debug)]
pub struct Fpm {
    process: Process,
    socket: PathBuf,
    log: PathBuf,
}

impl Fpm {
    /// Starts a pool of `workers` and waits until it accepts connections.
    pub fn start(run: &RunDir, php: &Php, workers: usize) -> Result<Self> {
        Self::start_with(run, php, &FpmOptions::new(workers))
    }

    /// The same with everything that can be said of a pool.
    pub fn start_with(run: &RunDir, php: &Php, options: &FpmOptions) -> Result<Self> {
        let folder = run.folder(&options.name, php.user())?;
        let (socket, log) = (folder.join("fpm.sock"), folder.join("fpm.log"));
        let config = folder.join("fpm.conf");
        fs::write(&config, configuration(php, options, &socket, &folder))?;
        let mut command = Command::new(binary(php)?);
        php.configure(&mut command);
        command
            .arg("--nodaemonize")
            .arg("--allow-to-run-as-root")
            .arg("-y")
            .arg(&config);
        let process = Process::spawn(run, "php-fpm", command, libc::SIGTERM, &log)?;
        let fpm = Self {
            process,
            socket,
            log,
        };
        fpm.wait_ready()?;
        Ok(fpm)
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its log, and what workers write to standard error.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The master's process id.
    pub fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// The workers' process ids.
    pub fn workers(&self) -> Result<Vec<i32>> {
        process::children(self.process.pid())
    }

    /// Ends all workers at once, as `kill -9` does; the master starts new ones.
    pub fn kill_workers(&self) -> Result<()> {
        for pid in self.workers()? {
            // SAFETY: kill has no memory effects; the master just listed it.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        Ok(())
    }

    /// A graceful reload (SIGUSR2): new master, new workers.
    pub fn reload(&self) -> Result<()> {
        self.process.signal(libc::SIGUSR2)
    }

    /// Sends the master a signal.
    pub fn signal(&self, signal: i32) -> Result<()> {
        self.process.signal(signal)
    }

    /// Waits for the master's end.
    pub fn wait(&self, timeout: Duration) -> Result<std::process::ExitStatus> {
        self.process.wait(timeout)
    }

    fn wait_ready(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while UnixStream::connect(&self.socket).is_err() {
            if let Some(status) = self.process.ended()? {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                bail!("php-fpm ended with {}:\n{log}", process::describe(status));
            }
            if Instant::now() > deadline {
                bail!("php-fpm does not listen on {}", self.socket.display());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

/// `php-fpm8.2` belongs to `php8.2`.
fn binary(php: &Php) -> Result<PathBuf> {
    process::program(&format!("php-fpm{}", php.version()))
        .or_else(|_| process::program("php-fpm"))
        .context("php-fpm of the same version as php is needed")
}

fn configuration(php: &Php, options: &FpmOptions, socket: &Path, folder: &Path) -> String {
    let FpmOptions { workers, user, .. } = options;
    let mut text = format!(
        "[global]\n\
         error_log = {log}\n\
         log_level = notice\n\
         daemonize = no\n\
         {global}\n\
         [www]\n\
         user = {user}\n\
         listen = {socket}\n\
         listen.owner = {POOL_USER}\n\
         listen.group = {POOL_USER}\n\
         listen.backlog = 4096\n\
         pm = static\n\
         pm.max_children = {workers}\n\
         catch_workers_output = yes\n\
         decorate_workers_output = no\n\
         clear_env = yes\n",
        log = folder.join("fpm.log").display(),
        global = options.global.join("\n"),
        socket = socket.display(),
    );
    for (name, value) in &php.options().env {
        text += &format!("env[{name}] = \"{value}\"\n");
    }
    text + &options.pool.join("\n") + "\n"
}
