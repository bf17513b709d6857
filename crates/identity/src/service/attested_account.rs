//! Whose account an attestation opens.
//!
//! Issuer and subject decide, for ever. An address may link an account once, and only under two proofs: the provider has
//! proved it and may speak for its domain, and the local address is proved too. An account that nobody has proved is taken
//! from whoever made it. Where a proof is missing the person gets an account of their own, without an address: who asks
//! learns nothing about who exists.

use quoin_audit::Actor;
use quoin_db::Tx;
use quoin_kernel::port::Origin;
use quoin_kernel::{EmailAddress, OrgId, Problem, UserId};
use quoin_tenancy::{ConnectionId, SsoKey};
use serde_json::{Map, Value, json};

use crate::Identity;
use crate::error::IdentityError;
use crate::model::{Attested, EmailProof, ExternalIdentity, IdentityId, Metadata, Provider, Realm, User};
use crate::service::apply_link::disown_stranger;
use crate::service::create_account::create_account;
use crate::service::finish_oauth::keeper_of;
use crate::service::letters::{self, FactorChange, Letter};
use crate::service::may_come::is_welcome;
use crate::store::{identities_global, users_global};

/// An attestation with the ids that its transaction may need.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) provider: Provider,
    pub(crate) attested: Attested,
    id: IdentityId,
    user_id: UserId,
}

impl Arrival {
    /// Draws the ids.
    pub(crate) fn new(identity: &Identity, provider: Provider, attested: Attested, origin: &Origin) -> Self {
        let rng = identity.app().rng();
        let (id, user_id) = (IdentityId::new(origin.now, rng), UserId::new(origin.now, rng));
        Self { provider, attested, id, user_id }
    }
}

/// Finds the person, links them, or makes an account.
///
/// # Errors
/// `signup_disabled` where nobody is known and no account may be made.
pub(crate) fn account_of(
    tx: &mut Tx<'_>,
    identity: &Identity,
    (realm, arrival): (Realm, &Arrival),
    origin: &Origin,
) -> Result<User, Problem> {
    let attested = &arrival.attested;
    if let Some(known) = identities_global::find(tx, realm, &attested.issuer, &attested.subject)? {
        let data = crate::model::external_identity::described(attested);
        identities_global::update_used(tx, known.id, &data, origin.now)?;
        return Ok(users_global::find(tx, known.user_id)?.ok_or(IdentityError::UserNotFound)?);
    }
    let address = arrival.provider.proved_address(attested);
    if let Some(address) = &address
        && let Some(mut user) = users_global::find_by_email(tx, realm, address)?
    {
        // A second subject of one issuer with the same address: the address has changed hands there.
        if user.identities.iter().any(|linked| linked.issuer == attested.issuer) {
            return newcomer(tx, identity, (realm, arrival), None, origin);
        }
        if !user.is_proved() {
            disown_stranger(tx, identity, &mut user, origin)?;
            user.confirm(EmailProof::Provider, origin.now);
            users_global::update(tx, &user)?;
        }
        return link(tx, identity, &user, arrival, origin);
    }
    newcomer(tx, identity, (realm, arrival), address, origin)
}

/// Finds, links or makes the account of whoever came through an organisation's own provider, which may speak only for the
/// domains that the organisation has proved: as they are now, whatever they were when the journey began.
///
/// # Errors
/// `sso_provider_not_found`, `sso_address_not_allowed`.
pub(crate) fn account_through_sso(
    tx: &mut Tx<'_>,
    identity: &Identity,
    arrival: &Arrival,
    id: ConnectionId,
    origin: &Origin,
) -> Result<(User, OrgId), Problem> {
    let own = quoin_tenancy::sso_connection(tx, &SsoKey::Connection(id))?;
    let own = own.ok_or(IdentityError::SsoProviderNotFound)?;
    let address = arrival.provider.proved_address(&arrival.attested);
    if !address.is_some_and(|address| own.speaks_for(&address)) {
        return Err(IdentityError::SsoAddressNotAllowed.into());
    }
    let org_id = own.connection.org_id;
    quoin_tenancy::note_sso_use(tx, org_id, origin.now)?;
    let realm = identity.realm_of(org_id);
    Ok((account_of(tx, identity, (realm, arrival), origin)?, org_id))
}

/// Links an attested identity to an account and tells its owner.
///
/// # Errors
/// `identity_already_exists` where somebody has it.
pub(crate) fn link(
    tx: &mut Tx<'_>,
    identity: &Identity,
    user: &User,
    arrival: &Arrival,
    origin: &Origin,
) -> Result<User, Problem> {
    let attested = &arrival.attested;
    if identities_global::find(tx, user.realm, &attested.issuer, &attested.subject)?.is_some() {
        return Err(IdentityError::IdentityAlreadyExists.into());
    }
    let ids = (arrival.id, user.id);
    identities_global::insert(tx, &ExternalIdentity::new(ids, &arrival.provider.name, attested, origin.now))?;
    let mut user = user.clone();
    user.is_anonymous = false;
    user.updated_at = origin.now;
    users_global::update(tx, &user)?;
    let letter = Letter::FactorChanged { what: FactorChange::IdentityLinked };
    letters::tell(tx, identity, &user, &letter, origin)?;
    let entry = identity.entry(Actor::User(user.id), "identity.identity.linked", origin).on(user.id);
    quoin_audit::record(tx, &entry.detail(json!({"provider": arrival.provider.name})))?;
    Ok(users_global::find(tx, user.id)?.ok_or(IdentityError::UserNotFound)?)
}

fn newcomer(
    tx: &mut Tx<'_>,
    identity: &Identity,
    (realm, arrival): (Realm, &Arrival),
    address: Option<EmailAddress>,
    origin: &Origin,
) -> Result<User, Problem> {
    // Closed sign-up keeps out who comes by themselves; an organisation's provider brings its own people, and so does the one
    // that keeps people in place of this room.
    let brings_its_own = arrival.provider.is_own || keeper_of(identity, arrival).is_some();
    let now = origin.now;
    if !brings_its_own && !is_welcome(tx, identity, (realm, address.as_ref()), now)? {
        return Err(IdentityError::SignupDisabled.into());
    }
    let mut user = User::anonymous(realm, arrival.user_id, now);
    user.is_anonymous = false;
    if let Some(address) = address {
        user.take_address(address, EmailProof::Provider, now);
    }
    user.user_metadata = said_of_themselves(&arrival.attested);
    create_account(tx, identity, &user, Actor::Anonymous, origin)?;
    let ids = (arrival.id, user.id);
    let linked = ExternalIdentity::new(ids, &arrival.provider.name, &arrival.attested, now);
    identities_global::insert(tx, &linked)?;
    user.identities = vec![linked];
    Ok(user)
}

/// Takes name and picture as what the person says of themselves; what is too large for a token is left out.
fn said_of_themselves(attested: &Attested) -> Metadata {
    let pick = |keys: &[&str]| keys.iter().find_map(|key| attested.profile.get(*key)).cloned();
    let said = [
        ("name", pick(&["name", "preferred_username"])),
        ("full_name", pick(&["name"])),
        ("avatar_url", pick(&["picture"])),
        ("picture", pick(&["picture"])),
    ];
    let said: Map<String, Value> =
        said.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    Metadata::default().merged(&said, "user_metadata").unwrap_or_default()
}
