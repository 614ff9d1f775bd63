//! One node of the group: a server, and what Group Replication adds to it.

use std::net::SocketAddrV4;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use mysql::Conn;
use mysql::prelude::Queryable;

use super::options::Options;
use super::sid::Sid;
use super::state::State;
use super::{server, template};
use crate::accounts::Credentials;
use crate::address::Block;
use crate::cluster;
use crate::connects::{self, Connects};
use crate::run_dir::RunDir;
use crate::server::Server;

/// Joining and leaving wait for the group.
const PATIENCE: Duration = Duration::from_secs(60);
/// `START GROUP_REPLICATION` where the node is in the group, or in error.
const ALREADY_STARTED: u16 = 3093;

/// A node: its [`Server`], and what only a group's servers have.
#[derive(Debug)]
pub struct Node {
    server: Server,
    number: usize,
    xcom: Vec<SocketAddrV4>,
    options: Options,
    sid: Sid,
    single_primary: AtomicBool,
}

impl Deref for Node {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Node {
    /// A node without data, in a folder of the run.
    pub(super) fn create(
        sid: &Sid,
        run: &Arc<RunDir>,
        block: &Block,
        options: &Options,
        index: usize,
    ) -> Result<Self> {
        let number = index + 1;
        // A run may hold several clusters: the address keeps them apart.
        let folder = block.address(number as u8).to_string();
        let members = 1..=options.nodes as u8;
        Ok(Self {
            server: Server::create(run, block, number as u8, &folder, options.max_connections)?,
            number,
            xcom: members.map(|member| block.xcom(member)).collect(),
            options: options.clone(),
            sid: sid.clone(),
            single_primary: AtomicBool::new(options.single_primary),
        })
    }

    /// Starts its server, which is then a member of nothing, and waits until
    /// it answers.
    pub fn start_server(&self) -> Result<()> {
        self.launch_server()?;
        template::wait_answering(&self.server, self.options.start_timeout)
    }

    /// Starts it after a kill or a shutdown, has it join the group and waits
    /// until it is online.
    pub fn start(&self) -> Result<()> {
        self.start_server()?;
        self.join()?;
        self.wait_online(self.options.start_timeout)
    }

    pub(super) fn launch_server(&self) -> Result<()> {
        self.launch(|incarnation| {
            let mut command = server::member(
                &self.sid,
                &self.server,
                &self.options,
                self.number,
                self.single_primary.load(Ordering::Relaxed),
                &self.xcom,
                incarnation,
            );
            command.args(&self.options.extra);
            Ok(command)
        })
    }

    /// Has it start as its group is now: another mode would be refused.
    pub(super) fn expect_multi_primary(&self) {
        self.single_primary.store(false, Ordering::Relaxed);
    }

    /// Tells it whom to fetch as what it misses when it joins. Kept in its data.
    pub(super) fn set_recovery_account(&self) -> Result<()> {
        let Credentials { user, password } = template::RECOVERY;
        Ok(self.root()?.query_drop(format!(
            "CHANGE REPLICATION SOURCE TO SOURCE_USER = '{user}', SOURCE_PASSWORD = '{password}' \
             FOR CHANNEL 'group_replication_recovery'"
        ))?)
    }

    /// `START GROUP_REPLICATION` as the first member of a new group.
    pub(super) fn bootstrap(&self) -> Result<()> {
        let mut root = self.root_waiting(PATIENCE)?;
        root.query_drop("SET GLOBAL group_replication_bootstrap_group = ON")?;
        let started = root.query_drop("START GROUP_REPLICATION");
        root.query_drop("SET GLOBAL group_replication_bootstrap_group = OFF")?;
        started.with_context(|| format!("{} forms no group:\n{}", self.id(), self.last_words()))
    }

    /// `START GROUP_REPLICATION`, again and again while the group still holds
    /// the member it was before. Does not wait until it is online.
    pub fn join(&self) -> Result<()> {
        let deadline = Instant::now() + self.options.start_timeout;
        let mut root = self.root_waiting(PATIENCE)?;
        loop {
            let Err(error) = root.query_drop("START GROUP_REPLICATION") else {
                return Ok(());
            };
            if let mysql::Error::MySqlError(error) = &error
                && error.code == ALREADY_STARTED
            {
                if self.state()?.is_online() {
                    return Ok(());
                }
                root.query_drop("STOP GROUP_REPLICATION")?;
            }
            if Instant::now() > deadline {
                return Err(error).with_context(|| {
                    format!("{} joins no group:\n{}", self.id(), self.last_words())
                });
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// `STOP GROUP_REPLICATION`: it leaves the group and is read-only.
    pub fn leave(&self) -> Result<()> {
        self.root_waiting(PATIENCE)?
            .query_drop("STOP GROUP_REPLICATION")
            .with_context(|| format!("{} does not leave its group", self.id()))
    }

    /// Waits until it is a member of a group with a majority.
    pub fn wait_online(&self, timeout: Duration) -> Result<()> {
        self.wait_for(timeout, "is not online", State::is_online)
    }

    /// Waits for a state of the node and its view of the group.
    pub fn wait_for(
        &self,
        timeout: Duration,
        what: &str,
        is_so: impl Fn(&State) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + timeout;
        loop {
            let state = self.state();
            if state.as_ref().is_ok_and(&is_so) {
                return Ok(());
            }
            if !self.is_running() {
                bail!("{} has ended:\n{}", self.id(), self.last_words());
            }
            if Instant::now() > deadline {
                return Err(match state {
                    Ok(state) => anyhow!("{} {what} in {timeout:?}: {state:?}", self.id()),
                    Err(error) => error.context(format!("{} does not answer", self.id())),
                })
                .with_context(|| self.last_words());
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// `SET GLOBAL super_read_only`, and read_only with it. Turning it on waits
    /// for running transactions.
    pub fn set_read_only(&self, on: bool) -> Result<()> {
        let (variable, value) = if on {
            ("super_read_only", 1)
        } else {
            // Takes super_read_only with it.
            ("read_only", 0)
        };
        self.set_global(&format!("{variable} = {value}"))
    }

    /// `SET GLOBAL group_replication_autorejoin_tries`: with 0 it stays out once
    /// it is expelled.
    pub fn set_autorejoin_tries(&self, tries: u32) -> Result<()> {
        self.set_global(&format!("group_replication_autorejoin_tries = {tries}"))
    }

    /// `SET GLOBAL offline_mode`: everybody but administrators is thrown out,
    /// and refused with 3032.
    pub fn set_offline_mode(&self, on: bool) -> Result<()> {
        self.set_global(&format!("offline_mode = {}", u8::from(on)))
    }
}

impl cluster::Node for Node {
    fn server(&self) -> &Server {
        &self.server
    }

    fn start(&self) -> Result<()> {
        self.start()
    }

    fn serves(&self) -> Result<bool> {
        self.state().map(|state| state.is_online())
    }

    fn wait_serving(&self, timeout: Duration) -> Result<()> {
        self.wait_online(timeout)
    }

    fn set_read_only(&self, on: bool) -> Result<()> {
        self.set_read_only(on)
    }

    fn detach(&self, on: bool) -> Result<()> {
        if on { self.leave() } else { self.join() }
    }

    fn connects(&self, incarnation: u32) -> Result<Connects> {
        connects::logged(&server::connect_log(&self.server, incarnation))
    }

    fn members_seen(&self, root: &mut Conn) -> Result<usize> {
        let seen: Option<usize> = root.query_first(
            "SELECT COUNT(*) FROM performance_schema.replication_group_members \
             WHERE MEMBER_STATE IN ('ONLINE', 'RECOVERING')",
        )?;
        seen.context("no members")
    }
}
