//! The data folder all nodes of a run are copied from, and what is created in
//! a new cluster.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use mysql::prelude::Queryable;

use super::options::Options;
use super::{Node, server};
use crate::accounts::{APP, DATABASE, PROBE, ROOT_PASSWORD};
use crate::address::Block;
use crate::process;
use crate::run_dir::RunDir;

/// One at a time: two clusters of one run share the template.
static PREPARING: Mutex<()> = Mutex::new(());

/// The run's template, made by the first cluster that needs it: a data folder
/// that was the only node of a cluster for a moment, and so holds a position
/// all its copies can go on from.
pub(super) fn prepare(run: &Arc<RunDir>, block: &Block) -> Result<PathBuf> {
    let _one = PREPARING.lock().unwrap_or_else(PoisonError::into_inner);
    let done = run.path().join("template");
    if done.exists() {
        return Ok(done);
    }
    let alone = Options {
        nodes: 1,
        ..Options::default()
    };
    let node = Node::create(run, block, &alone, 0, "template.new")?;
    let mut install = Command::new(process::program("mariadb-install-db")?);
    install
        .arg("--no-defaults")
        // Minimal systems cannot look up their own name; nothing here needs it.
        .arg("--force")
        .arg("--user=mysql")
        .arg(format!("--datadir={}", node.data().display()))
        .args([
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-log-bin",
        ])
        .args(["--skip-name-resolve", server::REDO_LOG]);
    process::output(run, "mariadb-install-db", install)?;
    node.bootstrap()?;
    node.wait_synced(alone.start_timeout)?;
    create_accounts(&node)?;
    node.shutdown()?;
    // Each node makes these anew.
    for name in ["galera.cache", "gvwstate.dat"] {
        let _ = fs::remove_file(node.data().join(name));
    }
    fs::rename(node.data(), &done)?;
    Ok(done)
}

/// Gives a node its own copy.
pub(super) fn copy(run: &RunDir, template: &Path, node: &Node) -> Result<()> {
    let mut copy = Command::new("cp");
    copy.args(["-a", "--reflink=auto"])
        .arg(template)
        .arg(node.data());
    process::output(run, "copying the data folder", copy).map(drop)
}

/// The accounts and the database of a new cluster.
fn create_accounts(node: &Node) -> Result<()> {
    let mut root = node.root()?;
    for statement in [
        // Whoever comes by the network is an application, never root.
        "DELETE FROM mysql.global_priv WHERE User IN ('root', '') AND Host != 'localhost'".into(),
        "FLUSH PRIVILEGES".into(),
        format!("CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4"),
        format!(
            "CREATE USER {}@'%' IDENTIFIED BY '{}'",
            APP.user, APP.password
        ),
        format!("GRANT ALL ON {DATABASE}.* TO {}@'%'", APP.user),
        format!(
            "CREATE USER {}@'%' IDENTIFIED BY '{}'",
            PROBE.user, PROBE.password
        ),
        format!("ALTER USER root@localhost IDENTIFIED BY '{ROOT_PASSWORD}'"),
    ] {
        root.query_drop(&statement)
            .with_context(|| statement.clone())?;
    }
    Ok(())
}
