//! The command line of one `mysqld`.

use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::options::Options;
use super::sid::{Sid, argument};
use crate::server::Server;

/// All groups of all rigs: their addresses keep them apart.
const GROUP: &str = "5eed0000-0000-4000-8000-000000000001";

/// The least that a server with only system tables can do with, so that three
/// fit beside everything else; the same in template and nodes where it shapes
/// files.
const SMALL: [&str; 22] = [
    "--innodb-buffer-pool-size=32M",
    "--innodb-redo-log-capacity=16M",
    "--innodb-log-buffer-size=1M",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-read-io-threads=1",
    "--innodb-write-io-threads=1",
    "--innodb-purge-threads=1",
    "--innodb-page-cleaners=1",
    "--innodb-io-capacity=2000",
    "--sync-binlog=0",
    "--key-buffer-size=1M",
    "--table-open-cache=200",
    "--table-definition-cache=400",
    "--thread-cache-size=16",
    "--temptable-max-ram=2M",
    "--mysqlx=OFF",
    "--replica-parallel-workers=2",
    "--performance-schema-digests-size=0",
    "--performance-schema-events-statements-history-long-size=0",
    "--performance-schema-max-digest-length=0",
    "--performance-schema-max-sql-text-length=0",
    "--performance-schema-error-size=0",
];

/// The server's record of connections, among all that they ask; a new file for
/// every start, since connection ids begin anew.
pub(super) fn connect_log(server: &Server, incarnation: u32) -> PathBuf {
    server.base().join(format!("general-{incarnation}.log"))
}

/// A server that fills `server`'s data folder, runs `statements`, and ends.
pub(super) fn initialise(sid: &Sid, server: &Server, statements: &Path) -> Command {
    let mut command = base(sid, server);
    command
        .args(["--initialize-insecure", "--disable-log-bin"])
        .arg(argument("init-file", statements))
        .args(SMALL);
    command
}

/// A server that can be a member, and starts as none.
pub(super) fn member(
    sid: &Sid,
    server: &Server,
    options: &Options,
    number: usize,
    single_primary: bool,
    xcom: &[SocketAddrV4],
    incarnation: u32,
) -> Command {
    let seeds: Vec<String> = xcom.iter().map(SocketAddrV4::to_string).collect();
    let on = |flag: bool| if flag { "ON" } else { "OFF" };
    let host = server.host();
    let mut command = base(sid, server);
    command
        .args(SMALL)
        .arg(format!("--bind-address={host}"))
        .arg(format!("--port={}", server.port()))
        .arg(format!("--max-connections={}", options.max_connections))
        .arg(format!("--server-id={number}"))
        .arg(format!("--report-host={host}"))
        .arg(format!("--report-port={}", server.port()))
        .arg("--general-log=ON")
        .arg(argument(
            "general-log-file",
            &connect_log(server, incarnation),
        ))
        .args([
            "--skip-name-resolve",
            "--gtid-mode=ON",
            "--enforce-gtid-consistency=ON",
            "--relay-log-recovery=ON",
            "--log-bin=binlog",
            "--relay-log=relay",
            "--plugin-load-add=group_replication.so",
        ])
        .args([
            "--loose-group-replication-start-on-boot=OFF",
            "--loose-group-replication-bootstrap-group=OFF",
            "--loose-group-replication-recovery-get-public-key=ON",
            "--loose-group-replication-ip-allowlist=127.0.0.0/8",
            "--loose-group-replication-recovery-reconnect-interval=1",
            "--loose-group-replication-message-cache-size=134217728",
        ])
        .args([
            format!("--loose-group-replication-group-name={GROUP}"),
            format!(
                "--loose-group-replication-local-address={}",
                seeds[number - 1]
            ),
            format!("--loose-group-replication-group-seeds={}", seeds.join(",")),
            format!(
                "--loose-group-replication-single-primary-mode={}",
                on(single_primary)
            ),
            format!(
                "--loose-group-replication-enforce-update-everywhere-checks={}",
                on(!single_primary)
            ),
            format!(
                "--loose-group-replication-member-expel-timeout={}",
                options.expel_timeout.as_secs()
            ),
            format!(
                "--loose-group-replication-unreachable-majority-timeout={}",
                options.majority_timeout.as_secs()
            ),
            format!(
                "--loose-group-replication-autorejoin-tries={}",
                options.autorejoin_tries
            ),
        ]);
    command
}

fn base(sid: &Sid, server: &Server) -> Command {
    let mut command = sid.mysqld(server.user());
    command
        .current_dir(server.base())
        // Debian's own default is a folder of the machine's.
        .arg("--secure-file-priv=NULL")
        .arg(argument("datadir", &server.data()))
        .arg(argument("socket", &server.socket()))
        .arg(argument("pid-file", &server.base().join("mysql.pid")))
        .arg(argument("tmpdir", &server.base().join("tmp")));
    command
}
