//! Peers that misbehave in every way: each probe is over in time, says what
//! the peer deserves, leaves nothing behind, and keeps no other node waiting.

mod support;

use std::fs;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use amm_core::node::Role;
use amm_engine::probe::{Finding, ask};
use amm_rig::faulty::{Answers, Fault, Faulty, Lie, Script, Step, Table};
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use support::engine::{Watched, definition};
use support::{ms, proc};

/// These tests look at their own process: one at a time.
static ALONE: Mutex<()> = Mutex::new(());

const TIMEOUT: Duration = Duration::from_millis(200);
/// What a probe may take beyond its deadline: a thread has to get to run.
const SLACK: Duration = Duration::from_millis(50);
/// What one probe may make the process grow by, KiB.
const MOST_GROWTH: u64 = 4 * 1_024;

fn cluster(nodes: &[String], more: Value) -> Value {
    let mut config = json!({
        "flavour": "read_only",
        "nodes": nodes,
        "username": "probe",
        "password": "probe-secret",
        "probe_timeout": format!("{}ms", ms(TIMEOUT)),
    });
    if let (Some(all), Some(more)) = (config.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    config
}

/// What the peer deserves.
fn deserved(script: &Script) -> Finding {
    match &script.fault {
        // Not there in time.
        Fault::Silence | Fault::Late(_) | Fault::Half | Fault::Drip(_) => {
            Finding::Failed { fatal: false }
        }
        // There, with other ways of letting people in.
        Fault::Switch(_) => Finding::NoLogin,
        // A greeting that begins like an error with a number nobody knows.
        Fault::Lie(Lie::Protocol(255)) => Finding::NoLogin,
        // Gone, or no server that anybody could use.
        _ => Finding::Failed { fatal: true },
    }
}

#[test]
fn whatever_the_peer_does_a_probe_is_over_in_time_with_the_right_verdict() -> Result<()> {
    let _alone = ALONE.lock();
    let scripts = Script::all(Duration::from_millis(20), Duration::from_secs(3));
    let (mut slowest, mut grown) = (Duration::ZERO, 0);
    let mut wrong = Vec::new();
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let server = Faulty::start(&address.parse()?, Script::healthy())?;
        let definition = definition(&cluster(&[server.id()], json!({})))?;
        for script in &scripts {
            server.set(script.clone());
            let (began, before) = (Instant::now(), resident()?);
            let result = ask(&definition, 0, 60_000);
            let took = began.elapsed();
            let more = resident()?.saturating_sub(before);
            slowest = slowest.max(took);
            grown = grown.max(more);
            if result.finding != deserved(script) || took > TIMEOUT + SLACK || more > MOST_GROWTH {
                wrong.push(format!("{script}: {result:?} in {took:?}, {more} KiB more"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!(
        "faulty_peers: probes={} slowest_ms={} deadline_ms={} most_growth_kib={grown}",
        2 * scripts.len(),
        ms(slowest),
        ms(TIMEOUT)
    );
    Ok(())
}

#[test]
fn a_connect_that_hangs_is_over_in_time() -> Result<()> {
    let _alone = ALONE.lock();
    let run = RunDir::create()?;
    let socket = run.path().join("deaf.sock").display().to_string();
    for address in ["127.0.0.1:0", "[::1]:0", &socket] {
        let server = Faulty::start_deaf(&address.parse()?)?;
        let definition = definition(&cluster(&[server.id()], json!({})))?;
        let began = Instant::now();
        let result = ask(&definition, 0, 60_000);
        let took = began.elapsed();
        assert_eq!(
            result.finding,
            Finding::Failed { fatal: false },
            "{result:?}"
        );
        assert!(
            took >= TIMEOUT && took <= TIMEOUT + SLACK,
            "{address}: {took:?}"
        );
    }
    Ok(())
}

#[test]
fn a_callers_own_time_bounds_its_probe() -> Result<()> {
    let _alone = ALONE.lock();
    let drip = Fault::Drip(Duration::from_millis(5));
    let server = Faulty::start(&"127.0.0.1:0".parse()?, Script::new(Step::Greeting, drip))?;
    let definition = definition(&cluster(&[server.id()], json!({})))?;
    let began = Instant::now();
    assert_eq!(
        ask(&definition, 0, 60).finding,
        Finding::Failed { fatal: false }
    );
    let took = began.elapsed();
    assert!(took <= Duration::from_millis(60) + SLACK, "{took:?}");
    Ok(())
}

#[test]
fn lies_that_do_no_harm_are_seen_through_and_refusals_are_what_they_say() -> Result<()> {
    let _alone = ALONE.lock();
    let server = Faulty::start(&"127.0.0.1:0".parse()?, Script::healthy())?;
    let definition = definition(&cluster(&[server.id()], json!({})))?;
    let role = |finding: &Finding| match finding {
        Finding::Answered(judged) => Some(judged.role),
        _ => None,
    };
    for script in Script::harmless_lies() {
        server.set(script.clone());
        let result = ask(&definition, 0, 60_000);
        assert_eq!(
            role(&result.finding),
            Some(Role::Writer),
            "{script}: {result:?}"
        );
    }
    for (errno, finding) in [
        (1040, Finding::Inconclusive),
        (1203, Finding::Inconclusive),
        (1045, Finding::NoLogin),
        // Too many of this client's connections were cut off.
        (1129, Finding::Inconclusive),
    ] {
        for step in [Step::Greeting, Step::Login] {
            server.set(Script::new(step, Fault::Error(errno)));
            let result = ask(&definition, 0, 60_000);
            assert_eq!(result.errno, Some(errno));
            assert_eq!(result.finding, finding, "{errno} at {step:?}");
        }
    }
    // It lets us in and talks nonsense: nothing is made of it.
    server.set(Script::healthy());
    for rows in [
        &[][..],
        &[&["read_only", "perhaps"][..]],
        &[&["unknown", "1"]],
    ] {
        let table = Table::new(&["Variable_name", "Value"], rows);
        server.answer(Answers(vec![("variables".into(), table)]));
        let result = ask(&definition, 0, 60_000);
        assert_ne!(
            role(&result.finding),
            Some(Role::Writer),
            "{rows:?}: {result:?}"
        );
    }
    Ok(())
}

/// Threads and descriptors of this process that are not the servers' own.
fn held(servers: &[Faulty]) -> Result<(usize, usize)> {
    let pid = std::process::id() as i32;
    let threads = proc::threads(pid)?;
    let ours = threads.iter().filter(|(_, name)| name.starts_with("amm"));
    let theirs: usize = servers.iter().map(Faulty::open).sum();
    let all = fs::read_dir("/proc/self/fd")?.count();
    // What a server has open this process has open too, at the other end.
    Ok((ours.count(), all.saturating_sub(theirs)))
}

#[test]
fn fifty_deadlines_leave_nothing_behind_and_no_other_node_waits() -> Result<()> {
    let _alone = ALONE.lock();
    let run = RunDir::create()?;
    let drip = || Fault::Drip(Duration::from_millis(7));
    let hanging = [
        Script::new(Step::Greeting, Fault::Silence),
        Script::new(Step::Greeting, Fault::Half),
        Script::new(Step::Greeting, drip()),
        Script::new(Step::Login, Fault::Silence),
        Script::new(Step::Login, drip()),
        Script::new(Step::Answer, Fault::Silence),
        Script::new(Step::Answer, drip()),
        Script::new(Step::Rows, Fault::Half),
        Script::new(Step::Rows, drip()),
        Script::new(Step::Rows, Fault::Endless),
        Script::new(Step::Login, Fault::Huge),
    ];
    let mut servers = vec![Faulty::start(&"127.0.0.1:0".parse()?, Script::healthy())?];
    for script in hanging {
        servers.push(Faulty::start(&"127.0.0.1:0".parse()?, script)?);
    }
    let socket = run.path().join("deaf.sock").display().to_string();
    let deaf = [
        Faulty::start_deaf(&"127.0.0.1:0".parse()?)?,
        Faulty::start_deaf(&socket.parse()?)?,
    ];
    let nodes: Vec<String> = servers.iter().chain(&deaf).map(Faulty::id).collect();
    let times = json!({
        "probe_interval": "100ms",
        "probe_interval_suspect": "100ms",
        "probe_timeout": "80ms",
    });
    let watched = Watched::start(&run, "fifty", &cluster(&nodes, times))?;
    let began = Instant::now();
    let mut samples = Vec::new();
    while servers.iter().skip(1).any(|server| server.accepted() < 55) {
        anyhow::ensure!(began.elapsed() < Duration::from_secs(30), "too few probes");
        std::thread::sleep(Duration::from_millis(100));
        let fewest = servers.iter().skip(1).map(Faulty::accepted).min();
        if fewest.is_some_and(|accepted| accepted >= 5) {
            samples.push(held(&servers)?);
        }
    }
    let took = began.elapsed();
    // One thread for each node, and the one that leads them.
    let threads = samples.iter().map(|(threads, _)| *threads).max();
    assert_eq!(threads, Some(nodes.len() + 1), "{samples:?}");
    // At most one socket for each node is open at any moment.
    let files = || samples.iter().map(|(_, files)| *files);
    let (fewest, most) = (files().min().unwrap_or(0), files().max().unwrap_or(0));
    assert!(most - fewest <= nodes.len(), "{samples:?}");
    for (index, node) in watched.status().nodes.iter().enumerate() {
        let wanted = if index == 0 { "up" } else { "down" };
        assert_eq!(node.health, wanted, "{}", node.id);
    }
    // The healthy one was asked all the time.
    let asked = servers[0].queries();
    let gaps = asked.windows(2).map(|pair| pair[1] - pair[0]);
    let longest = gaps.max().context("no queries")?;
    assert!(
        longest <= Duration::from_millis(200),
        "{longest:?} between probes"
    );
    watched.stop()?;
    println!(
        "faulty_peers: nodes={} seconds={:.1} threads={threads:?} files={fewest}..{most} \
         probes_of_the_healthy={} longest_gap_ms={}",
        nodes.len(),
        took.as_secs_f64(),
        asked.len(),
        ms(longest)
    );
    Ok(())
}

/// Memory in use, KiB.
fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("no VmRSS")?.parse()?)
}
