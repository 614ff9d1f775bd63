//! What the tests share: PHP processes that do as they are told, single
//! requests, and waiting for conditions.
#![allow(dead_code, reason = "each test uses its own part of it")]

pub mod agent;
pub mod doubles;
pub mod engine;
pub mod fastcgi;
pub mod http;
pub mod pool;
pub mod proc;
pub mod service;
pub mod site;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use amm_rig::accounts::PROBE;
use amm_rig::cluster::Cluster;
use amm_rig::galera::Galera;
use anyhow::{Result, bail};
use serde_json::{Value, json};

/// The library under test.
pub fn extension() -> PathBuf {
    let named = std::env::var_os("AMM_LIB").map(PathBuf::from);
    named.unwrap_or_else(|| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/release/libamm.so")
    })
}

/// All nodes of `cluster`, probed by the rig's account, with more keys on top.
pub fn galera(cluster: &Galera, more: Value) -> Value {
    config(cluster, more)
}

/// The same for a cluster of any kind, whose flavour is named.
pub fn config(cluster: &impl Cluster, more: Value) -> Value {
    let mut config = json!({
        "flavour": cluster.flavour(),
        "writers": "spread",
        "nodes": cluster.ids(),
        "username": PROBE.user,
        "password": PROBE.password,
    });
    if let (Some(all), Some(more)) = (config.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    config
}

/// Asks until there is an answer; gives it and how long that took. The last
/// refusal is told if there is none within `limit`.
pub fn until<T>(
    limit: Duration,
    what: &str,
    mut ask: impl FnMut() -> Result<Result<T, String>>,
) -> Result<(T, Duration)> {
    let began = Instant::now();
    loop {
        match ask()? {
            Ok(answer) => return Ok((answer, began.elapsed())),
            Err(seen) if began.elapsed() > limit => bail!("not within {limit:?}: {what}: {seen}"),
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// Whole milliseconds.
pub fn ms(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
