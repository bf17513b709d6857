//! Single sign-on at the door: who joins their organisation by coming in, and to whom every other door is shut.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{OrgId, Problem};
use quoin_tenancy::Coming;

use crate::Identity;
use crate::config::Unverified;
use crate::error::IdentityError;
use crate::model::User;
use crate::service::may_come;

/// Makes the person a member of the organisation whose people they are one of, of the one whose own provider has attested
/// them, or of the one whose domain their proved address belongs to; refuses whoever must come through their organisation's provider and has not.
///
/// # Errors
/// `sso_required`; `removed_from_organization`; `signup_disabled` where only who is invited may come.
pub(crate) fn join(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: &User,
    sso_org_id: Option<OrgId>,
    origin: &Origin,
) -> Result<(), Problem> {
    let (now, limits) = (origin.now, quoin_tenancy::Limits::of(identity.app()));
    let entry = |action| identity.entry(Actor::User(user.id), action, origin);
    if let Some(org_id) = user.realm.org_id() {
        check(tx, user, sso_org_id, origin)?;
        let entry = entry("tenancy.member.joined");
        // Whoever an organisation's own provider brings is invited by that; whom the team has made is a member already.
        let uninvited = sso_org_id.is_some() || may_come::is_open(tx, identity, user.realm)?;
        let proved = user.email.as_ref().filter(|_| user.is_proved());
        let coming = Coming { org_id, user_id: user.id, proved, uninvited };
        let joined = quoin_tenancy::join_realm(tx, &limits, &coming, now, &entry)?;
        return if joined { Ok(()) } else { Err(IdentityError::SignupDisabled.into()) };
    }
    if let Some(org_id) = sso_org_id {
        let entry = entry("tenancy.member.joined_by_sso");
        return Ok(quoin_tenancy::join_by_sso(tx, &limits, org_id, user.id, now, &entry)?);
    }
    check(tx, user, None, origin)?;
    match user.email.as_ref().filter(|_| is_worth_joining(identity, user)) {
        Some(email) => {
            let entry = entry("tenancy.member.joined_by_domain");
            Ok(quoin_tenancy::join_by_domain(tx, &limits, user.id, email, now, &entry)?)
        }
        None => Ok(()),
    }
}

/// Where every address is believed, nobody joins by theirs: accounts from before proofs were noted count as proved, and anybody
/// could have named a colleague's address.
fn is_worth_joining(identity: &Identity, user: &User) -> bool {
    user.is_proved() && identity.config().unverified != Unverified::Autoconfirm
}

/// Refuses a session of whoever must come through their organisation's own provider and has not.
///
/// # Errors
/// `sso_required`.
pub(crate) fn check(
    tx: &mut Tx<'_>,
    user: &User,
    sso_org_id: Option<OrgId>,
    origin: &Origin,
) -> Result<(), Problem> {
    // A session of an organisation's provider acts for that organisation alone, whose policy is asked elsewhere.
    let Some(email) = user.email.as_ref().filter(|_| sso_org_id.is_none()) else { return Ok(()) };
    let demands = quoin_tenancy::sso_demanded_of(tx, user.id, email, origin.now)?;
    // What an organisation demands of its own people is nothing to another's.
    match demands.filter(|org_id| user.realm.org_id().is_none_or(|own| own == *org_id)) {
        Some(_) => Err(IdentityError::SsoRequired.into()),
        None => Ok(()),
    }
}
