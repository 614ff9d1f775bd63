//! PHP within Apache: a restart starts the extension anew in the process that
//! had it before, and the processes it forks serve on with what was known.

mod support;

use std::time::{Duration, Instant};

use amm_rig::apache::Apache;
use amm_rig::run_dir::RunDir;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use support::agent::Agent;
use support::doubles::Doubles;
use support::pool::Pages;
use support::{http, ms, proc, until};

const WORKERS: usize = 4;

fn status(apache: &Apache) -> Result<(u64, Value)> {
    let mut reply = http::get(apache.address(), "/?")?;
    ensure!(reply.status == 200, "{reply:?}\n{}", apache.log()?);
    let pid = reply.body["pid"].as_u64().unwrap_or(0);
    Ok((pid, reply.body["status"].take()))
}

#[test]
fn the_extension_can_be_started_again_in_one_process() -> Result<()> {
    let run = RunDir::create()?;
    let mut doubles = Doubles::start(3)?;
    let config = doubles.config(json!({
        "probe_interval": "200ms",
        "backoff": { "base": "1m", "max": "1m" },
    }));
    let pages = Pages::prepare(&run, &[("cluster", &config)], &[])?;
    let apache = Apache::start(&run, doubles.block(), &pages.php, WORKERS, pages.page())?;
    let parent = apache.pid();
    let off = [("amm.monitor", "off")];
    let mut observer = Agent::start(&run, &pages.php, "observer", &config, &off)?;
    status(&apache)?;
    let dead = doubles.id(2);
    doubles.down(2);
    until(Duration::from_secs(5), "it is seen down", || {
        let seen = observer.node(&dead)?;
        Ok(if seen.health == "down" {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        })
    })?;

    let mut restarts = 0;
    for signal in [libc::SIGUSR1, libc::SIGHUP, libc::SIGUSR1, libc::SIGHUP] {
        let before = apache.workers()?;
        apache.signal(signal)?;
        restarts += 1;
        until(Duration::from_secs(10), "new processes", || {
            let now = apache.workers()?;
            let all = now.len() == WORKERS && now.iter().all(|pid| !before.contains(pid));
            Ok(if all {
                Ok(())
            } else {
                Err(format!("{now:?} {}", apache.log()?))
            })
        })?;
        for _ in 0..3 * WORKERS {
            let (pid, status) = status(&apache)?;
            ensure!(!before.contains(&(pid as i32)), "{pid} is an old one");
            let seen = &status["nodes"][&dead];
            ensure!(
                seen["health"] == "down" && seen["writable"] == false,
                "forgotten: {status}"
            );
            ensure!(status["shared"] == true, "{status}");
        }
        until(Duration::from_secs(1), "a new process leads", || {
            let status = observer.status()?;
            let leader = status["leader"]["pid"].as_i64().unwrap_or(0) as i32;
            let new = apache.workers()?.contains(&leader);
            Ok(if new {
                Ok(())
            } else {
                Err(format!("{leader}: {status}"))
            })
        })?;
        // The parent, which starts modules as root, has neither thread nor memory.
        ensure!(proc::threads(parent)?.len() == 1, "the parent has threads");
    }
    ensure!(
        apache.pid() == parent && proc::is_alive(parent),
        "another parent"
    );
    let log = apache.log()?;
    for bad in [
        "exit signal",
        "panicked",
        "PHP Fatal",
        "PHP Warning",
        "Segmentation",
    ] {
        ensure!(!log.contains(bad), "{log}");
    }
    let began = Instant::now();
    apache.signal(libc::SIGTERM)?;
    apache.wait(Duration::from_secs(5))?;
    let ended = began.elapsed();
    ensure!(ended < Duration::from_secs(2), "it ended after {ended:?}");
    ensure!(observer.node(&dead)?.health == "down", "lost at the end");
    println!(
        "apache_life: starts_of_the_module={} failed=0 end_ms={}",
        restarts + 1,
        ms(ended)
    );
    Ok(())
}
