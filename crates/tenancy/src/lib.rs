//! Organisations, who belongs to them, and what has been taken back.
//!
//! An *organisation* is the tenant that owns rows. A *membership* says who belongs to it, as owner, admin or member. Every
//! account begins with a *personal* organisation. A *revocation* is what access tokens may no longer claim. Invariants:
//!
//! - An organisation always has an owner, also when several step down at the same moment.
//! - A change of role or a removal holds from the next request on, on every node within seconds: the membership's version
//!   grows, and the revocation list refuses tokens of an older one.
//! - A personal organisation cannot be deleted apart from its person's account.
//!
//! `identity` calls [`create_personal`], [`active_org`], [`set_last_used`] and [`remove_person`] inside its own
//! transactions.
//!
//! Reading order: [`model`], `store`, [`service`], [`revocations`], `http`.

mod error;
mod http;
mod jobs;
pub mod model;
pub mod revocations;
pub mod service;
mod store;

pub use error::TenancyError;
pub use model::{ActiveOrg, NewMember, NewPersonal, OrgName};
pub use revocations::{Revocation, Revoked};
pub use service::{
    RemovedPerson, active_org, add_member, create_personal, exists, membership_of, remove_person, role_of,
    set_last_used,
};

use std::sync::{Arc, OnceLock};

use quoin_db::{DbError, Statement};
use quoin_kernel::port::{BoxFuture, Memberships, SessionIssuer};
use quoin_kernel::{OrgId, Problem, Standing, UserCaller};
use quoin_web::{App, FromRef, Module};

/// The room: the app, and the port through which it has sessions issued. Cloning shares it.
#[derive(Clone)]
pub struct Tenancy(Arc<Inner>);

struct Inner {
    app: App,
    session_issuer: OnceLock<Arc<dyn SessionIssuer>>,
}

impl Tenancy {
    /// Opens the room. Until [`Tenancy::connect`] is called, switching answers 503.
    pub fn new(app: App) -> Self {
        Self(Arc::new(Inner { app, session_issuer: OnceLock::new() }))
    }

    /// Hands over who issues sessions, once: that room needs this one first.
    pub fn connect(&self, session_issuer: Arc<dyn SessionIssuer>) {
        // A second issuer would come from a second start of the same process; the first one stays.
        self.0.session_issuer.get_or_init(|| session_issuer);
    }

    /// Describes this room to `server`.
    pub fn module(&self) -> Module {
        Module {
            jobs: jobs::types(&self.0.app),
            schedules: jobs::schedules(),
            ..Module::new("tenancy", http::routes(self.clone()))
        }
    }

    pub(crate) fn session_issuer(&self) -> Result<&dyn SessionIssuer, Problem> {
        let issuer = self.0.session_issuer.get().map(AsRef::as_ref);
        issuer.ok_or_else(|| Problem::unavailable("identity_unavailable", "No session can be issued now", 5))
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
        let user_id = user.user_id;
        Box::pin(async move {
            let db = self.0.app.db().system();
            let role: Result<_, DbError> =
                db.read("tenancy.standing_of", move |tx| role_of(tx, user_id, org_id)).await;
            Ok(role?.map(Standing::of))
        })
    }
}

/// This room's migrations, in order.
pub static MIGRATIONS: &[quoin_db::Migration] =
    quoin_db::migrations!("tenancy", "0001_revocations", "0002_organizations");

/// Every statement of this room.
pub static STATEMENTS: &[&[&Statement]] =
    &[revocations::ALL, store::memberships::ALL, store::organizations::ALL];

#[cfg(test)]
mod tests;
