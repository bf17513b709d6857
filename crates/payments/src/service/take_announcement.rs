//! Taking an event: believed, kept once, and turned into news of objects, in one durable transaction with the answer.

use quoin_kernel::Timestamp;

use crate::error::PaymentsError;
use crate::model::Announcement;
use crate::store::events_global;
use crate::{Payments, jobs};

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is new, and kept.
    New,
    /// It came before.
    Known,
}

impl Payments {
    /// Believes or refuses an event of the provider, and keeps it.
    ///
    /// # Errors
    /// [`PaymentsError::Announcement`] for everything that the provider did not sign just now.
    pub async fn take_announcement(
        &self,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Taken, PaymentsError> {
        let provider = self.provider_named("stripe")?;
        let event = provider.read_announcement(signature, body, now)?;
        self.keep_announcement(provider.name(), event, now).await
    }

    /// Keeps an event that is believed.
    pub(crate) async fn keep_announcement(
        &self,
        provider: &'static str,
        mut event: Announcement,
        now: Timestamp,
    ) -> Result<Taken, PaymentsError> {
        let room = self.clone();
        // Two events about the same objects lock their rows in the same order, whatever each names first.
        event.objects.sort_by(|a, b| (a.kind.as_str(), &a.id).cmp(&(b.kind.as_str(), &b.id)));
        // Each statement is right by itself: an event is inserted or not, an object's row is counted up under its lock, and
        // whoever waited for that lock sees that a fetch is scheduled. So many events at once need not collide.
        self.db()
            .write_read_committed("payments.events.take", move |tx| {
                if !events_global::insert(tx, provider, &event, now)? {
                    return Ok(Taken::Known);
                }
                for object in &event.objects {
                    jobs::hear(room.app().rng(), tx, provider, (object, &event.id), now)?;
                }
                Ok::<_, PaymentsError>(Taken::New)
            })
            .await
    }
}
