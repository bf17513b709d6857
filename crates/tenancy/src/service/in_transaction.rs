//! What `identity` asks and does inside its own transactions: sign-up, sign-in, refresh, switch.

use std::sync::Arc;

use quoin_db::{DbError, Tx};
use quoin_kernel::{Aal, OrgId, Role, Standing, Timestamp, UserCaller, UserId};
use serde_json::Value;

use crate::error::TenancyError;
use crate::model::{ActiveOrg, Bar, NewMember, NewPersonal, OrgStatus, SessionFacts};
use crate::store::{memberships, organizations};

/// How many organisations are looked through for one that accepts a session.
const MANY: i64 = 1000;

/// Creates the organisation that every account begins with, and makes the person its owner.
pub fn create_personal(tx: &mut Tx<'_>, new: &NewPersonal) -> Result<ActiveOrg, DbError> {
    organizations::insert(tx, new.org_id, new.name.as_str(), Some(new.user_id), new.now)?;
    let standing = Standing::of(Role::Owner);
    let owner = NewMember { org_id: new.org_id, user_id: new.user_id, standing, now: new.now };
    memberships::insert_first(tx, &owner)
}

/// Finds the organisation that a session of this person acts for: `preferred` if they belong to it, else the one used
/// last, else their personal one, else any, as long as it accepts the session; `None` where none does.
pub fn active_org(
    tx: &mut Tx<'_>,
    user_id: UserId,
    preferred: Option<OrgId>,
    facts: &SessionFacts,
) -> Result<Option<ActiveOrg>, DbError> {
    let accepts = |org: &ActiveOrg| org.policy.bars_activation(facts).is_none();
    let first = memberships::list_active(tx, user_id, preferred, 1)?.pop();
    match first {
        Some(first) if !accepts(&first) => {
            let all = memberships::list_active(tx, user_id, preferred, MANY)?;
            Ok(all.into_iter().find(accepts))
        }
        first => Ok(first),
    }
}

/// Finds a person's membership of one organisation, for a session that wants to act for it.
///
/// # Errors
/// 404 for an organisation that they do not belong to, 403 where it does not accept the session.
pub fn membership_of(
    tx: &mut Tx<'_>,
    user_id: UserId,
    org_id: OrgId,
    facts: &SessionFacts,
) -> Result<ActiveOrg, TenancyError> {
    let org = memberships::find(tx, org_id, user_id)?.ok_or(TenancyError::NoSuchOrganization)?;
    match org.policy.bars_activation(facts) {
        Some(bar) => Err(TenancyError::Barred(bar)),
        None => Ok(org),
    }
}

/// Tells whether there is such an organisation, and it can be used.
pub fn is_usable(tx: &mut Tx<'_>, org_id: OrgId) -> Result<bool, DbError> {
    Ok(organizations::status(tx, org_id)? == Some(OrgStatus::Active))
}

/// Whoever comes to a door, as their token describes them.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    user_id: UserId,
    aal: Aal,
    sso_org_id: Option<OrgId>,
    claims: Arc<str>,
    now: Timestamp,
}

impl Bearer {
    /// Describes the person of a verified token.
    pub(crate) fn of(user: &UserCaller, now: Timestamp) -> Self {
        let claims = Arc::clone(&user.claims);
        Self { user_id: user.user_id, aal: user.aal, sso_org_id: user.sso_org_id, claims, now }
    }

    /// Reads from the token when its person first showed who they are; long ago where it does not say.
    fn signed_in_at(&self) -> Timestamp {
        let claims: Value = serde_json::from_str(&self.claims).unwrap_or_default();
        let methods = claims["amr"].as_array().map(Vec::as_slice).unwrap_or_default();
        let seconds = methods.iter().filter_map(|method| method["timestamp"].as_i64()).min().unwrap_or(0);
        Timestamp::from_micros(seconds.saturating_mul(1_000_000))
    }
}

/// Finds what a person is in an organisation, for a call that comes with a session.
///
/// # Errors
/// 403 where the organisation does not accept the session. One that is being deleted is there for nobody.
pub(crate) fn standing_for(
    tx: &mut Tx<'_>,
    bearer: &Bearer,
    org_id: OrgId,
) -> Result<Option<Standing>, TenancyError> {
    let Some(org) = memberships::find(tx, org_id, bearer.user_id)? else { return Ok(None) };
    let facts = SessionFacts {
        aal: bearer.aal,
        // Read from the token only where it matters: that costs more than the rest.
        authenticated_at: org.policy.session_lifetime.map_or(bearer.now, |_| bearer.signed_in_at()),
        sso_org_id: bearer.sso_org_id,
        now: bearer.now,
    };
    match org.policy.bars(&facts) {
        Some(Bar::Closed(OrgStatus::Deleting)) => Ok(None),
        Some(bar) => Err(TenancyError::Barred(bar)),
        None => Ok(Some(org.standing)),
    }
}

/// Remembers which organisation a person acts for, so that the next sign-in begins there; `false` for a non-member.
pub fn set_last_used(
    tx: &mut Tx<'_>,
    user_id: UserId,
    org_id: OrgId,
    now: Timestamp,
) -> Result<bool, DbError> {
    memberships::note_use(tx, org_id, user_id, now)
}

/// Adds a person to an organisation, for whoever has decided that they may join.
///
/// # Errors
/// [`DbError::Unique`] of `tenancy_memberships_pkey` for a member, [`DbError::ForeignKey`] without such an organisation.
pub fn add_member(tx: &mut Tx<'_>, member: &NewMember) -> Result<ActiveOrg, DbError> {
    memberships::insert(tx, member)
}

/// Counts the members of an organisation, for whoever limits them.
pub fn count_members(tx: &mut Tx<'_>, org_id: OrgId) -> Result<i64, DbError> {
    memberships::count(tx, org_id)
}

/// Counts the organisations that a person owns, for whoever limits them.
pub fn count_organizations(tx: &mut Tx<'_>, user_id: UserId) -> Result<i64, DbError> {
    memberships::count_owned(tx, user_id)
}
