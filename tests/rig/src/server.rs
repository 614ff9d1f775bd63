//! One database server's process, with what can be done to it whatever it
//! replicates by: signals, an orderly end, connections.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};

use crate::accounts::{APP, Credentials, DATABASE};
use crate::address::Block;
use crate::process::{Process, User};
use crate::run_dir::RunDir;

/// MariaDB takes no less.
const LOWEST_MAX_CONNECTIONS: u32 = 10;

/// A server, running or not.
#[derive(Debug)]
pub struct Server {
    host: String,
    port: u16,
    base: PathBuf,
    user: User,
    process: Mutex<Option<Process>>,
    incarnation: AtomicU32,
    root_password: Mutex<Option<&'static str>>,
    max_connections: u32,
    /// Connections that do nothing but take up room.
    filling: Mutex<Vec<Conn>>,
    run: Arc<RunDir>,
}

impl Server {
    /// A server without data on the block's `number`th address, counted from 1,
    /// in `folder` of the run, that is started with this `max_connections`.
    pub(crate) fn create(
        run: &Arc<RunDir>,
        block: &Block,
        number: u8,
        folder: &str,
        max_connections: u32,
    ) -> Result<Self> {
        let user = User::named("mysql")?;
        let base = run.folder(folder, &user)?;
        run.folder(&format!("{folder}/tmp"), &user)?;
        Ok(Self {
            host: block.address(number).to_string(),
            port: block.mysql_port(),
            base,
            user,
            process: Mutex::new(None),
            incarnation: AtomicU32::new(0),
            root_password: Mutex::new(None),
            max_connections,
            filling: Mutex::new(Vec::new()),
            run: run.clone(),
        })
    }

    /// `host:port`, as amm names it.
    pub fn id(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Its address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port, the same for all nodes of a cluster.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder with everything of its own.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Its Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.base.join("mysql.sock")
    }

    /// Its error log, over all starts.
    pub fn error_log(&self) -> PathBuf {
        self.base.join("error.log")
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.base.join("data")
    }

    /// Whom it runs as.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// The run it belongs to.
    pub fn run(&self) -> &Arc<RunDir> {
        &self.run
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<i32> {
        self.process().as_ref().map(Process::pid)
    }

    /// Whether its process is there (a stopped one is).
    pub fn is_running(&self) -> bool {
        self.process()
            .as_ref()
            .is_some_and(|process| matches!(process.ended(), Ok(None)))
    }

    /// How many times it was started.
    pub fn incarnation(&self) -> u32 {
        self.incarnation.load(Ordering::Relaxed)
    }

    /// SIGKILL, and waits until the process is gone.
    pub fn kill9(&self) -> Result<()> {
        let process = self.process().take().ok_or_else(|| self.not_running())?;
        process.signal(libc::SIGKILL)?;
        process.wait(Duration::from_secs(10)).map(drop)
    }

    /// SIGSTOP: the node hangs, its sockets stay open.
    pub fn stop(&self) -> Result<()> {
        self.signal(libc::SIGSTOP)?;
        // The signal is under way until every thread has noticed.
        std::thread::sleep(Duration::from_millis(5));
        Ok(())
    }

    /// SIGCONT.
    pub fn cont(&self) -> Result<()> {
        self.signal(libc::SIGCONT)
    }

    /// An orderly shutdown: the node says good-bye to the cluster.
    pub fn shutdown(&self) -> Result<()> {
        let process = self.process().take().ok_or_else(|| self.not_running())?;
        process.signal(libc::SIGTERM)?;
        process.wait(Duration::from_secs(60)).map(drop)
    }

    /// A connection as root through the socket. Answers are waited for 5 s.
    pub fn root(&self) -> Result<Conn> {
        self.root_waiting(Duration::from_secs(5))
    }

    /// The same, whose answers are waited for as long as `patience`.
    pub fn root_waiting(&self, patience: Duration) -> Result<Conn> {
        let password = *self
            .root_password
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let options = OptsBuilder::new()
            .socket(Some(self.socket().to_string_lossy()))
            .user(Some("root"))
            .pass(password)
            .read_timeout(Some(patience))
            .write_timeout(Some(patience));
        Conn::new(options).with_context(|| format!("cannot log in to {} as root", self.id()))
    }

    /// A connection over TCP with one of the accounts, on [`DATABASE`].
    /// `patience` bounds the dial and every answer.
    pub fn connect(&self, account: Credentials, patience: Duration) -> Result<Conn, mysql::Error> {
        Conn::new(self.address(account, patience))
    }

    /// What such a connection is made from.
    pub fn address(&self, account: Credentials, patience: Duration) -> OptsBuilder {
        OptsBuilder::new()
            .ip_or_hostname(Some(self.host()))
            .tcp_port(self.port())
            .prefer_socket(false)
            .user(Some(account.user))
            .pass(Some(account.password))
            .db_name(Some(DATABASE))
            .tcp_connect_timeout(Some(patience))
            .read_timeout(Some(patience))
            .write_timeout(Some(patience))
    }

    /// `SET GLOBAL max_connections`.
    pub fn set_max_connections(&self, most: u32) -> Result<()> {
        self.set_global(&format!("max_connections = {most}"))
    }

    /// Lowers `max_connections` as far as it goes and takes what others give
    /// back, until the server has said nothing but 1040 for a while.
    pub fn fill(&self) -> Result<()> {
        self.set_max_connections(LOWEST_MAX_CONNECTIONS)?;
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut refusals = 0;
        while refusals < 20 {
            match self.connect(APP, Duration::from_secs(2)) {
                Ok(held) => {
                    refusals = 0;
                    self.filling().push(held);
                }
                Err(mysql::Error::MySqlError(error)) if error.code == 1040 => refusals += 1,
                Err(error) => return Err(error.into()),
            }
            if Instant::now() > deadline {
                bail!("{} does not get full", self.id());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Undoes [`Self::fill`].
    pub fn empty(&self) -> Result<()> {
        self.filling().clear();
        self.set_max_connections(self.max_connections)
    }

    /// The end of its error log, for messages.
    pub fn last_words(&self) -> String {
        let log = std::fs::read(self.error_log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }

    /// `SET GLOBAL`, as root.
    pub(crate) fn set_global(&self, assignment: &str) -> Result<()> {
        self.root()?
            .query_drop(format!("SET GLOBAL {assignment}"))
            .with_context(|| format!("SET GLOBAL {assignment} on {}", self.id()))
    }

    pub(crate) fn set_root_password(&self, password: &'static str) {
        *self
            .root_password
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(password);
    }

    /// Starts what `command` gives for this start's number; does not wait.
    pub(crate) fn launch(&self, command: impl FnOnce(u32) -> Result<Command>) -> Result<()> {
        let mut slot = self.process();
        if slot
            .as_ref()
            .is_some_and(|process| matches!(process.ended(), Ok(None)))
        {
            bail!("{} is already running", self.id());
        }
        let incarnation = self.incarnation.fetch_add(1, Ordering::Relaxed) + 1;
        let command = command(incarnation)?;
        let log = self.error_log();
        let server = Process::spawn(&self.run, &self.id(), command, libc::SIGKILL, &log)?;
        *slot = Some(server);
        Ok(())
    }

    fn signal(&self, signal: i32) -> Result<()> {
        self.process()
            .as_ref()
            .ok_or_else(|| self.not_running())?
            .signal(signal)
    }

    fn not_running(&self) -> anyhow::Error {
        anyhow!("{} is not running", self.id())
    }

    fn filling(&self) -> MutexGuard<'_, Vec<Conn>> {
        self.filling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
