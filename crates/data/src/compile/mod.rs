//! Writes statements for either engine from expressions and catalogue names. Pure: nothing here runs.
//!
//! Values go in as parameters only, names come from the catalogue only, and the same shape of request always gives the
//! same text, so that prepared statements are met again.
//!
//! Reading order: [`builder`], `expression`, [`policy`] (SQLite only: PostgreSQL applies its own), [`statement`] and
//! the three rooms that write statements, [`schema`].

pub mod builder;
mod changing;
mod expression;
mod inserting;
mod json_on_sqlite;
pub mod policy;
mod reading;
pub mod schema;
pub mod statement;
