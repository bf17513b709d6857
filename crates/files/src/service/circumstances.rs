//! Under what circumstances bytes become an object.

use super::policies::Policies;
use super::resumable::Source;

/// What decides about an object besides its bucket's rules; by default nothing does, as for what Quoin stores itself.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// What policies say to whoever stores it.
    pub(crate) policies: Policies,
    /// The resumable upload that it ends.
    pub(crate) source: Option<Source>,
    /// How many bytes of the quota were kept for it when it was announced.
    pub(crate) reserved_bytes: u64,
    /// What its first bytes say it is.
    pub(crate) sniffed: Option<&'static str>,
}
