//! Commands that are one call, and those that are more.

use serde_json::Value;

use super::form::Call;
use super::{Stripe, answer, pause, request, schedule};
use crate::model::command::{ChangeSubscription, CreateCoupon, PublishPrice, PublishProduct, RefundCommand};
use crate::model::remote::Remote;
use crate::model::{Command, ObjectKind, ObjectRef, Outcome};
use crate::port::{IntentKey, ProviderError};

type Done = Result<Outcome, ProviderError>;

/// What is done already needs no further doing: these refusals say so.
const ALREADY: [&str; 2] = ["resource_already_exists", "resource_missing"];

/// Refusals of reports that leave nothing to report: no price counts this meter; the event has come before.
const REPORTED: [&str; 2] = ["no_meter", "duplicate_meter_event"];

impl Stripe {
    pub(super) async fn carry_out(&self, command: &Command, key: &IntentKey) -> Done {
        let call = match command {
            Command::PublishProduct(wish) => return self.publish_product(wish, key).await,
            Command::PublishPrice(wish) => return self.publish_price(wish, key).await,
            Command::Refund(wish) => return self.refund(wish, key).await,
            Command::CreateCoupon(wish) => return self.create_coupon(wish, key).await,
            Command::CancelSubscription { subscription, at_once } => {
                return self.cancel(subscription, *at_once, key).await;
            }
            Command::ExpireCheckout { session } => return self.expire(session, key).await,
            Command::EraseCustomer { customer } => return self.erase(customer, key).await,
            Command::ReportUsage(report) => {
                return reported(self.write(request::meter_event(report), key, "").await);
            }
            Command::CreateCreditNote(wish) => request::credit_note(wish, key),
            Command::ArchivePrice { price, active } => request::set_price(price, *active),
            Command::CreateCustomer(wish) => request::create_customer(wish, key),
            Command::StartCheckout(wish) => request::start_checkout(wish),
            Command::OpenPortal { customer, return_url } => request::open_portal(customer, return_url),
            Command::ScheduleChange(wish) => return self.schedule_change(wish, key).await,
            Command::UnscheduleChange { subscription } => {
                self.leave_schedule(subscription, key).await?;
                return Ok(Outcome::Object { id: subscription.clone() });
            }
            Command::ChangeSubscription(wish) => return self.change(wish, key).await,
            Command::ResumeSubscription { subscription } => {
                self.leave_schedule(subscription, key).await?;
                request::resume(subscription)
            }
            Command::PauseSubscription { subscription, paused: false, .. } => {
                return self.go_on(subscription, key).await;
            }
            Command::PauseSubscription { subscription, resumes_at_s, .. } => {
                pause::pause(subscription, *resumes_at_s)
            }
            Command::SetCoupon { promotion, active } => request::set_promotion(promotion, *active),
        };
        outcome(command, &self.write(call, key, "").await?)
    }

    /// Sends a change; `step` tells several calls of one command apart.
    pub(super) async fn write(
        &self,
        call: Call,
        key: &IntentKey,
        step: &str,
    ) -> Result<Value, ProviderError> {
        self.line.send(&call, Some(&format!("{}{step}", key.key))).await
    }

    async fn publish_product(&self, wish: &PublishProduct, key: &IntentKey) -> Done {
        let made = match &wish.product {
            Some(product) => self.write(request::update_product(wish, product), key, "").await?,
            None => match self.write(request::create_product(wish), key, "").await {
                Err(ProviderError::Refused { code, .. }) if code == ALREADY[0] => {
                    let product = request::product_id(wish.plan_uuid);
                    self.write(request::update_product(wish, &product), key, "-update").await?
                }
                other => other?,
            },
        };
        object(&made)
    }

    async fn change(&self, wish: &ChangeSubscription, key: &IntentKey) -> Done {
        self.leave_schedule(&wish.subscription, key).await?;
        let terms = self.on_paid_terms(wish).await?;
        let call = request::change(&terms, &self.present_items(wish).await?);
        // What it says of metered prices and of the rest of the period follows from what was read just now; another text is
        // another request to Stripe.
        let follows = wish.prorate || wish.metered_prices.is_some();
        let step = if follows { call.step("-items-") } else { String::new() };
        object(&self.write(call, key, &step).await?)
    }

    /// Reads the items that a change of what is metered starts from; where none of that changes, they are not needed.
    pub(super) async fn present_items(&self, wish: &ChangeSubscription) -> Result<Vec<Value>, ProviderError> {
        if wish.metered_prices.is_none() {
            return Ok(Vec::new());
        }
        let subscription = self.read(schedule::read_subscription(&wish.subscription)).await?;
        Ok(answer::rows(&subscription["items"]).to_vec())
    }

    async fn publish_price(&self, wish: &PublishPrice, key: &IntentKey) -> Done {
        let meter = match &wish.meter {
            Some(name) => Some(self.meter(name, key).await?),
            None => None,
        };
        object(&self.write(request::create_price(wish, meter.as_deref()), key, "").await?)
    }

    /// Finds the meter of this name, or makes it.
    async fn meter(&self, name: &str, key: &IntentKey) -> Result<String, ProviderError> {
        let mut after = None;
        loop {
            let page = self.read(request::list_meters(after.as_deref())).await?;
            let rows = answer::rows(&page);
            if let Some(meter) = rows.iter().find(|meter| meter["event_name"] == name) {
                return Ok(answer::text(meter, "id")?.to_owned());
            }
            after = rows.last().filter(|_| page["has_more"] == true).and_then(answer::id);
            if after.is_none() {
                break;
            }
        }
        let made = self.write(request::create_meter(name), key, "-meter").await?;
        Ok(answer::text(&made, "id")?.to_owned())
    }

    async fn cancel(&self, subscription: &str, at_once: bool, key: &IntentKey) -> Done {
        if !at_once {
            self.leave_schedule(subscription, key).await?;
        }
        match self.write(request::cancel(subscription, at_once), key, "").await {
            Ok(value) => object(&value),
            // Somebody else ended it first.
            Err(ProviderError::Refused { code, .. }) if at_once && code == ALREADY[1] => Ok(Outcome::Nothing),
            Err(error) => Err(error),
        }
    }

    async fn erase(&self, customer: &str, key: &IntentKey) -> Done {
        match self.write(request::erase_customer(customer), key, "").await {
            // It was erased before.
            Err(ProviderError::Refused { code, .. }) if code == ALREADY[1] => Ok(Outcome::Nothing),
            other => object(&other?),
        }
    }

    /// Closes a session. One that is complete or expired cannot be closed: the caller looks at it then.
    async fn expire(&self, session: &str, key: &IntentKey) -> Done {
        match self.write(request::expire_checkout(session), key, "").await {
            Ok(value) => object(&value),
            Err(ProviderError::Refused { .. }) => Ok(Outcome::Nothing),
            Err(error) => Err(error),
        }
    }

    async fn refund(&self, wish: &RefundCommand, key: &IntentKey) -> Done {
        let Some(payment) = self.payment_of(&wish.invoice).await? else {
            return Err(ProviderError::Refused {
                code: "invoice_not_paid".into(),
                message: "No payment of this invoice can be given back.".into(),
            });
        };
        object(&self.write(request::refund(&payment, wish, key), key, "").await?)
    }

    async fn payment_of(&self, invoice: &str) -> Result<Option<String>, ProviderError> {
        let page = self.read(request::payments_of_invoice(invoice)).await?;
        let paid = answer::rows(&page).iter().find(|row| row["status"] == "paid");
        Ok(paid.and_then(|row| answer::id(&row["payment"]["payment_intent"])))
    }

    async fn invoice_of(&self, payment_intent: &Value) -> Result<Option<String>, ProviderError> {
        let Some(payment) = answer::id(payment_intent) else { return Ok(None) };
        let page = self.read(request::invoices_of_payment(&payment)).await?;
        Ok(answer::rows(&page).first().and_then(|row| answer::id(&row["invoice"])))
    }

    async fn create_coupon(&self, wish: &CreateCoupon, key: &IntentKey) -> Done {
        let coupon = match self.write(request::create_coupon(wish, key), key, "").await {
            Ok(value) => answer::text(&value, "id")?.to_owned(),
            Err(ProviderError::Refused { code, .. }) if code == ALREADY[0] => {
                format!("quoin_{}", key.intent.simple())
            }
            Err(error) => return Err(error),
        };
        object(&self.write(request::create_promotion(&coupon, &wish.code), key, "-code").await?)
    }

    pub(super) async fn find_done(
        &self,
        command: &Command,
        key: &IntentKey,
    ) -> Result<Option<Outcome>, ProviderError> {
        let found = match command {
            Command::PublishProduct(wish) => {
                let product = ObjectRef::new(ObjectKind::Product, request::product_id(wish.plan_uuid));
                // Found or not, the texts are brought up to date: making it again updates it.
                self.find(request::fetch(&product)).await?.filter(|value| value["name"] == wish.name)
            }
            Command::PublishPrice(wish) => {
                first(&self.read(request::find_price(wish.price_id)).await?, |_| true)
            }
            Command::CreateCustomer(_) => first(&self.read(request::search_customer(key)).await?, |_| true),
            Command::StartCheckout(wish) => {
                let ours = wish.checkout_id.to_string();
                let page = self.read(request::list_checkouts(&wish.customer)).await?;
                first(&page, |session| session["metadata"]["quoin_checkout"] == ours)
            }
            Command::Refund(wish) => match self.payment_of(&wish.invoice).await? {
                Some(payment) => {
                    let ours = key.intent.to_string();
                    let page = self.read(request::list_refunds(&payment)).await?;
                    first(&page, |refund| refund["metadata"]["quoin_intent"] == ours)
                }
                None => None,
            },
            Command::CreateCreditNote(wish) => {
                let ours = key.intent.to_string();
                let page = self.read(request::list_credit_notes(&wish.invoice)).await?;
                first(&page, |note| note["metadata"]["quoin_intent"] == ours)
            }
            Command::CreateCoupon(wish) => {
                first(&self.read(request::find_promotion(&wish.code)).await?, |_| true)
            }
            // These set a state rather than make a thing: doing them again changes nothing.
            _ => None,
        };
        found.map(|value| outcome(command, &value)).transpose()
    }

    pub(super) async fn fetch_object(&self, object: &ObjectRef) -> Result<Option<Remote>, ProviderError> {
        let Some(value) = self.find(request::fetch(object)).await? else { return Ok(None) };
        Ok(Some(match object.kind {
            ObjectKind::Product => {
                let prices = self.prices_of(&object.id).await?;
                Remote::Product(answer::product(&value, &prices)?)
            }
            ObjectKind::Price => {
                let product = answer::id(&value["product"]).unwrap_or_default();
                Remote::Price { product }
            }
            ObjectKind::Checkout => Remote::Checkout(answer::checkout(&value)?),
            ObjectKind::Subscription => Remote::Subscription(answer::subscription(&value)?),
            ObjectKind::Invoice => Remote::Invoice(answer::invoice(&value)?),
            ObjectKind::CreditNote => Remote::CreditNote(answer::credit_note(&value)?),
            ObjectKind::Customer => Remote::Customer,
            ObjectKind::Refund => {
                let invoice = self.invoice_of(&value["payment_intent"]).await?;
                Remote::Refund(answer::refund(&value, invoice)?)
            }
            ObjectKind::Dispute => {
                let invoice = self.invoice_of(&value["payment_intent"]).await?;
                Remote::Dispute(answer::dispute(&value, invoice)?)
            }
        }))
    }

    pub(super) async fn prices_of(&self, product: &str) -> Result<Vec<Value>, ProviderError> {
        let (mut prices, mut after) = (Vec::new(), None);
        loop {
            let page = self.read(request::list_prices(product, after.as_deref())).await?;
            prices.extend_from_slice(answer::rows(&page));
            after = prices.last().filter(|_| page["has_more"] == true).and_then(answer::id);
            if after.is_none() {
                return Ok(prices);
            }
        }
    }
}

fn first(page: &Value, is_it: impl Fn(&Value) -> bool) -> Option<Value> {
    answer::rows(page).iter().find(|value| is_it(value)).cloned()
}

fn object(value: &Value) -> Done {
    Ok(Outcome::Object { id: answer::text(value, "id")?.to_owned() })
}

/// Says what a command came to: a page to go to, or an object.
pub(super) fn outcome(command: &Command, value: &Value) -> Done {
    match command {
        Command::StartCheckout(_) | Command::OpenPortal { .. } => Ok(Outcome::Page {
            id: Some(answer::text(value, "id")?.to_owned()),
            url: value["url"].as_str().unwrap_or_default().to_owned(),
        }),
        _ => object(value),
    }
}

/// Reads the answer to a report. A meter that Stripe does not know has no price there, so nothing is owed for it; an event
/// that came before need not come again. Every other refusal stays one.
pub(super) fn reported(answer: Result<Value, ProviderError>) -> Done {
    match answer {
        Err(ProviderError::Refused { code, .. }) if REPORTED.contains(&code.as_str()) => {
            tracing::debug!(code, "there is nothing to report");
            Ok(Outcome::Nothing)
        }
        other => other.map(|_| Outcome::Nothing),
    }
}
