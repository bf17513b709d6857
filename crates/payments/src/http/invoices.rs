//! Invoices: their history, where they can be seen, and money that goes back.

use quoin_audit::Actor;
use quoin_kernel::Problem;
use quoin_kernel::page::{Listed, PageIn};
use quoin_web::{
    Ctx, HeaderMap, HeaderValue, IntoResponse, Json, Operation, PlatformKey, Refusal, Response, RoutesFor,
    State, StatusCode, ValidJson, ValidPath, ValidQuery, Who, header,
};
use serde::Deserialize;
use serde_json::json;

use super::callers::{BillingViewer, call_of};
use super::out::InvoiceOut;
use super::plans::SCOPE;
use crate::model::invoice::InvoiceId;
use crate::service::refund::RefundWish;
use crate::{Payments, PaymentsError};

/// Why money goes back, as payment providers list it.
#[derive(Debug, Clone, Copy, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum RefundReason {
    /// It was charged twice.
    Duplicate,
    /// It was not the owner who paid.
    Fraudulent,
    /// The customer asked for it.
    RequestedByCustomer,
}

impl RefundReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Fraudulent => "fraudulent",
            Self::RequestedByCustomer => "requested_by_customer",
        }
    }
}

/// What to give back.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct RefundIn {
    /// Of which invoice.
    invoice: InvoiceId,
    /// Minor units; all that is left by default.
    amount: Option<i64>,
    /// Why.
    reason: Option<RefundReason>,
}

pub(super) fn add(routes: RoutesFor<Payments>) -> RoutesFor<Payments> {
    routes
        .add(
            Operation::get("/payments/v1/invoices", "payments.invoices.list")
                .summary("Lists invoices, newest first.")
                .caller(Who::User)
                .query::<PageIn>()
                .gives::<Listed<InvoiceOut>>(200),
            list,
        )
        .add(
            Operation::get("/payments/v1/invoices/{id}/pdf", "payments.invoices.document")
                .summary("Leads to the invoice's PDF, or to the page that shows it.")
                .caller(Who::User)
                .gives_nothing(303),
            document,
        )
        .add(
            Operation::post("/payments/v1/invoices/{id}/paid", "payments.invoices.confirm")
                .summary("Confirms that the bank transfer of an invoice has arrived.")
                .description("Scope `payments`. Only for invoices of the manual provider.")
                .caller(Who::PlatformKey)
                .gives::<InvoiceOut>(200),
            confirm,
        )
        .add(
            Operation::post("/payments/v1/refunds", "payments.refunds.create")
                .summary("Gives money back, all of it or a part.")
                .description("Scope `payments`.")
                .caller(Who::PlatformKey)
                .idempotent()
                .takes::<RefundIn>()
                .gives::<InvoiceOut>(200),
            refund,
        )
}

async fn list(
    ctx: Ctx<BillingViewer>,
    State(payments): State<Payments>,
    ValidQuery(page): ValidQuery<PageIn>,
) -> Result<Json<Listed<InvoiceOut>>, Refusal> {
    let page = page.check().map_err(|error| Problem::invalid(error.to_string()))?;
    let listed = payments.list_invoices(ctx.who.subject, page).await?;
    let data = listed.data.into_iter().map(InvoiceOut::from).collect();
    Ok(Json(Listed { data, next_cursor: listed.next_cursor }))
}

async fn document(
    ctx: Ctx<BillingViewer>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
) -> Result<Response, Refusal> {
    let url = payments.invoice_document(ctx.who.subject, read(&id)?).await?;
    let location = HeaderValue::from_str(&url).map_err(Problem::internal)?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

async fn confirm(
    ctx: Ctx<PlatformKey>,
    State(payments): State<Payments>,
    ValidPath(id): ValidPath<String>,
) -> Result<Json<InvoiceOut>, Refusal> {
    ctx.who.demand(SCOPE)?;
    let entry = payments.entry(Actor::ApiKey(ctx.who.key.key_id), "payments.transfer.confirmed", &ctx.origin);
    Ok(Json(payments.confirm_transfer(read(&id)?, entry).await?.into()))
}

async fn refund(
    ctx: Ctx<PlatformKey>,
    State(payments): State<Payments>,
    headers: HeaderMap,
    ValidJson(input): ValidJson<RefundIn>,
) -> Result<Json<InvoiceOut>, Refusal> {
    ctx.who.demand(SCOPE)?;
    let entry = payments.entry(Actor::ApiKey(ctx.who.key.key_id), "payments.refund.created", &ctx.origin);
    let reason = input.reason.map(RefundReason::as_str);
    let entry = entry.detail(json!({"amount": input.amount, "reason": reason}));
    let wish =
        RefundWish { invoice_id: input.invoice, amount: input.amount, reason: reason.map(str::to_owned) };
    let call = call_of(&ctx.who, &headers, &wish);
    Ok(Json(payments.refund(wish, call, entry).await?.into()))
}

/// What cannot be an id names no invoice.
fn read(id: &str) -> Result<InvoiceId, PaymentsError> {
    id.parse().map_err(|_| PaymentsError::NoSuch("invoice"))
}
