//! An application mails its own links: it draws the token, and Quoin keeps, limits and ends it like one of its own.

use std::net::IpAddr;

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Secret, Timestamp, UserId};

use crate::Identity;
use crate::model::{LinkId, Purpose, User};
use crate::service::create_account::create_account;
use crate::service::limits;
use crate::service::may_come::is_welcome;
use crate::service::send_link::{LinkDraft, LinkWishes, store_link};
use crate::service::upstream::gate;
use crate::store::{links_global, users_global};

/// How long a token must be, in characters: 128 bits as hexadecimal digits.
const SHORTEST: usize = 32;
const LONGEST: usize = 512;

/// The token that an application is about to mail.
#[derive(Debug)]
pub struct VerificationTokenRequest {
    /// The address that it goes to.
    pub email: EmailAddress,
    /// The token.
    pub token: Secret<String>,
    /// When the application wants it to end; never later than Quoin's own links.
    pub expires_at: Option<Timestamp>,
    /// Whether an account may be made where there is none.
    pub create_user: bool,
    /// The network address of whoever asked the application, where it tells.
    pub ip: Option<IpAddr>,
}

/// A token that is kept.
#[derive(Debug)]
pub struct VerificationToken {
    /// Its id.
    pub id: LinkId,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Keeps a token that signs in once; older ones of the address are dead from then on. Known and unknown addresses are
/// answered alike.
///
/// # Errors
/// 400 `validation_failed` for a token that could be guessed or a time that is over; 429 `over_email_send_rate_limit`;
/// `kept_by_provider` where a provider keeps people: such a token would open nothing.
pub async fn create_verification_token(
    identity: &Identity,
    request: VerificationTokenRequest,
    actor: Actor,
    origin: &Origin,
) -> Result<VerificationToken, Problem> {
    gate::demand_own_store(identity)?;
    if !(SHORTEST..=LONGEST).contains(&request.token.expose().len()) {
        let why = "must have 32 to 512 characters";
        return Err(Problem::invalid(format!("token {why}.")).field("token", why));
    }
    let now = origin.now;
    let latest = now + identity.config().link();
    let expires_at = request.expires_at.map_or(latest, |wished| wished.min(latest));
    if expires_at <= now {
        return Err(Problem::invalid("expires_at is over.").field("expires_at", "must lie ahead"));
    }
    let asked_from = Origin { ip: request.ip.unwrap_or(origin.ip), ..origin.for_another_reader() };
    let realm = identity.realm(origin)?;
    limits::spend_mail(identity, (realm, &request.email), &asked_from).await?;
    let draft = LinkDraft::new(identity, Purpose::Magiclink, &LinkWishes::default(), &asked_from)
        .with_token(request.token, expires_at);
    let kept = VerificationToken { id: draft.id(), expires_at };
    let entry = identity.entry(actor.clone(), "identity.verification_token.created", origin);
    let mut newcomer = User::new(realm, UserId::new(now, identity.app().rng()), request.email.clone(), now);
    newcomer.confirmation_sent_at = Some(now);
    let create_user = request.create_user;
    let (inside, seen_from, email) = (identity.clone(), origin.clone(), request.email);
    let keep = move |tx: &mut Tx<'_>| {
        if links_global::find_by_token(tx, &draft.token_hash())?.is_some() {
            return Err(Problem::invalid("token was kept before.").field("token", "must be new"));
        }
        let user = match users_global::find_by_email(tx, realm, &email)? {
            Some(user) if user.is_banned(now) => None,
            None if create_user && is_welcome(tx, &inside, (realm, Some(&email)), now)? => {
                create_account(tx, &inside, &newcomer, actor.clone(), &seen_from)?;
                Some(newcomer.clone())
            }
            found => found,
        };
        if let Some(user) = &user {
            store_link(tx, &inside, user, &email, &draft, now)?;
        }
        Ok::<_, Problem>(quoin_audit::record(tx, &entry)?)
    };
    identity.db().write("identity.verification_token.create", keep).await?;
    Ok(kept)
}
