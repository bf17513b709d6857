//! Organisations, who belongs to them, and what has been taken back.

pub mod revocations;

pub use revocations::{Revocation, Revoked};

/// Every statement of this room.
pub static STATEMENTS: &[&[&quoin_db::Statement]] = &[revocations::ALL];
