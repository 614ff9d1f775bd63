//! The rig itself: what the other tests build on is really there.

use std::time::{Duration, Instant};

use amm_rig::galera::{APP, Galera, Options, PROBE};
use anyhow::{Context, Result};
use mysql::prelude::Queryable;

const PATIENCE: Duration = Duration::from_secs(5);

fn errno(error: &mysql::Error) -> Option<u16> {
    match error {
        mysql::Error::MySqlError(server) => Some(server.code),
        _ => None,
    }
}

#[test]
fn a_cluster_survives_its_faults() -> Result<()> {
    let began = Instant::now();
    let cluster = Galera::start(Options::default())?;
    eprintln!("three nodes up in {:?}", began.elapsed());
    let connect = |index: usize| cluster.node(index).connect(APP, PATIENCE);

    // What one node commits, the others have.
    connect(0)?.query_drop("CREATE TABLE t (id INT PRIMARY KEY, at VARCHAR(40))")?;
    connect(1)?.query_drop("INSERT INTO t VALUES (1, @@hostname)")?;
    let mut third = connect(2)?;
    third.query_drop("SET wsrep_sync_wait = 1")?;
    assert_eq!(third.query_first("SELECT COUNT(*) FROM t")?, Some(1));
    cluster
        .node(1)
        .connect(PROBE, PATIENCE)
        .map(drop)
        .expect_err("probe has no right on shop");

    // A killed node's last connections are in its log, still open.
    let victim = cluster.node(0);
    let mut open = connect(0)?;
    let id: u64 = open
        .query_first("SELECT CONNECTION_ID()")?
        .context("no connection id")?;
    victim.kill9()?;
    let seen = victim.connects(1)?;
    assert!(seen.open.contains(&id), "{id} is not open in {seen:?}");
    assert!(connect(0).is_err());
    cluster.wait_size(2, Duration::from_secs(10))?;
    connect(1)?.query_drop("INSERT INTO t VALUES (2, @@hostname)")?;
    let rejoin = Instant::now();
    victim.start()?;
    eprintln!("a killed node is back after {:?}", rejoin.elapsed());
    assert_eq!(connect(0)?.query_first("SELECT COUNT(*) FROM t")?, Some(2));

    // A demoted node refuses the application's writes.
    cluster.node(1).set_read_only(true)?;
    let refused = connect(1)?
        .query_drop("INSERT INTO t VALUES (3, 'x')")
        .unwrap_err();
    assert_eq!(errno(&refused), Some(1290));
    cluster.node(1).set_read_only(false)?;
    connect(1)?.query_drop("INSERT INTO t VALUES (3, 'x')")?;

    // An isolated node answers, but touches no table.
    cluster.node(2).isolate(true)?;
    let deadline = Instant::now() + Duration::from_secs(10);
    while cluster.node(2).state()?.primary {
        assert!(Instant::now() < deadline, "the isolated node stays primary");
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut isolated = connect(2).or_else(|_| cluster.node(2).connect(PROBE, PATIENCE));
    if let Ok(isolated) = &mut isolated {
        let refused = isolated.query_drop("SELECT * FROM shop.t").unwrap_err();
        assert_eq!(errno(&refused), Some(1047));
    }
    cluster.node(2).isolate(false)?;
    cluster.node(2).wait_synced(Duration::from_secs(20))?;

    // A stopped node is still there and says nothing.
    cluster.node(1).stop()?;
    let hung = Instant::now();
    assert!(
        cluster
            .node(1)
            .connect(APP, Duration::from_secs(1))
            .is_err()
    );
    assert!(hung.elapsed() >= Duration::from_millis(900));
    cluster.node(1).cont()?;
    cluster.node(1).wait_synced(Duration::from_secs(20))?;

    // A cluster that was wholly down comes back with everything.
    for node in cluster.nodes() {
        node.kill9()?;
    }
    cluster.restart_all(Duration::from_secs(60))?;
    assert_eq!(connect(2)?.query_first("SELECT COUNT(*) FROM t")?, Some(3));
    Ok(())
}
