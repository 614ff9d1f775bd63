//! A writer hangs: everyone who is stuck on it is freed in time, in every
//! process, and knows that its write is in doubt; and what is well is spared.

mod support;

use std::sync::Arc;
use std::time::Duration;

use amm_rig::clock::Moment;
use amm_rig::floor::Floor;
use amm_rig::fpm::FpmOptions;
use amm_rig::galera::{Galera, Options};
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result, anyhow, ensure};
use mysql::prelude::Queryable;
use serde::Deserialize;
use serde_json::{Value, json};
use support::agent::Agent;
use support::pool::Pages;
use support::{galera, ms, until};

const PROBE_INTERVAL: Duration = Duration::from_secs(1);
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);
const CUT_AFTER: Duration = Duration::from_secs(2);
/// Guarantee 2, from the hang on or from the witness's verdict.
const BOUND: Duration = PROBE_INTERVAL
    .saturating_add(PROBE_TIMEOUT)
    .saturating_add(PROBE_TIMEOUT)
    .saturating_add(CUT_AFTER)
    .saturating_add(Duration::from_secs(1));
const TABLES: [&str; 2] = [
    "CREATE TABLE shop.written (token VARCHAR(64) PRIMARY KEY)",
    "CREATE TABLE shop.floor (id INT AUTO_INCREMENT PRIMARY KEY, tick INT)",
];

/// How a statement over a kept handle ended.
#[derive(Clone, Debug, Deserialize)]
struct Ended {
    began: Moment,
    ended: Moment,
    errno: Option<u16>,
    #[serde(default)]
    was_cut: bool,
}

fn run_sql(agent: &mut Agent, name: &str, sql: &[&str]) -> Result<Ended> {
    let answer = agent.ask(json!({ "do": "stay", "name": name, "sql": sql }))?;
    Ok(serde_json::from_value(answer)?)
}

fn cuts(status: &Value, id: &str) -> u64 {
    status["nodes"][id]["cuts"].as_u64().unwrap_or(u64::MAX)
}

fn all_writers(agent: &mut Agent, cluster: &Galera) -> Result<()> {
    until(Duration::from_secs(20), "all are writers", || {
        let status = agent.status()?;
        let well = |id: &str| {
            let node = &status["nodes"][id];
            node["role"] == "writer" && node["health"] == "up" && node["breaker"] == "closed"
        };
        let all = cluster.nodes().iter().all(|n| well(&n.id()));
        Ok(all.then_some(()).ok_or_else(|| status["nodes"].to_string()))
    })?;
    Ok(())
}

#[test]
fn who_is_stuck_on_a_hung_writer_is_freed_in_time_in_every_process() -> Result<()> {
    let run = RunDir::create()?;
    let cluster = Galera::start_in(Arc::clone(&run), Options::default())?;
    cluster.execute(&TABLES)?;
    let config = galera(
        &cluster,
        json!({ "hold_down": "300ms", "slow_start": "100ms" }),
    );
    let pages = Pages::prepare(&run, &[("cluster", &config)], &[])?;
    let pool = pages.serve(&run, &FpmOptions::new(4))?;
    let off = [("amm.monitor", "off")];
    let mut with_mysqli = config.clone();
    with_mysqli["app"] = json!({ "driver": "mysqli" });
    let start = |name: &str, config: &Value| Agent::start(&run, &pages.php, name, config, &off);
    let mut observer = start("observer", &config)?;
    let mut stuck = [
        (
            "pdo sleep",
            start("pdo", &config)?,
            vec!["SELECT SLEEP(60)"],
        ),
        (
            "mysqli sleep",
            start("mysqli", &with_mysqli)?,
            vec!["SELECT SLEEP(60)"],
        ),
        ("pdo commit", start("commit", &config)?, vec!["COMMIT"]),
        (
            "mysqli update",
            start("update", &with_mysqli)?,
            vec!["INSERT INTO written VALUES ('autocommit')"],
        ),
    ];
    pool.ask("")?;
    all_writers(&mut observer, &cluster)?;
    let victim = cluster.node(2);
    let id = victim.id();
    let key = observer.key_of(&id)?;
    for (name, agent, _) in &mut stuck {
        assert_eq!(agent.connect(&key, "held")?.node, id);
        if *name == "pdo commit" {
            let begin = ["START TRANSACTION", "INSERT INTO written VALUES ('commit')"];
            assert_eq!(run_sql(agent, "held", &begin)?.errno, None);
        }
    }
    let mut late = start("late", &config)?;
    let mut late_mysqli = start("late-mysqli", &with_mysqli)?;
    // A client of another kind is none of ours to free.
    let mut stranger = victim.connect(amm_rig::accounts::APP, Duration::from_secs(60))?;
    let stranger = std::thread::spawn(move || stranger.query_drop("DO SLEEP(9)"));
    let floor = Floor::start(cluster.node(0), Duration::from_millis(20))?;

    let query = format!("key={key}&sql=SELECT%20SLEEP(60)");
    let (hung, freed, dials, evicted) = std::thread::scope(|scope| -> Result<_> {
        let sleeping = |agent: &mut Agent, sql: Vec<&'static str>| run_sql(agent, "held", &sql);
        let mut running = Vec::new();
        let mut waiting = Vec::new();
        for (name, agent, sql) in &mut stuck {
            if sql[0].starts_with("SELECT") {
                let sql = sql.clone();
                running.push((*name, scope.spawn(move || sleeping(agent, sql))));
            } else {
                waiting.push((*name, agent, sql.clone()));
            }
        }
        // Two workers of the pool, each in a request that does not end.
        let requests: Vec<_> = (0..2).map(|_| scope.spawn(|| pool.get(&query))).collect();
        until(Duration::from_secs(5), "all are at it", || {
            let sleeping: Option<usize> = victim.root()?.query_first(
                "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'",
            )?;
            Ok((sleeping == Some(4))
                .then_some(())
                .ok_or(format!("{sleeping:?}")))
        })?;
        let hung = Moment::now();
        victim.stop()?;
        for (name, agent, sql) in waiting {
            running.push((name, scope.spawn(move || sleeping(agent, sql))));
        }
        // Who dials now is accepted and never greeted.
        let dials = [&mut late, &mut late_mysqli].map(|agent| {
            let key = key.clone();
            scope.spawn(move || agent.connect(&key, "held"))
        });
        // When the survivors have evicted it.
        let (_, evicted) = until(Duration::from_secs(15), "eviction", || {
            let size = cluster.node(0).state()?.cluster_size;
            Ok((size == 2).then_some(()).ok_or(size.to_string()))
        })?;
        let mut freed = Vec::new();
        let panicked = |_| anyhow!("a panic");
        for (name, thread) in running {
            freed.push((name, thread.join().map_err(panicked)??));
        }
        for thread in requests {
            let reply = thread.join().map_err(panicked)??;
            let ended = serde_json::from_value(reply.body.clone());
            freed.push(("fpm sleep", ended.with_context(|| reply.text)?));
        }
        let mut dialled = Vec::new();
        for thread in dials {
            dialled.push(thread.join().map_err(panicked)??);
        }
        Ok((hung, freed, dialled, evicted))
    })?;

    let mut line = format!("cut: evicted_ms={}", ms(evicted));
    let latest = BOUND.max(evicted + PROBE_INTERVAL + Duration::from_secs(1));
    for (name, ended) in &freed {
        let took = ended.ended.since(hung);
        line += &format!(" {}_ms={}", name.replace(' ', "_"), ms(took));
        assert!(
            took <= latest,
            "{name} after {took:?}, evicted after {evicted:?}"
        );
        assert!(ended.was_cut, "{name}: {ended:?}");
        assert!(
            matches!(ended.errno, Some(2006 | 2013)),
            "{name}: {ended:?}"
        );
    }
    for connected in &dials {
        let first = connected.dials.first().context("no dial")?;
        assert_eq!(first.node, id);
        let took = first.ended.since(first.began);
        line += &format!(" handshake_ms={}", ms(took));
        assert!(
            took < Duration::from_millis(1_600),
            "not greeted for {took:?}"
        );
        assert_ne!(connected.node, id);
    }
    // None that begins after the exclusion waits at all.
    let mut worst = 0;
    for number in 0..50 {
        let connected = observer.connect(&key, &format!("after-{number}"))?;
        assert!(
            connected.dials.iter().all(|d| d.node != id),
            "{connected:?}"
        );
        worst = worst.max(connected.took_us);
    }
    let ticks = floor.finish()?;
    let stall = ticks
        .iter()
        .map(|t| t.ended.since(t.due))
        .max()
        .context("no floor")?;
    let status = observer.status()?;
    assert!(cuts(&status, &id) >= 1, "{status}");
    // The survivors stalled, and were spared.
    for other in [0, 1].map(|i| cluster.node(i).id()) {
        assert_eq!(cuts(&status, &other), 0, "{status}");
    }
    let warned = status["warnings"].to_string();
    assert!(warned.contains("sockets to it are being shut"), "{warned}");

    victim.cont()?;
    let stranger = stranger.join().map_err(|_| anyhow!("a panic"))?;
    stranger.context("a client that is not PHP's was cut")?;
    until(Duration::from_secs(30), "it is back", || {
        let node = observer.node(&id)?;
        observer.connect(&key, "back")?;
        let standing = observer.status()?["warnings"].to_string();
        let back = node.writable && !standing.contains("being shut");
        Ok(back.then_some(()).ok_or(format!("{node:?} {standing}")))
    })?;
    // What was in doubt happened once or not at all.
    for token in ["commit", "autocommit"] {
        let stored: Option<u32> = cluster.node(0).root()?.exec_first(
            "SELECT COUNT(*) FROM shop.written WHERE token = ?",
            (token,),
        )?;
        ensure!(stored.is_some_and(|rows| rows <= 1), "{token}: {stored:?}");
    }
    println!(
        "{line} after_exclusion_worst_us={worst} floor_stall_ms={} cuts={}",
        ms(stall),
        cuts(&status, &id)
    );
    Ok(())
}

#[test]
fn what_is_well_is_spared() -> Result<()> {
    let run = RunDir::create()?;
    let extra = [
        "--thread-handling=pool-of-threads",
        "--thread-pool-size=1",
        "--thread-pool-max-threads=4",
        "--thread-pool-stall-limit=60000",
    ]
    .map(str::to_owned)
    .to_vec();
    let options = Options {
        extra,
        ..Options::default()
    };
    let cluster = Galera::start_in(Arc::clone(&run), options)?;
    cluster.execute(&TABLES)?;
    let config = galera(
        &cluster,
        json!({ "hold_down": "300ms", "slow_start": "100ms", "connect_timeout": "300ms" }),
    );
    let pages = Pages::prepare(&run, &[("cluster", &config)], &[])?;
    let start = |name: &str| Agent::start(&run, &pages.php, name, &config, &[]);
    let (mut leader, mut observer, mut worker) =
        (start("leader")?, start("observer")?, start("worker")?);
    leader.connect("any", "any")?;
    observer.connect("any", "any")?;
    all_writers(&mut observer, &cluster)?;
    let victim = cluster.node(2);
    let id = victim.id();
    let key = observer.key_of(&id)?;
    let none = |observer: &mut Agent, what: &str| -> Result<()> {
        let status = observer.status()?;
        for node in cluster.nodes() {
            assert_eq!(cuts(&status, &node.id()), 0, "{what}: {status}");
        }
        println!("cut: {what}: cuts=0 0 0");
        Ok(())
    };

    // A thread pool in which nobody is left to greet: all sleep.
    assert_eq!(worker.connect(&key, "held")?.node, id);
    let sleepers: Vec<_> = (0..6)
        .map(|_| {
            let mut conn = victim.connect(amm_rig::accounts::APP, Duration::from_secs(30))?;
            Ok(std::thread::spawn(move || conn.query_drop("DO SLEEP(6)")))
        })
        .collect::<Result<Vec<_>>>()?;
    // Nobody can be asked now whether all have begun.
    std::thread::sleep(Duration::from_millis(500));
    let slow = run_sql(&mut worker, "held", &["SELECT 1"])?;
    let waited = slow.ended.since(slow.began);
    assert_eq!((slow.errno, slow.was_cut), (None, false), "{slow:?}");
    assert!(
        waited > Duration::from_secs(3),
        "its threads were not busy: {waited:?}"
    );
    let went_down = observer.node(&id)?;
    for sleeper in sleepers {
        sleeper
            .join()
            .map_err(|_| anyhow!("a panic"))?
            .context("a query in the pool")?;
    }
    println!(
        "cut: pool exhausted for {} ms, seen as {}",
        ms(waited),
        went_down.health
    );
    none(&mut observer, "thread pool exhausted")?;
    all_writers(&mut observer, &cluster)?;

    // A demotion and a drain: what runs there runs on.
    worker.connect(&key, "held")?;
    victim.set_read_only(true)?;
    let demoted = run_sql(&mut worker, "held", &["SELECT SLEEP(4)"])?;
    assert_eq!(
        (demoted.errno, demoted.was_cut),
        (None, false),
        "{demoted:?}"
    );
    victim.set_read_only(false)?;
    none(&mut observer, "demoted")?;

    // A COMMIT that takes longer than any limit.
    all_writers(&mut observer, &cluster)?;
    until(Duration::from_secs(20), "the node's turn", || {
        let node = worker.connect(&key, "held")?.node;
        Ok((node == id).then_some(()).ok_or(node))
    })?;
    victim.root()?.query_drop(
        "CREATE TRIGGER shop.slow BEFORE INSERT ON shop.written FOR EACH ROW \
         SET NEW.token = IF(SLEEP(5) = 0, NEW.token, NULL)",
    )?;
    let slow = run_sql(
        &mut worker,
        "held",
        &["INSERT INTO written VALUES ('slow')"],
    )?;
    assert_eq!((slow.errno, slow.was_cut), (None, false), "{slow:?}");
    assert!(slow.ended.since(slow.began) > Duration::from_secs(4));
    none(&mut observer, "slow write")?;

    // The prober itself is stopped for longer than cut_after, and woken.
    let pid = observer.status()?["leader"]["pid"]
        .as_i64()
        .context("no leader")? as i32;
    support::proc::signal(pid, libc::SIGSTOP)?;
    std::thread::sleep(CUT_AFTER + PROBE_INTERVAL);
    support::proc::signal(pid, libc::SIGCONT)?;
    std::thread::sleep(PROBE_INTERVAL);
    none(&mut worker, "prober stopped")?;

    // All nodes at once.
    for node in cluster.nodes() {
        node.stop()?;
    }
    std::thread::sleep(CUT_AFTER + PROBE_INTERVAL + 4 * PROBE_TIMEOUT);
    none(&mut worker, "all nodes hung")?;
    for node in cluster.nodes() {
        node.cont()?;
    }
    std::thread::sleep(PROBE_INTERVAL);
    none(&mut worker, "all nodes hung and woken")?;
    Ok(())
}
