//! Collecting again after a pause that ends by itself. The provider is not told when that is: it would go on in the middle of
//! a period that nobody has paid. Where somebody lets it go on there, what that left unpaid is made good in the same way.

use quoin_audit::{Actor, Entry};
use quoin_db::{DbError, Tx};

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::{Command, Subscription};
use crate::store::subscriptions_global;

const ACTOR: Actor = Actor::System("payments");

impl Payments {
    /// Collects again where the moment has come.
    pub(crate) async fn resume_due(&self) -> Result<(), PaymentsError> {
        let (now, mut after) = (self.now(), String::new());
        loop {
            let from = after.clone();
            let list = move |tx: &mut Tx<'_>| subscriptions_global::list_resuming(tx, now, &from, 200);
            let listed: Result<Vec<Subscription>, DbError> =
                self.db().read("payments.subscriptions.resuming", list).await;
            let due = listed?;
            let Some(newest) = due.last() else { return Ok(()) };
            after.clone_from(&newest.remote_id);
            for one in due {
                let id = one.id;
                if let Err(error) = self.collect_again(one).await {
                    // One that cannot go on now must not keep the others from it.
                    tracing::warn!(%error, subscription = %id, "a pause cannot end yet");
                }
            }
        }
    }

    /// Collects again for the subscription that a provider calls so.
    pub(crate) async fn resume_remote(&self, provider: &str, remote_id: &str) -> Result<(), PaymentsError> {
        let (provider, remote_id) = (provider.to_owned(), remote_id.to_owned());
        let find = move |tx: &mut Tx<'_>| subscriptions_global::find_by_remote(tx, &provider, &remote_id);
        let found: Result<_, DbError> = self.db().read("payments.subscriptions.get", find).await;
        match found?.filter(|one: &Subscription| !one.status.is_over()) {
            Some(one) => self.collect_again(one).await,
            None => Ok(()),
        }
    }

    /// Begins to collect; what the provider refuses, because a new period cannot be paid, stays paused until somebody ends it.
    async fn collect_again(&self, one: Subscription) -> Result<(), PaymentsError> {
        let pause = |paused| Command::PauseSubscription {
            subscription: one.remote_id.clone(),
            paused,
            resumes_at_s: None,
        };
        let entry = |action| Entry::new(self.app().rng(), self.now(), ACTOR, action);
        let begun =
            self.carry_out_change(one.clone(), pause(false), Some(entry("payments.pause.ended"))).await;
        let Err(error) = begun else { return Ok(()) };
        let Some(refusal) = error.refusal() else { return Err(error) };
        tracing::warn!(subscription = %one.id, code = refusal.code, "a pause goes on, because nothing was paid");
        let entry = entry("payments.pause.prolonged").detail(serde_json::json!({"code": refusal.code}));
        self.carry_out_change(one.clone(), pause(true), Some(entry)).await.map(drop)
    }
}
