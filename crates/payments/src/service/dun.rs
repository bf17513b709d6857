//! A missing payment: reminders on a schedule, grace, then restriction. A payment ends all of it at once.

use quoin_audit::{Actor, Entry};
use quoin_db::{DbError, Tx};
use quoin_kernel::billing::Subject;
use quoin_kernel::{EmailAddress, Language, Timestamp};
use quoin_mail::NewMail;
use serde_json::json;

use super::apply::recompute_access;
use crate::Payments;
use crate::error::PaymentsError;
use crate::model::money::Money;
use crate::model::{Subscription, SubscriptionId};
use crate::store::{customers, subscriptions_global};

const ACTOR: Actor = Actor::System("payments");

/// How far a missing payment has come.
#[derive(Debug, Clone, Default, serde::Serialize, schemars::JsonSchema)]
pub struct Dunning {
    /// Since when a payment is missing; null where none is.
    pub since: Option<Timestamp>,
    /// When reminders were sent.
    pub reminded_at: Vec<Timestamp>,
    /// When the next one follows, if one does.
    pub next_reminder_at: Option<Timestamp>,
    /// When the plan gives nothing any more, or gave.
    pub restricted_at: Option<Timestamp>,
}

impl Payments {
    /// Says which steps were taken about a missing payment, and which follow.
    pub async fn dunning(&self, subject: Subject, id: SubscriptionId) -> Result<Dunning, PaymentsError> {
        let one = self.get_subscription(subject, id).await?;
        let Some(since) = one.past_due_since else { return Ok(Dunning::default()) };
        let config = self.config();
        Ok(Dunning {
            since: Some(since),
            next_reminder_at: config.reminders().next(since, one.reminders),
            restricted_at: Some(since + config.grace()),
            reminded_at: one.reminded_at,
        })
    }

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
                    if room.remind(tx, &after, since, now)? {
                        after.reminded_at.push(now);
                        let entry = Entry::new(room.app().rng(), now, ACTOR, "payments.reminder.sent");
                        let entry = entry.in_org_of(after.subject.org_id()).on(after.id);
                        quoin_audit::record(
                            tx,
                            &entry.detail(json!({"number": due, "missing_since": since})),
                        )?;
                    }
                    crate::store::subscriptions::upsert(tx, &after)?;
                }
                room.write_subscription(tx, Some(&before), &after, now)?;
                Ok::<_, PaymentsError>(())
            })
            .await
    }

    /// Queues a reminder to whoever looks after the subject's money; `false` where nobody's address is known.
    fn remind(
        &self,
        tx: &mut Tx<'_>,
        one: &Subscription,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<bool, PaymentsError> {
        let Some((email, language)) = customers::find_contact(tx, one.subject)? else { return Ok(false) };
        let Ok(email) = email.parse::<EmailAddress>() else { return Ok(false) };
        let ends = since + self.config().grace();
        let owed = Money { amount: one.amount.saturating_mul(one.quantity), currency: one.currency };
        let mail = NewMail::new(self.app().rng(), now, email, "payments.payment_missing")
            .language(Language::parse(&language))
            .params(json!({
                "plan": one.plan.as_ref().map(|(plan, _)| plan.as_str()),
                "amount": owed.to_string(),
                "until": ends.to_string().get(..10),
                "restricted": !one.access.gives_plan(),
                "site": self.entitled().upgrade_url(),
            }));
        quoin_mail::enqueue(tx, &mail)?;
        Ok(true)
    }
}
