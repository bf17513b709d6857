//! Exact decimals as text, so that both engines round, refuse and print them alike.

#[cfg(test)]
mod tests;

use std::fmt;

/// Holds a decimal number: its digits without leading zeros, and how many of them stand after the point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    digits: String,
    scale: usize,
}

/// The widest exponent or scale that is read; beyond it lies nothing a column here can hold.
const WIDEST: i64 = 400;

impl Decimal {
    /// Reads `-12.50`, `1e3`, `.5`; `None` where the text is no decimal number.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        if !(-WIDEST..=WIDEST).contains(&scale) || rest.len() > 1000 {
            return None;
        }
        let mut digits = format!("{whole}{fraction}");
        if scale < 0 {
            digits.push_str(&"0".repeat(usize::try_from(-scale).ok()?));
        }
        Some(Self { negative, digits, scale: usize::try_from(scale.max(0)).ok()? }.normalised())
    }

    fn normalised(mut self) -> Self {
        let kept = self.digits.trim_start_matches('0');
        self.digits = kept.to_owned();
        if self.digits.is_empty() {
            self.negative = false;
        }
        self
    }

    /// Drops zeros at the end of the fraction.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        while self.scale > 0 && (self.digits.ends_with('0') || self.digits.is_empty()) {
            self.digits.pop();
            self.scale -= 1;
        }
        self
    }

    /// Rounds half away from zero to `scale` digits after the point, as PostgreSQL does.
    #[must_use]
    pub fn rounded(mut self, scale: usize) -> Self {
        if self.scale <= scale {
            if !self.digits.is_empty() {
                self.digits.push_str(&"0".repeat(scale - self.scale));
            }
            self.scale = scale;
            return self;
        }
        let dropped = self.scale - scale;
        let padded = format!("{:0>width$}", self.digits, width = dropped + 1);
        let (kept, lost) = padded.split_at(padded.len() - dropped);
        let mut digits = kept.as_bytes().to_vec();
        if lost.as_bytes()[0] >= b'5' {
            increment(&mut digits);
        }
        self.digits = digits.into_iter().map(char::from).collect();
        self.scale = scale;
        self.normalised()
    }

    /// Counts the digits before the point.
    pub fn whole_digits(&self) -> usize {
        self.digits.len().saturating_sub(self.scale)
    }

    /// Counts the digits that carry information.
    pub fn significant_digits(&self) -> usize {
        self.digits.trim_end_matches('0').len()
    }

    /// Tells whether neither the whole part nor the fraction has more digits than `most`.
    pub fn is_within_powers_of_ten(&self, most: usize) -> bool {
        self.whole_digits() <= most && self.scale <= most
    }

    /// Returns the number as an integer, where it is whole and fits.
    pub fn as_i64(&self) -> Option<i64> {
        let trimmed = self.clone().trimmed();
        if trimmed.scale > 0 { None } else { trimmed.to_string().parse().ok() }
    }
}

/// Adds one to a row of decimal digits.
fn increment(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let padded = format!("{:0>width$}", self.digits, width = self.scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - self.scale);
        let sign = if self.negative { "-" } else { "" };
        if fraction.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fraction}") }
    }
}
