//! The PHP suites' tests that need real servers, against a real cluster.

use std::path::PathBuf;
use std::process::Command;

use amm_rig::galera::{Galera, Options};
use anyhow::{Context, Result};
use mysql::prelude::Queryable;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_php_suites_pass_against_real_servers() -> Result<()> {
    let cluster = Galera::start(Options::default())?;
    let mut admin = cluster.node(0).root()?;
    admin.query_drop("CREATE USER tester@'%' IDENTIFIED BY 'tester-secret'")?;
    admin.query_drop("GRANT ALL PRIVILEGES ON *.* TO tester@'%' WITH GRANT OPTION")?;
    let nodes: Vec<String> = cluster.nodes().iter().map(|n| n.id()).collect();
    for suite in [
        &["php/laravel/tests/run"][..],
        &[
            "tests/phpt/run",
            "tests/phpt/health",
            "tests/phpt/sticky",
            "tests/phpt/leak/real_connections.phpt",
        ],
    ] {
        let (script, arguments) = suite.split_first().context("a script")?;
        let output = Command::new(root().join(script))
            .args(arguments)
            .current_dir(root())
            .env("AMM_TEST_NODES", nodes.join(","))
            .env("AMM_TEST_USER", "tester")
            .env("AMM_TEST_PASSWORD", "tester-secret")
            .env("AMM_TEST_FLAVOUR", "galera")
            .output()
            .with_context(|| format!("cannot run {script}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{script} failed:\n{said}");
        assert!(
            !said.contains("AMM_TEST_NODES names none") && !said.to_lowercase().contains("skip:"),
            "{script} left something out:\n{said}"
        );
        println!(
            "php_suites: {script}: {}",
            said.lines().last().unwrap_or_default()
        );
    }
    Ok(())
}
