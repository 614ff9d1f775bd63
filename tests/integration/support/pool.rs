//! A pool of php-fpm that serves `pages/seen.php`, asked without a web server.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use amm_rig::fpm::{Fpm, FpmOptions};
use amm_rig::php::{Php, PhpOptions};
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

use super::fastcgi;
use super::http::Reply;
use super::{extension, until};

/// The page's folder, and a PHP that finds it.
pub struct Pages {
    /// The PHP.
    pub php: Php,
    page: PathBuf,
}

impl Pages {
    /// A PHP that knows these configurations by name, with further settings.
    pub fn prepare(
        run: &Arc<RunDir>,
        configs: &[(&str, &Value)],
        ini: &[(&str, &str)],
    ) -> Result<Self> {
        let folder = run.path().join("site");
        fs::create_dir(&folder)?;
        for (name, config) in configs {
            fs::write(folder.join(format!("{name}.json")), config.to_string())?;
        }
        let page = folder.join("seen.php");
        fs::write(&page, include_str!("../pages/seen.php"))?;
        let pairs = |pair: &(&str, &str)| (pair.0.to_owned(), pair.1.to_owned());
        let options = PhpOptions {
            extension: Some(extension()),
            ini: ini.iter().map(pairs).collect(),
            env: vec![("AMM_TEST_CONFIG".into(), folder.display().to_string())],
        };
        let php = Php::prepare(run, options)?;
        Ok(Self { php, page })
    }

    /// The page.
    pub fn page(&self) -> &std::path::Path {
        &self.page
    }

    /// A pool that serves the page.
    pub fn serve(&self, run: &RunDir, options: &FpmOptions) -> Result<Pool> {
        Ok(Pool {
            fpm: Fpm::start_with(run, &self.php, options)?,
            page: self.page.clone(),
            workers: options.workers,
        })
    }
}

/// A running pool.
pub struct Pool {
    /// Its processes.
    pub fpm: Fpm,
    page: PathBuf,
    workers: usize,
}

impl Pool {
    /// One request.
    pub fn get(&self, query: &str) -> Result<Reply> {
        fastcgi::get(self.fpm.socket(), &self.page, query)
    }

    /// One request that has to go well; gives the answer.
    pub fn ask(&self, query: &str) -> Result<Value> {
        let reply = self.get(query)?;
        ensure!(reply.status == 200, "{query}: {reply:?}");
        Ok(reply.body)
    }

    /// `status()` as a worker sees it, when it is as wanted.
    pub fn wait_for(
        &self,
        limit: Duration,
        what: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Result<(Value, Duration)> {
        until(limit, what, || {
            let status = self.ask("")?["status"].take();
            Ok(if is(&status) {
                Ok(status)
            } else {
                Err(status.to_string())
            })
        })
    }

    /// Asks from as many clients as there are workers, until `meanwhile` is
    /// over. Each request has to go well and is shown to `check`.
    pub fn under_load<T>(
        &self,
        query: &str,
        check: impl Fn(&Reply) -> Result<()> + Sync,
        meanwhile: impl FnOnce() -> Result<T>,
    ) -> Result<(usize, T)> {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let ask = || -> Result<usize> {
                let mut served = 0;
                while !done.load(Ordering::Acquire) {
                    let reply = self.get(query)?;
                    ensure!(reply.status == 200, "{reply:?}");
                    check(&reply)?;
                    served += 1;
                }
                Ok(served)
            };
            let clients: Vec<_> = (0..self.workers).map(|_| scope.spawn(ask)).collect();
            let result = meanwhile();
            done.store(true, Ordering::Release);
            let mut served = 0;
            for client in clients {
                served += client.join().map_err(|_| anyhow!("a panic"))??;
            }
            Ok((served, result?))
        })
    }

    /// What the pool's log tells of workers that crashed.
    pub fn crashes(&self) -> Result<Vec<String>> {
        self.crashes_but(0)
    }

    /// The same, but for those that `signal` ended.
    pub fn crashes_but(&self, signal: i32) -> Result<Vec<String>> {
        let log = fs::read_to_string(self.fpm.log()).context("no log")?;
        let meant = format!("exited on signal {signal} ");
        let crash = |line: &&str| {
            (line.contains("exited on signal") && !line.contains(&meant))
                || line.contains("panicked")
        };
        Ok(log.lines().filter(crash).map(str::to_owned).collect())
    }
}
