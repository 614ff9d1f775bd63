//! A member that slept until the group had thrown it out, and wakes: it answers,
//! shows what it knew when it fell asleep, and must not be written to before it
//! is a member again.

use std::time::Duration;

use amm_rig::accounts::APP;
use amm_rig::clock::Moment;
use anyhow::{Result, bail};
use serde_json::Value;

use super::support::{ms, until};
use super::{
    CUT_WITHIN, FOLLOWED_WITHIN, PROBE_TIMEOUT, Stage, losses, write, write_without_answer,
};

const EXPELLED_WITHIN: Duration = Duration::from_secs(20);

/// Waits until no process holds its handle of the node for current.
fn left_by_all(stage: &mut Stage) -> Result<()> {
    until(FOLLOWED_WITHIN + PROBE_TIMEOUT, "it is left", || {
        for agent in stage.each() {
            if agent.is_current("held")? {
                return Ok(Err("its handles are current".to_owned()));
            }
        }
        Ok(Ok(()))
    })?;
    Ok(())
}

/// One that may not rejoin by itself goes offline when it wakes, and refuses
/// everybody with 6400 until an operator has seen to it.
pub(super) fn stays_out_until_it_is_brought_back(stage: &mut Stage) -> Result<String> {
    const VICTIM: usize = 1;
    let id = stage.id(VICTIM);
    let key = stage.a.key_of(&id)?;
    for agent in stage.each() {
        assert_eq!(agent.connect(&key, "held")?.node, id);
    }
    let victim = stage.group.node(VICTIM);
    victim.set_autorejoin_tries(0)?;
    stage.group.expel(VICTIM, EXPELLED_WITHIN)?;
    left_by_all(stage)?;
    stage.group.node(VICTIM).cont()?;
    let woken = Moment::now();
    let expected = ("unready", Some("offline_mode is on"), false);
    let (_, told) = until(Duration::from_secs(20), "it is offline", || {
        let mut all = true;
        for agent in stage.each() {
            let connected = agent.connect(&key, "elsewhere")?;
            let dialled = connected.dials.iter().any(|dial| dial.node == id);
            assert!(!dialled, "{connected:?}");
            let seen = agent.node(&id)?;
            all &= (
                seen.role.as_str(),
                seen.role_reason.as_deref(),
                seen.writable,
            ) == expected;
        }
        Ok(all.then_some(()).ok_or_else(|| "not told".to_owned()))
    })?;
    let victim = stage.group.node(VICTIM);
    let refused = victim.connect(APP, Duration::from_secs(3)).map(drop);
    let errno = match refused {
        Err(mysql::Error::MySqlError(error)) => error.code,
        other => bail!("not refused: {other:?}"),
    };
    assert!(matches!(errno, 3032 | 6400), "{errno}");
    victim.set_offline_mode(false)?;
    victim.join()?;
    victim.set_autorejoin_tries(3)?;
    losses::back(stage, &key, &id)?;
    Ok(format!(
        " not_rejoining: offline_told_ms={} errno={errno} back_ms={}",
        ms(told),
        ms(Moment::now().since(woken))
    ))
}

pub(super) fn is_written_to_by_nobody(stage: &mut Stage) -> Result<String> {
    const VICTIM: usize = 2;
    let id = stage.id(VICTIM);
    let key = stage.a.key_of(&id)?;
    for agent in stage.each() {
        assert_eq!(agent.connect(&key, "held")?.node, id);
    }
    // One process is in the middle of a write when the member falls asleep.
    let (group, a) = (&stage.group, &mut stage.a);
    let (expelled, blocked) = std::thread::scope(|scope| {
        let expelling = scope.spawn(|| {
            let took = group.expel(VICTIM, EXPELLED_WITHIN)?;
            anyhow::Ok((took, Moment::now()))
        });
        std::thread::sleep(Duration::from_millis(100));
        let blocked = write_without_answer(a, "held", "expelled-blocked");
        let expelled = expelling.join();
        let panicked = |_| anyhow::anyhow!("a panic");
        anyhow::Ok((expelled.map_err(panicked)??, blocked?))
    })?;
    let late = Duration::from_nanos(blocked.freed.0.saturating_sub(expelled.1.0));
    assert!(late <= CUT_WITHIN, "freed {late:?} after the expulsion");
    let expelled = expelled.0;
    // Long known by the probes, which it does not answer.
    left_by_all(stage)?;
    stage.write("expelled")?;

    stage.group.node(VICTIM).cont()?;
    let mut elsewhere = 0;
    let mut number = 0;
    // Both go on asking for it. What reaches it before it is a member again
    // would be refused, or worse: told to have been written.
    let (_, first) = until(Duration::from_secs(40), "it is back", || {
        number += 1;
        let mut all = true;
        for (who, agent) in stage.each().into_iter().enumerate() {
            assert!(!agent.is_current("held")?);
            let connected = agent.connect(&key, "woken")?;
            let told = write(agent, "woken", &format!("woken-{who}-{number}"))?;
            assert_eq!(told["errno"], Value::Null, "{connected:?}: {told}");
            if connected.node != id {
                elsewhere += 1;
                all = false;
            }
        }
        Ok(all.then_some(()).ok_or_else(|| "elsewhere".to_owned()))
    })?;
    let state = stage.group.node(VICTIM).state()?;
    assert!(state.is_writer(), "{state:?}");
    losses::back(stage, &key, &id)?;
    Ok(format!(
        " expelled: expelled_ms={} blocked_write_freed_ms={} back_ms={} \
         written_elsewhere={elsewhere}",
        ms(expelled),
        ms(blocked.took),
        ms(first)
    ))
}
