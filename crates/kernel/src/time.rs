//! Moments in UTC with microsecond precision, written as RFC 3339.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Marks a moment in UTC, in whole microseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is no RFC 3339 moment, or lies outside the years 1 to 9999.
#[derive(Debug, thiserror::Error)]
#[error("not an RFC 3339 timestamp between the years 1 and 9999: {0}")]
pub struct InvalidTimestamp(String);

impl Timestamp {
    /// Wraps microseconds since 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns whole seconds since 1970, rounded down: the `NumericDate` of RFC 7519.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Returns the time that has passed since `earlier`, or zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Timestamp {
    /// Writes `2026-08-01T12:00:00.000000Z`: always 27 characters, so that text order is time order.
    ///
    /// Digit by digit, because rows and answers are full of times and the formatting machinery costs ten times as much.
    fn text(self) -> Option<[u8; 27]> {
        let (seconds, micros) = (self.0.div_euclid(1_000_000), self.0.rem_euclid(1_000_000));
        let utc = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::from_second(seconds).ok()?);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let mut put = |range: std::ops::Range<usize>, number: i64| {
            let mut left = number.unsigned_abs();
            for digit in text[range].iter_mut().rev() {
                *digit = b'0' + u8::try_from(left % 10).unwrap_or(0);
                left /= 10;
            }
        };
        put(0..4, utc.year().into());
        put(5..7, utc.month().into());
        put(8..10, utc.day().into());
        put(11..13, utc.hour().into());
        put(14..16, utc.minute().into());
        put(17..19, utc.second().into());
        put(20..26, micros);
        Some(text)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text().ok_or(fmt::Error)?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp(text.to_owned()))?;
        let year = jiff::tz::Offset::UTC.to_datetime(moment).year();
        if !(1..=9999).contains(&year) {
            return Err(InvalidTimestamp(text.to_owned()));
        }
        Ok(Self(moment.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text =
            self.text().ok_or_else(|| serde::ser::Error::custom("a moment outside the years 1 to 9999"))?;
        serializer.serialize_str(std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time"})
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn every_digit_stands_where_rfc_3339_wants_it() {
        for text in [
            "2026-08-01T12:34:56.789012Z",
            "1970-01-01T00:00:00.000000Z",
            "1969-12-31T23:59:59.999999Z",
            "0001-01-01T00:00:00.000000Z",
            "9999-12-30T21:59:59.000001Z",
        ] {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(time.to_string(), text);
            assert_eq!(serde_json::to_string(&time).unwrap(), format!("\"{text}\""));
        }
    }
}
