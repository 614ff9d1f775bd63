//! The table in `phpinfo()`. Shows no credential.

use ext_php_rs::zend::ModuleEntry;
use ext_php_rs::{info_table_end, info_table_row, info_table_start};

use super::{ini, worker};

pub(super) extern "C" fn print(_module: *mut ModuleEntry) {
    // A panic must not cross into PHP.
    let _ = std::panic::catch_unwind(|| {
        let ini = ini::get();
        let (shared, place) = if ini.enabled {
            match worker::host() {
                Ok(host) => match host.private_reason() {
                    None => ("yes".to_owned(), host.location().path.display().to_string()),
                    Some(reason) => (format!("no: {reason}"), "none".to_owned()),
                },
                Err(error) => (format!("no: {error}"), "none".to_owned()),
            }
        } else {
            ("not opened".to_owned(), "none".to_owned())
        };
        let clean = |text: String| text.replace('\0', " ");
        let or = |text: &str, none: &str| {
            clean(if text.is_empty() {
                none.to_owned()
            } else {
                text.to_owned()
            })
        };
        info_table_start!();
        info_table_row!("amm", if ini.enabled { "enabled" } else { "disabled" });
        info_table_row!("Version", env!("CARGO_PKG_VERSION"));
        info_table_row!(
            "Shared memory layout",
            amm_engine::shm::layout::VERSION.to_string()
        );
        info_table_row!("Shared memory", clean(shared));
        info_table_row!("Shared memory file", clean(place));
        info_table_row!("amm.config", or(&ini.config, "no file"));
        info_table_row!("amm.shm_path", or(&ini.shm_path, "default"));
        info_table_row!("amm.shm_mode", format!("{:04o}", ini.shm_mode));
        info_table_row!("amm.monitor", if ini.monitor { "auto" } else { "off" });
        info_table_row!(
            "amm.zone",
            or(ini.zone.as_deref().unwrap_or_default(), "none")
        );
        info_table_row!(
            "amm.secret",
            if ini.secrets.is_empty() {
                "not set"
            } else {
                "set"
            }
        );
        info_table_row!("amm.log_level", ini.log_level.as_str().to_ascii_lowercase());
        for mistake in &ini.mistakes {
            info_table_row!("Mistake", clean(mistake.clone()));
        }
        info_table_end!();
    });
}
