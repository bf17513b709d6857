//! The context of a call: who, from where, and the app. A handler cannot be declared without it.

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use quoin_db::Databases;
use quoin_kernel::port::Origin;
use quoin_kernel::{Problem, Timestamp};

use crate::app::App;
use crate::doorkeeper::{Doorkeeper, Who};
use crate::refusal::Refusal;
use crate::request::RequestInfo;

/// Carries who calls (`W` has let them in), from where, and the app.
#[derive(Debug)]
pub struct Ctx<W> {
    /// Who calls, as far as the doorkeeper `W` demands it.
    pub who: W,
    /// Where the call came from.
    pub origin: Origin,
    /// The app.
    pub app: App,
}

impl<W> Ctx<W> {
    /// Returns when the request arrived.
    pub const fn now(&self) -> Timestamp {
        self.origin.now
    }

    /// Returns the databases.
    pub fn db(&self) -> &Databases {
        self.app.db()
    }
}

impl<W: Doorkeeper, S> FromRequestParts<S> for Ctx<W>
where
    App: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let app = App::from_ref(state);
        let who = W::admit(parts, &app).await?;
        let origin = RequestInfo::of(&parts.extensions)?.origin.clone();
        Ok(Self { who, origin, app })
    }
}

/// The parameters of a handler, whose first is a [`Ctx`]: how [`crate::RoutesFor::add`] demands a doorkeeper.
pub trait Guarded: Send + 'static {
    /// Whom the door lets in.
    const WHO: Who;

    /// Asks the doorkeeper alone, for answers that are given without calling the handler.
    fn admit(parts: &mut Parts, app: &App) -> impl Future<Output = Result<(), Problem>> + Send;
}

macro_rules! guarded {
    ($($rest:ident)*) => {
        impl<M: Send + 'static, W: Doorkeeper, $($rest: Send + 'static),*> Guarded for (M, Ctx<W>, $($rest,)*) {
            const WHO: Who = W::WHO;

            async fn admit(parts: &mut Parts, app: &App) -> Result<(), Problem> {
                W::admit(parts, app).await.map(drop)
            }
        }
    };
}

guarded!();
guarded!(A);
guarded!(A B);
guarded!(A B C);
guarded!(A B C D);
guarded!(A B C D E);
