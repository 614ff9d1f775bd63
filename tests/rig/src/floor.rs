//! The floor: what the cluster itself does to a client that does nothing
//! clever. A plain connection to one node commits at a fixed rate; its latency
//! counts from when each commit was due, as the load's does.
//!
//! When a Galera member dies, the survivors hold back every commit until the
//! group has evicted it. No client can be faster than that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Result, anyhow};
use mysql::Conn;
use mysql::prelude::Queryable;

use crate::accounts::APP;
use crate::clock::Moment;
use crate::server::Server;

/// One commit.
#[derive(Clone, Copy, Debug)]
pub struct Tick {
    /// When it was due.
    pub due: Moment,
    /// When it was acknowledged or failed.
    pub ended: Moment,
    /// Whether it was acknowledged.
    pub succeeded: bool,
}

/// A steady client of one node.
#[derive(Debug)]
pub struct Floor {
    ticks: Arc<Mutex<Vec<Tick>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

const PATIENCE: Duration = Duration::from_secs(30);

impl Floor {
    /// Starts committing to `node` every `step`.
    pub fn start(node: &Server, step: Duration) -> Result<Self> {
        let address = node.address(APP, PATIENCE);
        let mut connection = Conn::new(address.clone())?;
        let ticks = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (sink, stopped) = (ticks.clone(), stop.clone());
        let thread = std::thread::Builder::new()
            .name("floor".into())
            .spawn(move || {
                let began = Moment::now();
                for number in 0u32.. {
                    if stopped.load(Ordering::Relaxed) {
                        return;
                    }
                    let due = began + step * number;
                    std::thread::sleep(due.since(Moment::now()));
                    let succeeded = connection
                        .exec_drop("INSERT INTO floor (tick) VALUES (?)", (number,))
                        .is_ok();
                    if !succeeded && let Ok(anew) = Conn::new(address.clone()) {
                        connection = anew;
                    }
                    let tick = Tick {
                        due,
                        ended: Moment::now(),
                        succeeded,
                    };
                    sink.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(tick);
                }
            })?;
        Ok(Self {
            ticks,
            stop,
            thread: Some(thread),
        })
    }

    /// Ends it and returns all commits.
    pub fn finish(mut self) -> Result<Vec<Tick>> {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread
                .join()
                .map_err(|_| anyhow!("the floor's client failed"))?;
        }
        Ok(std::mem::take(
            &mut *self.ticks.lock().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
