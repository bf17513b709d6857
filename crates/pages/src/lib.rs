//! The pages that people meet: sign-in, sign-up, mailed links and codes, second factors, passkeys, the account; and the
//! look of every other page, for rooms that have something to say to a person.
//!
//! They are one more door to the services of `identity` and `tenancy`, never to their stores, and neither room knows them.
//! Made on the server; only the passkey page has a script, one file of ours. Invariants:
//!
//! - Whatever a form sends has passed `visit::Sent`, which checks the CSRF token; no handler takes a form otherwise.
//! - A browser's session is a session like any other, issued by the one function of `identity`. Its tokens are in cookies that
//!   only these pages read, so no API can be called with them from elsewhere.
//! - A session belongs to the pages or to an application, never to both: tokens that are handed on leave no cookie behind.
//! - The content policy allows nothing inline. Text comes from the message files, in the language that the person reads.
//!
//! Reading order: [`config`], [`messages`], `frame`, `look`, `visit`, `browser_session`, `http/`.

mod browser_session;
pub mod config;
mod frame;
mod http;
mod look;
pub mod messages;
mod theme;
mod visit;

use std::sync::Arc;

use axum::extract::FromRef;
use quoin_identity::Identity;
use quoin_tenancy::Tenancy;
use quoin_web::{App, Module};

pub use config::PagesConfig;
pub use frame::Frame;
use look::Look;
pub use look::LookError;

/// The room: the services behind the pages of an account, and how they look. Cloning shares it.
#[derive(Clone)]
pub struct Pages(Arc<Inner>);

struct Inner {
    identity: Identity,
    tenancy: Tenancy,
    frame: Frame,
}

impl Pages {
    /// Puts the services behind the pages.
    pub fn new(identity: &Identity, tenancy: &Tenancy, frame: &Frame) -> Self {
        let (identity, tenancy, frame) = (identity.clone(), tenancy.clone(), frame.clone());
        Self(Arc::new(Inner { identity, tenancy, frame }))
    }

    /// Describes the room to `server`.
    pub fn module(&self) -> Module {
        Module::new("account", http::routes(self.clone()))
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.0.identity
    }

    pub(crate) fn tenancy(&self) -> &Tenancy {
        &self.0.tenancy
    }

    pub(crate) fn look(&self) -> &Look {
        self.0.frame.look()
    }
}

impl FromRef<Pages> for App {
    fn from_ref(pages: &Pages) -> Self {
        pages.identity().app().clone()
    }
}
