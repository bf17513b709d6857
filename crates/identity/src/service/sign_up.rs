//! Signing up with an address and a password.
//!
//! A known address is answered exactly as a new one: the answer shows the account that would have been made. Its owner
//! gets a mail. Where several sign up with one address before anybody has confirmed it, and not with the same password,
//! none of their passwords counts: whoever reads the mail chooses a new one.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Secret, UserId};
use serde_json::{Map, Value};

use crate::Identity;
use crate::config::Unverified;
use crate::error::IdentityError;
use crate::model::{AuthMethod, EmailProof, Metadata, Purpose, Realm, User};
use crate::service::create_account::create_account;
use crate::service::issue_session::{IssuedSession, OpenSession, SessionDraft, issue_session};
use crate::service::letters::{self, Letter};
use crate::service::limits;
use crate::service::may_come::require_open_sign_up;
use crate::service::new_password::{check_new_password, hash_new_password};
use crate::service::send_link::{LinkDraft, LinkWishes, send_link};
use crate::service::upstream;
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
    email: EmailAddress,
    user: User,
    link: LinkDraft,
    session: SessionDraft,
}

/// How often the password is judged anew because the account has changed in between.
const JUDGEMENTS: u32 = 3;

/// What an address was found to be.
#[derive(Clone, PartialEq, Eq)]
enum Found {
    /// Unknown, or somebody's who has confirmed it.
    Settled,
    /// An account's that nobody has confirmed, with its hash where it has a password.
    Unconfirmed(Option<String>),
}

/// What a password is to an address that may be known, found out with the work of one hash in any case.
#[derive(Clone)]
struct Judged {
    /// What it was compared with.
    found: Found,
    /// The hash that it shall have.
    password_hash: Option<String>,
}

/// Makes an account, its personal organisation and its confirmation mail.
///
/// # Errors
/// `signup_disabled`, `weak_password`; `user_already_exists` only where the configuration issues sessions at once; 429.
pub async fn sign_up(identity: &Identity, input: SignUp, origin: &Origin) -> Result<SignedUp, Problem> {
    require_open_sign_up(identity, origin).await?;
    if let Some(store) = identity.user_store() {
        return upstream::sign_up::sign_up(identity, store, input, origin).await;
    }
    let metadata = Metadata::default().merged(&input.data, "data")?;
    check_new_password(identity, &input.password)?;
    let now = origin.now;
    let realm = identity.realm(origin)?;
    let mut user = User::new(realm, UserId::new(now, identity.app().rng()), input.email.clone(), now);
    user.user_metadata = metadata;
    let link = LinkDraft::new(identity, Purpose::Signup, &input.wishes, origin);
    let session = SessionDraft::new(identity, AuthMethod::Password, now);
    let draft = Draft { email: input.email, user, link, session };
    if identity.config().unverified == Unverified::Refuse {
        let account = realm.account(&draft.email);
        return quoin_web::evenly(&account, quietly(identity, draft, input.password, origin)).await;
    }
    let open = at_once(identity, draft, input.password, origin).await?;
    Ok(SignedUp::Session(Box::new(open.sign(identity, now)?)))
}

/// Makes the account, or does what a known address calls for, without a difference that the caller could see.
async fn quietly(
    identity: &Identity,
    mut draft: Draft,
    password: Secret<String>,
    origin: &Origin,
) -> Result<SignedUp, Problem> {
    limits::spend_mail(identity, (draft.user.realm, &draft.email), origin).await?;
    draft.user.confirmation_sent_at = Some(origin.now);
    for round in 1..=JUDGEMENTS {
        let judged = judge(identity, (draft.user.realm, &draft.email), &password).await?;
        draft.user.password_hash.clone_from(&judged.password_hash);
        let (inside, seen_from, made) = (identity.clone(), origin.clone(), draft.clone());
        let is_last = round == JUDGEMENTS;
        let done = identity.db().write("identity.user.sign_up", move |tx| {
            sign_up_quietly(tx, &inside, &made, (&judged, is_last), &seen_from)
        });
        if done.await? {
            break;
        }
    }
    Ok(SignedUp::Pending(Box::new(draft.user)))
}

/// Finds out whether the password is the one that the account has, where there is one that nobody has confirmed.
async fn judge(
    identity: &Identity,
    (realm, email): (Realm, &EmailAddress),
    password: &Secret<String>,
) -> Result<Judged, Problem> {
    let wanted = email.clone();
    let known = identity
        .db()
        .read("identity.user.find_by_email", move |tx| users_global::find_by_email(tx, realm, &wanted))
        .await?;
    match known.filter(|user| !user.is_confirmed(identity.config().unverified)) {
        None => {
            let hash = hash_new_password(identity, password.clone()).await?;
            Ok(Judged { found: Found::Settled, password_hash: Some(hash) })
        }
        Some(user) => {
            let stored = user.password_hash;
            let verdict = identity.passwords().verify(password.clone(), stored.clone()).await?;
            let kept = stored.clone().filter(|_| verdict.matches);
            Ok(Judged { found: Found::Unconfirmed(stored), password_hash: kept })
        }
    }
}

/// Does what the address calls for; `false` where the account is not as it was judged and must be judged again.
fn sign_up_quietly(
    tx: &mut Tx<'_>,
    identity: &Identity,
    draft: &Draft,
    (judged, is_last): (&Judged, bool),
    origin: &Origin,
) -> Result<bool, Problem> {
    let now = origin.now;
    let (realm, email, unverified) = (draft.user.realm, &draft.email, identity.config().unverified);
    match users_global::find_by_email(tx, realm, email)? {
        None if judged.found == Found::Settled => {
            create_account(tx, identity, &draft.user, Actor::Anonymous, origin)?;
            send_link(tx, identity, &draft.user, email, &draft.link, now)?;
        }
        None => return Ok(is_last),
        Some(known) if known.is_confirmed(unverified) || known.is_banned(now) => {
            record_repeated(tx, identity, &known, origin)?;
            let reader = (realm, email, known.language_in(origin));
            letters::send(tx, identity, reader, &Letter::AccountExists, now)?;
        }
        Some(mut known) => {
            let is_as_judged = judged.found == Found::Unconfirmed(known.password_hash.clone());
            if !is_as_judged && !is_last {
                return Ok(false);
            }
            repeat(&mut known, draft, is_as_judged);
            known.updated_at = now;
            users_global::update(tx, &known)?;
            record_repeated(tx, identity, &known, origin)?;
            send_link(tx, identity, &known, email, &draft.link, now)?;
        }
    }
    Ok(true)
}

/// Lets whoever signs up again with the same password change what they say of themselves. With another password it is
/// somebody else's word against theirs: nobody's password and nobody's words count, so that the reader of the mail,
/// who cannot know which of the two sent it, confirms neither.
fn repeat(known: &mut User, draft: &Draft, is_as_judged: bool) {
    known.confirmation_sent_at = draft.user.confirmation_sent_at;
    let is_same = is_as_judged && draft.user.password_hash.is_some();
    if is_same {
        known.user_metadata = draft.user.user_metadata.clone();
    } else {
        known.password_hash = None;
        known.user_metadata = Metadata::default();
    }
}

/// Makes the account and a session at once, which reveals whether the address was known.
async fn at_once(
    identity: &Identity,
    mut draft: Draft,
    password: Secret<String>,
    origin: &Origin,
) -> Result<OpenSession, Problem> {
    let now = origin.now;
    limits::spend_sign_up(identity, origin).await?;
    if identity.config().unverified == Unverified::Autoconfirm {
        draft.user.confirm(EmailProof::Believed, now);
    } else {
        limits::spend_mail(identity, (draft.user.realm, &draft.email), origin).await?;
        draft.user.confirmation_sent_at = Some(now);
    }
    draft.user.password_hash = Some(hash_new_password(identity, password).await?);
    let (inside, seen_from) = (identity.clone(), origin.clone());
    let open = identity.db().write("identity.user.sign_up", move |tx| {
        let (user, email) = (&draft.user, &draft.email);
        if users_global::find_by_email(tx, user.realm, email)?.is_some() {
            return Err(Problem::from(IdentityError::UserAlreadyExists));
        }
        create_account(tx, &inside, user, Actor::Anonymous, &seen_from)?;
        if !user.is_confirmed(inside.config().unverified) {
            send_link(tx, &inside, user, email, &draft.link, now)?;
        }
        issue_session(tx, &inside, user.clone(), &draft.session, &seen_from)
    });
    open.await
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
