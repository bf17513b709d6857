//! Coming back from a provider: claim the journey, ask the provider, then open what it opens.

use quoin_db::Tx;
use quoin_kernel::hash::{equal_in_constant_time, sha256};
use quoin_kernel::port::Origin;
use quoin_kernel::{OrgId, Problem, Secret, rng};
use url::Url;

use crate::Identity;
use crate::error::IdentityError;
use crate::model::oauth_flow::{FlowSecrets, state_hash};
use crate::model::{AuthCode, AuthMethod, OauthFlow, Realm, User};
use crate::port::{AttestedOrganizations, AuthorizationAnswer, Upstream, UserStore};
use crate::service::attested_account::{Arrival, account_of, account_through_sso, link};
use crate::service::begin_oauth::{SEALED_AS, redirect_uri, upstream};
use crate::service::issue_session::{Hold, OpenSession, SessionDraft, check_admission, issue_session};
use crate::service::upstream::gate;
use crate::service::upstream::sign_in::take_over;
use crate::service::verify_link::Verified;
use crate::store::{codes_global, oauth_flows_global, users_global};

/// What a browser brings back.
#[derive(Debug, Clone)]
pub struct OauthReturn {
    /// The state it was sent with.
    pub state: Secret<String>,
    /// The provider's code.
    pub code: Option<Secret<String>>,
    /// Who the provider says it is (RFC 9207).
    pub iss: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// The cookie that the browser was given.
    pub browser: Option<Secret<String>>,
}

/// How a journey ended, and where the person lands.
#[derive(Debug)]
pub struct OauthLanding {
    /// Where the person lands.
    pub target: Url,
    /// What they bring along.
    pub outcome: Result<Verified, Problem>,
}

/// Ends a journey. A browser that never set out, or has come back already, learns only that.
///
/// # Errors
/// `bad_oauth_state`; whatever happens later is told to the application, in [`OauthLanding`].
pub async fn finish_oauth(
    identity: &Identity,
    returned: OauthReturn,
    origin: &Origin,
) -> Result<OauthLanding, Problem> {
    let flow = claim(identity, &returned, origin).await?;
    let target = identity.app().config().redirect_or_site(flow.redirect_to.as_deref());
    let outcome = settle(identity, flow, returned, origin).await;
    match &outcome {
        Ok(_) => tracing::info!(request_id = origin.request_id, "login by provider succeeded"),
        Err(problem) => {
            tracing::info!(request_id = origin.request_id, code = problem.code(), "login by provider failed");
        }
    }
    Ok(OauthLanding { target, outcome })
}

/// Takes the journey for this return alone, if it is this browser's. The provider is asked only afterwards.
async fn claim(identity: &Identity, returned: &OauthReturn, origin: &Origin) -> Result<OauthFlow, Problem> {
    let (hash, now) = (state_hash(&returned.state), origin.now);
    let browser = returned.browser.as_ref().ok_or(IdentityError::BadOauthState)?;
    let browser_hash = sha256(browser.expose().as_bytes());
    let claimed = identity
        .db()
        .write("identity.oauth.claim", move |tx| {
            let flow = oauth_flows_global::find(tx, &hash, now)?;
            let flow = flow.filter(|flow| {
                flow.browser_hash.as_deref().is_some_and(|known| equal_in_constant_time(known, &browser_hash))
            });
            let claimed = flow.is_some() && oauth_flows_global::consume(tx, &hash, now)?;
            Ok::<_, Problem>(flow.filter(|_| claimed))
        })
        .await?;
    Ok(claimed.ok_or(IdentityError::BadOauthState)?)
}

async fn settle(
    identity: &Identity,
    flow: OauthFlow,
    returned: OauthReturn,
    origin: &Origin,
) -> Result<Verified, Problem> {
    let provider = upstream(identity, &flow).await?;
    let sealed = flow.sealed.as_deref().unwrap_or_default();
    let opened = identity.app().master_key().open(SEALED_AS, sealed).map_err(Problem::internal)?;
    let secrets: FlowSecrets = serde_json::from_slice(opened.expose()).map_err(Problem::internal)?;
    let answer = AuthorizationAnswer {
        code: returned.code,
        error: returned.error,
        iss: returned.iss,
        redirect_uri: redirect_uri(identity),
        nonce: Secret::new(secrets.nonce),
        verifier: Secret::new(secrets.verifier),
        now: origin.now,
    };
    let attested = identity.openid()?.redeem(&provider, answer).await.map_err(refused)?;
    let code = Secret::new(rng::token(identity.app().rng()));
    let prepared = Prepared {
        identity: identity.clone(),
        arrival: Arrival::new(identity, provider, attested, origin),
        realm: flow.realm_id.map_or(Realm::INSTANCE, Realm::of),
        flow,
        code: code.clone(),
        draft: SessionDraft::new(identity, AuthMethod::Oauth, origin.now),
        origin: origin.clone(),
    };
    let open = identity.db().write("identity.oauth.finish", move |tx| prepared.settle(tx)).await?;
    match open {
        Some(open) => Ok(Verified::SignedIn(Box::new(open.sign(identity, origin.now)?))),
        None => Ok(Verified::Code(code)),
    }
}

/// Logs what is wrong with a provider's answer; the application learns only whose fault it is.
pub(crate) fn refused(error: Upstream) -> Problem {
    tracing::info!(%error, "a provider's answer was refused");
    match error {
        Upstream::Denied(why) => IdentityError::OauthDenied(why).into(),
        Upstream::Refused(_) => IdentityError::BadOauthCallback.into(),
        Upstream::Unreachable(_) => {
            Problem::unavailable("provider_unreachable", "The provider cannot be asked now; try again", 5)
        }
    }
}

struct Prepared {
    identity: Identity,
    arrival: Arrival,
    realm: Realm,
    flow: OauthFlow,
    code: Secret<String>,
    draft: SessionDraft,
    origin: Origin,
}

impl Prepared {
    fn settle(&self, tx: &mut Tx<'_>) -> Result<Option<OpenSession>, Problem> {
        let (identity, origin) = (&self.identity, &self.origin);
        let (mut user, sso_org_id) = self.account(tx)?;
        let mut active = None;
        let keeper = self.keeper();
        if keeper.is_some() {
            let said = said_of_organizations(keeper, &self.arrival);
            (user, active) = take_over(tx, identity, user, (&self.arrival, &said), origin)?;
        }
        let method = if sso_org_id.is_some() { AuthMethod::Sso } else { AuthMethod::Oauth };
        // Whoever links an account has signed in before they set out.
        let is_upheld = keeper.is_some() || self.flow.link_user_id.is_some();
        let Some(challenge) = &self.flow.challenge else {
            let draft = self.draft.clone().by(method).through(sso_org_id).in_org(active);
            let draft = if is_upheld { draft.upheld(Hold::default()) } else { draft };
            return issue_session(tx, identity, user, &draft, origin).map(Some);
        };
        check_admission(identity.config(), &user, origin.now)?;
        gate::check_door(identity, &user, (method, sso_org_id), is_upheld)?;
        let code = AuthCode {
            user_id: user.id,
            method,
            sso_org_id,
            is_upheld,
            challenge: challenge.clone(),
            expires_at: origin.now + identity.config().link(),
            session_id: None,
            continues: None,
        };
        codes_global::insert(tx, &sha256(self.code.expose().as_bytes()), &code, origin.now)?;
        Ok(None)
    }

    /// Finds, links or makes the account, and says through whose own provider the person has come.
    fn account(&self, tx: &mut Tx<'_>) -> Result<(User, Option<OrgId>), Problem> {
        let (identity, origin) = (&self.identity, &self.origin);
        match (self.flow.link_user_id, self.flow.sso_connection_id) {
            (_, Some(id)) => {
                let (user, org_id) = account_through_sso(tx, identity, &self.arrival, id, origin)?;
                Ok((user, Some(org_id)))
            }
            (Some(id), None) => {
                let user = users_global::find(tx, id)?.ok_or(IdentityError::UserNotFound)?;
                check_admission(identity.config(), &user, origin.now)?;
                Ok((link(tx, identity, &user, &self.arrival, origin)?, None))
            }
            (None, None) => Ok((account_of(tx, identity, (self.realm, &self.arrival), origin)?, None)),
        }
    }

    /// Returns the provider that keeps people, where it is the one that has attested this person.
    fn keeper(&self) -> Option<&dyn UserStore> {
        keeper_of(&self.identity, &self.arrival).filter(|_| self.flow.link_user_id.is_none())
    }
}

/// Returns the provider that keeps people, where this attestation is its word. What an organisation brings along never is,
/// whatever its issuer.
pub(crate) fn keeper_of<'a>(identity: &'a Identity, arrival: &Arrival) -> Option<&'a dyn UserStore> {
    let store = identity.user_store()?;
    let is_theirs = !arrival.provider.is_own && arrival.attested.issuer == store.provider().issuer;
    is_theirs.then_some(store)
}

/// Reads for which organisation the person has signed in, where the provider has those.
pub(crate) fn said_of_organizations(
    keeper: Option<&dyn UserStore>,
    arrival: &Arrival,
) -> AttestedOrganizations {
    let active = arrival.attested.organization.clone();
    AttestedOrganizations {
        active: active.filter(|_| keeper.is_some_and(UserStore::has_organizations)),
        all: None,
    }
}
