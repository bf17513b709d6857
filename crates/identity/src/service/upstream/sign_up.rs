//! Signing up at the provider. A name that is taken there is answered exactly as a free one.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Secret, UserId};

use super::told;
use crate::Identity;
use crate::error::IdentityError;
use crate::model::{Attested, ExternalIdentity, IdentityId, Metadata, Realm, User};
use crate::port::{NewPerson, StoreError, UserStore};
use crate::service::create_account::create_account;
use crate::service::limits::{self, Guessed};
use crate::service::new_password::check_new_password;
use crate::service::sign_up::{SignUp, SignedUp};
use crate::store::{identities_global, users_global};

/// Signs somebody up at the provider, which confirms the address as it is used to. No session opens: the person signs in.
///
/// # Errors
/// `signup_disabled`, `weak_password`; 429; 503 where the provider cannot be asked.
pub(crate) async fn sign_up(
    identity: &Identity,
    store: &dyn UserStore,
    input: SignUp,
    origin: &Origin,
) -> Result<SignedUp, Problem> {
    let metadata = Metadata::default().merged(&input.data, "data")?;
    check_new_password(identity, &input.password)?;
    let now = origin.now;
    let mut user =
        User::new(Realm::INSTANCE, UserId::new(now, identity.app().rng()), input.email.clone(), now);
    user.user_metadata = metadata;
    user.confirmation_sent_at = Some(now);
    let person = NewPerson {
        email: input.email.clone(),
        username: None,
        password: Some(input.password),
        email_verified: false,
    };
    let address = input.email.to_string();
    quoin_web::evenly(&address, register(identity, store, (&user, &person), origin)).await?;
    Ok(SignedUp::Pending(Box::new(user)))
}

async fn register(
    identity: &Identity,
    store: &dyn UserStore,
    (user, person): (&User, &NewPerson),
    origin: &Origin,
) -> Result<(), Problem> {
    limits::spend_mail(identity, (Realm::INSTANCE, &person.email), origin).await?;
    match store.sign_up(person).await {
        Ok(registered) => {
            let account = Account::new(identity, store, (user, person), registered.subject, origin);
            identity
                .db()
                .write("identity.user.sign_up_elsewhere", move |tx| account.store(tx, Actor::Anonymous))
                .await
                .map(drop)
        }
        Err(StoreError::Exists) => Ok(()),
        Err(error) => Err(told(error)),
    }
}

/// An account that the provider has made, with the row that waits for its person. Its address stays unproved, so it is kept
/// with the identity and not as the person's own.
pub(crate) struct Account {
    identity: Identity,
    pub(crate) user: User,
    linked: ExternalIdentity,
    origin: Origin,
}

impl Account {
    /// Draws the row.
    pub(crate) fn new(
        identity: &Identity,
        store: &dyn UserStore,
        (user, person): (&User, &NewPerson),
        subject: String,
        origin: &Origin,
    ) -> Self {
        let provider = store.provider();
        let mut profile = serde_json::Map::new();
        if let Some(username) = &person.username {
            profile.insert("username".to_owned(), username.as_str().into());
        }
        let attested = Attested {
            issuer: provider.issuer.clone(),
            subject,
            email: Some(person.email.to_string()),
            email_verified: person.email_verified,
            email_disputed: !person.email_verified,
            hosted_domain: None,
            organization: None,
            profile,
        };
        let id = IdentityId::new(origin.now, identity.app().rng());
        let linked = ExternalIdentity::new((id, user.id), &provider.name, &attested, origin.now);
        let mut user = user.clone();
        if !person.email_verified {
            user.email = None;
        }
        Self { identity: identity.clone(), user, linked, origin: origin.clone() }
    }

    /// Writes the person down, unless they have come in meanwhile.
    pub(crate) fn store(&self, tx: &mut Tx<'_>, actor: Actor) -> Result<User, Problem> {
        if let Some(known) =
            identities_global::find(tx, self.user.realm, &self.linked.issuer, &self.linked.subject)?
        {
            return Ok(users_global::find(tx, known.user_id)?.ok_or(IdentityError::UserNotFound)?);
        }
        let mut user = self.user.clone();
        if let Some(email) = &user.email
            && users_global::find_by_email(tx, user.realm, email)?.is_some()
        {
            return Err(IdentityError::EmailExists.into());
        }
        create_account(tx, &self.identity, &user, actor, &self.origin)?;
        identities_global::insert(tx, &self.linked)?;
        user.identities.push(self.linked.clone());
        Ok(user)
    }
}

/// Confirms a sign-up with the provider's own code.
///
/// # Errors
/// `otp_expired` for a code that does not work; 429 after too many.
pub(crate) async fn confirm(
    identity: &Identity,
    store: &dyn UserStore,
    (email, code): (&EmailAddress, &Secret<String>),
    origin: &Origin,
) -> Result<(), Problem> {
    let guessed = Guessed::Password(email.as_str());
    // Before the provider is asked: of many codes that are sent at once, no more than the limit reach it.
    limits::spend_guess(identity, guessed, origin).await?;
    let confirmed = match store.confirm_sign_up(email.as_str(), code).await {
        Ok(()) => Ok(()),
        Err(StoreError::NotOffered(what)) => Err(IdentityError::ProviderLacks(what).into()),
        Err(error) => {
            let problem = told(error);
            if problem.status() < 500 {
                // Whether there is such an account is not said.
                return Err(IdentityError::LinkExpired.into());
            }
            Err(problem)
        }
    };
    limits::give_back(identity, guessed, origin).await?;
    confirmed
}
