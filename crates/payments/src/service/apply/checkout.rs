//! A checkout session: how it ended, and whether it is the one that we began.

use quoin_db::Tx;
use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;
use serde_json::json;

use super::Applied;
use crate::error::PaymentsError;
use crate::model::explanation::changes;
use crate::model::remote::{CheckoutState, RemoteCheckout};
use crate::model::{ObjectKind, ObjectRef};
use crate::port::Provider;
use crate::service::carry_out::read_subject;
use crate::store::checkouts::{self, Checkout};
use crate::store::{checkouts_global, customers, prices_global};
use crate::{Payments, jobs};

impl Payments {
    pub(super) fn apply_checkout(
        &self,
        tx: &mut Tx<'_>,
        provider: &dyn Provider,
        remote: &RemoteCheckout,
        now: Timestamp,
    ) -> Result<Applied, PaymentsError> {
        let Some((subject, checkout)) = find(tx, remote)? else { return Ok(Applied::foreign()) };
        if checkout.remote_id.is_none() {
            // The provider made it, and its answer was lost.
            checkouts::set_remote(tx, subject, checkout.id, &remote.id, "")?;
        }
        if let Some(subscription) = &remote.subscription {
            let object = ObjectRef::new(ObjectKind::Subscription, subscription);
            jobs::hear(self.app().rng(), tx, provider.name(), (&object, "checkout"), now)?;
        }
        let problem = mismatch_of(tx, provider, remote, subject, &checkout)?;
        let ending = match remote.state {
            CheckoutState::Open => return Ok(Applied::with(changes(None, &json!({})))),
            CheckoutState::Complete => "complete",
            CheckoutState::Expired if checkout.state == "replaced" => "replaced",
            CheckoutState::Expired => "expired",
        };
        let before = json!({"state": checkout.state});
        if !checkouts::close(tx, subject, checkout.id, (ending, problem), now)? {
            checkouts::correct(tx, subject, checkout.id, (ending, problem))?;
        }
        if let Some(problem) = problem {
            tracing::error!(checkout = %checkout.id, problem, "a checkout ended with what we did not ask for");
        }
        Ok(Applied::with(changes(Some(&before), &json!({"state": ending}))))
    }
}

fn mismatch_of(
    tx: &mut Tx<'_>,
    provider: &dyn Provider,
    remote: &RemoteCheckout,
    subject: Subject,
    checkout: &Checkout,
) -> Result<Option<&'static str>, PaymentsError> {
    if remote.live != provider.is_live() {
        return Ok(Some("livemode"));
    }
    if let Some(customer) = &remote.customer {
        let owner = customers::find_owner(tx, provider.name(), customer)?;
        if owner.is_none_or(|owner| owner.subject != subject) {
            return Ok(Some("customer"));
        }
    }
    let (plan, _) = &checkout.plan;
    let prices = prices_global::list(tx, plan)?;
    let Some(price) = prices.iter().find(|price| price.id == checkout.price_id) else {
        return Ok(Some("price"));
    };
    if remote.currency.is_some_and(|currency| currency != price.currency) {
        return Ok(Some("currency"));
    }
    // A trial owes nothing now; anything else is the price times the quantity, before discounts.
    let expected = price.amount.saturating_mul(checkout.quantity);
    let as_asked = remote
        .subtotal
        .is_none_or(|subtotal| subtotal == expected || (subtotal == 0 && price.trial_days > 0));
    Ok((!as_asked).then_some("amount"))
}

/// Finds our checkout: by the session's id, else by what we wrote into the session.
fn find(tx: &mut Tx<'_>, remote: &RemoteCheckout) -> Result<Option<(Subject, Checkout)>, PaymentsError> {
    let known = checkouts_global::find_subject(tx, &remote.id)?;
    let noted = || {
        let subject = read_subject(remote.metadata.get("quoin_subject")?).ok()?;
        Some((subject, remote.metadata.get("quoin_checkout")?.parse().ok()?))
    };
    let Some((subject, id)) = known.or_else(noted) else { return Ok(None) };
    let found = checkouts::find(tx, subject, id)?;
    // Another session that names a checkout of ours is not the one we began.
    let ours = found.filter(|one| one.remote_id.as_deref().is_none_or(|remote_id| remote_id == remote.id));
    Ok(ours.map(|checkout| (subject, checkout)))
}
