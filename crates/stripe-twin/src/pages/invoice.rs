//! The hosted page of an invoice, and the same as PDF.

use http::HeaderMap;
use quoin_web::page::Html;
use quoin_web::{Ctx, IntoResponse, Operation, Response, RoutesFor, State, Unidentified, ValidPath};

use super::{answer, check_site, page, pdf};
use crate::StripeTwin;
use crate::billing::amounts::for_people;
use crate::billing::calendar::date;
use crate::error::StripeError;
use crate::object::Object;

pub(super) fn add(routes: RoutesFor<StripeTwin>) -> RoutesFor<StripeTwin> {
    routes
        .add(Operation::get("/_twin/invoices/{invoice}", "stripe_twin.invoice.show").undocumented(), show)
        .add(
            Operation::get("/_twin/invoices/{invoice}/pdf", "stripe_twin.invoice.pdf").undocumented(),
            as_pdf,
        )
}

async fn load(twin: &StripeTwin, headers: &HeaderMap, id: String) -> Result<Object, StripeError> {
    check_site(twin, headers)?;
    twin.look("stripe_twin.invoice.load", move |desk| desk.get("invoice", &id)).await
}

async fn show(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    ValidPath(id): ValidPath<String>,
    headers: HeaderMap,
) -> Response {
    answer(load(&twin, &headers, id).await.map(|invoice| render(&invoice)))
}

async fn as_pdf(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    ValidPath(id): ValidPath<String>,
    headers: HeaderMap,
) -> Response {
    let written = async {
        let invoice = load(&twin, &headers, id).await?;
        Ok(pdf::answer(&format!("invoice-{}", invoice.id()), &texts(&invoice)))
    };
    answer(written.await)
}

/// What an invoice says: pairs of what and how much, an empty right side for a plain line.
fn texts(invoice: &Object) -> Vec<(String, String)> {
    let currency = invoice.text("currency").unwrap_or("usd");
    let money = |amount: i64| for_people(amount, currency);
    let plain = |text: String| (text, String::new());
    let mut rows = vec![
        plain(format!("Invoice {}", invoice.text("number").unwrap_or("(draft)"))),
        plain(format!("{} of {}", invoice.status(), date(invoice.amount("created")))),
        plain(format!(
            "To {} {}",
            invoice.text("customer_name").unwrap_or_default(),
            invoice.text("customer_email").unwrap_or_default()
        )),
        plain(String::new()),
    ];
    for line in invoice.list("lines.data") {
        let line = Object::new(line.clone());
        rows.push((line.owned("description").unwrap_or_default(), money(line.amount("amount"))));
        let (start, end) = (line.amount("period.start"), line.amount("period.end"));
        if start != end {
            rows.push(plain(format!("    {} to {}", date(start), date(end))));
        }
    }
    rows.push(plain(String::new()));
    rows.push(("Subtotal".to_owned(), money(invoice.amount("subtotal"))));
    let off = invoice.amount("subtotal") - invoice.amount("total");
    if off != 0 {
        rows.push(("Discount".to_owned(), money(-off)));
    }
    rows.push(("Total".to_owned(), money(invoice.amount("total"))));
    rows.push(("Amount due".to_owned(), money(invoice.amount("amount_due"))));
    rows.push(("Amount paid".to_owned(), money(invoice.amount("amount_paid"))));
    rows
}

fn render(invoice: &Object) -> Response {
    let mut body = Html::new()
        .raw("<main class=\"card\"><h1>")
        .text(&texts(invoice)[0].0)
        .raw("</h1><ul class=\"lines\">");
    for (what, how_much) in texts(invoice).iter().skip(1).filter(|(what, _)| !what.is_empty()) {
        body = body.raw("<li><span class=\"name\">").text(what).raw("</span><span class=\"amount\">");
        body = body.text(how_much).raw("</span></li>");
    }
    body = body
        .raw("</ul><p><a class=\"button quiet\" href=\"")
        .text(invoice.text("invoice_pdf").unwrap_or_default());
    page("Invoice", &body.raw("\">Download PDF</a></p></main>")).into_response()
}
