//! Inviting somebody by mail, sending the mail again, and taking the invitation back.
//!
//! An address is treated alike whether or not somebody has an account with it: the same statements run, the same mail
//! goes out, and the answer says nothing about it.

use quoin_db::Tx;
use quoin_kernel::page::{Listed, Page};
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, OrgId, Problem, Secret, Standing, Timestamp, UserId, permission, rng};
use quoin_mail::NewMail;
use quoin_web::rate_limit::Counter;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

use super::limits::Limits;
use super::standing_in;
use crate::Tenancy;
use crate::error::TenancyError;
use crate::model::{
    Invitation, InvitationEnding, InvitationId, InvitationOut, may_give, name_in_mail, token_hash,
};
use crate::store::{invitations, memberships, organizations, roles};

const WINDOW: Duration = Duration::from_hours(1);

/// Who shall be invited, as what.
#[derive(Debug, Clone)]
pub struct InvitationWish {
    /// Their address.
    pub email: EmailAddress,
    /// The name of the role; the organisation's default where none is named.
    pub role: Option<String>,
    /// Where the page behind the link leads; ignored unless it is allowed.
    pub redirect_to: Option<String>,
}

/// A link and the mail that carries it, drawn before the transaction.
#[derive(Clone)]
struct Draft {
    hash: [u8; 32],
    mail: NewMail,
    email: EmailAddress,
    days: u32,
}

impl Draft {
    /// The mail comes in the language that whoever invites is reading: whether the address has an account, and what its
    /// owner reads, must not show.
    fn new(tenancy: &Tenancy, email: &EmailAddress, redirect_to: Option<&str>, origin: &Origin) -> Self {
        let app = &tenancy.0.app;
        let token = Secret::new(rng::token(app.rng()));
        let mut link = app.config().link("/orgs/v1/invitations/accept");
        link.query_pairs_mut().append_pair("token", token.expose());
        if let Some(target) = redirect_to.and_then(|target| app.config().allowed_redirect(target)) {
            link.query_pairs_mut().append_pair("redirect_to", target.as_str());
        }
        let mail = NewMail::new(app.rng(), origin.now, email.clone(), "tenancy.invitation")
            .language(origin.language)
            .secrets(app.master_key(), &json!({"link": link.as_str()}));
        Self {
            hash: token_hash(token.expose()),
            mail,
            email: email.clone(),
            days: tenancy.0.config.invitation_days,
        }
    }

    fn send(&self, tx: &mut Tx<'_>, org_id: OrgId, organization: &str) -> Result<(), TenancyError> {
        let params =
            json!({"organization": name_in_mail(organization), "email": self.email, "days": self.days});
        Ok(quoin_mail::enqueue(tx, &self.mail.clone().in_org(org_id).params(params))?)
    }
}

/// Invites somebody by mail.
///
/// # Errors
/// `address_not_confirmed` while the caller's own is not; `already_member`, `already_invited`, `limit_reached`, 403 for a
/// role that the caller may not give, 429 after too many.
pub async fn invite(
    tenancy: &Tenancy,
    (org_id, actor): (OrgId, UserId),
    wish: InvitationWish,
    origin: &Origin,
) -> Result<InvitationOut, TenancyError> {
    spend(tenancy, actor, &wish.email, origin.now).await?;
    let (inside, limits, now) = (tenancy.clone(), Limits::of(&tenancy.0.app), origin.now);
    let id = InvitationId::new(now, tenancy.0.app.rng());
    let draft = Draft::new(tenancy, &wish.email, wish.redirect_to.as_deref(), origin);
    let entry = tenancy.entry(actor, "tenancy.invitation.sent", origin).in_org(org_id).on(id);
    let expires_at = now + tenancy.0.config.invitation();
    tenancy
        .db()
        .write("tenancy.invitations.create", move |tx| {
            let standing = manager(tx, org_id, actor)?;
            // Whoever only named an address loses all to whoever reads it, and must not leave somebody behind.
            if !inside.people()?.is_confirmed(tx, actor)? {
                return Err(TenancyError::AddressNotConfirmed);
            }
            let organization = organizations::name_of(tx, org_id)?.ok_or(TenancyError::NoSuchOrganization)?;
            let role = match &wish.role {
                Some(role) => role.clone(),
                None => organizations::default_role(tx, org_id)?.ok_or(TenancyError::NoSuchOrganization)?,
            };
            let given = roles::find(tx, org_id, &role)?.ok_or(TenancyError::NoSuchRole)?;
            if !may_give(&standing, &given) {
                return Err(TenancyError::RoleTooLow);
            }
            refuse_known(tx, &inside, org_id, &wish.email, now)?;
            limits.foresee_seat(tx, org_id, now)?;
            let email = wish.email.clone();
            let new = Invitation { org_id, id, email, role, invited_by: actor, created_at: now, expires_at };
            invitations::insert(tx, &new, &draft.hash)?;
            draft.send(tx, org_id, &organization)?;
            quoin_audit::record(tx, &entry.clone().detail(json!({"role": new.role})))?;
            Ok(new.show(now))
        })
        .await
}

/// Sends an invitation again, with another link and a new time; the link before is dead.
///
/// # Errors
/// 404 where there is no open one, 403 for a role that the caller may not give, 429 after too many.
pub async fn resend_invitation(
    tenancy: &Tenancy,
    (org_id, actor): (OrgId, UserId),
    id: InvitationId,
    redirect_to: Option<String>,
    origin: &Origin,
) -> Result<InvitationOut, TenancyError> {
    let now = origin.now;
    let found: Result<_, TenancyError> =
        tenancy.db().read("tenancy.invitations.find", move |tx| Ok(invitations::find(tx, org_id, id)?)).await;
    let email = found?.ok_or(TenancyError::NoSuchInvitation)?.email;
    spend(tenancy, actor, &email, now).await?;
    let draft = Draft::new(tenancy, &email, redirect_to.as_deref(), origin);
    let entry = tenancy.entry(actor, "tenancy.invitation.resent", origin).in_org(org_id).on(id);
    let expires_at = now + tenancy.0.config.invitation();
    tenancy
        .db()
        .write("tenancy.invitations.resend", move |tx| {
            let mut invitation = managed(tx, (org_id, actor), id)?;
            let organization = organizations::name_of(tx, org_id)?.ok_or(TenancyError::NoSuchOrganization)?;
            if !invitations::renew(tx, (org_id, id), &draft.hash, actor, expires_at)? {
                return Err(TenancyError::NoSuchInvitation);
            }
            draft.send(tx, org_id, &organization)?;
            quoin_audit::record(tx, &entry)?;
            invitation.invited_by = actor;
            invitation.expires_at = expires_at;
            Ok(invitation.show(now))
        })
        .await
}

/// Takes an invitation back: its link is dead from then on.
///
/// # Errors
/// 404 where there is no open one, 403 for a role that the caller may not give.
pub async fn revoke_invitation(
    tenancy: &Tenancy,
    (org_id, actor): (OrgId, UserId),
    id: InvitationId,
    origin: &Origin,
) -> Result<(), TenancyError> {
    let now = origin.now;
    let entry = tenancy.entry(actor, "tenancy.invitation.revoked", origin).in_org(org_id).on(id);
    tenancy
        .db()
        .write("tenancy.invitations.revoke", move |tx| {
            managed(tx, (org_id, actor), id)?;
            if !invitations::end(tx, (org_id, id), InvitationEnding::Revoked, now)? {
                return Err(TenancyError::NoSuchInvitation);
            }
            Ok(quoin_audit::record(tx, &entry)?)
        })
        .await
}

/// Lists the invitations that nobody has accepted yet, oldest first.
pub async fn list_invitations(
    tenancy: &Tenancy,
    org_id: OrgId,
    page: Page,
    now: Timestamp,
) -> Result<Listed<InvitationOut>, TenancyError> {
    let rows = tenancy
        .db()
        .read::<_, TenancyError, _>("tenancy.invitations.list", move |tx| {
            Ok(invitations::list(tx, org_id, page)?)
        })
        .await?;
    Ok(Listed::from_rows(rows, page, |row| row.id.uuid(), |row| row.show(now)))
}

/// Reads anew, inside the transaction, that the caller manages members: what the door saw may have changed since.
fn manager(tx: &mut Tx<'_>, org_id: OrgId, actor: UserId) -> Result<Standing, TenancyError> {
    let standing = standing_in(tx, org_id, actor)?;
    if standing.allows(permission::MEMBERS_MANAGE) { Ok(standing) } else { Err(TenancyError::RoleTooLow) }
}

/// Finds an open invitation that the caller could have sent.
fn managed(
    tx: &mut Tx<'_>,
    (org_id, actor): (OrgId, UserId),
    id: InvitationId,
) -> Result<Invitation, TenancyError> {
    let standing = manager(tx, org_id, actor)?;
    let invitation = invitations::find(tx, org_id, id)?.ok_or(TenancyError::NoSuchInvitation)?;
    let given = roles::find(tx, org_id, &invitation.role)?.ok_or(TenancyError::NoSuchRole)?;
    if may_give(&standing, &given) { Ok(invitation) } else { Err(TenancyError::RoleTooLow) }
}

/// Refuses the address of a member and one that has an open invitation; makes room for it where that one has expired.
///
/// Memberships are looked up for unknown addresses too, so that both take the same time.
fn refuse_known(
    tx: &mut Tx<'_>,
    tenancy: &Tenancy,
    org_id: OrgId,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<(), TenancyError> {
    let person = tenancy.people()?.find_by_address(tx, org_id, email)?;
    let person = person.unwrap_or(UserId::from_uuid(Uuid::nil()));
    if memberships::find(tx, org_id, person)?.is_some() {
        return Err(TenancyError::AlreadyMember);
    }
    match invitations::find_open(tx, org_id, email)? {
        Some(open) if open.is_expired(now) => {
            invitations::end(tx, (org_id, open.id), InvitationEnding::Replaced, now)?;
            Ok(())
        }
        Some(_) => Err(TenancyError::AlreadyInvited),
        None => Ok(()),
    }
}

/// Counts one invitation against its sender and its address, and refuses beyond the limits.
async fn spend(
    tenancy: &Tenancy,
    actor: UserId,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<(), Problem> {
    let config = &tenancy.0.config;
    let person = Counter::new("tenancy.invitation.person", config.invitations_per_person, WINDOW);
    let address = Counter::new("tenancy.invitation.address", config.invitations_per_address, WINDOW);
    person.spend(tenancy.db(), &actor.to_string(), now).await?;
    address.spend(tenancy.db(), email.as_str(), now).await
}
