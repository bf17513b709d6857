//! A mail that is asked for: the name of a template and what fills it.

use quoin_jobs::NewJob;
use quoin_kernel::seal::MasterKey;
use quoin_kernel::{EmailAddress, Id, Language, OrgId, Rng, Timestamp};
use serde_json::{Value, json};

/// The kind of thing that a [`MailId`] names.
#[derive(Debug)]
pub enum MailMessage {}

/// Identifies a mail; part of its `Message-ID`.
pub type MailId = Id<MailMessage>;

/// The purpose under which the master key seals a mail's secrets.
pub(crate) const SEALED_FOR: &str = "mail.outbox";

/// A mail to be sent, made outside the transaction that asks for it.
#[derive(Debug, Clone)]
pub struct NewMail {
    pub(crate) id: MailId,
    pub(crate) job: NewJob,
    pub(crate) requested_at: Timestamp,
    pub(crate) to: EmailAddress,
    pub(crate) template: &'static str,
    pub(crate) language: Option<Language>,
    pub(crate) params: Value,
    pub(crate) secrets: Option<Vec<u8>>,
    pub(crate) org_id: Option<OrgId>,
}

impl NewMail {
    /// Asks for the mail that `template` describes, for example `identity.confirm`, in the instance's
    /// language.
    pub fn new(rng: &dyn Rng, now: Timestamp, to: EmailAddress, template: &'static str) -> Self {
        let id = MailId::new(now, rng);
        Self {
            id,
            job: NewJob::new(rng, now, crate::jobs::SEND, json!({"mail_id": id})),
            requested_at: now,
            to,
            template,
            language: None,
            params: json!({}),
            secrets: None,
            org_id: None,
        }
    }

    /// Returns the mail's id.
    pub const fn id(&self) -> MailId {
        self.id
    }

    /// Says which language its reader reads, where that is known.
    #[must_use]
    pub fn language(mut self, language: Option<Language>) -> Self {
        self.language = language;
        self
    }

    /// Gives the template its parameters, a JSON object without secrets.
    #[must_use]
    pub fn params(mut self, params: Value) -> Self {
        self.params = params;
        self
    }

    /// Gives the template secret parameters (`link`, `code`), a JSON object that is stored sealed only.
    #[must_use]
    pub fn secrets(mut self, master_key: &MasterKey, secrets: &Value) -> Self {
        self.secrets = Some(master_key.seal(SEALED_FOR, secrets.to_string().as_bytes()));
        self
    }

    /// Says for which organisation it is sent.
    #[must_use]
    pub fn in_org(mut self, org_id: OrgId) -> Self {
        self.org_id = Some(org_id);
        self.job = self.job.in_org(org_id);
        self
    }
}
