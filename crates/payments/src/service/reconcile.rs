//! Comparing with the provider and repairing, for events that never came.

use std::sync::Arc;

use quoin_db::{DbError, Tx};

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::explanation::Changes;
use crate::model::remote::Remote;
use crate::model::{ObjectKind, ObjectRef};
use crate::port::Provider;
use crate::store::subscriptions_global;

/// What a comparison found.
#[derive(Debug, Clone, Default, serde::Serialize, schemars::JsonSchema)]
pub struct Reconciled {
    /// How many objects were compared.
    pub checked: u64,
    /// What differed, and what it is now.
    pub repaired: Vec<Repair>,
    /// What could not be compared.
    pub failed: Vec<String>,
}

/// Something that differed from the provider.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
pub struct Repair {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its id at the provider.
    pub id: String,
    /// What it was and became.
    pub changes: Changes,
    /// Why it differed, as far as that is known.
    pub why: String,
}

impl Payments {
    /// Compares every product and subscription of every provider, repairs and reports.
    ///
    /// # Errors
    /// Where a provider cannot be listed; what was repaired by then stays.
    pub async fn reconcile(&self) -> Result<Reconciled, PaymentsError> {
        let mut report = Reconciled::default();
        for provider in self.providers() {
            for kind in [ObjectKind::Product, ObjectKind::Subscription] {
                self.reconcile_kind(&provider, kind, &mut report).await?;
            }
            self.reconcile_ours(&provider, &mut report).await?;
        }
        Ok(report)
    }

    async fn reconcile_kind(
        &self,
        provider: &Arc<dyn Provider>,
        kind: ObjectKind,
        report: &mut Reconciled,
    ) -> Result<(), PaymentsError> {
        let mut after = None;
        loop {
            let page = provider.list(kind, after.as_deref()).await?;
            for remote in &page.objects {
                if let Some(object) = name(remote) {
                    self.compare(provider, &object, "the event never came, or was not handled", report).await;
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Looks at what is live here and may be unknown there.
    async fn reconcile_ours(
        &self,
        provider: &Arc<dyn Provider>,
        report: &mut Reconciled,
    ) -> Result<(), PaymentsError> {
        let mut after = String::new();
        loop {
            let (name, from) = (provider.name(), after.clone());
            let list = move |tx: &mut Tx<'_>| subscriptions_global::list_live(tx, name, &from, 500);
            let ours: Result<Vec<String>, DbError> =
                self.db().read("payments.subscriptions.live", list).await;
            let ours = ours?;
            let Some(newest) = ours.last() else { return Ok(()) };
            after.clone_from(newest);
            for id in ours {
                let object = ObjectRef::new(ObjectKind::Subscription, id);
                self.compare(provider, &object, "the provider says otherwise than the last fetch", report)
                    .await;
            }
        }
    }

    async fn compare(
        &self,
        provider: &Arc<dyn Provider>,
        object: &ObjectRef,
        why: &str,
        report: &mut Reconciled,
    ) {
        report.checked += 1;
        match self.refresh(provider, object, "reconcile").await {
            Ok(applied) if !applied.changes.is_empty() => report.repaired.push(Repair {
                kind: object.kind,
                id: object.id.clone(),
                changes: applied.changes,
                why: why.to_owned(),
            }),
            Ok(_) => {}
            Err(error) => report.failed.push(format!("{} {}: {error}", object.kind.as_str(), object.id)),
        }
    }
}

fn name(remote: &Remote) -> Option<ObjectRef> {
    match remote {
        Remote::Product(product) => Some(ObjectRef::new(ObjectKind::Product, &product.id)),
        Remote::Subscription(one) => Some(ObjectRef::new(ObjectKind::Subscription, &one.id)),
        _ => None,
    }
}
