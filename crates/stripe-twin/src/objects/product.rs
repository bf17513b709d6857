//! Products: what is sold.

use serde_json::{Value, json};

use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, delete, get, get_with, list, post, retrieve, same};
use crate::api::search::{SEARCH, search};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, Params, flag, metadata, object, objects, one_of, range, text, texts};
use crate::object::Object;

const FEATURE: &[Field] = &[text("name").required()];

const CREATE: &[Field] = &[
    text("id"),
    flag("active"),
    object("default_price_data", super::price::INLINE_DEFAULT),
    text("description"),
    texts("images"),
    objects("marketing_features", FEATURE),
    metadata("metadata"),
    text("name").required(),
    flag("shippable"),
    text("statement_descriptor"),
    text("tax_code"),
    one_of("type", &["service", "good"]),
    text("unit_label"),
    text("url"),
];

const UPDATE: &[Field] = &[
    flag("active"),
    text("default_price"),
    text("description"),
    texts("images"),
    objects("marketing_features", FEATURE),
    metadata("metadata"),
    text("name"),
    flag("shippable"),
    text("statement_descriptor"),
    text("tax_code"),
    text("unit_label"),
    text("url"),
];

/// A product made on the way, with a price or a checkout.
pub(crate) const INLINE: &[Field] = &[
    text("name").required(),
    text("description"),
    texts("images"),
    metadata("metadata"),
    text("statement_descriptor"),
    text("tax_code"),
    text("unit_label"),
];

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "product",
    operations: &[
        post("/v1/products", CREATE, |call| {
            let params = call.params.clone();
            create(&mut call.desk, &params).map(Value::from)
        }),
        get_with("/v1/products/search", SEARCH, search),
        get("/v1/products/{id}", retrieve),
        post("/v1/products/{id}", UPDATE, update),
        delete("/v1/products/{id}", &[], remove),
        list(
            "/v1/products",
            &[flag("active"), flag("shippable"), text("url"), texts("ids"), range("created")],
            list_all,
        ),
    ],
    filter: |product, name, wanted| match name {
        "ids" => wanted.as_array().is_some_and(|ids| ids.iter().any(|id| id == product.id())),
        _ => same(product, name, wanted),
    },
};

/// Creates a product.
pub(crate) fn create(desk: &mut Desk<'_, '_>, params: &Params) -> Result<Object, StripeError> {
    let id = match params.text("id") {
        Some(id) if desk.find(id)?.is_some() => {
            let message = format!("Product already exists: {id}");
            return Err(StripeError::invalid(message).code("resource_already_exists").param("id"));
        }
        Some(id) => id.to_owned(),
        None => desk.id("prod_").chars().take(19).collect(),
    };
    let mut product = Object::new(json!({
        "id": id,
        "object": "product",
        "active": true,
        "created": desk.now,
        "default_price": null,
        "description": null,
        "images": [],
        "livemode": false,
        "marketing_features": [],
        "metadata": {},
        "name": null,
        "package_dimensions": null,
        "shippable": null,
        "statement_descriptor": null,
        "tax_code": null,
        "tax_details": null,
        "type": params.text("type").unwrap_or("service"),
        "unit_label": null,
        "updated": desk.now,
        "url": null,
    }));
    apply(&mut product, params);
    desk.insert(&product, "product.created")?;
    if let Some(price) = params.object("default_price_data") {
        let price = super::price::create(desk, &price.with("product", product.id()))?;
        product.set("default_price", price.id());
        desk.update_quietly(&product)?;
    }
    Ok(product)
}

fn apply(product: &mut Object, params: &Params) {
    let plain = [
        "active",
        "description",
        "images",
        "marketing_features",
        "name",
        "shippable",
        "statement_descriptor",
        "tax_code",
        "unit_label",
        "url",
    ];
    params.copy(product, &plain);
    params.merge_metadata(product);
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut product = call.target()?;
    apply(&mut product, &call.params);
    if let Some(price) = call.params.text("default_price").map(str::to_owned) {
        let price = call.desk.named("price", &price, "default_price")?;
        if price.text("product") != Some(product.id()) {
            return Err(
                StripeError::invalid("The price does not belong to this product.").param("default_price")
            );
        }
        product.set("default_price", price.id());
    }
    product.set("updated", call.desk.now);
    call.desk.update(&product, "product.updated")?;
    Ok(product.into())
}

fn remove(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let product = call.target()?;
    if !call.desk.of_parent("price", product.id())?.is_empty() {
        return Err(StripeError::invalid(
            "This product cannot be deleted because it has one or more user-created prices.",
        ));
    }
    call.desk.delete(&product, "product.deleted")?;
    Ok(json!({"id": product.id(), "object": "product", "deleted": true}))
}
