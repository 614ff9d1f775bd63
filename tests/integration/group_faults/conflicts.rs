//! Two members write one row: the group certifies one of them, and the other is
//! told so in one of three ways, by timing. None of them is the node's fault.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Stage;
use super::support::agent::Agent;

/// Runs statements on a kept handle; gives number and verdict.
fn run(agent: &mut Agent, handle: &str, statements: &[&str]) -> Result<(Value, Value)> {
    let command = json!({ "do": "sql", "name": handle, "statements": statements });
    let told = agent.ask(command)?;
    Ok((told["errno"].clone(), told["verdict"].clone()))
}

const NO_ERROR: (Value, Value) = (Value::Null, Value::Null);

fn update(row: u32) -> String {
    format!("UPDATE shop.hot SET n = n + 1 WHERE id = {row}")
}

pub(super) fn are_counted_and_ban_nobody(stage: &mut Stage) -> Result<String> {
    let (first, second) = (stage.id(0), stage.id(1));
    let mine = stage.a.key_of(&first)?;
    let theirs = stage.b.key_of(&second)?;
    stage.a.connect(&mine, "mine")?;
    stage.b.connect(&theirs, "theirs")?;
    let (a, b) = (&mut stage.a, &mut stage.b);
    let before = a.status()?;
    run(
        a,
        "mine",
        &["CREATE TABLE hot (id INT PRIMARY KEY, n INT NOT NULL)"],
    )?;
    run(
        a,
        "mine",
        &["INSERT INTO hot VALUES (1, 0), (2, 0), (3, 0)"],
    )?;
    // Reads and statements of b wait for what was committed before them.
    let wait = "SET SESSION group_replication_consistency = 'BEFORE'";
    assert_eq!(
        run(b, "theirs", &[wait, "DO (SELECT COUNT(*) FROM hot)"])?,
        NO_ERROR
    );
    run(
        b,
        "theirs",
        &["SET SESSION group_replication_consistency = 'EVENTUAL'"],
    )?;

    // One has committed when the other's next statement comes, or its commit.
    let mut seen = Vec::new();
    for (row, last) in [(1, "UPDATE hot SET n = n + 1"), (2, "COMMIT")] {
        let update = update(row);
        assert_eq!(run(b, "theirs", &["BEGIN", &update])?, NO_ERROR);
        assert_eq!(run(a, "mine", &[&update])?, NO_ERROR);
        std::thread::sleep(std::time::Duration::from_millis(500));
        let (errno, verdict) = run(b, "theirs", &[last, "COMMIT"])?;
        assert_eq!(verdict, "conflict", "{errno}");
        seen.push(errno);
        run(b, "theirs", &["ROLLBACK"])?;
    }
    // Both at once, until they meet.
    let mut simultaneous = None;
    for _ in 0..200 {
        let update = update(3);
        let (told_a, told_b) = std::thread::scope(|scope| {
            let other = scope.spawn(|| run(a, "mine", &[&update]));
            let mine = run(b, "theirs", &[&update]);
            (other.join(), mine)
        });
        let told_a = told_a.map_err(|_| anyhow::anyhow!("a panic"))??;
        let lost = [told_a, told_b?].into_iter().find(|told| !told.0.is_null());
        if let Some((errno, verdict)) = lost {
            assert_eq!(verdict, "conflict", "{errno}");
            simultaneous = Some(errno);
            break;
        }
    }
    seen.push(simultaneous.context("200 pairs of updates never met")?);

    let after = a.status()?;
    let counted = |status: &Value| -> u64 {
        [&first, &second]
            .iter()
            .filter_map(|id| status["nodes"][*id]["conflicts"].as_u64())
            .sum()
    };
    assert!(counted(&after) >= counted(&before) + 3, "{after}");
    for id in [&first, &second] {
        let (was, is) = (&before["nodes"][id], &after["nodes"][id]);
        assert_eq!(is["writable"], true, "{is}");
        assert_eq!(is["epoch"], was["epoch"], "{is}");
        assert_eq!(is["failures"], was["failures"], "{is}");
    }
    assert!(a.is_current("mine")? && b.is_current("theirs")?);
    let numbers: Vec<String> = seen.iter().map(Value::to_string).collect();
    Ok(format!(" conflicts={}", numbers.join(",")))
}
