//! What becomes of payments when whoever paid is gone: the customer at the provider is erased, which ends what they
//! subscribed to; their use is forgotten. Invoices stay, because the law wants them kept.
//!
//! A subject that is marked as erased stays so: what is heard of it later brings nothing back. What the provider is to do
//! is written down before it is asked, and asked again until it is done.

use quoin_db::{DbError, Tx};
use quoin_kernel::billing::Subject;
use quoin_kernel::{Timestamp, UserId};
use uuid::Uuid;

use super::carry_out::asking;
use crate::Payments;
use crate::error::PaymentsError;
use crate::model::{Command, ObjectKind, ObjectRef, Subscription};
use crate::port::Provider;
use crate::store::intents_global::Intent;
use crate::store::{checkouts, customers, entitlements, intents_global, standings, usage};

/// The most that providers are asked to do about one subject: close a session, and erase a customer each.
const MOST_WISHES: usize = 8;

impl Payments {
    /// Forgets what is ours of a subject, and erases its customers at every provider.
    pub(crate) async fn forget(&self, subject: Subject) -> Result<(), PaymentsError> {
        for intent in self.write_down_erasure(subject).await? {
            self.carry_out(intent).await?;
        }
        self.end_what_is_left(subject).await
    }

    /// Forgets what is ours of a subject and writes down what providers are to do, in one transaction: whoever stops after it
    /// leaves nothing that nobody carries out.
    pub(crate) async fn write_down_erasure(&self, subject: Subject) -> Result<Vec<Uuid>, PaymentsError> {
        let (now, manual) = (self.now(), self.manual().name());
        let selling = self.provider().map_or(manual, |provider| provider.name());
        let nothing = || Command::EraseCustomer { customer: String::new() };
        let described =
            std::iter::repeat_with(|| self.intent(self.manual().as_ref(), String::new(), nothing()));
        let described: Vec<Intent> = described.take(MOST_WISHES).collect();
        let forget = move |tx: &mut Tx<'_>| {
            let wishes = forget_rows(tx, subject, selling, now)?;
            let intents = wishes.into_iter().zip(&described);
            let written = intents.map(|(Wish { provider, target, command }, described)| {
                Self::write_down(tx, &asking(described, &provider, target, command))
            });
            written.collect()
        };
        self.db().write("payments.forget", forget).await
    }

    /// Looks how the subscriptions stand, and ends what the end of the customer did not end.
    async fn end_what_is_left(&self, subject: Subject) -> Result<(), PaymentsError> {
        for one in self.list_subscriptions(subject).await?.into_iter().filter(Subscription::is_live) {
            let provider = self.provider_named(&one.provider)?;
            let object = ObjectRef::new(ObjectKind::Subscription, &one.remote_id);
            self.refresh(&provider, &object, "erasure").await?;
            if self.get_subscription(subject, one.id).await?.is_live() {
                let subscription = one.remote_id.clone();
                let command = Command::CancelSubscription { subscription, at_once: true };
                self.carry_out_change(one, command, None).await?;
            }
        }
        Ok(())
    }

    /// Forgets the address of a person who looked after somebody's money.
    pub(crate) async fn forget_contact(&self, person: UserId) -> Result<(), DbError> {
        let forget = move |tx: &mut Tx<'_>| customers::forget_contact_global(tx, person);
        self.db().write("payments.forget_contact", forget).await.map(|_| ())
    }
}

/// Names the wish that a customer be erased.
pub(crate) fn erasure_of(customer: &str) -> String {
    format!("erase:{customer}")
}

/// Names the wish that a checkout session be closed.
pub(crate) fn closing_of(session: &str) -> String {
    format!("expire:{session}")
}

/// Something that a provider is to do.
struct Wish {
    provider: String,
    target: String,
    command: Command,
}

/// Forgets the rows, and says what is left to do: close the checkout that somebody could still pay, at whoever opened it, and
/// erase the customers.
fn forget_rows(
    tx: &mut Tx<'_>,
    subject: Subject,
    selling: &str,
    now: Timestamp,
) -> Result<Vec<Wish>, PaymentsError> {
    customers::erase(tx, subject, now)?;
    // The wish to make the customer holds their address.
    intents_global::delete_ended(tx, &format!("customer:{subject}"))?;
    let mut wishes = Vec::new();
    if let Some(open) = checkouts::find_open(tx, subject)? {
        checkouts::close(tx, subject, open.id, ("expired", Some("erased")), now)?;
        if let Some(session) = open.remote_id {
            let provider = open.provider.unwrap_or_else(|| selling.to_owned());
            let target = closing_of(&session);
            wishes.push(Wish { provider, target, command: Command::ExpireCheckout { session } });
        }
    }
    for row in entitlements::list(tx, subject)? {
        entitlements::delete(tx, subject, &row.name)?;
    }
    standings::delete(tx, subject)?;
    usage::delete_all(tx, subject)?;
    for (provider, customer) in customers::list(tx, subject)? {
        let target = erasure_of(&customer);
        wishes.push(Wish { provider, target, command: Command::EraseCustomer { customer } });
    }
    Ok(wishes)
}
