//! What was paid for last: while a payment is missing nobody has more than that, whatever has begun unpaid.

use crate::model::remote::RemoteSubscription;
use crate::model::{Held, Status, Subscription};

/// Says what was paid for last, where what is held now is not paid yet and another thing. `None` where it is what is held.
pub(super) fn paid_last(
    before: Option<&Subscription>,
    remote: &RemoteSubscription,
    held: Option<&Held>,
) -> Option<Held> {
    let paid = remote.latest_invoice.as_ref().is_none_or(|latest| latest.status == "paid");
    if remote.status.is_over() || paid && matches!(remote.status, Status::Active | Status::Trialing) {
        return None;
    }
    let before = before.filter(|before| before.status != Status::Incomplete)?;
    let last = before.paid_last.clone().or_else(|| before.sold());
    last.filter(|last| held != Some(last))
}
