//! Connecting an organisation to the OpenID provider that it brings along.

use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{OrgId, UserId};
use quoin_web::Mode;
use serde_json::json;

use super::end_tokens;
use super::manage_domains::owner_in;
use crate::Tenancy;
use crate::error::TenancyError;
use crate::model::{Connection, ConnectionId, ConnectionOut, ConnectionWish};
use crate::store::{organizations, sso_connections};

/// Connects the organisation, or replaces its connection. Another issuer or client is another connection: nobody has come
/// through it yet, and the sessions that the one before has opened end.
///
/// # Errors
/// 400 for a field that cannot be used, 403 for whoever is no owner (any more), 409 for a personal organisation, or
/// while the provider is required.
pub async fn put_connection(
    tenancy: &Tenancy,
    (org_id, actor): (OrgId, UserId),
    wish: ConnectionWish,
    origin: &Origin,
) -> Result<ConnectionOut, TenancyError> {
    let app = &tenancy.0.app;
    let in_development = app.config().mode == Mode::Development;
    wish.check(in_development).map_err(|(field, rule)| TenancyError::Unusable { field, rule })?;
    let now = origin.now;
    let new = Connection {
        id: ConnectionId::new(now, app.rng()),
        org_id,
        client_secret: wish.seal(app.master_key()),
        issuer: wish.issuer,
        client_id: wish.client_id,
        created_at: now,
        updated_at: now,
        first_used_at: None,
    };
    let entry = tenancy.entry(actor, "tenancy.sso.connected", origin).in_org(org_id);
    let entry = entry.detail(json!({"issuer": new.issuer, "client_id": new.client_id}));
    let inside = tenancy.clone();
    let kept = tenancy
        .db()
        .write("tenancy.sso.put", move |tx| {
            owner_in(tx, org_id, actor)?;
            if organizations::is_personal(tx, org_id)? != Some(false) {
                return Err(TenancyError::NotForPersonal);
            }
            let before = sso_connections::find(tx, org_id)?;
            let kept = new.clone().after(before.as_ref());
            if before.as_ref().is_some_and(|before| before.id != kept.id) {
                refuse_while_required(tx, org_id)?;
                end_tokens(tx, org_id, now, inside.0.app.rng())?;
            }
            sso_connections::put(tx, &kept)?;
            quoin_audit::record(tx, &entry)?;
            Ok(kept)
        })
        .await?;
    Ok(kept.show(redirect_uri(tenancy)))
}

impl Connection {
    /// Keeps what stays where the client of the issuer is the same as before.
    fn after(self, before: Option<&Self>) -> Self {
        let same = before.filter(|it| it.issuer == self.issuer && it.client_id == self.client_id);
        let Some(before) = same else { return self };
        Self {
            id: before.id,
            created_at: before.created_at,
            first_used_at: before.first_used_at,
            client_secret: self.client_secret.or_else(|| before.client_secret.clone()),
            ..self
        }
    }
}

/// Reads the organisation's connection.
///
/// # Errors
/// 404 where there is none.
pub async fn get_connection(tenancy: &Tenancy, org_id: OrgId) -> Result<ConnectionOut, TenancyError> {
    let find = move |tx: &mut Tx<'_>| Ok::<_, TenancyError>(sso_connections::find(tx, org_id)?);
    let found = tenancy.db().read("tenancy.sso.get", find).await?;
    Ok(found.ok_or(TenancyError::NoSuchConnection)?.show(redirect_uri(tenancy)))
}

/// Ends the connection, and the sessions that it has opened.
///
/// # Errors
/// 404 where there is none, 409 while it is required.
pub async fn delete_connection(
    tenancy: &Tenancy,
    (org_id, actor): (OrgId, UserId),
    origin: &Origin,
) -> Result<(), TenancyError> {
    let entry = tenancy.entry(actor, "tenancy.sso.disconnected", origin).in_org(org_id);
    let (inside, now) = (tenancy.clone(), origin.now);
    tenancy
        .db()
        .write("tenancy.sso.delete", move |tx| {
            owner_in(tx, org_id, actor)?;
            refuse_while_required(tx, org_id)?;
            if !sso_connections::delete(tx, org_id)? {
                return Err(TenancyError::NoSuchConnection);
            }
            end_tokens(tx, org_id, now, inside.0.app.rng())?;
            Ok(quoin_audit::record(tx, &entry)?)
        })
        .await
}

/// Whoever requires the provider would lock everybody out.
fn refuse_while_required(tx: &mut Tx<'_>, org_id: OrgId) -> Result<(), TenancyError> {
    let policy = organizations::policy(tx, org_id)?.ok_or(TenancyError::NoSuchOrganization)?;
    if policy.sso_required { Err(TenancyError::SsoIsRequired) } else { Ok(()) }
}

fn redirect_uri(tenancy: &Tenancy) -> String {
    tenancy.0.app.config().link("/auth/v1/callback").into()
}
