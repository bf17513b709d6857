//! The nouns: an entry of the trail, and the filter that lists entries.

mod entry;
mod filter;

pub(crate) use entry::first_id_at;
pub use entry::{Actor, AuditEntry, Entry, EntryId};
pub use filter::{Filter, FilterIn};
