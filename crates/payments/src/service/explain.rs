//! Explaining the present state of a subscription: which events and fetches produced each field.

use std::collections::BTreeMap;

use quoin_kernel::billing::Subject;

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::explanation::{Cause, Fetched, FieldOrigin, origins};
use crate::model::{ObjectKind, ObjectRef, SubscriptionId};
use crate::store::{objects_global, subscriptions};

/// Why a subscription is as it is.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
pub struct Explanation {
    /// The subscription at the provider.
    pub remote_id: String,
    /// For each field the fetch that gave it its present value.
    pub fields: BTreeMap<String, FieldOrigin>,
    /// The fetches, oldest first, each with what was heard before it.
    pub fetches: Vec<Fetched>,
    /// What was heard and is not fetched yet.
    pub waiting: Vec<Cause>,
    /// Why it opens nothing although the provider calls it active, if so.
    pub mismatch: Option<String>,
}

impl Payments {
    /// Explains a subscription of the subject.
    pub async fn explain(&self, subject: Subject, id: SubscriptionId) -> Result<Explanation, PaymentsError> {
        self.db()
            .read("payments.subscriptions.explain", move |tx| {
                let one =
                    subscriptions::find(tx, subject, id)?.ok_or(PaymentsError::NoSuch("subscription"))?;
                let object = ObjectRef::new(ObjectKind::Subscription, &one.remote_id);
                let (fetches, waiting) = objects_global::list_fetches(tx, &one.provider, &object)?;
                Ok(Explanation {
                    remote_id: one.remote_id,
                    fields: origins(&fetches),
                    fetches,
                    waiting,
                    mismatch: one.mismatch,
                })
            })
            .await
    }
}
