//! `simulate [--seeds FROM..TO] [--long] [--first]` runs seeds, with `--first` up to
//! the first that breaks a guarantee; `simulate --seed N [--long]` replays one with
//! a trace of every step.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|a| a == name)?;
        arguments.get(at + 1).cloned()
    };
    let long = arguments.iter().any(|a| a == "--long");
    if let Some(seed) = value("--seed").and_then(|s| s.parse().ok()) {
        let report = amm_simulation::run(seed, long, true);
        println!("{report:#?}");
        return match report.broken {
            None => ExitCode::SUCCESS,
            Some(_) => ExitCode::FAILURE,
        };
    }
    let range = value("--seeds").unwrap_or_else(|| "0..1000".to_owned());
    let Some((from, to)) = range
        .split_once("..")
        .and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)))
    else {
        eprintln!("usage: simulate [--seeds FROM..TO [--first] | --seed N] [--long]");
        return ExitCode::from(2);
    };
    let mut broken = 0;
    for seed in from..to {
        let report = amm_simulation::run(seed, long, false);
        if let Some(what) = report.broken {
            println!("seed {seed}: {what}");
            broken += 1;
            if arguments.iter().any(|a| a == "--first") {
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{broken} of {} seeds broke a guarantee", to - from);
    match broken {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
