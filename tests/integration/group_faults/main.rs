//! Group Replication on real MySQL, whatever becomes of its members: every
//! process follows the primary, or all primaries, and nobody else is written
//! to. One line of figures.

#[path = "../support/mod.rs"]
mod support;

mod conflicts;
mod expelled;
mod losses;
mod quorum;
mod single;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use amm_rig::clock::Moment;
use amm_rig::cluster::Cluster;
use amm_rig::group::{Group, Options};
use amm_rig::php::{Php, PhpOptions};
use amm_rig::run_dir::RunDir;
use anyhow::Result;
use serde_json::{Value, json};
use support::agent::Agent;
use support::{config, extension, until};

const PROBE_INTERVAL: Duration = Duration::from_secs(1);
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);
const HOLD_DOWN: Duration = Duration::from_secs(2);
const SLOW_START_MS: u64 = 500;
/// What a machine with two busy cores may add.
const SLACK: Duration = Duration::from_millis(700);
/// From when a server shows its role until every process goes by it.
const FOLLOWED_WITHIN: Duration = PROBE_INTERVAL
    .saturating_add(PROBE_TIMEOUT)
    .saturating_add(SLACK);

const CUT_AFTER: Duration = Duration::from_secs(2);
/// A worker that is blocked on a dead node waits at most so long after another
/// member, or the node itself, has told of it.
const CUT_WITHIN: Duration = PROBE_INTERVAL
    .saturating_add(PROBE_TIMEOUT)
    .saturating_add(PROBE_TIMEOUT)
    .saturating_add(CUT_AFTER)
    .saturating_add(Duration::from_secs(1));
/// No blocked write takes longer, or the test gives up on it.
const BLOCKED_AT_MOST: Duration = Duration::from_secs(30);
/// Until a node that may write again has all its keys.
const BACK_WITHIN: Duration = Duration::from_secs(20);

/// Two processes that serve requests, beside one that probes.
struct Stage {
    group: Group,
    a: Agent,
    b: Agent,
    /// Finds the flavour out by itself, and probes for itself.
    auto: Agent,
    prober: Agent,
}

impl Stage {
    fn set() -> Result<Self> {
        let run = RunDir::create()?;
        let group = Group::start_in(run.clone(), Options::single_primary())?;
        group.execute(&["CREATE TABLE shop.written (token VARCHAR(64) PRIMARY KEY)"])?;
        let options = PhpOptions {
            extension: Some(extension()),
            ..PhpOptions::default()
        };
        let php = Php::prepare(&run, options)?;
        let all = |flavour: &str| {
            let more = json!({ "flavour": flavour, "slow_start": format!("{SLOW_START_MS}ms") });
            config(&group, more)
        };
        let (named, auto) = (all("group_replication"), all("auto"));
        let mut prober = Agent::start(&run, &php, "prober", &named, &[])?;
        prober.connect("any", "any")?;
        let mut auto = Agent::start(&run, &php, "auto", &auto, &[])?;
        auto.connect("any", "any")?;
        let off = [("amm.monitor", "off")];
        Ok(Self {
            a: Agent::start(&run, &php, "a", &named, &off)?,
            b: Agent::start(&run, &php, "b", &named, &off)?,
            auto,
            prober,
            group,
        })
    }

    fn each(&mut self) -> [&mut Agent; 3] {
        [&mut self.a, &mut self.b, &mut self.auto]
    }

    fn id(&self, index: usize) -> String {
        self.group.node(index).id()
    }

    /// Waits until every process has exactly these nodes for writers.
    fn wait_writers(&mut self, indices: &[usize], limit: Duration) -> Result<Duration> {
        let expected = indices.iter().map(|index| self.id(*index)).collect();
        let (_, took) = until(limit, "the writers are told", || {
            for agent in self.each() {
                let writers = agent.writers();
                if !writers.as_ref().is_ok_and(|seen| *seen == expected) {
                    return Ok(Err(format!("{writers:?}: {}", agent.status()?)));
                }
            }
            Ok(Ok(()))
        })?;
        Ok(took)
    }

    /// Waits until every process has all nodes for writers and their slow start
    /// is over, wanting each of them meanwhile: those that come back have their
    /// trial.
    fn wait_all_serve(&mut self) -> Result<Duration> {
        let ids = self.group.ids();
        let mut tries = 0;
        let (_, took) = until(BACK_WITHIN, "all serve in full", || {
            tries += 1;
            for agent in self.each() {
                agent.connect(&format!("trial-{tries}"), "trial")?;
                for id in &ids {
                    let seen = agent.node(id)?;
                    let ramping = seen.since_ms.is_some_and(|since| since <= SLOW_START_MS);
                    if !seen.writable || ramping {
                        return Ok(Err(format!("{id}: {seen:?}")));
                    }
                }
            }
            Ok(Ok(()))
        })?;
        self.wait_writers(&[0, 1, 2], Duration::ZERO)?;
        Ok(took)
    }

    /// One row through `connect()` from each process that serves requests.
    fn write(&mut self, token: &str) -> Result<()> {
        for (number, agent) in self.each().into_iter().enumerate() {
            agent.connect(token, "once")?;
            let written = write(agent, "once", &format!("{token}-{number}"))?;
            assert_eq!(written["errno"], Value::Null, "{token}: {written}");
        }
        Ok(())
    }
}

/// A write that its node never answers.
struct Blocked {
    /// From when it was sent until its handle was cut.
    took: Duration,
    /// When it was free again.
    freed: Moment,
}

/// Sends one; it must be freed by a cut, and not by an answer.
fn write_without_answer(agent: &mut Agent, handle: &str, token: &str) -> Result<Blocked> {
    let pid = agent.pid();
    let sent = Moment::now();
    let over = AtomicBool::new(false);
    let told = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                if Moment::now().since(sent) > BLOCKED_AT_MOST {
                    // An agent that is stuck ends the test, not the other way round.
                    let _ = support::proc::signal(pid, libc::SIGKILL);
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let told = write(agent, handle, token);
        over.store(true, Ordering::Release);
        told
    })?;
    let freed = Moment::now();
    assert_eq!(told["verdict"], "lost", "{told}");
    assert!(agent.was_cut(handle)?, "{told}");
    Ok(Blocked {
        took: freed.since(sent),
        freed,
    })
}

fn write(agent: &mut Agent, handle: &str, token: &str) -> Result<Value> {
    agent.ask(json!({ "do": "write", "name": handle, "token": token }))
}

#[test]
#[cfg_attr(
    not(sid_mysql),
    ignore = "SKIPPED: no MySQL of sid's, see tests/sid.sh"
)]
fn a_group_is_written_to_where_it_can_be() -> Result<()> {
    let mut stage = Stage::set()?;
    let mut line = "group_faults:".to_owned();
    line += &single::roles_are_told(&mut stage)?;
    line += &single::an_elected_primary_is_followed(&mut stage)?;
    line += &single::a_killed_primary_is_replaced(&mut stage)?;

    stage.group.switch_to_multi_primary()?;
    let took = stage.wait_all_serve()?;
    line += &format!(" multi_primary_ms={}", support::ms(took));
    stage.write("multi")?;
    line += &conflicts::are_counted_and_ban_nobody(&mut stage)?;
    line += &losses::each_is_left_and_comes_back(&mut stage)?;
    line += &expelled::is_written_to_by_nobody(&mut stage)?;
    if std::env::var_os("AMM_LONG").is_some() {
        line += &expelled::stays_out_until_it_is_brought_back(&mut stage)?;
    }
    line += &quorum::a_survivor_without_it_is_left(&mut stage)?;
    println!("{line}");
    Ok(())
}
