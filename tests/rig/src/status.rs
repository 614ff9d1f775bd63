//! What amm itself says of the cluster: `Amm\Cluster::status()`, asked again and
//! again through one PHP process that serves no requests.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::clock::Moment;
use crate::php::Php;
use crate::process::Process;
use crate::run_dir::RunDir;

/// The part of a node's status that the rig looks at.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct NodeStatus {
    /// `writer`, `reader`, `unready`, `unknown`.
    pub role: String,
    /// `up`, `suspect`, `down`.
    pub health: String,
    /// `closed`, `open`, `half-open`.
    pub breaker: String,
    /// `enabled`, `draining`, `disabled`.
    pub admin: String,
    /// Whether new writes go there.
    pub writable: bool,
    /// Grows with every change of that.
    pub epoch: u64,
}

/// One reading.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// By node id.
    pub nodes: BTreeMap<String, NodeStatus>,
    /// All of it, as PHP gave it.
    pub raw: Value,
}

/// A process that answers with the status whenever it is asked.
#[derive(Debug)]
pub struct StatusReader {
    input: std::process::ChildStdin,
    output: BufReader<std::process::ChildStdout>,
    _process: Process,
}

impl StatusReader {
    /// Starts `script`, which answers every line on its input with one of JSON,
    /// and gives one unasked.
    pub fn start(run: &RunDir, php: &Php, script: &Path) -> Result<Self> {
        let mut command = php.script(script, &[]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let process = Process::spawn_piped(run, "status reader", command, libc::SIGKILL)?;
        let (Some(input), Some(output)) = process.pipes() else {
            bail!("the status reader has no pipes");
        };
        let mut reader = Self {
            input,
            output: BufReader::new(output),
            _process: process,
        };
        reader.answer()?;
        Ok(reader)
    }

    /// Asks once.
    pub fn read(&mut self) -> Result<Status> {
        self.input
            .write_all(b"\n")
            .context("the status reader is gone")?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Status> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("the status reader ended");
        }
        let raw: Value = serde_json::from_str(&line)
            .with_context(|| format!("the status is no JSON: {}", line.trim()))?;
        if let Some(error) = raw.get("error").and_then(Value::as_str) {
            bail!("no status: {error}");
        }
        let nodes = raw.get("nodes").cloned().unwrap_or_default();
        Ok(Status {
            nodes: serde_json::from_value(nodes).unwrap_or_default(),
            raw,
        })
    }
}

/// A node's writability at a moment.
#[derive(Clone, Debug)]
pub struct Change {
    /// When it was first seen.
    pub at: Moment,
    /// Which node.
    pub node: String,
    /// As it is from then on.
    pub status: NodeStatus,
}

/// Reads the status ten times a second for as long as it lives.
#[derive(Debug)]
pub struct StatusWatch {
    shared: Arc<Mutex<Watched>>,
}

#[derive(Debug, Default)]
struct Watched {
    latest: Status,
    changes: Vec<Change>,
    error: Option<String>,
    stopped: bool,
}

impl StatusWatch {
    /// Starts reading from `reader`.
    pub fn start(mut reader: StatusReader) -> Self {
        let shared = Arc::new(Mutex::new(Watched::default()));
        let sink = shared.clone();
        std::thread::spawn(move || {
            loop {
                let reading = reader.read();
                let mut watched = lock(&sink);
                if watched.stopped {
                    return;
                }
                match reading {
                    Ok(status) => watched.record(status),
                    Err(error) => {
                        watched.error = Some(format!("{error:#}"));
                        return;
                    }
                }
                drop(watched);
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        Self { shared }
    }

    /// The last reading.
    pub fn latest(&self) -> Status {
        lock(&self.shared).latest.clone()
    }

    /// All changes so far.
    pub fn changes(&self) -> Vec<Change> {
        lock(&self.shared).changes.clone()
    }

    /// Why it reads no more, if so.
    pub fn error(&self) -> Option<String> {
        lock(&self.shared).error.clone()
    }
}

impl Watched {
    fn record(&mut self, status: Status) {
        let at = Moment::now();
        for (node, now) in &status.nodes {
            if self.latest.nodes.get(node) != Some(now) {
                let change = Change {
                    at,
                    node: node.clone(),
                    status: now.clone(),
                };
                self.changes.push(change);
            }
        }
        self.latest = status;
    }
}

impl Drop for StatusWatch {
    fn drop(&mut self) {
        lock(&self.shared).stopped = true;
    }
}

fn lock(shared: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
