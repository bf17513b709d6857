use super::*;

fn shown(text: &str) -> Option<String> {
    Decimal::parse(text).map(|decimal| decimal.to_string())
}

#[test]
fn decimals_keep_every_digit_they_were_written_with() {
    assert_eq!(shown("-0012.50").as_deref(), Some("-12.50"));
    assert_eq!(shown(".5").as_deref(), Some("0.5"));
    assert_eq!(shown("1e3").as_deref(), Some("1000"));
    assert_eq!(shown("1.5e-3").as_deref(), Some("0.0015"));
    assert_eq!(shown("-0").as_deref(), Some("0"));
}

#[test]
fn what_is_no_decimal_is_refused() {
    for text in ["", "-", ".", "1,5", "1.2.3", "0x10", "NaN", "1e", "1e9999"] {
        assert_eq!(shown(text), None, "{text}");
    }
}

#[test]
fn rounding_goes_half_away_from_zero() {
    let rounded = |text: &str, scale| Decimal::parse(text).map(|decimal| decimal.rounded(scale).to_string());
    assert_eq!(rounded("1.005", 2).as_deref(), Some("1.01"));
    assert_eq!(rounded("-1.005", 2).as_deref(), Some("-1.01"));
    assert_eq!(rounded("0.004", 2).as_deref(), Some("0.00"));
    assert_eq!(rounded("9.999", 2).as_deref(), Some("10.00"));
    assert_eq!(rounded("5", 2).as_deref(), Some("5.00"));
}
