//! The rig's Group Replication itself: what the other tests build on is really
//! there.

use std::time::{Duration, Instant};

use amm_rig::cluster::Cluster;
use amm_rig::galera::{APP, PROBE};
use amm_rig::group::{Group, Node, Options, Sid};
use anyhow::{Context, Result};
use mysql::prelude::Queryable;

const PATIENCE: Duration = Duration::from_secs(5);
/// Five seconds until a member is called unreachable, and what the vote takes.
const EXPELLED_WITHIN: Duration = Duration::from_secs(15);

fn errno(error: &mysql::Error) -> Option<u16> {
    match error {
        mysql::Error::MySqlError(server) => Some(server.code),
        _ => None,
    }
}

fn rows(node: &Node) -> Result<Option<u64>> {
    let mut app = node.connect(APP, PATIENCE)?;
    app.query_drop("SET group_replication_consistency = 'BEFORE'")?;
    Ok(app.query_first("SELECT COUNT(*) FROM t")?)
}

fn insert(node: &Node, id: u32) -> Result<Option<u16>> {
    let written = node
        .connect(APP, PATIENCE)?
        .query_drop(format!("INSERT INTO t VALUES ({id})"));
    match written {
        Ok(()) => Ok(None),
        Err(error) => Ok(Some(errno(&error).context(error)?)),
    }
}

/// Resident memory of a process, in MiB.
fn memory(node: &Node) -> Result<u64> {
    let pid = node.pid().context("it does not run")?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .and_then(|line| line.split_whitespace().next())
        .context("no VmRSS")?
        .parse()?;
    Ok(kib / 1024)
}

#[test]
#[cfg_attr(
    not(sid_mysql),
    ignore = "SKIPPED: no MySQL of sid's, see tests/sid.sh"
)]
fn a_group_survives_its_faults() -> Result<()> {
    let began = Instant::now();
    let group = Group::start(Options::multi_primary())?;
    let mut line = format!(
        "group_rig: {} up_ms={} rss_mib=",
        Sid::find()?.version()?,
        began.elapsed().as_millis()
    );
    for node in group.nodes() {
        line += &format!("{},", memory(node)?);
    }

    // What one node commits, the others have.
    let [first, second, third] = group.nodes() else {
        anyhow::bail!("not three nodes");
    };
    first
        .connect(APP, PATIENCE)?
        .query_drop("CREATE TABLE t (id INT PRIMARY KEY)")?;
    assert_eq!(insert(second, 1)?, None);
    assert_eq!(rows(third)?, Some(1));
    second
        .connect(PROBE, PATIENCE)
        .map(drop)
        .expect_err("probe has no right on shop");
    assert_eq!(group.primary()?, 0);

    // A killed node is gone from the group, and rejoins.
    first.kill9()?;
    let killed = Instant::now();
    group.wait_size(2, EXPELLED_WITHIN)?;
    line += &format!(" killed_expelled_ms={}", killed.elapsed().as_millis());
    assert_eq!(insert(second, 2)?, None);
    let rejoin = Instant::now();
    first.start()?;
    line += &format!(" rejoin_ms={}", rejoin.elapsed().as_millis());
    assert_eq!(rows(first)?, Some(2));

    // A demoted node, and one that has left, refuse writes.
    second.set_read_only(true)?;
    assert_eq!(insert(second, 3)?, Some(1290));
    second.set_read_only(false)?;
    assert_eq!(insert(second, 3)?, None);
    second.leave()?;
    assert_eq!(second.state()?.own_state(), "OFFLINE");
    assert_eq!(insert(second, 4)?, Some(1290));
    second.join()?;
    second.wait_online(PATIENCE)?;
    assert_eq!(insert(second, 4)?, None);

    // In offline mode nobody but administrators gets in.
    third.set_offline_mode(true)?;
    let refused = third.connect(APP, PATIENCE).map(drop).unwrap_err();
    assert_eq!(errno(&refused), Some(3032));
    third.set_offline_mode(false)?;

    // A stopped node is thrown out, and comes back by itself when it wakes.
    let expelled = group.expel(2, EXPELLED_WITHIN)?;
    line += &format!(" expelled_ms={}", expelled.as_millis());
    assert_eq!(insert(first, 5)?, None);
    third.cont()?;
    let woken = Instant::now();
    group.wait_size(3, Duration::from_secs(30))?;
    third.wait_online(Duration::from_secs(30))?;
    line += &format!(" back_ms={}", woken.elapsed().as_millis());
    assert_eq!(rows(third)?, Some(5));

    // Without a majority writes wait for ever, and reads go on.
    let seen = group.kill_all_but(1, EXPELLED_WITHIN)?;
    line += &format!(" no_quorum_seen_ms={}", seen.as_millis());
    assert!(!second.state()?.super_read_only);
    let mut stuck = second.connect(APP, Duration::from_secs(1))?;
    let error = stuck.query_drop("INSERT INTO t VALUES (6)").unwrap_err();
    assert_eq!(errno(&error), None, "an answer: {error}");
    assert_eq!(
        second
            .connect(APP, PATIENCE)?
            .query_first("SELECT COUNT(*) FROM t")?,
        Some(5)
    );

    // A group that was wholly down comes back with everything.
    second.kill9()?;
    let down = Instant::now();
    group.restart_all(Duration::from_secs(60))?;
    line += &format!(" restart_all_ms={}", down.elapsed().as_millis());
    let kept = rows(third)?;
    assert!(matches!(kept, Some(5 | 6)), "{kept:?}");
    println!("{line}");
    Ok(())
}
