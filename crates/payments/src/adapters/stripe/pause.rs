//! Pausing, and going on: what fell due while collecting was paused was never asked for, so a period that began then is
//! not given away when collecting begins again. It ends, and a paid one begins.
//!
//! When a pause ends is kept in the subscription's metadata and not given to Stripe, which would go on by itself in the
//! middle of a period that nobody has paid.

use serde_json::Value;

use super::form::{Call, segment};
use super::{Stripe, answer, schedule};
use crate::model::Outcome;
use crate::port::{IntentKey, ProviderError};

/// Where the moment is kept at which collecting begins again.
pub(super) const RESUMES_AT: &str = "quoin_resumes_at";

pub(super) fn pause(subscription: &str, resumes_at_s: Option<i64>) -> Call {
    Call::post(format!("/v1/subscriptions/{}", segment(subscription)))
        .with("pause_collection[behavior]", "void")
        .with(format!("metadata[{RESUMES_AT}]"), resumes_at_s.map(|at| at.to_string()).unwrap_or_default())
}

/// Begins to collect again; where the running period is not paid, with a new one that is paid at once or not begun.
pub(super) fn go_on(subscription: &str, begins_anew: bool) -> Call {
    let call = Call::post(format!("/v1/subscriptions/{}", segment(subscription)))
        .with("pause_collection", "")
        .with(format!("metadata[{RESUMES_AT}]"), "");
    if !begins_anew {
        return call;
    }
    call.with("billing_cycle_anchor", "now")
        .with("proration_behavior", "none")
        .with("payment_behavior", "error_if_incomplete")
}

pub(super) fn invoices_of(subscription: &str) -> Call {
    Call::get("/v1/invoices").with("subscription", subscription).with("limit", 100)
}

/// Tells whether every invoice for the running period was given up: it is void, lost, or a draft that stays one.
pub(super) fn is_unpaid(subscription: &Value, invoices: &[Value]) -> bool {
    let items = answer::rows(&subscription["items"]);
    let Some(start) = items.iter().filter_map(|item| item["current_period_start"].as_i64()).max() else {
        return false;
    };
    let mut billed = invoices.iter().filter(|invoice| bills(invoice, start)).peekable();
    subscription["status"] != "trialing" && billed.peek().is_some() && billed.all(was_given_up)
}

/// Tells whether an invoice asks for a period that begins at this moment.
pub(super) fn bills(invoice: &Value, start: i64) -> bool {
    answer::rows(&invoice["lines"]).iter().any(|line| {
        line["period"]["start"] == start
            && line["parent"]["subscription_item_details"].is_object()
            && line["parent"]["subscription_item_details"]["proration"] != true
    })
}

fn was_given_up(invoice: &Value) -> bool {
    match invoice["status"].as_str() {
        Some("void" | "uncollectible") => true,
        Some("draft") => invoice["auto_advance"] == false,
        _ => false,
    }
}

impl Stripe {
    /// Begins to collect again.
    pub(super) async fn go_on(&self, id: &str, key: &IntentKey) -> Result<Outcome, ProviderError> {
        let subscription = self.read(schedule::read_subscription(id)).await?;
        let invoices = self.read(invoices_of(id)).await?;
        let begins_anew = is_unpaid(&subscription, answer::rows(&invoices));
        if begins_anew {
            // What waits for the end of this period would come in the middle of the new one.
            self.leave_schedule(id, key).await?;
        }
        let call = go_on(id, begins_anew);
        // What it says follows from what was read just now; another text is another request to Stripe.
        let step = call.step("-go-on-");
        self.write(call, key, &step).await?;
        Ok(Outcome::Object { id: id.to_owned() })
    }
}
