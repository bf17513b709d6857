//! SQL that runs: the catalogue on either engine, the ledger of migrations, rows.

pub(crate) mod catalogue_postgres;
pub(crate) mod documents;
pub(crate) mod ledger;
pub(crate) mod rows;
