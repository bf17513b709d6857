//! The trail's one table.

pub(crate) mod entries_global;
pub(crate) mod purges_global;
