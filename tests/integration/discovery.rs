//! One node of four is configured; the others are found by the cluster's own
//! list, used, and retired when they leave. What is not allowed is never dialled,
//! whatever the list or the shared file says.

mod support;

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use amm_engine::roster::WORDS;
use amm_engine::shm::{Location, Mapping};
use amm_rig::double::Aurora;
use amm_rig::galera::{APP, Galera, Node, Options, PROBE};
use amm_rig::group::Group;
use amm_rig::php::{Php, PhpOptions};
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use support::agent::{Agent, node};
use support::{extension, ms, until};

/// From the first call of the first process on.
const FOUND: Duration = Duration::from_secs(2);
/// From when a server that joins is synced: the next list, `hold_down`, and the
/// time that a node waits for somebody to try it.
const JOINED: Duration = Duration::from_secs(8);
/// From the end of a server: the next probe, and what Galera needs to agree.
const GONE: Duration = Duration::from_secs(3);
/// From then on: the time of missing, and two lists.
const RETIRED: Duration = Duration::from_secs(13);
/// From the last forgery: two beats of the leader, and a process that starts.
const PUT_BACK: Duration = Duration::from_secs(1);
/// ms.
const SLOW_START: u64 = 100;
/// The file is shared with the test, which belongs to another user.
const SHARED: (&str, &str) = ("amm.shm_mode", "0666");
const SHARED_MODE: u32 = 0o666;

/// A cluster of which the first node is configured, all but the third may be
/// discovered, and the fourth is not running yet.
struct Stage {
    run: std::sync::Arc<RunDir>,
    cluster: Galera,
    php: Php,
    config: Value,
    memory: PathBuf,
}

impl Stage {
    fn set() -> Result<Self> {
        let run = RunDir::create()?;
        let options = Options {
            nodes: 4,
            ..Options::default()
        };
        let cluster = Galera::start_in(run.clone(), options)?;
        cluster.node(3).shutdown()?;
        cluster.wait_size(3, Duration::from_secs(10))?;
        let options = PhpOptions {
            extension: Some(extension()),
            ..PhpOptions::default()
        };
        let php = Php::prepare(&run, options)?;
        let memory = run.folder("shared", php.user())?.join("amm.shm");
        let decoy = cluster.block().address(9).to_string();
        let allowed = [cluster.node(1).host(), cluster.node(3).host(), &decoy];
        let config = json!({
            "flavour": "galera",
            "writers": "spread",
            "nodes": [cluster.node(0).id()],
            "username": PROBE.user,
            "password": PROBE.password,
            "discover": true,
            "discover_hosts": allowed,
            "slow_start": SLOW_START as f64 / 1_000.0,
        });
        Ok(Self {
            run,
            cluster,
            php,
            config,
            memory,
        })
    }

    fn agent(&self, name: &str, ini: &[(&str, &str)]) -> Result<Agent> {
        let memory = self.memory.display().to_string();
        let mut all = vec![("amm.shm_path", memory.as_str()), SHARED];
        all.extend_from_slice(ini);
        Agent::start(&self.run, &self.php, name, &self.config, &all)
    }

    fn node(&self, index: usize) -> &Node {
        self.cluster.node(index)
    }

    /// Logins of ours on a node, in all its starts.
    fn logins(&self, index: usize) -> Result<usize> {
        let node = self.node(index);
        let mut logins = 0;
        for incarnation in 1..=node.incarnation() {
            let seen = node.connects(incarnation)?;
            logins += seen.of(PROBE.user) + seen.of(APP.user) + seen.refused;
        }
        Ok(logins)
    }
}

fn nodes(status: &Value) -> Result<Vec<&String>> {
    let nodes = status["nodes"].as_object().context("no nodes")?;
    Ok(nodes.keys().collect())
}

fn used(agent: &mut Agent, limit: Duration, ids: &[String], what: &str) -> Result<Duration> {
    let ids: std::collections::BTreeSet<String> = ids.iter().cloned().collect();
    let mut tries = 0;
    let (_, took) = until(limit, what, || {
        // Somebody has to want a node for its trial.
        tries += 1;
        agent.connect(&format!("wanted-{tries}"), "any")?;
        let status = agent.status()?;
        for id in &ids {
            let in_full = node(&status, id).is_ok_and(|node| {
                node.writable && node.since_ms.is_none_or(|since| since > SLOW_START)
            });
            if !in_full {
                return Ok(Err(status["nodes"].to_string()));
            }
        }
        let writers = agent.writers()?;
        Ok((writers == ids).then_some(()).ok_or(format!("{writers:?}")))
    })?;
    Ok(took)
}

/// Puts `to` in the place of `from` in the shared file's roster, as somebody
/// would who may write the file but has no credentials.
fn forge(memory: &Path, from: &str, to: &str) -> Result<()> {
    let location = Location {
        path: memory.to_owned(),
        mode: SHARED_MODE,
    };
    let mapping = Mapping::open(&location)?;
    let slots = mapping.region().clusters.iter();
    let record = slots
        .map(|slot| &slot.roster)
        .find(|record| record.read().is_some())
        .context("no roster")?;
    let (_, words) = record.read().context("a torn roster")?;
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let forged = replace(&bytes, from.as_bytes(), to.as_bytes());
    ensure!(forged != bytes || from == to, "{from} is not in the roster");
    let mut words = [0; WORDS];
    for (word, eight) in words.iter_mut().zip(forged.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*eight);
    }
    ensure!(record.publish(&mut record.begin_term(), &words));
    Ok(())
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len().saturating_sub(from.len()) {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    bytes
}

fn a_newcomer(stage: &Stage, a: &mut Agent, b: &mut Agent) -> Result<String> {
    let fourth = stage.node(3);
    fourth.start()?;
    let ids = [0, 1, 3].map(|index| stage.node(index).id());
    let joined = used(a, JOINED, &ids, "the fourth is used")?;
    let key = b.key_of(&fourth.id())?;
    for agent in [&mut *a, &mut *b] {
        assert_eq!(agent.connect(&key, "held")?.node, fourth.id());
        assert!(agent.is_current("held")?);
    }
    fourth.shutdown()?;
    let (_, gone) = until(GONE, "nobody has it", || {
        let current = a.is_current("held")? || b.is_current("held")?;
        let writers = b.writers()?;
        let gone = !current && !writers.contains(&fourth.id());
        Ok(gone.then_some(()).ok_or(format!("{current} {writers:?}")))
    })?;
    let moved = b.connect(&key, "moved")?;
    assert_ne!(moved.node, fourth.id());
    let (_, retired) = until(RETIRED, "it is retired", || {
        let status = b.status()?;
        let there = nodes(&status)?.contains(&&fourth.id());
        Ok((!there).then_some(()).ok_or(status["nodes"].to_string()))
    })?;
    assert!(!a.is_current("held")? && !b.is_current("held")?);
    // A handle to a node that is none any more is told of, and that is all.
    let told = b.ask(json!({ "do": "write", "name": "held", "token": "x" }))?;
    assert_ne!(told["errno"], json!(null));
    Ok(format!(
        "joined_ms={} gone_ms={} retired_ms={}",
        ms(joined),
        ms(gone),
        ms(retired)
    ))
}

/// While somebody writes forged rosters whenever the leader has put its own
/// back, processes start and choose. Gives how many were written, and how often
/// a process said that it had met one.
fn forgeries(stage: &Stage) -> Result<(u32, u32)> {
    let decoy = stage.cluster.block().address(9).to_string();
    let listener = TcpListener::bind((decoy.as_str(), stage.node(0).port()))?;
    listener.set_nonblocking(true)?;
    let second = stage.node(1);
    let (end, forged) = (AtomicBool::new(false), AtomicU32::new(0));
    let met = std::thread::scope(|scope| {
        scope.spawn(|| {
            for to in [decoy.as_str(), stage.node(2).host()].iter().cycle() {
                if end.load(Ordering::Acquire) {
                    break;
                }
                let done = forge(&stage.memory, second.host(), to).is_ok();
                forged.fetch_add(u32::from(done), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let mut met = 0;
        let mut number = 0;
        let fresh = || -> Result<u32> {
            while number < 5 || forged.load(Ordering::Relaxed) < 6 {
                number += 1;
                met += start_and_choose(stage, number)?;
            }
            Ok(met)
        };
        let met = { fresh }();
        end.store(true, Ordering::Release);
        met
    })?;
    match listener.accept() {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            Ok((forged.load(Ordering::Relaxed), met))
        }
        dialled => anyhow::bail!("the decoy was dialled: {dialled:?}"),
    }
}

fn start_and_choose(stage: &Stage, number: u32) -> Result<u32> {
    let off = [("amm.monitor", "off")];
    let mut agent = stage.agent(&format!("forged-{number}"), &off)?;
    let allowed = [stage.node(0).id(), stage.node(1).id()];
    let mut met = 0;
    for _ in 0..10 {
        let status = agent.status()?;
        for id in nodes(&status)? {
            ensure!(allowed.contains(id), "{id} came out of the file");
        }
        let said = status["warnings"].to_string();
        met += u32::from(said.contains("not written under this cluster's credentials"));
        agent.writers()?;
        agent.connect("any", "any")?;
    }
    Ok(met)
}

#[test]
fn a_cluster_is_followed_as_far_as_it_is_allowed() -> Result<()> {
    let stage = Stage::set()?;
    let before = stage.logins(2)?;
    let mut a = stage.agent("a", &[])?;
    let ids = [0, 1].map(|index| stage.node(index).id());
    let found = used(&mut a, FOUND, &ids, "the second is used")?;
    let mut b = stage.agent("b", &[("amm.monitor", "off")])?;
    let status = b.status()?;
    assert_eq!(nodes(&status)?, ids.iter().collect::<Vec<_>>());
    let discovered = |id: &String| status["nodes"][id]["discovered"].clone();
    assert_eq!(ids.each_ref().map(discovered), [json!(false), json!(true)]);
    let third = stage.node(2).id();
    let refused = format!("not used, since they match nothing in discover_hosts: {third}");
    assert_eq!(status["warnings"], json!([refused]));

    let newcomer = a_newcomer(&stage, &mut a, &mut b)?;
    let (forged, met) = forgeries(&stage)?;
    assert!(met > 0, "nobody has met any of {forged} forgeries");

    let (_, put_back) = until(PUT_BACK, "the leader has put its roster back", || {
        let mut late = stage.agent("late", &[("amm.monitor", "off")])?;
        let status = late.status()?;
        let known = nodes(&status)?.len() == 2 && status["warnings"] == json!([refused]);
        Ok(known.then_some(()).ok_or(status.to_string()))
    })?;

    // The configured node is gone, and with it the process that probed: whoever
    // starts now knows only what is in shared memory.
    stage.node(0).kill9()?;
    let lone = [stage.node(1).id()];
    let failed_over = used(&mut b, Duration::from_secs(15), &lone, "the second alone")?;
    drop(a);
    let mut fresh = stage.agent("fresh", &[])?;
    until(Duration::from_secs(3), "it probes", || {
        assert_eq!(fresh.connect("any", "any")?.node, lone[0]);
        let status = fresh.status()?;
        let leads = status["leader"]["pid"] == json!(fresh.pid());
        let seen = node(&status, &lone[0])?;
        let probed = seen.role == "writer" && seen.probe_age_ms.is_some_and(|age| age < 1_000);
        Ok((leads && probed).then_some(()).ok_or(status.to_string()))
    })?;
    // Long after a member that left would have been retired.
    std::thread::sleep(RETIRED);
    let status = fresh.status()?;
    assert_eq!(
        nodes(&status)?,
        ids.iter().collect::<Vec<_>>(),
        "a configured node stays"
    );
    assert_eq!(stage.logins(2)?, before, "{third} was dialled");
    println!(
        "discovery: found_ms={} {newcomer} forged={forged} met={met} put_back_ms={} \
         seed_gone_ms={}",
        ms(found),
        ms(put_back),
        ms(failed_over)
    );
    Ok(())
}

/// The same list of a real group: found, and with `AMM_LONG` left and rejoined.
#[test]
#[cfg_attr(
    not(sid_mysql),
    ignore = "SKIPPED: no MySQL of sid's, see tests/sid.sh"
)]
fn a_group_is_followed() -> Result<()> {
    let group = Group::start(amm_rig::group::Options::multi_primary())?;
    let run = amm_rig::cluster::Cluster::run(&group).clone();
    let options = PhpOptions {
        extension: Some(extension()),
        ..PhpOptions::default()
    };
    let php = Php::prepare(&run, options)?;
    let ids: Vec<String> = group.nodes().iter().map(|node| node.id()).collect();
    let network = format!("{}/24", group.nodes()[0].host());
    let config = json!({
        "flavour": "group_replication",
        "writers": "spread",
        "nodes": [ids[0]],
        "username": PROBE.user,
        "password": PROBE.password,
        "discover": true,
        "discover_hosts": [network],
        "slow_start": SLOW_START as f64 / 1_000.0,
    });
    let mut agent = Agent::start(&run, &php, "group", &config, &[])?;
    let found = used(&mut agent, FOUND, &ids, "all members are used")?;
    let status = agent.status()?;
    assert_eq!(status["warnings"], json!([]));
    let mut line = format!("discovery: group found_ms={}", ms(found));
    if std::env::var_os("AMM_LONG").is_some() {
        let last = group.nodes().last().context("no node")?;
        last.shutdown()?;
        let (_, retired) = until(GONE + RETIRED, "it is retired", || {
            let status = agent.status()?;
            let there = nodes(&status)?.contains(&&last.id());
            Ok((!there).then_some(()).ok_or(status["nodes"].to_string()))
        })?;
        last.start()?;
        let joined = used(&mut agent, JOINED, &ids, "it is back")?;
        line += &format!(" retired_ms={} joined_ms={}", ms(retired), ms(joined));
    }
    println!("{line}");
    Ok(())
}

/// Aurora lists ids without a domain: the rest comes from the configuration.
#[test]
fn the_names_of_auroras_instances_are_made_of_their_ids() -> Result<()> {
    let run = RunDir::create()?;
    let aurora = Aurora::start(&["shop-1", "shop-2", "shop-3"])?;
    let options = PhpOptions {
        extension: Some(extension()),
        ..PhpOptions::default()
    };
    let php = Php::prepare(&run, options)?;
    let first = aurora.endpoints()[0].clone();
    let port = aurora.server(0).port();
    let config = json!({
        "flavour": "aurora",
        "nodes": [first],
        "username": "probe",
        "password": "probe-secret",
        "discover": true,
        "discover_hosts": ["*.db.invalid"],
    });
    let mut agent = Agent::start(&run, &php, "agent", &config, &[])?;
    let wanted = [
        first.clone(),
        format!("shop-2.db.invalid:{port}"),
        format!("shop-3.db.invalid:{port}"),
    ];
    until(FOUND, "they are found", || {
        assert_eq!(agent.connect("any", "any")?.node, first);
        let status = agent.status()?;
        let seen = nodes(&status)?;
        let same = seen.iter().copied().eq(wanted.iter());
        Ok(same.then_some(()).ok_or(status.to_string()))
    })?;
    // Their names lead nowhere, which harms nobody.
    assert_eq!(agent.connect("any", "any")?.node, first);
    Ok(())
}
