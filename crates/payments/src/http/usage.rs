//! What the plan gives, how much of it is used, and reports of use.

use quoin_kernel::billing::Subject;
use quoin_kernel::{OrgId, UserId};
use quoin_web::{Ctx, Json, Operation, Refusal, RoutesFor, SecretKey, State, ValidJson, Who};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::callers::BillingViewer;
use crate::service::report_usage::{Report, Reported};
use crate::store::usage::UsageSum;
use crate::{Payments, PaymentsError};

/// The scope that reporting use needs.
const SCOPE: &str = "usage";

/// What the caller's organisation, or the caller, has.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct EntitlementsOut {
    /// The plan in force.
    plan: Option<String>,
    /// Each by its name: a scalar, or `{limit, mode, used, per, resets_at}`.
    entitlements: Map<String, Value>,
    /// Metered use, newest month first.
    usage: Vec<UsageSum>,
    /// Where a larger plan is to be had.
    upgrade_url: String,
}

/// Reports of use.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct UsageIn {
    /// Up to 1000 reports; all are counted or none.
    reports: Vec<ReportIn>,
}

/// Use of something.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReportIn {
    /// What makes the report one of a kind: the same key again is not counted again.
    key: String,
    /// Of what.
    meter: String,
    /// How much.
    amount: i64,
    /// Whose, for keys of the platform.
    org_id: Option<OrgId>,
    /// Whose, for keys of the platform, where it belongs to a person.
    user_id: Option<UserId>,
}

pub(super) fn add(routes: RoutesFor<Payments>) -> RoutesFor<Payments> {
    routes
        .add(
            Operation::get("/payments/v1/entitlements", "payments.entitlements.list")
                .summary("Says what the plan in force gives and how much of it is used.")
                .caller(Who::User)
                .gives::<EntitlementsOut>(200),
            entitlements,
        )
        .add(
            Operation::post("/payments/v1/usage", "payments.usage.report")
                .summary("Counts use; each report once, by its key.")
                .description("Scope `usage`. Where the plan allows no more, all of it is refused with 402.")
                .caller(Who::SecretKey)
                .takes::<UsageIn>()
                .gives::<Reported>(200),
            report,
        )
}

async fn entitlements(
    ctx: Ctx<BillingViewer>,
    State(payments): State<Payments>,
) -> Result<Json<EntitlementsOut>, Refusal> {
    let now = payments.entitlements(ctx.who.subject).await?;
    Ok(Json(EntitlementsOut {
        plan: now.plan,
        entitlements: now.entitlements,
        usage: now.usage,
        upgrade_url: now.upgrade_url,
    }))
}

async fn report(
    ctx: Ctx<SecretKey>,
    State(payments): State<Payments>,
    ValidJson(input): ValidJson<UsageIn>,
) -> Result<Json<Reported>, Refusal> {
    ctx.who.demand(SCOPE)?;
    if !(1..=1000).contains(&input.reports.len()) {
        return Err(unusable("reports", "must hold 1 to 1000 reports").into());
    }
    let confined = ctx.who.key.org_id;
    let reports = input.reports.into_iter().map(|report| report.check(confined)).collect::<Result<_, _>>()?;
    Ok(Json(payments.report_usage(reports).await?))
}

impl ReportIn {
    /// Checks a report. A key of an organisation reports for that one alone.
    fn check(self, confined: Option<OrgId>) -> Result<Report, PaymentsError> {
        let subject = match (confined, self.org_id, self.user_id) {
            (Some(own), None, None) => Subject::Org(own),
            (Some(own), Some(named), None) if own == named => Subject::Org(own),
            (Some(_), ..) => return Err(PaymentsError::NoSuch("organisation")),
            (None, Some(org_id), None) => Subject::Org(org_id),
            (None, None, Some(user_id)) => Subject::User(user_id),
            (None, ..) => return Err(unusable("org_id", "name org_id or user_id")),
        };
        let is_name = |text: &str| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        };
        if !is_name(&self.meter) {
            return Err(unusable("meter", "must have 1 to 64 of a-z A-Z 0-9 _ . -"));
        }
        if !(1..=255).contains(&self.key.len()) {
            return Err(unusable("key", "must have 1 to 255 bytes"));
        }
        if !(1..=1_000_000_000_000).contains(&self.amount) {
            return Err(unusable("amount", "must be between 1 and 1000000000000"));
        }
        Ok(Report { subject, meter: self.meter, amount: self.amount, key: self.key })
    }
}

fn unusable(field: &'static str, problem: &str) -> PaymentsError {
    PaymentsError::Unusable { field, problem: problem.to_owned() }
}
