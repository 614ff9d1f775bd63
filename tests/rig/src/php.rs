//! PHP as the rig runs it: the installed one with its own modules, but with
//! settings from the run folder, and with the extension under test.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use crate::process::{self, User};
use crate::run_dir::RunDir;

/// The user of the pool and of all scripts.
pub const POOL_USER: &str = "www-data";

/// What to load and set.
#[derive(Clone, Debug, Default)]
pub struct PhpOptions {
    /// `amm.so`, or none for a PHP without it.
    pub extension: Option<PathBuf>,
    /// Further settings, name and value.
    pub ini: Vec<(String, String)>,
    /// Environment of scripts and workers.
    pub env: Vec<(String, String)>,
}

/// An installed PHP with the settings of one run.
#[derive(Debug)]
pub struct Php {
    cli: PathBuf,
    version: String,
    user: User,
    options: PhpOptions,
    run: Arc<RunDir>,
}

impl Php {
    /// Finds PHP (`$PHP`, or else `php` on the usual paths) and writes its
    /// settings into `run`. The extension is copied there, so that the pool's
    /// user can read it wherever it was built.
    pub fn prepare(run: &Arc<RunDir>, options: PhpOptions) -> Result<Self> {
        let cli = match std::env::var_os("PHP") {
            Some(path) => path.into(),
            None => process::program("php")?,
        };
        let user = User::named(POOL_USER)?;
        let version = ask(&cli, "echo PHP_MAJOR_VERSION, '.', PHP_MINOR_VERSION;")?;
        let scanned = ask(&cli, "echo PHP_CONFIG_FILE_SCAN_DIR;")?;
        let modules = run.folder("php/conf.d", &user)?;
        for entry in fs::read_dir(&scanned).with_context(|| format!("cannot read {scanned}"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // What is under test is loaded below; what slows everything is not.
            if name.ends_with(".ini") && !name.contains("amm") && !name.contains("xdebug") {
                fs::copy(entry.path(), modules.join(name))?;
            }
        }
        // Workers may have to be told apart by their shared memory: one per run.
        let shared = run.folder("shm", &user)?;
        let mut lines = vec![
            "display_errors = 0".to_owned(),
            "log_errors = 1".to_owned(),
            "opcache.validate_timestamps = 0".to_owned(),
        ];
        if let Some(extension) = &options.extension {
            let copy = run.path().join("php/amm.so");
            fs::copy(extension, &copy)
                .with_context(|| format!("cannot read {}", extension.display()))?;
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o644))?;
            lines.push(format!("extension = {}", copy.display()));
            lines.push(format!("amm.shm_path = {}", shared.display()));
        }
        lines.extend(
            options
                .ini
                .iter()
                .map(|(name, value)| format!("{name} = {value}")),
        );
        fs::write(run.path().join("php/php.ini"), lines.join("\n") + "\n")?;
        let php = Self {
            cli,
            version,
            user,
            options,
            run: run.clone(),
        };
        if php.options.extension.is_some() {
            php.check_extension()?;
        }
        Ok(php)
    }

    /// `8.2` and the like.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The user everything runs as.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// What it was prepared with.
    pub fn options(&self) -> &PhpOptions {
        &self.options
    }

    /// A script about to be run as the pool's user.
    pub fn script(&self, script: &Path, arguments: &[&str]) -> Command {
        let mut command = process::as_user(&self.cli.to_string_lossy(), &self.user);
        self.configure(&mut command);
        command
            .arg(script)
            .args(arguments)
            .current_dir(self.run.path());
        command
    }

    /// Runs a script as the pool's user. `ini` adds to the run's settings. The
    /// script's exit code is the caller's to judge.
    pub fn cli(&self, script: &Path, arguments: &[&str], ini: &[(&str, &str)]) -> Result<Output> {
        let mut command = process::as_user(&self.cli.to_string_lossy(), &self.user);
        self.configure(&mut command);
        for (name, value) in ini {
            command.arg("-d").arg(format!("{name}={value}"));
        }
        command
            .arg(script)
            .args(arguments)
            .current_dir(self.run.path());
        process::finished(&self.run, &script.display().to_string(), command)
    }

    /// The settings and environment of the run, for any PHP binary.
    pub(crate) fn configure(&self, command: &mut Command) {
        command
            .env("PHP_INI_SCAN_DIR", self.run.path().join("php/conf.d"))
            .envs(self.options.env.iter().map(|(name, value)| (name, value)))
            .arg("-c")
            .arg(self.run.path().join("php/php.ini"));
    }

    fn check_extension(&self) -> Result<()> {
        let mut command = process::as_user(&self.cli.to_string_lossy(), &self.user);
        self.configure(&mut command);
        command.args(["-r", "exit(extension_loaded('amm') ? 0 : 1);"]);
        let output = process::finished(&self.run, "loading the extension", command)?;
        if !output.status.success() {
            bail!(
                "PHP {} does not load the extension: {}{}",
                self.version,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }
}

fn ask(php: &Path, code: &str) -> Result<String> {
    let output = match Command::new(php).args(["-n", "-r", code]).output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!(
                "{} is not installed: run tests/install.sh first",
                php.display()
            )
        }
        Err(error) => return Err(error).with_context(|| format!("cannot run {}", php.display())),
    };
    if !output.status.success() {
        bail!(
            "{} failed: {}",
            php.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}
