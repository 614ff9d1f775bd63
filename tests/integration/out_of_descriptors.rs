//! A process that has no descriptors left fails to dial, and so do its probes:
//! it bans nobody, says what is wrong, and leaves the probing to another.

mod support;

use std::fs::{self, File};
use std::sync::Arc;
use std::time::{Duration, Instant};

use amm_rig::faulty::{Faulty, Script};
use amm_rig::php::{Php, PhpOptions};
use amm_rig::process::{self, Process};
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use support::agent::{Agent, node};
use support::{extension, ms, until};

const PATIENCE: Duration = Duration::from_secs(5);

struct Stage {
    run: Arc<RunDir>,
    php: Php,
    id: String,
    config: Value,
    _server: Faulty,
}

impl Stage {
    fn set_up() -> Result<Self> {
        let run = RunDir::create()?;
        let server = Faulty::start(&"127.0.0.1:0".parse()?, Script::healthy())?;
        let options = PhpOptions {
            extension: Some(extension()),
            ..PhpOptions::default()
        };
        let config = json!({
            "flavour": "read_only",
            "nodes": [server.id()],
            "username": "probe",
            "probe_interval": "500ms",
        });
        Ok(Self {
            php: Php::prepare(&run, options)?,
            run,
            id: server.id(),
            config,
            _server: server,
        })
    }

    fn agent(&self, name: &str, ini: &[(&str, &str)]) -> Result<Agent> {
        Agent::start(&self.run, &self.php, name, &self.config, ini)
    }

    /// A process that probes in the foreground.
    fn service(&self) -> Result<Process> {
        let folder = self.run.folder("service", self.php.user())?;
        let script = folder.join("service.php");
        fs::write(
            &script,
            format!(
                "<?php Amm\\Cluster::define('test', json_decode({:?}, true)); Amm\\Monitor::run();",
                self.config.to_string()
            ),
        )?;
        let log = folder.join("service.log");
        let mut command = self.php.script(&script, &[]);
        command.stdout(File::create(&log)?);
        Process::spawn(&self.run, "service", command, libc::SIGKILL, &log)
    }

    /// Waits until `pid` leads and the node answers its probes.
    fn led_by(&self, observer: &mut Agent, pid: i32) -> Result<Duration> {
        let ((), took) = until(PATIENCE, "the right leader", || {
            let status = observer.status()?;
            let seen = node(&status, &self.id)?;
            let good = status["leader"]["pid"] == json!(pid) && seen.probe == "answered";
            Ok(good.then_some(()).ok_or_else(|| status.to_string()))
        })?;
        Ok(took)
    }

    /// Waits until the node takes traffic as if nothing had been.
    fn is_well(&self, observer: &mut Agent) -> Result<Duration> {
        let ((), took) = until(PATIENCE, "the node is well", || {
            let seen = observer.node(&self.id)?;
            let well = seen.health == "up" && seen.breaker == "closed" && seen.writable;
            Ok(well.then_some(()).ok_or_else(|| format!("{seen:?}")))
        })?;
        Ok(took)
    }
}

/// Leaves the process the descriptors it has and no more, or all it wants.
/// Its own user may do that without further rights.
fn starve(stage: &Stage, agent: &Agent, starved: bool) -> Result<()> {
    let program = process::program("prlimit")?;
    let mut command = process::as_user(&program.to_string_lossy(), stage.php.user());
    let most = if starved { 3 } else { 512 };
    command.args(["--pid", &agent.pid().to_string()]);
    command.arg(format!("--nofile={most}:"));
    process::output(&stage.run, "prlimit", command)?;
    Ok(())
}

/// A connect that must fail for want of descriptors.
fn fails(agent: &mut Agent) -> Result<String> {
    let answer = agent.try_ask(&json!({ "do": "connect", "key": "k", "name": "more" }))?;
    let message = answer["message"].as_str().context("it connected")?;
    Ok(message.to_owned())
}

#[test]
fn a_worker_out_of_descriptors_bans_nobody() -> Result<()> {
    let stage = Stage::set_up()?;
    let off = [("amm.monitor", "off")];
    let (mut poor, mut other) = (stage.agent("poor", &off)?, stage.agent("other", &off)?);
    let service = stage.service()?;
    stage.led_by(&mut other, service.pid())?;
    other.connect("k", "first")?;
    starve(&stage, &poor, true)?;
    fails(&mut poor)?;
    let refuted = stage.is_well(&mut other)?;
    // Its further words do not count for a while.
    for _ in 0..20 {
        fails(&mut poor)?;
        assert!(other.node(&stage.id)?.writable);
    }
    let dialled = other.connect("k", "second")?;
    assert_eq!(dialled.dials.len(), 1);
    starve(&stage, &poor, false)?;
    assert_eq!(poor.connect("k", "again")?.node, stage.id);
    println!("out_of_descriptors: worker refuted_ms={}", ms(refuted));
    Ok(())
}

#[test]
fn a_leader_out_of_descriptors_leaves_the_probing_to_another() -> Result<()> {
    let stage = Stage::set_up()?;
    let mut poor = stage.agent("poor", &[])?;
    poor.connect("k", "first")?;
    let mut other = stage.agent("other", &[("amm.monitor", "off")])?;
    let pid = poor.pid();
    stage.led_by(&mut other, pid)?;
    let service = stage.service()?;
    until(PATIENCE, "a deputy", || {
        let status = other.status()?;
        let found = status["deputy"] == json!(true);
        Ok(found.then_some(()).ok_or_else(|| status.to_string()))
    })?;
    starve(&stage, &poor, true)?;
    let began = Instant::now();
    fails(&mut poor)?;
    stage.led_by(&mut other, service.pid())?;
    let handed_over = began.elapsed();
    stage.is_well(&mut other)?;
    let well = began.elapsed();
    assert!(well < Duration::from_secs(1), "{well:?}");
    println!(
        "out_of_descriptors: leader handed_over_ms={} well_again_ms={}",
        ms(handed_over),
        ms(well)
    );
    Ok(())
}

#[test]
fn one_that_has_nobody_to_leave_it_to_says_so_and_goes_on_once_it_can() -> Result<()> {
    let stage = Stage::set_up()?;
    let mut poor = stage.agent("poor", &[])?;
    poor.connect("k", "first")?;
    let mut other = stage.agent("other", &[("amm.monitor", "off")])?;
    let pid = poor.pid();
    stage.led_by(&mut other, pid)?;
    starve(&stage, &poor, true)?;
    fails(&mut poor)?;
    until(PATIENCE, "it is told", || {
        let status = other.status()?;
        let told = status["warnings"].to_string().contains("cannot try");
        let told = told && node(&status, &stage.id)?.probe == "impossible";
        Ok(told.then_some(()).ok_or_else(|| status.to_string()))
    })?;
    // Nobody has seen the node fail: it is suspect by one process's word at most.
    assert_ne!(other.node(&stage.id)?.health, "down");
    // The only node there is gets its dial all the same.
    assert_eq!(other.connect("k", "second")?.node, stage.id);
    starve(&stage, &poor, false)?;
    stage.led_by(&mut other, pid)?;
    stage.is_well(&mut other)?;
    Ok(())
}
