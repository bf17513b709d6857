//! Revocations: what tokens and keys still claim, although it is no longer so.
//!
//! Access tokens are verified without the database, so whatever ends early is written down here until the last token
//! that claims it has expired. None of it compares clocks: a session, an organisation and a key end for good, and a
//! membership carries a version that tokens repeat, so that a token of an older version is refused and one of a newer
//! version is not.

mod store_global;

use std::time::Duration;

use quoin_db::{DbError, Tx};
use quoin_kernel::{ApiKeyId, Id, OrgId, Rng, SessionId, Timestamp, UserId};

pub(crate) use store_global::ALL;
pub use store_global::{purge, since};

/// The topic of commits that revoke something.
pub const TOPIC: &str = "tenancy.revocations";
/// How long a revocation is kept: longer than any access token lives.
pub const KEPT: Duration = Duration::from_hours(2);

/// A kind for [`Id`]: one entry of the list.
#[derive(Debug)]
pub enum RevocationEntry {}

/// What is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// A session has ended: signed out, banned, password changed, token reused.
    Session(SessionId),
    /// A membership has ended or changed its role; tokens that repeat a version below this one are refused.
    Membership {
        /// The person.
        user_id: UserId,
        /// The organisation.
        org_id: OrgId,
        /// The first version that is good again.
        below_version: i64,
    },
    /// An organisation is gone.
    Organization(OrgId),
    /// An API key is revoked.
    ApiKey(ApiKeyId),
}

/// Marks how far the list was read; the default is its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor(i64);

/// What was taken back, and when.
pub type Entry = (Revoked, Timestamp);

/// One entry, with the id and time that must be made before the transaction.
#[derive(Debug, Clone, Copy)]
pub struct Revocation {
    id: Id<RevocationEntry>,
    at: Timestamp,
    revoked: Revoked,
}

impl Revocation {
    /// Prepares an entry; [`revoke`] writes it.
    pub fn new(revoked: Revoked, now: Timestamp, rng: &dyn Rng) -> Self {
        Self { id: Id::new(now, rng), at: now, revoked }
    }

    /// Keeps id and time, and takes something else back: for what is known only inside the transaction.
    #[must_use]
    pub(crate) const fn of(self, revoked: Revoked) -> Self {
        Self { revoked, ..self }
    }
}

/// Takes something back, in the transaction that ends it. On this node it holds before that transaction's caller is
/// answered, on others within seconds.
pub fn revoke(tx: &mut Tx<'_>, revocation: &Revocation) -> Result<(), DbError> {
    store_global::insert(tx, revocation.id, revocation.revoked, revocation.at, revocation.at + KEPT)?;
    tx.notify_on_commit(TOPIC);
    Ok(())
}
