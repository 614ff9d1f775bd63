//! A map of a configuration, opened with the keys it may have.
//!
//! Opening checks the keys, so that a mistyped one is never read as absent;
//! the readers after that return `None` for what was not given.

use std::time::Duration;

use super::choice::Choice;
use super::duration::Range;
use super::error::{ConfigError, shown, shown_key};
use super::secret::Secret;
use super::suggest::nearest;
use super::value::Value;

/// Longest text accepted where nothing else limits it, in bytes.
const TEXT_MAX: usize = 1024;

/// A map whose keys are all known, and where it stands.
pub(super) struct Table<'a> {
    path: String,
    entries: &'a [(String, Value)],
}

impl<'a> Table<'a> {
    /// Opens the map at `path` (empty: the top), which may have the keys `accepted`.
    pub(super) fn open(
        value: &'a Value,
        path: &str,
        accepted: &[&str],
    ) -> Result<Self, ConfigError> {
        let entries = Self::entries(value, path, accepted)?;
        for (at, (key, _)) in entries.iter().enumerate() {
            let wrong = |given: &str, accepted: String| {
                Err(ConfigError::new(
                    join(path, &shown_key(key)),
                    given,
                    accepted,
                ))
            };
            if !accepted.contains(&key.as_str()) {
                let hint = nearest(key, accepted)
                    .map(|near| format!(" (did you mean {near:?}?)"))
                    .unwrap_or_default();
                return wrong("an unknown key", format!("{}{hint}", accepted.join(", ")));
            }
            if entries.iter().take(at).any(|(earlier, _)| earlier == key) {
                return wrong("a second time", "each key once".to_owned());
            }
        }
        Ok(Self {
            path: path.to_owned(),
            entries,
        })
    }

    /// The entries of a map, or of the empty list that PHP has for one.
    pub(super) fn entries(
        value: &'a Value,
        path: &str,
        accepted: &[&str],
    ) -> Result<&'a [(String, Value)], ConfigError> {
        match value {
            Value::Map(entries) => Ok(entries),
            Value::List(items) if items.is_empty() => Ok(&[]),
            other => {
                let path = if path.is_empty() { "(top level)" } else { path };
                let accepted = format!("a map with the keys {}", accepted.join(", "));
                Err(ConfigError::new(path, shown(other), accepted))
            }
        }
    }

    /// The full path of one of its keys.
    pub(super) fn path(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// What was given for a key; null counts as nothing.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        let (_, value) = self.entries.iter().find(|(name, _)| name == key)?;
        (*value != Value::Null).then_some(value)
    }

    fn read<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Value, &str) -> Result<T, ConfigError>,
    ) -> Result<Option<T>, ConfigError> {
        self.get(key)
            .map(|value| read(value, &self.path(key)))
            .transpose()
    }

    /// True or false.
    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, ConfigError> {
        self.read(key, |value, path| match value {
            Value::Bool(flag) => Ok(*flag),
            other => Err(ConfigError::new(path, shown(other), "true or false")),
        })
    }

    /// A whole number from `min` to `max`.
    pub(super) fn integer<T>(&self, key: &str, min: T, max: T) -> Result<Option<T>, ConfigError>
    where
        T: TryFrom<i64> + PartialOrd + std::fmt::Display + Copy,
    {
        self.read(key, |value, path| {
            let number = match value {
                Value::Int(number) => T::try_from(*number).ok(),
                _ => None,
            };
            number
                .filter(|number| (min..=max).contains(number))
                .ok_or_else(|| {
                    ConfigError::new(
                        path,
                        shown(value),
                        format!("an integer from {min} to {max}"),
                    )
                })
        })
    }

    /// A number from 0 to 1.
    pub(super) fn fraction(&self, key: &str) -> Result<Option<f64>, ConfigError> {
        self.read(key, |value, path| {
            let number = match value {
                Value::Float(number) => Some(*number),
                Value::Int(0) => Some(0.0),
                Value::Int(1) => Some(1.0),
                _ => None,
            };
            number
                .filter(|number| (0.0..=1.0).contains(number))
                .ok_or_else(|| ConfigError::new(path, shown(value), "a number from 0 to 1"))
        })
    }

    /// A span of time within `range`.
    pub(super) fn duration(
        &self,
        key: &str,
        range: Range,
    ) -> Result<Option<Duration>, ConfigError> {
        self.read(key, |value, path| range.read(value, path))
    }

    /// One word out of a few.
    pub(super) fn choice<T: Choice>(&self, key: &str) -> Result<Option<T>, ConfigError> {
        self.read(key, T::from_value)
    }

    /// An absolute path of the file system.
    pub(super) fn file(&self, key: &str, credential: bool) -> Result<Option<String>, ConfigError> {
        self.read(key, |value, path| match value {
            Value::Str(text)
                if text.starts_with('/')
                    && text.len() <= TEXT_MAX
                    && !text.contains(char::is_control) =>
            {
                Ok(text.clone())
            }
            other => {
                let given = if credential {
                    other.type_name().to_owned()
                } else {
                    shown(other)
                };
                Err(ConfigError::new(path, given, "an absolute path"))
            }
        })
    }

    /// A credential of at least `min` bytes; never shown, whatever is wrong with it.
    pub(super) fn secret(&self, key: &str, min: usize) -> Result<Option<Secret>, ConfigError> {
        self.read(key, |value, path| secret(value, path, min))
    }

    /// One credential, or a list of two: the one in force and the one before it.
    pub(super) fn secrets(&self, key: &str, min: usize) -> Result<Vec<Secret>, ConfigError> {
        let read = self.read(key, |value, path| match value {
            Value::List(items) if (1..=2).contains(&items.len()) => items
                .iter()
                .enumerate()
                .map(|(at, item)| secret(item, &format!("{path}[{at}]"), min))
                .collect(),
            Value::List(items) => Err(ConfigError::new(
                path,
                format!("a list of {}", items.len()),
                "a string, or a list of two: the new one and the one before it",
            )),
            one => Ok(vec![secret(one, path, min)?]),
        })?;
        Ok(read.unwrap_or_default())
    }
}

fn secret(value: &Value, path: &str, min: usize) -> Result<Secret, ConfigError> {
    match value {
        Value::Str(text) if (min..=TEXT_MAX).contains(&text.len()) && !text.contains('\0') => {
            Ok(Secret::new(text.as_str()))
        }
        other => {
            let length = if min == 0 {
                "at most".to_owned()
            } else {
                format!("{min} to")
            };
            let accepted = format!("a string of {length} {TEXT_MAX} bytes without NUL");
            Err(ConfigError::new(path, other.type_name(), accepted))
        }
    }
}

/// The path of `key` below `path`.
fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
