//! Credit notes and the customer's balance.

use quoin_audit::Actor;
use quoin_kernel::page::{Listed, PageIn};
use quoin_kernel::{Problem, Timestamp};
use quoin_web::{
    Ctx, HeaderMap, Json, Operation, PlatformKey, Refusal, RoutesFor, State, StatusCode, ValidJson,
    ValidQuery, Who,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::callers::{BillingViewer, call_of};
use super::plans::SCOPE;
use crate::model::Currency;
use crate::model::credit_note::{CreditNote, CreditNoteId};
use crate::model::invoice::InvoiceId;
use crate::service::issue_credit_note::{CreditWish, GiveBack};
use crate::{Payments, PaymentsError};

/// Why something is taken off, as payment providers list it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum CreditReason {
    /// It was billed twice.
    Duplicate,
    /// It was not the owner who ordered.
    Fraudulent,
    /// Something else was wanted.
    OrderChange,
    /// It was not as it should be.
    ProductUnsatisfactory,
}

/// What to take off an invoice.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreditNoteIn {
    /// Of which invoice.
    invoice: InvoiceId,
    /// Minor units.
    amount: i64,
    /// Why.
    reason: Option<CreditReason>,
    /// Words for the customer, up to 5000 characters.
    memo: Option<String>,
    /// How it is given back where the invoice is paid; `balance` by default.
    give_back: Option<GiveBack>,
}

/// A credit note.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct CreditNoteOut {
    /// Its id.
    id: CreditNoteId,
    /// Of which invoice.
    invoice: InvoiceId,
    /// Its number for people.
    number: Option<String>,
    /// Minor units.
    amount: i64,
    /// The currency.
    currency: Currency,
    /// Why.
    reason: Option<String>,
    /// Why, in words for the customer.
    memo: Option<String>,
    /// What of it went back to where it came from.
    refunded: i64,
    /// What of it pays the next invoices.
    credited: i64,
    /// What of it was given back elsewhere.
    out_of_band: i64,
    /// `issued` or `void`.
    status: String,
    /// When it was issued.
    created_at: Timestamp,
}

/// What the customer has in their favour.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct BalanceOut {
    /// Minor units that pay the next invoices; negative where something is owed with the next one.
    amount: i64,
    /// The currency; null where nothing was billed yet.
    currency: Option<Currency>,
}

impl From<CreditNote> for CreditNoteOut {
    fn from(note: CreditNote) -> Self {
        Self {
            id: note.id,
            invoice: note.invoice_id,
            number: note.number,
            amount: note.amount,
            currency: note.currency,
            reason: note.reason,
            memo: note.memo,
            refunded: note.refunded,
            credited: note.credited,
            out_of_band: note.out_of_band,
            status: note.status,
            created_at: note.created_at,
        }
    }
}

pub(super) fn add(routes: RoutesFor<Payments>) -> RoutesFor<Payments> {
    routes
        .add(
            Operation::post("/payments/v1/credit_notes", "payments.credit_notes.create")
                .summary(
                    "Takes something off an invoice: what is open asks for less, what is paid is given back.",
                )
                .description("Scope `payments`. Never more than was paid is given back, refunds included.")
                .caller(Who::PlatformKey)
                .idempotent()
                .takes::<CreditNoteIn>()
                .gives::<CreditNoteOut>(201),
            create,
        )
        .add(
            Operation::get("/payments/v1/credit_notes", "payments.credit_notes.list")
                .summary("Lists credit notes, newest first.")
                .caller(Who::User)
                .query::<PageIn>()
                .gives::<Listed<CreditNoteOut>>(200),
            list,
        )
        .add(
            Operation::get("/payments/v1/balance", "payments.balance.get")
                .summary("Says what the customer has in their favour, which pays the next invoices.")
                .caller(Who::User)
                .gives::<BalanceOut>(200),
            balance,
        )
}

async fn create(
    ctx: Ctx<PlatformKey>,
    State(payments): State<Payments>,
    headers: HeaderMap,
    ValidJson(input): ValidJson<CreditNoteIn>,
) -> Result<(StatusCode, Json<CreditNoteOut>), Refusal> {
    ctx.who.demand(SCOPE)?;
    if input.memo.as_ref().is_some_and(|memo| memo.chars().count() > 5000) {
        let problem = "must have 5000 characters at most".to_owned();
        return Err(PaymentsError::Unusable { field: "memo", problem }.into());
    }
    let entry = payments.entry(Actor::ApiKey(ctx.who.key.key_id), "payments.credit_note.issued", &ctx.origin);
    let entry = entry.detail(json!({"amount": input.amount, "reason": input.reason}));
    let reason = input.reason.map(|reason| json!(reason).as_str().unwrap_or_default().to_owned());
    let wish = CreditWish {
        invoice_id: input.invoice,
        amount: input.amount,
        reason,
        memo: input.memo,
        give_back: input.give_back,
    };
    let call = call_of(&ctx.who, &headers, &wish);
    Ok((StatusCode::CREATED, Json(payments.issue_credit_note(wish, call, entry).await?.into())))
}

async fn list(
    ctx: Ctx<BillingViewer>,
    State(payments): State<Payments>,
    ValidQuery(page): ValidQuery<PageIn>,
) -> Result<Json<Listed<CreditNoteOut>>, Refusal> {
    let page = page.check().map_err(|error| Problem::invalid(error.to_string()))?;
    let listed = payments.list_credit_notes(ctx.who.subject, page).await?;
    let data = listed.data.into_iter().map(CreditNoteOut::from).collect();
    Ok(Json(Listed { data, next_cursor: listed.next_cursor }))
}

async fn balance(
    ctx: Ctx<BillingViewer>,
    State(payments): State<Payments>,
) -> Result<Json<BalanceOut>, Refusal> {
    let balance = payments.balance(ctx.who.subject).await?;
    let (amount, currency) = balance.map_or((0, None), |money| (money.amount, Some(money.currency)));
    Ok(Json(BalanceOut { amount, currency }))
}
