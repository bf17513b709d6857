//! What happens in the books: orders, invoices, changes.

use std::time::Duration;

use quoin_db::{DbError, Tx};
use quoin_kernel::Timestamp;
use uuid::Uuid;

use super::{changes, credit, time};
use crate::model::command::{RefundCommand, StartCheckout};
use crate::model::invoice::InvoiceLine;
use crate::model::remote::{
    CheckoutState, LatestInvoice, Remote, RemoteCheckout, RemoteInvoice, RemoteItem, RemoteRefund,
    RemoteSubscription,
};
use crate::model::{Command, ObjectKind, ObjectRef, Outcome, Price, Status};
use crate::port::ProviderError;
use crate::store::{manual_books_global as books, prices_global};

/// How long people have to transfer what they ordered.
pub(crate) const DUE_AFTER: Duration = Duration::from_hours(14 * 24);

/// A failure of the books: the database, or a wish that this provider does not fulfil.
pub(super) enum Failed {
    Db(DbError),
    Refused(&'static str),
}

impl From<DbError> for Failed {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl Failed {
    pub(super) fn into_error(self) -> ProviderError {
        match self {
            Self::Db(error) => ProviderError::Unavailable(Box::new(error)),
            Self::Refused(message) => {
                ProviderError::Refused { code: "not_supported".into(), message: message.to_owned() }
            }
        }
    }
}

pub(super) fn perform(
    tx: &mut Tx<'_>,
    command: &Command,
    intent: Uuid,
    (now, bank_page): (Timestamp, &str),
) -> Result<Outcome, Failed> {
    let object = |id: String| Ok(Outcome::Object { id });
    match command {
        Command::PublishProduct(wish) => object(format!("prod_{}", wish.plan_uuid.simple())),
        Command::PublishPrice(wish) => object(format!("price_{}", wish.price_id.simple())),
        Command::ArchivePrice { price, .. } => object(price.clone()),
        Command::CreateCustomer(wish) => object(format!("cus_{}", wish.subject_id.simple())),
        Command::EraseCustomer { customer } => erase(tx, customer, now),
        Command::StartCheckout(wish) => order(tx, wish, now, bank_page),
        Command::ExpireCheckout { session } => call_off(tx, session, now),
        Command::ReportUsage(_) => Ok(Outcome::Nothing),
        Command::OpenPortal { return_url, .. } => Ok(Outcome::Page { id: None, url: return_url.clone() }),
        Command::ChangeSubscription(wish) => {
            let price = sold(tx, &wish.price)?;
            edit(tx, &wish.subscription, now, |one| {
                one.waiting = None;
                changes::apply(one, &price, wish.quantity, &changes::words(wish));
            })
        }
        Command::ScheduleChange(wish) => {
            sold(tx, &wish.change.price)?;
            edit(tx, &wish.change.subscription, now, |one| changes::plan(one, wish))
        }
        Command::UnscheduleChange { subscription } => edit(tx, subscription, now, |one| one.waiting = None),
        Command::CancelSubscription { subscription, at_once } => {
            let mut one = known(tx, subscription)?;
            (one.canceled_at, one.waiting) = (Some(now), None);
            let goes_on = !at_once && one.status != Status::Incomplete;
            match changes::period_end(&one).filter(|_| goes_on) {
                Some(end) => one.cancel_at = Some(end),
                None => time::end(tx, &mut one, now, now)?,
            }
            keep(tx, &one, now)
        }
        Command::ResumeSubscription { subscription } => {
            edit(tx, subscription, now, |one| (one.cancel_at, one.canceled_at) = (None, None))
        }
        Command::PauseSubscription { subscription, paused, resumes_at_s } => {
            let resumes_at = resumes_at_s.map(|seconds| Timestamp::from_micros(seconds * 1_000_000));
            let mut one = known(tx, subscription)?;
            if *paused {
                (one.paused, one.resumes_at) = (true, resumes_at);
            } else {
                time::go_on(tx, &mut one, now)?;
            }
            keep(tx, &one, now)
        }
        Command::Refund(wish) => refund(tx, wish, intent, now),
        Command::CreateCreditNote(wish) => credit::issue(tx, wish, intent, now),
        Command::CreateCoupon(_) | Command::SetCoupon { .. } => {
            Err(Failed::Refused("Coupons need a provider of payments."))
        }
    }
}

/// Ends what a customer subscribed to; what they were billed stays.
fn erase(tx: &mut Tx<'_>, customer: &str, now: Timestamp) -> Result<Outcome, Failed> {
    for mut one in books::list_of_customer(tx, customer)? {
        if !one.status.is_over() {
            time::end(tx, &mut one, now, now)?;
            books::put_subscription(tx, &one, now)?;
        }
    }
    Ok(Outcome::Object { id: customer.to_owned() })
}

/// Calls an order off that nobody has paid; one that is paid stays.
fn call_off(tx: &mut Tx<'_>, session: &str, now: Timestamp) -> Result<Outcome, Failed> {
    let ordered = books::find_subscription(tx, &session.replace("co_", "sub_"))?;
    if let Some(mut one) = ordered.filter(|one| one.status == Status::Incomplete) {
        time::end(tx, &mut one, now, now)?;
        books::put_subscription(tx, &one, now)?;
    }
    Ok(Outcome::Nothing)
}

/// Finds the price of ours that a wish names.
fn sold(tx: &mut Tx<'_>, price: &str) -> Result<Price, Failed> {
    let found = prices_global::find_by_remote(tx, price)?;
    found.map(|(_, price)| price).ok_or(Failed::Refused("There is no such price."))
}

/// Takes an order: an open invoice, and a subscription that waits for it.
fn order(tx: &mut Tx<'_>, wish: &StartCheckout, now: Timestamp, bank_page: &str) -> Result<Outcome, Failed> {
    let id = wish.checkout_id.simple();
    let price = sold(tx, &wish.price)?;
    let Some(days) = changes::days_of(&price) else {
        return Err(Failed::Refused("Only recurring prices are paid by bank transfer."));
    };
    let metadata = [
        ("quoin_subject", wish.subject.clone()),
        ("quoin_checkout", wish.checkout_id.to_string()),
        ("quoin_plan", wish.plan_id.clone()),
        ("quoin_plan_version", wish.plan_version.to_string()),
        ("quoin_days", days.to_string()),
    ];
    let item = RemoteItem {
        id: format!("si_{id}"),
        price: wish.price.clone(),
        product: String::new(),
        quantity: wish.quantity,
        amount: price.amount,
        currency: price.currency,
        metered: false,
        created_at: now,
        period_start: Some(now),
        period_end: Some(now + Duration::from_hours(24 * days)),
    };
    let one = RemoteSubscription {
        id: format!("sub_{id}"),
        customer: wish.customer.clone(),
        status: Status::Incomplete,
        items: vec![item],
        started_at: now,
        trial_end: None,
        cancel_at: None,
        canceled_at: None,
        ended_at: None,
        paused: false,
        resumes_at: None,
        latest_invoice: Some(LatestInvoice { id: format!("in_{id}"), status: "open".into() }),
        waiting: None,
        discount: None,
        unpaid_since: None,
        live: true,
        metadata: metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    };
    if books::insert_subscription(tx, &one, now)? {
        let mut invoice = invoice_for(&one, format!("in_{id}"), now);
        credit::use_balance(tx, &mut invoice, now)?;
        books::put_invoice(tx, &invoice, now)?;
        if invoice.amount_remaining == 0 {
            time::confirm(tx, &invoice.id, now)?;
        }
    }
    Ok(Outcome::Page { id: Some(format!("co_{id}")), url: format!("{bank_page}/{}", wish.checkout_id) })
}

/// Writes the invoice for the present period.
pub(super) fn invoice_for(one: &RemoteSubscription, id: String, now: Timestamp) -> RemoteInvoice {
    let lines: Vec<InvoiceLine> = one
        .items
        .iter()
        .map(|item| InvoiceLine {
            description: one.metadata.get("quoin_plan").cloned(),
            amount: item.amount.saturating_mul(item.quantity),
            quantity: Some(item.quantity),
            period_start: item.period_start,
            period_end: item.period_end,
            proration: false,
        })
        .collect();
    let total = lines.iter().map(|line| line.amount).sum();
    RemoteInvoice {
        number: Some(id.trim_start_matches("in_").chars().rev().take(10).collect::<String>().to_uppercase()),
        id,
        customer: one.customer.clone(),
        subscription: Some(one.id.clone()),
        status: "open".into(),
        currency: one.items[0].currency,
        subtotal: total,
        total,
        amount_paid: 0,
        amount_remaining: total,
        lines,
        hosted_url: None,
        pdf_url: None,
        issued_at: now,
        due_at: Some(now + DUE_AFTER),
        paid_at: None,
        next_attempt_at: None,
        live: true,
    }
}

fn edit(
    tx: &mut Tx<'_>,
    id: &str,
    now: Timestamp,
    change: impl FnOnce(&mut RemoteSubscription),
) -> Result<Outcome, Failed> {
    let mut one = known(tx, id)?;
    change(&mut one);
    keep(tx, &one, now)
}

fn known(tx: &mut Tx<'_>, id: &str) -> Result<RemoteSubscription, Failed> {
    books::find_subscription(tx, id)?.ok_or(Failed::Refused("There is no such subscription."))
}

fn keep(tx: &mut Tx<'_>, one: &RemoteSubscription, now: Timestamp) -> Result<Outcome, Failed> {
    books::put_subscription(tx, one, now)?;
    Ok(Outcome::Object { id: one.id.clone() })
}

pub(super) fn refund(
    tx: &mut Tx<'_>,
    wish: &RefundCommand,
    intent: Uuid,
    now: Timestamp,
) -> Result<Outcome, Failed> {
    let Some(mut one) = books::find_invoice(tx, &wish.invoice)? else {
        return Err(Failed::Refused("There is no such invoice."));
    };
    let id = format!("re_{}", intent.simple());
    if !one.lines.iter().filter_map(reference).any(|(name, _)| name == id) {
        let left = credit::left_of(tx, &one)?;
        let amount = wish.amount.unwrap_or(left);
        if one.status != "paid" || !(1..=left).contains(&amount) {
            return Err(Failed::Refused("More than is left of the invoice."));
        }
        // Kept as a line of credit, so that the books show what went back and when.
        one.lines.push(InvoiceLine {
            description: Some(format!("{id} {amount}")),
            amount: 0,
            quantity: None,
            period_start: Some(now),
            period_end: None,
            proration: false,
        });
        books::put_invoice(tx, &one, now)?;
    }
    Ok(Outcome::Object { id: format!("{id}.{}", one.id) })
}

/// Reads a line that keeps a refund: its id and its amount.
fn reference(line: &InvoiceLine) -> Option<(&str, i64)> {
    let (name, amount) = line.description.as_deref()?.split_once(' ')?;
    let is_refund = line.quantity.is_none() && name.starts_with("re_");
    Some((name, amount.parse().ok().filter(|_| is_refund)?))
}

/// Sums the refunds of an invoice.
pub(super) fn refunded(invoice: &RemoteInvoice) -> i64 {
    invoice.lines.iter().filter_map(reference).map(|(_, amount)| amount).sum()
}

/// Reads an object out of the books.
pub(super) fn find(tx: &mut Tx<'_>, object: &ObjectRef) -> Result<Option<Remote>, DbError> {
    Ok(match object.kind {
        ObjectKind::Subscription => books::find_subscription(tx, &object.id)?.map(Remote::Subscription),
        ObjectKind::Invoice => books::find_invoice(tx, &object.id)?.map(Remote::Invoice),
        ObjectKind::Checkout => {
            let id = object.id.trim_start_matches("co_");
            books::find_subscription(tx, &format!("sub_{id}"))?
                .map(|one| Remote::Checkout(ordered(&object.id, &one)))
        }
        ObjectKind::Refund => {
            let (id, invoice) = object.id.split_once('.').unwrap_or((&object.id, ""));
            let invoice = books::find_invoice(tx, invoice)?;
            invoice.and_then(|invoice| given_back(id, &object.id, &invoice)).map(Remote::Refund)
        }
        ObjectKind::CreditNote => books::find_credit_note(tx, &object.id)?.map(Remote::CreditNote),
        // Whoever is billed here is a customer, and nobody else deletes them.
        ObjectKind::Customer => Some(Remote::Customer),
        ObjectKind::Product | ObjectKind::Price | ObjectKind::Dispute => None,
    })
}

/// An order is a checkout that is open until its money is there.
fn ordered(id: &str, one: &RemoteSubscription) -> RemoteCheckout {
    RemoteCheckout {
        id: id.to_owned(),
        state: match one.status {
            Status::Incomplete => CheckoutState::Open,
            Status::IncompleteExpired => CheckoutState::Expired,
            _ => CheckoutState::Complete,
        },
        customer: Some(one.customer.clone()),
        subscription: Some(one.id.clone()),
        subtotal: one.items.first().map(|item| item.amount.saturating_mul(item.quantity)),
        currency: one.items.first().map(|item| item.currency),
        live: true,
        metadata: one.metadata.clone(),
    }
}

fn given_back(wanted: &str, id: &str, invoice: &RemoteInvoice) -> Option<RemoteRefund> {
    let (line, amount) = invoice.lines.iter().find_map(|line| {
        let (name, amount) = reference(line)?;
        (name == wanted).then_some((line, amount))
    })?;
    Some(RemoteRefund {
        id: id.to_owned(),
        invoice: Some(invoice.id.clone()),
        amount,
        currency: invoice.currency,
        reason: None,
        status: "succeeded".into(),
        created_at: line.period_start?,
    })
}
