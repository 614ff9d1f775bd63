mod accepted;
mod file;
mod identity;
mod mistaken_nodes;
mod mistakes;
mod properties;

use super::{ConfigError, Settings, Value};

/// A map from pairs.
pub(super) fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(
        entries
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

/// A list.
pub(super) fn list<const N: usize>(items: [Value; N]) -> Value {
    Value::List(items.into())
}

/// The settings of a cluster with one node and these further keys.
pub(super) fn with<const N: usize>(entries: [(&str, Value); N]) -> Result<Settings, ConfigError> {
    let Value::Map(mut all) = map(entries) else {
        unreachable!()
    };
    if !all.iter().any(|(key, _)| key == "nodes") {
        all.insert(0, ("nodes".to_owned(), list(["db1".into()])));
    }
    Settings::try_from_value(&Value::Map(all))
}

/// The settings of a cluster with this one node.
pub(super) fn node(value: Value) -> Result<Settings, ConfigError> {
    with([("nodes", list([value]))])
}

/// The message of a mistake.
pub(super) fn say(result: Result<Settings, ConfigError>) -> String {
    result.expect_err("this is a mistake").to_string()
}
