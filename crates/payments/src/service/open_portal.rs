//! The customer at the provider, and the page where they look after payment methods and invoices.

use std::sync::Arc;

use quoin_kernel::billing::Subject;
use quoin_kernel::{Timestamp, UserId};

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::command::CreateCustomer;
use crate::model::{Command, Outcome};
use crate::port::Provider;
use crate::store::customers;

/// Who pays, and what the provider is told about them.
#[derive(Debug, Clone)]
pub struct Payer {
    /// Who is billed.
    pub subject: Subject,
    /// Who acts for it: invoices and reminders go there.
    pub contact: UserId,
    /// Their address.
    pub email: Option<String>,
    /// Their language, as a tag of BCP 47.
    pub language: String,
}

impl Payments {
    /// Finds the subject's customer at the provider, or has it made.
    pub(crate) async fn customer(
        &self,
        provider: &Arc<dyn Provider>,
        payer: &Payer,
    ) -> Result<String, PaymentsError> {
        let (subject, name, now) = (payer.subject, provider.name(), self.now());
        let payer = payer.clone();
        let command = Command::CreateCustomer(CreateCustomer {
            subject_kind: subject.kind().to_owned(),
            subject_id: subject.uuid(),
            email: payer.email.clone(),
            name: None,
        });
        let intent = self.intent(provider.as_ref(), format!("customer:{subject}"), command);
        let claim = self.db().write("payments.customers.claim", move |tx| {
            if customers::is_erased(tx, subject)? {
                return Err(PaymentsError::NoCustomer);
            }
            customers::insert(tx, subject, name, now)?;
            if let Some(email) = &payer.email {
                customers::set_contact(tx, subject, payer.contact, (email, &payer.language))?;
            }
            if let Some(customer) = customers::find(tx, subject, name)? {
                return Ok(Err(customer));
            }
            // Whoever asks for the same customer with another address gets the one that is being made.
            let pending = crate::store::intents_global::find_pending(tx, &intent.target)?;
            match pending {
                Some(pending) => Ok(Ok(pending.id)),
                None => Ok::<_, PaymentsError>(Ok(Self::write_down(tx, &intent)?)),
            }
        });
        match claim.await? {
            Err(customer) => Ok(customer),
            Ok(intent) => {
                let outcome = self.carry_out(intent).await?;
                Ok(outcome.id().unwrap_or_default().to_owned())
            }
        }
    }

    /// Opens the provider's page for a customer.
    pub async fn open_portal(&self, payer: &Payer, return_url: &str) -> Result<String, PaymentsError> {
        let provider = self.provider()?;
        let customer = self.customer(&provider, payer).await?;
        let command = Command::OpenPortal { customer, return_url: return_url.to_owned() };
        // Each page is opened anew and lives for minutes: a target of its own.
        let target = format!("portal:{}:{}", payer.subject, unique(self.now()));
        match self.ask(self.intent(provider.as_ref(), target, command)).await? {
            Outcome::Page { url, .. } => Ok(url),
            _ => Err(PaymentsError::NoCustomer),
        }
    }
}

fn unique(now: Timestamp) -> i64 {
    now.as_micros()
}
