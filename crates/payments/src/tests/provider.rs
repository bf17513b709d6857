//! A provider in memory that is as strict as a real one about idempotency keys, and as unreliable as a test wants.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use quoin_kernel::Timestamp;
use quoin_kernel::port::BoxFuture;
use tokio::sync::Notify;

use crate::model::command::{ChangeSubscription, ScheduleChange};
use crate::model::money::Money;
use crate::model::remote::{
    CheckoutState, Remote, RemoteChange, RemoteCheckout, RemoteCreditNote, RemoteDispute, RemoteInvoice,
    RemoteItem, RemotePrice, RemoteProduct, RemoteSubscription,
};
use crate::model::{Announcement, Command, ObjectKind, ObjectRef, Outcome, Status};
use crate::port::{IntentKey, InvalidAnnouncement, Preview, Provider, ProviderError, RemotePage};

/// What a call does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It fails before anything is done.
    Before,
    /// It is done, and the answer is lost.
    After,
}

/// Everything the provider keeps.
#[derive(Default)]
pub(super) struct Books {
    pub(super) products: BTreeMap<String, RemoteProduct>,
    pub(super) customers: BTreeMap<String, String>,
    pub(super) checkouts: BTreeMap<String, RemoteCheckout>,
    pub(super) wishes: BTreeMap<String, crate::model::command::StartCheckout>,
    pub(super) subscriptions: BTreeMap<String, RemoteSubscription>,
    pub(super) invoices: BTreeMap<String, RemoteInvoice>,
    pub(super) refunds: BTreeMap<String, crate::model::remote::RemoteRefund>,
    pub(super) notes: BTreeMap<String, RemoteCreditNote>,
    pub(super) disputes: BTreeMap<String, RemoteDispute>,
    pub(super) balances: BTreeMap<String, Money>,
    pub(super) scheduled: BTreeMap<String, ScheduleChange>,
    /// The changes that were previewed, in their order.
    pub(super) previewed: Vec<ChangeSubscription>,
    /// What was done, in its order.
    pub(super) done: Vec<Command>,
    keys: HashMap<String, (Command, Outcome)>,
    made: HashMap<uuid::Uuid, Outcome>,
}

impl Books {
    /// Takes the newest change of what was done.
    pub(super) fn take_change(&mut self) -> ChangeSubscription {
        let newest = self.done.iter().rposition(|done| matches!(done, Command::ChangeSubscription(_)));
        match self.done.remove(newest.unwrap()) {
            Command::ChangeSubscription(change) => change,
            other => panic!("{other:?}"),
        }
    }
}

/// A provider in memory.
#[derive(Default)]
pub(super) struct Scripted {
    pub(super) books: Mutex<Books>,
    pub(super) troubles: Mutex<Vec<Trouble>>,
    pub(super) calls: AtomicU32,
    pub(super) keys_forgotten: std::sync::atomic::AtomicBool,
    /// Where set, a fetch reads its answer and then waits before it hands it over.
    pub(super) hold: Mutex<Option<std::sync::Arc<Notify>>>,
    pub(super) holding: Notify,
    next: AtomicU32,
    /// Whether objects can be read at all.
    pub(super) is_down: std::sync::atomic::AtomicBool,
    /// With which code it refuses reports of use, where it does.
    pub(super) refuses_reports: Mutex<Option<&'static str>>,
    /// What it answers to whatever it is to do, where set.
    pub(super) answers: Mutex<Option<fn() -> ProviderError>>,
    /// How many objects a page of its lists holds; all where it is 0.
    pub(super) page_size: std::sync::atomic::AtomicUsize,
    /// Whether cards pay nothing.
    pub(super) declines: std::sync::atomic::AtomicBool,
}

impl Books {
    /// Makes the items of metered prices.
    fn metered(&self, prices: &[String], like: &RemoteItem) -> Vec<RemoteItem> {
        let known: Vec<_> = self.products.values().flat_map(|product| &product.prices).collect();
        let item = |price: &String| {
            let price = known.iter().find(|known| known.id == *price && known.metered).unwrap();
            RemoteItem {
                id: format!("si_{}", price.id),
                price: price.id.clone(),
                quantity: 1,
                amount: price.amount,
                metered: true,
                ..like.clone()
            }
        };
        prices.iter().map(item).collect()
    }
}

impl Scripted {
    fn id(&self, kind: &str) -> String {
        format!("{kind}_{:06}", self.next.fetch_add(1, Ordering::SeqCst))
    }

    pub(super) fn with<T>(&self, change: impl FnOnce(&mut Books) -> T) -> T {
        change(&mut self.books.lock().unwrap())
    }

    /// Somebody pays on the hosted page.
    pub(super) fn pay(&self, session: &str, now: Timestamp) -> String {
        let wish = self.with(|books| books.wishes[session].clone());
        let id = self.id("sub");
        let one = self.with(|books| {
            let product =
                books.products.values().find(|p| p.prices.iter().any(|price| price.id == wish.price));
            let (product, price) = {
                let product = product.unwrap();
                (
                    product.id.clone(),
                    product.prices.iter().find(|price| price.id == wish.price).unwrap().clone(),
                )
            };
            let metadata = [
                ("quoin_subject", wish.subject.clone()),
                ("quoin_plan", wish.plan_id.clone()),
                ("quoin_plan_version", wish.plan_version.to_string()),
            ];
            let mut one = RemoteSubscription {
                id: id.clone(),
                customer: wish.customer.clone(),
                status: if wish.trial_days > 0 { Status::Trialing } else { Status::Active },
                items: vec![RemoteItem {
                    id: format!("si_{id}"),
                    price: price.id,
                    product,
                    quantity: wish.quantity,
                    amount: price.amount,
                    currency: price.currency,
                    metered: false,
                    created_at: now,
                    period_start: Some(now),
                    period_end: Some(now + std::time::Duration::from_hours(24 * 30)),
                }],
                started_at: now,
                trial_end: (wish.trial_days > 0)
                    .then(|| now + std::time::Duration::from_hours(24 * u64::from(wish.trial_days))),
                cancel_at: None,
                canceled_at: None,
                ended_at: None,
                paused: false,
                resumes_at: None,
                latest_invoice: None,
                waiting: None,
                discount: None,
                unpaid_since: None,
                live: false,
                metadata: metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            };
            let metered = books.metered(&wish.metered_prices, &one.items[0]);
            one.items.extend(metered);
            books.subscriptions.insert(id.clone(), one.clone());
            one
        });
        self.with(|books| {
            let checkout = books.checkouts.get_mut(session).unwrap();
            assert_eq!(checkout.state, CheckoutState::Open, "nobody can pay a closed session");
            (checkout.state, checkout.subscription) = (CheckoutState::Complete, Some(one.id.clone()));
        });
        id
    }

    pub(super) fn edit(&self, id: &str, change: impl FnOnce(&mut RemoteSubscription)) {
        self.with(|books| change(books.subscriptions.get_mut(id).unwrap()));
    }

    fn trouble(&self) -> Option<Trouble> {
        self.troubles.lock().unwrap().pop()
    }

    fn execute(&self, command: &Command, key: &IntentKey) -> Outcome {
        let done = self.publish(command).or_else(|| self.sell(command)).or_else(|| self.change(command));
        done.unwrap_or_else(|| self.settle(command, key))
    }

    fn publish(&self, command: &Command) -> Option<Outcome> {
        Some(match command {
            Command::PublishProduct(wish) => {
                let id = wish.product.clone().unwrap_or_else(|| format!("prod_{}", wish.plan_uuid.simple()));
                self.with(|books| {
                    let product = books.products.entry(id.clone()).or_insert_with(|| RemoteProduct {
                        id: id.clone(),
                        name: String::new(),
                        description: None,
                        active: true,
                        live: false,
                        metadata: [("quoin_plan".to_owned(), wish.plan_id.clone())].into(),
                        prices: Vec::new(),
                    });
                    product.name.clone_from(&wish.name);
                    product.description.clone_from(&wish.description);
                    product.active = wish.active;
                });
                object(id)
            }
            Command::PublishPrice(wish) => {
                let id = self.id("price");
                let price = RemotePrice {
                    id: id.clone(),
                    interval: wish.interval,
                    interval_count: wish.interval_count,
                    amount: wish.amount,
                    currency: wish.currency,
                    active: true,
                    metered: wish.meter.is_some(),
                    trial_days: wish.trial_days,
                    metadata: [("quoin_price".to_owned(), wish.price_id.to_string())].into(),
                };
                self.with(|books| books.products.get_mut(&wish.product).unwrap().prices.push(price));
                object(id)
            }
            Command::ArchivePrice { price, active } => {
                self.with(|books| {
                    let all = books.products.values_mut().flat_map(|product| &mut product.prices);
                    for one in all.filter(|one| one.id == *price) {
                        one.active = *active;
                    }
                });
                object(price.clone())
            }
            _ => return None,
        })
    }

    fn sell(&self, command: &Command) -> Option<Outcome> {
        Some(match command {
            Command::CreateCustomer(wish) => {
                let id = self.id("cus");
                let subject = format!("{}:{}", wish.subject_kind, wish.subject_id);
                self.with(|books| books.customers.insert(id.clone(), subject));
                object(id)
            }
            Command::EraseCustomer { customer } => {
                self.with(|books| {
                    books.customers.remove(customer);
                    let theirs = books.subscriptions.values_mut().filter(|one| one.customer == *customer);
                    theirs.for_each(|one| one.status = Status::Canceled);
                });
                object(customer.clone())
            }
            Command::StartCheckout(wish) => {
                let id = self.id("cs");
                let (subtotal, currency) = self.with(|books| {
                    let mut prices = books.products.values().flat_map(|product| &product.prices);
                    let price = prices.find(|price| price.id == wish.price).unwrap();
                    (price.amount * wish.quantity, price.currency)
                });
                let checkout = RemoteCheckout {
                    id: id.clone(),
                    state: CheckoutState::Open,
                    customer: Some(wish.customer.clone()),
                    subscription: None,
                    subtotal: Some(subtotal),
                    currency: Some(currency),
                    live: false,
                    metadata: [
                        ("quoin_checkout".to_owned(), wish.checkout_id.to_string()),
                        ("quoin_subject".to_owned(), wish.subject.clone()),
                    ]
                    .into(),
                };
                self.with(|books| {
                    books.checkouts.insert(id.clone(), checkout);
                    books.wishes.insert(id.clone(), wish.clone());
                });
                Outcome::Page { id: Some(id.clone()), url: format!("https://pay.example.com/{id}") }
            }
            Command::ExpireCheckout { session } => {
                self.with(|books| {
                    let checkout = books.checkouts.get_mut(session).unwrap();
                    if checkout.state == CheckoutState::Open {
                        checkout.state = CheckoutState::Expired;
                    }
                });
                Outcome::Nothing
            }
            Command::OpenPortal { customer, .. } => Outcome::Page {
                id: Some("bps".into()),
                url: format!("https://pay.example.com/portal/{customer}"),
            },
            _ => return None,
        })
    }

    fn sell_another(&self, wish: &ChangeSubscription) -> Outcome {
        let amount = self.with(|books| {
            let mut prices = books.products.values().flat_map(|product| &product.prices);
            prices.find(|price| price.id == wish.price).unwrap().amount
        });
        let metered = self.with(|books| {
            let first = &books.subscriptions[&wish.subscription].items[0];
            wish.metered_prices.as_ref().map(|prices| books.metered(prices, first))
        });
        self.edit(&wish.subscription, |one| {
            if let Some(metered) = metered {
                one.items.truncate(1);
                one.items.extend(metered);
            }
            let item = &mut one.items[0];
            (item.quantity, item.amount) = (wish.quantity, amount);
            item.price.clone_from(&wish.price);
            one.metadata.insert("quoin_plan".into(), wish.plan_id.clone());
            one.metadata.insert("quoin_plan_version".into(), wish.plan_version.to_string());
            one.waiting = None;
            if wish.ends_trial {
                one.status = Status::Active;
            }
        });
        object(wish.subscription.clone())
    }

    fn change(&self, command: &Command) -> Option<Outcome> {
        Some(match command {
            Command::ChangeSubscription(wish) => self.sell_another(wish),
            Command::ScheduleChange(wish) => {
                let change = &wish.change;
                self.with(|books| books.scheduled.insert(change.subscription.clone(), wish.clone()));
                self.edit(&change.subscription, |one| {
                    one.items[0].quantity = wish.quantity_now;
                    let words = [("quoin_plan_version".to_owned(), change.plan_version.to_string())];
                    one.waiting = one.items[0].period_end.map(|at| RemoteChange {
                        price: change.price.clone(),
                        quantity: change.quantity,
                        at,
                        metadata: words.into(),
                    });
                });
                object(change.subscription.clone())
            }
            Command::UnscheduleChange { subscription } => {
                self.edit(subscription, |one| one.waiting = None);
                object(subscription.clone())
            }
            Command::CancelSubscription { subscription, at_once } => {
                self.edit(subscription, |one| {
                    if *at_once {
                        one.status = Status::Canceled;
                    } else {
                        (one.cancel_at, one.waiting) = (one.items[0].period_end, None);
                    }
                });
                object(subscription.clone())
            }
            Command::ResumeSubscription { subscription } => {
                self.edit(subscription, |one| one.cancel_at = None);
                object(subscription.clone())
            }
            Command::PauseSubscription { subscription, paused, resumes_at_s } => {
                let until = resumes_at_s.map(|seconds| Timestamp::from_micros(seconds * 1_000_000));
                self.edit(subscription, |one| (one.paused, one.resumes_at) = (*paused, until));
                object(subscription.clone())
            }
            _ => return None,
        })
    }

    fn settle(&self, command: &Command, key: &IntentKey) -> Outcome {
        match command {
            Command::Refund(wish) => {
                let id = self.id("re");
                let invoice = self.with(|books| books.invoices[&wish.invoice].clone());
                let refund = crate::model::remote::RemoteRefund {
                    id: id.clone(),
                    invoice: Some(wish.invoice.clone()),
                    amount: wish.amount.unwrap_or(invoice.amount_paid),
                    currency: invoice.currency,
                    reason: wish.reason.clone(),
                    status: "succeeded".into(),
                    created_at: invoice.issued_at,
                };
                self.with(|books| books.refunds.insert(id.clone(), refund));
                object(id)
            }
            Command::CreateCreditNote(wish) => {
                let id = self.id("cn");
                self.with(|books| {
                    let invoice = books.invoices.get_mut(&wish.invoice).unwrap();
                    let (customer, currency) = (invoice.customer.clone(), invoice.currency);
                    if invoice.status == "open" {
                        invoice.amount_remaining -= wish.amount;
                    }
                    let note = RemoteCreditNote {
                        id: id.clone(),
                        invoice: wish.invoice.clone(),
                        number: Some(format!("{id}-CN")),
                        amount: wish.amount,
                        currency,
                        reason: wish.reason.clone(),
                        memo: wish.memo.clone(),
                        refunded: wish.refund,
                        credited: wish.balance,
                        out_of_band: wish.out_of_band,
                        refunds: Vec::new(),
                        status: "issued".into(),
                        created_at: invoice.issued_at,
                    };
                    books.notes.insert(id.clone(), note);
                    let balance = books.balances.entry(customer).or_insert(Money { amount: 0, currency });
                    balance.amount += wish.balance;
                });
                object(id)
            }
            Command::CreateCoupon(wish) => object(format!("promo_{}_{}", wish.code, key.intent.simple())),
            Command::SetCoupon { promotion, .. } => object(promotion.clone()),
            Command::ReportUsage(_) => Outcome::Nothing,
            _ => unreachable!("another part does this"),
        }
    }
}

fn object(id: String) -> Outcome {
    Outcome::Object { id }
}

impl Provider for Scripted {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn is_live(&self) -> bool {
        false
    }

    fn perform<'a>(
        &'a self,
        command: &'a Command,
        key: &'a IntentKey,
    ) -> BoxFuture<'a, Result<Outcome, ProviderError>> {
        Box::pin(async move {
            self.calls.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            if let Some(answer) = *self.answers.lock().unwrap() {
                return Err(answer());
            }
            let refusal = *self.refuses_reports.lock().unwrap();
            if let (Some(code), Command::ReportUsage(_)) = (refusal, command) {
                return Err(ProviderError::Refused { code: code.into(), message: "no".into() });
            }
            let waits_for_money = match command {
                Command::ChangeSubscription(wish) => wish.paid_first,
                Command::PauseSubscription { paused, .. } => !paused,
                _ => false,
            };
            if waits_for_money && self.declines.load(Ordering::SeqCst) {
                let message = "Your card was declined.".to_owned();
                return Err(ProviderError::Declined { code: "card_declined".into(), message });
            }
            let trouble = self.trouble();
            if trouble == Some(Trouble::Before) {
                return Err(ProviderError::Unavailable("the line is dead".into()));
            }
            let known = self.with(|books| books.keys.get(&key.key).cloned());
            let known = known.filter(|_| !self.keys_forgotten.load(Ordering::SeqCst));
            let outcome = if let Some((before, outcome)) = known {
                assert_eq!(before, *command, "one key was used for two commands");
                outcome
            } else {
                if let Command::StartCheckout(wish) = command
                    && !self.with(|books| books.customers.contains_key(&wish.customer))
                {
                    let (code, message) = ("resource_missing".to_owned(), "No such customer.".to_owned());
                    return Err(ProviderError::Refused { code, message });
                }
                let outcome = self.execute(command, key);
                self.with(|books| {
                    books.done.push(command.clone());
                    books.keys.insert(key.key.clone(), (command.clone(), outcome.clone()));
                    books.made.insert(key.intent, outcome.clone());
                });
                outcome
            };
            if trouble == Some(Trouble::After) {
                return Err(ProviderError::Unavailable("the answer was lost".into()));
            }
            Ok(outcome)
        })
    }

    fn look_up<'a>(
        &'a self,
        _: &'a Command,
        key: &'a IntentKey,
    ) -> BoxFuture<'a, Result<Option<Outcome>, ProviderError>> {
        Box::pin(async move { Ok(self.with(|books| books.made.get(&key.intent).cloned())) })
    }

    fn fetch<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Option<Remote>, ProviderError>> {
        Box::pin(async move {
            if self.is_down.load(Ordering::SeqCst) {
                return Err(ProviderError::Unavailable("the line is dead".into()));
            }
            let found = self.with(|books| match object.kind {
                ObjectKind::Product => books.products.get(&object.id).cloned().map(Remote::Product),
                ObjectKind::Checkout => books.checkouts.get(&object.id).cloned().map(Remote::Checkout),
                ObjectKind::Subscription => {
                    books.subscriptions.get(&object.id).cloned().map(Remote::Subscription)
                }
                ObjectKind::Invoice => books.invoices.get(&object.id).cloned().map(Remote::Invoice),
                ObjectKind::Refund => books.refunds.get(&object.id).cloned().map(Remote::Refund),
                ObjectKind::CreditNote => books.notes.get(&object.id).cloned().map(Remote::CreditNote),
                ObjectKind::Customer => books.customers.contains_key(&object.id).then_some(Remote::Customer),
                ObjectKind::Dispute => books.disputes.get(&object.id).cloned().map(Remote::Dispute),
                ObjectKind::Price => None,
            });
            let hold = self.hold.lock().unwrap().take();
            if let Some(hold) = hold {
                self.holding.notify_one();
                hold.notified().await;
            }
            tokio::task::yield_now().await;
            Ok(found)
        })
    }

    fn list<'a>(
        &'a self,
        kind: ObjectKind,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<RemotePage, ProviderError>> {
        Box::pin(async move {
            let objects: Vec<Remote> = self.with(|books| match kind {
                ObjectKind::Product => books.products.values().cloned().map(Remote::Product).collect(),
                ObjectKind::Subscription => {
                    books.subscriptions.values().cloned().map(Remote::Subscription).collect()
                }
                ObjectKind::Invoice => books.invoices.values().cloned().map(Remote::Invoice).collect(),
                _ => Vec::new(),
            });
            let (from, size) =
                (after.map_or(0, |at| at.parse().unwrap()), self.page_size.load(Ordering::SeqCst));
            let end = if size == 0 { objects.len() } else { objects.len().min(from + size) };
            let next = (end < objects.len()).then(|| end.to_string());
            Ok(RemotePage { objects: objects[from..end].to_vec(), next })
        })
    }

    fn preview<'a>(
        &'a self,
        change: &'a ChangeSubscription,
    ) -> BoxFuture<'a, Result<Preview, ProviderError>> {
        Box::pin(async move {
            self.with(|books| books.previewed.push(change.clone()));
            let total = change.quantity * 1000;
            let currency = "usd".parse().unwrap();
            Ok(Preview { currency, total, amount_due: total, lines: Vec::new() })
        })
    }

    fn upcoming<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Option<RemoteInvoice>, ProviderError>> {
        Box::pin(async { Ok(None) })
    }

    fn balance<'a>(&'a self, customer: &'a str) -> BoxFuture<'a, Result<Option<Money>, ProviderError>> {
        Box::pin(async move { Ok(self.with(|books| books.balances.get(customer).copied())) })
    }

    fn read_announcement(
        &self,
        _: Option<&str>,
        _: &[u8],
        _: Timestamp,
    ) -> Result<Announcement, InvalidAnnouncement> {
        Err(InvalidAnnouncement::NoSignature)
    }
}
