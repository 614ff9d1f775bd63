//! Says whether `tests/sid.sh` has unpacked a MySQL with Group Replication. It
//! cannot be had on every day and machine; tests that need it are then ignored,
//! and counted as such.

use std::path::PathBuf;

fn main() {
    let cache = std::env::var_os("AMM_RIG_CACHE")
        .map_or_else(|| PathBuf::from("/var/cache/amm-rig"), PathBuf::from);
    let version = cache.join("sid-mysql/version");
    println!("cargo::rerun-if-env-changed=AMM_RIG_CACHE");
    println!("cargo::rerun-if-changed={}", version.display());
    println!("cargo::rustc-check-cfg=cfg(sid_mysql)");
    if version.exists() {
        println!("cargo::rustc-cfg=sid_mysql");
    } else {
        println!("cargo::warning=SKIPPED: all tests of Group Replication, see tests/sid.sh");
    }
}
