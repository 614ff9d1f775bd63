//! One of three is left: it shows itself ONLINE and PRIMARY with super_read_only
//! off, answers reads, and blocks every write for ever.

use std::time::Duration;

use amm_rig::clock::Moment;
use anyhow::Result;
use serde_json::json;

use super::support::{ms, until};
use super::{FOLLOWED_WITHIN, PROBE_INTERVAL, Stage};

/// Five seconds until a member is called unreachable.
const SEEN_WITHIN: Duration = Duration::from_secs(15);

/// The survivor is sent nothing, and the reason is told.
pub(super) fn a_survivor_without_it_is_left(stage: &mut Stage) -> Result<String> {
    const SURVIVOR: usize = 0;
    let id = stage.id(SURVIVOR);
    let key = stage.a.key_of(&id)?;
    for agent in stage.each() {
        assert_eq!(agent.connect(&key, "held")?.node, id);
    }
    let shown = stage.group.kill_all_but(SURVIVOR, SEEN_WITHIN)?;
    let began = Moment::now();
    let expected = ("unready", Some("sees no majority of its group"), false);
    for agent in stage.each() {
        until(FOLLOWED_WITHIN, "the loss is told", || {
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
        assert!(!agent.is_current("held")?);
    }
    let followed = Moment::now().since(began);
    assert!(followed <= FOLLOWED_WITHIN + PROBE_INTERVAL, "{followed:?}");
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
    Ok(format!(
        " quorum_lost: shown_ms={} followed_ms={}",
        ms(shown),
        ms(followed)
    ))
}
