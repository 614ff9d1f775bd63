//! A pool of php-fpm behind nginx that serves `pages/seen.php`.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use amm_rig::clock::Moment;
use amm_rig::fpm::Fpm;
use amm_rig::galera::Galera;
use amm_rig::nginx::Nginx;
use amm_rig::php::{Php, PhpOptions};
use amm_rig::run_dir::RunDir;
use anyhow::Result;
use serde_json::Value;

use super::extension;
use super::http::{self, Reply};

/// A running site.
pub struct Site {
    /// The pool.
    pub fpm: Fpm,
    /// The PHP that the pool runs, for scripts beside it.
    pub php: Php,
    nginx: Nginx,
    workers: usize,
}

impl Site {
    /// Starts `workers` that know these configurations of `cluster` by name.
    pub fn start(
        run: &Arc<RunDir>,
        cluster: &Galera,
        workers: usize,
        configs: &[(&str, &Value)],
    ) -> Result<Self> {
        let folder = run.path().join("site");
        fs::create_dir(&folder)?;
        for (name, config) in configs {
            fs::write(folder.join(format!("{name}.json")), config.to_string())?;
        }
        let page = folder.join("seen.php");
        fs::write(&page, include_str!("../pages/seen.php"))?;
        let options = PhpOptions {
            extension: Some(extension()),
            env: vec![("AMM_TEST_CONFIG".into(), folder.display().to_string())],
            ..PhpOptions::default()
        };
        let php = Php::prepare(run, options)?;
        let fpm = Fpm::start(run, &php, workers)?;
        let nginx = Nginx::start(run, cluster.block(), &fpm, &page)?;
        Ok(Self {
            fpm,
            php,
            nginx,
            workers,
        })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.nginx.address()
    }

    /// One request.
    pub fn get(&self, query: &str) -> Result<Reply> {
        http::get(self.address(), &format!("/?{query}"))
    }

    /// One request to each worker, all of which begin at the same moment.
    pub fn get_in_all_workers(&self, query: &str) -> Result<Vec<Reply>> {
        let at = (Moment::now() + Duration::from_millis(300)).0;
        let paths = vec![format!("/?at={at}&hold_ms=20&{query}"); self.workers];
        http::get_all(self.address(), &paths)
    }
}
