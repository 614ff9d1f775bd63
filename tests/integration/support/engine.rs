//! The engine in the test's own process, without PHP.

use std::sync::Arc;
use std::time::Duration;

use amm_core::config::{Settings, Value as Setting};
use amm_engine::clock::now_ms;
use amm_engine::cluster::Cluster;
use amm_engine::definition::Definition;
use amm_engine::host::Host;
use amm_engine::monitor::Monitor;
use amm_engine::shm::Location;
use amm_engine::status::{self, ClusterStatus};
use amm_rig::run_dir::RunDir;
use anyhow::{Result, ensure};
use serde_json::Value;

use super::until;

/// A cluster as an application would configure it.
pub fn definition(config: &Value) -> Result<Arc<Definition>> {
    let settings = Settings::try_from_value(&setting(config))?;
    Ok(Arc::new(Definition::new(settings, None)))
}

fn setting(value: &Value) -> Setting {
    match value {
        Value::Null => Setting::Null,
        Value::Bool(truth) => Setting::Bool(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Setting::Int(whole),
            None => Setting::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Setting::Str(text.clone()),
        Value::Array(list) => Setting::List(list.iter().map(setting).collect()),
        Value::Object(map) => {
            let pairs = map.iter().map(|(key, value)| (key.clone(), setting(value)));
            Setting::Map(pairs.collect())
        }
    }
}

/// A monitor at work on one cluster, in memory of its own.
pub struct Watched {
    /// The cluster.
    pub cluster: Cluster,
    host: Arc<Host>,
    monitor: Option<Monitor>,
}

impl Watched {
    /// Starts to probe the cluster.
    pub fn start(run: &RunDir, name: &str, config: &Value) -> Result<Self> {
        let path = run.path().join(format!("{name}.shm"));
        let host = Arc::new(Host::open(Location { path, mode: 0o600 }, now_ms())?);
        let definition = definition(config)?;
        let cluster = Cluster::attach(Arc::clone(&definition), host.mapping(), now_ms())?;
        let monitor = Monitor::start(Arc::clone(&host))?;
        monitor.care_for(&definition, false);
        Ok(Self {
            cluster,
            host,
            monitor: Some(monitor),
        })
    }

    /// What `status()` is made of.
    pub fn status(&self) -> ClusterStatus {
        status::of(&self.cluster, &self.host)
    }

    /// Waits until the node at `index` is as wanted; gives how long that took.
    pub fn until(
        &self,
        limit: Duration,
        index: usize,
        what: &str,
        wanted: impl Fn(&status::NodeStatus) -> bool,
    ) -> Result<Duration> {
        let ((), took) = until(limit, what, || {
            let status = self.status();
            let node = &status.nodes[index];
            let seen = format!("{} {} {} {}", node.id, node.role, node.health, node.probe);
            Ok(wanted(node).then_some(()).ok_or(seen))
        })?;
        Ok(took)
    }

    /// Ends the monitor; all its threads must be gone soon after.
    pub fn stop(mut self) -> Result<()> {
        if let Some(monitor) = self.monitor.take() {
            monitor.stop(true);
        }
        let pid = std::process::id() as i32;
        until(Duration::from_secs(2), "the probers end", || {
            let named = super::proc::threads_named(pid, "amm-probe")?;
            Ok((named == 0)
                .then_some(())
                .ok_or(format!("{named} are left")))
        })?;
        ensure!(super::proc::threads_named(pid, "amm")? == 0);
        Ok(())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(monitor) = self.monitor.take() {
            monitor.stop(true);
        }
    }
}
