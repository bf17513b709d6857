//! What becomes of payments when whoever paid is gone: the customer at the provider is erased, which ends what they
//! subscribed to; their use is forgotten. Invoices stay, because the law wants them kept.
//!
//! A subject that is marked as erased stays so: what is heard of it later brings nothing back. What the provider is to do
//! is written down before it is asked, and asked again until it is done.

use quoin_db::{DbError, Tx};
use quoin_kernel::billing::Subject;
use quoin_kernel::{Timestamp, UserId};

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::{Command, ObjectKind, ObjectRef, Subscription};
use crate::store::{checkouts, customers, entitlements, intents_global, standings, usage};

/// What is left to do at providers.
struct Left {
    /// A checkout that somebody could still pay.
    session: Option<String>,
    /// The customers, each with its provider.
    customers: Vec<(String, String)>,
}

impl Payments {
    /// Forgets what is ours of a subject, and erases its customers at every provider.
    pub(crate) async fn forget(&self, subject: Subject) -> Result<(), PaymentsError> {
        let now = self.now();
        let left = self.db().write("payments.forget", move |tx| forget_rows(tx, subject, now)).await?;
        if let (Some(session), Ok(provider)) = (left.session, self.provider()) {
            let target = format!("expire:{session}");
            self.ask(self.intent(provider.as_ref(), target, Command::ExpireCheckout { session })).await?;
        }
        for (provider, customer) in left.customers {
            let provider = self.provider_named(&provider)?;
            let target = erasure_of(&customer);
            self.ask(self.intent(provider.as_ref(), target, Command::EraseCustomer { customer })).await?;
        }
        self.end_what_is_left(subject).await
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

fn forget_rows(tx: &mut Tx<'_>, subject: Subject, now: Timestamp) -> Result<Left, PaymentsError> {
    customers::erase(tx, subject, now)?;
    // The wish to make the customer holds their address.
    intents_global::delete_ended(tx, &format!("customer:{subject}"))?;
    let open = checkouts::find_open(tx, subject)?;
    if let Some(open) = &open {
        checkouts::close(tx, subject, open.id, ("expired", Some("erased")), now)?;
    }
    for row in entitlements::list(tx, subject)? {
        entitlements::delete(tx, subject, &row.name)?;
    }
    standings::delete(tx, subject)?;
    usage::delete_all(tx, subject)?;
    let session = open.and_then(|open| open.remote_id);
    Ok(Left { session, customers: customers::list(tx, subject)? })
}
