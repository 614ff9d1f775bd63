//! The form of a configuration file: `[cluster.<name>]`, any number of them.

use super::error::{ConfigError, shown_key, shown_text};
use super::settings::Settings;
use super::table::Table;
use super::value::Value;

/// Longest name of a cluster, in characters.
const NAME_MAX: usize = 64;

/// A name that a cluster may have: 1 to 64 letters, digits, `.`, `_` or `-`
/// (ASCII).
///
/// # Errors
/// Any other name, as the key `cluster`.
pub fn cluster_name(name: &str) -> Result<String, ConfigError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if (1..=NAME_MAX).contains(&name.len()) && name.chars().all(plain) {
        Ok(name.to_owned())
    } else {
        Err(ConfigError::new(
            "cluster",
            shown_text(name),
            "a name of 1 to 64 letters, digits, \".\", \"_\" or \"-\"",
        ))
    }
}

/// Reads a whole file: the clusters it defines, in the order written. An empty
/// file defines none.
///
/// # Errors
/// Any top-level key but `cluster`, a name that [`cluster_name`] refuses or
/// that comes twice, and every mistake of
/// [`Settings::try_from_value`], which then names its cluster.
pub fn parse_clusters(value: &Value) -> Result<Vec<(String, Settings)>, ConfigError> {
    let top = Table::open(value, "", &["cluster"])?;
    let Some(clusters) = top.get("cluster") else {
        return Ok(Vec::new());
    };
    let entries = match clusters {
        Value::Map(entries) => entries.as_slice(),
        Value::List(items) if items.is_empty() => &[],
        other => {
            let given = super::error::shown(other);
            return Err(ConfigError::new(
                "cluster",
                given,
                "tables named [cluster.<name>]",
            ));
        }
    };
    let mut parsed: Vec<(String, Settings)> = Vec::with_capacity(entries.len());
    for (name, body) in entries {
        let name = cluster_name(name)?;
        if parsed.iter().any(|(earlier, _)| *earlier == name) {
            let key = format!("cluster.{}", shown_key(&name));
            return Err(ConfigError::new(key, "a second time", "each name once"));
        }
        let settings = Settings::try_from_value(body).map_err(|error| error.in_cluster(&name))?;
        parsed.push((name, settings));
    }
    Ok(parsed)
}
