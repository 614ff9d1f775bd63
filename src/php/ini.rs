//! The directives. All are `PHP_INI_SYSTEM`; read once, at module start.

use std::collections::HashMap;

use amm_core::config::Secret;
use ext_php_rs::flags::IniEntryPermission;
use ext_php_rs::zend::{ExecutorGlobals, IniEntryDef, IniEntryDefs};
use once_cell::sync::OnceCell;

const SYSTEM: IniEntryPermission = IniEntryPermission::System;

/// Fewest bytes of a secret: 128 bits.
const SECRET_MIN: usize = 16;

static TABLE: IniEntryDefs<9> = IniEntryDefs::new([
    IniEntryDef::new(c"amm.enabled", c"1", SYSTEM),
    IniEntryDef::new(c"amm.config", c"", SYSTEM),
    IniEntryDef::new(c"amm.shm_path", c"", SYSTEM),
    IniEntryDef::new(c"amm.shm_mode", c"0600", SYSTEM),
    IniEntryDef::new(c"amm.monitor", c"auto", SYSTEM),
    IniEntryDef::new(c"amm.zone", c"", SYSTEM),
    IniEntryDef::new(c"amm.secret", c"", SYSTEM),
    IniEntryDef::new(c"amm.log_level", c"warn", SYSTEM),
    IniEntryDef::end(),
]);

/// The directives' values.
#[derive(Debug)]
pub(super) struct Ini {
    pub(super) enabled: bool,
    pub(super) config: String,
    pub(super) shm_path: String,
    pub(super) shm_mode: u32,
    /// Whether this process may run a monitor thread.
    pub(super) monitor: bool,
    pub(super) zone: Option<String>,
    /// What tokens are signed with: the one in force, and the one before it.
    pub(super) secrets: Vec<Secret>,
    pub(super) log_level: log::LevelFilter,
    /// Values that were not understood: directive, given, accepted.
    pub(super) mistakes: Vec<String>,
}

impl Default for Ini {
    fn default() -> Self {
        Self {
            enabled: true,
            config: String::new(),
            shm_path: String::new(),
            shm_mode: 0o600,
            monitor: true,
            zone: None,
            secrets: Vec::new(),
            log_level: log::LevelFilter::Warn,
            mistakes: Vec::new(),
        }
    }
}

static VALUES: OnceCell<Ini> = OnceCell::new();

/// Registers the directives and reads their values. PHP may start a module
/// again in one process; directives do not change between.
pub(super) fn start(module: i32) {
    IniEntryDef::register(TABLE.as_slice(), module);
    VALUES.get_or_init(|| read(&ExecutorGlobals::get().ini_values()));
}

/// The values in force.
pub(super) fn get() -> &'static Ini {
    VALUES.get_or_init(Ini::default)
}

fn read(values: &HashMap<String, Option<String>>) -> Ini {
    let text = |name: &str| {
        values
            .get(name)
            .and_then(Option::as_deref)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let mut mistakes = Vec::new();
    let mut mistake = |name: &str, given: &str, accepted: &str| {
        mistakes.push(format!("{name}: given \"{given}\", accepted: {accepted}"));
    };
    let mode = text("amm.shm_mode");
    let shm_mode = match mode.as_str() {
        "" => 0o600,
        digits => u32::from_str_radix(digits, 8)
            .ok()
            .filter(|mode| mode & !0o666 == 0 && mode & 0o600 == 0o600)
            .unwrap_or_else(|| {
                mistake(
                    "amm.shm_mode",
                    digits,
                    "octal permission bits such as 0600 or 0660",
                );
                0o600
            }),
    };
    let monitor = match text("amm.monitor").to_ascii_lowercase().as_str() {
        "auto" | "1" | "on" => true,
        // PHP's ini files make an empty string of the bare words off and no.
        "" | "off" | "0" | "no" | "false" => false,
        other => {
            mistake("amm.monitor", other, "auto, off");
            true
        }
    };
    let level = text("amm.log_level").to_ascii_lowercase();
    let log_level = match level.as_str() {
        "" | "0" => log::LevelFilter::Off,
        word => word.parse().unwrap_or_else(|_| {
            mistake(
                "amm.log_level",
                word,
                "off, error, warn, info, debug, trace",
            );
            log::LevelFilter::Warn
        }),
    };
    let mut shm_path = text("amm.shm_path");
    if !shm_path.is_empty() && !shm_path.starts_with('/') {
        mistake(
            "amm.shm_path",
            &shm_path,
            "an absolute path of a file or folder",
        );
        shm_path.clear();
    }
    // Secrets that are too short are as good as none; they are not shown.
    let given = text("amm.secret");
    let words: Vec<&str> = given.split_whitespace().collect();
    let good = words.len() <= 2 && words.iter().all(|word| word.len() >= SECRET_MIN);
    if !good {
        mistake(
            "amm.secret",
            "(not shown)",
            "one or two words of at least 16 bytes: the secret, and the one it replaced",
        );
    }
    let secrets = match good {
        true => words.into_iter().map(Secret::new).collect(),
        false => Vec::new(),
    };
    let zone = text("amm.zone");
    Ini {
        enabled: !matches!(
            text("amm.enabled").to_ascii_lowercase().as_str(),
            "" | "0" | "off" | "no" | "false"
        ),
        config: text("amm.config"),
        shm_path,
        shm_mode,
        monitor,
        zone: (!zone.is_empty()).then_some(zone),
        secrets,
        log_level,
        mistakes,
    }
}
