//! What a plan meters comes and goes with it: nothing that was used goes unbilled, and nothing is billed twice.

use std::time::Duration;

use serde_json::json;

use super::{Sold, Suite};
use crate::model::Command;
use crate::model::command::ReportUsage;
use crate::model::remote::RemoteSubscription;

impl Suite<'_> {
    /// Checks that a subscription is for exactly what a plan sells.
    pub(super) fn holds(&self, one: &RemoteSubscription, sold: &Sold) {
        let prices = |metered: bool| {
            let items = one.items.iter().filter(move |item| item.metered == metered);
            items.map(|item| item.price.clone()).collect::<Vec<_>>()
        };
        assert_eq!(prices(false), [sold.remote()]);
        let metered = if self.world.bills_use() { sold.metered() } else { Vec::new() };
        assert_eq!(prices(true), metered, "what is metered is not what {} meters", sold.plan.id);
    }

    async fn metering(&self, id: &str, amount: i64, each: i64) -> Sold {
        let prices = json!([
            {"interval": "month", "amount": amount, "currency": "usd"},
            {"interval": "month", "amount": each, "currency": "usd", "meter": format!("{id}_used")},
        ]);
        self.plan_with(id, prices).await
    }

    /// Reports use, and lets a moment pass after it.
    async fn used(&self, one: &RemoteSubscription, of: &Sold, amount: i64) {
        let report = ReportUsage {
            customer: one.customer.clone(),
            meter: format!("{}_used", of.plan.id),
            amount,
            identifier: self.key().intent.to_string(),
            at_s: self.now().as_seconds(),
        };
        self.done(&Command::ReportUsage(report)).await;
        self.world.advance(Duration::from_hours(1)).await;
    }

    pub(super) async fn meters(&self) {
        let plain = self.plan("plain", 900).await;
        let (runs, deals) = (self.metering("runs", 1000, 7).await, self.metering("deals", 1500, 3).await);
        let customer = self.customer().await;
        let one = self.purchase(&customer, &runs).await;
        self.used(&one, &runs, 10).await;
        let preview = self.provider.preview(&Self::change(&one, &plain, 2)).await.expect("a preview");
        let shown = preview.lines.iter().any(|line| line.amount == 70);
        assert_eq!(shown, self.world.bills_use(), "what was used is owed: {preview:?}");
        assert_eq!(self.subscription(&one.id).await.items, one.items, "a preview changes nothing");
        self.done(&Command::ChangeSubscription(Self::change(&one, &plain, 2))).await;
        let changed = self.subscription(&one.id).await;
        self.holds(&changed, &plain);
        self.used(&one, &runs, 5).await;
        self.used(&one, &deals, 6).await;
        self.done(&Command::ChangeSubscription(Self::change(&changed, &deals, 2))).await;
        self.holds(&self.subscription(&one.id).await, &deals);
        self.used(&one, &deals, 4).await;
        self.used(&one, &runs, 8).await;
        self.done(&Self::later(&changed, &runs, 2)).await;
        let waiting = self.subscription(&one.id).await;
        assert_eq!(waiting.waiting.as_ref().map(|change| &change.price), Some(&runs.remote()));
        self.holds(&waiting, &deals);
        let renewed = self.renewed(&waiting).await;
        self.holds(&renewed, &runs);
        let invoice = self.invoice(&renewed.latest_invoice.expect("it was billed").id).await;
        if self.world.bills_use() {
            // Ten runs until the first change, four deals from the second one to the end of the period, and no use outside.
            let lines = invoice.lines.iter().filter(|line| !line.proration && line.amount != 2000);
            let mut used: Vec<i64> = lines.map(|line| line.amount).collect();
            used.sort_unstable();
            assert_eq!(used, [12, 70], "{invoice:?}");
        }
        self.used(&one, &runs, 3).await;
        self.ends(&one.id, &customer).await;
        if self.world.bills_use() {
            let last = self.subscription(&one.id).await.latest_invoice.expect("it was billed");
            let invoice = self.invoice(&last.id).await;
            let billed: Vec<i64> = invoice.lines.iter().map(|line| line.amount).collect();
            assert_eq!(
                (invoice.status.as_str(), billed),
                ("paid", vec![21]),
                "what was used is owed at the end"
            );
        }
    }
}
