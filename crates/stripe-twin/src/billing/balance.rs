//! A customer's balance: negative is credit, which the next invoice uses; positive is owed with the next one.

use serde_json::json;

use crate::desk::Desk;
use crate::error::StripeError;
use crate::object::Object;

/// A change of a customer's balance.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) kind: &'static str,
    pub(crate) description: Option<String>,
    pub(crate) invoice: Option<String>,
    pub(crate) credit_note: Option<String>,
}

/// Changes the balance and writes why.
pub(crate) fn change(
    desk: &mut Desk<'_, '_>,
    customer: &mut Object,
    change: &Change,
) -> Result<Object, StripeError> {
    if customer.text("currency").is_none() {
        customer.set("currency", change.currency.clone());
    }
    customer.add("balance", change.amount);
    let transaction = Object::new(json!({
        "id": desk.id("cbtxn_"),
        "object": "customer_balance_transaction",
        "amount": change.amount,
        "checkout_session": null,
        "created": desk.now,
        "credit_note": change.credit_note,
        "currency": change.currency,
        "customer": customer.id(),
        "customer_account": null,
        "description": change.description,
        "ending_balance": customer.amount("balance"),
        "invoice": change.invoice,
        "livemode": false,
        "metadata": {},
        "type": change.kind,
    }));
    desk.insert_quietly(&transaction)?;
    desk.update(customer, "customer.updated")?;
    Ok(transaction)
}
