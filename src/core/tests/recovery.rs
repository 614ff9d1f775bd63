//! How nodes come back, told as scenarios: each file of `recovery/` is a table of
//! what happens when, and what the breaker and admission make of it.
//!
//! ```text
//! 5s      | probe refused | open down writer 0 | refused: down, breaker open
//! ```
//! is at five seconds: a probe is refused, and then the breaker's phase, the
//! health, the role, the streak, and what a dial for a write is told. `tend` is
//! what the monitor does as time passes, `every A to B:` repeats a line each
//! second. A first line `unwatched` means that nobody probes. To write the two
//! right columns anew: `AMM_REWRITE=1 cargo test -p amm-core --test recovery`.

#![expect(clippy::panic, clippy::unwrap_used, reason = "all of it is a test")]

use std::fmt::Write as _;
use std::path::Path;

use amm_core::admission::{Admission, Purpose, Seen, admit, due};
use amm_core::backoff::Backoff;
use amm_core::breaker::{Event, Policy, step};
use amm_core::node::{Health, NodeState, Phase, Role};

const POLICY: Policy = Policy {
    failures_to_open: 2,
    backoff: Backoff {
        base_ms: 1_000,
        max_ms: 30_000,
        jitter: 0.0,
    },
    hold_down_ms: 2_000,
    slow_start_ms: 10_000,
};

/// A node and when its phase began.
struct Node {
    state: NodeState,
    since_ms: u64,
    watched: bool,
}

impl Node {
    fn seen(&self, now_ms: u64) -> Seen {
        Seen {
            state: self.state,
            since_ms: self.since_ms,
            now_ms,
            seen_ms: now_ms,
            watched: self.watched,
            askable: self.watched,
            dice: 0,
        }
    }

    fn apply(&mut self, event: Event, now_ms: u64) {
        let next = step(self.state, event, self.watched, &POLICY);
        if next.seq != self.state.seq {
            self.since_ms = now_ms;
        }
        self.state = next;
    }

    fn happens(&mut self, what: &str, now_ms: u64) {
        let role = |name: &str| match name {
            "writer" => Role::Writer,
            "reader" => Role::Reader,
            "unready" => Role::Unready,
            other => panic!("no role: {other}"),
        };
        let event = match what.split(' ').collect::<Vec<_>>()[..] {
            ["tend"] => match due(&self.seen(now_ms), &POLICY) {
                Some(event) => event,
                None => return,
            },
            ["probe", "refused"] => Event::ProbeFailed { fatal: true },
            ["probe", "late"] => Event::ProbeFailed { fatal: false },
            ["probe", name] => Event::ProbeAnswered(role(name)),
            ["dial", "failed"] => Event::DialFailed { trial: false },
            ["trial", "failed"] => Event::DialFailed { trial: true },
            ["trial", "succeeded"] => Event::DialSucceeded { trial: true },
            ["write", "refused"] => Event::WriteRefused(Role::Reader),
            _ => panic!("nothing is called {what}"),
        };
        self.apply(event, now_ms);
    }

    fn told(&self, now_ms: u64) -> (String, String) {
        let phase = match self.state.phase {
            Phase::Closed => "closed",
            Phase::Open => "open",
            Phase::Recovering => "recovering",
        };
        let health = match self.state.health {
            Health::Up => "up",
            Health::Suspect => "suspect",
            Health::Down => "down",
        };
        let state = format!(
            "{phase} {health} {} {}",
            self.state.role.as_str(),
            self.state.streak
        );
        let admission = match admit(Purpose::Write, &self.seen(now_ms), &POLICY) {
            Admission::Open => "all keys".to_owned(),
            Admission::Ramp(share) => format!("{} % of the keys", (u32::from(share) * 100) >> 16),
            Admission::Trial => "one trial".to_owned(),
            Admission::Refused(why) => format!("refused: {}", why.as_str()),
        };
        (state, admission)
    }
}

/// `1.5s`, in ms.
fn time(text: &str) -> u64 {
    let seconds: f64 = text.trim().trim_end_matches('s').parse().unwrap();
    (seconds * 1_000.0).round() as u64
}

/// The scenario as it runs, in the form in which it is written.
fn play(text: &str) -> String {
    let mut node = Node {
        state: NodeState {
            role: Role::Writer,
            ..NodeState::default()
        },
        since_ms: 0,
        watched: true,
    };
    let mut out = String::new();
    for line in text.lines() {
        if line.starts_with('#') || line.trim().is_empty() {
            writeln!(out, "{line}").unwrap();
            continue;
        }
        if line == "unwatched" {
            node.watched = false;
            writeln!(out, "{line}").unwrap();
            continue;
        }
        let mut columns = line.split('|').map(str::trim);
        let (when, what) = (columns.next().unwrap(), columns.next().unwrap());
        let (from, to) = match when.strip_prefix("every ") {
            Some(span) => {
                let (from, to) = span.split_once(" to ").unwrap();
                (time(from), time(to))
            }
            None => (time(when), time(when)),
        };
        let mut now = from;
        let mut told = None;
        while now <= to {
            for part in what.split(", ") {
                node.happens(part, now);
            }
            let this = node.told(now);
            assert!(
                told.is_none() || told == Some(this.clone()) || what.contains(','),
                "at {now}: {this:?} after {told:?}"
            );
            told = Some(this);
            now += 1_000;
        }
        let (state, admission) = told.unwrap();
        writeln!(out, "{when:<14} | {what:<28} | {state:<24} | {admission}").unwrap();
    }
    out
}

fn check(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/recovery/{name}.txt"));
    let written = std::fs::read_to_string(&path).unwrap();
    let played = play(&written);
    if std::env::var_os("AMM_REWRITE").is_some() {
        std::fs::write(&path, &played).unwrap();
        return;
    }
    assert_eq!(written, played, "{}", path.display());
}

macro_rules! scenarios {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*
    };
}

scenarios! {
    a_failed_node_is_held_down_tried_once_and_ramped_up
    a_node_that_flaps_each_second_takes_nothing
    a_node_that_flaps_slower_takes_ever_less
    after_flapping_it_is_back_in_bounded_time
    a_lone_report_that_a_probe_refutes_leaves_nothing
    a_lone_report_that_a_probe_confirms_counts
    without_a_monitor_trials_are_ever_rarer
    a_role_that_comes_and_goes
    a_standby_is_taken_back_untried
}
