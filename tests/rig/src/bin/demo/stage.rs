//! Servers and shop, started in order, each step timed.

use std::sync::Arc;
use std::time::Instant;

use amm_rig::app::App;
use amm_rig::fpm::Fpm;
use amm_rig::galera::{Galera, Options};
use amm_rig::nginx::Nginx;
use amm_rig::php::{Php, PhpOptions};
use amm_rig::run_dir::RunDir;
use amm_rig::status::{StatusReader, StatusWatch};
use anyhow::{Context, Result};

use crate::arguments::Arguments;

/// Everything that runs.
pub(crate) struct Stage {
    // In the order they are to end.
    pub(crate) watch: Option<StatusWatch>,
    pub(crate) nginx: Nginx,
    _fpm: Fpm,
    pub(crate) app: App,
    pub(crate) cluster: Galera,
    _run: Arc<RunDir>,
}

impl Stage {
    pub(crate) fn set(arguments: &Arguments) -> Result<Self> {
        let step = Steps::default();
        let run = RunDir::create()?;
        let cluster = Galera::start_in(run.clone(), Options::detecting_in(arguments.suspect))
            .context("the Galera cluster does not start")?;
        let ids: Vec<String> = cluster.nodes().iter().map(|node| node.id()).collect();
        step.done(&format!("Galera cluster: {}", ids.join(", ")));
        let with_amm = arguments.extension.is_some();
        let app = App::deploy(&run, &cluster, with_amm)?;
        let options = PhpOptions {
            extension: arguments.extension.clone(),
            env: app.env().to_vec(),
            ..PhpOptions::default()
        };
        let php = Php::prepare(&run, options)?;
        let fpm = Fpm::start(&run, &php, arguments.workers)?;
        step.done(&format!(
            "php-fpm {}, {} workers",
            php.version(),
            arguments.workers
        ));
        let nginx = Nginx::start(&run, cluster.block(), &fpm, &app.entry())?;
        step.done(&format!("nginx and the shop: http://{}", nginx.address()));
        let watch = match with_amm {
            true => Some(StatusWatch::start(StatusReader::start(
                &run,
                &php,
                &app.status_script(),
            )?)),
            false => None,
        };
        Ok(Self {
            watch,
            nginx,
            _fpm: fpm,
            app,
            cluster,
            _run: run,
        })
    }
}

/// Says how long each step of the preparation took.
struct Steps(std::cell::Cell<Instant>);

impl Default for Steps {
    fn default() -> Self {
        Self(std::cell::Cell::new(Instant::now()))
    }
}

impl Steps {
    fn done(&self, what: &str) {
        println!(
            "{:>6.1} s  {what}",
            self.0.replace(Instant::now()).elapsed().as_secs_f64()
        );
    }
}
