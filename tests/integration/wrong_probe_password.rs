//! A monitor that is not let in knows nothing of the nodes, and says so: it bans
//! nobody, hides nothing and gives no password away.

mod support;

use std::time::Duration;

use amm_rig::galera::{Galera, Options};
use amm_rig::php::{Php, PhpOptions};
use amm_rig::run_dir::RunDir;
use anyhow::Result;
use serde_json::json;
use support::agent::Agent;
use support::{extension, galera, ms, until};

const WRONG: &str = "not-the-password";

#[test]
fn a_refused_probe_bans_nobody_and_is_loudly_visible() -> Result<()> {
    let run = RunDir::create()?;
    let cluster = Galera::start_in(run.clone(), Options::default())?;
    let options = PhpOptions {
        extension: Some(extension()),
        ..PhpOptions::default()
    };
    let php = Php::prepare(&run, options)?;
    let config = galera(&cluster, json!({ "password": WRONG }));
    let mut monitor = Agent::start(&run, &php, "monitor", &config, &[])?;
    monitor.connect("any", "first")?;
    let (status, told) = until(Duration::from_secs(5), "the refusal is seen", || {
        let status = monitor.status()?;
        let refused = cluster
            .nodes()
            .iter()
            .all(|node| status["nodes"][node.id()]["probe"] == "login refused");
        Ok(if refused {
            Ok(status)
        } else {
            Err(status.to_string())
        })
    })?;
    // Ten refusals later everything is as it was.
    std::thread::sleep(Duration::from_secs(3));
    for node in cluster.nodes() {
        let seen = monitor.node(&node.id())?;
        assert_eq!(
            (
                seen.role.as_str(),
                seen.health.as_str(),
                seen.writable,
                seen.epoch
            ),
            ("unknown", "up", true, 0),
            "{seen:?}"
        );
        let warnings = status["warnings"].to_string();
        assert!(
            warnings.contains(&format!("{}: the probe's login is refused", node.id())),
            "{warnings}"
        );
    }
    let off = [("amm.monitor", "off")];
    let mut worker = Agent::start(&run, &php, "worker", &config, &off)?;
    assert_eq!(worker.writers()?.len(), cluster.nodes().len());
    assert!(monitor.is_current("first")?);

    // Nobody's health is known, so a node that goes is found by a dial, and one
    // that comes back by a trial: a ban does not outlive the outage.
    let victim = cluster.node(1);
    let key = worker.key_of(&victim.id())?;
    victim.kill9()?;
    let served = worker.connect(&key, "elsewhere")?;
    assert_ne!(served.node, victim.id());
    victim.start()?;
    let (_, back) = until(Duration::from_secs(40), "it is tried again", || {
        let connected = worker.connect(&key, "back")?;
        Ok(if connected.node == victim.id() {
            Ok(())
        } else {
            Err(connected.node)
        })
    })?;

    let shown = format!(
        "{}{}",
        monitor.ask(json!({ "do": "dump" }))?,
        monitor.status()?
    );
    let logged = monitor.finish()? + &worker.finish()?;
    assert!(!shown.contains(WRONG) && !logged.contains(WRONG));
    println!(
        "matrix galera/wrong_probe_password: told_after_ms={} banned=0 back_after_ms={}",
        ms(told),
        ms(back)
    );
    Ok(())
}
