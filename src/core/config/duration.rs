//! Spans of time: `"1s"`, `"500ms"`, `"10 min"`, or a number of seconds.

use std::time::Duration;

use super::error::{ConfigError, shown};
use super::value::Value;

/// The shortest and longest span that a key accepts, both included.
#[derive(Clone, Copy)]
pub(super) struct Range {
    min: Duration,
    max: Duration,
}

impl Range {
    /// From `min` to `max`, in milliseconds.
    pub(super) const fn millis(min: u64, max: u64) -> Self {
        Self {
            min: Duration::from_millis(min),
            max: Duration::from_millis(max),
        }
    }

    /// The span that `value` stands for, if it lies in the range.
    pub(super) fn read(self, value: &Value, path: &str) -> Result<Duration, ConfigError> {
        let span = match value {
            Value::Int(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
            Value::Float(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
            Value::Str(text) => parse(text),
            _ => None,
        };
        span.filter(|span| (self.min..=self.max).contains(span))
            .ok_or_else(|| {
                let accepted = format!(
                    "a duration from {} to {}, such as \"1s\", \"500ms\" or 0.5 (seconds)",
                    text(self.min),
                    text(self.max)
                );
                ConfigError::new(path, shown(value), accepted)
            })
    }
}

/// A span as people write it, such as `1h` or `10ms`.
pub(super) fn text(span: Duration) -> String {
    humantime::format_duration(span).to_string()
}

/// Numbers with units. Only ASCII reaches the parser; `µs` is written `us`.
fn parse(text: &str) -> Option<Duration> {
    let text = text.replace('µ', "u");
    let plain = |c: char| c.is_ascii_alphanumeric() || c == ' ' || c == '.';
    if text.len() > 64 || !text.chars().all(plain) {
        return None;
    }
    humantime::parse_duration(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: Range = Range::millis(0, 3_600_000);

    fn read(value: Value) -> Option<u128> {
        RANGE.read(&value, "k").ok().map(|span| span.as_micros())
    }

    #[test]
    fn reads_what_people_write() {
        for (text, micros) in [
            ("1s", 1_000_000),
            ("500ms", 500_000),
            ("10 min", 600_000_000),
            ("1min 30s", 90_000_000),
            ("1.5s", 1_500_000),
            ("250us", 250),
            ("250µs", 250),
            ("0s", 0),
            ("1h", 3_600_000_000),
        ] {
            assert_eq!(read(text.into()), Some(micros), "{text}");
        }
        assert_eq!(read(Value::Int(2)), Some(2_000_000));
        assert_eq!(read(Value::Float(0.25)), Some(250_000));
    }

    #[test]
    fn refuses_what_is_no_span() {
        let long = "1s".repeat(40);
        for text in [
            "",
            " ",
            "5",
            "s",
            "1 parsec",
            "-1s",
            "1s!",
            "½h",
            "99999999999999999999s",
            "10\u{a0}min",
            "1s\n",
            &long,
        ] {
            assert_eq!(read(text.into()), None, "{text}");
        }
        for number in [f64::NAN, f64::INFINITY, -0.1, 1e300] {
            assert_eq!(read(Value::Float(number)), None, "{number}");
        }
        assert_eq!(read(Value::Int(-1)), None);
        assert_eq!(read(Value::Int(i64::MAX)), None);
        assert_eq!(read(Value::Bool(true)), None);
    }

    #[test]
    fn says_its_bounds() {
        let error = Range::millis(10, 3_600_000)
            .read(&"1ms".into(), "probe_interval")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "probe_interval: given \"1ms\", accepted: a duration from 10ms to 1h, \
             such as \"1s\", \"500ms\" or 0.5 (seconds)"
        );
    }
}
