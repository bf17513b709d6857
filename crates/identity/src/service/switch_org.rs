//! Switching: a new pair of tokens with another organisation active (the port `SessionIssuer` ends here).

use quoin_kernel::port::Origin;
use quoin_kernel::{OrgId, Problem, UserCaller};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::RefreshKeys;
use crate::service::issue_session::{IssuedSession, OpenSession, check_admission};
use crate::service::sso_gate;
use crate::service::update_user::session_in;
use crate::service::upstream::uphold::uphold_now;
use crate::store::sessions_global;

/// Makes another organisation active in the caller's session; the refresh token they hold is dead from then on.
///
/// # Errors
/// 404 for an organisation they do not belong to, 403 for one that does not accept the session, `session_not_found` where the
/// session has ended; 503 where a provider keeps the person and cannot be asked whether the session still holds.
pub async fn switch_org(
    identity: &Identity,
    caller: &UserCaller,
    org_id: OrgId,
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    let (user_id, session_id, now) = (caller.user_id, caller.session_id, origin.now);
    if !uphold_now(identity, session_id, origin).await? {
        return Err(IdentityError::SessionNotFound.into());
    }
    let token = RefreshKeys::first(session_id, identity.app().rng());
    let (inside, seen_from) = (identity.clone(), origin.clone());
    let open = identity
        .db()
        .write("identity.session.switch", move |tx| {
            let (user, mut session) = session_in(tx, session_id)?;
            check_admission(inside.config(), &user, now)?;
            if user.realm.org_id().is_some_and(|own| own != org_id) {
                return Err(Problem::not_found("organization"));
            }
            sso_gate::check(tx, &user, session.sso_org_id, &seen_from)?;
            let org = quoin_tenancy::membership_of(tx, user_id, org_id, &session.facts(now))?;
            quoin_tenancy::set_last_used(tx, user_id, org_id, now)?;
            if !sessions_global::replace_token(tx, session_id, &token.hash(), org_id, now)? {
                return Err(Problem::from(IdentityError::SessionNotFound));
            }
            session.org_id = Some(org_id);
            Ok(OpenSession { user, session, org: Some(org), refresh_token: token.clone() })
        })
        .await?;
    open.sign(identity, now)
}
