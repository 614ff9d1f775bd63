//! The life of a php-fpm pool: workers that are recycled all the time, reloads,
//! restarts, several pools. Health outlives them all, probing goes on, and no
//! request notices.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use amm_rig::fpm::FpmOptions;
use amm_rig::process::User;
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use support::agent::Agent;
use support::doubles::Doubles;
use support::pool::{Pages, Pool};
use support::{ms, proc, until};

/// Nobody may be without a probe for longer.
const GAP_MS: u64 = 1_000;

fn pool(workers: usize) -> FpmOptions {
    FpmOptions {
        global: vec!["process_control_timeout = 10s".into()],
        ..FpmOptions::new(workers)
    }
}

fn is_well(status: &Value) -> bool {
    let nodes = status["nodes"].as_object();
    nodes.is_some_and(|nodes| {
        nodes
            .values()
            .all(|node| node["role"] == "writer" && node["writable"] == true)
    })
}

fn is_down(status: &Value, id: &str) -> bool {
    status["nodes"][id]["health"] == "down" && status["nodes"][id]["writable"] == false
}

fn longest_probe_age(status: &Value) -> u64 {
    let nodes = status["nodes"].as_object().into_iter().flatten();
    nodes
        .map(|(_, node)| node["probe_age_ms"].as_u64().unwrap_or(u64::MAX))
        .max()
        .unwrap_or(u64::MAX)
}

#[test]
fn recycled_workers_leave_no_gap_in_the_probes() -> Result<()> {
    let run = RunDir::create()?;
    let doubles = Doubles::start(3)?;
    let config = doubles.config(json!({ "probe_interval": "200ms" }));
    let pages = Pages::prepare(&run, &[("cluster", &config)], &[])?;
    let options = FpmOptions {
        pool: vec!["pm.max_requests = 20".into()],
        ..pool(4)
    };
    let pool = pages.serve(&run, &options)?;
    pool.wait_for(Duration::from_secs(5), "all are writers", is_well)?;
    let (gap, pids) = (AtomicU64::new(0), Mutex::new(BTreeSet::new()));
    let leaders = Mutex::new(BTreeSet::new());
    let lasting = Duration::from_secs(6);
    let (served, ()) = pool.under_load(
        "",
        |reply| {
            let status = &reply.body["status"];
            ensure!(is_well(status), "{status}");
            gap.fetch_max(longest_probe_age(status), Ordering::Relaxed);
            let add = |set: &Mutex<BTreeSet<u64>>, pid: &Value| {
                if let (Ok(mut set), Some(pid)) = (set.lock(), pid.as_u64()) {
                    set.insert(pid);
                }
            };
            add(&pids, &reply.body["pid"]);
            add(&leaders, &status["leader"]["pid"]);
            Ok(())
        },
        || {
            std::thread::sleep(lasting);
            Ok(())
        },
    )?;
    let (gap, pids) = (gap.into_inner(), pids.into_inner()?.len());
    let leaders = leaders.into_inner()?.len();
    assert!(gap <= GAP_MS, "no probe for {gap} ms");
    assert!(pids >= 20, "only {pids} workers in {lasting:?}");
    assert!(leaders >= 5, "only {leaders} of them led");
    assert_eq!(pool.crashes()?, Vec::<String>::new());
    println!(
        "fpm_life: recycled_workers={pids} leaders={leaders} requests={served} failed=0 longest_probe_gap_ms={gap}"
    );
    Ok(())
}

/// Ends the pool by `signal`; gives how long that took.
fn ended(pool: Pool, signal: i32) -> Result<Duration> {
    let workers = pool.fpm.workers()?;
    let began = Instant::now();
    pool.fpm.signal(signal)?;
    if signal == libc::SIGKILL {
        // A master that is killed leaves its workers, which serve on.
        for pid in &workers {
            proc::signal(*pid, signal)?;
        }
    }
    pool.fpm.wait(Duration::from_secs(10))?;
    until(Duration::from_secs(5), "the workers are gone", || {
        let left: Vec<_> = workers.iter().filter(|pid| proc::is_alive(**pid)).collect();
        let gone = left.is_empty();
        Ok(if gone {
            Ok(())
        } else {
            Err(format!("{signal}: {left:?}"))
        })
    })?;
    Ok(began.elapsed())
}

#[test]
fn what_is_known_outlives_reloads_and_restarts() -> Result<()> {
    const WORKERS: usize = 4;
    let run = RunDir::create()?;
    let mut doubles = Doubles::start(3)?;
    // Where nobody probes, a node that is down is left alone for the backoff.
    let config = doubles.config(json!({
        "probe_interval": "200ms",
        "backoff": { "base": "1m", "max": "1m" },
    }));
    let pages = Pages::prepare(&run, &[("cluster", &config)], &[])?;
    let mut pool = pages.serve(&run, &pool(WORKERS))?;
    pool.wait_for(Duration::from_secs(5), "all are writers", is_well)?;
    let file = fs::read_dir(run.path().join("shm"))?
        .next()
        .context("no shared file")??
        .path();
    let inode = fs::metadata(&file)?.ino();
    let dead = doubles.id(2);
    doubles.down(2);
    let down = |status: &Value| is_down(status, &dead);
    let (known, _) = pool.wait_for(Duration::from_secs(3), "it is seen down", down)?;
    let dials = known["nodes"][&dead]["dials"].clone();
    let still = |status: &Value| -> Result<()> {
        ensure!(is_down(status, &dead), "forgotten: {status}");
        ensure!(
            status["nodes"][&dead]["dials"] == dials,
            "dialled: {status}"
        );
        Ok(())
    };

    let gap = AtomicU64::new(0);
    let (served, renewed) = pool.under_load(
        "",
        |reply| {
            let status = &reply.body["status"];
            gap.fetch_max(longest_probe_age(status), Ordering::Relaxed);
            still(status)
        },
        || {
            let mut renewed = 0;
            for _ in 0..3 {
                let before = pool.fpm.workers()?;
                pool.fpm.reload()?;
                until(Duration::from_secs(10), "new workers", || {
                    let now = pool.fpm.workers()?;
                    let all = now.len() == WORKERS && now.iter().all(|pid| !before.contains(pid));
                    Ok(if all { Ok(()) } else { Err(format!("{now:?}")) })
                })?;
                renewed += WORKERS;
                std::thread::sleep(Duration::from_millis(300));
            }
            Ok(renewed)
        },
    )?;
    let gap = gap.into_inner();
    assert!(gap <= GAP_MS, "no probe for {gap} ms across reloads");
    assert!(served > 100, "only {served} requests");
    assert_eq!(pool.crashes()?, Vec::<String>::new());
    for pid in pool.fpm.workers()? {
        assert!(proc::threads_named(pid, "amm")? <= 1, "{pid}");
    }

    // A probe that is kept waiting keeps nobody from ending.
    let hung = doubles.id(1);
    let mut observer = Agent::start(
        &run,
        &pages.php,
        "observer",
        &config,
        &[("amm.monitor", "off")],
    )?;
    doubles.hang(1)?;
    until(Duration::from_secs(5), "it is seen hung", || {
        let status = observer.status()?;
        Ok(if is_down(&status, &hung) {
            Ok(())
        } else {
            Err(status.to_string())
        })
    })?;
    let mut took = Vec::new();
    for (number, signal) in [libc::SIGQUIT, libc::SIGTERM, libc::SIGKILL]
        .into_iter()
        .enumerate()
    {
        let duration = ended(pool, signal)?;
        assert!(
            duration < Duration::from_secs(1),
            "{signal} took {duration:?}"
        );
        took.push(ms(duration));
        assert_eq!(
            fs::metadata(&file)?.ino(),
            inode,
            "the shared memory was replaced"
        );
        let options = FpmOptions {
            name: format!("fpm-{number}"),
            ..self::pool(WORKERS)
        };
        pool = pages.serve(&run, &options)?;
        // The very first request knows.
        let first = pool.ask("")?;
        still(&first["status"])?;
    }
    doubles.up(2)?;
    doubles.wake(1)?;
    pool.wait_for(Duration::from_secs(15), "it serves again", is_well)?;
    println!(
        "fpm_life: reloads=3 renewed_workers={renewed} requests={served} failed=0 \
         longest_probe_gap_ms={gap} end_by_quit_ms={} end_by_term_ms={} end_by_kill_ms={}",
        took[0], took[1], took[2],
    );
    Ok(())
}

#[test]
fn pools_share_by_user_and_by_cluster() -> Result<()> {
    let run = RunDir::create()?;
    let doubles = Doubles::start(3)?;
    let shared = run.folder("shm", &User::named("root")?)?;
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777))?;
    let whole = doubles.config(json!({}));
    // The same servers as another application has them.
    let mut tuned =
        doubles.config(json!({ "hold_down": "5s", "writers": "single", "username": "other" }));
    tuned["nodes"] = json!([doubles.id(2), doubles.id(0), doubles.id(1)]);
    let mut part = whole.clone();
    part["nodes"] = json!([doubles.id(0), doubles.id(1)]);
    let configs = [("cluster", &whole), ("tuned", &tuned), ("part", &part)];
    let pages = Pages::prepare(&run, &configs, &[])?;
    // As PHP prepares it, the folder is the pool user's alone.
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777))?;
    let named = |name: &str, user: &str| FpmOptions {
        name: name.into(),
        user: user.into(),
        ..pool(2)
    };
    let first = pages.serve(&run, &named("first", "www-data"))?;
    let second = pages.serve(&run, &named("second", "www-data"))?;
    let stranger = pages.serve(&run, &named("stranger", "nobody"))?;
    let mut console = Agent::start(&run, &pages.php, "console", &whole, &[])?;

    let disabled = doubles.id(0);
    first.ask(&format!("do=disable&node={disabled}"))?;
    let admin = |status: &Value| status["nodes"][&disabled]["admin"].clone();
    for (whose, query, expected) in [
        (&first, "", "disabled"),
        (&second, "", "disabled"),
        (&second, "config=tuned", "disabled"),
        (&second, "config=part", "enabled"),
        (&stranger, "", "enabled"),
    ] {
        let status = whose.ask(query)?["status"].take();
        assert_eq!(admin(&status), json!(expected), "{query}: {status}");
        assert_eq!(status["shared"], json!(true), "{status}");
    }
    assert_eq!(admin(&console.status()?), json!("disabled"));
    second.ask(&format!("config=part&do=drain&node={}", doubles.id(1)))?;
    let status = first.ask("")?["status"].take();
    assert_eq!(
        status["nodes"][doubles.id(1)]["admin"],
        "enabled",
        "another cluster's word"
    );

    // Each cluster of each user is led once: three leases, two of them one user's.
    let leaders = |pool: &Pool, query: &str| -> Result<u64> {
        let (pid, _) = until(Duration::from_secs(3), "a leader", || {
            let status = pool.ask(query)?["status"].take();
            Ok(status["leader"]["pid"]
                .as_u64()
                .ok_or_else(|| status.to_string()))
        })?;
        Ok(pid)
    };
    assert_eq!(leaders(&first, "")?, leaders(&second, "config=tuned")?);
    let theirs = leaders(&stranger, "")?;
    assert!(stranger.fpm.workers()?.contains(&(theirs as i32)));
    let files: BTreeSet<(u32, u32)> = fs::read_dir(&shared)?
        .map(|entry| Ok(entry?.metadata()?))
        .map(|meta: Result<fs::Metadata>| meta.map(|m| (m.uid(), m.mode() & 0o777)))
        .collect::<Result<_>>()?;
    let users = [User::named("www-data")?.uid, User::named("nobody")?.uid];
    assert_eq!(files, users.map(|uid| (uid, 0o600)).into_iter().collect());
    println!(
        "fpm_life: users=2 files={} clusters_of_one_user=2 settings_of_one_cluster=2",
        files.len()
    );
    Ok(())
}
