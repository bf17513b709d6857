//! Writes statements for either engine from expressions and catalogue names. Pure: nothing here runs.
//!
//! Values go in as parameters only, names come from the catalogue only, and the same shape of request always gives the
//! same text, so that prepared statements are met again.
//!
//! Reading order: [`builder`], `expression`, [`policy`] (SQLite only: PostgreSQL applies its own), [`statement`], [`schema`].

pub mod builder;
mod expression;
mod json_on_sqlite;
pub mod policy;
pub mod schema;
pub mod statement;
