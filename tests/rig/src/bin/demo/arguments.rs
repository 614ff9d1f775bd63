//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use amm_rig::fault::{FAULTS, Fault};
use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: demo --extension PATH [options]
  --extension PATH   the amm.so to load
  --without-amm      Laravel alone, for comparison (instead of --extension)
  --faults A,B       what to do to the cluster (default kill9,read_only,hang)
  --rate N           orders per second (default 150)
  --workers N        php-fpm workers (default 16)
  --suspect SECONDS  silence after which the cluster drops a node (default 1)
  --quick            shorter pauses
  --keep             leave everything running until Ctrl-C";

#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) extension: Option<PathBuf>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) rate: f64,
    pub(crate) workers: usize,
    pub(crate) suspect: Duration,
    pub(crate) quick: bool,
    pub(crate) keep: bool,
}

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let (mut extension, mut without) = (None, false);
        let mut faults = "kill9,read_only,hang".to_owned();
        let (mut rate, mut workers, mut suspect) = (150.0, 16, 1.0);
        let (mut quick, mut keep) = (false, false);
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .with_context(|| format!("{word} needs a value"))
            };
            match word.as_str() {
                "--extension" => extension = Some(PathBuf::from(value()?)),
                "--without-amm" => without = true,
                "--faults" => faults = value()?,
                "--rate" => rate = value()?.parse().context("--rate takes a number")?,
                "--workers" => workers = value()?.parse().context("--workers takes a number")?,
                "--suspect" => suspect = value()?.parse().context("--suspect takes seconds")?,
                "--quick" => quick = true,
                "--keep" => keep = true,
                "--help" | "-h" => bail!("{USAGE}\nfaults: {}", names()),
                other => bail!("{other} is not known\n{USAGE}"),
            }
        }
        if extension.is_some() == without {
            bail!("either --extension PATH or --without-amm is needed\n{USAGE}");
        }
        if !(1.0..=5000.0).contains(&rate) || workers == 0 || !(0.2..=60.0).contains(&suspect) {
            bail!("--rate takes 1 to 5000, --workers at least 1, --suspect 0.2 to 60");
        }
        Ok(Self {
            extension,
            faults: faults.split(',').map(Fault::named).collect::<Result<_>>()?,
            rate,
            workers,
            suspect: Duration::from_secs_f64(suspect),
            quick,
            keep,
        })
    }
}

fn names() -> String {
    FAULTS
        .iter()
        .map(|fault| fault.name)
        .collect::<Vec<_>>()
        .join(", ")
}
