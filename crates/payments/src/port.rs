//! What a provider of payments must do, in our own words. Adapters translate; they decide nothing and keep nothing.

use std::error::Error;

use quoin_kernel::Timestamp;
use quoin_kernel::port::BoxFuture;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::command::ChangeSubscription;
use crate::model::invoice::InvoiceLine;
use crate::model::money::Money;
use crate::model::remote::{Remote, RemoteInvoice};
use crate::model::{Announcement, Command, Currency, ObjectKind, ObjectRef, Outcome};

/// What makes a command one of a kind: the intent that was written down before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentKey {
    /// The intent's id, which providers attach to what they make.
    pub intent: Uuid,
    /// The idempotency key. Good for a day; then [`Provider::look_up`] comes first and a new one follows.
    pub key: String,
}

/// One page of a provider's list.
#[derive(Debug, Clone, Default)]
pub struct RemotePage {
    /// The objects.
    pub objects: Vec<Remote>,
    /// Asks for the page after this one.
    pub next: Option<String>,
}

/// What a change would cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The currency.
    pub currency: Currency,
    /// What the next invoice comes to, minor units.
    pub total: i64,
    /// What is due now.
    pub amount_due: i64,
    /// What it is made of.
    pub lines: Vec<InvoiceLine>,
}

/// Makes customers pay.
///
/// `perform` with the same command and key any number of times, at once or one after another, has the effect of one:
/// every call answers the same, or [`ProviderError::Busy`] while the first one runs.
pub trait Provider: Send + Sync {
    /// The name that rows carry.
    fn name(&self) -> &'static str;

    /// Tells whether this is about real money.
    fn is_live(&self) -> bool;

    /// Does what the command says.
    fn perform<'a>(
        &'a self,
        command: &'a Command,
        key: &'a IntentKey,
    ) -> BoxFuture<'a, Result<Outcome, ProviderError>>;

    /// Says whether the command was done before, by what it would have left behind.
    fn look_up<'a>(
        &'a self,
        command: &'a Command,
        key: &'a IntentKey,
    ) -> BoxFuture<'a, Result<Option<Outcome>, ProviderError>>;

    /// Reads an object as it stands now; `None` where there is none.
    fn fetch<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Option<Remote>, ProviderError>>;

    /// Lists products, subscriptions, invoices, refunds, disputes or credit notes, the ended ones too, newest first. Of refunds and
    /// disputes it need not say which invoice they belong to.
    fn list<'a>(
        &'a self,
        kind: ObjectKind,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<RemotePage, ProviderError>>;

    /// Says what a change would cost.
    fn preview<'a>(&'a self, change: &'a ChangeSubscription)
    -> BoxFuture<'a, Result<Preview, ProviderError>>;

    /// Says what the next invoice of a subscription will be.
    fn upcoming<'a>(
        &'a self,
        customer: &'a str,
        subscription: &'a str,
    ) -> BoxFuture<'a, Result<Option<RemoteInvoice>, ProviderError>>;

    /// Says what a customer has in their favour, which pays the next invoices; negative where something is owed. `None` where
    /// nothing was billed yet, or there is no such customer.
    fn balance<'a>(&'a self, customer: &'a str) -> BoxFuture<'a, Result<Option<Money>, ProviderError>>;

    /// Reads an event, where its signature holds.
    ///
    /// # Errors
    /// [`InvalidAnnouncement`] for everything that this provider did not sign just now.
    fn read_announcement(
        &self,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Announcement, InvalidAnnouncement>;
}

/// Why a provider did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// No answer, or one that says to try again. Whether it was done is unknown.
    #[error("the provider does not answer")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The same command is being carried out now.
    #[error("the provider is carrying out the same command")]
    Busy,
    /// It will not do it, however often it is asked.
    #[error("the provider refuses: {message} ({code})")]
    Refused {
        /// Its code.
        code: String,
        /// Its sentence.
        message: String,
    },
    /// It would do it, but the payment that it needs does not go through: the card is refused, or asks for its holder.
    #[error("the payment is declined: {message} ({code})")]
    Declined {
        /// Its code.
        code: String,
        /// Its sentence.
        message: String,
    },
    /// It does not accept our credentials.
    #[error("the provider does not accept our credentials")]
    Unauthorized,
    /// Its answer makes no sense to us.
    #[error("the provider's answer cannot be read: {0}")]
    Garbled(String),
}

/// A wish that a provider will not fulfil, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Its code.
    pub code: String,
    /// Its sentence.
    pub message: String,
    /// Whether a payment was declined.
    #[serde(default)]
    pub declined: bool,
}

impl ProviderError {
    /// Returns what is kept of it, where it is the provider's last word.
    pub fn refusal(&self) -> Option<Refusal> {
        let (code, message, declined) = match self {
            Self::Refused { code, message } => (code, message, false),
            Self::Declined { code, message } => (code, message, true),
            Self::Unavailable(_) | Self::Busy | Self::Unauthorized | Self::Garbled(_) => return None,
        };
        Some(Refusal { code: code.clone(), message: message.clone(), declined })
    }
}

impl From<Refusal> for ProviderError {
    fn from(Refusal { code, message, declined }: Refusal) -> Self {
        if declined { Self::Declined { code, message } } else { Self::Refused { code, message } }
    }
}

/// Why an event is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAnnouncement {
    /// No secret is set, so nothing can be believed.
    #[error("no signing secret is set")]
    NoSecret,
    /// There is no signature, or none that this version knows.
    #[error("there is no signature")]
    NoSignature,
    /// The signature is not of this body and one of our secrets.
    #[error("the signature does not match")]
    Mismatch,
    /// The signature was made too long ago, or in the future.
    #[error("the signature is too old")]
    TooOld,
    /// What was signed is no event.
    #[error("the body is no event")]
    NoEvent,
}
