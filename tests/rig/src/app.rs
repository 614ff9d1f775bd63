//! The Laravel application of `tests/rig/app`, put into a run folder with the
//! connector of `php/laravel`, and its tables.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use crate::accounts::{APP, DATABASE};
use crate::cluster::Cluster;
use crate::php::POOL_USER;
use crate::process::{self, User};
use crate::run_dir::RunDir;

/// Rows that orders are spread over.
pub const ARTICLES: u32 = 10_000; // what the digits in `tables` make

/// The application in its place.
#[derive(Debug)]
pub struct App {
    root: PathBuf,
    dial_log: PathBuf,
    env: Vec<(String, String)>,
}

impl App {
    /// Copies the application, and the connector if `with_amm`, and creates
    /// its tables on `cluster`.
    pub fn deploy(run: &Arc<RunDir>, cluster: &dyn Cluster, with_amm: bool) -> Result<Self> {
        let user = User::named(POOL_USER)?;
        let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = run.path().join("app");
        copy(run, &sources.join("app"), &root)?;
        if with_amm {
            let connector = sources.join("../../php/laravel/src");
            if !connector.exists() {
                bail!(
                    "the Laravel connector is not there: {}",
                    connector.display()
                );
            }
            let package = run.folder("app/packages/amm", &user)?;
            copy(run, &connector, &package.join("src"))?;
        }
        // The framework keeps its own caches there.
        run.folder("app/bootstrap/cache", &user)?;
        run.folder("app/storage/logs", &user)?;
        let mut readable = Command::new("chmod");
        readable.args(["-R", "u=rwX,go=rX"]).arg(&root);
        process::output(run, "opening the application's files", readable)?;
        let dial_log = run.folder("dials", &user)?.join("dials.jsonl");
        cluster.execute(&tables().iter().map(String::as_str).collect::<Vec<_>>())?;
        let env = environment(cluster, with_amm, &dial_log);
        Ok(Self {
            root,
            dial_log,
            env,
        })
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The script behind every URL.
    pub fn entry(&self) -> PathBuf {
        self.root.join("public/index.php")
    }

    /// The script that tells the cluster's status, see [`crate::status`].
    pub fn status_script(&self) -> PathBuf {
        self.root.join("status.php")
    }

    /// Where it logs its dials, see [`crate::dials`].
    pub fn dial_log(&self) -> &Path {
        &self.dial_log
    }

    /// What it reads its configuration from.
    pub fn env(&self) -> &[(String, String)] {
        &self.env
    }
}

fn environment(cluster: &dyn Cluster, with_amm: bool, dial_log: &Path) -> Vec<(String, String)> {
    let members = cluster.members();
    let hosts: Vec<&str> = members.iter().map(|node| node.server().host()).collect();
    let port = cluster.block().mysql_port();
    let amm = if with_amm { "true" } else { "false" };
    [
        ("DB_HOSTS", hosts.join(",")),
        ("DB_PORT", port.to_string()),
        ("DB_DATABASE", DATABASE.into()),
        ("DB_USERNAME", APP.user.into()),
        ("DB_PASSWORD", APP.password.into()),
        ("DB_AMM", amm.into()),
        ("SHOP_ARTICLES", ARTICLES.to_string()),
        ("RIG_DIAL_LOG", dial_log.display().to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// `orders` does not forbid a second row for one token: a write that happened
/// twice is to be seen, not refused. Its key is what Laravel's `id()` makes.
fn tables() -> Vec<String> {
    vec![
        format!(
            "CREATE TABLE {DATABASE}.orders (\
             id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, token CHAR(24) NOT NULL, \
             article INT UNSIGNED NOT NULL, node VARCHAR(64) NOT NULL, \
             connection BIGINT UNSIGNED NOT NULL, created TIMESTAMP(6) DEFAULT NOW(6), \
             KEY (token))"
        ),
        format!(
            "CREATE TABLE {DATABASE}.articles (\
             id INT UNSIGNED PRIMARY KEY, sold BIGINT UNSIGNED NOT NULL DEFAULT 0)"
        ),
        format!(
            "INSERT INTO {DATABASE}.articles (id) \
             WITH digits AS (SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 \
             UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) \
             SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 1 \
             FROM digits a, digits b, digits c, digits e"
        ),
        format!(
            "CREATE TABLE {DATABASE}.floor (\
             id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, tick BIGINT UNSIGNED NOT NULL)"
        ),
    ]
}

fn copy(run: &RunDir, from: &Path, to: &Path) -> Result<()> {
    let mut command = Command::new("cp");
    command.arg("-r").arg("-T").arg(from).arg(to);
    process::output(run, "copying the application", command)
        .map(drop)
        .with_context(|| format!("from {}", from.display()))
}
