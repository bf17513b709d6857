//! Asking for a link and a code that sign in. Known and unknown addresses are answered alike.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, UserId};
use serde_json::{Map, Value};

use crate::Identity;
use crate::model::{Metadata, Purpose, Realm, User};
use crate::service::create_account::create_account;
use crate::service::limits;
use crate::service::may_come::is_welcome;
use crate::service::send_link::{LinkDraft, LinkWishes, send_link};
use crate::service::upstream::gate;
use crate::store::users_global;

/// What somebody asks for who wants to sign in by mail.
#[derive(Debug)]
pub struct MagicLinkRequest {
    /// The address.
    pub email: EmailAddress,
    /// Whether an account is made where there is none, as far as sign-up is open.
    pub create_user: bool,
    /// What the person says about themselves, where the account is made.
    pub data: Map<String, Value>,
    /// What the link shall do besides.
    pub wishes: LinkWishes,
}

/// The request, with everything made that its transaction needs.
struct Prepared {
    identity: Identity,
    email: EmailAddress,
    newcomer: User,
    create_user: bool,
    draft: LinkDraft,
    origin: Origin,
}

/// Sends a link and a code, if there is somebody to send them to who may sign in, or who may sign up.
///
/// # Errors
/// 429 `over_email_send_rate_limit`, for unknown addresses too; 400 `validation_failed` for data that is too large.
pub async fn request_magic_link(
    identity: &Identity,
    request: MagicLinkRequest,
    origin: &Origin,
) -> Result<(), Problem> {
    gate::demand_own_store(identity)?;
    let realm = identity.realm(origin)?;
    let account = realm.account(&request.email);
    quoin_web::evenly(&account, send(identity, realm, request, origin)).await
}

async fn send(
    identity: &Identity,
    realm: Realm,
    request: MagicLinkRequest,
    origin: &Origin,
) -> Result<(), Problem> {
    let metadata = Metadata::default().merged(&request.data, "data")?;
    limits::spend_mail(identity, (realm, &request.email), origin).await?;
    let now = origin.now;
    let mut newcomer = User::new(realm, UserId::new(now, identity.app().rng()), request.email.clone(), now);
    newcomer.user_metadata = metadata;
    newcomer.confirmation_sent_at = Some(now);
    let prepared = Prepared {
        identity: identity.clone(),
        email: request.email,
        newcomer,
        create_user: request.create_user,
        draft: LinkDraft::new(identity, Purpose::Magiclink, &request.wishes, origin),
        origin: origin.clone(),
    };
    tracing::info!(request_id = origin.request_id, "login by mail requested");
    identity.db().write("identity.magic_link.request", move |tx| prepared.send(tx)).await
}

impl Prepared {
    fn send(&self, tx: &mut Tx<'_>) -> Result<(), Problem> {
        let (now, realm) = (self.origin.now, self.newcomer.realm);
        // Written in either case: no less work for an unknown address.
        let entry = self.identity.entry(Actor::Anonymous, "identity.magic_link.requested", &self.origin);
        let user = match users_global::find_by_email(tx, realm, &self.email)? {
            Some(user) if user.is_banned(now) => return Ok(quoin_audit::record(tx, &entry.on(user.id))?),
            Some(mut user) => {
                user.recovery_sent_at = Some(now);
                users_global::update(tx, &user)?;
                user
            }
            None if self.create_user && is_welcome(tx, &self.identity, (realm, Some(&self.email)), now)? => {
                create_account(tx, &self.identity, &self.newcomer, Actor::Anonymous, &self.origin)?;
                self.newcomer.clone()
            }
            None => return Ok(quoin_audit::record(tx, &entry)?),
        };
        quoin_audit::record(tx, &entry.on(user.id))?;
        send_link(tx, &self.identity, &user, &self.email, &self.draft, now)
    }
}
