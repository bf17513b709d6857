//! Tax ids of customers: kept and shown, verified at once.

use serde_json::{Value, json};

use crate::api::list::list_narrowed;
use crate::api::operation::{Call, Resource, delete, get, list, post, same};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::text;
use crate::object::Object;
use crate::store::objects::Listed;

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "tax_id",
    operations: &[
        post("/v1/customers/{id}/tax_ids", &[text("type").required(), text("value").required()], create),
        get("/v1/customers/{id}/tax_ids/{id}", |call| own(call).map(Value::from)),
        delete("/v1/customers/{id}/tax_ids/{id}", &[], remove),
        list("/v1/customers/{id}/tax_ids", &[], of_customer),
    ],
    filter: same,
};

/// Adds a tax id to a customer.
pub(crate) fn add(
    desk: &mut Desk<'_, '_>,
    customer: &str,
    kind: &str,
    value: &str,
) -> Result<Object, StripeError> {
    let country = kind.split('_').next().filter(|country| country.len() == 2 && *country != "eu");
    let country = country
        .map(str::to_uppercase)
        .or_else(|| value.get(..2).filter(|_| kind == "eu_vat").map(str::to_uppercase));
    let tax_id = Object::new(json!({
        "id": desk.id("txi_1"),
        "object": "tax_id",
        "country": country,
        "created": desk.now,
        "customer": customer,
        "customer_account": null,
        "livemode": false,
        "owner": {"type": "customer", "customer": customer},
        "type": kind,
        "value": value,
        "verification": {"status": "verified", "verified_address": null, "verified_name": null},
        "_parent": customer,
    }));
    desk.insert(&tax_id, "customer.tax_id.created")?;
    Ok(tax_id)
}

fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let customer = call.id().to_owned();
    call.desk.get("customer", &customer)?;
    let (kind, value) = (call.params.need("type")?.to_owned(), call.params.need("value")?.to_owned());
    add(&mut call.desk, &customer, &kind, &value).map(Value::from)
}

fn own(call: &mut Call<'_, '_>) -> Result<Object, StripeError> {
    let id = call.ids.get(1).cloned().unwrap_or_default();
    let tax_id = call.desk.get("tax_id", &id)?;
    if tax_id.text("customer") != Some(call.id()) {
        return Err(StripeError::missing("tax_id", &id));
    }
    Ok(tax_id)
}

fn remove(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let tax_id = own(call)?;
    call.desk.delete(&tax_id, "customer.tax_id.deleted")?;
    Ok(json!({"id": tax_id.id(), "object": "tax_id", "deleted": true}))
}

fn of_customer(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let customer = call.id().to_owned();
    call.desk.get("customer", &customer)?;
    list_narrowed(call, &Listed { kind: "tax_id", customer: Some(&customer), parent: None })
}
