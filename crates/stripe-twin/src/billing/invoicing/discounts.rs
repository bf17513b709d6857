//! Discounts on an invoice: taken off its lines, so that lines and total agree to the last cent.

use serde_json::{Value, json};

use crate::billing::amounts::{percent, share};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::object::Object;
use crate::objects::discount;

/// Takes the invoice's discounts off its lines and returns how much that is.
pub(super) fn apply(desk: &mut Desk<'_, '_>, invoice: &mut Object) -> Result<i64, StripeError> {
    let ids: Vec<String> =
        invoice.list("discounts").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    for line in invoice.list_mut("lines.data") {
        line["discount_amounts"] = json!([]);
    }
    let (mut totals, mut sum) = (Vec::new(), 0);
    for id in ids {
        let Some(given) = desk.find(&id)? else { continue };
        if !discount::applies(&given, desk.now) {
            continue;
        }
        let amount = apply_one(&given, invoice);
        sum += amount;
        if amount > 0 {
            totals.push(json!({"amount": amount, "discount": id}));
        }
    }
    invoice.set("total_discount_amounts", totals);
    Ok(sum)
}

fn apply_one(given: &Object, invoice: &mut Object) -> i64 {
    let products: Vec<&str> =
        given.list("_coupon.applies_to.products").iter().filter_map(Value::as_str).collect();
    let currency = invoice.owned("currency");
    let lines = invoice.list_mut("lines.data");
    let fits = |line: &Value| {
        let product = line["pricing"]["price_details"]["product"].as_str().unwrap_or_default();
        line["discountable"] == true && (products.is_empty() || products.contains(&product))
    };
    let left: Vec<i64> = lines.iter().map(|line| if fits(line) { remaining(line) } else { 0 }).collect();
    let shares = match given.at("_coupon.percent_off").as_f64() {
        Some(per_cent) => left.iter().map(|amount| percent(*amount, per_cent)).collect(),
        None if given.text("_coupon.currency") == currency.as_deref() => {
            spread(given.amount("_coupon.amount_off"), &left)
        }
        None => vec![0; left.len()],
    };
    for (line, share) in lines.iter_mut().zip(&shares).filter(|(_, share)| **share > 0) {
        if let Some(amounts) = line["discount_amounts"].as_array_mut() {
            amounts.push(json!({"amount": share, "discount": given.id()}));
        }
    }
    shares.iter().sum()
}

/// Returns what is left of a line after the discounts before; credits are not discounted.
fn remaining(line: &Value) -> i64 {
    let amounts = line["discount_amounts"].as_array().map_or(&[][..], Vec::as_slice);
    let taken: i64 = amounts.iter().filter_map(|amount| amount["amount"].as_i64()).sum();
    (line["amount"].as_i64().unwrap_or(0) - taken).max(0)
}

/// Spreads an amount over lines in proportion, never more than they are; the last ones take the rounding.
fn spread(amount: i64, left: &[i64]) -> Vec<i64> {
    let (mut amount, mut whole) = (amount, left.iter().sum::<i64>());
    amount = amount.min(whole);
    left.iter()
        .map(|line| {
            let part = share(amount, *line, whole);
            amount -= part;
            whole -= line;
            part
        })
        .collect()
}

/// Marks discounts that reduced this invoice, so that those for once end.
pub(super) fn mark_used(desk: &mut Desk<'_, '_>, invoice: &Object) -> Result<(), StripeError> {
    for used in invoice.list("total_discount_amounts") {
        if let Some(mut given) = desk.find(used["discount"].as_str().unwrap_or_default())? {
            given.set("_used", true);
            desk.update_quietly(&given)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn an_amount_is_spread_to_the_last_cent() {
        assert_eq!(spread(1000, &[333, 333, 334, 0]), [333, 333, 334, 0]);
        assert_eq!(spread(100, &[1, 1, 1]), [1, 1, 1]);
        assert_eq!(spread(100, &[100, 100, 100]).iter().sum::<i64>(), 100);
        assert_eq!(spread(5, &[]), Vec::<i64>::new());
    }
}
