//! `make demo`: a shop on a real three-node Galera cluster, under load, while
//! its database servers fail.
//!
//! Ends with one line per fault. The exit code is 1 if an acknowledged order is
//! missing or stored twice, if a request failed that was not on the faulty node
//! when the fault struck, or if a request was started on a node already known
//! to be gone.

mod arguments;
mod by_hand;
mod play;
mod reckoning;
mod show;
mod stage;

use std::process::ExitCode;

use anyhow::Result;

use arguments::Arguments;
use stage::Stage;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let stage = Stage::set(&arguments)?;
    let sound = stage.play(&arguments)?;
    if arguments.keep {
        stage.stay(&arguments)?;
    } else {
        by_hand::explain(&arguments);
    }
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
