//! Events: what happened, in the order in which it happened.

use serde_json::Value;

use crate::api::list::list_all;
use crate::api::operation::{Resource, get, list, retrieve, same};
use crate::fields::{Field, flag, range, text, texts};

const LIST: &[Field] = &[flag("delivery_success"), range("created"), text("type"), texts("types")];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "event",
    operations: &[get("/v1/events/{id}", retrieve), list("/v1/events", LIST, list_all)],
    filter: |event, name, wanted| match name {
        "type" => fits(event.text("type").unwrap_or_default(), wanted.as_str().unwrap_or_default()),
        "types" => wanted.as_array().is_some_and(|types| types.contains(event.at("type"))),
        "delivery_success" => wanted.as_bool() == Some(event.at("pending_webhooks") == &Value::from(0)),
        _ => same(event, name, wanted),
    },
};

/// `invoice.*` means every event about invoices.
fn fits(kind: &str, wanted: &str) -> bool {
    wanted.strip_suffix('*').map_or(kind == wanted, |prefix| kind.starts_with(prefix))
}
