//! Evening out what was paid: Stripe credits the rest of a period whether anybody has paid it or not, so that is looked at
//! first.

use serde_json::Value;

use super::{Stripe, answer, items, pause, schedule};
use crate::model::command::ChangeSubscription;
use crate::port::ProviderError;

/// Tells whether the running period was billed and none of its invoices is paid: it is a draft, open, or was given up.
pub(super) fn is_owed(subscription: &Value, invoices: &[Value]) -> bool {
    let present = answer::rows(&subscription["items"]);
    let Some(start) = present.iter().filter_map(|item| item["current_period_start"].as_i64()).max() else {
        return false;
    };
    let mut billed = invoices.iter().filter(|invoice| pause::bills(invoice, start)).peekable();
    billed.peek().is_some() && billed.all(|invoice| invoice["status"] != "paid")
}

/// Tells whether a change cannot credit anything: it adds seats to what is held.
pub(super) fn only_adds(subscription: &Value, wish: &ChangeSubscription) -> bool {
    let is_ours = |item: &&Value| item["id"] == wish.item.as_str();
    answer::rows(&subscription["items"]).iter().find(is_ours).is_some_and(|item| {
        items::price(item) == wish.price
            && item["quantity"].as_i64().is_some_and(|held| held <= wish.quantity)
    })
}

impl Stripe {
    /// Describes a change so that nothing is credited which nobody has paid.
    ///
    /// # Errors
    /// [`ProviderError::Refused`] where the change is to more, which would be paid with that credit.
    pub(super) async fn on_paid_terms(
        &self,
        wish: &ChangeSubscription,
    ) -> Result<ChangeSubscription, ProviderError> {
        if !wish.prorate {
            return Ok(wish.clone());
        }
        let subscription = self.read(schedule::read_subscription(&wish.subscription)).await?;
        let seats_only = !wish.paid_first && only_adds(&subscription, wish);
        if subscription["status"] == "trialing" || seats_only {
            return Ok(wish.clone());
        }
        let invoices = self.read(pause::invoices_of(&wish.subscription)).await?;
        if !is_owed(&subscription, answer::rows(&invoices)) {
            return Ok(wish.clone());
        }
        if wish.paid_first {
            return Err(ProviderError::Refused {
                code: "period_not_paid".into(),
                message: "The running period is not paid yet, so nothing of it can pay for more.".into(),
            });
        }
        Ok(ChangeSubscription { prorate: false, ..wish.clone() })
    }
}
