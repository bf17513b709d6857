//! The last invoice of a subscription: what was used and what waits, before nobody bills it any more.

use crate::billing::lines::Line;
use crate::billing::{collection, invoicing, proration};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::object::Object;
use crate::objects::invoice_item;

use super::renewal::usage_lines;

/// Bills what is owed until `end`, as far as the subscription has come, and tries to collect it.
pub(crate) fn bill_last(
    desk: &mut Desk<'_, '_>,
    subscription: &mut Object,
    end: i64,
    prorates: bool,
) -> Result<(), StripeError> {
    if let Some(invoice) = last_invoice(desk, subscription, end, prorates)? {
        subscription.set("latest_invoice", invoice.id());
        collection::advance(desk, invoice)?;
    }
    Ok(())
}

/// Drafts the last invoice: use until `end`, what waits, and where asked the credit for the time that is left.
pub(crate) fn last_invoice(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
    end: i64,
    prorates: bool,
) -> Result<Option<Object>, StripeError> {
    let period = (subscription.amount("_period_start"), end);
    let mut lines = invoice_item::pending_lines(desk, subscription)?;
    lines.extend(last_use(desk, subscription, period)?);
    if prorates {
        lines.extend(credits(desk, subscription)?);
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let customer = desk.get("customer", subscription.text("customer").unwrap_or_default())?;
    let draft = invoicing::Draft::of_subscription(subscription, &customer, "subscription_update", period);
    let invoice = invoicing::draft(desk, &draft, &lines)?;
    desk.insert(&invoice, "invoice.created")?;
    invoice_item::attach_to(desk, &lines, &invoice)?;
    Ok(Some(invoice))
}

/// Lists what was used in the last period. Where that ends now, what was used in this second belongs to it, because no other
/// period follows; where nothing was used, nothing is said of it.
fn last_use(
    desk: &mut Desk<'_, '_>,
    subscription: &Object,
    (start, end): (i64, i64),
) -> Result<Vec<Line>, StripeError> {
    let ends_now = subscription.amount("_period_end") > end;
    let mut lines = usage_lines(desk, subscription, (start, end + i64::from(ends_now)))?;
    lines.retain(|line| line.amount != 0);
    for line in &mut lines {
        line.period.1 = end;
    }
    Ok(lines)
}

/// Credits the time that is left of the period.
pub(crate) fn credits(desk: &mut Desk<'_, '_>, subscription: &Object) -> Result<Vec<Line>, StripeError> {
    if subscription.status() == "trialing" {
        return Ok(Vec::new());
    }
    let mut none = subscription.clone();
    none.list_mut("items.data").clear();
    let moment = desk.now;
    proration::lines(desk, subscription, &none, moment)
}
