//! A pool of two hundred workers: asleep it costs nothing, and when every node
//! is gone it does not stand: one process of the host dials each node, a few
//! wait for what it finds, the rest are told at once.

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use amm_rig::clock::Moment;
use amm_rig::fpm::FpmOptions;
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use support::agent::Agent;
use support::doubles::Doubles;
use support::http::Reply;
use support::pool::{Pages, Pool};
use support::proc::{self, Used};
use support::{ms, until};

const WORKERS: usize = 200;
const NODES: usize = 3;
/// As many as may wait for another's dial, per cluster.
const WAITERS: usize = amm_engine::shm::layout::WAITERS;
const NO_WRITER: &str = "Amm\\Exception\\NoWriterAvailable";
const TOO_LATE: &str = "Amm\\Exception\\DeadlineExceeded";
const REST: Duration = Duration::from_secs(20);

/// So many requests at once, all of which begin at the same moment.
fn crowd(pool: &Pool, count: usize) -> Result<Vec<Reply>> {
    let at = (Moment::now() + Duration::from_millis(700)).0;
    let query = format!("at={at}");
    std::thread::scope(|scope| {
        let under_way: Vec<_> = (0..count)
            .map(|_| {
                let ask = || pool.get(&query);
                std::thread::Builder::new()
                    .stack_size(128 * 1024)
                    .spawn_scoped(scope, ask)
            })
            .collect();
        under_way
            .into_iter()
            .map(|thread| thread?.join().map_err(|_| anyhow!("a panic"))?)
            .collect()
    })
}

/// What the pool uses while nobody asks it anything: the leader's part of a
/// core in percent, and how many of the rest ran at all.
fn at_rest(pool: &Pool, leader: i32) -> Result<(f64, usize, Duration)> {
    let workers = pool.fpm.workers()?;
    let all = || -> Result<Vec<Used>> { workers.iter().map(|pid| proc::used(*pid)).collect() };
    let before = all()?;
    let began = Instant::now();
    std::thread::sleep(REST);
    let (mut percent, mut awake, mut others) = (0.0, 0, Duration::ZERO);
    for ((pid, before), after) in workers.iter().zip(&before).zip(all()?) {
        let (_, cpu, ran) = after.since(before);
        if *pid == leader {
            percent = 100.0 * cpu.as_secs_f64() / began.elapsed().as_secs_f64();
        } else {
            awake += usize::from(ran > 0);
            others += cpu;
        }
    }
    Ok((percent, awake, others))
}

/// How long PHP was in `connect()`, shortest first, ms.
fn spent(replies: &[Reply]) -> Result<Vec<u64>> {
    let mut all: Vec<u64> = replies
        .iter()
        .map(|reply| Ok(reply.body["took_us"].as_u64().context("no time")? / 1_000))
        .collect::<Result<_>>()?;
    all.sort_unstable();
    Ok(all)
}

/// Refused, all of them; gives how many only when their time was over.
fn all_are_refused(replies: &[Reply]) -> usize {
    let mut late = 0;
    for reply in replies {
        let class = reply.body["class"].as_str().unwrap_or_default();
        assert!(
            reply.status == 500 && [NO_WRITER, TOO_LATE].contains(&class),
            "{reply:?}"
        );
        late += usize::from(class == TOO_LATE);
    }
    late
}

fn wait_for(observer: &mut Agent, what: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
    let (status, _) = until(Duration::from_secs(10), what, || {
        let status = observer.status()?;
        let nodes = status["nodes"].as_object();
        let all = nodes.is_some_and(|nodes| nodes.values().all(&is));
        Ok(if all {
            Ok(status)
        } else {
            Err(status.to_string())
        })
    })?;
    Ok(status)
}

#[test]
fn two_hundred_workers_sleep_for_nothing_and_never_stand() -> Result<()> {
    let run = RunDir::create()?;
    let mut doubles = Doubles::start(NODES)?;
    // Whoever was down stays banned for longer than the test runs.
    let config = doubles.config(json!({
        "hold_down": "10m",
        "backoff": { "base": "10m", "max": "10m" },
    }));
    // A server that never greets is the application's to bound.
    let ini = [("mysqlnd.net_read_timeout", "1")];
    let pages = Pages::prepare(&run, &[("cluster", &config)], &ini)?;
    let pool = pages.serve(&run, &FpmOptions::new(WORKERS))?;
    let off = [("amm.monitor", "off")];
    let mut observer = Agent::start(&run, &pages.php, "observer", &config, &off)?;

    // Every worker has its thread, and all but two of them sleep.
    let mut pids = BTreeSet::new();
    until(Duration::from_secs(30), "every worker serves", || {
        for reply in crowd(&pool, WORKERS)? {
            ensure!(reply.status == 200, "{reply:?}");
            pids.insert(reply.body["pid"].as_u64());
        }
        let served = pids.len();
        Ok(if served == WORKERS {
            Ok(())
        } else {
            Err(format!("{served}"))
        })
    })?;
    wait_for(&mut observer, "all are writers", |node| {
        node["role"] == "writer"
    })?;
    for pid in pool.fpm.workers()? {
        assert_eq!(proc::threads_named(pid, "amm")?, 1, "{pid}");
    }
    let leader = observer.status()?["leader"]["pid"]
        .as_i64()
        .context("nobody leads")? as i32;
    // A thread looks once more when the last dial it watched might have lasted
    // for too long.
    std::thread::sleep(Duration::from_secs(2));
    let (percent, awake, others) = at_rest(&pool, leader)?;
    assert!(percent < 0.5, "the leader uses {percent:.2} % of a core");
    // The deputy.
    assert_eq!(awake, 1, "{awake} of {WORKERS} do not sleep");
    assert!(
        others < Duration::from_millis(100),
        "{others:?} in {REST:?}"
    );

    // Hung: accepts, and never greets.
    (0..NODES).try_for_each(|index| doubles.hang(index))?;
    wait_for(&mut observer, "all are down", |node| {
        node["health"] == "down"
    })?;
    let most = AtomicUsize::new(0);
    let done = AtomicBool::new(false);
    let began = Instant::now();
    let accepted: usize = (0..NODES).map(|index| doubles.accepted(index)).sum();
    let hung = std::thread::scope(|scope| -> Result<Vec<Reply>> {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                let open = (0..NODES).map(|index| doubles.open(index)).max();
                most.fetch_max(open.unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let replies = crowd(&pool, 3 * WORKERS);
        done.store(true, Ordering::Release);
        replies
    })?;
    let hung_ms = ms(began.elapsed());
    let dialled = (0..NODES)
        .map(|index| doubles.accepted(index))
        .sum::<usize>()
        - accepted;
    // Those who dialled and those who waited for them.
    let late = all_are_refused(&hung);
    assert!(
        late <= WAITERS + NODES,
        "{late} waited for their whole time"
    );
    let times = spent(&hung)?;
    // The prober's own connection is one of them.
    let most = most.into_inner();
    assert!(most <= 2, "{most} connections to one hung node at once");
    // In each round of dials, which take a second, some dial and some wait.
    let rounds = hung_ms / 1_000 + 1;
    let slow = times.iter().filter(|time| **time >= 250).count() as u64;
    let may_wait = (WAITERS + NODES) as u64 * rounds;
    assert!(
        slow <= may_wait,
        "{slow} of {} waited, {may_wait} may",
        times.len()
    );
    let at_once = &times[..times.len() - slow as usize];
    let (half, p99) = (
        at_once[at_once.len() / 2],
        at_once[at_once.len() * 99 / 100],
    );
    assert!(hung_ms < 6_000, "the pool stood: {hung_ms} ms");

    // Refused.
    (0..NODES).for_each(|index| doubles.down(index));
    let began = Instant::now();
    let refused = crowd(&pool, 3 * WORKERS)?;
    let refused_ms = ms(began.elapsed());
    assert_eq!(all_are_refused(&refused), 0);
    let refusals = spent(&refused)?;
    assert!(refused_ms < 4_000, "the pool stood: {refused_ms} ms");

    // Back, and banned all the same: the first request goes through, and the rest.
    (0..NODES).try_for_each(|index| doubles.up(index))?;
    let first = pool.get("")?;
    assert_eq!(first.status, 200, "{first:?}");
    let back = crowd(&pool, WORKERS)?;
    let failed = back.iter().filter(|reply| reply.status != 200).count();
    assert_eq!(
        failed,
        0,
        "{:?}",
        back.iter().find(|reply| reply.status != 200)
    );
    assert_eq!(pool.crashes()?, Vec::<String>::new());
    println!(
        "many_processes: workers={WORKERS} leader_percent_of_a_core={percent:.3} awake_besides={awake} \
         others_cpu_ms_in_{}s={:.1} hung: refused={} in_ms={hung_ms} dials={dialled} most_connections_to_a_node={most} \
         waited={slow} at_once_p50_ms={half} at_once_p99_ms={p99} refused: refused={} in_ms={refused_ms} p50_ms={} \
         p99_ms={} first_after_return_ms={} then={WORKERS} failed=0",
        REST.as_secs(),
        others.as_secs_f64() * 1e3,
        hung.len(),
        refused.len(),
        refusals[refusals.len() / 2],
        refusals[refusals.len() * 99 / 100],
        ms(first.took),
    );
    Ok(())
}
