//! What rooms may ask of each other without knowing each other. One room implements, `server` hands over.

use std::net::IpAddr;
use std::pin::Pin;

use serde_json::Value;

use crate::billing::{Coverage, LimitReached, Subject};
use crate::{Caller, Issuer, Language, OrgId, Problem, Standing, Timestamp, UserCaller};

/// A boxed future, so that ports stay usable behind `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where a request came from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The request's id, which its log line carries.
    pub request_id: String,
    /// The client's address, as far as trusted proxies tell it.
    pub ip: IpAddr,
    /// The client's `User-Agent`, cut at 256 bytes.
    pub user_agent: String,
    /// The language that the client asks for (`Accept-Language`), where Quoin speaks it.
    pub language: Option<Language>,
    /// When the request arrived.
    pub now: Timestamp,
    /// The organisation whose people the call is about, where people belong to one each and the call names it.
    pub realm: Option<OrgId>,
}

impl Origin {
    /// Leaves the language out, where whoever asks is not who will read.
    #[must_use]
    pub fn for_another_reader(&self) -> Self {
        Self { language: None, ..self.clone() }
    }
}

/// Says who holds a credential. Every API asks it on every call; `identity` implements it.
pub trait Authenticator: Send + Sync {
    /// Checks an access token or an API key.
    ///
    /// # Errors
    /// 401 or 403 for a credential that is not, or no longer, valid; 503 when that cannot be found out.
    fn authenticate<'a>(
        &'a self,
        credential: &'a str,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Caller, Problem>>;
}

/// Says whether whoever had something signed could still have it signed. Every door that a signed URL opens asks it;
/// `identity` implements it.
pub trait Issuers: Send + Sync {
    /// Tells whether the session and its place in the organisation, or the key, are still what they were: not signed out,
    /// banned, removed or revoked.
    ///
    /// # Errors
    /// 503 where that cannot be found out.
    fn is_live<'a>(&'a self, issuer: &'a Issuer, now: Timestamp) -> BoxFuture<'a, Result<bool, Problem>>;
}

/// Issues a session with another active organisation; `identity` implements it for `tenancy`.
pub trait SessionIssuer: Send + Sync {
    /// Ends the present refresh token and answers the session body of a new pair with `org_id` active.
    fn switch<'a>(
        &'a self,
        caller: &'a UserCaller,
        org_id: OrgId,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Value, Problem>>;
}

/// Knows who belongs to which organisation; `tenancy` implements it for the doors in `web`.
pub trait Memberships: Send + Sync {
    /// Returns what the person is there, or `None` if they are not a member or it does not exist.
    ///
    /// # Errors
    /// 403 where the organisation does not accept the session the person comes with.
    fn standing_of<'a>(
        &'a self,
        user: &'a UserCaller,
        org_id: OrgId,
    ) -> BoxFuture<'a, Result<Option<Standing>, Problem>>;
}

/// Knows what has been paid for; `payments` implements it for `identity`, which tells other services.
pub trait Billing: Send + Sync {
    /// Says what a subject has paid for, as of now.
    fn coverage(&self, subject: Subject) -> BoxFuture<'_, Result<Coverage, Problem>>;
}

/// Counts calls of the API against what plans allow; `payments` implements it for the one door in `web`.
pub trait CallMeter: Send + Sync {
    /// Tells, without waiting, whether any plan limits calls. Where none does, none is counted.
    fn is_limited(&self) -> bool;

    /// Counts a call out of what this node holds in reserve, or refuses, without waiting; `None` where there is nothing in
    /// reserve or it is not believed any more.
    fn count(&self, subject: Subject, now: Timestamp) -> Option<Result<(), LimitReached>>;

    /// Asks for a new reserve and counts a call out of it.
    ///
    /// # Errors
    /// 402 with the limit, the present use and the way to a larger plan; 503 where that cannot be found out.
    fn reserve(&self, subject: Subject, now: Timestamp) -> BoxFuture<'_, Result<(), Problem>>;
}
