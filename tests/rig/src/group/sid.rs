//! MySQL as `tests/sid.sh` has unpacked it: started by the loader and with the
//! libraries of its own distribution, since the machine's are older.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{self, User};

/// An unpacked MySQL.
#[derive(Clone, Debug)]
pub struct Sid {
    root: PathBuf,
    loader: PathBuf,
    libraries: PathBuf,
}

impl Sid {
    /// Finds it where `tests/sid.sh` puts it.
    pub fn find() -> Result<Self> {
        let cache = std::env::var_os("AMM_RIG_CACHE")
            .map_or_else(|| PathBuf::from("/var/cache/amm-rig"), PathBuf::from);
        let root = cache.join("sid-mysql");
        let missing = || format!("{} is not there: run tests/sid.sh first", root.display());
        let (libraries, loader) = fs::read_dir(root.join("usr/lib"))
            .with_context(missing)?
            .flatten()
            .find_map(|entry| Some((entry.path(), loader_in(&entry.path())?)))
            .with_context(missing)?;
        Ok(Self {
            root,
            loader,
            libraries,
        })
    }

    /// What `mysqld --version` says of itself.
    pub fn version(&self) -> Result<String> {
        Ok(fs::read_to_string(self.root.join("version"))?
            .trim()
            .to_owned())
    }

    /// `mysqld`, run by `user`, that finds everything it needs.
    pub(super) fn mysqld(&self, user: &User) -> Command {
        let share = self.root.join("usr/share/mysql");
        let mut command = process::as_user(&self.loader.to_string_lossy(), user);
        command
            .arg("--library-path")
            .arg(&self.libraries)
            .arg(self.root.join("usr/sbin/mysqld"))
            .arg("--no-defaults")
            .arg(argument("basedir", &self.root.join("usr")))
            .arg(argument(
                "plugin-dir",
                &self.root.join("usr/lib/mysql/plugin"),
            ))
            .arg(argument("lc-messages-dir", &share))
            .arg(argument("character-sets-dir", &share.join("charsets")));
        command
    }
}

/// `--name=path`.
pub(super) fn argument(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

fn loader_in(folder: &Path) -> Option<PathBuf> {
    fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        (name.starts_with("ld-linux") && name.contains(".so.")).then(|| entry.path())
    })
}
