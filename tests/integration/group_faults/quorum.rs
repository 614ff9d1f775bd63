//! One of three is left: it shows itself ONLINE and PRIMARY with super_read_only
//! off, answers reads, and blocks every write for ever.

use std::time::Duration;

use amm_rig::clock::Moment;
use anyhow::Result;
use serde_json::json;

use super::support::agent::Agent;
use super::support::ms;
use super::{Blocked, CUT_AFTER, CUT_WITHIN, Stage, write_without_answer};

/// Five seconds until a member is called unreachable.
const SEEN_WITHIN: Duration = Duration::from_secs(15);

fn block(agent: &mut Agent, name: &str) -> Result<Blocked> {
    write_without_answer(agent, "held", &format!("blocked-{name}"))
}

/// Commits that are blocked on the survivor are freed, and left in doubt. It is
/// sent nothing, and the reason is told.
pub(super) fn a_survivor_without_it_is_left(stage: &mut Stage) -> Result<String> {
    const SURVIVOR: usize = 0;
    let id = stage.id(SURVIVOR);
    let key = stage.a.key_of(&id)?;
    for agent in stage.each() {
        assert_eq!(agent.connect(&key, "held")?.node, id);
    }
    // None of what went before was a reason to shut anybody's socket to it.
    assert_eq!(stage.prober.status()?["nodes"][&id]["cuts"], 0);
    let shown = stage.group.kill_all_but(SURVIVOR, SEEN_WITHIN)?;
    let began = Moment::now();
    // Three processes write at once, before any probe has told.
    let [a, b, auto] = stage.each();
    let blocked = std::thread::scope(|scope| {
        let others =
            [(a, "a"), (b, "b")].map(|(agent, name)| scope.spawn(move || block(agent, name)));
        let mine = block(auto, "auto");
        let mut all = vec![mine?];
        for other in others {
            all.push(other.join().map_err(|_| anyhow::anyhow!("a panic"))??);
        }
        anyhow::Ok(all)
    })?;
    for blocked in &blocked {
        let freed = blocked.freed.since(began);
        assert!(freed <= CUT_WITHIN, "freed after {freed:?}");
        // It was seen a moment later than it was so.
        let least = CUT_AFTER - Duration::from_millis(100);
        assert!(freed >= least, "freed after {freed:?} already");
    }
    let expected = ("unready", Some("sees no majority of its group"), false);
    for agent in stage.each() {
        let seen = agent.node(&id)?;
        let told = (
            seen.role.as_str(),
            seen.role_reason.as_deref(),
            seen.writable,
        );
        assert_eq!(told, expected, "{seen:?}");
        assert!(!agent.is_current("held")?);
    }
    let state = stage.group.node(SURVIVOR).state()?;
    assert!(state.is_primary() && !state.super_read_only, "{state:?}");
    for agent in stage.each() {
        let command = json!({ "do": "connect", "key": key, "name": "none" });
        let refused = agent.try_ask(&command)?;
        assert_eq!(
            refused["class"], "Amm\\Exception\\NoWriterAvailable",
            "{refused}"
        );
        let message = refused["message"].as_str().unwrap_or_default();
        for part in [id.as_str(), "sees no majority of its group"] {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
    }
    let freed: Vec<String> = blocked
        .iter()
        .map(|blocked| ms(blocked.took).to_string())
        .collect();
    Ok(format!(
        " quorum_lost: shown_ms={} blocked_commits_freed_ms={}",
        ms(shown),
        freed.join(",")
    ))
}
