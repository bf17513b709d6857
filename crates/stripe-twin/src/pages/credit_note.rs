//! A credit note as PDF.

use http::HeaderMap;
use quoin_web::{Ctx, Operation, Response, RoutesFor, State, Unidentified, ValidPath};

use super::{answer, check_site, pdf};
use crate::StripeTwin;
use crate::billing::amounts::for_people;
use crate::billing::calendar::date;
use crate::object::Object;

pub(super) fn add(routes: RoutesFor<StripeTwin>) -> RoutesFor<StripeTwin> {
    let operation = Operation::get("/_twin/credit_notes/{note}/pdf", "stripe_twin.credit_note.pdf");
    routes.add(operation.undocumented(), as_pdf)
}

async fn as_pdf(
    _: Ctx<Unidentified>,
    State(twin): State<StripeTwin>,
    ValidPath(id): ValidPath<String>,
    headers: HeaderMap,
) -> Response {
    let written = async {
        check_site(&twin, &headers)?;
        let note =
            twin.look("stripe_twin.credit_note.load", move |desk| desk.get("credit_note", &id)).await?;
        Ok(pdf::answer(&format!("credit-note-{}", note.id()), &texts(&note)))
    };
    answer(written.await)
}

/// What a credit note says: pairs of what and how much, an empty right side for a plain line.
fn texts(note: &Object) -> Vec<(String, String)> {
    let money = |amount: i64| for_people(amount, note.text("currency").unwrap_or("usd"));
    let plain = |text: String| (text, String::new());
    let mut rows = vec![
        plain(format!("Credit note {}", note.text("number").unwrap_or_default())),
        plain(format!("{} on {}", note.status(), date(note.amount("created")))),
        plain(note.owned("memo").unwrap_or_default()),
        plain(String::new()),
    ];
    for line in note.list("lines.data") {
        let line = Object::new(line.clone());
        rows.push((line.text("description").unwrap_or("Credit").to_owned(), money(line.amount("amount"))));
    }
    rows.push(plain(String::new()));
    rows.push(("Total credited".to_owned(), money(note.amount("total"))));
    rows
}
