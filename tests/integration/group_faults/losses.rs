//! Members that lose their role and get it back, in a group where all write.

use std::time::{Duration, Instant};

use amm_rig::accounts::APP;
use amm_rig::group::Node;
use anyhow::{Context, Result};
use mysql::prelude::Queryable;

use super::support::{ms, until};
use super::{BACK_WITHIN, FOLLOWED_WITHIN, HOLD_DOWN, PROBE_INTERVAL, Stage, write};

/// A way of losing the role.
struct Loss {
    name: &'static str,
    role: &'static str,
    reason: &'static str,
    lose: fn(&Node) -> Result<()>,
    regain: fn(&Node) -> Result<()>,
    /// What a write, or the login before it, then gets.
    errno: u16,
}

const LOSSES: [Loss; 3] = [
    Loss {
        name: "super_read_only",
        role: "reader",
        reason: "super_read_only is on",
        lose: |node| node.set_read_only(true),
        regain: |node| node.set_read_only(false),
        errno: 1290,
    },
    Loss {
        name: "leave",
        role: "unready",
        reason: "not a member of its group",
        lose: Node::leave,
        regain: Node::join,
        errno: 1290,
    },
    Loss {
        name: "offline_mode",
        role: "unready",
        reason: "offline_mode is on",
        lose: |node| node.set_offline_mode(true),
        regain: |node| node.set_offline_mode(false),
        errno: 3032,
    },
];

fn errno_of_a_write(node: &Node) -> Result<Option<u16>> {
    let written = node
        .connect(APP, Duration::from_secs(3))
        .and_then(|mut conn| conn.query_drop("INSERT INTO written VALUES (UUID())"));
    match written {
        Ok(()) => Ok(None),
        Err(mysql::Error::MySqlError(error)) => Ok(Some(error.code)),
        Err(error) => Err(error.into()),
    }
}

fn lose_and_regain(stage: &mut Stage, victim: usize, loss: &Loss) -> Result<String> {
    let id = stage.id(victim);
    let key = stage.a.key_of(&id)?;
    for agent in stage.each() {
        assert_eq!(agent.connect(&key, "held")?.node, id);
    }
    // The worst moment: a probe has just found it well.
    until(PROBE_INTERVAL * 3, "a probe", || {
        let age = stage.a.node(&id)?.probe_age_ms;
        let just = age.is_some_and(|age| age < 50);
        Ok(just.then_some(()).ok_or_else(|| format!("{age:?}")))
    })?;
    (loss.lose)(stage.group.node(victim))?;
    let (_, excluded) = until(FOLLOWED_WITHIN, loss.name, || {
        for agent in stage.each() {
            if agent.is_current("held")? {
                return Ok(Err("its handles are current".to_owned()));
            }
        }
        Ok(Ok(()))
    })?;
    let others: Vec<usize> = (0..3).filter(|index| *index != victim).collect();
    stage.wait_writers(&others, FOLLOWED_WITHIN)?;
    let expected = (loss.role, Some(loss.reason), false);
    for agent in stage.each() {
        until(FOLLOWED_WITHIN, "role and reason are told", || {
            let seen = agent.node(&id)?;
            let told = (
                seen.role.as_str(),
                seen.role_reason.as_deref(),
                seen.writable,
            );
            Ok((told == expected)
                .then_some(())
                .ok_or_else(|| format!("{seen:?}")))
        })?;
        let connected = agent.connect(&key, "elsewhere")?;
        let dialled = connected.dials.iter().any(|dial| dial.node == id);
        assert!(!dialled, "{connected:?}");
    }
    assert_eq!(
        errno_of_a_write(stage.group.node(victim))?,
        Some(loss.errno)
    );
    stage.write(loss.name)?;

    let began = Instant::now();
    let not_yet = regain(stage.group.node(victim), loss)?;
    let tried = back(stage, &key, &id)?;
    assert!(tried.duration_since(not_yet) >= HOLD_DOWN, "{}", loss.name);
    Ok(format!(
        " {}: excluded_ms={} shown_ms={} back_ms={}",
        loss.name,
        ms(excluded),
        ms(not_yet.duration_since(began)),
        ms(tried.duration_since(began))
    ))
}

/// Gives the last moment at which the node was no writer yet.
fn regain(node: &Node, loss: &Loss) -> Result<Instant> {
    std::thread::scope(|scope| {
        let regaining = scope.spawn(|| (loss.regain)(node));
        let mut not_yet = Instant::now();
        let limit = Duration::from_secs(30);
        until(limit, "it is a writer", || {
            let asked = Instant::now();
            let state = node.state()?;
            if state.is_writer() {
                return Ok(Ok(()));
            }
            not_yet = asked;
            Ok(Err(format!("{state:?}")))
        })?;
        let regained = regaining.join();
        regained.map_err(|_| anyhow::anyhow!("a panic"))??;
        Ok(not_yet)
    })
}

/// Waits until every process sends this key there again; gives when the first
/// did.
pub(super) fn back(stage: &mut Stage, key: &str, id: &str) -> Result<Instant> {
    let mut first = None;
    until(BACK_WITHIN, "it is back", || {
        for agent in stage.each() {
            let connected = agent.connect(key, "back")?;
            if connected.node != id {
                return Ok(Err(format!("{:?}", agent.node(id)?)));
            }
            first.get_or_insert_with(Instant::now);
        }
        Ok(Ok(()))
    })?;
    stage.wait_all_serve()?;
    stage.write(&format!("back-{:?}", Instant::now()))?;
    first.context("nobody was first")
}

/// A member is told to leave while it is written to: the first refusal, that of
/// a group that is being left (3100) or of a server that has left (1290), tells
/// every process.
fn a_refusal_told_by_one(stage: &mut Stage, victim: usize) -> Result<String> {
    let id = stage.id(victim);
    let key = stage.a.key_of(&id)?;
    stage.a.connect(&key, "held")?;
    stage.b.connect(&key, "held")?;
    let (a, b, node) = (&mut stage.a, &mut stage.b, stage.group.node(victim));
    let (refused, written, told) = std::thread::scope(|scope| {
        let leaving = scope.spawn(|| node.leave());
        let mut written = 0;
        let refused = loop {
            let answer = write(a, "held", &format!("leaving-{written}"))?;
            if !answer["errno"].is_null() {
                break answer;
            }
            written += 1;
        };
        let told = !b.is_current("held")? && !a.is_current("held")?;
        leaving.join().map_err(|_| anyhow::anyhow!("a panic"))??;
        anyhow::Ok((refused, written, told))
    })?;
    assert!(told, "after {refused}");
    assert_eq!(refused["verdict"], "not_writable", "{refused}");
    let errno = refused["errno"].as_u64();
    assert!(matches!(errno, Some(1290 | 3100)), "{refused}");
    for agent in stage.each() {
        assert_ne!(agent.connect(&key, "new")?.node, id);
    }
    // What was acknowledged until then is with those who stay.
    let mut root = stage.group.node((victim + 1) % 3).root()?;
    root.query_drop("SET group_replication_consistency = 'BEFORE'")?;
    let kept: Option<u64> =
        root.query_first("SELECT COUNT(*) FROM shop.written WHERE token LIKE 'leaving-%'")?;
    assert_eq!(kept, Some(written));
    stage.group.node(victim).join()?;
    back(stage, &key, &id)?;
    Ok(format!(
        " leave_while_written_to: written={written} errno={}",
        errno.unwrap_or_default()
    ))
}

pub(super) fn each_is_left_and_comes_back(stage: &mut Stage) -> Result<String> {
    let mut line = String::new();
    for (victim, loss) in LOSSES.iter().enumerate() {
        line += &lose_and_regain(stage, victim, loss)
            .with_context(|| format!("{} of node {victim}", loss.name))?;
    }
    line += &a_refusal_told_by_one(stage, 0)?;
    Ok(line)
}
