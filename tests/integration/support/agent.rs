//! A console process of PHP that does as it is told, see `pages/agent.php`.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use amm_rig::clock::Moment;
use amm_rig::php::Php;
use amm_rig::process::Process;
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

/// A running agent. Dropping it kills it.
pub struct Agent {
    name: String,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    log: PathBuf,
    process: Process,
}

/// A node as `status()` shows it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Node {
    pub role: String,
    pub role_reason: Option<String>,
    pub health: String,
    pub breaker: String,
    pub writable: bool,
    pub epoch: u64,
    pub since_ms: Option<u64>,
    pub probe: String,
    pub probe_age_ms: Option<u64>,
    pub rtt_us: Option<u64>,
    pub dials: u64,
    pub failures: u64,
}

/// What a successful `connect()` came to.
#[derive(Clone, Debug, Deserialize)]
pub struct Connected {
    /// The node that the handle talks to.
    pub node: String,
    /// Its epoch in the handle's `Node`.
    pub epoch: u64,
    /// All dials, in order.
    pub dials: Vec<Dial>,
    /// How long the call took.
    pub took_us: u64,
}

/// One dial.
#[derive(Clone, Debug, Deserialize)]
pub struct Dial {
    /// The node.
    pub node: String,
    /// When it began.
    pub began: Moment,
    /// When it ended, well or not.
    pub ended: Moment,
}

impl Agent {
    /// Starts PHP with one cluster defined from `config`. `ini` adds to the
    /// run's settings; the shared memory is the run's unless it says otherwise.
    pub fn start(
        run: &RunDir,
        php: &Php,
        name: &str,
        config: &Value,
        ini: &[(&str, &str)],
    ) -> Result<Self> {
        let folder = run.folder(&format!("agents/{name}"), php.user())?;
        let settings: String = ini
            .iter()
            .map(|(key, value)| format!("{key} = \"{value}\"\n"))
            .collect();
        fs::write(folder.join("agent.ini"), settings)?;
        fs::write(folder.join("cluster.json"), config.to_string())?;
        let script = folder.join("agent.php");
        fs::write(&script, include_str!("../pages/agent.php"))?;
        let log = folder.join("stderr.log");
        let mut command = php.script(&script, &[&folder.join("cluster.json").to_string_lossy()]);
        let scanned = run.path().join("php/conf.d");
        command
            .env(
                "PHP_INI_SCAN_DIR",
                format!("{}:{}", scanned.display(), folder.display()),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?);
        let process = Process::spawn_piped(run, name, command, libc::SIGKILL)?;
        let (Some(input), Some(output)) = process.pipes() else {
            bail!("{name} has no pipes");
        };
        let mut agent = Self {
            name: name.into(),
            input,
            output: BufReader::new(output),
            log,
            process,
        };
        agent.answer()?;
        Ok(agent)
    }

    /// One that shares health with nobody but agents of the same `group`.
    pub fn start_apart(
        run: &RunDir,
        php: &Php,
        name: &str,
        group: &str,
        config: &Value,
        ini: &[(&str, &str)],
    ) -> Result<Self> {
        let memory = run.folder(&format!("shm-{group}"), php.user())?;
        let memory = memory.display().to_string();
        let mut all = vec![("amm.shm_path", memory.as_str())];
        all.extend_from_slice(ini);
        Self::start(run, php, name, config, &all)
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// Ends it in order and gives what it wrote to standard error: the
    /// extension's log lines come at the end of a request.
    pub fn finish(self) -> Result<String> {
        drop(self.input);
        let status = self.process.wait(Duration::from_secs(10))?;
        let log = read(&self.log)?;
        ensure!(status.success(), "{} ended with {status}: {log}", self.name);
        Ok(log)
    }

    /// Has it do something; an error of PHP's is an error here.
    pub fn ask(&mut self, command: Value) -> Result<Value> {
        let answer = self.try_ask(&command)?;
        if let Some(class) = answer.get("class") {
            let message = answer.get("message").and_then(Value::as_str);
            bail!("{command}: {class}: {}", message.unwrap_or_default());
        }
        Ok(answer)
    }

    /// Has it do something; an error of PHP's is an answer.
    pub fn try_ask(&mut self, command: &Value) -> Result<Value> {
        writeln!(self.input, "{command}").with_context(|| format!("{} is gone", self.name))?;
        self.answer()
    }

    /// `status()`, all of it.
    pub fn status(&mut self) -> Result<Value> {
        self.ask(json!({ "do": "status" }))
    }

    /// `status()` of one node.
    pub fn node(&mut self, id: &str) -> Result<Node> {
        let status = self.status()?;
        node(&status, id)
    }

    /// `connect()` in a scope of its own; the handle is kept under `name`.
    pub fn connect(&mut self, key: &str, name: &str) -> Result<Connected> {
        let answer = self.ask(json!({ "do": "connect", "key": key, "name": name }))?;
        Ok(serde_json::from_value(answer)?)
    }

    /// The same where a dial of the node `slow` takes longer by `pause`.
    pub fn connect_slowly(&mut self, key: &str, slow: &str, pause: Duration) -> Result<Connected> {
        let pause = pause.as_millis() as u64;
        let command = json!({ "do": "connect", "key": key, "slow": slow, "pause_ms": pause });
        Ok(serde_json::from_value(self.ask(command)?)?)
    }

    /// A key whose writer is this node.
    pub fn key_of(&mut self, node: &str) -> Result<String> {
        let answer = self.ask(json!({ "do": "key", "node": node }))?;
        Ok(answer["key"].as_str().context("no key")?.to_owned())
    }

    /// The writers of many keys, without dialling them.
    pub fn writers(&mut self) -> Result<BTreeSet<String>> {
        let keys: Vec<String> = (0..300).map(|number| format!("w-{number}")).collect();
        let answer = self.ask(json!({ "do": "writers", "keys": keys }))?;
        Ok(serde_json::from_value(answer)?)
    }

    /// Whether the handle kept under `name` is current.
    pub fn is_current(&mut self, name: &str) -> Result<bool> {
        let answer = self.ask(json!({ "do": "current", "name": name }))?;
        answer["current"].as_bool().context("no answer")
    }

    /// Whether amm has shut the socket of the handle kept under `name`.
    pub fn was_cut(&mut self, name: &str) -> Result<bool> {
        let answer = self.ask(json!({ "do": "cut", "name": name }))?;
        answer["cut"].as_bool().context("no answer")
    }

    fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        let length = self.output.read_line(&mut line)?;
        ensure!(length > 0, "{} ended: {}", self.name, read(&self.log)?);
        serde_json::from_str(&line).with_context(|| format!("{} said {line}", self.name))
    }
}

fn read(log: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(log)?).into_owned())
}

/// One node of a `status()`.
pub fn node(status: &Value, id: &str) -> Result<Node> {
    let node = status["nodes"]
        .get(id)
        .with_context(|| format!("no node {id} in {status}"))?;
    Ok(serde_json::from_value(node.clone())?)
}
