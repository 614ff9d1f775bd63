//! The two moments when nothing good is known: before the first probe, and
//! while every node is down. Requests succeed in the one, and fail fast in the
//! other, until the first after the nodes' return.

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use amm_rig::galera::{Galera, Node, Options, PROBE};
use amm_rig::php::Php;
use amm_rig::run_dir::RunDir;
use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use support::agent::Agent;
use support::http::{self, Reply};
use support::site::Site;
use support::{galera, ms, until};

const WORKERS: usize = 16;
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);
/// How long a probe's login is kept waiting at the start.
const PROBES_WAIT: Duration = Duration::from_secs(2);
const NO_WRITER: &str = "Amm\\Exception\\NoWriterAvailable";
/// Processes of the host that nothing probes for.
const AGENTS: usize = 5;

/// The longest time that PHP spent in `connect()`.
fn longest(replies: &[Reply]) -> u64 {
    let spent = |reply: &Reply| reply.body["took_us"].as_u64();
    replies.iter().filter_map(spent).max().unwrap_or(u64::MAX)
}

fn all_succeed(replies: &[Reply]) {
    let failed: Vec<&Reply> = replies.iter().filter(|reply| reply.status != 200).collect();
    assert!(
        failed.is_empty(),
        "{} failed: {:?}",
        failed.len(),
        failed[0]
    );
}

fn all_are_refused_in_time(replies: &[Reply]) {
    for reply in replies {
        let class = reply.body["class"].as_str();
        assert_eq!((reply.status, class), (500, Some(NO_WRITER)), "{reply:?}");
    }
    let limit = CONNECT_DEADLINE + Duration::from_millis(500);
    assert!(u128::from(longest(replies)) < limit.as_micros());
}

/// Every worker's first request, before any probe could have been answered.
fn cold_start(site: &Site, cluster: &Galera) -> Result<u64> {
    for node in cluster.nodes() {
        set_login_delay(node, PROBES_WAIT)?;
    }
    let began = Instant::now();
    let replies = site.get_in_all_workers("")?;
    all_succeed(&replies);
    let pids: BTreeSet<_> = replies
        .iter()
        .map(|reply| reply.body["pid"].as_u64())
        .collect();
    assert_eq!(pids.len(), WORKERS);
    for reply in &replies {
        for node in cluster.nodes() {
            let seen = &reply.body["status"]["nodes"][node.id()];
            assert_eq!(
                (&seen["probe"], &seen["role"]),
                (&json!("none"), &json!("unknown"))
            );
        }
    }
    assert!(
        began.elapsed() < PROBES_WAIT,
        "the probes were not kept waiting long enough"
    );
    let used: BTreeSet<_> = replies
        .iter()
        .map(|reply| reply.body["node"].to_string())
        .collect();
    assert_eq!(
        used.len(),
        cluster.nodes().len(),
        "16 scopes spread over the nodes"
    );
    Ok(longest(&replies))
}

/// Has the probes' account wait after its login.
fn set_login_delay(node: &Node, delay: Duration) -> Result<()> {
    use mysql::prelude::Queryable;
    let (user, seconds) = (PROBE.user, delay.as_secs());
    let statement = format!("DO IF(USER() LIKE '{user}@%', SLEEP({seconds}), 0)");
    let value = if delay.is_zero() {
        String::new()
    } else {
        statement
    };
    Ok(node
        .root()?
        .exec_drop("SET GLOBAL init_connect = ?", (value,))?)
}

/// What the nodes are, as one observer sees it.
fn wait_for(observer: &mut Agent, what: &str, mut is: impl FnMut(&Value) -> bool) -> Result<Value> {
    let (status, _) = until(Duration::from_secs(15), what, || {
        let status = observer.status()?;
        let nodes = status["nodes"].as_object().cloned().unwrap_or_default();
        let all = nodes.len() == 3 && nodes.values().all(&mut is);
        Ok(if all {
            Ok(status)
        } else {
            Err(status.to_string())
        })
    })?;
    Ok(status)
}

fn unprobed(run: &RunDir, php: &Php, config: &Value) -> Result<Vec<Agent>> {
    let off = [("amm.monitor", "off")];
    (0..AGENTS)
        .map(|number| {
            let name = format!("unprobed-{number}");
            Agent::start_apart(run, php, &name, "unprobed", config, &off)
        })
        .collect()
}

/// One `connect()` in each agent at once.
fn connect_all(agents: &mut [Agent]) -> Result<Vec<Value>> {
    let command = json!({ "do": "connect", "name": "c" });
    std::thread::scope(|scope| {
        let under_way: Vec<_> = agents
            .iter_mut()
            .map(|agent| scope.spawn(|| agent.try_ask(&command)))
            .collect();
        under_way
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow!("a panic"))?)
            .collect()
    })
}

#[test]
fn a_cold_start_serves_at_once_and_an_outage_of_all_ends_with_the_first_request() -> Result<()> {
    let run = RunDir::create()?;
    let cluster = Galera::start_in(run.clone(), Options::default())?;
    cluster.execute(&["CREATE TABLE shop.written (token VARCHAR(64) PRIMARY KEY)"])?;
    // Whoever was down stays banned for longer than the test runs.
    let keys = json!({ "probe_timeout": "5s", "hold_down": "10m", "backoff": { "base": "10m", "max": "10m" } });
    let config = galera(&cluster, keys);
    let site = Site::start(&run, &cluster, WORKERS, &[("cluster", &config)])?;
    let off = [("amm.monitor", "off")];
    let mut observer = Agent::start(&run, &site.php, "observer", &config, &off)?;

    let cold_us = cold_start(&site, &cluster)?;
    let known = wait_for(&mut observer, "the probes are answered", |node| {
        node["role"] == "writer"
    })?;
    for node in known["nodes"].as_object().into_iter().flatten() {
        assert_eq!(
            (&node.1["epoch"], &node.1["failures"]),
            (&json!(0), &json!(0)),
            "{node:?}"
        );
    }
    for node in cluster.nodes() {
        set_login_delay(node, Duration::ZERO)?;
    }
    let mut agents = unprobed(&run, &site.php, &config)?;
    assert!(
        connect_all(&mut agents)?
            .iter()
            .all(|answer| answer["node"].is_string())
    );

    // All down: at once, once that is known, and with more requests than workers.
    for node in cluster.nodes() {
        node.kill9()?;
    }
    let at_once = site.get_in_all_workers("")?;
    all_are_refused_in_time(&at_once);
    let down = wait_for(&mut observer, "all are down", |node| {
        node["health"] == "down"
    })?;
    assert_eq!(down["panic"], json!(true));
    let known = site.get_in_all_workers("")?;
    all_are_refused_in_time(&known);
    let began = Instant::now();
    let crowd = http::get_all(site.address(), &vec!["/?".to_owned(); 8 * WORKERS])?;
    let crowd_ms = ms(began.elapsed());
    all_are_refused_in_time(&crowd);
    assert!(
        crowd_ms < 2_000,
        "the pool stood still: {crowd_ms} ms for {}",
        crowd.len()
    );
    for answer in connect_all(&mut agents)? {
        assert_eq!(answer["class"], NO_WRITER, "{answer}");
    }

    // All back, and banned all the same: the first request goes through.
    cluster.restart_all(Duration::from_secs(60))?;
    let held = wait_for(&mut observer, "all answer again", |node| {
        node["role"] == "writer" && node["health"] == "up" && node["writable"] == json!(false)
    })?;
    assert_eq!(held["panic"], json!(true));
    let first = site.get("")?;
    all_succeed(std::slice::from_ref(&first));
    all_succeed(&site.get_in_all_workers("")?);
    // Where nothing probes, all are banned by what the processes met themselves.
    let banned = agents[0].status()?;
    assert_eq!(banned["panic"], json!(true), "{banned}");
    let back = connect_all(&mut agents)?;
    assert!(
        back.iter().all(|answer| answer["node"].is_string()),
        "{back:?}"
    );

    println!(
        "cold_start_and_all_down: cold_start_requests={WORKERS} failed=0 slowest_connect_us={cold_us} \
         refused={} slowest_refusal_us={} pool_of_{WORKERS}_refuses_{}_in_ms={crowd_ms} \
         first_after_return_ms={}",
        at_once.len() + known.len() + crowd.len(),
        longest(&at_once).max(longest(&known)).max(longest(&crowd)),
        crowd.len(),
        ms(first.took),
    );
    Ok(())
}
