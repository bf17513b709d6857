//! Metered use: reported once per key, summed per month, and told to the provider in parts that cannot be told twice.

use quoin_db::{DbError, Tx};
use quoin_kernel::billing::Subject;
use quoin_web::entitlements::{Entitlements, Wish};

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::Command;
use crate::model::command::ReportUsage;
use crate::model::use_of::month_start;
use crate::port::{IntentKey, Provider};
use crate::store::customers;
use crate::store::usage::{self, Unreported};
use crate::store::usage_global;

/// Use of something.
#[derive(Debug, Clone)]
pub struct Report {
    /// Whose.
    pub subject: Subject,
    /// Of what.
    pub meter: String,
    /// How much.
    pub amount: i64,
    /// What makes the report one of a kind.
    pub key: String,
}

/// What came of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Reported {
    /// How many were new.
    pub counted: u32,
    /// How many had come before.
    pub known: u32,
}

impl Payments {
    /// Counts reports, all or none of them.
    ///
    /// # Errors
    /// [`PaymentsError::Limit`] where the plan allows no more, [`PaymentsError::ReportKeyReused`] for a key that said
    /// something else before.
    pub async fn report_usage(&self, reports: Vec<Report>) -> Result<Reported, PaymentsError> {
        let (entitled, now) = (self.entitled().clone(), self.now());
        self.db()
            .write("payments.usage.report", move |tx| {
                let mut done = Reported { counted: 0, known: 0 };
                for report in &reports {
                    let what = (report.meter.as_str(), report.amount);
                    if !usage::insert_report(tx, report.subject, &report.key, what, now)? {
                        let before = usage::find_report(tx, report.subject, &report.key)?;
                        if before != Some((report.meter.clone(), report.amount)) {
                            return Err(PaymentsError::ReportKeyReused);
                        }
                        done.known += 1;
                        continue;
                    }
                    let wish =
                        Wish { subject: report.subject, meter: &report.meter, amount: report.amount, now };
                    entitled.take(tx, &wish)?;
                    usage::add(tx, report.subject, what, (month_start(now), now))?;
                    done.counted += 1;
                }
                Ok(done)
            })
            .await
    }

    /// Tells the provider what it does not know yet.
    pub(crate) async fn report_to_provider(&self) -> Result<(), PaymentsError> {
        let provider = match self.provider() {
            Ok(provider) => provider,
            // It stays to be told until somebody is chosen who is told.
            Err(PaymentsError::NotSetUp) => return Ok(()),
            Err(error) => return Err(error),
        };
        let now = self.now();
        let claim = move |tx: &mut Tx<'_>| usage_global::claim_unreported(tx, 500, now);
        let sums: Result<Vec<Unreported>, DbError> = self.db().write("payments.usage.claim", claim).await;
        for sum in sums?.into_iter().filter(|sum| sum.sending > 0) {
            let (meter, subject) = (sum.meter.clone(), sum.subject);
            if let Err(error) = self.report_sum(provider.as_ref(), sum).await {
                tracing::warn!(%error, meter, %subject, "use cannot be reported yet");
            }
        }
        Ok(())
    }

    /// Tells a provider what it does not know yet of a subject's use: after the last invoice nobody asks for it any more.
    ///
    /// # Errors
    /// [`PaymentsError::Provider`] while the provider does not answer. What it refuses is logged and stays unreported, so that
    /// a subscription can end all the same.
    pub(super) async fn report_last(
        &self,
        provider: &dyn Provider,
        subject: Subject,
    ) -> Result<(), PaymentsError> {
        // What is on its way already goes first, and what was used meanwhile with the second round.
        for _ in 0..2 {
            let now = self.now();
            let claim = move |tx: &mut Tx<'_>| usage::claim_unreported(tx, subject, now);
            let sums: Result<Vec<Unreported>, DbError> = self.db().write("payments.usage.claim", claim).await;
            for sum in sums?.into_iter().filter(|sum| sum.sending > 0) {
                let meter = sum.meter.clone();
                match self.report_sum(provider, sum).await {
                    Err(error) if error.refusal().is_some() => {
                        tracing::error!(%error, meter, %subject, "use is refused and will not be billed");
                    }
                    reported => reported?,
                }
            }
        }
        Ok(())
    }

    /// Reports one sum. Its identifier names the batch, so that the provider takes it once.
    async fn report_sum(&self, provider: &dyn Provider, sum: Unreported) -> Result<(), PaymentsError> {
        let (subject, name) = (sum.subject, provider.name());
        let find = move |tx: &mut Tx<'_>| customers::find(tx, subject, name);
        let customer: Result<Option<String>, DbError> = self.db().read("payments.customers.get", find).await;
        // Whoever never bought anything is not charged: the sum is kept here and counts as told.
        if let Some(customer) = customer? {
            let identifier =
                format!("{}-{}-{}-{}", subject.uuid(), sum.meter, sum.period_start.as_seconds(), sum.batch);
            let command = Command::ReportUsage(ReportUsage {
                customer,
                meter: sum.meter.clone(),
                amount: sum.sending,
                identifier: identifier.clone(),
                at_s: sum.sending_at.as_seconds(),
            });
            // Whatever is refused stays unreported: it is money that would never be asked for.
            ask_usage(provider, identifier, command).await?;
        }
        let end = move |tx: &mut Tx<'_>| usage::end_sending(tx, &sum);
        let ended: Result<(), DbError> = self.db().write("payments.usage.end", end).await;
        Ok(ended?)
    }
}

/// Asks without an intent of its own: the row and its batch number are the intent.
async fn ask_usage(
    provider: &dyn Provider,
    identifier: String,
    command: Command,
) -> Result<(), PaymentsError> {
    let key = IntentKey { intent: uuid::Uuid::nil(), key: format!("quoin-usage-{identifier}") };
    provider.perform(&command, &key).await?;
    Ok(())
}
