//! What amm makes of the answers of an Aurora cluster, which come from a
//! double: see `amm_rig::double` for what AWS documents and what is assumed.

mod support;

use std::time::Duration;

use amm_rig::double::{Aurora, Row, Says};
use amm_rig::faulty::{Answers, Fault, Script, Step, Table};
use amm_rig::php::{Php, PhpOptions};
use amm_rig::run_dir::RunDir;
use anyhow::Result;
use serde_json::{Value, json};
use support::agent::Agent;
use support::{extension, until};

const IDS: [&str; 3] = ["shop-1", "shop-2", "shop-3"];
/// A probe interval, a probe, and what a machine with two busy cores may add.
const SEEN_WITHIN: Duration = Duration::from_millis(2_200);

struct Stage {
    aurora: Aurora,
    nodes: Vec<String>,
    agent: Agent,
    _run: std::sync::Arc<RunDir>,
}

/// Role and reason.
type Part = (&'static str, Option<&'static str>);
const WRITER: Part = ("writer", None);
const READER: Part = ("reader", Some("innodb_read_only is on"));
const IN_DISPUTE: Part = (
    "unready",
    Some("failover in progress: the topology names another writer"),
);

impl Stage {
    fn set(more: Value) -> Result<Self> {
        Self::set_with(more, None)
    }

    /// Where the third is configured as a reader and says what `third` has it.
    fn set_with(more: Value, third: Option<Answers>) -> Result<Self> {
        let run = RunDir::create()?;
        let aurora = Aurora::start(&IDS)?;
        let options = PhpOptions {
            extension: Some(extension()),
            ..PhpOptions::default()
        };
        let php = Php::prepare(&run, options)?;
        let nodes = aurora.endpoints();
        let mut configured: Vec<Value> = nodes.iter().map(|id| json!(id)).collect();
        if let Some(third) = third {
            let server = aurora.server(2);
            server.answer(third);
            configured[2] = json!({ "host": "127.0.0.1", "port": server.port(), "role": "reader" });
        }
        let mut config = json!({
            "flavour": "aurora",
            "nodes": configured,
            "username": "probe",
            "password": "probe-secret",
            "hold_down": "200ms",
            "slow_start": 0,
        });
        if let (Some(all), Some(more)) = (config.as_object_mut(), more.as_object()) {
            all.extend(more.clone());
        }
        let mut agent = Agent::start(&run, &php, "agent", &config, &[])?;
        agent.connect("any", "any")?;
        Ok(Self {
            aurora,
            nodes,
            agent,
            _run: run,
        })
    }

    /// Waits until `status()` tells these roles and reasons.
    fn expect(&mut self, what: &str, parts: [Part; 3]) -> Result<Duration> {
        let (agent, nodes) = (&mut self.agent, &self.nodes);
        let ((), took) = until(SEEN_WITHIN, what, || {
            let mut seen = Vec::new();
            for id in nodes {
                let node = agent.node(id)?;
                seen.push((node.role, node.role_reason));
            }
            let told = seen
                .iter()
                .zip(parts)
                .all(|((role, reason), part)| (role.as_str(), reason.as_deref()) == part);
            Ok(if told {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            })
        })?;
        Ok(took)
    }

    fn writes_to(&mut self) -> Result<String> {
        Ok(self.agent.connect("any", "any")?.node)
    }

    fn reads_from(&mut self) -> Result<Vec<String>> {
        let answer = self.agent.ask(json!({ "do": "readers" }))?;
        Ok(serde_json::from_value(answer)?)
    }

    fn says(&self, index: usize, reads: bool, topology: Vec<Row>) {
        self.aurora.says(index, Says { reads, topology });
    }
}

#[test]
fn the_writer_is_followed_through_a_failover() -> Result<()> {
    let mut stage = Stage::set(json!({}))?;
    stage.expect("a healthy cluster", [WRITER, READER, READER])?;
    assert_eq!(stage.writes_to()?, stage.nodes[0]);
    let status = stage.agent.status()?;
    assert_eq!(status["flavour"], "aurora");
    assert_eq!(status["nodes"][&stage.nodes[1]]["lag_ms"], 20);

    // The writer dies; readers know nothing of that yet, and nobody writes.
    stage.agent.connect("any", "held")?;
    let dead = Script::new(Step::Greeting, Fault::Reset);
    stage.aurora.server(0).set(dead);
    stage.aurora.server(0).hang_up();
    until(SEEN_WITHIN, "its failure", || {
        let node = stage.agent.node(&stage.nodes[0])?;
        Ok((node.health == "down")
            .then_some(())
            .ok_or_else(String::new))
    })?;
    let refused = stage
        .agent
        .try_ask(&json!({ "do": "connect", "key": "any" }))?;
    assert_eq!(refused["class"], "Amm\\Exception\\NoWriterAvailable");
    assert!(!stage.agent.is_current("held")?);

    // The second is promoted: its own table still names the first, whose row
    // somebody keeps fresh. Its word alone is not enough.
    let behind = stage.aurora.topology(0);
    stage.says(1, false, behind.clone());
    let reason = stage.expect_second(IN_DISPUTE)?;
    // The row of the dead one ages: that is enough, before any table names it.
    let mut aged = behind;
    aged[0].age_ms = 10_001;
    stage.says(1, false, aged);
    let promoted = stage.expect_second(WRITER)?;
    assert_eq!(stage.writes_to()?, stage.nodes[1]);

    // The old writer comes back as a reader; the third's table is behind for
    // long, which moves nobody.
    stage.aurora.server(0).set(Script::healthy());
    stage.says(0, true, stage.aurora.topology(1));
    stage.says(1, false, stage.aurora.topology(1));
    stage.expect("all agree", [READER, WRITER, READER])?;
    assert_eq!(stage.writes_to()?, stage.nodes[1]);
    println!(
        "aurora_double: disputed_ms={} promoted_ms={}",
        reason.as_millis(),
        promoted.as_millis()
    );
    Ok(())
}

impl Stage {
    fn expect_second(&mut self, part: Part) -> Result<Duration> {
        let id = self.nodes[1].clone();
        let ((), took) = until(SEEN_WITHIN, "the second's part", || {
            let node = self.agent.node(&id)?;
            let told = (node.role.as_str(), node.role_reason.as_deref()) == part;
            Ok(if told {
                Ok(())
            } else {
                Err(format!("{node:?}"))
            })
        })?;
        Ok(took)
    }
}

#[test]
fn of_two_writers_the_one_whose_row_is_newer_gets_the_writes() -> Result<()> {
    let mut stage = Stage::set(json!({}))?;
    stage.expect("a healthy cluster", [WRITER, READER, READER])?;
    // Both say so themselves, and both tables name both.
    let mut both = stage.aurora.topology(0);
    both[1].writer = true;
    both[1].age_ms = 10;
    both[0].age_ms = 900;
    stage.says(0, false, both.clone());
    stage.says(1, false, both);
    stage.expect("the newer one", [IN_DISPUTE, WRITER, READER])?;
    assert_eq!(stage.writes_to()?, stage.nodes[1]);
    Ok(())
}

#[test]
fn a_demoted_writer_is_left_after_the_first_refusal() -> Result<()> {
    // No probe comes in between.
    let mut stage = Stage::set(json!({ "probe_interval": "60s" }))?;
    stage.expect("a healthy cluster", [WRITER, READER, READER])?;
    stage.agent.connect("any", "held")?;
    stage.aurora.writer_is(2);
    let write = json!({ "do": "write", "name": "held", "token": "t" });
    let refused = stage.agent.ask(write)?;
    assert_eq!(refused, json!({ "errno": 1290, "verdict": "not_writable" }));
    assert!(!stage.agent.is_current("held")?);
    // The promoted one was a reader, so it is asked before it gets a write; not
    // again within a tenth of a second of the last time.
    let connect = json!({ "do": "connect", "key": "any" });
    until(Duration::from_millis(400), "the promoted one", || {
        let answer = stage.agent.try_ask(&connect)?;
        let there = answer["node"] == json!(stage.nodes[2]);
        Ok(there.then_some(()).ok_or_else(|| answer.to_string()))
    })?;
    Ok(())
}

#[test]
fn readers_behind_max_lag_are_passed_over() -> Result<()> {
    let mut stage = Stage::set(json!({ "max_lag": "1s" }))?;
    stage.expect("a healthy cluster", [WRITER, READER, READER])?;
    assert_eq!(stage.reads_from()?, stage.nodes[1..]);
    let mut late = stage.aurora.topology(0);
    late[1].lag_ms = 1_001;
    for index in 0..3 {
        stage.says(index, index != 0, late.clone());
    }
    let only_the_third = |stage: &mut Stage, nodes: &[String]| -> Result<()> {
        until(SEEN_WITHIN, "the lag", || {
            let seen = stage.reads_from()?;
            Ok(if seen == nodes {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            })
        })?;
        Ok(())
    };
    let third = vec![stage.nodes[2].clone()];
    only_the_third(&mut stage, &third)?;
    let status = stage.agent.status()?;
    assert_eq!(status["nodes"][&stage.nodes[1]]["lag_ms"], 1_001);
    let warnings = status["warnings"].to_string();
    assert!(
        warnings.contains("further behind than max_lag"),
        "{warnings}"
    );
    // All are behind: reads go to the writer.
    late[2].lag_ms = 5_000;
    stage.says(2, true, late);
    let writer = vec![stage.nodes[0].clone()];
    only_the_third(&mut stage, &writer)
}

#[test]
fn auto_finds_out_and_a_plain_server_among_them_takes_no_writes() -> Result<()> {
    let mut stage = Stage::set(json!({ "flavour": "auto", "writers": "spread" }))?;
    stage.expect("a healthy cluster", [WRITER, READER, READER])?;
    let status = stage.agent.status()?;
    assert_eq!(
        (&status["flavour"], &status["writers"]),
        (&json!("aurora"), &json!("single"))
    );
    let plain = Answers::writer();
    stage.aurora.server(2).answer(plain);
    let alone = ("unready", Some("not an Aurora server"));
    stage.expect("the plain one", [WRITER, READER, alone])?;
    Ok(())
}

/// A server that replicates from the cluster, of a kind of its own.
fn replica(behind: Option<&str>) -> Answers {
    let Answers(mut all) = Answers::read_only(true);
    let mut status = Table::new(&["Connection", "Seconds_Behind_Source"], &[&["c", ""]]);
    status.rows[0][1] = behind.map(str::to_owned);
    // An older server, which does not know the newer words.
    all.push(("replica status".into(), Table::refused(1064)));
    all.push(("slave status".into(), status));
    Answers(all)
}

#[test]
fn a_replica_beside_the_cluster_serves_reads_if_it_is_configured_to() -> Result<()> {
    for flavour in ["aurora", "auto"] {
        let more = json!({ "flavour": flavour, "max_lag": "5s" });
        let mut stage = Stage::set_with(more, Some(replica(Some("3"))))?;
        let beside = ("reader", Some("read_only is on"));
        stage.expect("a replica beside", [WRITER, READER, beside])?;
        let status = stage.agent.status()?;
        assert_eq!(status["flavour"], "aurora");
        assert_eq!(status["nodes"][&stage.nodes[2]]["lag_ms"], 3_000);
        assert_eq!(stage.reads_from()?, stage.nodes[1..]);

        stage.aurora.server(2).answer(replica(None));
        let stopped = ("reader", Some("its replication is stopped"));
        stage.expect("it is stopped", [WRITER, READER, stopped])?;
        assert_eq!(stage.reads_from()?, stage.nodes[1..2]);

        // What does not replicate at all is no replica.
        stage.aurora.server(2).answer(Answers::read_only(true));
        let alone = ("unready", Some("not an Aurora server"));
        stage.expect("it stands alone", [WRITER, READER, alone])?;
    }
    Ok(())
}
