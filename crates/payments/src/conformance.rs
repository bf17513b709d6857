//! What every provider must do, as one suite that each adapter passes: through the port alone, on a provider that is real
//! to it (Stripe's twin over HTTP, the manual provider's books).

mod meters;

use std::sync::Arc;
use std::time::Duration;

use quoin_audit::{Actor, Entry};
use quoin_kernel::billing::Subject;
use quoin_kernel::port::BoxFuture;
use quoin_kernel::{Id, OrgId, Timestamp};
use serde_json::json;
use uuid::Uuid;

use crate::Payments;
use crate::model::command::{
    ChangeSubscription, CreateCustomer, CreditNoteCommand, RefundCommand, ScheduleChange, StartCheckout,
};
use crate::model::remote::{Remote, RemoteInvoice, RemoteSubscription};
use crate::model::{Command, Interval, ObjectKind, ObjectRef, Outcome, Plan, Price, Status};
use crate::port::{IntentKey, Provider, ProviderError};

/// How long something that the provider does by itself may take, in real time.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a provider's surroundings do in the suite.
pub trait World: Send + Sync {
    /// A room that sells through the provider.
    fn room(&self) -> &Payments;

    /// The provider.
    fn provider(&self) -> Arc<dyn Provider>;

    /// Pays what was ordered on this page, and returns the subscription there.
    fn pay<'a>(&'a self, page: &'a Outcome) -> BoxFuture<'a, String>;

    /// Tells whether the provider bills metered use.
    fn bills_use(&self) -> bool;

    /// Lets time pass at the provider.
    fn advance(&self, time: Duration) -> BoxFuture<'_, ()>;
}

/// Drives a provider through everything that the room asks of one.
///
/// # Panics
/// Where it does not do what the port says.
pub async fn run(world: &dyn World) {
    let suite = Suite { world, provider: world.provider() };
    let (small, large) = (suite.plan("small", 900).await, suite.plan("large", 1900).await);
    let customer = suite.customer().await;
    let one = suite.purchase(&customer, &large).await;
    suite.prices(&one, &small).await;
    suite.changes(&one, &small, &large).await;
    suite.waiting(&one, &small).await;
    suite.pauses(&one.id).await;
    suite.money(&one).await;
    suite.time(&one, &small).await;
    suite.ends(&one.id, &customer).await;
    suite.meters().await;
    suite.knows_nothing_of_strangers().await;
}

/// Sells two seats of a plan for 1900 each, and returns the subscription.
///
/// # Panics
/// Where the provider does not do what the port says.
pub async fn subscribed(world: &dyn World) -> RemoteSubscription {
    let suite = Suite { world, provider: world.provider() };
    let sold = suite.plan("large", 1900).await;
    let customer = suite.customer().await;
    suite.purchase(&customer, &sold).await
}

struct Suite<'a> {
    world: &'a dyn World,
    provider: Arc<dyn Provider>,
}

/// A plan of the suite with its monthly price.
struct Sold {
    plan: Plan,
    price: Price,
}

impl Sold {
    fn remote(&self) -> String {
        self.price.remote_id.clone().expect("the price was published")
    }

    fn metered(&self) -> Vec<String> {
        let prices = self.plan.metered_beside(&self.price);
        prices.map(|price| price.remote_id.clone().expect("the price was published")).collect()
    }
}

impl Suite<'_> {
    fn now(&self) -> Timestamp {
        self.world.room().now()
    }

    fn key(&self) -> IntentKey {
        let intent = Id::<Uuid>::new(self.now(), self.world.room().app().rng()).uuid();
        IntentKey { intent, key: format!("quoin-{intent}") }
    }

    /// Asks twice under one key, which must have the effect of once.
    async fn done(&self, command: &Command) -> Outcome {
        let key = self.key();
        let first = self.provider.perform(command, &key).await.expect("it is done");
        let again = self.provider.perform(command, &key).await.expect("it is done again");
        assert_eq!(first.id(), again.id(), "{command:?} was done twice");
        first
    }

    async fn fetch(&self, kind: ObjectKind, id: &str) -> Remote {
        let found = self.provider.fetch(&ObjectRef::new(kind, id)).await.expect("the provider answers");
        found.unwrap_or_else(|| panic!("no {} {id}", kind.as_str()))
    }

    async fn subscription(&self, id: &str) -> RemoteSubscription {
        match self.fetch(ObjectKind::Subscription, id).await {
            Remote::Subscription(one) => one,
            other => panic!("{other:?}"),
        }
    }

    async fn invoice(&self, id: &str) -> RemoteInvoice {
        match self.fetch(ObjectKind::Invoice, id).await {
            Remote::Invoice(one) => one,
            other => panic!("{other:?}"),
        }
    }

    async fn plan(&self, id: &str, amount: i64) -> Sold {
        self.plan_with(id, json!([{"interval": "month", "amount": amount, "currency": "usd"}])).await
    }

    async fn plan_with(&self, id: &str, prices: serde_json::Value) -> Sold {
        let room = self.world.room();
        let plan = json!({"id": id, "name": id, "prices": prices});
        let plan = serde_json::from_value(plan).expect("a plan");
        let entry = Entry::new(room.app().rng(), self.now(), Actor::System("conformance"), "test");
        let made = room.create_plan(plan, entry).await.expect("the plan is made");
        let plans = room.list_plans(true).await.expect("the plans");
        let plan = plans.into_iter().find(|plan| plan.id == made.id).expect("the plan");
        let price = plan.price_for(None, None).cloned().expect("a price");
        Sold { plan, price }
    }

    async fn customer(&self) -> String {
        let subject = OrgId::new(self.now(), self.world.room().app().rng());
        let command = Command::CreateCustomer(CreateCustomer {
            subject_kind: "org".into(),
            subject_id: subject.uuid(),
            email: Some("payer@example.com".into()),
            name: None,
        });
        let key = self.key();
        let made = self.provider.perform(&command, &key).await.expect("it is made");
        let found = self.provider.look_up(&command, &key).await.expect("it is looked up");
        assert_eq!(found.expect("what was made is found").id(), made.id());
        made.id().expect("an id").to_owned()
    }

    async fn purchase(&self, customer: &str, sold: &Sold) -> RemoteSubscription {
        let subject = Subject::Org(OrgId::new(self.now(), self.world.room().app().rng()));
        let order = StartCheckout {
            checkout_id: self.key().intent,
            subject: subject.to_string(),
            customer: customer.to_owned(),
            price: sold.remote(),
            quantity: 2,
            metered_prices: sold.metered(),
            trial_days: 0,
            plan_id: sold.plan.id.to_string(),
            plan_version: sold.plan.version,
            promotion: None,
            collect_tax_id: false,
            success_url: "https://app.example.com/done".into(),
            cancel_url: "https://app.example.com/back".into(),
            expires_at_s: (self.now() + Duration::from_hours(1)).as_seconds(),
        };
        let page = self.done(&Command::StartCheckout(order)).await;
        assert!(matches!(&page, Outcome::Page { id: Some(_), url } if !url.is_empty()), "{page:?}");
        let id = self.world.pay(&page).await;
        let one = self.subscription(&id).await;
        self.holds(&one, sold);
        assert_eq!((one.status, one.customer.as_str()), (Status::Active, customer));
        let item = &one.items[0];
        assert_eq!((&item.price, item.quantity, item.amount), (&sold.remote(), 2, sold.price.amount));
        assert_eq!(one.metadata.get("quoin_subject"), Some(&subject.to_string()));
        assert_eq!(one.metadata.get("quoin_plan").map(String::as_str), Some(sold.plan.id.as_str()));
        assert_eq!(one.live, self.provider.is_live());
        let checkout = self.fetch(ObjectKind::Checkout, page.id().expect("an id")).await;
        assert!(matches!(checkout, Remote::Checkout(c) if c.subscription.as_ref() == Some(&id)));
        let listed = self.provider.list(ObjectKind::Subscription, None).await.expect("a list");
        assert!(listed.objects.iter().any(|found| matches!(found, Remote::Subscription(s) if s.id == id)));
        one
    }

    fn change(one: &RemoteSubscription, to: &Sold, quantity: i64) -> ChangeSubscription {
        ChangeSubscription {
            subscription: one.id.clone(),
            item: one.items[0].id.clone(),
            customer: one.customer.clone(),
            price: to.remote(),
            metered_prices: Some(to.metered()),
            quantity,
            plan_id: to.plan.id.to_string(),
            plan_version: to.plan.version,
            prorate: true,
            paid_first: false,
            ends_trial: false,
        }
    }

    fn later(one: &RemoteSubscription, to: &Sold, quantity: i64) -> Command {
        Command::ScheduleChange(ScheduleChange {
            change: Self::change(one, to, quantity),
            quantity_now: one.items[0].quantity,
            interval: Interval::Month,
            interval_count: 1,
        })
    }

    async fn prices(&self, one: &RemoteSubscription, small: &Sold) {
        let preview = self.provider.preview(&Self::change(one, small, 1)).await.expect("a preview");
        assert!(!preview.lines.is_empty(), "{preview:?}");
        let sum: i64 = preview.lines.iter().map(|line| line.amount).sum();
        assert_eq!(sum, preview.total, "without discounts the lines are the total");
        let upcoming = self.provider.upcoming(&one.customer, &one.id).await.expect("an answer");
        assert_eq!(upcoming.expect("it goes on").total, 3800);
        assert_eq!(self.subscription(&one.id).await.items, one.items, "a preview changes nothing");
    }

    async fn changes(&self, one: &RemoteSubscription, small: &Sold, large: &Sold) {
        self.done(&Command::ChangeSubscription(Self::change(one, small, 3))).await;
        let changed = self.subscription(&one.id).await;
        let item = &changed.items[0];
        assert_eq!((&item.price, item.quantity, item.amount), (&small.remote(), 3, 900));
        assert_eq!(changed.metadata.get("quoin_plan").map(String::as_str), Some("small"));
        self.done(&Command::ChangeSubscription(Self::change(&changed, large, 2))).await;
        let nothing =
            ChangeSubscription { subscription: "sub_nothing".into(), ..Self::change(one, small, 1) };
        let refused = self.provider.perform(&Command::ChangeSubscription(nothing), &self.key()).await;
        assert!(matches!(refused, Err(ProviderError::Refused { .. })), "{refused:?}");
    }

    async fn waiting(&self, one: &RemoteSubscription, small: &Sold) {
        let id = &one.id;
        let planned = |quantity| Self::later(one, small, quantity);
        self.done(&planned(1)).await;
        let now = self.subscription(id).await;
        let waits = now.waiting.clone().expect("it waits");
        assert_eq!(
            (waits.price, waits.quantity, Some(waits.at)),
            (small.remote(), 1, now.items[0].period_end)
        );
        assert_eq!((now.items[0].quantity, now.items[0].amount), (2, 1900), "until then it stays as it is");
        self.done(&planned(4)).await;
        assert_eq!(self.subscription(id).await.waiting.expect("it waits").quantity, 4);
        self.done(&Command::UnscheduleChange { subscription: id.clone() }).await;
        assert_eq!(self.subscription(id).await.waiting, None);
        self.done(&planned(1)).await;
        self.done(&Command::CancelSubscription { subscription: id.clone(), at_once: false }).await;
        let ending = self.subscription(id).await;
        assert_eq!((ending.waiting, ending.cancel_at), (None, one.items[0].period_end));
        self.done(&Command::ResumeSubscription { subscription: id.clone() }).await;
        let resumed = self.subscription(id).await;
        assert_eq!((resumed.waiting, resumed.cancel_at), (None, None));
    }

    async fn pauses(&self, id: &str) {
        let resumes_at_s = Some((self.now() + Duration::from_hours(48)).as_seconds());
        let pause = |paused, resumes_at_s| Command::PauseSubscription {
            subscription: id.to_owned(),
            paused,
            resumes_at_s,
        };
        self.done(&pause(true, resumes_at_s)).await;
        let paused = self.subscription(id).await;
        assert_eq!((paused.paused, paused.resumes_at.map(Timestamp::as_seconds)), (true, resumes_at_s));
        self.done(&pause(false, None)).await;
        let resumed = self.subscription(id).await;
        assert_eq!((resumed.paused, resumed.resumes_at), (false, None));
    }

    async fn money(&self, one: &RemoteSubscription) {
        let latest = one.latest_invoice.clone().expect("it was billed");
        let invoice = self.invoice(&latest.id).await;
        let lines: i64 = invoice.lines.iter().map(|line| line.amount).sum();
        assert_eq!((invoice.status.as_str(), invoice.total, lines), ("paid", 3800, invoice.subtotal));
        let reason = Some("requested_by_customer".to_owned());
        let wish = RefundCommand { invoice: invoice.id.clone(), amount: Some(300), reason };
        let refund = self.done(&Command::Refund(wish)).await;
        let refund = self.fetch(ObjectKind::Refund, refund.id().expect("an id")).await;
        assert!(
            matches!(&refund, Remote::Refund(r) if r.amount == 300 && r.status == "succeeded"),
            "{refund:?}"
        );
        let wish = Command::CreateCreditNote(CreditNoteCommand {
            invoice: invoice.id.clone(),
            amount: 500,
            refund: 0,
            balance: 500,
            out_of_band: 0,
            reason: Some("order_change".into()),
            memo: Some("Thank you".into()),
        });
        let note = self.done(&wish).await;
        let note = self.fetch(ObjectKind::CreditNote, note.id().expect("an id")).await;
        let Remote::CreditNote(note) = note else { panic!("{note:?}") };
        assert_eq!((note.invoice, note.amount, note.credited), (invoice.id, 500, 500));
        let balance = self.provider.balance(&one.customer).await.expect("an answer");
        assert_eq!(balance.map(|money| money.amount), Some(500));
    }

    /// When the period ends, what waits happens, and the next invoice is for it.
    async fn time(&self, one: &RemoteSubscription, small: &Sold) {
        self.done(&Self::later(one, small, 1)).await;
        let renewed = self.renewed(one).await;
        assert_eq!((&renewed.items[0].price, renewed.items[0].quantity), (&small.remote(), 1));
        assert_eq!(renewed.metadata.get("quoin_plan").map(String::as_str), Some("small"));
        let next = self.invoice(&renewed.latest_invoice.expect("it was billed").id).await;
        assert!(next.lines.iter().any(|line| line.amount == 900 && !line.proration), "{next:?}");
    }

    /// Lets the period end, and waits until the next one has its invoice.
    async fn renewed(&self, one: &RemoteSubscription) -> RemoteSubscription {
        self.world.advance(Duration::from_hours(24 * 32)).await;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let now = self.subscription(&one.id).await;
            if now.waiting.is_none() && now.latest_invoice != one.latest_invoice {
                return now;
            }
            assert!(tokio::time::Instant::now() < deadline, "the period does not end: {now:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn ends(&self, id: &str, customer: &str) {
        self.done(&Command::CancelSubscription { subscription: id.to_owned(), at_once: true }).await;
        assert_eq!(self.subscription(id).await.status, Status::Canceled);
        let erase = Command::EraseCustomer { customer: customer.to_owned() };
        self.done(&erase).await;
        self.provider.perform(&erase, &self.key()).await.expect("what is gone may be erased again");
        assert_eq!(self.subscription(id).await.status, Status::Canceled);
    }

    async fn knows_nothing_of_strangers(&self) {
        use ObjectKind::{Checkout, CreditNote, Dispute, Invoice, Product, Refund, Subscription};
        for kind in [Product, Checkout, Subscription, Invoice, Refund, Dispute, CreditNote] {
            let found = self.provider.fetch(&ObjectRef::new(kind, "nothing_1")).await;
            assert_eq!(found.expect("an answer"), None, "{kind:?}");
        }
        let unsigned = self.provider.read_announcement(None, b"{}", self.now());
        assert!(unsigned.is_err(), "an event without a signature is believed");
    }
}
