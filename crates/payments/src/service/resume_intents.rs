//! What providers did not do yet: asked again after growing pauses, within a time that leaves room for others, and given up
//! where their answers make no sense.
//!
//! A provider that is down is asked until it answers. One whose answers cannot be read, or that does not know us, is asked
//! so often and no more, because a wish that waits for ever keeps every other wish about the same thing from being heard. What
//! nobody would ask for again is not given up: that somebody is erased, and that a session is closed.

use std::time::Duration;

use quoin_audit::{Actor, Entry};
use quoin_db::{DbError, Tx};
use quoin_kernel::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::{Command, Outcome};
use crate::port::{IntentKey, ProviderError};
use crate::store::intents_global::{self, Ending, Intent, Wait};

/// How long after its first failure an intent is tried again; twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// How many answers that make no sense end an intent.
const MOST_FAILURES: i64 = 8;
/// How long one run goes on beginning tries: with the last one well inside the lease of its job.
const BUDGET: Duration = Duration::from_mins(3);

impl Payments {
    /// Carries out what nobody is carrying out any more: after a crash, or while the provider did not answer.
    pub(crate) async fn resume_intents(&self) -> Result<u32, PaymentsError> {
        self.resume_intents_within(BUDGET).await
    }

    /// Begins no further try after the time is up; what is left comes first in the next run.
    pub(crate) async fn resume_intents_within(&self, time: Duration) -> Result<u32, PaymentsError> {
        let (now, deadline) = (self.now(), tokio::time::Instant::now() + time);
        let list =
            move |tx: &mut Tx<'_>| intents_global::list_stuck(tx, now - Duration::from_mins(1), now, 200);
        let stuck: Result<Vec<Uuid>, DbError> = self.db().read("payments.intents.stuck", list).await;
        let mut ended = 0;
        for id in stuck? {
            if tokio::time::Instant::now() >= deadline {
                break;
            }
            match self.carry_out(id).await {
                Ok(_) => ended += 1,
                Err(error) if error.refusal().is_some() => ended += 1,
                Err(error) => tracing::warn!(%error, intent = %id, "an intent cannot be carried out yet"),
            }
        }
        Ok(ended)
    }

    /// Says how an intent stands after it was asked.
    pub(super) async fn conclude(&self, intent: &Intent, asked: &Result<Outcome, PaymentsError>) -> Ending {
        let error = match asked {
            Ok(outcome) => return Ending::Done(outcome.clone()),
            Err(error) => error,
        };
        if let Some(refusal) = error.refusal() {
            return Ending::Refused(refusal);
        }
        let is_owed =
            matches!(intent.command, Command::EraseCustomer { .. } | Command::ExpireCheckout { .. });
        if is_owed || !is_unusable(error) || intent.failures + 1 < MOST_FAILURES {
            return Ending::Pending;
        }
        if let Some(outcome) = self.look_once_more(intent).await {
            return Ending::Done(outcome);
        }
        let unknown = matches!(error, PaymentsError::Provider(ProviderError::Garbled(_)));
        Ending::Failed { problem: error.to_string(), unknown }
    }

    /// Looks for what an intent that is to be given up would have left behind.
    async fn look_once_more(&self, intent: &Intent) -> Option<Outcome> {
        let provider = self.provider_named(&intent.provider).ok()?;
        let key = IntentKey { intent: intent.id, key: intent.idempotency_key.clone() };
        // Where that cannot be read either, nothing is known.
        provider.look_up(&intent.command, &key).await.ok().flatten()
    }

    /// Writes down that an intent was given up, where people look, and asks how what it is about stands.
    pub(super) fn give_up(
        &self,
        tx: &mut Tx<'_>,
        intent: &Intent,
        (problem, unknown): (&str, bool),
        now: Timestamp,
    ) -> Result<(), PaymentsError> {
        let detail = json!({"provider": intent.provider, "target": intent.target, "problem": problem,
            "may_be_done": unknown});
        let entry = Entry::new(self.app().rng(), now, Actor::System("payments"), "payments.intent.given_up");
        quoin_audit::record(tx, &entry.on(intent.id).detail(detail))?;
        self.hear_of_touched(tx, intent, "", now)
    }
}

/// Says when an intent that has not ended is tried next.
pub(super) fn wait_after(intent: &Intent, asked: &Result<Outcome, PaymentsError>, now: Timestamp) -> Wait {
    let doublings = u32::try_from(intent.attempts - 1).unwrap_or_default().min(16);
    let pause = (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE);
    Wait { until: now + pause, unusable: asked.as_ref().is_err_and(is_unusable) }
}

/// Tells whether asking again in the same way is of little use.
fn is_unusable(error: &PaymentsError) -> bool {
    matches!(error, PaymentsError::Provider(ProviderError::Garbled(_) | ProviderError::Unauthorized))
}
