//! Giving back at most what was paid. Refunds and credit notes of one invoice have one target, so one of them is under way
//! at a time; what is left is computed in the transaction that claims it, less what was done and is not fetched yet.

use quoin_audit::Entry;
use quoin_db::{DbError, Tx};
use quoin_kernel::Id;
use quoin_kernel::hash::sha256;
use uuid::Uuid;

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::invoice::InvoiceId;
use crate::model::{Command, Invoice, Outcome};
use crate::port::ProviderError;
use crate::store::intents_global::{self, Ending, Intent};
use crate::store::{credit_notes, invoices, invoices_global};

/// What names a call that carries an `Idempotency-Key`: whose key it is, the key, and what is asked. Repeated, it finds
/// the intent that the first one wrote down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallId(Uuid);

impl CallId {
    /// Names a call.
    pub fn of(caller: Uuid, key: &str, wish: &str) -> Self {
        let digest = sha256(format!("{caller}\n{key}\n{wish}").as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// An invoice of which something is given back, and the intent that does so.
pub(super) struct Claimed {
    pub(super) invoice: Invoice,
    pub(super) intent: Uuid,
}

impl Payments {
    /// Writes down what `describe` makes of an invoice and of what is left of it, or finds what the same call, or the
    /// same wish without a key, has written down.
    ///
    /// # Errors
    /// What `describe` refuses; [`PaymentsError::OtherChange`] where something else of it is given back just now.
    pub(super) async fn claim_give_back(
        &self,
        id: InvoiceId,
        call: Option<CallId>,
        entry: Entry,
        describe: impl Fn(&Invoice, i64) -> Result<Command, PaymentsError> + Send + 'static,
    ) -> Result<Claimed, PaymentsError> {
        let room = self.clone();
        let fresh = Id::<Intent>::new(self.now(), self.app().rng()).uuid();
        let intent_id = call.map_or(fresh, |call| call.0);
        let claim = move |tx: &mut Tx<'_>| {
            let invoice = invoices_global::find_any(tx, id)?.ok_or(PaymentsError::NoSuch("invoice"))?;
            if intents_global::find(tx, intent_id)?.is_some() {
                return Ok(Claimed { invoice, intent: intent_id });
            }
            let provider = room.provider_named(&invoice.provider)?;
            let target = target_of(&invoice);
            let pending = intents_global::find_pending(tx, &target)?.map(|pending| pending.id);
            let command = describe(&invoice, left(tx, &invoice, pending)?)?;
            let mut intent = room.intent(provider.as_ref(), target, command);
            (intent.id, intent.idempotency_key) = (intent_id, format!("quoin-{intent_id}"));
            let written = Self::write_down(tx, &intent)?;
            if call.is_some() && written != intent_id {
                // Another call asks for the same: that is not this one repeated.
                return Err(PaymentsError::OtherChange);
            }
            quoin_audit::record(tx, &entry.clone().in_org_of(invoice.subject.org_id()).on(invoice.id))?;
            Ok(Claimed { invoice, intent: written })
        };
        self.db().write("payments.give_back.claim", claim).await
    }

    /// Carries out what was claimed. Whatever goes wrong but a refusal leaves open whether it happens still.
    pub(super) async fn give_back(&self, intent: Uuid) -> Result<Outcome, PaymentsError> {
        self.carry_out(intent).await.map_err(unsettled)
    }
}

/// Says that nobody knows yet how it ends, where that is so.
pub(crate) fn unsettled(error: PaymentsError) -> PaymentsError {
    match error {
        PaymentsError::Provider(
            ProviderError::Refused { .. }
            | ProviderError::Declined { .. }
            | ProviderError::Unauthorized
            | ProviderError::Garbled(_),
        ) => error,
        error => PaymentsError::Unsettled(Box::new(error)),
    }
}

fn target_of(invoice: &Invoice) -> String {
    format!("giveback:{}:{}", invoice.provider, invoice.remote_id)
}

/// Says how much may be taken off an invoice that is open, or given back of one that is paid: less what is under way, but
/// for one intent, and what was done and is not fetched.
fn left(tx: &mut Tx<'_>, invoice: &Invoice, except: Option<Uuid>) -> Result<i64, DbError> {
    let one = &invoice.remote_id;
    // The last two are what versions before this one wrote down.
    let targets = [target_of(invoice), format!("refund:{one}"), format!("credit:{one}")];
    let mut sums = Sums::default();
    for intent in intents_global::list_of_targets(tx, &targets)? {
        if intent.provider == invoice.provider && Some(intent.id) != except {
            sums.add(tx, invoice, &intent)?;
        }
    }
    Ok(match invoice.status.as_str() {
        "open" => invoice.amount_remaining - sums.taken_off,
        "paid" => {
            // The refund of a credit note is an object of its own, which is fetched after it.
            let by_notes = credit_notes::sum_refunded(tx, invoice)? + sums.refunds_fetched;
            let refunded = invoice.amount_refunded.max(by_notes);
            invoice.amount_paid - refunded - credit_notes::sum_given(tx, invoice)? - sums.given
        }
        _ => 0,
    })
}

/// What intents add to what was fetched.
#[derive(Default)]
struct Sums {
    /// Taken off while the invoice was open.
    taken_off: i64,
    /// Given back of what was paid.
    given: i64,
    /// Given back by refunds that are fetched, and did not fail.
    refunds_fetched: i64,
}

impl Sums {
    fn add(&mut self, tx: &mut Tx<'_>, invoice: &Invoice, intent: &Intent) -> Result<(), DbError> {
        let done = match &intent.ending {
            Ending::Done(outcome) => outcome.id(),
            Ending::Refused(..) | Ending::Failed { unknown: false, .. } => return Ok(()),
            // What may have been done counts as done.
            Ending::Pending | Ending::Failed { unknown: true, .. } => None,
        };
        match &intent.command {
            Command::Refund(wish) => {
                let fetched = done.map(|id| invoices::find_refund(tx, invoice, id)).transpose()?.flatten();
                match fetched {
                    Some(counted) => self.refunds_fetched += counted,
                    None => self.given += wish.amount.unwrap_or(invoice.amount_paid),
                }
            }
            Command::CreateCreditNote(wish) => {
                let note = |id| credit_notes::find_by_remote(tx, invoice.subject, &invoice.provider, id);
                if done.map(note).transpose()?.flatten().is_none() {
                    self.taken_off += wish.amount;
                    self.given += wish.refund + wish.balance + wish.out_of_band;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
