//! Setting out to a provider: state for the way back, nonce and verifier for what it brings, a cookie for the browser.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::hash::sha256;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, Secret, UserCaller, rng};
use quoin_tenancy::{ConnectionId, SsoKey};
use url::Url;

use crate::Identity;
use crate::error::IdentityError;
use crate::model::oauth_flow::{FlowSecrets, LIFETIME, state_hash};
use crate::model::{OauthFlow, Provider, User};
use crate::port::AuthorizationWish;
use crate::service::find_sso::find_sso;
use crate::service::send_link::LinkWishes;
use crate::service::step_up::own_strong_session;
use crate::store::{oauth_flows_global, users_global};

/// The purpose under which nonce and verifier are sealed.
pub(crate) const SEALED_AS: &str = "identity.oauth";

/// What an application that sends a browser to a provider wants.
#[derive(Debug, Clone)]
pub struct OauthWish {
    /// Through which provider.
    pub via: Via,
    /// What is asked for besides.
    pub scopes: Vec<String>,
    /// Where the person shall land, and what the application must be able to answer.
    pub wishes: LinkWishes,
}

/// Which provider a browser is sent to.
#[derive(Debug, Clone)]
pub enum Via {
    /// One of the configuration's, by name.
    Provider(String),
    /// The one that an organisation has brought along.
    Sso(ConnectionId),
}

/// A person who wants to link an identity, and where they will land.
#[derive(Debug)]
pub struct TicketHolder {
    /// The person.
    pub user: User,
    /// The provider.
    pub provider: Provider,
    /// Where its page is.
    pub authorization_endpoint: Url,
}

/// Notes a journey and returns the provider's URL.
///
/// # Errors
/// `oauth_provider_not_supported`; `organization_needed`; 503 where the provider cannot be asked.
pub async fn begin_oauth(
    identity: &Identity,
    wish: OauthWish,
    browser: &Secret<String>,
    origin: &Origin,
) -> Result<Url, Problem> {
    let (provider, sso_connection_id) = match wish.via {
        Via::Provider(name) => (name, None),
        Via::Sso(id) => (String::new(), Some(id)),
    };
    let realm_id = match sso_connection_id {
        // A connection is its organisation's, and so is whoever comes through it.
        Some(id) => find_sso(identity, SsoKey::Connection(id), origin).await.map(|_| None)?,
        None => identity.realm(origin)?.org_id(),
    };
    let flow = OauthFlow { provider, sso_connection_id, realm_id, ..blank(identity, &wish.wishes, origin) };
    set_out(identity, flow, &wish.scopes, browser, origin).await
}

/// Makes a ticket with which the caller's browser may set out to link an identity. It shows whose account that will be.
///
/// # Errors
/// `oauth_provider_not_supported`, `insufficient_aal`, `reauthentication_needed`.
pub async fn begin_linking(
    identity: &Identity,
    caller: &UserCaller,
    wish: OauthWish,
    origin: &Origin,
) -> Result<Url, Problem> {
    // An organisation's own provider links by itself, under the proof of its domain.
    let Via::Provider(name) = wish.via else { return Err(IdentityError::ProviderNotSupported.into()) };
    identity.provider(&name)?;
    let (user, _) = own_strong_session(identity, caller, origin).await?;
    let ticket = Secret::new(rng::token(identity.app().rng()));
    let flow = OauthFlow {
        state_hash: state_hash(&ticket),
        provider: name,
        link_user_id: Some(user.id),
        ..blank(identity, &wish.wishes, origin)
    };
    let entry = identity.entry(Actor::User(user.id), "identity.identity.linking_begun", origin).on(user.id);
    identity
        .db()
        .write("identity.oauth.ticket", move |tx| {
            oauth_flows_global::insert(tx, &flow)?;
            Ok::<_, Problem>(quoin_audit::record(tx, &entry)?)
        })
        .await?;
    let mut url = identity.app().config().link("/auth/v1/authorize");
    url.query_pairs_mut().append_pair("ticket", ticket.expose());
    Ok(url)
}

/// Reads whose ticket it is; consumes nothing.
///
/// # Errors
/// `bad_oauth_state`.
pub async fn peek_ticket(
    identity: &Identity,
    ticket: &Secret<String>,
    origin: &Origin,
) -> Result<TicketHolder, Problem> {
    let (hash, now) = (state_hash(ticket), origin.now);
    let found = identity
        .db()
        .read("identity.oauth.ticket_holder", move |tx| {
            let flow = oauth_flows_global::find(tx, &hash, now)?.filter(|flow| flow.browser_hash.is_none());
            let user = match flow.as_ref().and_then(|flow| flow.link_user_id) {
                Some(user_id) => users_global::find(tx, user_id)?,
                None => None,
            };
            Ok::<_, Problem>(flow.zip(user))
        })
        .await?;
    let (flow, user) = found.ok_or(IdentityError::BadOauthState)?;
    let provider = identity.provider(&flow.provider)?.clone();
    let authorization_endpoint = identity.openid()?.authorization_endpoint(&provider).await?;
    Ok(TicketHolder { user, provider, authorization_endpoint })
}

/// Uses a ticket up and sets out with it.
///
/// # Errors
/// `bad_oauth_state`; 503 where the provider cannot be asked.
pub async fn use_ticket(
    identity: &Identity,
    ticket: &Secret<String>,
    browser: &Secret<String>,
    origin: &Origin,
) -> Result<Url, Problem> {
    let (hash, now) = (state_hash(ticket), origin.now);
    let taken = identity
        .db()
        .write("identity.oauth.use_ticket", move |tx| {
            let flow = oauth_flows_global::find(tx, &hash, now)?.filter(|flow| flow.browser_hash.is_none());
            let taken = flow.is_some() && oauth_flows_global::consume(tx, &hash, now)?;
            Ok::<_, Problem>(flow.filter(|_| taken))
        })
        .await?;
    let ticket = taken.filter(|flow| flow.link_user_id.is_some()).ok_or(IdentityError::BadOauthState)?;
    set_out(identity, ticket, &[], browser, origin).await
}

/// A journey of which nothing is known but what the application wants.
fn blank(identity: &Identity, wishes: &LinkWishes, origin: &Origin) -> OauthFlow {
    let target = wishes.redirect_to.as_deref();
    let allowed = target.and_then(|target| identity.app().config().allowed_redirect(target));
    OauthFlow {
        state_hash: [0; 32],
        provider: String::new(),
        browser_hash: None,
        sealed: None,
        redirect_to: allowed.map(String::from),
        challenge: wishes.challenge.clone(),
        sso_connection_id: None,
        link_user_id: None,
        realm_id: None,
        created_at: origin.now,
        expires_at: origin.now + LIFETIME,
    }
}

async fn set_out(
    identity: &Identity,
    flow: OauthFlow,
    scopes: &[String],
    browser: &Secret<String>,
    origin: &Origin,
) -> Result<Url, Problem> {
    let provider = upstream(identity, &flow).await?;
    let app = identity.app();
    let state = Secret::new(rng::token(app.rng()));
    let secrets = FlowSecrets { nonce: rng::token(app.rng()), verifier: rng::token(app.rng()) };
    let wish = AuthorizationWish {
        redirect_uri: redirect_uri(identity),
        scopes: provider.scopes.iter().chain(scopes).cloned().collect(),
        state: state.clone(),
        nonce: Secret::new(secrets.nonce.clone()),
        verifier: Secret::new(secrets.verifier.clone()),
    };
    let url = identity.openid()?.authorization_url(&provider, &wish).await?;
    let sealed = serde_json::to_vec(&secrets).map_err(Problem::internal)?;
    let flow = OauthFlow {
        state_hash: state_hash(&state),
        browser_hash: Some(sha256(browser.expose().as_bytes()).to_vec()),
        sealed: Some(app.master_key().seal(SEALED_AS, &sealed)),
        created_at: origin.now,
        expires_at: origin.now + LIFETIME,
        ..flow
    };
    identity
        .db()
        .write("identity.oauth.begin", move |tx| {
            oauth_flows_global::insert(tx, &flow)?;
            Ok::<_, Problem>(())
        })
        .await?;
    Ok(url)
}

/// Finds the provider that a journey leads to.
///
/// # Errors
/// `oauth_provider_not_supported`; `sso_provider_not_found` where the organisation has closed, or lost its domains.
pub(crate) async fn upstream(identity: &Identity, flow: &OauthFlow) -> Result<Provider, Problem> {
    let Some(id) = flow.sso_connection_id else { return Ok(identity.provider(&flow.provider)?.clone()) };
    let find = move |tx: &mut Tx<'_>| quoin_tenancy::sso_connection(tx, &SsoKey::Connection(id));
    let own = identity.db().read("identity.sso.connection", find).await?;
    let own = own.ok_or(IdentityError::SsoProviderNotFound)?;
    Provider::of_organization(&own, identity.app().master_key())
}

/// Where providers send browsers back to; registered with each of them.
pub(crate) fn redirect_uri(identity: &Identity) -> Url {
    identity.app().config().link("/auth/v1/callback")
}
