//! Asking a provider to do something once: written down, then asked, then settled.
//!
//! The intent is committed with its idempotency key before the call. Whoever finds it pending, in this request, the next
//! one or a job after a crash, sends the same command with the same key. A lease with a fencing token keeps two from
//! asking at once. After a day the key has lost its meaning for the provider; then what the command would have left
//! behind is looked up first, and only where there is nothing a new key is written down. What waits for its next try, and what
//! is given up, is in `resume_intents`.

use std::time::Duration;

use quoin_db::{DbError, Tx};
use quoin_kernel::billing::Subject;
use quoin_kernel::hash::sha256;
use quoin_kernel::{Id, Timestamp};
use uuid::Uuid;

use super::forget::{closing_of, erasure_of};
use super::resume_intents::wait_after;
use crate::error::PaymentsError;
use crate::model::command::StartCheckout;
use crate::model::{Command, ObjectKind, ObjectRef, Outcome};
use crate::port::{IntentKey, Provider, ProviderError, Refusal};
use crate::store::intents_global::{self, Ending, Intent};
use crate::store::{checkouts, customers, plans_global, prices_global, subscriptions_global};
use crate::{Payments, jobs};

/// How long one try may hold the lease: three calls of ten seconds and their pauses.
const LEASE: Duration = Duration::from_secs(45);
/// How long a request waits for another one that does the same.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long providers remember an idempotency key, less an hour.
const KEY_LIFETIME: Duration = Duration::from_hours(23);
/// The topic of intents that have ended.
const TOPIC: &str = "payments.intents";

impl Payments {
    /// Describes an intent, outside the transaction that writes it down. One intent per `target` is pending at a time.
    pub(crate) fn intent(&self, provider: &dyn Provider, target: String, command: Command) -> Intent {
        let (now, id) = (self.now(), Id::<Intent>::new(self.now(), self.app().rng()).uuid());
        Intent {
            id,
            provider: provider.name().to_owned(),
            target,
            command_hash: hash(&command),
            command,
            idempotency_key: format!("quoin-{id}"),
            keyed_at: now,
            ending: Ending::Pending,
            fence: 0,
            attempts: 0,
            failures: 0,
        }
    }

    /// Writes an intent down, or finds the pending one of its target that asks for the same.
    ///
    /// # Errors
    /// [`PaymentsError::OtherChange`] where the target is to be changed in another way just now.
    pub(crate) fn write_down(tx: &mut Tx<'_>, intent: &Intent) -> Result<Uuid, PaymentsError> {
        match intents_global::find_pending(tx, &intent.target)? {
            Some(pending) if pending.command_hash == intent.command_hash => Ok(pending.id),
            Some(_) => Err(PaymentsError::OtherChange),
            // It was pending when it was read, and has ended since.
            None if intents_global::find(tx, intent.id)?.is_some() => Ok(intent.id),
            None => {
                intents_global::insert(tx, intent)?;
                Ok(intent.id)
            }
        }
    }

    /// Writes an intent down and carries it out.
    pub(crate) async fn ask(&self, intent: Intent) -> Result<Outcome, PaymentsError> {
        let id = self.db().write("payments.intents.insert", move |tx| Self::write_down(tx, &intent)).await?;
        self.carry_out(id).await
    }

    /// Carries an intent out, or waits for whoever is doing so, and answers how it ended.
    ///
    /// # Errors
    /// What the provider refuses; [`ProviderError::Unavailable`] where nobody knows whether it was done: then it stays
    /// pending and is asked again under the same key.
    pub async fn carry_out(&self, id: Uuid) -> Result<Outcome, PaymentsError> {
        let ended = self.db().subscribe(TOPIC);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let now = self.now();
            let claim = move |tx: &mut Tx<'_>| intents_global::claim(tx, id, (now, now + LEASE));
            let claimed: Result<_, DbError> = self.db().write("payments.intents.claim", claim).await;
            if let Some(intent) = claimed? {
                return self.run(intent).await;
            }
            let found: Result<_, DbError> =
                self.db().read("payments.intents.get", move |tx| intents_global::find(tx, id)).await;
            match found?.ok_or(PaymentsError::NoSuch("intent"))?.ending {
                Ending::Done(outcome) => return Ok(outcome),
                Ending::Refused(refusal) => return Err(ProviderError::from(refusal).into()),
                Ending::Failed { problem, .. } => return Err(ProviderError::Garbled(problem).into()),
                Ending::Pending if tokio::time::Instant::now() >= deadline => {
                    return Err(PaymentsError::InProgress);
                }
                Ending::Pending => {
                    // On another node it ends without this process being told.
                    tokio::time::timeout(LOOK_EVERY, ended.notified()).await.ok();
                }
            }
        }
    }

    async fn run(&self, intent: Intent) -> Result<Outcome, PaymentsError> {
        let asked = match self.provider_named(&intent.provider) {
            Ok(provider) => self.ask_provider(provider.as_ref(), &intent).await,
            Err(error) => Err(error),
        };
        let (id, ending) = (intent.id, self.conclude(&intent, &asked).await);
        let (now, room, ended) = (self.now(), self.clone(), ending.clone());
        let wait = wait_after(&intent, &asked, now);
        let then = self.intent(self.manual().as_ref(), String::new(), intent.command.clone());
        let settled = self
            .db()
            .write("payments.intents.settle", move |tx| {
                if !intents_global::settle(tx, (intent.id, intent.fence), &ending, (now, wait))? {
                    // Somebody else took over after the lease: theirs is the word.
                    return Ok(false);
                }
                room.take_effect(tx, &intent, &ending, &then, now)?;
                tx.notify_on_commit(TOPIC);
                Ok::<_, PaymentsError>(true)
            })
            .await?;
        match (settled, ended) {
            (false, _) => Err(PaymentsError::InProgress),
            (true, Ending::Done(outcome)) => Ok(outcome),
            (true, Ending::Failed { problem, .. }) => {
                tracing::error!(intent = %id, problem, "what a provider was asked is given up");
                asked
            }
            (true, _) => asked,
        }
    }

    async fn ask_provider(&self, provider: &dyn Provider, intent: &Intent) -> Result<Outcome, PaymentsError> {
        if let Command::CancelSubscription { subscription, at_once: true } = &intent.command {
            self.report_before_the_end(provider, subscription).await?;
        }
        let now = self.now();
        let mut key = IntentKey { intent: intent.id, key: intent.idempotency_key.clone() };
        if now.since(intent.keyed_at) > KEY_LIFETIME {
            if let Some(outcome) = provider.look_up(&intent.command, &key).await? {
                return Ok(outcome);
            }
            key.key = format!("quoin-{}-{}", intent.id, intent.fence);
            let (lease, renewed) = ((intent.id, intent.fence), key.key.clone());
            let rekey = move |tx: &mut Tx<'_>| intents_global::rekey(tx, lease, &renewed, now);
            let kept: Result<bool, DbError> = self.db().write("payments.intents.rekey", rekey).await;
            if !kept? {
                return Err(PaymentsError::InProgress);
            }
        }
        Ok(provider.perform(&intent.command, &key).await?)
    }

    /// Tells the provider what was used, before it makes the last invoice of a subscription.
    async fn report_before_the_end(
        &self,
        provider: &dyn Provider,
        subscription: &str,
    ) -> Result<(), PaymentsError> {
        let (name, id) = (provider.name(), subscription.to_owned());
        let find = move |tx: &mut Tx<'_>| subscriptions_global::find_by_remote(tx, name, &id);
        let found: Result<_, DbError> = self.db().read("payments.subscriptions.get", find).await;
        match found? {
            Some(one) => self.report_last(provider, one.subject).await,
            None => Ok(()),
        }
    }

    /// Writes what follows from an ending, in its transaction.
    fn take_effect(
        &self,
        tx: &mut Tx<'_>,
        intent: &Intent,
        ending: &Ending,
        then: &Intent,
        now: Timestamp,
    ) -> Result<(), PaymentsError> {
        if let Some(kept) = intent.command.without_address().filter(|_| *ending != Ending::Pending) {
            intents_global::update_command(tx, intent.id, (&kept, &hash(&kept)))?;
        }
        let outcome = match ending {
            Ending::Done(outcome) => outcome,
            Ending::Refused(Refusal { code, message, .. }) => {
                if let Command::StartCheckout(StartCheckout { customer, .. })
                | Command::OpenPortal { customer, .. } = &intent.command
                    && code == "resource_missing"
                {
                    // The customer may be gone, and its event lost: then the next one is made anew.
                    let object = ObjectRef::new(ObjectKind::Customer, customer);
                    jobs::hear(self.app().rng(), tx, &intent.provider, (&object, "refusal"), now)?;
                }
                self.take_back(tx, intent, now)?;
                return close_checkout(tx, &intent.command, &format!("{message} ({code})"), now);
            }
            Ending::Failed { problem, unknown } => {
                self.take_back(tx, intent, now)?;
                close_checkout(tx, &intent.command, problem, now)?;
                return self.give_up(tx, intent, (problem, *unknown), now);
            }
            Ending::Pending => return Ok(()),
        };
        let id = outcome.id().unwrap_or_default();
        match &intent.command {
            Command::PublishProduct(wish) => plans_global::set_remote(tx, &wish.plan_id.parse()?, id)?,
            Command::PublishPrice(wish) => prices_global::set_remote(tx, wish.price_id, id)?,
            Command::CreateCustomer(wish) => {
                let subject = Subject::parse(&wish.subject_kind, wish.subject_id)
                    .ok_or(PaymentsError::NoSuch("subject"))?;
                customers::set_remote(tx, subject, &intent.provider, id)?;
                if customers::is_erased(tx, subject)? {
                    undo_customer(tx, intent, id, then)?;
                }
            }
            Command::StartCheckout(wish) => {
                self.keep_session(tx, (intent, wish), (outcome, then), now)?;
            }
            _ => self.hear_of_touched(tx, intent, id, now)?,
        }
        Ok(())
    }

    /// Gives back what a change that does not happen held: seats that were to go can be taken again.
    fn take_back(&self, tx: &mut Tx<'_>, intent: &Intent, now: Timestamp) -> Result<(), PaymentsError> {
        let Command::ChangeSubscription(wish) = &intent.command else { return Ok(()) };
        match subscriptions_global::find_by_remote(tx, &intent.provider, &wish.subscription)? {
            Some(one) => Ok(self.entitled().refresh(tx, one.subject, now)?),
            None => Ok(()),
        }
    }

    /// Notes where a checkout is paid.
    fn keep_session(
        &self,
        tx: &mut Tx<'_>,
        (intent, wish): (&Intent, &StartCheckout),
        (outcome, then): (&Outcome, &Intent),
        now: Timestamp,
    ) -> Result<(), PaymentsError> {
        let url = if let Outcome::Page { url, .. } = outcome { url.as_str() } else { "" };
        let (id, subject) = (outcome.id().unwrap_or_default(), read_subject(&wish.subject)?);
        checkouts::set_remote(tx, subject, wish.checkout_id, id, url)?;
        let open = checkouts::find(tx, subject, wish.checkout_id)?.filter(|one| one.state == "open");
        if open.is_none() {
            // It was closed while this answer was under way, so nobody may pay it.
            let command = Command::ExpireCheckout { session: id.to_owned() };
            Self::write_down(tx, &asking(then, &intent.provider, closing_of(id), command))?;
        }
        if intent.provider == self.manual().name() {
            // Nobody announces that: the order shows with its invoice now, not when it is compared.
            let object = ObjectRef::new(ObjectKind::Checkout, id);
            jobs::hear(self.app().rng(), tx, &intent.provider, (&object, "order"), now)?;
        }
        Ok(())
    }

    /// Asks how everything stands that a command may have changed.
    pub(super) fn hear_of_touched(
        &self,
        tx: &mut Tx<'_>,
        intent: &Intent,
        id: &str,
        now: Timestamp,
    ) -> Result<(), PaymentsError> {
        let cause = format!("intent:{}", intent.id);
        for object in touched(&intent.command, id).iter().filter(|object| !object.id.is_empty()) {
            jobs::hear(self.app().rng(), tx, &intent.provider, (object, &cause), now)?;
        }
        Ok(())
    }
}

/// Closes the checkout whose session was not opened.
fn close_checkout(
    tx: &mut Tx<'_>,
    command: &Command,
    problem: &str,
    now: Timestamp,
) -> Result<(), PaymentsError> {
    if let Command::StartCheckout(wish) = command {
        let subject = read_subject(&wish.subject)?;
        checkouts::close(tx, subject, wish.checkout_id, ("failed", Some(problem)), now)?;
    }
    Ok(())
}

/// Wishes away a customer that was made although whoever it stands for was erased meanwhile.
fn undo_customer(tx: &mut Tx<'_>, made: &Intent, customer: &str, then: &Intent) -> Result<(), PaymentsError> {
    intents_global::delete_ended(tx, &made.target)?;
    let command = Command::EraseCustomer { customer: customer.to_owned() };
    Payments::write_down(tx, &asking(then, &made.provider, erasure_of(customer), command)).map(|_| ())
}

/// Makes of an intent that was described before the transaction one that asks for this.
pub(super) fn asking(described: &Intent, provider: &str, target: String, command: Command) -> Intent {
    let (provider, command_hash) = (provider.to_owned(), hash(&command));
    Intent { provider, target, command, command_hash, ..described.clone() }
}

/// Names the objects that a command has changed, so that they are fetched without waiting for an event.
fn touched(command: &Command, id: &str) -> Vec<ObjectRef> {
    let subscription = |id: &String| vec![ObjectRef::new(ObjectKind::Subscription, id)];
    match command {
        Command::ExpireCheckout { session } => vec![ObjectRef::new(ObjectKind::Checkout, session)],
        Command::ChangeSubscription(wish) => subscription(&wish.subscription),
        Command::ScheduleChange(wish) => subscription(&wish.change.subscription),
        Command::CancelSubscription { subscription: id, .. }
        | Command::UnscheduleChange { subscription: id }
        | Command::ResumeSubscription { subscription: id }
        | Command::PauseSubscription { subscription: id, .. } => subscription(id),
        Command::Refund(wish) => {
            vec![ObjectRef::new(ObjectKind::Refund, id), ObjectRef::new(ObjectKind::Invoice, &wish.invoice)]
        }
        Command::CreateCreditNote(wish) => {
            vec![
                ObjectRef::new(ObjectKind::CreditNote, id),
                ObjectRef::new(ObjectKind::Invoice, &wish.invoice),
            ]
        }
        _ => Vec::new(),
    }
}

/// Reads `org:UUID` or `user:UUID`.
pub(crate) fn read_subject(text: &str) -> Result<Subject, PaymentsError> {
    let parsed = text.split_once(':').and_then(|(kind, id)| Subject::parse(kind, id.parse().ok()?));
    parsed.ok_or(PaymentsError::NoSuch("subject"))
}

fn hash(command: &Command) -> Vec<u8> {
    // Commands are plain data; what cannot be written is told apart by its name at least.
    let text = serde_json::to_string(command).unwrap_or_else(|_| format!("{command:?}"));
    sha256(text.as_bytes()).to_vec()
}
