//! Signing in with a name and a password that the provider judges.

use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, Secret};

use super::{OWED_SEALED_AS, abandon, seal_token, told, usable_name};
use crate::Identity;
use crate::error::IdentityError;
use crate::model::{AuthMethod, Provider, Realm, User};
use crate::port::{
    Attestation, AttestedOrganizations, Credentials, FirstFactor, OwedFactor, StoreError, UserStore,
};
use crate::service::attested_account::{Arrival, account_of};
use crate::service::issue_session::{Hold, IssuedSession, OpenSession, SessionDraft, issue_session};
use crate::service::limits::{self, Guessed};
use crate::service::new_password::demand_passwords;
use crate::service::upstream::follow;

/// Opens a session for whoever knows name and password, as the provider says. Names it does not know are answered alike.
/// Where it wants to see another factor, the session opens nothing but the way to show it.
///
/// # Errors
/// `invalid_credentials`, `email_not_confirmed`, `provider_action_required`, `user_banned`; 429 after too many failures; 503
/// where the provider cannot be asked.
pub(crate) async fn sign_in(
    identity: &Identity,
    store: &dyn UserStore,
    (name, password): (&str, Secret<String>),
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    demand_passwords(identity)?;
    let name = usable_name(name)?;
    let account = name.to_lowercase();
    let shown = Credentials { name, password };
    quoin_web::refused_evenly(&account, judge_and_open(identity, store, (&account, &shown), origin)).await
}

async fn judge_and_open(
    identity: &Identity,
    store: &dyn UserStore,
    (account, shown): (&str, &Credentials),
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    let guessed = Guessed::Password(account);
    limits::check_failures(identity, guessed, origin).await?;
    let judged = match store.sign_in(shown, origin.now).await {
        Err(StoreError::InvalidCredentials) => {
            limits::count_failure(identity, guessed, origin).await?;
            return Err(IdentityError::InvalidCredentials.into());
        }
        judged => judged.map_err(told)?,
    };
    // Again: of many guesses sent at once, all but the first few would otherwise be judged before any was counted.
    let opened = match limits::check_failures(identity, guessed, origin).await {
        Ok(()) => open(identity, store.provider(), &judged, origin).await,
        Err(problem) => Err(problem),
    };
    match opened {
        Ok(issued) => {
            limits::forget_failures(identity, guessed).await?;
            Ok(issued)
        }
        Err(problem) => {
            if let FirstFactor::Attested(attestation) = &judged {
                abandon(identity, attestation.refresh_token.as_ref()).await;
            }
            Err(problem)
        }
    }
}

async fn open(
    identity: &Identity,
    provider: &Provider,
    judged: &FirstFactor,
    origin: &Origin,
) -> Result<IssuedSession, Problem> {
    let (arrival, hold, organizations) = match judged {
        FirstFactor::Attested(attestation) => upheld(identity, provider, attestation, origin),
        FirstFactor::Owes(owed) => owing(identity, provider, owed, origin),
    };
    let draft = SessionDraft::new(identity, AuthMethod::Password, origin.now).upheld(hold);
    let prepared =
        Prepared { identity: identity.clone(), arrival, organizations, draft, origin: origin.clone() };
    let open = identity.db().write("identity.session.sign_in_elsewhere", move |tx| prepared.open(tx)).await?;
    open.sign(identity, origin.now)
}

fn upheld(
    identity: &Identity,
    provider: &Provider,
    attestation: &Attestation,
    origin: &Origin,
) -> (Arrival, Hold, AttestedOrganizations) {
    let arrival = Arrival::new(identity, provider.clone(), attestation.attested.clone(), origin);
    let hold = Hold { state: seal_token(identity, attestation.refresh_token.as_ref()), owed: None };
    (arrival, hold, attestation.organizations.clone())
}

fn owing(
    identity: &Identity,
    provider: &Provider,
    owed: &OwedFactor,
    origin: &Origin,
) -> (Arrival, Hold, AttestedOrganizations) {
    let arrival = Arrival::new(identity, provider.clone(), owed.attested.clone(), origin);
    let sealed = identity.app().master_key().seal(OWED_SEALED_AS, owed.state.expose().as_bytes());
    (arrival, Hold { state: Some(sealed), owed: Some(owed.kind) }, AttestedOrganizations::default())
}

struct Prepared {
    identity: Identity,
    arrival: Arrival,
    organizations: AttestedOrganizations,
    draft: SessionDraft,
    origin: Origin,
}

impl Prepared {
    fn open(&self, tx: &mut Tx<'_>) -> Result<OpenSession, Problem> {
        let (identity, origin) = (&self.identity, &self.origin);
        let user = account_of(tx, identity, (Realm::INSTANCE, &self.arrival), origin)?;
        let (user, active) = take_over(tx, identity, user, (&self.arrival, &self.organizations), origin)?;
        issue_session(tx, identity, user, &self.draft.clone().in_org(active), origin)
    }
}

/// Takes over what the provider says besides: a proved address, and where the person belongs. Returns the person, and the
/// organisation for which they have signed in.
pub(crate) fn take_over(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: User,
    (arrival, organizations): (&Arrival, &AttestedOrganizations),
    origin: &Origin,
) -> Result<(User, Option<quoin_kernel::OrgId>), Problem> {
    let user = follow::address(tx, identity, user, arrival, origin)?;
    let active = follow::organizations(tx, identity, &user, (arrival, organizations), origin)?;
    Ok((user, active))
}
