//! What a quantity of a price costs.

use serde_json::Value;

use super::decimal::{Decimal, divide_rounding};
use crate::object::Object;

/// Returns the unit amount of a price, exactly.
fn unit(price: &Object) -> Decimal {
    decimal_or_whole(price.at("unit_amount_decimal"), price.at("unit_amount"))
}

fn decimal_or_whole(decimal: &Value, whole: &Value) -> Decimal {
    let exact = decimal.as_str().and_then(Decimal::parse);
    exact.unwrap_or_else(|| Decimal::whole(whole.as_i64().unwrap_or(0)))
}

/// Returns the price of `quantity`, in the smallest unit of the currency.
pub(crate) fn amount_for(price: &Object, quantity: i64) -> i64 {
    let quantity = packages(price, quantity);
    match (price.text("billing_scheme"), price.text("tiers_mode")) {
        (Some("tiered"), Some("volume")) => volume(price.list("tiers"), quantity),
        (Some("tiered"), _) => graduated(price.list("tiers"), quantity),
        _ => unit(price).times(quantity).rounded(),
    }
}

/// Divides a quantity into packages, where the price is per package.
fn packages(price: &Object, quantity: i64) -> i64 {
    let Some(size) = price.int("transform_quantity.divide_by").filter(|size| *size > 0) else {
        return quantity;
    };
    let rest = quantity.rem_euclid(size);
    let up = price.text("transform_quantity.round") == Some("up") && rest > 0;
    quantity.div_euclid(size) + i64::from(up)
}

fn volume(tiers: &[Value], quantity: i64) -> i64 {
    let fits = |tier: &&Value| tier["up_to"].as_i64().is_none_or(|up_to| quantity <= up_to);
    tiers.iter().find(fits).map_or(0, |tier| tier_amount(tier, quantity))
}

fn graduated(tiers: &[Value], quantity: i64) -> i64 {
    let mut below = 0;
    let mut total = 0;
    for tier in tiers {
        let up_to = tier["up_to"].as_i64().unwrap_or(i64::MAX).min(quantity);
        if up_to > below || (quantity == 0 && below == 0) {
            total += tier_amount(tier, up_to - below);
            below = up_to;
        }
        if quantity <= below {
            break;
        }
    }
    total
}

fn tier_amount(tier: &Value, quantity: i64) -> i64 {
    let units =
        decimal_or_whole(&tier["unit_amount_decimal"], &tier["unit_amount"]).times(quantity).rounded();
    let flat = if quantity > 0 {
        decimal_or_whole(&tier["flat_amount_decimal"], &tier["flat_amount"]).rounded()
    } else {
        0
    };
    units + flat
}

/// Returns the share `part` of `whole` of an amount, rounded to the nearest.
pub(crate) fn share(amount: i64, part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    divide_rounding(i128::from(amount) * i128::from(part), i128::from(whole))
}

/// Returns so many per cent of an amount, rounded to the nearest; per cent have up to two digits after the point.
pub(crate) fn percent(amount: i64, percent: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "per cent are between 0 and 100")]
    let hundredths = (percent * 100.0).round() as i64;
    share(amount, hundredths, 10_000)
}

/// Writes an amount for people: `$19.00`.
pub(crate) fn for_people(amount: i64, currency: &str) -> String {
    let sign = if amount < 0 { "−" } else { "" };
    let symbol = match currency {
        "usd" => "$",
        "eur" => "€",
        "gbp" => "£",
        "jpy" => "¥",
        _ => "",
    };
    let whole = amount.unsigned_abs();
    let digits = if is_zero_decimal(currency) {
        whole.to_string()
    } else {
        format!("{}.{:02}", whole / 100, whole % 100)
    };
    if symbol.is_empty() {
        format!("{sign}{digits} {}", currency.to_uppercase())
    } else {
        format!("{sign}{symbol}{digits}")
    }
}

/// Tells whether a currency has no smaller unit.
fn is_zero_decimal(currency: &str) -> bool {
    const ZERO: &[&str] = &[
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf",
        "xof", "xpf",
    ];
    ZERO.contains(&currency)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn price(document: Value) -> Object {
        Object::new(document)
    }

    #[test]
    fn units_packages_and_decimals() {
        assert_eq!(amount_for(&price(json!({"unit_amount": 1900})), 3), 5700);
        assert_eq!(amount_for(&price(json!({"unit_amount": null, "unit_amount_decimal": "0.4"})), 3), 1);
        let packaged =
            price(json!({"unit_amount": 500, "transform_quantity": {"divide_by": 10, "round": "up"}}));
        assert_eq!([0, 1, 10, 11].map(|count| amount_for(&packaged, count)), [0, 500, 500, 1000]);
    }

    #[test]
    fn tiers_by_volume_and_graduated() {
        let tiers = json!([{"up_to": 5, "unit_amount": 100, "flat_amount": 1000}, {"up_to": null, "unit_amount": 50}]);
        let tiered =
            |mode: &str| price(json!({"billing_scheme": "tiered", "tiers_mode": mode, "tiers": tiers}));
        assert_eq!([5, 6].map(|count| amount_for(&tiered("volume"), count)), [1500, 300]);
        assert_eq!([0, 5, 7].map(|count| amount_for(&tiered("graduated"), count)), [0, 1500, 1600]);
    }

    #[test]
    fn shares_and_per_cents_round_to_the_nearest() {
        assert_eq!(share(1000, 1, 3), 333);
        assert_eq!(share(-1000, 2, 3), -667);
        assert_eq!(percent(1999, 12.5), 250);
        assert_eq!(for_people(-123_456, "eur"), "−€1234.56");
        assert_eq!(for_people(500, "jpy"), "¥500");
        assert_eq!(for_people(500, "chf"), "5.00 CHF");
    }
}
