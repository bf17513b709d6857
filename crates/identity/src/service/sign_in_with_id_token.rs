//! Signing in with the ID token that a provider gave to the application itself, as mobile apps do.

use quoin_kernel::hash::sha256;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, Secret};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{AuthMethod, OauthFlow};
use crate::port::IdTokenWish;
use crate::service::attested_account::{Arrival, account_of};
use crate::service::finish_oauth::{keeper_of, refused, said_of_organizations};
use crate::service::issue_session::{Hold, IssuedSession, SessionDraft, issue_session};
use crate::service::upstream::sign_in::take_over;
use crate::store::oauth_flows_global;

/// An ID token and what it must agree with.
#[derive(Debug)]
pub struct IdTokenGrant {
    /// The provider's name.
    pub provider: String,
    /// The token.
    pub id_token: Secret<String>,
    /// The access token that came with it.
    pub access_token: Option<Secret<String>>,
    /// The nonce that the application had drawn.
    pub nonce: Option<Secret<String>>,
}

/// Opens a session for an ID token, once.
///
/// # Errors
/// `oauth_provider_not_supported`, `bad_oauth_callback`, and those of every sign-in.
pub async fn sign_in_with_id_token(
    identity: &Identity,
    grant: IdTokenGrant,
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    let (provider, realm) = (identity.provider(&grant.provider)?.clone(), identity.realm(origin)?);
    let wish = IdTokenWish {
        id_token: grant.id_token.clone(),
        access_token: grant.access_token,
        nonce: grant.nonce,
        now: origin.now,
    };
    let (attested, expires_at) = identity.openid()?.read_id_token(&provider, wish).await.map_err(refused)?;
    let spent = OauthFlow {
        state_hash: sha256(signed_part(&grant.id_token).as_bytes()),
        provider: provider.name.clone(),
        browser_hash: None,
        sealed: None,
        redirect_to: None,
        challenge: None,
        sso_connection_id: None,
        link_user_id: None,
        realm_id: None,
        created_at: origin.now,
        expires_at,
    };
    let arrival = Arrival::new(identity, provider, attested, origin);
    let draft = SessionDraft::new(identity, AuthMethod::Oauth, origin.now);
    let (inside, seen_from) = (identity.clone(), origin.clone());
    let open = identity
        .db()
        .write("identity.oauth.id_token", move |tx| {
            // The unique hash lets exactly one of many parallel uses through.
            if !oauth_flows_global::insert(tx, &spent)? {
                return Err(Problem::from(IdentityError::BadOauthCallback));
            }
            let user = account_of(tx, &inside, (realm, &arrival), &seen_from)?;
            let keeper = keeper_of(&inside, &arrival);
            if keeper.is_none() {
                return issue_session(tx, &inside, user, &draft, &seen_from);
            }
            let said = said_of_organizations(keeper, &arrival);
            let (user, active) = take_over(tx, &inside, user, (&arrival, &said), &seen_from)?;
            let draft = draft.clone().in_org(active).upheld(Hold::default());
            issue_session(tx, &inside, user, &draft, &seen_from)
        })
        .await?;
    open.sign(identity, origin.now)
}

/// Returns what a token's signature covers. The signature itself can be written in several ways, and a token that is written
/// in another way is the same one.
fn signed_part(token: &Secret<String>) -> &str {
    token.expose().rsplit_once('.').map_or(token.expose(), |(signed, _)| signed)
}
