//! One comparison from its beginning to its end, in as many pieces as it takes.

use std::sync::Arc;
use std::time::Duration;

use quoin_db::{DbError, Tx};
use quoin_kernel::Timestamp;
use tokio::time::Instant;

use super::{LATELY, Reach, Reconciled};
use crate::Payments;
use crate::error::PaymentsError;
use crate::model::ObjectKind;
use crate::port::{Provider, ProviderError};
use crate::store::reconciliations_global::{self, Progress};

/// How long a comparison may hold its lease without writing down how far it has come.
const LEASE: Duration = Duration::from_mins(25);

/// What is compared with a provider, in this order.
const STAGES: [Stage; 7] = [
    Stage::Listed(ObjectKind::Product),
    Stage::Listed(ObjectKind::Subscription),
    Stage::Ours,
    Stage::Listed(ObjectKind::Invoice),
    Stage::Listed(ObjectKind::Refund),
    Stage::Listed(ObjectKind::Dispute),
    Stage::Listed(ObjectKind::CreditNote),
];

/// A part of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// What the provider lists.
    Listed(ObjectKind),
    /// What is live here.
    Ours,
}

/// A part of a comparison with its provider; checkouts come last, each with its own.
struct Step {
    name: String,
    at: Option<(Arc<dyn Provider>, Stage)>,
}

impl Payments {
    /// Compares what every provider has with what is written down, repairs and reports.
    ///
    /// # Errors
    /// Where a provider cannot be listed; what was repaired by then stays.
    pub async fn reconcile(&self, reach: Reach) -> Result<Reconciled, PaymentsError> {
        let (mut report, mut progress) = (Reconciled::default(), Progress::begin(self.now()));
        while self.compare_next(reach, &mut progress, &mut report).await? {}
        report.complete = true;
        Ok(report)
    }

    /// Goes on with the comparison where the last one stopped, begins no further page after the time is up, and keeps how far it
    /// has come. Reports this piece.
    ///
    /// # Errors
    /// As [`Payments::reconcile`]; [`PaymentsError::InProgress`] while somebody else compares, or where somebody else has gone on
    /// because this one took too long.
    pub async fn reconcile_within(&self, reach: Reach, time: Duration) -> Result<Reconciled, PaymentsError> {
        let deadline = Instant::now() + time;
        let now = self.now();
        let mut held = now + LEASE;
        let claim = move |tx: &mut Tx<'_>| reconciliations_global::claim(tx, reach.as_str(), (now, held));
        let claimed: Result<_, DbError> = self.db().write("payments.reconciliations.claim", claim).await;
        let mut progress = claimed?.ok_or(PaymentsError::InProgress)?;
        let mut report = Reconciled::default();
        loop {
            let compared = self.compare_next(reach, &mut progress, &mut report).await;
            report.complete = matches!(compared, Ok(false));
            let stops = !matches!(compared, Ok(true)) || Instant::now() >= deadline;
            if matches!(compared, Err(PaymentsError::Provider(ProviderError::Refused { .. }))) {
                // The place in the list is gone there: this part begins anew.
                progress.place = None;
            }
            held = self.keep_progress(reach, &progress, held, (&report, stops)).await?;
            if stops {
                report.at = progress.step.filter(|_| !report.complete);
                return compared.map(|_| report);
            }
        }
    }

    /// Writes down how far this has come; answers until when the lease is held then.
    async fn keep_progress(
        &self,
        reach: Reach,
        progress: &Progress,
        held: Timestamp,
        (report, stops): (&Reconciled, bool),
    ) -> Result<Timestamp, PaymentsError> {
        let (now, progress) = (self.now(), progress.counting(report.checked, report.repaired.len()));
        let lease_until = (!stops).then(|| now + LEASE);
        let progress = if report.complete { progress.ended() } else { progress };
        let keep = move |tx: &mut Tx<'_>| {
            reconciliations_global::keep(tx, reach.as_str(), &progress, held, (now, lease_until))
        };
        let kept: Result<bool, DbError> = self.db().write("payments.reconciliations.keep", keep).await;
        if kept? { Ok(now + LEASE) } else { Err(PaymentsError::InProgress) }
    }

    /// Compares the next page; `false` where none is left.
    async fn compare_next(
        &self,
        reach: Reach,
        progress: &mut Progress,
        report: &mut Reconciled,
    ) -> Result<bool, PaymentsError> {
        let steps = self.steps();
        let at = progress.step.as_ref().and_then(|name| steps.iter().position(|step| step.name == *name));
        let (at, place) = at.map_or((0, None), |at| (at, progress.place.as_deref()));
        let since = (reach == Reach::Lately).then(|| progress.started_at - LATELY);
        let step = &steps[at];
        let next = match &step.at {
            Some((provider, Stage::Listed(kind))) => {
                let since = since.filter(|_| !matches!(kind, ObjectKind::Product | ObjectKind::Subscription));
                self.compare_listed(provider, *kind, since, place, report).await?
            }
            Some((provider, Stage::Ours)) => {
                self.compare_ours(provider, (progress.started_at, place), report).await?
            }
            None => self.compare_checkouts(place, report).await?,
        };
        let following = if next.is_some() { Some(step) } else { steps.get(at + 1) };
        progress.step = following.map(|step| step.name.clone());
        progress.place = next;
        Ok(following.is_some())
    }

    fn steps(&self) -> Vec<Step> {
        let of = |provider: Arc<dyn Provider>| {
            STAGES.into_iter().map(move |stage| {
                let what = match stage {
                    Stage::Listed(kind) => kind.as_str(),
                    Stage::Ours => "ours",
                };
                Step { name: format!("{}:{what}", provider.name()), at: Some((provider.clone(), stage)) }
            })
        };
        let last = Step { name: "checkouts".to_owned(), at: None };
        self.providers().into_iter().flat_map(of).chain([last]).collect()
    }
}
