//! One process of the host probes, whatever becomes of it: killed, stopped and
//! woken, reloaded. The rest sleep, and all see the same.

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use amm_rig::galera::{Galera, Options};
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use support::agent::{self, Agent};
use support::http::Reply;
use support::proc::{self, Used};
use support::site::Site;
use support::{galera, ms, until};

const WORKERS: usize = 4;
const TAKEOVER: Duration = Duration::from_secs(1);
/// A leader renews its lease every 200 ms; the rest is a busy machine's.
const FRESH_MS: u64 = 450;
const REST: Duration = Duration::from_secs(5);

/// The process that probes, and the age of its sign of life.
fn leader(status: &Value) -> Option<(i32, u64)> {
    let leader = &status["leader"];
    Some((
        leader["pid"].as_i64()? as i32,
        leader["heartbeat_age_ms"].as_u64()?,
    ))
}

/// What all processes must agree on.
fn view(status: &Value) -> Result<Vec<(String, [Value; 4])>> {
    let nodes = status["nodes"].as_object().context("no nodes")?;
    let keys = ["role", "health", "writable", "epoch"];
    Ok(nodes
        .iter()
        .map(|(id, node)| (id.clone(), keys.map(|key| node[key].clone())))
        .collect())
}

fn status_of(reply: &Reply) -> Result<&Value> {
    ensure!(reply.status == 200, "{reply:?}");
    Ok(&reply.body["status"])
}

/// Has every worker serve a request, so that each of them has its thread.
fn occupy_all(site: &Site) -> Result<Vec<Reply>> {
    let (replies, _) = until(Duration::from_secs(10), "every worker serves", || {
        let replies = site.get_in_all_workers("")?;
        let pids: BTreeSet<_> = replies
            .iter()
            .map(|reply| reply.body["pid"].as_u64())
            .collect();
        let all = pids.len() == WORKERS;
        Ok(if all {
            Ok(replies)
        } else {
            Err(format!("only {pids:?}"))
        })
    })?;
    Ok(replies)
}

/// Exactly one of the pool leads, one is its deputy, and all say the same.
fn one_leads(site: &Site, observer: &mut Agent) -> Result<i32> {
    until(Duration::from_secs(3), "a leader and a deputy", || {
        let status = observer.status()?;
        let complete = leader(&status).is_some() && status["deputy"] == json!(true);
        Ok(if complete {
            Ok(())
        } else {
            Err(status.to_string())
        })
    })?;
    let mut named = BTreeSet::new();
    let replies = occupy_all(site)?;
    let others = [observer.status()?, observer.status()?];
    for status in replies.iter().map(status_of).chain(others.iter().map(Ok)) {
        let (pid, age) = leader(status?).context("nobody leads")?;
        assert!(age <= FRESH_MS, "the leader's last beat was {age} ms ago");
        named.insert(pid);
    }
    assert_eq!(named.len(), 1, "several leaders: {named:?}");
    let leader = named.pop_first().context("nobody leads")?;
    let workers = site.fpm.workers()?;
    assert_eq!(workers.len(), WORKERS);
    assert!(workers.contains(&leader), "{leader} is none of {workers:?}");
    for pid in workers {
        assert_eq!(proc::threads_named(pid, "amm")?, 1, "{pid}");
        let probers = if pid == leader { 3 } else { 0 };
        let (seen, _) = until(
            Duration::from_secs(2),
            "probers only where one leads",
            || {
                let seen = proc::threads_named(pid, "amm-probe")?;
                Ok(if seen == probers {
                    Ok(seen)
                } else {
                    Err(format!("{pid} has {seen}"))
                })
            },
        )?;
        assert_eq!(seen, probers);
    }
    Ok(leader)
}

/// What the pool costs while nobody asks it anything: the leader's part of a
/// core in percent, and what the rest used together.
fn at_rest(site: &Site, leader: i32) -> Result<(f64, Duration)> {
    let workers = site.fpm.workers()?;
    // A thread looks once more when the limit of its process's last dial has
    // passed, which is connect_timeout.
    std::thread::sleep(Duration::from_millis(1_200));
    let before: Vec<Used> = workers
        .iter()
        .map(|pid| proc::used(*pid))
        .collect::<Result<_>>()?;
    let began = Instant::now();
    std::thread::sleep(REST);
    let mut others = Duration::ZERO;
    let mut percent = 0.0;
    let mut asleep = 0;
    for (pid, before) in workers.iter().zip(&before) {
        let (ticks, cpu, ran) = proc::used(*pid)?.since(before);
        if *pid == leader {
            percent = 100.0 * cpu.as_secs_f64() / began.elapsed().as_secs_f64();
            assert!(ran > 0, "the leader does nothing");
            continue;
        }
        assert!(ticks <= 1, "{pid} used {ticks} ticks in {REST:?}");
        others += cpu;
        asleep += usize::from(ran == 0);
    }
    // All but the leader and its deputy have not run at all.
    assert_eq!(asleep, WORKERS - 2, "some of {workers:?} do not sleep");
    assert!(percent < 3.0, "the leader uses {percent:.2} % of a core");
    Ok((percent, others))
}

/// Polls until another process than `old` leads; nothing that was known may
/// change meanwhile.
fn takeover(observer: &mut Agent, old: i32, known: &Value) -> Result<(i32, Duration)> {
    let known = view(known)?;
    until(TAKEOVER, "another leads", || {
        let status = observer.status()?;
        assert_eq!(view(&status)?, known, "what was known is lost");
        Ok(match leader(&status) {
            Some((pid, age)) if pid != old && age <= FRESH_MS => Ok(pid),
            other => Err(format!("{other:?} after {old}")),
        })
    })
}

/// A leader that is stopped with a node's answer on its way, and woken when
/// that answer is no longer true.
fn stopped_and_woken(site: &Site, cluster: &Galera, observer: &mut Agent) -> Result<Duration> {
    let old = one_leads(site, observer)?;
    let known = observer.status()?;
    let (first, second) = (cluster.node(0), cluster.node(1));
    // The node says nothing until the next probe has asked it; then the leader
    // is stopped before the answer comes.
    for attempt in 0.. {
        first.stop()?;
        std::thread::sleep(Duration::from_millis(230));
        proc::signal(old, libc::SIGSTOP)?;
        first.cont()?;
        let answered = until(Duration::from_millis(200), "an answer", || {
            let unread = proc::unread(old, first.host(), first.port())?;
            Ok((unread > 0).then_some(()).ok_or_else(|| "nothing".into()))
        });
        if answered.is_ok() {
            break;
        }
        proc::signal(old, libc::SIGCONT)?;
        ensure!(attempt < 10, "no probe was met under way");
        std::thread::sleep(Duration::from_millis(137));
    }
    let (new, took) = takeover(observer, old, &known)?;
    // What the old leader has in hand says that the first node is synced.
    first.desync(true)?;
    second.set_read_only(true)?;
    let (changed, _) = until(Duration::from_secs(3), "the new leader sees it", || {
        let status = observer.status()?;
        let role = |id: String| status["nodes"][id]["role"].clone();
        let seen = role(first.id()) == "unready" && role(second.id()) == "reader";
        Ok(if seen {
            Ok(status)
        } else {
            Err(status.to_string())
        })
    })?;
    let watched = std::thread::scope(|scope| -> Result<Value> {
        let watched = scope.spawn(|| observer.ask(json!({ "do": "watch", "ms": 1_500 })));
        std::thread::sleep(Duration::from_millis(100));
        proc::signal(old, libc::SIGCONT)?;
        watched.join().map_err(|_| anyhow!("a panic"))?
    })?;
    let unread = proc::unread(old, first.host(), first.port())?;
    ensure!(unread == 0, "the old leader never read the old answer");
    let seen = watched["seen"].as_array().context("nothing seen")?;
    let looks = watched["looks"].as_u64().unwrap_or(0);
    assert!(looks > 1_000, "only {looks} looks");
    assert_eq!(seen.len(), 1, "the past was published: {watched}");
    for (id, now) in view(&changed)? {
        let node = &seen[0][&id];
        assert_eq!((&node["role"], &node["epoch"]), (&now[0], &now[3]), "{id}");
    }
    let (leads, _) = leader(&observer.status()?).context("nobody leads")?;
    assert_eq!(leads, new, "the old leader took its post back");
    first.desync(false)?;
    second.set_read_only(false)?;
    until(Duration::from_secs(15), "all are well again", || {
        // Traffic, for the trials.
        site.get("config=fast")?;
        let status = observer.status()?;
        let well = cluster
            .nodes()
            .iter()
            .all(|n| status["nodes"][n.id()]["writable"] == true);
        Ok(if well {
            Ok(())
        } else {
            Err(status.to_string())
        })
    })?;
    Ok(took)
}

/// SIGKILL: another leads within a second and every process goes on knowing
/// what was known.
fn killed(site: &Site, observer: &mut Agent, dead: &str) -> Result<Duration> {
    let old = one_leads(site, observer)?;
    let known = observer.status()?;
    assert_eq!(agent::node(&known, dead)?.health, "down");
    proc::signal(old, libc::SIGKILL)?;
    let at_once = site.get("")?;
    assert_eq!(view(status_of(&at_once)?)?, view(&known)?);
    assert_ne!(at_once.body["node"].as_str(), Some(dead));
    let (_, took) = takeover(observer, old, &known)?;
    Ok(took)
}

/// A graceful reload under requests: new workers lead on, with what was known.
/// Gives how long nobody led.
fn reloaded(site: &Site, observer: &mut Agent) -> Result<Duration> {
    one_leads(site, observer)?;
    let old = site.fpm.workers()?;
    let known = view(&observer.status()?)?;
    let done = AtomicBool::new(false);
    let mut gap = Duration::ZERO;
    let served = std::thread::scope(|scope| -> Result<usize> {
        let requests = scope.spawn(|| -> Result<usize> {
            let mut served = 0;
            while !done.load(Ordering::Acquire) {
                let reply = site.get("")?;
                // A worker that php-fpm ends under a request is not amm's.
                if reply.status == 502 {
                    continue;
                }
                let seen = view(status_of(&reply)?)?;
                ensure!(seen == known, "{seen:?} was {known:?}");
                served += 1;
            }
            Ok(served)
        });
        site.fpm.reload()?;
        let mut led = Instant::now();
        let began = Instant::now();
        let outcome = loop {
            let status = observer.status()?;
            if view(&status)? != known {
                break Err(anyhow!("health was lost: {status}"));
            }
            let current = site.fpm.workers()?;
            let renewed = current.len() == WORKERS && current.iter().all(|pid| !old.contains(pid));
            match leader(&status) {
                Some((pid, _)) if proc::is_alive(pid) => {
                    gap = gap.max(led.elapsed());
                    led = Instant::now();
                    if renewed && current.contains(&pid) {
                        break Ok(());
                    }
                }
                _ => {}
            }
            if began.elapsed() > Duration::from_secs(15) {
                break Err(anyhow!(
                    "no new worker leads: {status}, {current:?} were {old:?}"
                ));
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        done.store(true, Ordering::Release);
        let served = requests.join().map_err(|_| anyhow!("a panic"))?;
        outcome.and(served)
    })?;
    assert!(served > 10, "only {served} requests during the reload");
    assert!(gap < TAKEOVER, "nobody led for {gap:?}");
    one_leads(site, observer)?;
    Ok(gap)
}

/// A console process sees what the pool sees, and takes no part in probing.
fn console_agrees(site: &Site, run: &RunDir, config: &Value) -> Result<()> {
    let mut console = Agent::start(run, &site.php, "console", config, &[])?;
    console.connect("k", "k")?;
    let reply = site.get("")?;
    let (pool, console_status) = (status_of(&reply)?, console.status()?);
    for status in [pool, &console_status] {
        assert_eq!(
            (&status["shared"], &status["shared_reason"]),
            (&json!(true), &Value::Null)
        );
    }
    assert_eq!(view(&console_status)?, view(pool)?);
    assert_eq!(
        leader(&console_status).map(|l| l.0),
        leader(pool).map(|l| l.0)
    );
    // Its own, and one that watches its dials and shuts sockets to dead nodes.
    let threads = proc::threads(console.pid())?;
    let names: Vec<&str> = threads.iter().map(|(_, name)| name.as_str()).collect();
    assert!(
        matches!(names[..], [_, "amm"]),
        "a script has threads for nothing: {names:?}"
    );
    Ok(())
}

/// After the pool's end the last state is still there, and the next process
/// goes on from it.
fn pool_gone(site: Site, run: &RunDir, config: &Value, dead: &str) -> Result<()> {
    let known = site.get("")?;
    let known = view(status_of(&known)?)?;
    let workers = site.fpm.workers()?;
    let Site { fpm, php, .. } = site;
    drop(fpm);
    until(Duration::from_secs(5), "the workers are gone", || {
        let left: Vec<_> = workers.iter().filter(|pid| proc::is_alive(**pid)).collect();
        Ok(if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:?}"))
        })
    })?;
    let mut reader = Agent::start(run, &php, "reader", config, &[])?;
    assert_eq!(view(&reader.status()?)?, known);
    let (status, _) = until(TAKEOVER, "nobody leads", || {
        let status = reader.status()?;
        Ok(if status["leader"].is_null() {
            Ok(status)
        } else {
            Err(status.to_string())
        })
    })?;
    assert_eq!(view(&status)?, known);
    let warnings = status["warnings"].to_string();
    assert!(
        warnings.contains("no process probes this cluster"),
        "{warnings}"
    );
    // It dials no node that it was told is dead, and probes from now on.
    let connected = reader.connect("k", "k")?;
    assert!(
        connected.dials.iter().all(|dial| dial.node != dead),
        "{connected:?}"
    );
    until(TAKEOVER, "the script leads", || {
        let status = reader.status()?;
        let leads = leader(&status).is_some_and(|(pid, _)| pid == reader.pid());
        Ok(if leads {
            Ok(())
        } else {
            Err(status.to_string())
        })
    })?;
    Ok(())
}

#[test]
fn one_process_probes_whatever_becomes_of_it_and_the_rest_sleep() -> Result<()> {
    let run = RunDir::create()?;
    let cluster = Galera::start_in(run.clone(), Options::default())?;
    cluster.execute(&["CREATE TABLE shop.written (token VARCHAR(64) PRIMARY KEY)"])?;
    // Where nobody probes, a node that is down is left alone for the backoff.
    let brief = json!({
        "hold_down": "200ms",
        "slow_start": "100ms",
        "backoff": { "base": "1m", "max": "1m" },
    });
    let config = galera(&cluster, brief);
    let mut fast = config.clone();
    fast["probe_interval"] = json!("200ms");
    let configs = [("cluster", &config), ("fast", &fast)];
    let site = Site::start(&run, &cluster, WORKERS, &configs)?;
    let off = [("amm.monitor", "off")];
    let mut observer = Agent::start(&run, &site.php, "observer", &config, &off)?;
    occupy_all(&site)?;
    until(Duration::from_secs(5), "all are writers", || {
        let status = observer.status()?;
        let well = cluster
            .nodes()
            .iter()
            .all(|n| status["nodes"][n.id()]["role"] == "writer");
        Ok(if well {
            Ok(())
        } else {
            Err(status.to_string())
        })
    })?;

    let first = one_leads(&site, &mut observer)?;
    let (percent, others) = at_rest(&site, first)?;

    // From here on the strictest interval that anybody set counts for all.
    site.get("config=fast")?;
    let stopped = stopped_and_woken(&site, &cluster, &mut observer)?;

    let dead = cluster.node(2).id();
    cluster.node(2).kill9()?;
    until(Duration::from_secs(3), "the dead node is seen", || {
        let seen = observer.node(&dead)?;
        let down = seen.health == "down";
        Ok(if down {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        })
    })?;
    let killed = killed(&site, &mut observer, &dead)?;
    let gap = reloaded(&site, &mut observer)?;
    console_agrees(&site, &run, &config)?;
    pool_gone(site, &run, &config, &dead)?;
    println!(
        "monitor_lease: leader_percent_of_a_core={percent:.2} others_cpu_ms_in_5s={:.1} \
         takeover_after_stop_ms={} takeover_after_kill_ms={} reload_without_leader_ms={}",
        others.as_secs_f64() * 1e3,
        ms(stopped),
        ms(killed),
        ms(gap),
    );
    Ok(())
}
