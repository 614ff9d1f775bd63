//! One primary, the others read-only.

use std::time::{Duration, Instant};

use amm_rig::clock::Moment;
use amm_rig::group::Group;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::support::agent::Agent;
use super::support::{ms, until};
use super::{FOLLOWED_WITHIN, Stage, write};

/// Five seconds until a member is called unreachable, and the election.
const ELECTED_WITHIN: Duration = Duration::from_secs(20);

/// The flavour is found out, and the secondaries are readers.
pub(super) fn roles_are_told(stage: &mut Stage) -> Result<String> {
    stage.wait_writers(&[0], FOLLOWED_WITHIN)?;
    for index in 0..3 {
        let id = stage.id(index);
        let expected = match index {
            0 => ("writer", None, true),
            _ => ("reader", Some("secondary of its group"), false),
        };
        for agent in stage.each() {
            let (seen, _) = until(FOLLOWED_WITHIN, "the role is told", || {
                let seen = agent.node(&id)?;
                let probed = seen.probe_age_ms.is_some();
                Ok(probed.then_some(seen).ok_or_else(String::new))
            })?;
            let told = (
                seen.role.as_str(),
                seen.role_reason.as_deref(),
                seen.writable,
            );
            assert_eq!(told, expected, "{id}");
        }
    }
    for agent in stage.each() {
        assert_eq!(agent.status()?["flavour"], "group_replication");
    }
    stage.write("single")?;
    Ok(String::new())
}

/// An operator makes another member the primary.
pub(super) fn an_elected_primary_is_followed(stage: &mut Stage) -> Result<String> {
    let (old, new) = (stage.id(0), stage.id(1));
    for agent in stage.each() {
        assert_eq!(agent.connect("switch", "held")?.node, old);
    }
    stage.group.set_primary(1)?;
    let shown = Instant::now();
    let (_, left) = until(FOLLOWED_WITHIN, "all leave the old primary", || {
        for agent in stage.each() {
            if agent.is_current("held")? {
                return Ok(Err("its handles are current".to_owned()));
            }
        }
        Ok(Ok(()))
    })?;
    stage.wait_writers(&[1], FOLLOWED_WITHIN)?;
    let followed = shown.elapsed();
    assert!(followed <= FOLLOWED_WITHIN, "followed after {followed:?}");
    for agent in stage.each() {
        let connected = agent.connect("switch", "new")?;
        assert_eq!(connected.node, new);
        assert_eq!(connected.dials.len(), 1, "{connected:?}");
        // Who writes on all the same is refused, and nothing is believed of it.
        let refused = write(agent, "held", "late")?;
        assert_eq!(refused, json!({ "errno": 1290, "verdict": "not_writable" }));
    }
    stage.write("switched")?;
    Ok(format!(
        " switched: left_ms={} followed_ms={}",
        ms(left),
        ms(followed)
    ))
}

/// One process, from the death of the primary to its first row elsewhere.
struct Crossing {
    written: Moment,
    to: String,
    dials_of_the_dead: usize,
    refused: usize,
}

/// Keeps on writing until a row is in.
fn cross(agent: &mut Agent, name: &str, dead: &str, killed: Moment) -> Result<Crossing> {
    let (mut dials_of_the_dead, mut refused) = (0, 0);
    for number in 0.. {
        let waited = Moment::now().since(killed);
        ensure!(
            waited < ELECTED_WITHIN,
            "{name} writes nowhere: {}",
            agent.status()?
        );
        let key = json!({ "do": "connect", "key": "killed", "name": "crossing" });
        let answer = agent.try_ask(&key)?;
        if let Some(class) = answer.get("class").and_then(Value::as_str) {
            assert_eq!(class, "Amm\\Exception\\NoWriterAvailable", "{answer}");
            refused += 1;
            std::thread::sleep(Duration::from_millis(20));
            continue;
        }
        let dials = answer["dials"].as_array().context("no dials")?;
        dials_of_the_dead += dials.iter().filter(|dial| dial["node"] == dead).count();
        let written = write(agent, "crossing", &format!("crossing-{name}-{number}"))?;
        if written["errno"].is_null() {
            let to = answer["node"].as_str().context("no node")?.to_owned();
            return Ok(Crossing {
                written: Moment::now(),
                to,
                dials_of_the_dead,
                refused,
            });
        }
        assert_eq!(written["verdict"], "not_writable", "{written}");
        refused += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    unreachable!()
}

/// When a survivor shows itself to be the new primary, open for writes.
fn elected(group: &Group, dead: usize, killed: Moment) -> Result<(Moment, String)> {
    while Moment::now().since(killed) < ELECTED_WITHIN {
        for (index, node) in group.nodes().iter().enumerate() {
            if index != dead && node.state().is_ok_and(|state| state.is_writer()) {
                return Ok((Moment::now(), node.id()));
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    anyhow::bail!("no primary was elected")
}

/// SIGKILL of the primary: the group elects another, and all follow.
pub(super) fn a_killed_primary_is_replaced(stage: &mut Stage) -> Result<String> {
    let dead = stage.id(1);
    for agent in stage.each() {
        assert_eq!(agent.connect("killed", "held")?.node, dead);
    }
    let (group, a, b) = (&stage.group, &mut stage.a, &mut stage.b);
    group.node(1).kill9()?;
    let killed = Moment::now();
    let ((shown, primary), crossings) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| elected(group, 1, killed));
        let other = scope.spawn(|| cross(a, "a", &dead, killed));
        let mine = cross(b, "b", &dead, killed);
        let other = other.join();
        let joined = |panicked| anyhow::anyhow!("a panic: {panicked:?}");
        let crossings = [other.map_err(joined)??, mine?];
        anyhow::Ok((watch.join().map_err(joined)??, crossings))
    })?;
    let mut line = format!(" primary_killed: elected_ms={}", ms(shown.since(killed)));
    // What the host pays for the dead: the dials under way when it died.
    let dials: usize = crossings.iter().map(|c| c.dials_of_the_dead).sum();
    assert!(
        dials <= crossings.len(),
        "{dials} dials of the dead primary"
    );
    for crossing in &crossings {
        assert_eq!(crossing.to, primary);
        // Seen by the watch only a moment later.
        let late = Duration::from_nanos(crossing.written.0.saturating_sub(shown.0));
        assert!(late <= FOLLOWED_WITHIN, "followed after {late:?}");
        line += &format!(" followed_ms={}", ms(late));
    }
    let refused: usize = crossings.iter().map(|c| c.refused).sum();
    line += &format!(" dead_dials={dials} refused={refused}");

    let began = Instant::now();
    stage.group.node(1).start()?;
    line += &format!(" restarted_ms={}", ms(began.elapsed()));
    for agent in stage.each() {
        until(FOLLOWED_WITHIN, "it is a reader", || {
            let seen = agent.node(&dead)?;
            Ok((seen.role == "reader" && seen.health == "up")
                .then_some(())
                .ok_or_else(|| format!("{seen:?}")))
        })?;
        assert_eq!(agent.connect("killed", "after")?.node, primary);
    }
    Ok(line)
}
