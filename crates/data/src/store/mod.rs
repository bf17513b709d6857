//! SQL that runs: the catalogue on either engine, the ledger of migrations, the session of a request, rows.

pub mod catalogue_postgres;
pub mod catalogue_sqlite;
pub mod ledger;
pub mod rows;
pub mod session;
