//! SQL, and nothing else.

pub(crate) mod answers;
pub(crate) mod deliveries;
pub(crate) mod objects;
pub(crate) mod settings;

use quoin_db::Statement;

/// Every statement of this room.
pub(crate) static STATEMENTS: &[&[&Statement]] =
    &[answers::ALL, deliveries::ALL, objects::ALL, settings::ALL];
