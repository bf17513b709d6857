//! Stripe, by hand: a few dozen calls of one pinned version of its API.
//!
//! `request` builds forms and `answer` reads JSON, both pure; `signature` believes or refuses events; `client` sends.

mod answer;
mod client;
mod event;
mod form;
mod items;
mod paid;
mod pause;
mod request;
mod schedule;
mod signature;
mod steps;

#[cfg(test)]
pub(crate) mod tests;

use quoin_kernel::port::BoxFuture;
use quoin_kernel::{Problem, Secret, Timestamp};
use serde_json::Value;

use self::client::{Client, Line};
use self::form::Call;
use crate::config::StripeConfig;
use crate::model::command::ChangeSubscription;
use crate::model::money::Money;
use crate::model::remote::{Remote, RemoteInvoice};
use crate::model::{Announcement, Command, ObjectKind, ObjectRef, Outcome};
use crate::port::{IntentKey, InvalidAnnouncement, Preview, Provider, ProviderError, RemotePage};

/// The version of the API that every call names.
pub const API_VERSION: &str = "2026-10-28.endive";

/// Stripe, as one account sees it.
pub struct Stripe {
    line: Box<dyn Line>,
    secrets: Vec<Secret<String>>,
    account: Option<String>,
    live: bool,
}

impl Stripe {
    /// Prepares to speak with the account of a key; `None` where there is no key.
    ///
    /// # Errors
    /// 400 where key or address cannot be used.
    pub fn new(config: &StripeConfig) -> Result<Option<Self>, Problem> {
        let Some(key) = &config.secret_key else { return Ok(None) };
        let live = key.expose().contains("_live_");
        let client = Box::new(Client::new(key, config.api_url.as_deref())?);
        Ok(Some(Self {
            line: client,
            secrets: config.webhook_secrets(),
            account: config.account.clone(),
            live,
        }))
    }

    async fn read(&self, call: Call) -> Result<Value, ProviderError> {
        self.line.send(&call, None).await
    }

    /// Reads what may not be there.
    async fn find(&self, call: Call) -> Result<Option<Value>, ProviderError> {
        match self.read(call).await {
            Ok(value) if value["deleted"] == true => Ok(None),
            Ok(value) => Ok(Some(value)),
            Err(ProviderError::Refused { code, .. }) if code == "resource_missing" => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Provider for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn is_live(&self) -> bool {
        self.live
    }

    fn perform<'a>(
        &'a self,
        command: &'a Command,
        key: &'a IntentKey,
    ) -> BoxFuture<'a, Result<Outcome, ProviderError>> {
        Box::pin(self.carry_out(command, key))
    }

    fn look_up<'a>(
        &'a self,
        command: &'a Command,
        key: &'a IntentKey,
    ) -> BoxFuture<'a, Result<Option<Outcome>, ProviderError>> {
        Box::pin(self.find_done(command, key))
    }

    fn fetch<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Option<Remote>, ProviderError>> {
        Box::pin(self.fetch_object(object))
    }

    fn list<'a>(
        &'a self,
        kind: ObjectKind,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<RemotePage, ProviderError>> {
        Box::pin(async move {
            let Some(call) = request::list(kind, after) else { return Ok(RemotePage::default()) };
            let page = self.read(call).await?;
            let mut objects = Vec::new();
            for value in answer::rows(&page) {
                objects.push(match kind {
                    ObjectKind::Product => {
                        let prices = self.prices_of(answer::text(value, "id")?).await?;
                        Remote::Product(answer::product(value, &prices)?)
                    }
                    ObjectKind::CreditNote => Remote::CreditNote(answer::credit_note(value)?),
                    ObjectKind::Invoice => Remote::Invoice(answer::invoice(value)?),
                    ObjectKind::Refund => Remote::Refund(answer::refund(value, None)?),
                    ObjectKind::Dispute => Remote::Dispute(answer::dispute(value, None)?),
                    _ => Remote::Subscription(answer::subscription(value)?),
                });
            }
            let last = answer::rows(&page).last().and_then(|value| value["id"].as_str());
            let next = last.filter(|_| page["has_more"] == true).map(str::to_owned);
            Ok(RemotePage { objects, next })
        })
    }

    fn preview<'a>(
        &'a self,
        change: &'a ChangeSubscription,
    ) -> BoxFuture<'a, Result<Preview, ProviderError>> {
        Box::pin(async move {
            let change = self.on_paid_terms(change).await?;
            let present = self.present_items(&change).await?;
            answer::preview(&self.read(request::preview(&change, &present)).await?)
        })
    }

    fn upcoming<'a>(
        &'a self,
        customer: &'a str,
        subscription: &'a str,
    ) -> BoxFuture<'a, Result<Option<RemoteInvoice>, ProviderError>> {
        Box::pin(async move {
            match self.read(request::upcoming(customer, subscription)).await {
                Ok(value) => Ok(Some(answer::invoice(&value)?)),
                Err(ProviderError::Refused { code, .. })
                    if code == "invoice_upcoming_none" || code == "resource_missing" =>
                {
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        })
    }

    fn balance<'a>(&'a self, customer: &'a str) -> BoxFuture<'a, Result<Option<Money>, ProviderError>> {
        Box::pin(async move {
            let found = self.find(request::read_customer(customer)).await?;
            found.as_ref().map_or(Ok(None), answer::balance)
        })
    }

    fn read_announcement(
        &self,
        header: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Announcement, InvalidAnnouncement> {
        signature::verify(header, body, &self.secrets, now)?;
        event::read(body, self.live, self.account.as_deref())
    }
}
