//! Thousands of seeds, and that they reach what they are to reach.

use amm_simulation::{Report, run};

fn all(seeds: std::ops::Range<u64>, long: bool) -> Report {
    let mut sum = Report::default();
    for seed in seeds {
        let report = run(seed, long, false);
        if let Some(broken) = &report.broken {
            panic!(
                "seed {seed} broke {broken}\nreplay it with: cargo run --release -p amm-simulation \
                 --bin simulate -- --seed {seed}{}",
                if long { " --long" } else { "" }
            );
        }
        sum.steps += report.steps;
        sum.requests += report.requests;
        sum.served += report.served;
        sum.dials += report.dials;
        sum.trials += report.trials;
        sum.failed_dials += report.failed_dials;
        sum.probes += report.probes;
        sum.kills += report.kills;
        sum.stops += report.stops;
    }
    sum
}

#[test]
fn the_guarantees_hold_for_every_seed() {
    let long = std::env::var_os("AMM_LONG").is_some();
    let count = if long { 60_000 } else { 3_000 };
    let sum = all(0..count, false);
    println!("{sum:#?}");
    // And they are about something.
    assert!(sum.requests > 100 * count && sum.served * 10 > sum.requests * 8);
    assert!(sum.trials > count && sum.failed_dials > count);
    assert!(sum.kills > count && sum.stops > count / 2);
    if long {
        all(0..10_000, true);
    }
}

#[test]
fn a_seed_always_runs_the_same_way() {
    for seed in 0..5 {
        let [a, b] = [run(seed, false, false), run(seed, false, false)];
        assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }
}
