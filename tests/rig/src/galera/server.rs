//! The command line of one `mariadbd`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::options::Options;
use crate::process::{self, program};
use crate::server::Server;

/// Small enough to be written in no time; the same in template and nodes.
pub(super) const REDO_LOG: &str = "--innodb-log-file-size=16M";

const PROVIDERS: [&str; 4] = [
    "/usr/lib/galera/libgalera_smm.so",
    "/usr/lib/galera-4/libgalera_smm.so",
    "/usr/lib/libgalera_smm.so",
    "/usr/lib64/galera-4/libgalera_smm.so",
];

/// What tells one member from another, beside its server.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) members: String,
}

/// The server's record of connections; a new file for every start, since
/// connection ids begin anew.
pub(super) fn connect_log(server: &Server, incarnation: u32) -> PathBuf {
    server.base().join(format!("connects-{incarnation}.log"))
}

impl Identity {
    /// `mariadbd` with everything but what differs from start to start.
    ///
    /// The redo log is written at every commit and synced once a second: the
    /// faults here kill processes, not machines.
    pub(super) fn command(&self, server: &Server, options: &Options) -> Result<Command> {
        let provider = PROVIDERS
            .iter()
            .find(|path| Path::new(path).exists())
            .context("galera-4 is not installed: run tests/install.sh first")?;
        let host = server.host();
        let program = program("mariadbd")?;
        let mut command = process::as_user(&program.to_string_lossy(), server.user());
        command
            .current_dir(server.base())
            .arg("--no-defaults")
            .arg(format!("--datadir={}", server.data().display()))
            .arg(format!("--socket={}", server.socket().display()))
            .arg(format!(
                "--pid-file={}",
                server.base().join("mysql.pid").display()
            ))
            .arg(format!("--tmpdir={}", server.base().join("tmp").display()))
            .arg(format!("--bind-address={host}"))
            .arg(format!("--port={}", server.port()))
            .arg(format!("--max-connections={}", options.max_connections))
            .args([
                REDO_LOG,
                "--innodb-buffer-pool-size=48M",
                "--innodb-flush-log-at-trx-commit=2",
            ])
            .args([
                "--innodb-autoinc-lock-mode=2",
                "--binlog-format=ROW",
                "--performance-schema=OFF",
            ])
            .args([
                "--skip-name-resolve",
                "--character-set-server=utf8mb4",
                "--log-warnings=2",
            ])
            .args([
                "--wsrep-on=ON",
                "--wsrep-sst-method=rsync",
                "--wsrep-slave-threads=2",
            ])
            .arg(format!("--wsrep-provider={provider}"))
            .arg("--wsrep-cluster-name=rig")
            .arg(format!("--wsrep-cluster-address=gcomm://{}", self.members))
            .arg(format!("--wsrep-node-name={}", self.name))
            .arg(format!("--wsrep-node-address={host}"))
            .arg(format!(
                "--wsrep-node-incoming-address={host}:{}",
                server.port()
            ))
            .arg(format!("--wsrep-sst-receive-address={host}:4444"))
            .arg(format!(
                "--wsrep-provider-options=base_host={host};base_port=4567;\
                 gmcast.listen_addr=tcp://{host}:4567;ist.recv_addr={host}:4568;\
                 gcache.size=32M;{}",
                options.detection()
            ))
            .args(&options.extra);
        Ok(command)
    }
}
