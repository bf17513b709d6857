//! What happens by itself, and when: every object knows its next moment.

use crate::billing::calendar::{DAY, HOUR};
use crate::object::Object;

/// The topic that wakes the one who lets things happen.
pub(crate) const TOPIC: &str = "stripe_twin.due";

/// How long before a trial's end it is announced.
pub(crate) const TRIAL_NOTICE_S: i64 = 3 * DAY;
/// How long a first payment may be outstanding.
pub(crate) const FIRST_PAYMENT_S: i64 = 23 * HOUR;

/// Returns the moment at which something happens to an object by itself.
pub(crate) fn of(object: &Object) -> Option<i64> {
    match object.kind() {
        "subscription" => subscription(object),
        "invoice" => invoice(object),
        "checkout.session" => object.int("expires_at").filter(|_| object.status() == "open"),
        "subscription_schedule" => object.int("_due_at"),
        "test_helpers.test_clock" => object.int("_advances_to").map(|_| 0),
        _ => None,
    }
}

fn subscription(object: &Object) -> Option<i64> {
    let moments = match object.status() {
        "incomplete" => return Some(object.amount("created") + FIRST_PAYMENT_S),
        "canceled" | "incomplete_expired" => return None,
        "paused" => vec![object.int("cancel_at")],
        "trialing" => {
            let announced = object.flag("_trial_announced");
            let notice = object.int("trial_end").filter(|_| !announced).map(|end| end - TRIAL_NOTICE_S);
            vec![notice, object.int("_period_end"), object.int("cancel_at")]
        }
        _ => vec![
            object.int("_period_end"),
            object.int("cancel_at"),
            object.int("pause_collection.resumes_at"),
        ],
    };
    moments.into_iter().flatten().min()
}

fn invoice(object: &Object) -> Option<i64> {
    match object.status() {
        "draft" if object.flag("auto_advance") => object.int("automatically_finalizes_at"),
        "open" if object.text("collection_method") == Some("send_invoice") => {
            object.int("due_date").filter(|_| !object.flag("_overdue"))
        }
        "open" if object.flag("auto_advance") => object.int("next_payment_attempt"),
        _ => None,
    }
}
