//! One server of the cluster, and everything that can be done to it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use mysql::{Conn, OptsBuilder};

use super::connects::{Connects, connects};
use super::options::{APP, Credentials, DATABASE, Options};
use super::server::Identity;
use crate::address::Block;
use crate::process::{self, Process, User};
use crate::run_dir::RunDir;

/// MariaDB takes no less.
const LOWEST_MAX_CONNECTIONS: u32 = 10;

/// Where a stopped node's data stand, as `uuid:sequence number`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position(String);

impl Position {
    pub(super) fn sequence(&self) -> i64 {
        self.0
            .rsplit_once(':')
            .and_then(|(_, number)| number.parse().ok())
            .unwrap_or(-1)
    }
}

/// A server of the cluster.
#[derive(Debug)]
pub struct Node {
    identity: Identity,
    options: Options,
    user: User,
    process: Mutex<Option<Process>>,
    incarnation: AtomicU32,
    root_password: Mutex<Option<&'static str>>,
    /// Connections that do nothing but take up room.
    filling: Mutex<Vec<Conn>>,
    run: Arc<RunDir>,
}

impl Node {
    /// A node without data, in `folder` of the run.
    pub(super) fn create(
        run: &Arc<RunDir>,
        block: &Block,
        options: &Options,
        index: usize,
        folder: &str,
    ) -> Result<Self> {
        let host = |index: usize| block.address(index as u8 + 1).to_string();
        let user = User::named("mysql")?;
        let base = run.folder(folder, &user)?;
        run.folder(&format!("{folder}/tmp"), &user)?;
        let members: Vec<String> = (0..options.nodes)
            .map(|index| format!("{}:4567", host(index)))
            .collect();
        Ok(Self {
            identity: Identity {
                name: format!("node{}", index + 1),
                host: host(index),
                port: block.mysql_port(),
                members: members.join(","),
                base,
            },
            options: options.clone(),
            user,
            process: Mutex::new(None),
            incarnation: AtomicU32::new(0),
            root_password: Mutex::new(None),
            filling: Mutex::new(Vec::new()),
            run: run.clone(),
        })
    }

    /// `host:port`, as amm names it.
    pub fn id(&self) -> String {
        format!("{}:{}", self.identity.host, self.identity.port)
    }

    /// Its address.
    pub fn host(&self) -> &str {
        &self.identity.host
    }

    /// Its port, the same for all nodes.
    pub fn port(&self) -> u16 {
        self.identity.port
    }

    /// Its Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.identity.socket()
    }

    /// Its error log, over all starts.
    pub fn error_log(&self) -> PathBuf {
        self.identity.error_log()
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.identity.data()
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

    /// How many times it was started; the number its connection log carries.
    pub fn incarnation(&self) -> u32 {
        self.incarnation.load(Ordering::Relaxed)
    }

    /// Who connected since its `incarnation`th start, in its own words.
    pub fn connects(&self, incarnation: u32) -> Result<Connects> {
        connects(&self.identity.connect_log(incarnation))
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

    /// Starts it after [`Self::kill9`] or [`Self::shutdown`] and waits until it
    /// is synced. It recovers its position first, as systemd's unit does, so
    /// that it needs only what it missed.
    pub fn start(&self) -> Result<()> {
        let position = self.recover()?;
        self.launch_from(&position)?;
        self.wait_synced(self.options.start_timeout)
    }

    /// A connection as root through the socket. Answers are waited for 5 s.
    pub fn root(&self) -> Result<Conn> {
        let password = *self
            .root_password
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let options = OptsBuilder::new()
            .socket(Some(self.socket().to_string_lossy()))
            .user(Some("root"))
            .pass(password)
            .read_timeout(Some(Duration::from_secs(5)))
            .write_timeout(Some(Duration::from_secs(5)));
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
                    self.filling
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(held);
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
        self.filling
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.set_max_connections(self.options.max_connections)
    }

    pub(super) fn set_root_password(&self, password: &'static str) {
        *self
            .root_password
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(password);
    }

    /// Starts the process as the first of a new cluster.
    pub(super) fn bootstrap(&self) -> Result<()> {
        self.run_server(&["--wsrep-new-cluster".into()])
    }

    /// Starts it as the first of a cluster that was wholly down.
    pub(super) fn bootstrap_from(&self, position: &Position) -> Result<()> {
        let state = self.identity.data().join("grastate.dat");
        let text = std::fs::read_to_string(&state)?;
        std::fs::write(
            &state,
            text.replace("safe_to_bootstrap: 0", "safe_to_bootstrap: 1"),
        )?;
        self.run_server(&[
            "--wsrep-new-cluster".into(),
            format!("--wsrep-start-position={}", position.0),
        ])
    }

    /// Starts the process as a further member; does not wait.
    pub(super) fn launch(&self) -> Result<()> {
        self.run_server(&[])
    }

    pub(super) fn launch_from(&self, position: &Position) -> Result<()> {
        self.run_server(&[format!("--wsrep-start-position={}", position.0)])
    }

    /// Lets InnoDB recover and reads where it stands.
    pub(super) fn recover(&self) -> Result<Position> {
        if self.is_running() {
            bail!("{} is still running", self.id());
        }
        let log = self.identity.base.join("recover.log");
        let _ = std::fs::remove_file(&log);
        let mut command: Command = self.identity.command(&self.options, &self.user)?;
        command
            .arg("--wsrep-recover")
            .arg(format!("--log-error={}", log.display()));
        process::output(&self.run, &format!("recovering {}", self.id()), command)?;
        let said = std::fs::read_to_string(&log)?;
        let position = said
            .lines()
            .rev()
            .find_map(|line| line.split_once("Recovered position: "))
            .with_context(|| format!("{} does not say its position:\n{said}", self.id()))?;
        Ok(Position(position.1.trim().into()))
    }

    fn run_server(&self, arguments: &[String]) -> Result<()> {
        let mut slot = self.process();
        if slot
            .as_ref()
            .is_some_and(|process| matches!(process.ended(), Ok(None)))
        {
            bail!("{} is already running", self.id());
        }
        let incarnation = self.incarnation.fetch_add(1, Ordering::Relaxed) + 1;
        let mut command = self.identity.command(&self.options, &self.user)?;
        command
            .args([
                "--plugin-load-add=server_audit",
                "--server-audit-logging=ON",
            ])
            .args([
                "--server-audit-events=CONNECT",
                "--server-audit-file-rotate-size=1000000000",
            ])
            .arg(format!(
                "--server-audit-file-path={}",
                self.identity.connect_log(incarnation).display()
            ))
            .args(arguments);
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

    /// The end of its error log, for messages.
    pub fn last_words(&self) -> String {
        let log = std::fs::read(self.error_log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
