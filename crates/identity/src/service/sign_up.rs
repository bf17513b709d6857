//! Signing up with an address and a password.
//!
//! A known address is answered exactly as a new one: the answer shows the account that would have been made. Its owner
//! gets a mail, and an account that nobody has confirmed takes the newest password, because whoever came first may have
//! taken somebody else's address.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Secret, UserId};
use serde_json::{Map, Value};

use crate::Identity;
use crate::config::Unverified;
use crate::error::IdentityError;
use crate::model::{AuthMethod, Metadata, Purpose, User};
use crate::service::create_account::create_account;
use crate::service::issue_session::{IssuedSession, OpenSession, SessionDraft, issue_session};
use crate::service::letters::{self, Letter};
use crate::service::limits;
use crate::service::new_password::{check_new_password, hash_new_password};
use crate::service::send_link::{LinkDraft, LinkWishes, send_link};
use crate::store::users_global;

/// What a person sends to sign up.
#[derive(Debug)]
pub struct SignUp {
    /// Their address.
    pub email: EmailAddress,
    /// The password they choose.
    pub password: Secret<String>,
    /// What they say about themselves.
    pub data: Map<String, Value>,
    /// What the confirmation link shall do besides.
    pub wishes: LinkWishes,
}

/// What a sign-up leads to.
#[derive(Debug)]
pub enum SignedUp {
    /// The address must be confirmed first. The person is the one that was made, or would have been.
    Pending(Box<User>),
    /// A session at once.
    Session(Box<IssuedSession>),
}

/// Everything a sign-up needs that is made before its transaction.
#[derive(Clone)]
struct Draft {
    user: User,
    link: LinkDraft,
    session: SessionDraft,
}

/// Makes an account, its personal organisation and its confirmation mail.
///
/// # Errors
/// `signup_disabled`, `weak_password`; `user_already_exists` only where the configuration issues sessions at once.
pub async fn sign_up(identity: &Identity, input: SignUp, origin: &Origin) -> Result<SignedUp, Problem> {
    if !identity.config().sign_up {
        return Err(IdentityError::SignupDisabled.into());
    }
    let metadata = Metadata::default().merged(&input.data, "data")?;
    check_new_password(identity, &input.password)?;
    if identity.config().unverified != Unverified::Autoconfirm {
        limits::spend_mail(identity, &input.email, origin).await?;
    }
    let password_hash = hash_new_password(identity, input.password).await?;
    let now = origin.now;
    let mut user = User::new(UserId::new(now, identity.app().rng()), input.email, now);
    user.password_hash = Some(password_hash);
    user.user_metadata = metadata;
    match identity.config().unverified {
        Unverified::Autoconfirm => user.email_confirmed_at = Some(now),
        Unverified::Refuse | Unverified::Restricted => user.confirmation_sent_at = Some(now),
    }
    let link = LinkDraft::new(identity, Purpose::Signup, &input.wishes, now);
    let draft = Draft { user, link, session: SessionDraft::new(identity, AuthMethod::Password, now) };
    let (inside, seen_from, made) = (identity.clone(), origin.clone(), draft.clone());
    let open = identity
        .db()
        .write("identity.user.sign_up", move |tx| match inside.config().unverified {
            Unverified::Refuse => quietly(tx, &inside, &made, &seen_from).map(|()| None),
            Unverified::Restricted | Unverified::Autoconfirm => {
                at_once(tx, &inside, &made, &seen_from).map(Some)
            }
        })
        .await?;
    match open {
        Some(open) => Ok(SignedUp::Session(Box::new(open.sign(identity, now)?))),
        None => Ok(SignedUp::Pending(Box::new(draft.user))),
    }
}

/// Makes the account, or does what a known address calls for, without a difference that the caller could see.
fn quietly(tx: &mut Tx<'_>, identity: &Identity, draft: &Draft, origin: &Origin) -> Result<(), Problem> {
    let now = origin.now;
    let email = &draft.user.email;
    match users_global::find_by_email(tx, email)? {
        None => {
            create_account(tx, identity, &draft.user, Actor::Anonymous, origin)?;
            send_link(tx, identity, &draft.user, email, &draft.link, now)
        }
        Some(known) if known.is_confirmed() || known.is_banned(now) => {
            record_repeated(tx, identity, &known, origin)?;
            letters::send(tx, identity, email, &Letter::AccountExists, now)
        }
        Some(mut known) => {
            known.password_hash.clone_from(&draft.user.password_hash);
            known.user_metadata = draft.user.user_metadata.clone();
            known.confirmation_sent_at = Some(now);
            known.updated_at = now;
            users_global::update(tx, &known)?;
            record_repeated(tx, identity, &known, origin)?;
            send_link(tx, identity, &known, email, &draft.link, now)
        }
    }
}

/// Makes the account and a session at once, which reveals whether the address was known.
fn at_once(
    tx: &mut Tx<'_>,
    identity: &Identity,
    draft: &Draft,
    origin: &Origin,
) -> Result<OpenSession, Problem> {
    let user = &draft.user;
    if users_global::find_by_email(tx, &user.email)?.is_some() {
        return Err(IdentityError::UserAlreadyExists.into());
    }
    create_account(tx, identity, user, Actor::Anonymous, origin)?;
    if !user.is_confirmed() {
        send_link(tx, identity, user, &user.email, &draft.link, origin.now)?;
    }
    issue_session(tx, identity, user.clone(), &draft.session, origin)
}

fn record_repeated(
    tx: &mut Tx<'_>,
    identity: &Identity,
    known: &User,
    origin: &Origin,
) -> Result<(), Problem> {
    let entry = identity.entry(Actor::Anonymous, "identity.user.sign_up_repeated", origin);
    Ok(quoin_audit::record(tx, &entry.on(known.id))?)
}
