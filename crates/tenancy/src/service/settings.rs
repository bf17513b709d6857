//! Metadata and policy of an organisation.

use quoin_audit::Entry;
use quoin_db::{Db, Tx};
use quoin_kernel::{Aal, OrgId, Rng, Role, Timestamp, UserId, permission};
use serde_json::{Map, Value, json};

use super::{end_tokens, standing_in};
use crate::Tenancy;
use crate::error::TenancyError;
use crate::model::{Bar, PolicySettings, PolicyWish, check_metadata};
use crate::store::{domains, memberships, organizations, sso_connections};

/// Replaces the metadata. Tokens say it from their next issue on; names that are Quoin's are stored and never said.
///
/// # Errors
/// 400 for metadata that is too large or cannot be stored.
pub async fn set_metadata(
    db: &Db,
    (org_id, actor): (OrgId, UserId),
    metadata: Map<String, Value>,
    now: Timestamp,
    entry: Entry,
) -> Result<Map<String, Value>, TenancyError> {
    check_metadata(&metadata).map_err(|rule| TenancyError::Unusable { field: "metadata", rule })?;
    let entry = entry.in_org(org_id).on(org_id).detail(json!({"names": metadata.keys().collect::<Vec<_>>()}));
    db.write("tenancy.metadata.put", move |tx| {
        if !standing_in(tx, org_id, actor)?.allows(permission::SETTINGS_MANAGE) {
            return Err(TenancyError::RoleTooLow);
        }
        if !organizations::update_metadata(tx, org_id, &Value::Object(metadata.clone()), now)? {
            return Err(TenancyError::NoSuchOrganization);
        }
        quoin_audit::record(tx, &entry)?;
        Ok(metadata.clone())
    })
    .await
}

/// Reads what the organisation demands of its members' sessions.
pub async fn get_policy(db: &Db, org_id: OrgId) -> Result<PolicySettings, TenancyError> {
    let found = db.read("tenancy.policy.get", move |tx| organizations::policy(tx, org_id)).await?;
    found.ok_or(TenancyError::NoSuchOrganization)
}

/// Replaces what the organisation demands. A stricter policy ends its members' tokens, so that it holds at once.
///
/// Nobody demands a second factor who has not just shown one, nor a provider through which nobody has come: they would
/// lock themselves out with everybody else.
///
/// # Errors
/// 400 outside of a range, 403 for whoever is no owner (any more) or has shown no second factor, 409 for a provider that
/// was never used.
pub async fn set_policy(
    tenancy: &Tenancy,
    (org_id, actor, aal): (OrgId, UserId, Aal),
    wish: PolicyWish,
    now: Timestamp,
    entry: Entry,
) -> Result<PolicySettings, TenancyError> {
    wish.check().map_err(|(field, rule)| TenancyError::Unusable { field, rule })?;
    if wish.invited_only && !tenancy.people()?.each_belongs_to_one() {
        let rule = "is for identity.mode = \"per_organization\"";
        return Err(TenancyError::Unusable { field: "invited_only", rule });
    }
    if wish.mfa_required && aal < Aal::Aal2 {
        return Err(TenancyError::Barred(Bar::SecondFactor));
    }
    let (entry, inside) = (entry.in_org(org_id).on(org_id), tenancy.clone());
    tenancy
        .db()
        .write("tenancy.policy.put", move |tx| {
            if standing_in(tx, org_id, actor)?.rank < Role::Owner {
                return Err(TenancyError::RoleTooLow);
            }
            let before = organizations::policy(tx, org_id)?.ok_or(TenancyError::NoSuchOrganization)?;
            let policy = wish.settle(&before, actor, now);
            if policy.sso_required {
                check_sso(tx, org_id, &policy)?;
            }
            organizations::update_policy(tx, org_id, &policy, now)?;
            if policy.is_stricter_than(&before) {
                let rng: &dyn Rng = inside.0.app.rng();
                end_tokens(tx, org_id, now, rng)?;
            }
            quoin_audit::record(tx, &entry.clone().detail(json!(policy)))?;
            Ok(policy)
        })
        .await
}

/// Refuses to require a provider through which nobody has come yet, and an owner who is none as the one for whom other
/// ways stay open.
fn check_sso(tx: &mut Tx<'_>, org_id: OrgId, policy: &PolicySettings) -> Result<(), TenancyError> {
    let connection = sso_connections::find(tx, org_id)?;
    let is_used = connection.is_some_and(|connection| connection.first_used_at.is_some());
    let is_proved = domains::list(tx, org_id)?.iter().any(|domain| domain.verified_at.is_some());
    if !is_used || !is_proved {
        return Err(TenancyError::SsoUntried);
    }
    let Some(owner) = policy.break_glass else { return Err(TenancyError::SsoUntried) };
    let membership = memberships::find(tx, org_id, owner)?;
    if membership.is_none_or(|membership| membership.standing.rank < Role::Owner) {
        let rule = "must be an owner of the organisation";
        return Err(TenancyError::Unusable { field: "break_glass", rule });
    }
    Ok(())
}
