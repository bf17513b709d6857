//! What a room needs that guards its own rows with the users' policies.

use std::sync::Arc;

use quoin_kernel::Problem;
use quoin_kernel::port::BoxFuture;

use crate::catalogue::Catalogue;

/// Knows the users' schema and policies as they are now; `data` implements it.
pub trait Catalogues: Send + Sync {
    /// Returns the present catalogue: with what this node has migrated at once, with what other nodes have within a second.
    ///
    /// # Errors
    /// Where the schema cannot be read; then nothing may be let through.
    fn catalogue(&self) -> BoxFuture<'_, Result<Arc<Catalogue>, Problem>>;
}
