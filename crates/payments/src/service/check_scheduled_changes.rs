//! Looking at waiting changes once more shortly before they happen: a plan that refuses to be changed to while more is
//! used than it allows refuses it then, too.

use std::time::Duration;

use quoin_audit::{Actor, Entry};
use quoin_db::{DbError, Tx};
use quoin_kernel::event::Event;
use quoin_kernel::{EventId, Timestamp};
use serde_json::json;

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::{Command, Subscription};
use crate::store::intents_global::Intent;
use crate::store::{plans_global, subscriptions_global};

/// How long before a change it is looked at. The provider makes it by itself, so this cannot be the very moment.
const AHEAD: Duration = Duration::from_hours(1);

impl Payments {
    /// Takes back every change that is about to happen and that its plan refuses.
    pub(crate) async fn check_scheduled_changes(&self) -> Result<(), PaymentsError> {
        let (now, mut after) = (self.now(), String::new());
        loop {
            let from = after.clone();
            let list = move |tx: &mut Tx<'_>| {
                subscriptions_global::list_scheduled(tx, (now, now + AHEAD), &from, 200)
            };
            let listed: Result<Vec<Subscription>, DbError> =
                self.db().read("payments.scheduled_changes.list", list).await;
            let waiting = listed?;
            let Some(newest) = waiting.last() else { return Ok(()) };
            after.clone_from(&newest.remote_id);
            for one in waiting {
                let id = one.id;
                if let Err(error) = self.check_scheduled_change(one, now).await {
                    // One that cannot be taken back now must not keep the others from being looked at.
                    tracing::warn!(%error, subscription = %id, "a waiting change cannot be checked yet");
                }
            }
        }
    }

    async fn check_scheduled_change(&self, seen: Subscription, now: Timestamp) -> Result<(), PaymentsError> {
        let provider = self.provider_named(&seen.provider)?;
        let command = Command::UnscheduleChange { subscription: seen.remote_id.clone() };
        let intent = self.intent(provider.as_ref(), format!("subscription:{}", seen.remote_id), command);
        let (room, event) = (self.clone(), EventId::new(now, self.app().rng()));
        let refused = self
            .db()
            .write("payments.scheduled_changes.check", move |tx| {
                room.refuse_scheduled_change(tx, &seen, &intent, (event, now))
            })
            .await?;
        let Some((one, id)) = refused else { return Ok(()) };
        self.carry_out(id).await?;
        self.look_again(&provider, &one).await.map(drop)
    }

    /// Writes down that the change is to be taken back, and why, where more is used than the plan allows.
    fn refuse_scheduled_change(
        &self,
        tx: &mut Tx<'_>,
        seen: &Subscription,
        intent: &Intent,
        (event, now): (EventId, Timestamp),
    ) -> Result<Option<(Subscription, uuid::Uuid)>, PaymentsError> {
        let found = subscriptions_global::find_by_remote(tx, &seen.provider, &seen.remote_id)?;
        let Some(one) = found else { return Ok(None) };
        let Some(change) = one.scheduled_change.clone() else { return Ok(None) };
        let Some(plan) = change.plan else { return Ok(None) };
        let Some(plan) = plans_global::find(tx, &plan)? else { return Ok(None) };
        let price = plan.prices.iter().find(|price| Some(price.id) == change.price_id);
        let (Some(price), Some(version)) = (price, change.plan_version) else { return Ok(None) };
        let checked = self.refuse_what_is_used(tx, &one, &plan, (version, price), change.quantity);
        let Err(PaymentsError::UsesMore { meter, limit, used }) = checked else {
            return checked.map(|()| None);
        };
        let detail = json!({"subscription": one.id, "plan": plan.id, "subject": one.subject.to_string(),
            "meter": meter, "limit": limit, "used": used});
        let entry = Entry::new(self.app().rng(), now, Actor::System("payments"), "payments.change.refused");
        let entry = entry.in_org_of(one.subject.org_id()).on(one.id).detail(detail.clone());
        quoin_audit::record(tx, &entry)?;
        let news = Event { name: "payments.change.refused", org_id: one.subject.org_id(), payload: detail };
        quoin_jobs::publish(tx, event, now, &news)?;
        let id = Self::write_down(tx, intent)?;
        Ok(Some((one, id)))
    }
}
