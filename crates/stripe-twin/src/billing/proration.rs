//! What a change in the middle of a period costs: credit for the time not used, a charge for the time that is left.

use super::amounts::{amount_for, share};
use super::calendar::date;
use super::lines::{Line, product_name};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::object::Object;
use crate::objects::discount;

/// Compares the items of a subscription before and after, and returns the lines that settle the difference at `moment`.
pub(crate) fn lines(
    desk: &mut Desk<'_, '_>,
    before: &Object,
    after: &Object,
    moment: i64,
) -> Result<Vec<Line>, StripeError> {
    let mut lines = Vec::new();
    let period = (before.amount("_period_start"), before.amount("_period_end"));
    let items = |subscription: &Object| -> Vec<Object> {
        subscription.list("items.data").iter().cloned().map(Object::new).collect()
    };
    let (old, new) = (items(before), items(after));
    let same = |left: &Object, right: &Object| {
        left.id() == right.id()
            && left.at("price.id") == right.at("price.id")
            && left.at("quantity") == right.at("quantity")
    };
    for item in old.iter().filter(|item| !new.iter().any(|other| same(item, other))) {
        lines.extend(part(desk, before, item, (moment, period.1), period, true)?);
    }
    for item in new.iter().filter(|item| !old.iter().any(|other| same(item, other))) {
        lines.extend(part(desk, after, item, (moment, period.1), period, false)?);
    }
    Ok(lines)
}

/// Bills part of a period of one item; credits it where `credit` is set.
pub(crate) fn part(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
    item: &Object,
    part: (i64, i64),
    whole: (i64, i64),
    credit: bool,
) -> Result<Option<Line>, StripeError> {
    if item.text("price.recurring.usage_type") == Some("metered") {
        return Ok(None);
    }
    let price = Object::new(item.at("price").clone());
    let price = desk.find(price.id())?.unwrap_or(price);
    let quantity = item.int("quantity").unwrap_or(1);
    let full = net(desk, subscription, amount_for(&price, quantity))?;
    let amount = share(full, part.1 - part.0, whole.1 - whole.0);
    let name = product_name(desk, &price)?;
    let what = if quantity == 1 { name } else { format!("{quantity} × {name}") };
    let since = date(part.0);
    let description = if credit {
        format!("Unused time on {what} after {since}")
    } else {
        format!("Remaining time on {what} after {since}")
    };
    Ok(Some(Line {
        amount: if credit { -amount } else { amount },
        description,
        period: part,
        price: Some(price),
        quantity,
        // Discounts are in the amount already: `proration_discounts` is `included`.
        discountable: false,
        proration: true,
        subscription: Some(subscription.id().to_owned()),
        item: Some(item.id().to_owned()),
        invoice_item: None,
        metadata: subscription.at("metadata").clone(),
    }))
}

/// Takes off what the subscription's lasting discounts in per cent take off.
fn net(desk: &mut Desk<'_, '_>, subscription: &Object, amount: i64) -> Result<i64, StripeError> {
    let mut net = amount;
    for id in subscription.list("discounts") {
        let Some(given) = desk.find(id.as_str().unwrap_or_default())? else { continue };
        let lasting = given.text("_coupon.duration") != Some("once") && discount::applies(&given, desk.now);
        if let Some(per_cent) = given.at("_coupon.percent_off").as_f64().filter(|_| lasting) {
            net -= super::amounts::percent(net, per_cent);
        }
    }
    Ok(net)
}
