//! Settings that are one word out of a few.

use super::error::{ConfigError, shown};
use super::value::Value;

/// An enum whose values have fixed names in a configuration.
pub(super) trait Choice: Copy + 'static {
    /// Every value, in the order in which a message lists them.
    const ALL: &'static [Self];

    /// The word for it.
    fn word(self) -> &'static str;

    /// The value that the given word stands for.
    fn from_value(value: &Value, path: &str) -> Result<Self, ConfigError> {
        let found = match value {
            Value::Str(text) => Self::ALL
                .iter()
                .copied()
                .find(|choice| choice.word() == text),
            _ => None,
        };
        found.ok_or_else(|| {
            let words: Vec<_> = Self::ALL
                .iter()
                .map(|choice| format!("{:?}", choice.word()))
                .collect();
            ConfigError::new(path, shown(value), words.join(", "))
        })
    }
}

/// Declares an enum with its configuration words: `as_str()`, `Display` and
/// [`Choice`].
macro_rules! choice {
    (
        $(#[$meta:meta])*
        $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// The word for it in configuration and status.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::config::choice::Choice for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    };
}

pub(super) use choice;
