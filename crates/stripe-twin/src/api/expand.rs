//! Expansion: ids become objects where the caller asks, and fields appear that are otherwise left out.

use serde_json::{Map, Value};

use crate::desk::Desk;
use crate::error::StripeError;
use crate::object::{Object, list_of};
use crate::store::objects::Listed;

/// How deep an expansion may go.
const MAX_DEPTH: usize = 4;

/// Fields that are shown only when they are expanded.
const INCLUDABLE: &[(&str, &str)] = &[
    ("checkout.session", "line_items"),
    ("invoice", "confirmation_secret"),
    ("price", "tiers"),
    ("coupon", "applies_to"),
];

/// Lists that are made only when they are expanded: owner, field, kind listed, whether by customer (else by parent).
const COMPUTED: &[(&str, &str, &str, bool)] = &[
    ("customer", "subscriptions", "subscription", true),
    ("customer", "tax_ids", "tax_id", true),
    ("charge", "refunds", "refund", false),
    ("invoice", "payments", "invoice_payment", false),
];

/// Hides what is shown only when it is expanded, at every depth.
pub(crate) fn hide_includable(document: &mut Value) {
    match document {
        Value::Object(fields) => {
            let kind = fields.get("object").and_then(Value::as_str).unwrap_or_default().to_owned();
            fields.retain(|name, _| !INCLUDABLE.contains(&(kind.as_str(), name.as_str())));
            fields.values_mut().for_each(hide_includable);
        }
        Value::Array(items) => items.iter_mut().for_each(hide_includable),
        _ => {}
    }
}

/// Writes an answer: what is asked for is expanded, the rest as it stands.
///
/// # Errors
/// Where a path leads to nothing that can be expanded.
pub(crate) fn present(
    desk: &mut Desk<'_, '_>,
    document: &Value,
    paths: &[String],
) -> Result<Value, StripeError> {
    let mut shown = document.clone();
    hide_includable(&mut shown);
    for path in paths {
        let steps: Vec<&str> = path.split('.').collect();
        if steps.iter().filter(|step| **step != "data").count() > MAX_DEPTH {
            return Err(StripeError::invalid(format!(
                "You cannot expand more than {MAX_DEPTH} levels of a property: {path}"
            ))
            .param("expand"));
        }
        walk(desk, &mut shown, document, &steps, path)?;
    }
    crate::object::without_private(&mut shown);
    Ok(shown)
}

/// Expands along one path. `whole` is the same place in the document before anything was hidden.
fn walk(
    desk: &mut Desk<'_, '_>,
    shown: &mut Value,
    whole: &Value,
    steps: &[&str],
    path: &str,
) -> Result<(), StripeError> {
    if let Value::Array(items) = shown {
        for (number, item) in items.iter_mut().enumerate() {
            open(desk, item)?;
            let whole = if whole[number].is_object() { whole[number].clone() } else { item.clone() };
            walk(desk, item, &whole, steps, path)?;
        }
        return Ok(());
    }
    let Some((step, rest)) = steps.split_first() else { return Ok(()) };
    let Some(fields) = shown.as_object_mut() else { return Ok(()) };
    include(desk, fields, whole, step)?;
    let Some(child) = fields.get_mut(*step) else {
        return Err(
            StripeError::invalid(format!("This property cannot be expanded ({path}).")).param("expand")
        );
    };
    let mut inner = whole.get(*step).cloned().unwrap_or(Value::Null);
    if let Some(opened) = open(desk, child)? {
        inner = opened;
    }
    if rest.is_empty() {
        if let Value::Array(items) = child {
            for item in items {
                open(desk, item)?;
            }
        }
        return Ok(());
    }
    walk(desk, child, &inner, rest, path)
}

/// Replaces an id by its object; returns that object whole.
fn open(desk: &mut Desk<'_, '_>, value: &mut Value) -> Result<Option<Value>, StripeError> {
    let Some(id) = value.as_str() else { return Ok(None) };
    let Some(object) = desk.find(id)? else { return Ok(None) };
    let whole = object.into_document();
    *value = whole.clone();
    hide_includable(value);
    Ok(Some(whole))
}

/// Shows a field that is hidden or made on demand.
fn include(
    desk: &mut Desk<'_, '_>,
    fields: &mut Map<String, Value>,
    whole: &Value,
    step: &str,
) -> Result<(), StripeError> {
    if fields.contains_key(step) {
        return Ok(());
    }
    if let Some(hidden) = whole.get(step) {
        fields.insert(step.to_owned(), hidden.clone());
        return Ok(());
    }
    let kind = whole["object"].as_str().unwrap_or_default();
    let computed = COMPUTED.iter().find(|(owner, field, ..)| *owner == kind && *field == step);
    let (Some((_, _, listed, by_customer)), Some(id)) = (computed, whole["id"].as_str()) else {
        return Ok(());
    };
    let (customer, parent) = if *by_customer { (Some(id), None) } else { (None, Some(id)) };
    let mut found = desk.all(&Listed { kind: listed, customer, parent })?;
    found.retain(|object| object.status() != "canceled" || *listed != "subscription");
    found.reverse();
    let data = found.into_iter().map(Object::into_document).map(|mut document| {
        hide_includable(&mut document);
        document
    });
    fields.insert(step.to_owned(), list_of(&format!("/v1/{kind}s/{id}/{step}"), data.collect(), false));
    Ok(())
}
