//! A node that refuses connections costs a host one failed dial, counted where
//! the dials arrive.

use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use amm_rig::fpm::Fpm;
use amm_rig::galera::{APP, Galera, Options};
use amm_rig::load::{Load, LoadOptions};
use amm_rig::nginx::Nginx;
use amm_rig::php::{Php, PhpOptions};
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result};
use mysql::prelude::Queryable;

/// Accepts, resets, counts.
struct Resetting {
    dials: Arc<AtomicUsize>,
    port: u16,
}

impl Resetting {
    fn start(address: std::net::Ipv4Addr) -> Result<Self> {
        let listener = TcpListener::bind((address, 0))?;
        let port = listener.local_addr()?.port();
        let dials = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&dials);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                let linger = libc::linger {
                    l_onoff: 1,
                    l_linger: 0,
                };
                // SAFETY: a live socket and an option of the size that is said.
                unsafe {
                    libc::setsockopt(
                        stream.as_raw_fd(),
                        libc::SOL_SOCKET,
                        libc::SO_LINGER,
                        (&raw const linger).cast(),
                        size_of::<libc::linger>() as libc::socklen_t,
                    );
                }
            }
        });
        Ok(Self { dials, port })
    }

    fn dials(&self) -> usize {
        self.dials.load(Ordering::SeqCst)
    }
}

fn extension() -> PathBuf {
    let named = std::env::var_os("AMM_LIB").map(PathBuf::from);
    named.unwrap_or_else(|| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/release/libamm.so")
    })
}

fn page(run: &Arc<RunDir>) -> Result<PathBuf> {
    let path = run.path().join("write.php");
    std::fs::write(&path, include_str!("pages/write.php"))?;
    Ok(path)
}

#[test]
fn a_node_that_resets_costs_the_host_one_dial_and_no_request() -> Result<()> {
    let run = RunDir::create()?;
    let cluster = Galera::start_in(run.clone(), Options::default())?;
    cluster
        .node(0)
        .connect(APP, Duration::from_secs(5))?
        .query_drop("CREATE TABLE written (token VARCHAR(64) PRIMARY KEY)")?;
    let trap = Resetting::start(cluster.block().address(200))?;
    let mut nodes: Vec<String> = cluster.nodes().iter().map(|n| n.id()).collect();
    nodes.push(format!("{}:{}", cluster.block().address(200), trap.port));
    // Nothing probes, and no trial comes due within the test: every connection
    // that arrives is a dial of PHP's.
    let config = serde_json::json!({
        "flavour": "galera",
        "writers": "spread",
        "nodes": nodes,
        "backoff": { "base": "10m", "max": "10m" },
    });
    let config_file = run.path().join("cluster.json");
    std::fs::write(&config_file, config.to_string())?;
    let php = Php::prepare(
        &run,
        PhpOptions {
            extension: Some(extension()),
            ini: vec![("amm.monitor".into(), "\"off\"".into())],
            env: vec![("AMM_TEST_CONFIG".into(), config_file.display().to_string())],
        },
    )?;
    let fpm = Fpm::start(&run, &php, 16)?;
    let nginx = Nginx::start(&run, cluster.block(), &fpm, &page(&run)?)?;

    // One request after the other until one has met the trap.
    let slowly = LoadOptions {
        rate: 20.0,
        ..LoadOptions::orders(nginx.address(), 20.0)
    };
    let load = Load::start(slowly)?;
    let began = std::time::Instant::now();
    while trap.dials() == 0 {
        anyhow::ensure!(
            began.elapsed() < Duration::from_secs(10),
            "nobody met the trap"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let first = load.finish()?;
    // Then all sixteen workers at once, for a while.
    let load = Load::start(LoadOptions::orders(nginx.address(), 200.0))?;
    std::thread::sleep(Duration::from_secs(4));
    let rest = load.finish()?;

    let failed: Vec<_> = first
        .iter()
        .chain(&rest)
        .filter(|r| !r.succeeded())
        .collect();
    let example = failed.first().map(|r| (r.status, &r.answer));
    assert!(
        failed.is_empty(),
        "{} of {} failed: {example:?}",
        failed.len(),
        rest.len()
    );
    assert!(rest.len() > 600, "only {} requests", rest.len());
    println!(
        "one_failed_dial: requests={} failed=0 dials_at_the_dead_node={}",
        first.len() + rest.len(),
        trap.dials()
    );
    assert_eq!(trap.dials(), 1);
    let workers = fpm.workers().context("workers")?.len();
    assert_eq!(workers, 16);
    Ok(())
}
