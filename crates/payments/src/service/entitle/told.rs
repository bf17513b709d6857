//! News that a limit is reached, for other rooms: once until it has moved or begun anew.
//!
//! Whoever reaches a limit has its transaction undone, so the news is noted in memory and written by itself.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use quoin_db::{DbError, Tx};
use quoin_kernel::EventId;
use quoin_kernel::billing::Subject;
use quoin_kernel::event::Event;
use serde_json::json;
use tokio::sync::Notify;

use super::Entitled;
use crate::store::entitlements;

/// How many subjects and names are remembered until they are written.
const MOST: usize = 10_000;

/// Limits that were reached and are not told of yet.
#[derive(Default)]
pub(super) struct Told {
    reached: Mutex<BTreeSet<(Subject, String)>>,
    some: Notify,
}

impl Told {
    /// Notes that a limit is reached.
    pub(super) fn note(&self, subject: Subject, name: &str) {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        if reached.len() < MOST && reached.insert((subject, name.to_owned())) {
            self.some.notify_one();
        }
    }

    /// Waits until something is noted.
    pub(super) async fn waits(&self) {
        self.some.notified().await;
    }

    fn take(&self) -> BTreeSet<(Subject, String)> {
        std::mem::take(&mut *self.reached.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Entitled {
    /// Publishes `payments.limit.reached` for what was noted, each once.
    pub(crate) async fn tell_of_limits(&self) -> Result<(), DbError> {
        let mut failed = Ok(());
        for (subject, name) in self.0.told.take() {
            let noted = name.clone();
            let now = self.0.clock.now();
            let id = EventId::new(now, self.0.rng.as_ref());
            let tell = move |tx: &mut Tx<'_>| {
                let Some(row) = entitlements::tell(tx, subject, &name, now)? else { return Ok(()) };
                let event = Event {
                    name: "payments.limit.reached",
                    org_id: subject.org_id(),
                    payload: json!({"subject": subject.to_string(), "meter": row.name, "limit": row.allowed,
                        "used": row.used, "plan": row.plan_id}),
                };
                quoin_jobs::publish(tx, id, now, &event)
            };
            if let Err(error) = self.0.db.write("payments.limits.tell", tell).await {
                // What could not be written is told of later; the rest does not wait for it.
                self.0.told.note(subject, &noted);
                failed = Err(error);
            }
        }
        failed
    }
}
