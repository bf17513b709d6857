//! A subscription ends now.

use serde_json::Value;

use crate::api::operation::Call;
use crate::billing::lifecycle;
use crate::error::StripeError;
use crate::objects::invoice_item;

/// Cancels at once; where asked, what is left is credited and billed.
pub(super) fn cancel(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut subscription = call.target()?;
    if matches!(subscription.status(), "canceled" | "incomplete_expired") {
        return Err(StripeError::missing("subscription", subscription.id()));
    }
    let params = call.params.clone();
    if let Some(details) = params.object("cancellation_details") {
        for name in ["comment", "feedback"] {
            subscription.set(&format!("cancellation_details.{name}"), details.get(name).clone());
        }
    }
    let (desk, prorates) = (&mut call.desk, params.flag("prorate") == Some(true));
    if params.flag("invoice_now") == Some(true) {
        let now = desk.now;
        lifecycle::bill_last(desk, &mut subscription, now, prorates)?;
    } else if prorates {
        let credits = lifecycle::credits(desk, &subscription)?;
        invoice_item::keep(desk, &credits, &subscription)?;
    }
    lifecycle::end(desk, subscription, "canceled", "cancellation_requested").map(Value::from)
}
