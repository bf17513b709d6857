//! A person with an account.

use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Language, Timestamp, UserId};
use serde_json::{Map, Value, json};

use crate::config::Unverified;
use crate::model::{EmailProof, ExternalIdentity, Factor, FactorKind, Metadata, Realm};

/// A person with an account, as the row holds them.
#[derive(Debug, Clone)]
pub struct User {
    /// The person.
    pub id: UserId,
    /// Whose people they are one of.
    pub realm: Realm,
    /// The address they sign in with, where they have one.
    pub email: Option<EmailAddress>,
    /// True for somebody who has shown nothing yet by which they could be recognised.
    pub is_anonymous: bool,
    /// When they proved that the address is theirs.
    pub email_confirmed_at: Option<Timestamp>,
    /// By what; `None` for what was proved before that was noted.
    pub email_proof: Option<EmailProof>,
    /// The password's hash as a PHC string; `None` where no password is set.
    pub password_hash: Option<String>,
    /// What the person may edit.
    pub user_metadata: Metadata,
    /// What only administrators may edit.
    pub app_metadata: Metadata,
    /// The address they want to change to, until both addresses have confirmed.
    pub new_email: Option<EmailAddress>,
    /// Until when they may not sign in.
    pub banned_until: Option<Timestamp>,
    /// When an administrator invited them.
    pub invited_at: Option<Timestamp>,
    /// When the last confirmation mail was queued.
    pub confirmation_sent_at: Option<Timestamp>,
    /// When the last recovery mail was queued.
    pub recovery_sent_at: Option<Timestamp>,
    /// When the last mails about a change of address were queued.
    pub email_change_sent_at: Option<Timestamp>,
    /// When they last signed in; a refresh does not count.
    pub last_sign_in_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When the account was last changed.
    pub updated_at: Timestamp,
    /// Their second factors and passkeys; read with the person, written by themselves.
    pub factors: Vec<Factor>,
    /// By whom they are known elsewhere; read with the person, written by themselves.
    pub identities: Vec<ExternalIdentity>,
}

impl User {
    /// Starts an account that nobody has proved anything about.
    pub fn new(realm: Realm, id: UserId, email: EmailAddress, now: Timestamp) -> Self {
        Self { email: Some(email), is_anonymous: false, ..Self::anonymous(realm, id, now) }
    }

    /// Starts an account of somebody of whom nothing is known.
    pub fn anonymous(realm: Realm, id: UserId, now: Timestamp) -> Self {
        Self {
            id,
            realm,
            email: None,
            is_anonymous: true,
            email_confirmed_at: None,
            email_proof: None,
            password_hash: None,
            user_metadata: Metadata::default(),
            app_metadata: Metadata::default(),
            new_email: None,
            banned_until: None,
            invited_at: None,
            confirmation_sent_at: None,
            recovery_sent_at: None,
            email_change_sent_at: None,
            last_sign_in_at: None,
            created_at: now,
            updated_at: now,
            factors: Vec::new(),
            identities: Vec::new(),
        }
    }

    /// Tells whether the address is a way in of its own, rather than what a provider has said.
    pub fn is_known_by_address(&self) -> bool {
        self.email.is_some() && (self.identities.is_empty() || self.password_hash.is_some())
    }

    /// Names the account where failures are counted.
    pub fn account(&self) -> String {
        self.email.as_ref().map_or_else(|| self.id.to_string(), |email| self.realm.account(email))
    }

    /// Tells whether a second factor must be shown before anything else.
    pub fn has_second_factor(&self) -> bool {
        self.factors.iter().any(|factor| factor.kind != FactorKind::Passkey && factor.verified_at.is_some())
    }

    /// Notes that the address is proved. The first moment stays, unless nobody had shown anything then.
    pub fn confirm(&mut self, proof: EmailProof, now: Timestamp) {
        if self.is_proved() {
            return;
        }
        let stays = self.email_confirmed_at.is_some() && proof == EmailProof::Believed;
        if !stays {
            self.email_confirmed_at = Some(now);
            self.email_proof = Some(proof);
            self.updated_at = now;
        }
    }

    /// Takes another address, with what proves that it is theirs.
    pub fn take_address(
        &mut self,
        email: EmailAddress,
        proof: EmailProof,
        now: Timestamp,
    ) -> Option<EmailAddress> {
        self.email_confirmed_at = Some(now);
        self.email_proof = Some(proof);
        self.is_anonymous = false;
        self.updated_at = now;
        self.email.replace(email)
    }

    /// Tells whether the address counts as proved where sign-up is held to this.
    pub fn is_confirmed(&self, unverified: Unverified) -> bool {
        self.is_proved() || self.email_confirmed_at.is_some() && unverified == Unverified::Autoconfirm
    }

    /// Tells whether somebody has shown that the address is theirs, whatever the configuration believes.
    pub fn is_proved(&self) -> bool {
        self.email_confirmed_at.is_some() && self.email_proof != Some(EmailProof::Believed)
    }

    /// Returns the server's metadata as tokens and answers show it: with the providers that vouch for the person.
    pub fn shown_app_metadata(&self) -> Map<String, Value> {
        let mut shown = self.app_metadata.object().clone();
        let own = self.is_known_by_address().then_some("email");
        let others = self.identities.iter().map(|identity| identity.provider.as_str());
        let mut providers: Vec<&str> = own.into_iter().chain(others).collect();
        providers.dedup();
        if let Some(first) = providers.first() {
            shown.insert("provider".to_owned(), json!(first));
            shown.insert("providers".to_owned(), json!(providers));
        }
        shown
    }

    /// Returns the name that the person goes by, where they have said one.
    pub fn shown_name(&self) -> Option<&str> {
        ["name", "full_name", "display_name"]
            .into_iter()
            .find_map(|key| self.user_metadata.object().get(key).and_then(Value::as_str))
    }

    /// Returns the language that the person has said they read.
    pub fn language(&self) -> Option<Language> {
        self.user_metadata.object().get("locale").and_then(Value::as_str).and_then(Language::parse)
    }

    /// Returns the language in which the person is answered: theirs, else the one that was asked in.
    pub(crate) fn language_in(&self, origin: &Origin) -> Option<Language> {
        self.language().or(origin.language)
    }

    /// Tells whether the person may not sign in at `now`.
    pub fn is_banned(&self, now: Timestamp) -> bool {
        self.banned_until.is_some_and(|until| until > now)
    }
}
