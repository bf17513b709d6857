//! What a credit note is the sum of: lines of its invoice, and lines of its own.

use serde_json::{Value, json};

use crate::billing::amounts::share;
use crate::billing::decimal::Decimal;
use crate::desk::Desk;
use crate::error::StripeError;
use crate::fields::Params;
use crate::object::Object;

/// Makes the lines that a call describes; an amount alone is one line of the note's own.
pub(super) fn read(
    desk: &mut Desk<'_, '_>,
    invoice: &Object,
    params: &Params,
) -> Result<Vec<Value>, StripeError> {
    let given = params.objects("lines");
    match (params.int("amount"), given.is_empty()) {
        (Some(amount), true) => {
            let own =
                json!({"amount": amount, "description": null, "quantity": null, "type": "custom_line_item"});
            Ok(vec![shape(desk, own)])
        }
        (None, false) => {
            let numbered = given.iter().enumerate();
            numbered.map(|(number, line)| one(desk, invoice, line, &format!("lines[{number}]"))).collect()
        }
        _ => {
            let message = "A credit note takes one of `amount` and `lines`.";
            Err(StripeError::invalid(message).param("amount"))
        }
    }
}

fn shape(desk: &mut Desk<'_, '_>, known: Value) -> Value {
    let mut line = json!({
        "id": desk.id("cnli_1"), "object": "credit_note_line_item", "amount": 0, "description": null,
        "discount_amount": 0, "discount_amounts": [], "livemode": false, "metadata": {}, "pretax_credit_amounts": [],
        "quantity": null, "tax_rates": [], "taxes": [], "unit_amount": null, "unit_amount_decimal": null,
    });
    if let (Some(line), Value::Object(known)) = (line.as_object_mut(), known) {
        line.extend(known);
    }
    line
}

fn one(desk: &mut Desk<'_, '_>, invoice: &Object, given: &Params, path: &str) -> Result<Value, StripeError> {
    let quantity = given.int("quantity").unwrap_or(1);
    let refuse =
        |message: &str, name: &str| Err(StripeError::invalid(message).param(&format!("{path}[{name}]")));
    if quantity < 1 {
        return refuse("A line credits at least one.", "quantity");
    }
    let known = if given.text("type") == Some("custom_line_item") {
        let decimal = given.text("unit_amount_decimal").and_then(Decimal::parse);
        let unit = given.int("unit_amount").or_else(|| decimal.map(|exact| exact.times(1).rounded()));
        let Some(unit) = unit else { return refuse("A line of its own needs a unit amount.", "unit_amount") };
        json!({
            "amount": unit * quantity, "description": given.get("description"), "quantity": quantity,
            "type": "custom_line_item", "unit_amount": unit, "unit_amount_decimal": unit.to_string(),
        })
    } else {
        let wanted = given.get("invoice_line_item");
        let Some(line) = invoice.list("lines.data").iter().find(|line| line["id"] == *wanted) else {
            return refuse("No such line on this invoice.", "invoice_line_item");
        };
        let line = Object::new(line.clone());
        let whole = line.int("quantity").unwrap_or(1).max(1);
        if given.has("quantity") && quantity > whole {
            return refuse("More than the invoice bills cannot be credited.", "quantity");
        }
        // What the invoice took off its lines was never owed.
        let off: i64 =
            line.list("discount_amounts").iter().filter_map(|discount| discount["amount"].as_i64()).sum();
        let net = line.amount("amount") - off;
        let by_quantity = if given.has("quantity") { share(net, quantity, whole) } else { net };
        json!({
            "amount": given.int("amount").unwrap_or(by_quantity), "description": line.at("description"),
            "invoice_line_item": line.id(), "quantity": quantity, "type": "invoice_line_item",
        })
    };
    let mut line = shape(desk, known);
    line["metadata"] = given.metadata();
    Ok(line)
}
