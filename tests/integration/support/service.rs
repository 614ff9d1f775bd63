//! `Amm\Monitor::run()` as a service manager runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use amm_rig::php::Php;
use amm_rig::process::Process;
use amm_rig::run_dir::RunDir;
use anyhow::Result;

/// The running service. Dropping it kills it.
pub struct Service {
    process: Process,
    log: PathBuf,
}

impl Service {
    /// Starts it as the pool's user; its clusters come from `amm.config`.
    pub fn start(run: &RunDir, php: &Php) -> Result<Self> {
        let script = run.path().join("monitor.php");
        fs::write(&script, "<?php Amm\\Monitor::run();\n")?;
        let log = run.path().join("monitor.log");
        let command = php.script(&script, &[]);
        let process = Process::spawn(run, "monitor", command, libc::SIGKILL, &log)?;
        Ok(Self { process, log })
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: i32) -> Result<()> {
        self.process.signal(signal)
    }

    /// Waits for its end.
    pub fn wait(&self, timeout: Duration) -> Result<ExitStatus> {
        self.process.wait(timeout)
    }

    /// What it told.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }
}

/// Writes the file of `amm.config` with these nodes, spread, as `main`, and
/// further lines.
pub fn config_file(folder: &Path, nodes: &[String], more: &str) -> Result<PathBuf> {
    let path = folder.join("amm.toml");
    let text = format!(
        "[cluster.main]\nflavour = \"galera\"\nwriters = \"spread\"\nusername = \"amm\"\nnodes = {nodes:?}\n{more}\n"
    );
    fs::write(&path, text)?;
    Ok(path)
}
