//! Reads an event: which objects it is news of. What it says about them is not looked at.

use quoin_kernel::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::answer::id;
use crate::model::{Announcement, ObjectKind, ObjectRef};
use crate::port::InvalidAnnouncement;

#[derive(Deserialize)]
struct Event {
    id: String,
    object: String,
    #[serde(rename = "type")]
    kind: String,
    created: i64,
    livemode: bool,
    #[serde(default)]
    account: Option<String>,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

/// Reads an event whose signature holds.
///
/// # Errors
/// [`InvalidAnnouncement::NoEvent`] where it is none.
pub(super) fn read(
    body: &[u8],
    live: bool,
    account: Option<&str>,
) -> Result<Announcement, InvalidAnnouncement> {
    let event: Event = serde_json::from_slice(body).map_err(|_| InvalidAnnouncement::NoEvent)?;
    let usable = event.object == "event" && (1..=255).contains(&event.id.len()) && event.kind.len() <= 255;
    if !usable {
        return Err(InvalidAnnouncement::NoEvent);
    }
    let foreign = match () {
        () if event.livemode != live => Some("livemode"),
        () if event.account.as_deref() != account => Some("account"),
        () => None,
    };
    let objects = if foreign.is_some() { Vec::new() } else { objects(&event.kind, &event.data.object) };
    let announced_at = Timestamp::from_micros(event.created.saturating_mul(1_000_000));
    Ok(Announcement { id: event.id, kind: event.kind, announced_at, objects, foreign })
}

/// Names what an event is news of: its object, and what hangs on it.
fn objects(kind: &str, object: &Value) -> Vec<ObjectRef> {
    let mut found = Vec::new();
    let mut add = |kind: ObjectKind, id: Option<String>| {
        let usable = id.filter(|id| (1..=255).contains(&id.len()));
        found.extend(usable.map(|id| ObjectRef::new(kind, id)));
    };
    let own = || id(&object["id"]);
    let subscription_of_invoice = || id(&object["parent"]["subscription_details"]["subscription"]);
    match kind.split('.').collect::<Vec<_>>()[..] {
        ["product", ..] => add(ObjectKind::Product, own()),
        ["price", ..] => {
            add(ObjectKind::Product, id(&object["product"]));
        }
        ["checkout", "session", ..] => {
            add(ObjectKind::Checkout, own());
            add(ObjectKind::Subscription, id(&object["subscription"]));
            add(ObjectKind::Invoice, id(&object["invoice"]));
        }
        ["customer", "deleted"] => add(ObjectKind::Customer, own()),
        ["customer", "subscription", ..] => add(ObjectKind::Subscription, own()),
        ["subscription_schedule", ..] => {
            add(ObjectKind::Subscription, id(&object["subscription"]));
            add(ObjectKind::Subscription, id(&object["released_subscription"]));
        }
        ["invoice", ..] => {
            add(ObjectKind::Invoice, own());
            add(ObjectKind::Subscription, subscription_of_invoice());
        }
        ["invoice_payment", ..] => add(ObjectKind::Invoice, id(&object["invoice"])),
        ["credit_note", ..] => {
            add(ObjectKind::CreditNote, own());
            add(ObjectKind::Invoice, id(&object["invoice"]));
        }
        ["refund", ..] | ["charge", "refund", ..] => add(ObjectKind::Refund, own()),
        ["charge", "dispute", ..] => add(ObjectKind::Dispute, own()),
        _ => {}
    }
    found
}
