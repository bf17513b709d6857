//! Organisations, who belongs to them, and what has been taken back.
//!
//! An *organisation* is the tenant that owns rows. A *membership* says who belongs to it, and in which *role*: owner,
//! admin, member, or one that the organisation has made for itself out of permissions. An *invitation* asks the reader
//! of an address to join. Every account begins with a *personal* organisation. A *revocation* is what access tokens may
//! no longer claim. Invariants:
//!
//! - Nobody gives, takes or changes a role that holds more than their own.
//! - An invitation is accepted once, by somebody who has proved that the invited address is theirs, and only while its
//!   sender could still send it.
//! - An organisation always has an owner, also when several step down at the same moment.
//! - A change of role or a removal holds from the next request on, on every node within seconds: the membership's version
//!   grows, and the revocation list refuses tokens of an older one.
//! - What an organisation demands of sessions is asked at issue, refresh, switch and at every door.
//! - A domain is one organisation's, by a record in its own DNS; a session that the organisation's own provider has opened
//!   acts for that organisation alone.
//! - A personal organisation cannot be deleted apart from its person's account.
//!
//! What it must know of people it asks through the port [`People`]. `identity` calls [`create_personal`], [`active_org`], [`set_last_used`] and [`remove_person`] inside its own
//! transactions.
//!
//! Reading order: [`model`], `store`, [`service`], [`revocations`], `http`.

pub mod config;
mod error;
mod http;
mod jobs;
pub mod model;
mod pages;
mod port;
pub mod revocations;
pub mod service;
mod store;

pub use config::TenancyConfig;
pub use error::TenancyError;
pub use model::{
    ActiveOrg, ConnectionId, NewMember, NewPersonal, OrgName, SessionFacts, SsoConnection, SsoKey,
};
pub use port::{People, Records};
pub use revocations::{Revocation, Revoked};
pub use service::{
    Attestation, AttestedOrg, Coming, Limits, ORGANIZATION_DELETED, RemovedPerson, active_org, add_member,
    add_to_realm, count_members, count_organizations, create_personal, follow_attestation, forget_address,
    found, has_sso_connection, is_invited, is_usable, join_by_domain, join_by_sso, join_realm,
    kept_of_person, membership_of, note_sso_use, own, remove_person, set_last_used, sso_connection,
    sso_demanded_of, takes_anybody,
};

use std::sync::{Arc, OnceLock};

use quoin_audit::{Actor, Entry};
use quoin_db::{Db, Statement, Tx};
use quoin_kernel::port::{BoxFuture, Memberships, Origin, SessionIssuer};
use quoin_kernel::{OrgId, Problem, Standing, UserCaller, UserId};
use quoin_web::{App, FromRef, Module};

/// The room: the app, and the port through which it has sessions issued. Cloning shares it.
#[derive(Clone)]
pub struct Tenancy(Arc<Inner>);

struct Inner {
    app: App,
    config: TenancyConfig,
    ports: OnceLock<Ports>,
}

/// What this room asks of others, which need it first.
#[derive(Clone)]
pub struct Ports {
    /// Issues sessions.
    pub session_issuer: Arc<dyn SessionIssuer>,
    /// Knows whose address is whose.
    pub people: Arc<dyn People>,
    /// Reads what stands in DNS.
    pub records: Arc<dyn Records>,
}

impl Tenancy {
    /// Opens the room. Until [`Tenancy::connect`] is called, switching and inviting answer 503.
    pub fn new(app: App, config: TenancyConfig) -> Self {
        Self(Arc::new(Inner { app, config, ports: OnceLock::new() }))
    }

    /// Hands over what other rooms do for this one, once.
    pub fn connect(&self, ports: Ports) {
        // Further ones would come from a second start of the same process; the first ones stay.
        self.0.ports.get_or_init(|| ports);
    }

    /// Describes this room to `server`.
    pub fn module(&self) -> Module {
        Module {
            jobs: jobs::types(self),
            schedules: jobs::schedules(),
            ..Module::new("tenancy", http::routes(self.clone()))
        }
    }

    pub(crate) fn session_issuer(&self) -> Result<&dyn SessionIssuer, Problem> {
        Ok(self.ports()?.session_issuer.as_ref())
    }

    pub(crate) fn people(&self) -> Result<&dyn People, Problem> {
        Ok(self.ports()?.people.as_ref())
    }

    pub(crate) fn records(&self) -> Result<&dyn Records, Problem> {
        Ok(self.ports()?.records.as_ref())
    }

    fn ports(&self) -> Result<&Ports, Problem> {
        let unavailable =
            || Problem::unavailable("identity_unavailable", "Nobody can say now who people are", 5);
        self.0.ports.get().ok_or_else(unavailable)
    }

    pub(crate) fn db(&self) -> &Db {
        self.0.app.db().system()
    }

    /// Starts the entry of what a person does.
    pub(crate) fn entry(&self, actor: UserId, action: &'static str, origin: &Origin) -> Entry {
        Entry::new(self.0.app.rng(), origin.now, Actor::User(actor), action).from(origin)
    }

    /// Starts the entry of what happens to an organisation by itself.
    pub(crate) fn system_entry(&self, action: &'static str, origin: &Origin) -> Entry {
        Entry::new(self.0.app.rng(), origin.now, Actor::System("tenancy"), action).from(origin)
    }
}

impl FromRef<Tenancy> for App {
    fn from_ref(tenancy: &Tenancy) -> Self {
        tenancy.0.app.clone()
    }
}

/// Reads the role anew for every request. A cache could not know that another node has just changed it.
impl Memberships for Tenancy {
    fn standing_of<'a>(
        &'a self,
        user: &'a UserCaller,
        org_id: OrgId,
    ) -> BoxFuture<'a, Result<Option<Standing>, Problem>> {
        let bearer = service::Bearer::of(user, self.0.app.now());
        Box::pin(async move {
            let find = move |tx: &mut Tx<'_>| service::standing_for(tx, &bearer, org_id);
            Ok(self.db().read("tenancy.standing_of", find).await?)
        })
    }
}

/// This room's migrations, in order.
pub static MIGRATIONS: &[quoin_db::Migration] = quoin_db::migrations!(
    "tenancy",
    "0001_revocations",
    "0002_organizations",
    "0003_invitations",
    "0004_roles",
    "0005_lifecycle",
    "0006_sso",
    "0007_revocation_order" and "0007_revocation_order.postgres",
    "0020_provider_orgs",
    "0021_invited_only"
);

/// Every statement of this room.
pub static STATEMENTS: &[&[&Statement]] = &[
    revocations::ALL,
    store::departures::ALL,
    store::domains::ALL,
    store::domains_global::ALL,
    store::invitations::ALL,
    store::invitations_global::ALL,
    store::memberships::ALL,
    store::organizations::ALL,
    store::organizations_global::ALL,
    store::provider_orgs_global::ALL,
    store::roles::ALL,
    store::sso_connections::ALL,
];

#[cfg(test)]
mod tests;
