//! Forgetting what explains nothing any more.

use std::time::Duration;

use crate::Payments;
use crate::error::PaymentsError;
use crate::store::{events_global, intents_global, objects_global, usage_global};

impl Payments {
    /// Removes events, news, fetches that changed nothing, settled intents and keys of reports after `keep_days`.
    pub(crate) async fn purge(&self) -> Result<(), PaymentsError> {
        let before = self.now() - Duration::from_secs(u64::from(self.config().keep_days) * 86_400);
        self.db()
            .write("payments.purge", move |tx| {
                events_global::delete_old(tx, before)?;
                objects_global::delete_old(tx, before)?;
                intents_global::delete_old(tx, before)?;
                usage_global::delete_old(tx, before)?;
                Ok::<_, PaymentsError>(())
            })
            .await
    }
}
