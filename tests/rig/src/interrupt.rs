//! Ctrl-C, `kill` and a closed terminal end a rig as cleanly as a normal exit:
//! its processes are killed and its folders removed before it goes.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

static INSTALLED: OnceLock<()> = OnceLock::new();
static ENDING: AtomicBool = AtomicBool::new(false);

/// Whether the process is on its way out; nothing is started any more then.
pub fn ending() -> bool {
    ENDING.load(Ordering::SeqCst)
}

/// Starts the thread that waits for signals; once is enough.
pub(crate) fn install() -> Result<()> {
    if INSTALLED.set(()).is_err() {
        return Ok(());
    }
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            if let Some(signal) = signals.forever().next() {
                ENDING.store(true, Ordering::SeqCst);
                eprintln!("\ninterrupted: stopping the servers and removing their files");
                crate::run_dir::clear_live_runs();
                std::process::exit(128 + signal);
            }
        })?;
    Ok(())
}
