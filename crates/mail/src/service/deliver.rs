//! Delivering one mail: read, fill the template, hand over, note the end.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use quoin_db::{Db, DbError};
use quoin_kernel::EmailAddress;
use quoin_kernel::job::{JobError, JobRun};
use quoin_web::App;
use serde_json::Value;

use crate::model::{MailId, Message, SEALED_FOR, Sender};
use crate::port::{SendError, Transport};
use crate::store::outbox_global::{self, Outcome, Requested};
use crate::templates::Templates;

/// Everything that delivering needs.
pub struct Deliverer {
    /// The outbox, the time, and the key that opens sealed parameters.
    pub app: App,
    /// The texts.
    pub templates: Templates,
    /// Who mails are from.
    pub from: Sender,
    /// Where mails go.
    pub transport: Arc<dyn Transport>,
    /// How long the row of a mail that has ended is kept.
    pub keep_ended: Duration,
}

/// Why a mail could not even be written.
#[derive(Debug, thiserror::Error)]
enum Unwritable {
    #[error("the address in the outbox is not valid")]
    Address,
    #[error("the sealed parameters cannot be opened with this master key")]
    Secrets,
    #[error(transparent)]
    Template(#[from] crate::templates::TemplateError),
}

impl Deliverer {
    /// Returns the database that holds the outbox.
    pub(crate) fn db(&self) -> &Db {
        self.app.db().system()
    }

    /// Makes one try. A crash at any point leaves the mail in the outbox and its job in the queue; after a crash
    /// between the server's answer and the note of it, the mail is sent again with the same `Message-ID`.
    pub(crate) async fn deliver(&self, id: MailId, run: JobRun) -> Result<(), JobError> {
        let found =
            self.db().read("mail.find", move |tx| outbox_global::find(tx, id)).await.map_err(retry)?;
        let Some(requested) = found else {
            // Sent by an earlier try that could not say so, or forgotten with the person it was for.
            return Ok(());
        };
        let template = requested.template.clone();
        let result = match self.write_message(id, requested) {
            Ok(message) => self.transport.send(&message).await,
            Err(error) => Err(SendError::Permanent(Box::new(error))),
        };
        match result {
            Ok(()) => {
                tracing::info!(mail = %id, template, "mail sent");
                self.finish(id, Outcome::Sent).await.map_err(retry)
            }
            Err(SendError::Temporary(error)) if !run.is_last_attempt() => Err(JobError::Retry(error)),
            Err(SendError::Temporary(error) | SendError::Permanent(error)) => {
                tracing::error!(mail = %id, template, attempt = run.attempt, "mail failed");
                self.finish(id, Outcome::Failed).await.map_err(retry)?;
                Err(JobError::Fail(error))
            }
        }
    }

    fn write_message(&self, id: MailId, requested: Requested) -> Result<Message, Unwritable> {
        let to: EmailAddress = requested.to.parse().map_err(|_| Unwritable::Address)?;
        let mut params = match requested.params {
            Value::Object(params) => params,
            _ => serde_json::Map::new(),
        };
        if let Some(sealed) = &requested.secrets {
            let opened = self.app.master_key().open(SEALED_FOR, sealed).map_err(|_| Unwritable::Secrets)?;
            let secrets: serde_json::Map<String, Value> =
                serde_json::from_slice(opened.expose()).map_err(|_| Unwritable::Secrets)?;
            params.extend(secrets);
        }
        let texts = self.templates.fill(&requested.template, requested.language, &params)?;
        Ok(Message {
            id,
            from: self.from.clone(),
            to,
            subject: texts.subject,
            text: texts.text,
            html: texts.html,
            date: requested.at,
        })
    }

    async fn finish(&self, id: MailId, outcome: Outcome) -> Result<(), DbError> {
        let now = self.app.now();
        self.db()
            .write("mail.finish", move |tx| outbox_global::finish(tx, id, outcome, now).map(|_| ()))
            .await
    }
}

fn retry(error: impl Error + Send + Sync + 'static) -> JobError {
    JobError::Retry(Box::new(error))
}
