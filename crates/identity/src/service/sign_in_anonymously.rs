//! Coming in without showing anything. The account can be converted later and keeps its id.

use quoin_audit::Actor;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, UserId};
use serde_json::{Map, Value};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{AuthMethod, Metadata, User};
use crate::service::create_account::create_account;
use crate::service::issue_session::{IssuedSession, SessionDraft, issue_session};
use crate::service::limits;
use crate::service::may_come::require_open_sign_up;

/// Makes an account of which nothing is known, and opens a session for it.
///
/// # Errors
/// `anonymous_provider_disabled`, `signup_disabled`; 429 `over_request_rate_limit`; 400 for data that is too large.
pub async fn sign_in_anonymously(
    identity: &Identity,
    data: &Map<String, Value>,
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    if !identity.config().anonymous {
        return Err(IdentityError::AnonymousDisabled.into());
    }
    require_open_sign_up(identity, origin).await?;
    let metadata = Metadata::default().merged(data, "data")?;
    limits::spend_anonymous(identity, origin).await?;
    let now = origin.now;
    let mut user = User::anonymous(identity.realm(origin)?, UserId::new(now, identity.app().rng()), now);
    user.user_metadata = metadata;
    let draft = SessionDraft::new(identity, AuthMethod::Anonymous, now);
    let (inside, seen_from) = (identity.clone(), origin.clone());
    let open = identity
        .db()
        .write("identity.session.sign_in_anonymously", move |tx| {
            create_account(tx, &inside, &user, Actor::Anonymous, &seen_from)?;
            issue_session(tx, &inside, user.clone(), &draft, &seen_from)
        })
        .await?;
    open.sign(identity, now)
}
