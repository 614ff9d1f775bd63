//! What amm's calls cost: PHP measures, this prints, with ratios from the same
//! round and medians over the rounds.

use std::path::PathBuf;

use amm_rig::galera::{APP, DATABASE, Galera, Options};
use amm_rig::php::{Php, PhpOptions};
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

#[derive(Deserialize)]
struct Measured {
    rows: Vec<Row>,
    growth: Growth,
}

/// Nanoseconds a call, of one round.
#[derive(Deserialize)]
struct Row {
    hrtime: f64,
    writer: f64,
    writer_key: f64,
    current_node: f64,
    current_handle: f64,
    first_3: f64,
    first_64: f64,
    define: f64,
    pdo: f64,
    connect: f64,
}

#[derive(Deserialize)]
struct Growth {
    php_bytes: i64,
    rss_kib: i64,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some("--extension"), Some(extension)) = (arguments.next().as_deref(), arguments.next())
    else {
        bail!("usage: bench --extension PATH");
    };
    let run = RunDir::create()?;
    eprintln!("starting a Galera cluster …");
    let cluster = Galera::start_in(run.clone(), Options::default())?;
    let options = PhpOptions {
        extension: Some(PathBuf::from(extension)),
        ..PhpOptions::default()
    };
    let php = Php::prepare(&run, options)?;
    let script = run.path().join("calls.php");
    std::fs::write(&script, include_str!("../../../bench/calls.php"))?;
    let nodes: Vec<String> = cluster.nodes().iter().map(|n| n.id()).collect();
    eprintln!("measuring …");
    let output = php.cli(
        &script,
        &[&nodes.join(","), APP.user, APP.password, DATABASE],
        &[],
    )?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "the measuring script failed: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let measured: Measured =
        serde_json::from_str(text.trim()).with_context(|| format!("not a result: {text}"))?;
    print(&measured);
    Ok(())
}

type Figure = fn(&Row) -> f64;
/// Name, figure, what it is measured against, how it is shown, bound.
type Line = (&'static str, Figure, Shown, f64);

/// How a figure is shown and bounded.
enum Shown {
    /// As a multiple of `hrtime(true)` in the same round.
    Ratio,
    /// In nanoseconds.
    Nanoseconds,
}

fn print(measured: &Measured) {
    let rows = &measured.rows;
    println!("\nmedian of {} rounds, in one run\n", rows.len());
    println!(
        "{:<44} {:>9} {:>14} {:>14}",
        "call", "ns", "× hrtime(true)", "must be"
    );
    println!("{}", "-".repeat(84));
    println!(
        "{:<44} {:>9.0} {:>14} {:>14}",
        "hrtime(true)",
        median(rows, |r| r.hrtime),
        "1.00",
        ""
    );
    let lines: [Line; 7] = [
        (
            "writer(), again in a scope",
            |r| r.writer,
            Shown::Ratio,
            2.5,
        ),
        (
            "writer($key), again in a scope",
            |r| r.writer_key,
            Shown::Ratio,
            f64::INFINITY,
        ),
        ("isCurrent($node)", |r| r.current_node, Shown::Ratio, 2.0),
        (
            "isCurrent($handle)",
            |r| r.current_handle,
            Shown::Ratio,
            2.0,
        ),
        (
            "writer(), first in a scope, 3 nodes",
            |r| r.first_3,
            Shown::Nanoseconds,
            1_500.0,
        ),
        (
            "writer(), first in a scope, 64 nodes",
            |r| r.first_64,
            Shown::Nanoseconds,
            5_000.0,
        ),
        (
            "define(), unchanged, 3 nodes",
            |r| r.define,
            Shown::Nanoseconds,
            5_000.0,
        ),
    ];
    for (name, figure, shown, bound) in lines {
        let ratio = median_of(rows.iter().map(|r| figure(r) / r.hrtime).collect());
        let bound = match (shown, bound.is_finite()) {
            (Shown::Ratio, true) => format!("≤ {bound:.1} ×"),
            (Shown::Nanoseconds, true) => format!("< {bound:.0} ns"),
            _ => String::new(),
        };
        println!(
            "{name:<44} {:>9.0} {ratio:>14.2} {bound:>14}",
            median(rows, figure)
        );
    }
    let (pdo, connect) = (median(rows, |r| r.pdo), median(rows, |r| r.connect));
    println!("{:<44} {pdo:>9.0}", "new PDO, to one node");
    println!(
        "{:<44} {connect:>9.0} {:>14} {:>14}",
        "connect() with the same, to the same node",
        format!("{:.3} × PDO", connect / pdo),
        ""
    );
    let more = median_of(rows.iter().map(|r| r.connect - r.pdo).collect());
    println!(
        "{:<44} {more:>9.0} {:>14} {:>14}",
        "  more than PDO alone", "", "≤ 20000 ns"
    );
    println!(
        "growth over ten million calls: {} bytes of PHP's memory, {} KiB resident",
        measured.growth.php_bytes, measured.growth.rss_kib
    );
}

fn median(rows: &[Row], figure: Figure) -> f64 {
    median_of(rows.iter().map(figure).collect())
}

fn median_of(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
