//! Webhook endpoints: where events are delivered, and the secret under which they are signed.

use serde_json::{Value, json};
use url::Url;

use crate::api::list::list_all;
use crate::api::operation::{Call, Resource, delete, get, list, post, retrieve, same};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::{Field, flag, metadata, text, texts};
use crate::object::Object;
use crate::store::deliveries;
use crate::store::objects::Listed;

const CREATE: &[Field] = &[
    text("api_version"),
    text("description"),
    texts("enabled_events").required(),
    metadata("metadata"),
    text("url").required(),
];
const UPDATE: &[Field] =
    &[text("description"), flag("disabled"), texts("enabled_events"), metadata("metadata"), text("url")];

/// Marks the endpoint of whoever runs the twin.
const OWN: &str = "_own";

/// The calls.
pub(crate) static RESOURCE: Resource = Resource {
    kind: "webhook_endpoint",
    operations: &[
        post("/v1/webhook_endpoints", CREATE, create),
        get("/v1/webhook_endpoints/{id}", retrieve),
        post("/v1/webhook_endpoints/{id}", UPDATE, update),
        delete("/v1/webhook_endpoints/{id}", &[], remove),
        list("/v1/webhook_endpoints", &[], list_all),
    ],
    filter: same,
};

fn shape(desk: &mut Desk<'_, '_>, url: &str, events: &Value) -> Object {
    let secret = format!("whsec_{}", desk.mint.text(32));
    Object::new(json!({
        "id": desk.id("we_1"), "object": "webhook_endpoint", "api_version": crate::api::API_VERSION,
        "application": null, "created": desk.now, "description": null, "enabled_events": events, "livemode": false,
        "metadata": {}, "status": "enabled", "url": url, "_secret": secret,
    }))
}

/// Makes sure that every event goes to `url`, by the one endpoint that whoever runs the twin has; returns the secret.
pub(crate) fn ensure(desk: &mut Desk<'_, '_>, url: &str) -> Result<String, StripeError> {
    let all = desk.all(&Listed { kind: "webhook_endpoint", customer: None, parent: None })?;
    let found = all.into_iter().find(|endpoint| endpoint.flag(OWN));
    let mut endpoint = if let Some(endpoint) = found {
        endpoint
    } else {
        let mut endpoint = shape(desk, url, &json!(["*"]));
        endpoint.set(OWN, true);
        desk.insert_quietly(&endpoint)?;
        endpoint
    };
    // The address changes with each start that takes any free port; what waits for the old one goes to the new one.
    endpoint.set("url", url);
    endpoint.set("status", "enabled");
    endpoint.set("enabled_events", json!(["*"]));
    desk.update_quietly(&endpoint)?;
    Ok(endpoint.owned("_secret").unwrap_or_default())
}

fn checked_url(url: &str) -> Result<&str, StripeError> {
    let parsed =
        Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    parsed.map(|_| url).ok_or_else(|| {
        StripeError::invalid("Invalid URL: An explicit scheme (such as https) must be provided.")
            .code("url_invalid")
            .param("url")
    })
}

fn create(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let version = call.params.text("api_version");
    if version.is_some_and(|version| version != crate::api::API_VERSION) {
        let message = format!("This twin delivers events of version {} only.", crate::api::API_VERSION);
        return Err(StripeError::invalid(message).param("api_version"));
    }
    let events = call.params.get("enabled_events").clone();
    let url = checked_url(call.params.need("url")?)?.to_owned();
    let mut endpoint = shape(&mut call.desk, &url, &events);
    call.params.copy(&mut endpoint, &["description"]);
    call.params.merge_metadata(&mut endpoint);
    call.desk.insert_quietly(&endpoint)?;
    // The secret is shown once, here.
    let secret = endpoint.at("_secret").clone();
    let mut shown = endpoint.into_document();
    shown["secret"] = secret;
    Ok(shown)
}

fn update(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let mut endpoint = call.target()?;
    if let Some(url) = call.params.text("url") {
        checked_url(url)?;
    }
    call.params.copy(&mut endpoint, &["description", "enabled_events", "url"]);
    if let Some(disabled) = call.params.flag("disabled") {
        endpoint.set("status", if disabled { "disabled" } else { "enabled" });
    }
    call.params.merge_metadata(&mut endpoint);
    call.desk.update_quietly(&endpoint)?;
    Ok(endpoint.into())
}

fn remove(call: &mut Call<'_, '_>) -> Result<Value, StripeError> {
    let endpoint = call.target()?;
    deliveries::delete_of_endpoint(call.desk.tx, endpoint.id())?;
    crate::store::objects::delete(call.desk.tx, endpoint.id())?;
    Ok(json!({"id": endpoint.id(), "object": "webhook_endpoint", "deleted": true}))
}
