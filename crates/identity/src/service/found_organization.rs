//! The platform's team founds an organisation for a customer: the organisation, its owner's account, the link that opens that
//! account, and the key by which the customer's application names it, in one transaction.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{ApiKeyCaller, EmailAddress, OrgId, Problem, Secret, UserId};
use quoin_tenancy::OrgName;

use crate::Identity;
use crate::error::IdentityError;
use crate::model::api_key::KeyKind;
use crate::model::{Purpose, User};
use crate::service::apply_link::disown_stranger;
use crate::service::create_account::create_account;
use crate::service::create_api_key::{CreateApiKey, row};
use crate::service::send_link::{LinkDraft, LinkWishes, send_link};
use crate::store::api_keys_global::{self, NewApiKey};
use crate::store::users_global;

/// An organisation to found.
#[derive(Debug)]
pub struct Foundation {
    /// What it is called.
    pub name: OrgName,
    /// The address of whoever will own it.
    pub owner: EmailAddress,
    /// What the link that opens the owner's account shall do besides.
    pub wishes: LinkWishes,
}

/// An organisation that was founded.
#[derive(Debug)]
pub struct Founded {
    /// The organisation.
    pub org_id: OrgId,
    /// What it is called.
    pub name: OrgName,
    /// Its owner.
    pub owner: User,
    /// The key that names it, shown once.
    pub publishable_key: Secret<String>,
}

/// What the transaction needs, drawn before it.
struct Prepared {
    identity: Identity,
    org_id: OrgId,
    name: OrgName,
    email: EmailAddress,
    newcomer: UserId,
    link: LinkDraft,
    key: NewApiKey,
    actor: Actor,
    origin: Origin,
}

/// Founds an organisation. Whoever owns it has a mail with a link, unless they have an account already that they have proved.
///
/// # Errors
/// 403 where the key holds no scope that this needs; `kept_by_provider` for an owner who has no account yet, where a provider
/// keeps people; the database's own.
pub async fn found_organization(
    identity: &Identity,
    wish: Foundation,
    by: &ApiKeyCaller,
    origin: &Origin,
) -> Result<Founded, Problem> {
    let (rng, now) = (identity.app().rng(), origin.now);
    let org_id = OrgId::new(now, rng);
    let key = Secret::new(KeyKind::Publishable.generate(rng));
    let wished = CreateApiKey {
        name: "first".into(),
        kind: KeyKind::Publishable,
        scopes: Vec::new(),
        org_id: Some(org_id),
        expires_at: None,
    };
    let prepared = Prepared {
        identity: identity.clone(),
        org_id,
        name: wish.name.clone(),
        email: wish.owner,
        newcomer: UserId::new(now, rng),
        link: LinkDraft::new(identity, Purpose::Invite, &wish.wishes, &origin.for_another_reader()),
        key: row(&wished, key.expose(), identity.app().id(), Some(by.key_id.to_string())),
        actor: Actor::ApiKey(by.key_id),
        origin: origin.clone(),
    };
    let owner = identity.db().write("identity.orgs.found", move |tx| prepared.found(tx)).await?;
    Ok(Founded { org_id, name: wish.name, owner, publishable_key: key })
}

impl Prepared {
    fn found(&self, tx: &mut Tx<'_>) -> Result<User, Problem> {
        let (identity, now, org_id) = (&self.identity, self.origin.now, self.org_id);
        let entry = identity.entry(self.actor.clone(), "tenancy.organization.founded", &self.origin);
        quoin_tenancy::found(tx, (org_id, &self.name), now, &entry)?;
        let owner = self.owner(tx)?;
        let is_known = owner.is_proved();
        if identity.user_store().is_some() && !is_known {
            // The link would open nothing, and the account would never be the one in which its person arrives.
            return Err(IdentityError::KeptByProvider(
                "Accounts are kept by your provider: whoever shall own an organisation signs in there first.",
            )
            .into());
        }
        quoin_tenancy::own(tx, (org_id, owner.id), now)?;
        if !is_known {
            send_link(tx, identity, &owner, &self.email, &self.link, now)?;
        }
        api_keys_global::insert(tx, &self.key, now)?;
        let entry = identity.entry(self.actor.clone(), "identity.api_key.created", &self.origin);
        quoin_audit::record(tx, &entry.in_org(org_id).on(self.key.id))?;
        Ok(owner)
    }

    /// Finds the owner's account, or makes it. One whose address nobody has proved may be anybody's who took it first: they
    /// keep no way in.
    fn owner(&self, tx: &mut Tx<'_>) -> Result<User, Problem> {
        let realm = self.identity.realm_of(self.org_id);
        if let Some(mut known) = users_global::find_by_email(tx, realm, &self.email)? {
            if !known.is_proved() {
                disown_stranger(tx, &self.identity, &mut known, &self.origin)?;
                known.invited_at = Some(self.origin.now);
                known.updated_at = self.origin.now;
                users_global::update(tx, &known)?;
            }
            return Ok(known);
        }
        let mut user = User::new(realm, self.newcomer, self.email.clone(), self.origin.now);
        user.invited_at = Some(self.origin.now);
        create_account(tx, &self.identity, &user, self.actor.clone(), &self.origin)?;
        Ok(user)
    }
}
