//! A missing payment: reminders on a schedule, grace, then restriction. A payment ends all of it at once.

use quoin_db::{DbError, Tx};
use quoin_kernel::{EmailAddress, Timestamp};
use quoin_mail::NewMail;
use serde_json::json;

use super::apply::recompute_access;
use crate::Payments;
use crate::error::PaymentsError;
use crate::model::Subscription;
use crate::model::money::Money;
use crate::store::{customers, subscriptions_global};

impl Payments {
    /// Reminds, and restricts what has been missing for too long.
    pub(crate) async fn dun(&self) -> Result<(), PaymentsError> {
        let mut after = String::new();
        loop {
            let from = after.clone();
            let list = move |tx: &mut Tx<'_>| subscriptions_global::list_past_due(tx, &from, 200);
            let listed: Result<Vec<Subscription>, DbError> =
                self.db().read("payments.dunning.list", list).await;
            let overdue = listed?;
            let Some(newest) = overdue.last() else { return Ok(()) };
            after.clone_from(&newest.remote_id);
            for one in overdue {
                self.dun_one(one).await?;
            }
        }
    }

    /// Looks at one subscription again inside the transaction: it may have been paid just now.
    async fn dun_one(&self, seen: Subscription) -> Result<(), PaymentsError> {
        let (room, now) = (self.clone(), self.now());
        self.db()
            .write("payments.dunning.step", move |tx| {
                let found = subscriptions_global::find_by_remote(tx, &seen.provider, &seen.remote_id)?;
                let Some(before) = found else { return Ok(()) };
                let Some(since) = before.past_due_since else { return Ok(()) };
                let mut after = Subscription { updated_at: now, ..before.clone() };
                after.access = recompute_access(&room, &after, now);
                let due = room.config().reminders().due(since, now);
                if due > before.reminders {
                    after.reminders = due;
                    crate::store::subscriptions::upsert(tx, &after)?;
                    room.remind(tx, &after, since, now)?;
                }
                room.write_subscription(tx, Some(&before), &after, now)?;
                Ok::<_, PaymentsError>(())
            })
            .await
    }

    /// Queues a reminder to whoever looks after the subject's money.
    fn remind(
        &self,
        tx: &mut Tx<'_>,
        one: &Subscription,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), PaymentsError> {
        let Some((email, language)) = customers::find_contact(tx, one.subject)? else { return Ok(()) };
        let Ok(email) = email.parse::<EmailAddress>() else { return Ok(()) };
        let ends = since + self.config().grace();
        let owed = Money { amount: one.amount.saturating_mul(one.quantity), currency: one.currency };
        let mail = NewMail::new(self.app().rng(), now, email, "payments.payment_missing")
            .language(&language)
            .params(json!({
                "plan": one.plan.as_ref().map(|(plan, _)| plan.as_str()),
                "amount": owed.to_string(),
                "until": ends.to_string().get(..10),
                "restricted": !one.access.gives_plan(),
                "site": self.entitled().upgrade_url(),
            }));
        quoin_mail::enqueue(tx, &mail)?;
        Ok(())
    }
}
