//! Accepting an invitation: once, and only by whoever has proved that the invited address is theirs.

use quoin_db::{DbError, Tx};
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, OrgId, Standing, Timestamp, UserId};
use serde_json::json;

use super::limits::Limits;
use crate::Tenancy;
use crate::error::TenancyError;
use crate::model::{Invitation, NewMember, OrgStatus, Organization, may_change, token_hash};
use crate::store::{invitations, invitations_global, memberships, organizations, roles};

/// What the page behind a link shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationFacts {
    /// The organisation.
    pub org_id: OrgId,
    /// The organisation's name.
    pub organization: String,
    /// The address that was invited.
    pub email: EmailAddress,
    /// The name of the role.
    pub role: String,
}

/// Reads what a link invites to, while it works, and changes nothing: mail scanners open links.
///
/// # Errors
/// `invitation_not_valid`.
pub async fn peek_invitation(
    tenancy: &Tenancy,
    token: &str,
    now: Timestamp,
) -> Result<InvitationFacts, TenancyError> {
    let hash = token_hash(token);
    tenancy
        .db()
        .read("tenancy.invitations.peek", move |tx| {
            let found = invitations_global::find_by_token(tx, &hash, now)?;
            let (invitation, organization) = found.ok_or(TenancyError::InvitationNotValid)?;
            still_given(tx, &invitation)?;
            let org_id = invitation.org_id;
            Ok(InvitationFacts { org_id, organization, email: invitation.email, role: invitation.role })
        })
        .await
}

/// Accepts an invitation for a signed-in person, who belongs to the organisation from then on.
///
/// # Errors
/// `invitation_not_valid` for anything that does not, or no longer, work; `address_not_confirmed`;
/// `invitation_for_other_address`; `already_member`; `limit_reached`. The invitation stays as it was.
pub async fn accept_invitation(
    tenancy: &Tenancy,
    token: &str,
    user_id: UserId,
    origin: &Origin,
) -> Result<Organization, TenancyError> {
    let (inside, hash, now) = (tenancy.clone(), token_hash(token), origin.now);
    let entry = tenancy.entry(user_id, "tenancy.invitation.accepted", origin);
    let limits = Limits::of(&tenancy.0.app);
    tenancy
        .db()
        .write("tenancy.invitations.accept", move |tx| {
            let confined = inside.people()?.confined_to(tx, user_id)?;
            let Some(invitation) = invitations_global::consume(tx, &hash, now)? else {
                return accepted_by_coming(tx, &inside, (confined, user_id), &hash);
            };
            if confined.is_some_and(|own| own != invitation.org_id) {
                return Err(TenancyError::InvitationNotValid);
            }
            let proved = inside.people()?.proved_address(tx, user_id)?;
            match proved {
                None => return Err(TenancyError::AddressNotConfirmed),
                Some(address) if address != invitation.email => return Err(TenancyError::OtherAddress),
                Some(_) => {}
            }
            let standing = still_given(tx, &invitation)?;
            let org_id = invitation.org_id;
            limits.take_seat(tx, org_id, now)?;
            memberships::insert(tx, &NewMember { org_id, user_id, standing, now })?;
            let detail = json!({"role": invitation.role, "invited_by": invitation.invited_by});
            quoin_audit::record(tx, &entry.clone().in_org(org_id).on(invitation.id).detail(detail))?;
            organizations::find(tx, org_id, user_id)?.ok_or(TenancyError::NoSuchOrganization)
        })
        .await
}

/// Returns the organisation to somebody whose invitation was accepted when they first came in, as one of its people.
fn accepted_by_coming(
    tx: &mut Tx<'_>,
    tenancy: &Tenancy,
    (confined, user_id): (Option<OrgId>, UserId),
    hash: &[u8; 32],
) -> Result<Organization, TenancyError> {
    let accepted = match confined {
        Some(org_id) => invitations::find_accepted(tx, org_id, hash)?,
        None => None,
    };
    let invitation = accepted.ok_or(TenancyError::InvitationNotValid)?;
    if tenancy.people()?.proved_address(tx, user_id)?.as_ref() != Some(&invitation.email) {
        return Err(TenancyError::InvitationNotValid);
    }
    organizations::find(tx, invitation.org_id, user_id)?.ok_or(TenancyError::InvitationNotValid)
}

/// Forgets every invitation of an address, when its person is erased: of one organisation, where they were one of its people,
/// else of all.
pub fn forget_address(tx: &mut Tx<'_>, org_id: Option<OrgId>, email: &EmailAddress) -> Result<u64, DbError> {
    match org_id {
        Some(org_id) => invitations::forget(tx, org_id, email),
        None => invitations_global::forget(tx, email),
    }
}

/// Returns what the invitation makes of somebody, as long as whoever sent it could still send it: nobody keeps a door
/// open for the time after they were removed or lost their role.
pub(super) fn still_given(tx: &mut Tx<'_>, invitation: &Invitation) -> Result<Standing, TenancyError> {
    let sender = memberships::find(tx, invitation.org_id, invitation.invited_by)?;
    let given = roles::find(tx, invitation.org_id, &invitation.role)?;
    match (sender, given) {
        (Some(sender), Some(given))
            if sender.policy.status == OrgStatus::Active && may_change(&sender.standing, &given, None) =>
        {
            Ok(given)
        }
        _ => Err(TenancyError::InvitationNotValid),
    }
}
