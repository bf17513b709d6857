//! The one function that issues sessions. Every door calls it, so that no control has a second door.

use std::time::Duration;

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{Aal, OrgId, Problem, SessionId, Timestamp};
use quoin_tenancy::{ActiveOrg, SessionFacts};

use crate::Identity;
use crate::config::{IdentityConfig, Unverified};
use crate::error::IdentityError;
use crate::model::access_claims::{AUDIENCE, AccessClaims, Method};
use crate::model::{AuthMethod, FactorKind, RefreshKeys, RefreshToken, SecondMethod, Session, User};
use crate::service::realm::concerns;
use crate::service::sso_gate;
use crate::service::upstream::gate::{self, Demand};
use crate::store::{sessions_global, users_global};

/// What a session needs that is drawn before its transaction.
#[derive(Debug, Clone)]
pub(crate) struct SessionDraft {
    id: SessionId,
    seed: [u8; 32],
    token: RefreshToken,
    method: AuthMethod,
    sso_org_id: Option<OrgId>,
    continues: Option<Continued>,
    hold: Option<Hold>,
    org_id: Option<OrgId>,
}

/// By what the provider that keeps people upholds a session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hold {
    /// Its refresh token, or the state of the factor that is owed; sealed. Without one it is asked about the person.
    pub(crate) state: Option<Vec<u8>>,
    /// The factor that it wants to see first.
    pub(crate) owed: Option<FactorKind>,
}

/// What a session takes over from the one it replaces.
#[derive(Debug, Clone, Copy)]
struct Continued {
    authenticated_at: Timestamp,
    created_at: Timestamp,
    second: Option<SecondMethod>,
    org_id: Option<OrgId>,
}

/// A session that was opened or continued, with everything that its tokens will say.
#[derive(Debug)]
pub(crate) struct OpenSession {
    /// The person.
    pub(crate) user: User,
    /// The session.
    pub(crate) session: Session,
    /// The active organisation.
    pub(crate) org: Option<ActiveOrg>,
    /// The token that continues it.
    pub(crate) refresh_token: RefreshToken,
}

/// A pair of tokens and whose they are.
#[derive(Debug)]
pub struct IssuedSession {
    /// The signed access token.
    pub access_token: String,
    /// The refresh token.
    pub refresh_token: String,
    /// Seconds the access token lives.
    pub expires_in: u64,
    /// When the access token expires, in seconds since 1970.
    pub expires_at: i64,
    /// The person.
    pub user: User,
}

impl SessionDraft {
    /// Draws id, seed and first token of a session that begins at `now`.
    pub(crate) fn new(identity: &Identity, method: AuthMethod, now: Timestamp) -> Self {
        let rng = identity.app().rng();
        let id = SessionId::new(now, rng);
        let mut seed = [0; 32];
        rng.fill(&mut seed);
        Self {
            id,
            seed,
            token: RefreshKeys::first(id, rng),
            method,
            sso_org_id: None,
            continues: None,
            hold: None,
            org_id: None,
        }
    }

    /// Says how the person was attested, where that shows only in the transaction.
    pub(crate) fn by(self, method: AuthMethod) -> Self {
        Self { method, ..self }
    }

    /// Confines the session to the organisation whose own provider has attested the person.
    pub(crate) fn through(self, sso_org_id: Option<OrgId>) -> Self {
        Self { sso_org_id, ..self }
    }

    /// Says that the provider that keeps people stands behind the session.
    pub(crate) fn upheld(self, hold: Hold) -> Self {
        Self { hold: Some(hold), ..self }
    }

    /// Begins the session in an organisation, if the person belongs to it.
    pub(crate) fn in_org(self, org_id: Option<OrgId>) -> Self {
        Self { org_id: org_id.or(self.org_id), ..self }
    }

    /// Takes over what upholds the session that this one replaces, and what it owes.
    pub(crate) fn upheld_like(self, identity: &Identity, user: &User, replaced: &Session) -> Self {
        match gate::demand_of(identity, user, replaced) {
            Demand::Token(_) | Demand::Standing(_) => {
                let state = replaced.upstream_state.clone();
                self.upheld(Hold { state, owed: replaced.owed_factor })
            }
            Demand::Nothing | Demand::Refuse => self,
        }
    }

    /// Draws a session that replaces another one after a second method was shown. The weaker session's tokens end with
    /// it, so that none of them outlives the moment from which more is demanded.
    pub(crate) fn stronger(
        identity: &Identity,
        weaker: &Session,
        second: AuthMethod,
        now: Timestamp,
    ) -> Self {
        let continues =
            Continued { second: Some(SecondMethod { method: second, at: now }), ..Continued::of(weaker) };
        Self::replacing(identity, weaker, continues, now)
    }

    /// Draws a session that takes over from another one, as strong as that.
    pub(crate) fn taking_over(identity: &Identity, earlier: &Session, now: Timestamp) -> Self {
        Self::replacing(identity, earlier, Continued::of(earlier), now)
    }

    fn replacing(identity: &Identity, earlier: &Session, continues: Continued, now: Timestamp) -> Self {
        let draft = Self::new(identity, earlier.method, now).through(earlier.sso_org_id);
        Self { continues: Some(continues), ..draft }
    }

    /// Returns the id that the session will have.
    pub(crate) const fn id(&self) -> SessionId {
        self.id
    }
}

impl Continued {
    const fn of(session: &Session) -> Self {
        Self {
            authenticated_at: session.authenticated_at,
            created_at: session.created_at,
            second: session.second,
            org_id: session.org_id,
        }
    }
}

/// Checks what every sign-in and every refresh must hold: no ban, and an address that is proved where it must be.
pub(crate) fn check_admission(
    config: &IdentityConfig,
    user: &User,
    now: Timestamp,
) -> Result<(), IdentityError> {
    if user.is_banned(now) {
        return Err(IdentityError::UserBanned);
    }
    if user.email.is_some()
        && !user.is_confirmed(config.unverified)
        && config.unverified != Unverified::Restricted
    {
        return Err(IdentityError::EmailNotConfirmed);
    }
    Ok(())
}

/// Opens a session for a person who has just shown who they are, in the transaction of the door that they came through.
///
/// # Errors
/// `user_banned`, `email_not_confirmed`, `sso_required`; what their organisation has against it, where people belong to one.
pub(crate) fn issue_session(
    tx: &mut Tx<'_>,
    identity: &Identity,
    mut user: User,
    draft: &SessionDraft,
    origin: &Origin,
) -> Result<OpenSession, Problem> {
    let now = origin.now;
    if !concerns(origin, &user) {
        return Err(IdentityError::UserNotFound.into());
    }
    check_admission(identity.config(), &user, now)?;
    gate::check_door(identity, &user, (draft.method, draft.sso_org_id), draft.hold.is_some())?;
    sso_gate::join(tx, identity, &user, draft.sso_org_id, origin)?;
    let (earlier, second) = (draft.continues, draft.continues.and_then(|continued| continued.second));
    let aal = if second.is_some() { Aal::Aal2 } else { draft.method.level() };
    let authenticated_at = earlier.map_or(now, |continued| continued.authenticated_at);
    let facts = SessionFacts { aal, authenticated_at, sso_org_id: draft.sso_org_id, now };
    let preferred = draft.sso_org_id.or(draft.org_id).or(earlier.and_then(|continued| continued.org_id));
    let org = match user.realm.org_id() {
        // Theirs or none: what it has against the session is said.
        Some(org_id) => Some(quoin_tenancy::membership_of(tx, user.id, org_id, &facts)?),
        None => quoin_tenancy::active_org(tx, user.id, preferred, &facts)?,
    };
    if draft.sso_org_id.is_some() && org.is_none() {
        return Err(IdentityError::SsoRequired.into());
    }
    let session = Session {
        id: draft.id,
        user_id: user.id,
        org_id: org.as_ref().map(|org| org.org_id),
        sso_org_id: draft.sso_org_id,
        aal,
        method: draft.method,
        second,
        seed: draft.seed,
        token_hash: draft.token.hash(),
        parent: None,
        authenticated_at,
        refreshed_at: now,
        // Whoever takes over ends when the earlier one would have ended.
        created_at: earlier.map_or(now, |continued| continued.created_at),
        upstream_state: draft.hold.as_ref().and_then(|hold| hold.state.clone()),
        owed_factor: draft.hold.as_ref().and_then(|hold| hold.owed),
    };
    session.narrow(&mut user);
    sessions_global::insert(tx, &session, origin)?;
    if earlier.is_none() {
        users_global::update_last_sign_in(tx, user.id, now)?;
        user.last_sign_in_at = Some(now);
    }
    let entry = identity
        .entry(Actor::User(user.id), "identity.session.started", origin)
        .on(session.id)
        .detail(serde_json::json!({"method": second.map_or(draft.method, |second| second.method).as_str()}));
    quoin_audit::record(tx, &entry)?;
    Ok(OpenSession { user, session, org, refresh_token: draft.token.clone() })
}

impl OpenSession {
    /// Signs the access token and writes the refresh token. Outside of the transaction: a signature costs more than one
    /// should wait for there.
    pub(crate) fn sign(self, identity: &Identity, now: Timestamp) -> Result<IssuedSession, Problem> {
        let life = self.lifetime(identity.config(), now);
        let (expires_in, expires_at) = (life.as_secs(), (now + life).as_seconds());
        let claims = self.claims(identity, now, expires_at);
        Ok(IssuedSession {
            access_token: identity.keyring().sign(&claims)?,
            refresh_token: RefreshKeys::new(identity.app().master_key()).write(&self.refresh_token),
            expires_in,
            expires_at,
            user: self.user,
        })
    }

    /// Returns how long the access token lives: never beyond its session, nor beyond the moment from which the organisation
    /// wants to see the person sign in again.
    fn lifetime(&self, config: &IdentityConfig, now: Timestamp) -> Duration {
        let of_session = config.session_max().map(|max| self.session.created_at + max);
        let facts = self.session.facts(now);
        let of_org = self.org.as_ref().and_then(|org| org.policy.ends_session_at(&facts));
        let ends = [of_session, of_org].into_iter().flatten().map(|end| end.since(now));
        ends.fold(config.access_token(), Duration::min)
    }

    /// Tells whether a second factor must be shown before anything else may be done with this session.
    fn owes_second_factor(&self, config: &IdentityConfig, now: Timestamp) -> bool {
        let facts = self.session.facts(now);
        let of_org = self.org.as_ref().is_some_and(|org| org.policy.demands_second_factor(&facts));
        let demanded = self.user.has_second_factor() || config.second_factor_required || of_org;
        demanded && self.session.aal == Aal::Aal1 && !self.user.is_anonymous
    }

    fn methods(&self) -> Vec<Method> {
        let (session, second) = (&self.session, self.session.second);
        let first = (session.method, session.authenticated_at);
        let shown = second.map(|second| (second.method, second.at)).into_iter().chain([first]);
        shown
            .map(|(method, at)| Method { method: method.as_str().to_owned(), timestamp: at.as_seconds() })
            .collect()
    }

    fn claims(&self, identity: &Identity, now: Timestamp, expires_at: i64) -> AccessClaims {
        let (user, session) = (&self.user, &self.session);
        AccessClaims {
            iss: identity.issuer().to_owned(),
            sub: user.id,
            aud: AUDIENCE.to_owned(),
            exp: expires_at,
            iat: now.as_seconds(),
            email: user.email.as_ref().map(ToString::to_string).unwrap_or_default(),
            phone: String::new(),
            role: "authenticated".to_owned(),
            aal: session.aal,
            amr: self.methods(),
            session_id: session.id,
            app_metadata: user.shown_app_metadata(),
            user_metadata: user.user_metadata.object().clone(),
            is_anonymous: user.is_anonymous,
            email_verified: user.is_confirmed(identity.config().unverified),
            needs_second_factor: self.owes_second_factor(identity.config(), now),
            org_id: self.org.as_ref().map(|org| org.org_id),
            org_role: self.org.as_ref().map(|org| org.standing.name().into()),
            sso_org_id: session.sso_org_id,
            org_version: self.org.as_ref().map(|org| org.version),
            org_claims: self.org.as_ref().map(|org| org.claims.clone()).unwrap_or_default(),
        }
    }
}
