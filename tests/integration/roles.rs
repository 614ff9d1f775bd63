//! A node that loses its role is left by every process, and comes back after
//! its hold-down by one trial dial, whatever took the role.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use amm_rig::clock::Moment;
use amm_rig::galera::{APP, Galera, Node, Options};
use amm_rig::php::{Php, PhpOptions};
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result, ensure};
use mysql::prelude::Queryable;
use serde_json::json;
use support::agent::{Agent, Dial};
use support::{extension, galera, ms, until};

const PROBE_INTERVAL: Duration = Duration::from_secs(1);
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);
const HOLD_DOWN: Duration = Duration::from_secs(2);
/// What a machine with two busy cores may add.
const SLACK: Duration = Duration::from_millis(700);
/// A trial takes this long, so that all others meet it.
const TRIAL: Duration = Duration::from_millis(300);

/// A way of losing the role.
struct Loss {
    name: &'static str,
    role: &'static str,
    reason: &'static str,
    set: fn(&Node, bool) -> Result<()>,
    /// Whether the server itself shows it.
    shows: fn(&Node) -> Result<bool>,
    /// What a write then gets; a desynced node goes on taking them.
    errno: Option<u16>,
}

const LOSSES: [Loss; 4] = [
    Loss {
        name: "read_only",
        role: "reader",
        reason: "read_only is on",
        set: Node::set_read_only,
        shows: |node| Ok(node.state()?.read_only),
        errno: Some(1290),
    },
    Loss {
        name: "isolate",
        role: "unready",
        reason: "not in the primary component",
        set: Node::isolate,
        shows: |node| Ok(!node.state()?.primary),
        errno: Some(1047),
    },
    Loss {
        name: "desync",
        role: "unready",
        reason: "donor or desynced",
        set: Node::desync,
        shows: |node| Ok(node.state()?.local_state == 2),
        errno: None,
    },
    Loss {
        name: "reject",
        role: "unready",
        reason: "wsrep_reject_queries is on",
        set: |node, on| {
            let value = if on { "ALL" } else { "NONE" };
            let set = format!("SET GLOBAL wsrep_reject_queries = {value}");
            Ok(node.root()?.query_drop(set)?)
        },
        shows: |_| Ok(true),
        errno: Some(1047),
    },
];

/// What is printed of one loss.
struct Figures {
    /// From when the server showed it until no process had a current handle.
    excluded: Duration,
    /// From the end of the fault until the trial had succeeded.
    back: Duration,
}

/// Two processes that serve requests, beside one that probes.
struct Pair {
    a: Agent,
    b: Agent,
}

impl Pair {
    fn each(&mut self) -> [&mut Agent; 2] {
        [&mut self.a, &mut self.b]
    }
}

fn errno_of_a_write(node: &Node) -> Result<Option<u16>> {
    // In the clear of what an earlier write may have left: a row of its own.
    let mut conn = node.connect(APP, Duration::from_secs(3))?;
    match conn.query_drop("INSERT INTO written VALUES (UUID())") {
        Ok(()) => Ok(None),
        Err(mysql::Error::MySqlError(error)) => Ok(Some(error.code)),
        Err(error) => Err(error.into()),
    }
}

fn excluded(pair: &mut Pair, cluster: &Galera, victim: usize, loss: &Loss) -> Result<Duration> {
    let node = cluster.node(victim);
    let id = node.id();
    // The worst moment: a probe has just found it well.
    let (before, _) = until(PROBE_INTERVAL * 3, "a probe", || {
        let seen = pair.a.node(&id)?;
        let just = seen.probe_age_ms.is_some_and(|age| age < 50);
        Ok(if just {
            Ok(seen)
        } else {
            Err(format!("{seen:?}"))
        })
    })?;
    (loss.set)(node, true)?;
    until(Duration::from_secs(15), "the server shows it", || {
        Ok((loss.shows)(node)?.then_some(()).ok_or_else(String::new))
    })?;
    // Both processes hold connections to it that still answer.
    let (_, excluded) = until(PROBE_INTERVAL + PROBE_TIMEOUT + SLACK, loss.name, || {
        let current = pair.a.is_current("held")? || pair.b.is_current("held")?;
        Ok((!current)
            .then_some(())
            .ok_or_else(|| "its handles are current".into()))
    })?;
    // SET GLOBAL read_only desyncs a node for a moment, which a probe may meet.
    let expected = (loss.role, Some(loss.reason));
    let limit = PROBE_INTERVAL + PROBE_TIMEOUT + SLACK;
    let (seen, _) = until(limit, "role and reason are told", || {
        let seen = pair.b.node(&id)?;
        let told = (seen.role.as_str(), seen.role_reason.as_deref()) == expected;
        Ok(if told {
            Ok(seen)
        } else {
            Err(format!("{seen:?}"))
        })
    })?;
    assert_eq!(
        (seen.health.as_str(), seen.writable),
        ("up", false),
        "{}",
        loss.name
    );
    assert!(seen.epoch > before.epoch, "{}", loss.name);
    if loss.errno.is_some() {
        assert_eq!(
            errno_of_a_write(node)?,
            loss.errno,
            "{} is no fault",
            loss.name
        );
    }
    let others: Vec<String> = cluster
        .nodes()
        .iter()
        .map(|node| node.id())
        .filter(|o| *o != id)
        .collect();
    for agent in pair.each() {
        assert!(agent.writers()?.iter().eq(&others), "{}", loss.name);
        let connected = agent.connect("for the victim", "elsewhere")?;
        assert_ne!(connected.node, id);
        assert!(
            connected.dials.iter().all(|dial| dial.node != id),
            "{connected:?}"
        );
    }
    Ok(excluded)
}

/// Both processes want the node all the time: the first to get it is the trial,
/// and nobody else is let near until that has succeeded.
fn back(pair: &mut Pair, node: &Node, key: &str, loss: &Loss) -> Result<Duration> {
    let id = node.id();
    (loss.set)(node, false)?;
    let healed = Moment::now();
    let found = AtomicBool::new(false);
    let want = |agent: &mut Agent| -> Result<Vec<Dial>> {
        let mut dials = Vec::new();
        while !found.load(Ordering::Acquire) {
            ensure!(
                Moment::now().since(healed) < Duration::from_secs(30),
                "{id} does not come back: {:?}",
                agent.node(&id)?
            );
            let connected = agent.connect_slowly(key, &id, TRIAL)?;
            if connected.node == id {
                found.store(true, Ordering::Release);
            }
            dials.extend(connected.dials);
        }
        Ok(dials)
    };
    let (a, b) = std::thread::scope(|scope| {
        let other = scope.spawn(|| want(&mut pair.a));
        let mine = want(&mut pair.b);
        (other.join(), mine)
    });
    let a = a.map_err(|_| anyhow::anyhow!("a panic"))??;
    let mut all: Vec<Dial> = a.into_iter().chain(b?).collect();
    all.sort_by_key(|dial| dial.began);
    let trial = all
        .iter()
        .find(|dial| dial.node == id)
        .context("no trial")?;
    let during: Vec<&Dial> = all
        .iter()
        .filter(|dial| dial.began > trial.began && dial.began < trial.ended)
        .collect();
    assert!(
        during.iter().all(|dial| dial.node != id),
        "a second trial: {during:?}"
    );
    assert!(during.len() > 3, "the trial had no company: {during:?}");
    let waited = trial.began.since(healed);
    assert!(waited >= HOLD_DOWN, "{}: tried after {waited:?}", loss.name);
    Ok(trial.ended.since(healed))
}

fn lose_and_regain(
    pair: &mut Pair,
    cluster: &Galera,
    victim: usize,
    loss: &Loss,
) -> Result<Figures> {
    let node = cluster.node(victim);
    let id = node.id();
    let key = pair.a.key_of(&id)?;
    for agent in pair.each() {
        assert_eq!(agent.connect(&key, "held")?.node, id);
        assert!(agent.is_current("held")?);
    }
    let excluded = excluded(pair, cluster, victim, loss)?;
    let back = back(pair, node, &key, loss)?;
    // All of them: a node that rejoins has a donor for a moment, which a probe
    // may meet.
    let mut tries = 0;
    until(Duration::from_secs(15), "all serve in full", || {
        tries += 1;
        pair.a.connect(&format!("trial-{tries}"), "any")?;
        for node in cluster.nodes() {
            let seen = pair.a.node(&node.id())?;
            if !seen.writable || seen.since_ms.is_some_and(|since| since <= 500) {
                return Ok(Err(format!("{}: {seen:?}", node.id())));
            }
        }
        Ok(Ok(()))
    })?;
    // What was made before stays behind; all keys are where they were.
    for agent in pair.each() {
        assert!(!agent.is_current("held")?);
        assert_eq!(agent.connect(&key, "new")?.node, id);
        assert_eq!(agent.writers()?.len(), cluster.nodes().len());
    }
    let seen = pair.a.node(&id)?;
    assert_eq!(
        (seen.role.as_str(), seen.role_reason, seen.writable),
        ("writer", None, true)
    );
    Ok(Figures { excluded, back })
}

/// A desynced node takes no writes beside better ones, and all of them where
/// there is none.
fn a_last_resort(pair: &mut Pair, cluster: &Galera) -> Result<Duration> {
    let [donor, others @ ..] = cluster.nodes() else {
        anyhow::bail!("no nodes");
    };
    let id = donor.id();
    let role_is = |pair: &mut Pair, role: &str| -> Result<Result<(), String>> {
        let seen = pair.b.node(&id)?;
        Ok(if seen.role == role {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        })
    };
    let limit = PROBE_INTERVAL + PROBE_TIMEOUT + SLACK;
    donor.desync(true)?;
    until(limit, "it is desynced", || role_is(pair, "unready"))?;
    for other in others {
        other.set_read_only(true)?;
    }
    // The others are seen to be demoted, then it is asked again.
    let (_, taken) = until(limit + PROBE_INTERVAL, "nothing better is left", || {
        role_is(pair, "writer")
    })?;
    assert_eq!(pair.a.connect("any", "any")?.node, id);
    assert_eq!(errno_of_a_write(donor)?, None);
    for other in others {
        other.set_read_only(false)?;
    }
    let mut tries = 0;
    until(Duration::from_secs(15), "better ones are back", || {
        tries += 1;
        pair.a.connect(&format!("better-{tries}"), "any")?;
        role_is(pair, "unready")
    })?;
    donor.desync(false)?;
    until(Duration::from_secs(15), "it is synced", || {
        tries += 1;
        pair.a.connect(&format!("better-{tries}"), "any")?;
        let writers = pair.b.writers()?;
        Ok(if writers.len() == cluster.nodes().len() {
            Ok(())
        } else {
            Err(format!("{writers:?}"))
        })
    })?;
    Ok(taken)
}

/// Nobody probes for a minute: what one process is told, the other knows at once.
fn a_refusal_told_by_one(run: &RunDir, php: &Php, cluster: &Galera) -> Result<Duration> {
    let config = galera(cluster, json!({ "probe_interval": "60s" }));
    let mut teller = Agent::start_apart(run, php, "teller", "told", &config, &[])?;
    let off = [("amm.monitor", "off")];
    let mut other = Agent::start_apart(run, php, "other", "told", &config, &off)?;
    let node = cluster.node(1);
    let id = node.id();
    let key = teller.key_of(&id)?;
    for agent in [&mut teller, &mut other] {
        assert_eq!(agent.connect(&key, "held")?.node, id);
    }
    until(Duration::from_secs(5), "the first probe", || {
        let seen = teller.node(&id)?;
        let probed = seen.role == "writer";
        Ok(if probed {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        })
    })?;
    node.set_read_only(true)?;
    assert!(other.is_current("held")?, "something else told it");
    let began = Moment::now();
    let refused = teller.ask(json!({ "do": "write", "name": "held", "token": "refused" }))?;
    assert!(!other.is_current("held")?);
    let told = Moment::now().since(began);
    assert_eq!(refused, json!({ "errno": 1290, "verdict": "not_writable" }));
    assert!(!teller.is_current("held")?);
    assert_eq!(other.node(&id)?.role, "reader");
    assert_ne!(other.connect(&key, "new")?.node, id);
    assert!(!other.writers()?.contains(&id));
    // The report has woken the prober, which confirms it long before its time.
    until(Duration::from_secs(2), "the probe's reason", || {
        let seen = other.node(&id)?;
        let told = seen.role_reason.as_deref() == Some("read_only is on");
        Ok(if told {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        })
    })?;
    node.set_read_only(false)?;
    Ok(told)
}

#[test]
fn a_node_without_its_role_is_left_by_all_and_comes_back_by_one_trial() -> Result<()> {
    let run = RunDir::create()?;
    let cluster = Galera::start_in(run.clone(), Options::default())?;
    cluster.execute(&["CREATE TABLE shop.written (token VARCHAR(64) PRIMARY KEY)"])?;
    let options = PhpOptions {
        extension: Some(extension()),
        ..PhpOptions::default()
    };
    let php = Php::prepare(&run, options)?;
    let config = galera(&cluster, json!({ "slow_start": "500ms" }));
    let mut prober = Agent::start(&run, &php, "prober", &config, &[])?;
    prober.connect("any", "any")?;
    let off = [("amm.monitor", "off")];
    let mut pair = Pair {
        a: Agent::start(&run, &php, "a", &config, &off)?,
        b: Agent::start(&run, &php, "b", &config, &off)?,
    };
    until(Duration::from_secs(5), "all are writers", || {
        let status = pair.a.status()?;
        let writers = cluster
            .nodes()
            .iter()
            .all(|n| status["nodes"][n.id()]["role"] == "writer");
        Ok(if writers {
            Ok(())
        } else {
            Err(status.to_string())
        })
    })?;
    let mut line = "roles:".to_owned();
    for (number, loss) in LOSSES.iter().enumerate() {
        let figures = lose_and_regain(&mut pair, &cluster, number % 3, loss)
            .with_context(|| format!("{} of node {}", loss.name, number % 3))?;
        line += &format!(
            " {}: excluded_ms={} back_ms={}",
            loss.name,
            ms(figures.excluded),
            ms(figures.back)
        );
    }
    let taken = a_last_resort(&mut pair, &cluster)?;
    let told = a_refusal_told_by_one(&run, &php, &cluster)?;
    println!(
        "{line} last_resort_ms={} told_by_1290_us={}",
        ms(taken),
        told.as_micros()
    );
    Ok(())
}
