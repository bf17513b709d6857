//! Beginning a checkout: one open session per subject, whoever clicks how often.

use std::time::Duration;

use quoin_audit::Entry;
use quoin_db::{DbError, Tx};
use quoin_kernel::Id;
use quoin_kernel::billing::Subject;
use quoin_kernel::hash::sha256;
use uuid::Uuid;

use super::forget::closing_of;
use super::open_portal::Payer;
use crate::Payments;
use crate::adapters::manual::DUE_AFTER;
use crate::config::ProviderName;
use crate::error::PaymentsError;
use crate::model::command::StartCheckout;
use crate::model::{
    Command, Currency, Interval, ObjectKind, ObjectRef, Outcome, Plan, PlanId, Price, Status, Subscription,
};
use crate::port::Provider;
use crate::store::checkouts::{self, Checkout};
use crate::store::intents_global::{self, Intent};
use crate::store::{plans_global, subscriptions};

/// What somebody wants to buy.
#[derive(Debug, Clone)]
pub struct Order {
    /// Which plan.
    pub plan: PlanId,
    /// Which of its intervals; its first price by default.
    pub interval: Option<Interval>,
    /// In which currency; that of its first price by default.
    pub currency: Option<Currency>,
    /// How many; 1 by default, for prices per seat the number of members.
    pub quantity: Option<i64>,
    /// A code to apply.
    pub coupon: Option<String>,
    /// Where to go after paying, checked.
    pub success_url: String,
    /// Where to go instead of paying, checked.
    pub cancel_url: String,
}

/// A checkout that waits for its payer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The session at the provider.
    pub session_id: String,
    /// Where to pay.
    pub url: String,
}

/// What the transaction that claims the checkout found.
enum Claim {
    /// It is ours to open, or opened by the same wish before.
    Open(Box<Checkout>),
    /// Another wish of the same subject is open; it must be closed first.
    Replace(Box<Checkout>),
}

/// What the transaction that writes the intent down found.
enum Written {
    /// The session was opened meanwhile.
    Opened(Started),
    /// This intent is to be carried out.
    Down(Uuid),
}

impl Started {
    /// Returns where to pay, where the session was opened already.
    fn by(checkout: &Checkout) -> Option<Self> {
        let url = checkout.url.clone().filter(|url| !url.is_empty())?;
        Some(Self { session_id: checkout.remote_id.clone()?, url })
    }
}

/// How many times a session of another wish is closed before the caller is told to come back.
const MOST_REPLACEMENTS: u32 = 3;

impl Payments {
    /// Opens a checkout session, or finds the one that the same wish has opened.
    ///
    /// # Errors
    /// [`PaymentsError::AlreadySubscribed`] where a subscription is there and the plan does not stand beside others.
    pub async fn start_checkout(
        &self,
        payer: &Payer,
        order: &Order,
        entry: Entry,
    ) -> Result<Started, PaymentsError> {
        let provider = self.provider()?;
        let customer = self.customer(&provider, payer).await?;
        for _ in 0..MOST_REPLACEMENTS {
            match self.claim_checkout(provider.name(), payer.subject, order, entry.clone()).await? {
                Claim::Open(checkout) => {
                    return self.open(&provider, payer, order, &customer, *checkout).await;
                }
                Claim::Replace(checkout) => self.replace(payer.subject, &checkout).await?,
            }
        }
        Err(PaymentsError::InProgress)
    }

    async fn claim_checkout(
        &self,
        provider: &'static str,
        subject: Subject,
        order: &Order,
        entry: Entry,
    ) -> Result<Claim, PaymentsError> {
        let (order, now, id) =
            (order.clone(), self.now(), Id::<Checkout>::new(self.now(), self.app().rng()).uuid());
        let expires_at = now + self.checkout_lifetime();
        let wish_hash = sha256(format!("{order:?}").as_bytes()).to_vec();
        self.db()
            .write("payments.checkouts.claim", move |tx| {
                let (plan, price) = on_sale(tx, &order)?;
                let open = checkouts::find_open(tx, subject)?;
                // What waits for the money of the checkout that is open does not stand in its own way.
                let waits = |one: &Subscription| open.is_some() && one.status == Status::Incomplete;
                let mut live = subscriptions::list(tx, subject)?.into_iter().filter(Subscription::is_live);
                if live.any(|one| !waits(&one)) && !plan.rules.several {
                    return Err(PaymentsError::AlreadySubscribed);
                }
                if let Some(open) = open {
                    // One that runs out in a minute is not worth being sent to.
                    let same = open.wish_hash == wish_hash
                        && open.expires_at > now + Duration::from_mins(1)
                        && open.provider.as_deref().is_none_or(|name| name == provider);
                    let open = Box::new(open);
                    return Ok(if same { Claim::Open(open) } else { Claim::Replace(open) });
                }
                let checkout = Checkout {
                    id,
                    plan: (plan.id.clone(), plan.version),
                    price_id: price.id,
                    quantity: quantity(tx, subject, &order, &price)?,
                    wish_hash: wish_hash.clone(),
                    remote_id: None,
                    url: None,
                    expires_at,
                    state: "open".into(),
                    provider: Some(provider.to_owned()),
                };
                checkouts::insert(tx, subject, &checkout, now)?;
                quoin_audit::record(tx, &entry.clone().in_org_of(subject.org_id()).on(&plan.id))?;
                Ok(Claim::Open(Box::new(checkout)))
            })
            .await
    }

    /// How long somebody has to pay; a transfer takes days.
    fn checkout_lifetime(&self) -> Duration {
        match self.config().provider {
            ProviderName::Stripe => Duration::from_secs(u64::from(self.config().checkout_minutes) * 60),
            ProviderName::Manual => DUE_AFTER,
        }
    }

    async fn open(
        &self,
        provider: &std::sync::Arc<dyn Provider>,
        payer: &Payer,
        order: &Order,
        customer: &str,
        checkout: Checkout,
    ) -> Result<Started, PaymentsError> {
        if let Some(started) = Started::by(&checkout) {
            return Ok(started);
        }
        let (subject, checkout_id) = (payer.subject, checkout.id);
        let intent = self.checkout_intent(provider.as_ref(), subject, order, customer, &checkout).await?;
        let written = move |tx: &mut Tx<'_>| {
            // Another click may have opened the session since this one found it unopened.
            let open = checkouts::find_open(tx, subject)?.filter(|open| open.id == checkout_id);
            match open.as_ref().and_then(Started::by) {
                Some(started) => Ok(Written::Opened(started)),
                None => Self::write_down(tx, &intent).map(Written::Down),
            }
        };
        let id = match self.db().write("payments.checkouts.open", written).await? {
            Written::Opened(started) => return Ok(started),
            Written::Down(id) => id,
        };
        match self.carry_out(id).await? {
            Outcome::Page { id, url } => Ok(Started { session_id: id.unwrap_or_default(), url }),
            _ => Err(PaymentsError::InProgress),
        }
    }

    /// Describes the session. What was written down for this checkout before is taken as it stands.
    async fn checkout_intent(
        &self,
        provider: &dyn Provider,
        subject: Subject,
        order: &Order,
        customer: &str,
        checkout: &Checkout,
    ) -> Result<Intent, PaymentsError> {
        let target = format!("checkout:{}", checkout.id);
        let (pending, wanted) = (target.clone(), order.plan.clone());
        let (intent, plan, tried) = self
            .db()
            .read("payments.checkouts.describe", move |tx| {
                let pending = intents_global::find_pending(tx, &pending)?;
                let tried = subscriptions::list(tx, subject)?.iter().any(|one| one.trial_end.is_some());
                Ok::<_, DbError>((pending, plans_global::find(tx, &wanted)?, tried))
            })
            .await?;
        if let Some(intent) = intent {
            return Ok(intent);
        }
        let plan = plan.ok_or(PaymentsError::NoSuchPlan)?;
        let price = plan.prices.iter().find(|price| price.id == checkout.price_id);
        let price = price.ok_or(PaymentsError::NoSuchPrice)?;
        let remote = |price: &Price| price.remote_id.clone();
        let metered = plan.metered_beside(price).map(remote).collect::<Option<_>>();
        let command = Command::StartCheckout(StartCheckout {
            checkout_id: checkout.id,
            subject: subject.to_string(),
            customer: customer.to_owned(),
            price: remote(price).ok_or(PaymentsError::PlanNotPublished)?,
            quantity: checkout.quantity,
            metered_prices: metered.ok_or(PaymentsError::PlanNotPublished)?,
            // Whoever has had a trial, of whichever plan, has had theirs.
            trial_days: if tried { 0 } else { price.trial_days },
            plan_id: checkout.plan.0.to_string(),
            plan_version: checkout.plan.1,
            promotion: self.promotion(order).await?,
            collect_tax_id: self.config().collect_tax_id,
            success_url: order.success_url.clone(),
            cancel_url: order.cancel_url.clone(),
            expires_at_s: checkout.expires_at.as_seconds(),
        });
        Ok(self.intent(provider, target, command))
    }

    /// Closes an open session of another wish, and looks how it ended: somebody may just have paid.
    async fn replace(&self, subject: Subject, checkout: &Checkout) -> Result<(), PaymentsError> {
        let provider = &self.provider_of(checkout.provider.as_deref())?;
        let pending = format!("checkout:{}", checkout.id);
        let read = move |tx: &mut Tx<'_>| intents_global::find_pending(tx, &pending);
        let pending: Result<_, DbError> = self.db().read("payments.intents.get", read).await;
        let mut session = checkout.remote_id.clone();
        if let Some(intent) = pending? {
            // It may have been opened and its answer lost: first find out.
            session = self.carry_out(intent.id).await?.id().map(str::to_owned);
        }
        if let Some(session) = session {
            let command = Command::ExpireCheckout { session: session.clone() };
            self.ask(self.intent(provider.as_ref(), closing_of(&session), command)).await?;
            let object = ObjectRef::new(ObjectKind::Checkout, &session);
            self.refresh(provider, &object, "replace").await?;
            if let Some(subscription) = self.paid_by(provider, &object).await? {
                // Somebody has just paid: what that made is written down before the plan is asked whether it may stand
                // beside it.
                let object = ObjectRef::new(ObjectKind::Subscription, subscription);
                self.refresh(provider, &object, "checkout").await?;
            }
        }
        let (id, now) = (checkout.id, self.now());
        let close = move |tx: &mut Tx<'_>| checkouts::close(tx, subject, id, ("replaced", None), now);
        let closed: Result<bool, DbError> = self.db().write("payments.checkouts.close", close).await;
        closed.map(|_| ()).map_err(Into::into)
    }

    async fn paid_by(
        &self,
        provider: &std::sync::Arc<dyn Provider>,
        session: &ObjectRef,
    ) -> Result<Option<String>, PaymentsError> {
        match provider.fetch(session).await? {
            Some(crate::model::remote::Remote::Checkout(checkout)) => Ok(checkout.subscription),
            _ => Ok(None),
        }
    }
}

fn on_sale(tx: &mut Tx<'_>, order: &Order) -> Result<(Plan, Price), PaymentsError> {
    let plan =
        plans_global::find(tx, &order.plan)?.filter(|plan| plan.active).ok_or(PaymentsError::NoSuchPlan)?;
    let price = plan.price_for(order.interval, order.currency).cloned().ok_or(PaymentsError::NoSuchPrice)?;
    if price.remote_id.is_none() {
        return Err(PaymentsError::PlanNotPublished);
    }
    Ok((plan, price))
}

fn quantity(tx: &mut Tx<'_>, subject: Subject, order: &Order, price: &Price) -> Result<i64, PaymentsError> {
    let members = match subject {
        Subject::Org(org_id) if price.per_seat => quoin_tenancy::count_members(tx, org_id)?,
        _ => 1,
    };
    match order.quantity {
        None => Ok(members.max(1)),
        Some(quantity) if quantity < members && price.per_seat => Err(PaymentsError::Unusable {
            field: "quantity",
            problem: format!("the organisation has {members} members"),
        }),
        Some(quantity) if (1..=1_000_000).contains(&quantity) => Ok(quantity),
        Some(_) => Err(PaymentsError::Unusable { field: "quantity", problem: "must be 1 or more".into() }),
    }
}
