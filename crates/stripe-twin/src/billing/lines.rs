//! Lines: what an invoice is the sum of.

use serde_json::{Value, json};

use super::amounts::{amount_for, for_people};
use crate::desk::Desk;
use crate::error::StripeError;
use crate::object::Object;

/// A line before it stands on an invoice.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) amount: i64,
    pub(crate) description: String,
    pub(crate) period: (i64, i64),
    pub(crate) price: Option<Object>,
    pub(crate) quantity: i64,
    pub(crate) discountable: bool,
    pub(crate) proration: bool,
    pub(crate) subscription: Option<String>,
    pub(crate) item: Option<String>,
    pub(crate) invoice_item: Option<String>,
    pub(crate) metadata: Value,
}

/// Says what a quantity of a price is called: `3 × Pro (at $19.00 / month)`.
pub(crate) fn describe(
    desk: &mut Desk<'_, '_>,
    price: &Object,
    quantity: i64,
) -> Result<String, StripeError> {
    let name = product_name(desk, price)?;
    let each = for_people(amount_for(price, 1), price.text("currency").unwrap_or_default());
    let rhythm = match (price.text("recurring.interval"), price.int("recurring.interval_count")) {
        (Some(interval), Some(1) | None) => format!(" / {interval}"),
        (Some(interval), Some(count)) => format!(" / every {count} {interval}s"),
        (None, _) => String::new(),
    };
    Ok(format!("{quantity} × {name} (at {each}{rhythm})"))
}

/// Returns the name of a price's product.
pub(crate) fn product_name(desk: &mut Desk<'_, '_>, price: &Object) -> Result<String, StripeError> {
    let product = desk.find(price.text("product").unwrap_or_default())?;
    Ok(product.and_then(|product| product.owned("name")).unwrap_or_else(|| "Product".to_owned()))
}

impl Line {
    /// Bills a quantity of a price for a period of a subscription.
    pub(crate) fn of_item(
        desk: &mut Desk<'_, '_>,
        subscription: &Object,
        item: &Object,
        period: (i64, i64),
    ) -> Result<Self, StripeError> {
        let price = Object::new(item.at("price").clone());
        let price = desk.find(price.id())?.unwrap_or(price);
        let quantity = item.int("quantity").unwrap_or(1);
        Ok(Self {
            amount: amount_for(&price, quantity),
            description: describe(desk, &price, quantity)?,
            period,
            quantity,
            discountable: true,
            proration: false,
            subscription: Some(subscription.id().to_owned()),
            item: Some(item.id().to_owned()),
            invoice_item: None,
            metadata: subscription.at("metadata").clone(),
            price: Some(price),
        })
    }

    /// Writes it as Stripe does.
    pub(crate) fn shape(&self, desk: &mut Desk<'_, '_>, invoice: &str, currency: &str) -> Value {
        let unit = self.price.as_ref().map(|price| price.at("unit_amount_decimal").clone());
        let unit = unit.unwrap_or_else(|| self.amount.to_string().into());
        let details =
            self.price.as_ref().map(|price| json!({"price": price.id(), "product": price.at("product")}));
        let mut pricing = json!({"type": "price_details", "unit_amount_decimal": unit});
        if let Some(details) = details {
            pricing["price_details"] = details;
        }
        json!({
            "id": desk.id("il_1"),
            "object": "line_item",
            "amount": self.amount,
            "currency": currency,
            "description": self.description,
            "discount_amounts": [],
            "discountable": self.discountable,
            "discounts": [],
            "invoice": invoice,
            "livemode": false,
            "metadata": self.metadata,
            "parent": self.parent(),
            "period": {"end": self.period.1, "start": self.period.0},
            "pretax_credit_amounts": [],
            "pricing": pricing,
            "quantity": self.quantity,
            "quantity_decimal": self.quantity.to_string(),
            "subscription": self.subscription,
            "subtotal": self.amount,
            "taxes": [],
        })
    }

    fn parent(&self) -> Value {
        let details = self.proration.then(|| json!({"credited_items": null}));
        match (&self.item, &self.invoice_item) {
            (Some(item), invoice_item) => json!({
                "type": "subscription_item_details",
                "invoice_item_details": null,
                "subscription_item_details": {
                    "invoice_item": invoice_item, "proration": self.proration, "proration_details": details,
                    "subscription": self.subscription, "subscription_item": item,
                },
            }),
            (None, invoice_item) => json!({
                "type": "invoice_item_details",
                "invoice_item_details": {
                    "invoice_item": invoice_item, "proration": self.proration, "proration_details": details,
                    "subscription": self.subscription,
                },
                "subscription_item_details": null,
            }),
        }
    }
}
