//! The neutral tree that configuration is read from.

use std::fmt;

/// One value of a configuration, whatever language it was written in.
///
/// A PHP list and a TOML array become [`Value::List`], a string-keyed PHP array
/// and a TOML table become [`Value::Map`], in the order in which they were
/// written. PHP cannot tell an empty list from an empty map, so an empty
/// [`Value::List`] is accepted wherever an empty map is.
///
/// `Debug` shows keys and types, never contents: a password is only a string
/// at this stage.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Nothing; the same as leaving the key out.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Str(String),
    /// Values in order.
    List(Vec<Value>),
    /// Values by key, in the order written.
    Map(Vec<(String, Value)>),
    /// Something that no key accepts, by what it is, such as `an object`.
    Other(&'static str),
}

impl Value {
    /// The type in the words of an error message, such as `an integer`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Str(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Other(what) => what,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Map(entries) => f
                .debug_map()
                .entries(entries.iter().map(|(k, v)| (k, v)))
                .finish(),
            scalar => f.write_str(scalar.type_name()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_shape_and_no_content() {
        let value = Value::Map(vec![
            ("password".into(), "hunter2".into()),
            (
                "nodes".into(),
                Value::List(vec![Value::Int(7), Value::Null]),
            ),
        ]);
        assert_eq!(
            format!("{value:?}"),
            r#"{"password": a string, "nodes": [an integer, null]}"#
        );
    }
}
