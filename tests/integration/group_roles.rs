//! What the members of a real group are taken for: single-primary, then turned
//! into a multi-primary group while it runs, and at last without its majority.

mod support;

use std::time::{Duration, Instant};

use amm_rig::accounts::PROBE;
use amm_rig::cluster::Cluster;
use amm_rig::group::{Group, Node, Options};
use amm_rig::php::{Php, PhpOptions};
use amm_rig::run_dir::RunDir;
use anyhow::Result;
use mysql::prelude::Queryable;
use serde_json::{Value, json};
use support::agent::Agent;
use support::{extension, ms, until};

const PATIENCE: Duration = Duration::from_secs(20);
/// Interval, timeout, and what a machine with two busy cores may add.
const SEEN_WITHIN: Duration = Duration::from_millis(2_200);
const MEMBERS: &str = "performance_schema.replication_group_members";
const APPLIER: &str = "performance_schema.replication_applier_status_by_worker";

/// Role and reason.
type Part = (&'static str, Option<&'static str>);
const WRITER: Part = ("writer", None);
const SECONDARY: Part = ("reader", Some("secondary of its group"));

struct Stage {
    group: Group,
    nodes: Vec<String>,
    agent: Agent,
}

impl Stage {
    /// Waits until `status()` tells these roles and reasons.
    fn expect(&mut self, within: Duration, what: &str, parts: [Part; 3]) -> Result<Duration> {
        let (agent, nodes) = (&mut self.agent, &self.nodes);
        let ((), took) = until(within, what, || {
            let status = agent.status()?;
            let seen: Vec<(Value, Value)> = nodes
                .iter()
                .map(|id| &status["nodes"][id])
                .map(|node| (node["role"].clone(), node["role_reason"].clone()))
                .collect();
            let told = seen
                .iter()
                .zip(parts)
                .all(|((role, reason), part)| *role == json!(part.0) && *reason == json!(part.1));
            Ok(if told {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            })
        })?;
        Ok(took)
    }

    fn sql(&self, index: usize, sql: &str) -> Result<()> {
        let mut root = self.group.node(index).root_waiting(PATIENCE)?;
        Ok(root.query_drop(sql)?)
    }

    fn readers(&mut self) -> Result<Vec<String>> {
        let answer = self.agent.ask(json!({ "do": "readers" }))?;
        Ok(serde_json::from_value(answer)?)
    }

    fn node(&self, index: usize) -> &Node {
        self.group.node(index)
    }
}

fn start() -> Result<Stage> {
    let run = RunDir::create()?;
    let group = Group::start_in(run.clone(), Options::single_primary())?;
    let options = PhpOptions {
        extension: Some(extension()),
        ..PhpOptions::default()
    };
    let php = Php::prepare(&run, options)?;
    let nodes = group.ids();
    let config = json!({
        "flavour": "auto",
        "writers": "spread",
        "nodes": nodes,
        "username": PROBE.user,
        "password": PROBE.password,
        "max_lag": "1s",
        "hold_down": "200ms",
        "slow_start": 0,
    });
    let mut agent = Agent::start(&run, &php, "agent", &config, &[])?;
    agent.connect("any", "any")?;
    Ok(Stage {
        group,
        nodes,
        agent,
    })
}

#[test]
#[cfg_attr(
    not(sid_mysql),
    ignore = "SKIPPED: no MySQL of sid's, see tests/sid.sh"
)]
fn each_member_is_taken_for_what_it_is() -> Result<()> {
    let mut stage = start()?;
    let mut line = "group_roles:".to_owned();
    let parts = [WRITER, SECONDARY, SECONDARY];
    stage.expect(PATIENCE, "a single primary", parts)?;
    let status = stage.agent.status()?;
    assert_eq!(status["flavour"], "group_replication");
    assert_eq!(status["writers"], "single", "{}", status["warnings"]);

    // Without a grant the lag is not known, and that is said.
    let second = &status["nodes"][&stage.nodes[1]];
    assert_eq!(second["lag_ms"], Value::Null);
    let warnings = status["warnings"].to_string();
    assert!(warnings.contains("its lag is not known"), "{warnings}");
    stage.sql(0, &format!("GRANT SELECT ON {APPLIER} TO probe@'%'"))?;
    until(SEEN_WITHIN, "no lag", || {
        let seen = stage.agent.status()?["nodes"][&stage.nodes[1]]["lag_ms"].clone();
        Ok(if seen == json!(0) {
            Ok(())
        } else {
            Err(seen.to_string())
        })
    })?;
    lag(&mut stage, &mut line)?;
    follow_the_primary(&mut stage, &mut line)?;
    unreadable(&mut stage)?;
    several_primaries(&mut stage, &mut line)?;
    leave_one_by_one(&mut stage, &mut line)?;
    no_majority(&mut stage, &mut line)?;
    println!("{line}");
    Ok(())
}

/// A secondary that cannot apply is passed over, as long as there is another.
fn lag(stage: &mut Stage, line: &mut String) -> Result<()> {
    stage.sql(0, "CREATE TABLE shop.t (id INT PRIMARY KEY)")?;
    assert_eq!(stage.readers()?, stage.nodes[1..]);
    let mut locked = stage.node(1).root_waiting(PATIENCE)?;
    locked.query_drop("FLUSH TABLES WITH READ LOCK")?;
    stage.sql(0, "INSERT INTO shop.t VALUES (1)")?;
    let third = vec![stage.nodes[2].clone()];
    let ((), took) = until(Duration::from_secs(5), "it falls behind", || {
        let seen = stage.readers()?;
        Ok(if seen == third {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        })
    })?;
    let seen = stage.agent.status()?["nodes"][&stage.nodes[1]]["lag_ms"].clone();
    *line += &format!(" passed_over_ms={} at_lag_ms={seen}", ms(took));
    assert!(
        seen.as_u64()
            .is_some_and(|lag| (1_001..10_000).contains(&lag)),
        "{seen}"
    );
    locked.query_drop("UNLOCK TABLES")?;
    until(Duration::from_secs(5), "it catches up", || {
        let seen = stage.readers()?;
        Ok(if seen == stage.nodes[1..] {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        })
    })?;
    Ok(())
}

fn follow_the_primary(stage: &mut Stage, line: &mut String) -> Result<()> {
    assert_eq!(stage.agent.connect("any", "held")?.node, stage.nodes[0]);
    stage.group.set_primary(1)?;
    let parts = [SECONDARY, WRITER, SECONDARY];
    let took = stage.expect(SEEN_WITHIN, "the new primary", parts)?;
    *line += &format!(" followed_ms={}", ms(took));
    assert!(!stage.agent.is_current("held")?);
    assert_eq!(stage.agent.connect("any", "any")?.node, stage.nodes[1]);
    Ok(())
}

/// An account that may not see the members: nobody is banned for that.
fn unreadable(stage: &mut Stage) -> Result<()> {
    stage.sql(1, &format!("REVOKE SELECT ON {MEMBERS} FROM probe@'%'"))?;
    until(SEEN_WITHIN, "why it is not known", || {
        let status = stage.agent.status()?;
        let seen = &status["nodes"][&stage.nodes[1]];
        let told = seen["role_reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("may not read"))
            || seen["probe"] == "inconclusive";
        Ok(if told { Ok(()) } else { Err(seen.to_string()) })
    })?;
    assert_eq!(stage.agent.connect("any", "any")?.node, stage.nodes[1]);
    stage.sql(1, &format!("GRANT SELECT ON {MEMBERS} TO probe@'%'"))
}

fn several_primaries(stage: &mut Stage, line: &mut String) -> Result<()> {
    stage.sql(1, "SELECT group_replication_switch_to_multi_primary_mode()")?;
    let took = stage.expect(SEEN_WITHIN, "several primaries", [WRITER; 3])?;
    *line += &format!(" several_ms={}", ms(took));
    until(PATIENCE, "all are spread over", || {
        let seen = (
            stage.agent.writers()?,
            stage.agent.status()?["writers"].clone(),
        );
        let all = seen.0.iter().eq(&stage.nodes) && seen.1 == "spread";
        // Each that comes back wants its trial.
        stage
            .agent
            .connect(&format!("{:?}", Instant::now()), "any")?;
        Ok(if all {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        })
    })?;
    Ok(())
}

fn leave_one_by_one(stage: &mut Stage, line: &mut String) -> Result<()> {
    let left = ("unready", Some("not a member of its group"));
    stage.node(2).leave()?;
    let took = stage.expect(SEEN_WITHIN, "one has left", [WRITER, WRITER, left])?;
    *line += &format!(" left_ms={}", ms(took));
    stage.node(2).join()?;
    stage.node(2).wait_online(PATIENCE)?;
    stage.expect(PATIENCE, "it is back", [WRITER; 3])?;

    stage.node(2).set_read_only(true)?;
    let demoted = ("reader", Some("super_read_only is on"));
    stage.expect(SEEN_WITHIN, "one is demoted", [WRITER, WRITER, demoted])?;
    stage.node(2).set_read_only(false)?;

    stage.node(0).set_offline_mode(true)?;
    let offline = ("unready", Some("offline_mode is on"));
    stage.expect(SEEN_WITHIN, "one is offline", [offline, WRITER, WRITER])?;
    stage.node(0).set_offline_mode(false)?;
    stage.expect(PATIENCE, "all are back", [WRITER; 3])?;
    Ok(())
}

fn no_majority(stage: &mut Stage, line: &mut String) -> Result<()> {
    stage.group.kill_all_but(1, PATIENCE)?;
    let id = stage.nodes[1].clone();
    let ((), took) = until(SEEN_WITHIN, "it has no majority", || {
        let node = stage.agent.node(&id)?;
        let told = node.role_reason.as_deref() == Some("sees no majority of its group");
        Ok(if told && node.role == "unready" {
            Ok(())
        } else {
            Err(format!("{node:?}"))
        })
    })?;
    *line += &format!(" no_majority_ms={}", ms(took));
    let refused = stage
        .agent
        .try_ask(&json!({ "do": "connect", "key": "any" }))?;
    assert_eq!(refused["class"], "Amm\\Exception\\NoWriterAvailable");
    Ok(())
}
