//! Clusters from the file that `amm.config` names.

use std::path::Path;

use amm_core::config::{ConfigError, Settings, Value, parse_clusters};

/// Why the file gives no clusters.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("amm.config: cannot read {path}: {error}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// It is not TOML.
    #[error("amm.config: {path}, line {line}: {message}")]
    Syntax {
        /// The file.
        path: String,
        /// Line of the mistake, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// What it says is not accepted.
    #[error("amm.config: {path}: {error}")]
    Config {
        /// The file.
        path: String,
        /// What is wrong.
        error: ConfigError,
    },
}

/// Reads the clusters of the file at `path`.
pub fn read(path: &Path) -> Result<Vec<(String, Settings)>, FileError> {
    let shown = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, &shown),
        Err(error) => Err(FileError::Unreadable { path: shown, error }),
    }
}

/// The clusters of a file with this text, called `shown` in errors.
pub fn parse(text: &str, shown: &str) -> Result<Vec<(String, Settings)>, FileError> {
    let path = || shown.to_owned();
    let table = text
        .parse::<toml::Table>()
        .map_err(|error| FileError::Syntax {
            path: path(),
            line: error.span().map_or(0, |span| {
                1 + text
                    .get(..span.start)
                    .unwrap_or_default()
                    .matches('\n')
                    .count()
            }),
            // Only the parser's own words: the line itself may hold a password.
            message: error.message().to_owned(),
        })?;
    parse_clusters(&value(toml::Value::Table(table))).map_err(|error| FileError::Config {
        path: path(),
        error,
    })
}

fn value(toml: toml::Value) -> Value {
    match toml {
        toml::Value::String(text) => Value::Str(text),
        toml::Value::Integer(number) => Value::Int(number),
        toml::Value::Float(number) => Value::Float(number),
        toml::Value::Boolean(on) => Value::Bool(on),
        toml::Value::Datetime(when) => Value::Str(when.to_string()),
        toml::Value::Array(items) => Value::List(items.into_iter().map(value).collect()),
        toml::Value::Table(table) => Value::Map(
            table
                .into_iter()
                .map(|(key, item)| (key, value(item)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> std::path::PathBuf {
        let path = crate::testing::folder().join(format!("amm-{}-{name}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn clusters_are_read_by_name() {
        let path = file(
            "good",
            "[cluster.main]\nflavour = 'galera'\nnodes = ['10.0.0.1', { host = '10.0.0.2', weight = 2 }]\n",
        );
        let clusters = read(&path).unwrap();
        assert_eq!(clusters[0].0, "main");
        assert_eq!(clusters[0].1.nodes[1].weight, 2);
    }

    #[test]
    fn mistakes_name_the_file_and_the_place_but_no_password() {
        let path = file("bad", "[cluster.main]\npassword = 'hunter2\n");
        let error = read(&path).unwrap_err().to_string();
        assert!(
            error.contains("line 2") && !error.contains("hunter2"),
            "{error}"
        );
        let path = file("key", "[cluster.main]\nnodes = ['a']\nnods = 1\n");
        assert!(read(&path).unwrap_err().to_string().contains("nods"));
        let error = read(Path::new("/nonexistent/amm.toml"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("cannot read /nonexistent/amm.toml"),
            "{error}"
        );
    }
}
