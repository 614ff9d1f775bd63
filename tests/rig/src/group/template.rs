//! The data folder all nodes of a run are copied from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::server;
use super::sid::Sid;
use crate::accounts::{APP, Credentials, DATABASE, PROBE, ROOT_PASSWORD};
use crate::address::Block;
use crate::process;
use crate::run_dir::RunDir;
use crate::server::Server;

/// Whom a joining member fetches what it missed as.
pub(super) const RECOVERY: Credentials = Credentials {
    user: "recovery",
    password: "recovery-secret",
};
/// The folder in the run.
const FOLDER: &str = "group-template";

/// One at a time: two groups of one run share the template.
static PREPARING: Mutex<()> = Mutex::new(());

/// The run's template, made by the first group that needs it: accounts and an
/// empty database, and no transaction in any binary log, so that all copies
/// begin at the same point.
pub(super) fn prepare(sid: &Sid, run: &Arc<RunDir>, block: &Block) -> Result<PathBuf> {
    let _one = PREPARING.lock().unwrap_or_else(PoisonError::into_inner);
    let done = run.path().join(FOLDER);
    if done.exists() {
        return Ok(done);
    }
    let server = Server::create(run, block, 1, &format!("{FOLDER}.new"), 10)?;
    let accounts = server.base().join("accounts.sql");
    fs::write(&accounts, statements().join(";\n") + ";\n")?;
    let initialise = server::initialise(sid, &server, &accounts);
    process::output(run, "mysqld --initialize", initialise)?;
    // Members with the same identity would not have each other.
    fs::remove_file(server.data().join("auto.cnf"))?;
    fs::rename(server.data(), &done)?;
    Ok(done)
}

/// Gives a server its own copy.
pub(super) fn copy(run: &RunDir, template: &Path, server: &Server) -> Result<()> {
    let mut copy = Command::new("cp");
    copy.args(["-a", "--reflink=auto"])
        .arg(template)
        .arg(server.data());
    process::output(run, "copying the data folder", copy).map(drop)
}

/// Waits until it takes root's login.
pub(super) fn wait_answering(server: &Server, timeout: Duration) -> Result<()> {
    let deadline = Instant::now() + timeout;
    while let Err(error) = server.root() {
        if !server.is_running() {
            bail!(
                "{} ended while starting:\n{}",
                server.id(),
                server.last_words()
            );
        }
        if Instant::now() > deadline {
            return Err(error).with_context(|| server.last_words());
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    Ok(())
}

/// Accounts and database, a line each.
fn statements() -> Vec<String> {
    let create = |account: Credentials| {
        let Credentials { user, password } = account;
        format!("CREATE USER {user}@'%' IDENTIFIED BY '{password}'")
    };
    // What probes must be allowed to read.
    let may_see_members = |account: Credentials| {
        format!(
            "GRANT SELECT ON performance_schema.replication_group_members TO {}@'%'",
            account.user
        )
    };
    vec![
        format!("CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4"),
        create(APP),
        format!("GRANT ALL ON {DATABASE}.* TO {}@'%'", APP.user),
        create(PROBE),
        // The application probes with its own account where it names no other.
        may_see_members(APP),
        may_see_members(PROBE),
        create(RECOVERY),
        format!(
            "GRANT REPLICATION SLAVE, CONNECTION_ADMIN, BACKUP_ADMIN, GROUP_REPLICATION_STREAM \
             ON *.* TO {}@'%'",
            RECOVERY.user
        ),
        format!("ALTER USER root@localhost IDENTIFIED BY '{ROOT_PASSWORD}'"),
    ]
}
