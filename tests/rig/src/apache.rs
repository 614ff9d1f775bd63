//! Apache with PHP in its own processes (prefork), as Debian builds it. A
//! graceful restart has it unload its modules and load them again: PHP's, and
//! every extension with it, is started anew in the same process.

use std::fs;
use std::net::{SocketAddr, SocketAddrV4, TcpStream};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::address::Block;
use crate::php::{POOL_USER, Php};
use crate::process::{self, Process};
use crate::run_dir::RunDir;

/// The block's address for the web server.
const HOST: u8 = 11;
const MODULES: &str = "/usr/lib/apache2/modules";

/// A running Apache. Dropping it ends it.
#[derive(Debug)]
pub struct Apache {
    address: SocketAddr,
    process: Process,
    log: std::path::PathBuf,
}

impl Apache {
    /// Serves `entry` for every path, from so many processes.
    pub fn start(
        run: &RunDir,
        block: &Block,
        php: &Php,
        workers: usize,
        entry: &Path,
    ) -> Result<Self> {
        let folder = run.folder("apache", php.user())?;
        let log = folder.join("error.log");
        let address = SocketAddrV4::new(block.address(HOST), block.free_port(HOST)?);
        let module = format!("{MODULES}/libphp{}.so", php.version());
        ensure!(
            Path::new(&module).exists(),
            "{module} is not installed: run tests/install.sh first"
        );
        let config = folder.join("apache.conf");
        let mut text = format!(
            "ServerRoot {folder}\n\
             ServerName test\n\
             Listen {address}\n\
             PidFile {folder}/apache.pid\n\
             ErrorLog {log}\n\
             LogLevel notice\n\
             User {POOL_USER}\n\
             Group {POOL_USER}\n\
             LoadModule mpm_prefork_module {MODULES}/mod_mpm_prefork.so\n\
             LoadModule authz_core_module {MODULES}/mod_authz_core.so\n\
             LoadModule alias_module {MODULES}/mod_alias.so\n\
             LoadModule php_module {module}\n\
             PHPIniDir {ini}\n\
             StartServers {workers}\n\
             MinSpareServers {workers}\n\
             MaxSpareServers {workers}\n\
             MaxRequestWorkers {workers}\n\
             GracefulShutdownTimeout 5\n\
             KeepAlive Off\n\
             AliasMatch \"^/.*$\" {entry}\n\
             <Directory />\n\
             Require all granted\n\
             </Directory>\n\
             <FilesMatch \"\\.php$\">\n\
             SetHandler application/x-httpd-php\n\
             </FilesMatch>\n",
            folder = folder.display(),
            log = log.display(),
            ini = run.path().join("php").display(),
            entry = entry.display(),
        );
        let mut command = Command::new(process::program("apache2")?);
        command
            .env("PHP_INI_SCAN_DIR", run.path().join("php/conf.d"))
            .arg("-f")
            .arg(&config)
            .arg("-DFOREGROUND");
        if Path::new(MODULES).join("mod_unixd.so").exists() {
            text += &format!("LoadModule unixd_module {MODULES}/mod_unixd.so\n");
        }
        for (name, value) in &php.options().env {
            command.env(name, value);
        }
        fs::write(&config, text)?;
        let process = Process::spawn(run, "apache2", command, libc::SIGTERM, &log)?;
        let apache = Self {
            address: address.into(),
            process,
            log,
        };
        apache.wait_ready()?;
        Ok(apache)
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The parent's process id.
    pub fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// Its processes that serve.
    pub fn workers(&self) -> Result<Vec<i32>> {
        process::children(self.process.pid())
    }

    /// Sends the parent a signal: SIGUSR1 restarts it gracefully, SIGHUP at
    /// once, SIGTERM ends it.
    pub fn signal(&self, signal: i32) -> Result<()> {
        self.process.signal(signal)
    }

    /// Waits for its end.
    pub fn wait(&self, timeout: Duration) -> Result<ExitStatus> {
        self.process.wait(timeout)
    }

    /// Its log.
    pub fn log(&self) -> Result<String> {
        fs::read_to_string(&self.log).context("no log")
    }

    fn wait_ready(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.process.ended()? {
                bail!(
                    "apache2 ended with {}:\n{}",
                    process::describe(status),
                    self.log()?
                );
            }
            if Instant::now() > deadline {
                bail!("apache2 does not listen on {}", self.address);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}
