//! Pools without monitors of their own, and `Amm\Monitor::run()` as a service
//! beside them: what it finds keeps requests off dead nodes; while it is gone
//! requests find out by themselves, and no ban outlives the outage.

mod support;

use std::time::{Duration, Instant};

use amm_rig::fpm::FpmOptions;
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use support::agent::Agent;
use support::doubles::Doubles;
use support::pool::{Pages, Pool};
use support::service::{Service, config_file};
use support::{ms, proc, until};

const WORKERS: usize = 4;

fn leader(status: &Value) -> Option<i32> {
    Some(status["leader"]["pid"].as_i64()? as i32)
}

fn wait_for(observer: &mut Agent, what: &str, is: impl Fn(&Value) -> bool) -> Result<Duration> {
    let ((), took) = until(Duration::from_secs(5), what, || {
        let status = observer.status()?;
        Ok(if is(&status) {
            Ok(())
        } else {
            Err(status.to_string())
        })
    })?;
    Ok(took)
}

/// As many requests as it takes for all of them to have met every node; all go
/// well. Gives how often each node was dialled for them.
fn serve(pool: &Pool, observer: &mut Agent, doubles: &Doubles) -> Result<Vec<u64>> {
    let dials = |status: &Value| -> Vec<u64> {
        let of = |id: &String| status["nodes"][id]["dials"].as_u64().unwrap_or(0);
        doubles.ids().iter().map(of).collect()
    };
    // Seen by one that dials nobody: the first request may meet the dead node.
    let before = dials(&observer.status()?);
    for _ in 0..100 {
        pool.ask("")?;
    }
    let after = dials(&observer.status()?);
    Ok(after.iter().zip(before).map(|(a, b)| a - b).collect())
}

#[test]
fn a_service_probes_for_pools_that_do_not() -> Result<()> {
    let run = RunDir::create()?;
    let mut doubles = Doubles::start(3)?;
    let brief = json!({ "hold_down": "200ms", "slow_start": "100ms", "backoff": { "base": "1s", "max": "2s" } });
    let more =
        "hold_down = \"200ms\"\nslow_start = \"100ms\"\nbackoff = { base = \"1s\", max = \"2s\" }";
    let config = doubles.config(brief);
    let toml = config_file(run.path(), &doubles.ids(), more)?
        .display()
        .to_string();
    let ini = [("amm.config", toml.as_str()), ("amm.monitor", "off")];
    let pages = Pages::prepare(&run, &[("cluster", &config)], &ini)?;
    let pool = pages.serve(&run, &FpmOptions::new(WORKERS))?;
    let mut observer = Agent::start(&run, &pages.php, "observer", &config, &[])?;
    // Served from the first moment on, with nobody probing yet.
    let cold = pool.ask("")?;
    assert_eq!(leader(&cold["status"]), None);

    let service = Service::start(&run, &pages.php)?;
    let begun = wait_for(&mut observer, "it leads", |s| {
        leader(s) == Some(service.pid())
    })?;
    wait_for(&mut observer, "all are writers", |s| {
        let nodes = s["nodes"].as_object();
        nodes.is_some_and(|nodes| nodes.values().all(|node| node["role"] == "writer"))
    })?;
    let dead = doubles.id(0);
    doubles.down(0);
    wait_for(&mut observer, "the dead node is seen", |s| {
        s["nodes"][&dead]["health"] == "down"
    })?;
    let told = format!("{dead} is down, role writer, breaker open");
    until(Duration::from_secs(2), "it tells", || {
        let log = service.log()?;
        Ok(if log.contains(&told) {
            Ok(())
        } else {
            Err(log)
        })
    })?;
    let dials = serve(&pool, &mut observer, &doubles)?;
    assert_eq!(dials[0], 0, "dialled although known to be dead: {dials:?}");
    assert!(dials[1] > 0 && dials[2] > 0, "{dials:?}");
    doubles.up(0)?;
    let writable = |s: &Value, id: &str| s["nodes"][id]["writable"] == true;
    let back = {
        let ((), took) = until(Duration::from_secs(10), "it serves again", || {
            // Traffic, for the trial.
            let status = pool.ask("")?["status"].take();
            Ok(if writable(&status, &dead) {
                Ok(())
            } else {
                Err(status.to_string())
            })
        })?;
        took
    };
    // At most the thread that cuts the process's own sockets; none that probes.
    for pid in pool.fpm.workers()? {
        let threads = proc::threads(pid)?;
        let probes = threads.iter().any(|(_, name)| name == "amm-probe");
        assert!(threads.len() <= 2 && !probes, "{pid}: {threads:?}");
    }

    // Gone: requests find out by themselves.
    service.signal(libc::SIGKILL)?;
    service.wait(Duration::from_secs(2))?;
    wait_for(&mut observer, "nobody leads", |s| leader(s).is_none())?;
    let second = doubles.id(1);
    doubles.down(1);
    let dials = serve(&pool, &mut observer, &doubles)?;
    // One failed dial, and one trial a backoff.
    assert!((1..=3).contains(&dials[1]), "{dials:?}");
    let warnings = observer.status()?["warnings"].to_string();
    assert!(
        warnings.contains("no process probes this cluster"),
        "{warnings}"
    );
    doubles.up(1)?;
    let ((), unwatched) = until(
        Duration::from_secs(5),
        "the ban ends with the outage",
        || {
            let status = pool.ask("")?["status"].take();
            Ok(if writable(&status, &second) {
                Ok(())
            } else {
                Err(status.to_string())
            })
        },
    )?;
    // At most `max`, half as much again for jitter, and a moment.
    ensure!(
        unwatched < Duration::from_millis(3_500),
        "banned for {unwatched:?}"
    );
    // All of them: refused, and the first request after that succeeds.
    (0..3).for_each(|index| doubles.down(index));
    for _ in 0..20 {
        let reply = pool.get("")?;
        ensure!(reply.status == 500, "{reply:?}");
        ensure!(reply.took < Duration::from_secs(1), "{reply:?}");
    }
    (0..3).try_for_each(|index| doubles.up(index))?;
    let first = pool.get("")?;
    ensure!(
        first.status == 200,
        "the first request after the outage: {first:?}"
    );

    // Started anew it takes over from what is there.
    let began = Instant::now();
    let service = Service::start(&run, &pages.php)?;
    wait_for(&mut observer, "it leads again", |s| {
        leader(s) == Some(service.pid())
    })?;
    let again = began.elapsed();
    ensure!(
        again < Duration::from_secs(1),
        "it led after {again:?} only"
    );
    service.signal(libc::SIGTERM)?;
    let status = service.wait(Duration::from_secs(1))?;
    ensure!(status.success(), "it ended with {status}");
    assert_eq!(leader(&observer.status()?), None, "its lease is given back");
    let log = service.log()?;
    for told in [
        "this process probes".to_owned(),
        format!("{dead} is up, role writer, breaker open, held down"),
    ] {
        log.contains(&told)
            .then_some(())
            .with_context(|| format!("{told} is not in: {log}"))?;
    }
    println!(
        "monitor_service: leads_after_ms={} restarted_leads_after_ms={} watched_return_ms={} \
         dials_of_dead_node_while_absent={} unwatched_return_ms={} first_after_outage_ms={}",
        ms(begun),
        ms(again),
        ms(back),
        dials[1],
        ms(unwatched),
        ms(first.took),
    );
    Ok(())
}
