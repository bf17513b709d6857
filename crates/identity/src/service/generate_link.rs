//! An administrator makes a link to send it themselves. Quoin sends no mail then.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, Problem, Secret, UserId};
use serde_json::{Map, Value, json};
use url::Url;

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{Metadata, Purpose, Realm, User};
use crate::service::create_account::create_account;
use crate::service::new_password::hash_new_password;
use crate::service::send_link::{LinkDraft, LinkWishes, store_link};
use crate::service::upstream::gate;
use crate::store::users_global;

/// What kind of link is wanted, and for whom.
#[derive(Debug)]
pub struct LinkRequest {
    /// What the link is for.
    pub purpose: Purpose,
    /// The person's address.
    pub email: EmailAddress,
    /// The password of a sign-up.
    pub password: Option<Secret<String>>,
    /// The address of a change of address.
    pub new_email: Option<EmailAddress>,
    /// What the person is said to say about themselves, where the account is made.
    pub data: Map<String, Value>,
    /// Where the person shall land.
    pub redirect_to: Option<String>,
}

/// A link with its secrets, shown once.
#[derive(Debug)]
pub struct GeneratedLink {
    /// The person.
    pub user: User,
    /// The URL to open.
    pub url: Url,
    /// The code beside it.
    pub code: Secret<String>,
    /// The token that the URL carries.
    pub token: Secret<String>,
    /// Where the person will land.
    pub redirect_to: Url,
    /// What the link is for.
    pub purpose: Purpose,
}

struct Prepared {
    identity: Identity,
    purpose: Purpose,
    realm: Realm,
    email: EmailAddress,
    new_email: Option<EmailAddress>,
    password_hash: Option<String>,
    metadata: Metadata,
    id: UserId,
    draft: LinkDraft,
    actor: Actor,
    origin: Origin,
}

/// Makes a link; sign-up and invitation make the account too where there is none.
///
/// # Errors
/// `user_not_found` for the other kinds; `email_exists` where the account is confirmed already; `weak_password`.
pub async fn generate_link(
    identity: &Identity,
    request: LinkRequest,
    actor: Actor,
    origin: &Origin,
) -> Result<GeneratedLink, Problem> {
    gate::demand_own_store(identity)?;
    let needs_new = matches!(request.purpose, Purpose::EmailChangeCurrent | Purpose::EmailChangeNew);
    if needs_new && request.new_email.is_none() {
        return Err(Problem::invalid("A change of address needs new_email.").field("new_email", "is needed"));
    }
    let password_hash = match request.password {
        Some(password) if request.purpose == Purpose::Signup => {
            Some(hash_new_password(identity, password).await?)
        }
        _ => None,
    };
    let wishes = LinkWishes { redirect_to: request.redirect_to, challenge: None, page: None };
    let draft = LinkDraft::new(identity, request.purpose, &wishes, &origin.for_another_reader());
    let made = draft.clone();
    let prepared = Prepared {
        identity: identity.clone(),
        purpose: request.purpose,
        realm: identity.realm(origin)?,
        email: request.email,
        new_email: request.new_email,
        password_hash,
        metadata: Metadata::default().merged(&request.data, "data")?,
        id: UserId::new(origin.now, identity.app().rng()),
        draft,
        actor,
        origin: origin.clone(),
    };
    let user = identity.db().write("identity.link.generate", move |tx| prepared.store(tx)).await?;
    Ok(GeneratedLink {
        user,
        url: made.url(identity),
        code: made.secrets().code.clone(),
        token: made.secrets().token.clone(),
        redirect_to: made.redirect_to(identity),
        purpose: request.purpose,
    })
}

impl Prepared {
    fn store(&self, tx: &mut Tx<'_>) -> Result<User, Problem> {
        let now = self.origin.now;
        let mut user = self.account(tx)?;
        let mut to = self.email.clone();
        match self.purpose {
            Purpose::Signup => user.confirmation_sent_at = Some(now),
            Purpose::Invite => user.invited_at = Some(now),
            Purpose::Recovery | Purpose::Magiclink => user.recovery_sent_at = Some(now),
            Purpose::EmailChangeCurrent | Purpose::EmailChangeNew => {
                let new = self.new_email.clone();
                // Two links of one change belong together; another address begins another change.
                if user.new_email != new {
                    user.email_change_sent_at = Some(now);
                }
                if self.purpose == Purpose::EmailChangeNew {
                    to = new.clone().unwrap_or(to);
                }
                user.new_email = new;
            }
            Purpose::Reauthentication => {}
        }
        users_global::update(tx, &user)?;
        store_link(tx, &self.identity, &user, &to, &self.draft, now)?;
        let entry = self.identity.entry(self.actor.clone(), "identity.link.generated", &self.origin);
        let detail = json!({"purpose": self.purpose.as_str()});
        quoin_audit::record(tx, &entry.on(user.id).detail(detail))?;
        Ok(user)
    }

    /// Finds the account, or makes it where the kind of link allows that.
    fn account(&self, tx: &mut Tx<'_>) -> Result<User, Problem> {
        let unverified = self.identity.config().unverified;
        let makes_account = matches!(self.purpose, Purpose::Signup | Purpose::Invite);
        match users_global::find_by_email(tx, self.realm, &self.email)? {
            Some(user) if makes_account && user.is_confirmed(unverified) => {
                Err(IdentityError::EmailExists.into())
            }
            Some(mut user) => {
                // Nobody has confirmed the account, so whatever password it has may be a stranger's.
                if self.purpose == Purpose::Signup {
                    user.password_hash.clone_from(&self.password_hash);
                }
                Ok(user)
            }
            None if makes_account => {
                let mut user = User::new(self.realm, self.id, self.email.clone(), self.origin.now);
                user.password_hash.clone_from(&self.password_hash);
                user.user_metadata = self.metadata.clone();
                create_account(tx, &self.identity, &user, self.actor.clone(), &self.origin)?;
                Ok(user)
            }
            None => Err(IdentityError::UserNotFound.into()),
        }
    }
}
