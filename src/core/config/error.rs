//! A mistake in a configuration.
//!
//! Whoever reads the message has a file open and wants to know three things:
//! which key, what stood there, what may stand there. It is an error type with
//! exactly those, and the care that what stood there is never a credential.

use super::value::Value;

/// Longest part of a given text or key that is repeated in a message, in characters.
const SHOWN: usize = 64;

/// A key that was given something that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{key}: given {given}, accepted: {accepted}", prefix(.cluster.as_deref()))]
pub struct ConfigError {
    /// Name of the cluster, once known.
    pub cluster: Option<String>,
    /// Full path below the cluster, such as `nodes[2].weight`.
    pub key: String,
    /// What was given, shortened; of a credential only its type.
    pub given: String,
    /// What is accepted instead.
    pub accepted: String,
}

impl ConfigError {
    /// A mistake at `key`.
    #[must_use]
    pub fn new(
        key: impl Into<String>,
        given: impl Into<String>,
        accepted: impl Into<String>,
    ) -> Self {
        Self {
            cluster: None,
            key: key.into(),
            given: given.into(),
            accepted: accepted.into(),
        }
    }

    /// The same mistake, said of the named cluster.
    #[must_use]
    pub fn in_cluster(mut self, name: &str) -> Self {
        self.cluster = Some(name.to_owned());
        self
    }
}

fn prefix(cluster: Option<&str>) -> String {
    cluster
        .map(|name| format!("cluster {}: ", quoted(name)))
        .unwrap_or_default()
}

/// A value as a message may show it: numbers and texts themselves, of lists
/// and maps the type, of what could carry a credential the type too.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Str(text) => shown_text(text),
        Value::Null | Value::List(_) | Value::Map(_) | Value::Other(_) => {
            value.type_name().to_owned()
        }
    }
}

/// A text as a message may show it.
pub(super) fn shown_text(text: &str) -> String {
    if may_carry_credentials(text) {
        "a string (not shown, it looks like a URL)".to_owned()
    } else {
        quoted(text)
    }
}

/// A key as a path may show it: itself if it is an ordinary word.
pub(super) fn shown_key(key: &str) -> String {
    let ordinary = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if !key.is_empty() && key.len() <= SHOWN && key.chars().all(ordinary) {
        key.to_owned()
    } else if may_carry_credentials(key) {
        "\"(not shown)\"".to_owned()
    } else {
        quoted(key)
    }
}

/// In quotes, with control characters escaped, and cut off when long.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// URLs and DSNs carry user names and passwords: `mysql://u:p@h`, `u:p@h`,
/// `host=h;password=p`.
fn may_carry_credentials(text: &str) -> bool {
    text.contains("://") || text.contains('@') || text.contains('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_sentence() {
        let error = ConfigError::new("nodes[2].weight", "0", "an integer from 1 to 1000");
        assert_eq!(
            error.to_string(),
            "nodes[2].weight: given 0, accepted: an integer from 1 to 1000"
        );
        assert_eq!(
            error.in_cluster("main").to_string(),
            r#"cluster "main": nodes[2].weight: given 0, accepted: an integer from 1 to 1000"#
        );
    }

    #[test]
    fn shows_neither_urls_nor_dsns_nor_endless_text() {
        for text in ["mysql://root:pw@db1", "root:pw@db1", "host=db1;password=pw"] {
            assert!(!shown(&text.into()).contains("pw"), "{text}");
            assert!(!shown_key(text).contains("pw"), "{text}");
        }
        assert_eq!(
            shown(&"ä".repeat(70).as_str().into()),
            format!("\"{}\"…", "ä".repeat(64))
        );
        assert_eq!(shown(&"a\0b\n".into()), r#""a\0b\n""#);
        assert_eq!(shown_key("a b"), r#""a b""#);
        assert_eq!(shown_key("a-b_C3"), "a-b_C3");
    }
}
