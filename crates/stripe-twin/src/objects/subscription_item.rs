//! Subscription items by themselves: each call is a change of their subscription.

use serde_json::{Value, json};

use super::price;
use super::subscription::{PRORATIONS, change};
use crate::api::list::page_of;
use crate::api::operation::{Call, Resource, delete, get, list, post, same};
use crate::error::StripeError;
use crate::fields::{Field, Params, flag, int, metadata, object, one_of, text, time};
use crate::object::Object;

const BEHAVIORS: &[&str] = &["allow_incomplete", "default_incomplete", "error_if_incomplete"];

const CREATE: &[Field] = &[
    metadata("metadata"),
    one_of("payment_behavior", BEHAVIORS),
    text("price"),
    object("price_data", price::INLINE),
    one_of("proration_behavior", PRORATIONS),
    time("proration_date"),
    int("quantity"),
    text("subscription").required(),
];

const UPDATE: &[Field] = &[
    metadata("metadata"),
    flag("off_session"),
    one_of("payment_behavior", BEHAVIORS),
    text("price"),
    object("price_data", price::INLINE),
    one_of("proration_behavior", PRORATIONS),
    time("proration_date"),
    int("quantity"),
];

const REMOVE: &[Field] =
    &[flag("clear_usage"), one_of("proration_behavior", PRORATIONS), time("proration_date")];

/// Belongs to the change, not to the item.
const OF_CHANGE: &[&str] = &["off_session", "payment_behavior", "proration_behavior", "proration_date"];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "subscription_item",
    operations: &[
        post("/v1/subscription_items", CREATE, create),
        get("/v1/subscription_items/{id}", |call| Ok(own(call)?.1)),
        post("/v1/subscription_items/{id}", UPDATE, update),
        delete("/v1/subscription_items/{id}", REMOVE, remove),
        list("/v1/subscription_items", &[text("subscription").required()], of_subscription),
    ],
    filter: same,
};

/// Splits a call into the item and the change of the subscription around it.
fn as_change(params: &Params, item: Option<&str>) -> Params {
    let mut inner = serde_json::Map::new();
    for name in
        params.names().filter(|name| !OF_CHANGE.contains(name) && !matches!(*name, "subscription" | "expand"))
    {
        inner.insert(name.to_owned(), params.get(name).clone());
    }
    if let Some(id) = item {
        inner.insert("id".to_owned(), id.into());
    }
    let outer = OF_CHANGE.iter().filter(|name| params.has(name));
    let change = outer.fold(Params::default(), |change, name| change.with(name, params.get(name).clone()));
    change.with("items", vec![Value::Object(inner)])
}

/// Finds the subscription of the item in the path, and the item.
fn own(call: &mut Call<'_, '_>) -> Result<(Object, Value), StripeError> {
    let id = call.id().to_owned();
    let missing = || StripeError::missing("subscription_item", &id);
    let found = call.desk.find_by_alias("subscription", &id)?.ok_or_else(missing)?;
    let subscription = call.desk.get("subscription", found.id())?;
    let item = subscription.list("items.data").iter().find(|item| item["id"] == id.as_str()).cloned();
    Ok((subscription, item.ok_or_else(missing)?))
}

fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let subscription = call.params.need("subscription")?.to_owned();
    let subscription = call.desk.named("subscription", &subscription, "subscription")?;
    let change = as_change(&call.params, None);
    let changed = change::update(&mut call.desk, &subscription, &change)?;
    changed.list("items.data").last().cloned().ok_or_else(|| StripeError::api("The item was not added."))
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let (subscription, item) = own(call)?;
    let change = as_change(&call.params, item["id"].as_str());
    change::update(&mut call.desk, &subscription, &change)?;
    Ok(own(call)?.1)
}

fn remove(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let (subscription, item) = own(call)?;
    let change = as_change(&call.params.clone().with("deleted", true), item["id"].as_str());
    change::update(&mut call.desk, &subscription, &change)?;
    Ok(json!({"id": item["id"], "object": "subscription_item", "deleted": true}))
}

fn of_subscription(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let subscription = call.params.need("subscription")?.to_owned();
    let subscription = call.desk.named("subscription", &subscription, "subscription")?;
    page_of(call, subscription.list("items.data"))
}
